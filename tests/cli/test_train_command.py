"""stereo3d train: from annotated pictures to weights, and sentences for what is wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

from dotted import write_coco  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

from stereo3d.cli.app import app  # noqa: E402

RECIPE = """
[network]
architecture = "hrnet_w16"
input_size = [64, 64]
[data]
train = ["{labels}"]
[training]
epochs = 1
batch = 8
device = "cpu"
precision = "fp32"
"""


def test_a_recipe_becomes_weights(tmp_path: Path) -> None:
    labels = write_coco(tmp_path / "set", 12)
    (tmp_path / "r.toml").write_text(RECIPE.format(labels=labels))
    words = ["train", str(tmp_path / "r.toml"), "-o", str(tmp_path / "run")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "epoch 1/1" in done.stderr and "9 pictures to learn from, 3 held out" in done.stderr
    assert Path(done.stdout.strip()) == tmp_path / "run" / "best.safetensors"
    assert Path(done.stdout.strip()).stat().st_size < 10.5e6
    again = CliRunner().invoke(app, words)
    assert again.exit_code == 2 and "--resume" in again.stderr


@pytest.mark.parametrize("words, code, sentence", [
    (["train", "-o", "run"], 4, "expected train"),
    (["train", "none.toml", "-o", "run"], 4, "none.toml"),
    (["train", "-o", "run", "--preset", "best"], 2, "preset"),
    (["train", "-o", "run", "--set", 'data.train=["none.json"]'], 4, "there is no such file"),
])
def test_what_is_wrong_is_said(words: list[str], code: int, sentence: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, [w.replace("run", str(tmp_path / "run")) for w in words])
    assert done.exit_code == code and sentence in done.stderr, done.stderr
