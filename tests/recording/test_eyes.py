"""The pictures say which view is the left one, and say so only where they can."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from made import both, write_png, write_video

from stereo3d.cameras import RectifiedCamera
from stereo3d.describe import file
from stereo3d.recording.base import open_recording
from stereo3d.recording.eyes import Eyes, look_at_eyes
from stereo3d.stereo import Stereo

SAMPLE = Path(__file__).parents[2] / "sample_data" / "infant.h5"


def scene(folder: Path, disparity: int, *, rows: int = 0, other: bool = False) -> Path:
    """Two pairs of a random texture, the right view shifted to the left by the disparity; or of two textures."""
    rng = np.random.default_rng(1)
    coarse, strange = (rng.integers(0, 256, (60, 100), np.uint8) for _ in range(2))
    wide = cv2.resize(coarse, (800, 480), interpolation=cv2.INTER_CUBIC)
    right = cv2.resize(strange, (800, 480), interpolation=cv2.INTER_CUBIC) if other else wide
    for i in range(2):
        write_png(folder / "left" / f"{i}.png", wide[50:430, 80:720])
        write_png(folder / "right" / f"{i}.png", right[50 - rows:430 - rows, 80 + disparity:720 + disparity])
    return folder


@pytest.mark.parametrize(("disparity", "swap", "swapped"), [
    (40, False, False), (40, True, True), (-40, False, True), (-40, True, False), (0, False, None), (2, False, None),
])
def test_the_sign_of_the_disparity_tells(disparity: int, swap: bool, swapped: Any, tmp_path: Path) -> None:
    with open_recording(scene(tmp_path, disparity), swap=swap) as recording:
        eyes = look_at_eyes(recording)
        assert eyes.swapped is swapped
        assert np.median(eyes.disparity) == pytest.approx(-disparity if swap else disparity, abs=0.5)


def test_pictures_that_have_nothing_in_common_say_nothing(tmp_path: Path) -> None:
    with open_recording(scene(tmp_path / "a", 40, other=True)) as recording:
        assert look_at_eyes(recording).swapped is None
    with open_recording(scene(tmp_path / "b", 40, rows=45)) as recording:
        assert look_at_eyes(recording).swapped is None
    with open_recording(write_video(tmp_path / "a.mp4", map(both, range(3)))) as recording:
        assert str(look_at_eyes(recording)).startswith("unknown, ")


def test_the_sample_is_the_right_way_round() -> None:
    with open_recording(SAMPLE) as recording:
        assert look_at_eyes(recording).swapped is False


def test_a_rig_that_is_the_wrong_way_round_too_makes_it_right(tmp_path: Path) -> None:
    with open_recording(scene(tmp_path, -40)) as recording:
        recording.rig = RectifiedCamera(recording.size, 500.0, Stereo(320.0, 320.0), 240.0, -0.12)
        assert look_at_eyes(recording).swapped is False
        recording.rig = dataclasses.replace(recording.rig, baseline=0.12)
        assert look_at_eyes(recording).swapped is True


def test_what_is_said_of_it(tmp_path: Path) -> None:
    assert file(scene(tmp_path, 40))["views"].startswith("left and right as they should be (median disparity +40 px of ")
    told = file(tmp_path, swap=True)["views"]
    assert told.startswith("LEFT AND RIGHT ARE THE WRONG WAY ROUND: open it with --swap (median disparity -40 px")
    unsure = Eyes(np.array([1.0, -1.0] * 20), 640)
    assert unsure.swapped is None and str(unsure) == "unknown (median disparity +0 px of 40 features)"


def test_damaged_pairs_are_passed_over(tmp_path: Path) -> None:
    scene(tmp_path, 40)
    (tmp_path / "left" / "1.png").write_bytes(b"gone")
    with open_recording(tmp_path) as recording:
        assert look_at_eyes(recording).swapped is False
    write_png(tmp_path / "left" / "2.png", np.zeros((380, 640), np.uint8))
    for i in (0, 1):
        (tmp_path / "right" / f"{i}.png").write_bytes(b"gone")
    write_png(tmp_path / "right" / "2.png", np.zeros((380, 640), np.uint8))
    with open_recording(tmp_path) as recording:
        assert look_at_eyes(recording).swapped is None
