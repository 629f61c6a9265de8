"""Recipes: AGMA's protocol by default, changed by file and by hand, wrong ones refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from stereo3d.errors import InputError, InvalidValue, UsageError
from stereo3d.training.recipe import PRESETS, recipe


def test_the_default_is_agmas_protocol() -> None:
    told = PRESETS["finetune"].training
    assert (told.rate, told.epochs, told.scale, told.rotation, told.cosine) == (1e-4, 15, (0.9, 1.1), 45.0, False)


def test_a_file_and_then_what_is_set_by_hand(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text('[data]\ntrain = ["a.json"]\n[training]\nepochs = 3\nrate = 1e-3\n')
    told = recipe("finetune", tmp_path / "r.toml", ["training.epochs=4", "network.input_size=[192, 256]"])
    assert told.data.train == ("a.json",) and told.training.epochs == 4 and told.training.rate == 1e-3
    assert told.network.input_size == (192, 256)


@pytest.mark.parametrize("said, error, sentence", [
    (["training.epoch=3"], UsageError, "did you mean 'epochs'"),
    (["training.epochs=0"], InvalidValue, "expected a whole number from 1, got 0"),
    (["training.scale=[1.2, 0.9]"], InvalidValue, "expected the least and the greatest"),
    (["training.precision=fp8"], UsageError, "precision"),
    (["network.input_size=[100, 100]"], InvalidValue, "multiples of 32"),
    (["network.architecture=hrnet_w18"], UsageError, "did you mean 'hrnet_w16'|hrnet_w32"),
    (["network.input_size=[96, 128]"], InvalidValue, "multiples of 64 px, got 96 x 128"),
    (["data.rendered=2.5"], InvalidValue, "whole number"),
])
def test_wrong_settings_are_named(said: list[str], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        recipe("bundled", None, said)


def test_something_has_to_be_learned_from() -> None:
    with pytest.raises(InvalidValue, match=r"expected train .* or rendered"):
        recipe("finetune")
    with pytest.raises(UsageError, match="did you mean 'finetune'"):
        recipe("fintune")
    with pytest.raises(InputError, match="none.toml"):
        recipe("finetune", "none.toml")
