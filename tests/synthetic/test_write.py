"""Sample recordings: what was simulated comes back, and the sample in the project is the one it says it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from small_scenes import small  # noqa: E402

from stereo3d import storage  # noqa: E402
from stereo3d.errors import InputError, MissingPackage  # noqa: E402
from stereo3d.recording.base import open_recording  # noqa: E402
from stereo3d.synthetic import write  # noqa: E402
from stereo3d.synthetic.picture.pairs import Photographer  # noqa: E402
from stereo3d.synthetic.scene import Simulation, simulate  # noqa: E402
from stereo3d.synthetic.write import read_labels, write_joints, write_sample  # noqa: E402

SAMPLE = Path(__file__).parents[2] / "sample_data" / "infant.h5"


@pytest.fixture(scope="module")
def scene() -> Simulation:
    return small(simulate(2, 0.2, fps=15), 8)


def test_everything_comes_back(scene: Simulation, tmp_path: Path) -> None:
    done: list[int] = []
    write_sample(tmp_path / "a.h5", scene, quality=None, on_progress=done.append)
    assert done == [1, 1, 1]
    with open_recording(tmp_path / "a.h5") as recording:
        assert recording.rig == scene.rig and recording.rectified is False
        assert recording.truth == scene.truth
        assert recording.joints == scene.detections and recording.joints_camera is None
        assert np.array_equal(recording.time, scene.truth.time) and recording.fps == 15
        wanted, got = Photographer(scene).pair(1), recording[1].images
        assert np.array_equal(got.left, wanted.left) and np.array_equal(got.right, wanted.right)


def test_same_seed_same_bytes(scene: Simulation, tmp_path: Path) -> None:
    for name in "ab":
        write_sample(tmp_path / name, small(simulate(2, 0.2, fps=15), 8))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_jpeg_keeps_the_picture(scene: Simulation, tmp_path: Path) -> None:
    write_sample(tmp_path / "95.h5", scene, quality=95)
    with open_recording(tmp_path / "95.h5") as recording:
        assert recording.codec == "jpeg"
        error = recording[0].images.left.astype(float) - Photographer(scene).pair(0).left
    assert np.abs(error).mean() < 2


def test_the_sample_is_small_and_the_one_that_its_readme_says() -> None:
    """stereo3d simulate --seed 7 --seconds 3 --fps 15"""
    scene = simulate(7, 3, fps=15)
    assert SAMPLE.stat().st_size + (SAMPLE.parent / "README.md").stat().st_size < 3.5e6
    with open_recording(SAMPLE) as recording:
        assert len(recording) == 45 and recording.size == (1280, 720)
        assert recording.truth is not None and recording.joints is not None
        assert np.allclose(recording.truth.xyz, scene.truth.xyz, atol=1e-9)
        for got, wanted in zip(recording.joints, scene.detections):
            assert np.allclose(got.xy, wanted.xy, atol=1e-6, equal_nan=True)
        error = recording[20].images.left.astype(float) - Photographer(scene).pair(20).left
    assert np.abs(error).mean() < 3


def test_labels_say_what_each_view_shows(scene: Simulation, tmp_path: Path) -> None:
    write_sample(tmp_path / "a.h5", scene)
    found = read_labels(tmp_path / "a.h5")
    for label, pixels in zip(found.views, scene.pixels):
        assert np.array_equal(label.xy, pixels.xy) and set(np.unique(label.score)) <= {0.0, 1.0}
        assert label.score.mean() > 0.7
    apart = np.linalg.norm(found.skin.xyz - scene.truth.xyz, axis=-1)
    assert apart.shape == (3, 17) and (apart[:, 5:] > 0.001).all() and apart.max() < 0.15
    assert found.skin.camera == scene.truth.camera


def test_a_file_without_labels_is_named(scene: Simulation, tmp_path: Path) -> None:
    write_joints(tmp_path / "j.h5", scene)
    assert set(storage.read(tmp_path / "j.h5")) >= {"left", "right", "rig", "truth"}
    with pytest.raises(InputError, match="expected a simulated recording with labels"):
        read_labels(tmp_path / "j.h5")


def test_without_torch_the_sentence_says_what_to_install(
    scene: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "stereo3d.synthetic.picture.pairs", None)
    monkeypatch.setattr(write, "_is_torch", lambda _: True)
    with pytest.raises(MissingPackage, match=r"pip install 'stereo3d\[detect\]'"):
        write_sample(tmp_path / "a.h5", scene)
