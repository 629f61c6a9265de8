"""Folders as KITTI has them bring their cameras and their moments."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made import SIZE, picture, write_png

from stereo3d.cameras import RectifiedCamera
from stereo3d.recording.base import Recording, open_recording

FOCAL, CENTRE = 50.0, (31.5, 23.5)


def projections(**changes: str) -> str:
    """A calib.txt of cameras 0 to 3, of which 1 and 3 stand 0.12 m to the right of 0, 2 at 0.06 m to its left."""
    places = {"P0": 0.0, "P1": 0.12, "P2": -0.06, "P3": 0.12}
    lines = {
        name: f"{FOCAL} 0 {CENTRE[0]} {-FOCAL * x} 0 {FOCAL} {CENTRE[1]} 0 0 0 1 0" for name, x in places.items()
    }
    return "".join(f"{name}: {text}\n" for name, text in (lines | {"Tr": "1 0 0 0"} | changes).items())


def lay(root: Path, names: tuple[str, str] = ("image_0", "image_1"), below: str = "") -> Path:
    for side, name in zip(("left", "right"), names):
        for i in range(3):
            write_png(root / name / below / f"{i:06d}.png", picture(i, side))
    return root


def opened(root: Path, *paths: Path) -> Recording:
    with open_recording(*paths or (root,)) as recording:
        return recording


@pytest.mark.parametrize(("names", "baseline"), [(("image_0", "image_1"), 0.12), (("image_2", "image_3"), 0.18)])
def test_the_cameras_are_read(names: tuple[str, str], baseline: float, tmp_path: Path) -> None:
    (lay(tmp_path, names) / "calib.txt").write_text(projections())
    for recording in (opened(tmp_path), opened(tmp_path, *(tmp_path / name for name in names))):
        camera = recording.rig
        assert isinstance(camera, RectifiedCamera) and camera.baseline == pytest.approx(baseline)
        assert (camera.focal, camera.cx.left, camera.cx.right, camera.cy) == (FOCAL, 31.5, 31.5, 23.5)
        assert recording.rectified is True and camera.size == SIZE
    assert f"the cameras are P{names[0][-1]} and P{names[1][-1]} of calib.txt: rectified pictures" in recording.notes


@pytest.mark.parametrize(("text", "why"), [
    ("", "expected P0 with 12 numbers, got 0"),
    (projections(P1="1 2 3"), "expected P1 with 12 numbers, got 3"),
    (projections(P1=f"60 0 31.5 -7.2 0 60 {CENTRE[1]} 0 0 0 1 0"), "expected one focal length"),
    (projections(P1=f"{FOCAL} 0 31.5 -6 0 {FOCAL} 30 0 0 0 1 0"), "expected one focal length and one middle row"),
    (projections(P1=f"{FOCAL} 0 31.5 0 0 {FOCAL} {CENTRE[1]} 0 0 0 1 0"), "baseline: expected metres"),
    (projections(P0="a " * 12), "could not convert string"),
])
def test_cameras_that_make_no_sense_are_left_aside(text: str, why: str, tmp_path: Path) -> None:
    (lay(tmp_path) / "calib.txt").write_text(text)
    recording = opened(tmp_path)
    assert recording.rig is None and recording.rectified is None
    assert any(note.startswith("calib.txt is left aside: ") and why in note for note in recording.notes)


def test_a_raw_recording_has_its_pictures_in_data_and_dates(tmp_path: Path) -> None:
    names = ("image_00", "image_01")
    lay(tmp_path, names, "data")
    lines = [f"2011-09-26 13:02:25.{964389445 + i * 10_000_000:09d}" for i in range(3)]
    (tmp_path / "image_00" / "timestamps.txt").write_text("\n".join(lines) + "\n")
    recording = opened(tmp_path)
    np.testing.assert_allclose(recording.time, [0, 0.01, 0.02], atol=1e-9)
    assert recording.fps == pytest.approx(100) and recording.notes == ()
