"""Training: it learns, a kill costs nothing but the epoch in hand, and its weights work in the detector."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from dotted import annotated, dotted  # noqa: E402

from stereo3d.detectors.base import build  # noqa: E402
from stereo3d.errors import InputError, UsageError  # noqa: E402
from stereo3d.training import loop  # noqa: E402
from stereo3d.training.loop import Report, half, train  # noqa: E402
from stereo3d.training.recipe import Network, Recipe, Training  # noqa: E402
from stereo3d.training.samples import Samples, cut  # noqa: E402

RECIPE = Recipe(
    Network("hrnet_w16", (64, 64)),
    training=Training(epochs=2, batch=8, rate=3e-3, precision="fp32", device="cpu", rotation=10, average=0.9))


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    return cut(tmp_path_factory.mktemp("samples"), annotated(48), (64, 64))


@pytest.fixture(scope="module")
def held_out(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    return cut(tmp_path_factory.mktemp("held"), annotated(8, seed=9), (64, 64))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


class Killed(BaseException):
    pass


def test_it_learns_and_its_weights_find_the_joints(samples: Samples, held_out: Samples, tmp_path: Path) -> None:
    told: list[Report] = []
    recipe = replace(RECIPE, training=replace(RECIPE.training, epochs=16))
    best = train(recipe, samples, held_out, tmp_path / "run", on_epoch=told.append)
    assert [r.epoch for r in told] == list(range(1, 17))
    assert told[-1].loss < told[0].loss - 1 and told[-1].score.pck[2] > 0.75 > told[0].score.pck[2]
    assert json.loads((tmp_path / "run" / "history.json").read_text())[-1]["epoch"] == 16
    assert (tmp_path / "run" / "curves.png").read_bytes()[:4] == b"\x89PNG"
    detector = build("darkpose", str(best), device="cpu", flip=True)
    images, xy = dotted(4, (64, 64), seed=5)
    found = detector(images)
    assert detector.skeleton.name == "COCO-17" and detector.crop.size == (64, 64)
    assert np.median(np.linalg.norm(found.xy - xy, axis=-1)) < 4
    assert np.median(found.score) > 0.1


def test_killed_anywhere_it_comes_to_the_same_weights(samples: Samples, held_out: Samples, tmp_path: Path) -> None:
    whole = train(RECIPE, samples, held_out, tmp_path / "whole")
    seen = 0

    def kill(count: int) -> None:
        nonlocal seen
        seen += count
        if seen > 56:  # within the second epoch
            raise Killed

    with pytest.raises(Killed):
        train(RECIPE, samples, held_out, tmp_path / "torn", on_step=kill)
    with pytest.raises(UsageError, match="--resume to go on or --restart"):
        train(RECIPE, samples, held_out, tmp_path / "torn")
    told: list[Report] = []
    again = train(RECIPE, samples, held_out, tmp_path / "torn", resume=True, on_epoch=told.append)
    assert [r.epoch for r in told] == [2]
    assert again.read_bytes() == whole.read_bytes()
    longer = replace(RECIPE, training=replace(RECIPE.training, epochs=3))
    train(longer, samples, held_out, tmp_path / "torn", resume=True, on_epoch=told.append)
    assert told[-1].epoch == 3
    with pytest.raises(UsageError, match="another training.rate"):
        train(replace(RECIPE, training=replace(RECIPE.training, rate=1e-3)), samples, held_out, tmp_path / "torn",
              resume=True)


def test_it_stops_when_nothing_gets_better(samples: Samples, held_out: Samples, tmp_path: Path) -> None:
    told: list[Report] = []
    stuck = replace(RECIPE, training=replace(RECIPE.training, epochs=9, rate=1e-9, average=0.0, patience=2))
    train(stuck, samples, held_out, tmp_path, on_epoch=told.append)
    assert 3 <= len(told) < 9


def test_published_networks_are_tuned_further(samples: Samples, held_out: Samples, tmp_path: Path) -> None:
    """W32 by squared differences, from weights; a step at rate 0 leaves them as they were."""
    start = train(replace(RECIPE, training=replace(RECIPE.training, epochs=1)), samples, held_out, tmp_path / "first")
    same = Training(epochs=1, batch=24, rate=1e-9, precision="fp32", device="cpu", average=0.0)
    tuned = train(Recipe(Network("hrnet_w16", (64, 64), weights=str(start)), training=same), samples, held_out,
                  tmp_path / "second")
    from safetensors.torch import load_file

    before, after = load_file(start), load_file(tuned)
    assert all(torch.allclose(before[n], after[n], atol=1e-5) for n in before if n.endswith("conv1.weight"))


def test_the_first_epochs_see_small_pictures(samples: Samples, held_out: Samples, tmp_path: Path,
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, ...]] = []
    fed = loop.normalised
    monkeypatch.setattr(loop, "normalised", lambda images: seen.append(tuple(images.shape[1:3])) or fed(images))
    train(replace(RECIPE, training=replace(RECIPE.training, epochs=3, batch=24, coarse=0.5)), samples, held_out, tmp_path)
    assert seen == 4 * [(32, 32)] + 2 * [(64, 64)]


def test_a_state_of_another_run_is_named(samples: Samples, held_out: Samples, tmp_path: Path) -> None:
    train(replace(RECIPE, training=replace(RECIPE.training, epochs=1)), samples, held_out, tmp_path)
    torch.save({"net": {}}, tmp_path / "last.pt")
    with pytest.raises(InputError, match="does not fit this run"):
        train(RECIPE, samples, held_out, tmp_path, resume=True)


def test_half_precision_is_taken_where_told() -> None:
    assert half("bf16", "cpu") and not half("fp32", "cpu")
    assert isinstance(half("auto", "cpu"), bool)
