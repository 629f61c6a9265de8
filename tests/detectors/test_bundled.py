"""The weights in the box: used where they are and none are given, with a sentence; else weights are asked for."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from typer.testing import CliRunner  # noqa: E402

from stereo3d.journal import sha256  # noqa: E402
from stereo3d.cli.app import app  # noqa: E402
from stereo3d.detectors import bundled  # noqa: E402
from stereo3d.detectors.base import Detector, build  # noqa: E402
from stereo3d.errors import MissingWeights  # noqa: E402
from stereo3d.models.architectures import build as network  # noqa: E402
from stereo3d.skeleton import COCO_17  # noqa: E402
from stereo3d.synthetic.casting import HELD_OUT  # noqa: E402
from stereo3d.synthetic.crops import crops_of  # noqa: E402
from stereo3d.training.augment import Batch  # noqa: E402
from stereo3d.training.measure import upright  # noqa: E402
from stereo3d.training.recipe import PRESETS  # noqa: E402
from stereo3d.training.state import keep  # noqa: E402

ROOT = Path(__file__).parents[2]
SAMPLE = str(ROOT / "sample_data" / "infant.h5")


@pytest.fixture
def no_box(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(bundled, "FILE", tmp_path / "box" / "infant_w16.safetensors")
    return bundled.FILE


@pytest.fixture
def box(no_box: Path) -> Path:
    """Weights drawn by chance, of the shape that those in the box have."""
    torch.manual_seed(3)
    no_box.parent.mkdir()
    return keep(network(PRESETS["bundled"].network.architecture, 17), no_box, PRESETS["bundled"])


@pytest.mark.parametrize("colours", ["as they are", "grey", "in another order"])
def test_what_is_in_the_box_finds_infants_it_was_not_trained_on(colours: str) -> None:
    """Rendered ones, also as a camera by night or one that swaps its channels shows them; the crops are drawn as in
    training, and turned head up as the search turns them."""
    assert bundled.FILE.stat().st_size <= 10e6
    detector = build("darkpose", device="cpu")
    size = detector.crop.size
    made = crops_of([HELD_OUT + (3 << 20) + i for i in range(4)], 12, size=size, kind="clean")
    drawn = upright(Batch(made.images, made.joints, made.inside.float()), size, COCO_17)
    seen = (drawn.weight > 0).numpy() & made.visible.numpy()
    images = drawn.images.numpy()
    if colours != "as they are":
        grey = np.repeat(images.mean(-1, keepdims=True).astype(np.uint8), 3, axis=-1)
        images = grey if colours == "grey" else np.ascontiguousarray(images[..., ::-1])
    off = np.linalg.norm(detector(images).xy - drawn.xy.numpy(), axis=-1)[seen]
    assert seen.sum() > 100 and np.median(off) < 3 and np.mean(off < 8) > 0.93


def test_without_a_box_weights_are_asked_for(no_box: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match="detector 'darkpose' needs weights, and none were given"):
        build("darkpose")
    done = CliRunner().invoke(app, ["detect", SAMPLE, "-o", str(tmp_path / "j.h5")])
    assert done.exit_code == 5 and "rendered infants" not in done.stderr


def test_darkpose_takes_the_box(box: Path) -> None:
    made = build("darkpose", device="cpu", flip=False)
    assert isinstance(made, Detector) and made.crop.size == (192, 256) and made.skeleton.name == "COCO-17"
    given = build("darkpose", box, device="cpu", flip=False)
    images = np.random.default_rng(0).integers(0, 255, (1, 256, 192, 3), np.uint8)
    assert isinstance(given, Detector) and np.array_equal(made(images).xy, given(images).xy)
    assert box.stat().st_size < 10e6
    with pytest.raises(MissingWeights):
        build("hrnet")


def test_a_run_says_what_its_weights_are(box: Path, tmp_path: Path) -> None:
    words = ["detect", SAMPLE, "-o", str(tmp_path / "j.h5"), "--stop", "0.05", "--roi", "640,360,500",
             "--set", "detect.device=cpu"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.stderr
    assert bundled.NOTE in done.stderr and bundled.NOTE not in done.stdout and "rendered infants only" in bundled.NOTE
    assert sha256(box) in next(tmp_path.glob("j*.run.json")).read_text()
    other = tmp_path / "mine.safetensors"
    shutil.copy(box, other)
    done = CliRunner().invoke(app, [*words[:3], str(tmp_path / "k.h5"), *words[4:], "--weights", str(other)])
    assert done.exit_code == 0 and bundled.NOTE not in done.stderr


def test_make_weights_puts_them_where_they_are_looked_for() -> None:
    recipe = re.search(r"^weights:.*?\n\n", (ROOT / "Makefile").read_text(), re.DOTALL | re.MULTILINE)
    assert recipe and "train --preset bundled --resume" in recipe[0]
    assert f" {Path('stereo3d/detectors/weights') / Path(bundled.__file__).parent.joinpath('weights/infant_w16.safetensors').name}" in recipe[0]
    assert bundled.FILE == ROOT / "stereo3d" / "detectors" / "weights" / "infant_w16.safetensors"
    assert "weights/*.safetensors" in (ROOT / "setup.cfg").read_text()
