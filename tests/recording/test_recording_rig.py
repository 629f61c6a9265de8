"""Which rig a recording is seen through, and which ones are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stereo3d.calibration.files import write_rig
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import CalibrationError
from stereo3d.recording.rig import rectifier_for
from stereo3d.stereo import Stereo
from stereo3d.synthetic.rig import zed2_like

RIG = zed2_like(1)
IDEAL = RectifiedCamera((1280, 720), 530.0, Stereo(640.0, 640.0), 360.0, 0.12)


def recording(rig: StereoRig | RectifiedCamera | None, rectified: bool | None, size: tuple[int, int] = (1280, 720)) -> Any:
    return SimpleNamespace(rig=rig, rectified=rectified, size=size)


def test_its_own_rig_unless_another_is_given(tmp_path: Path) -> None:
    assert rectifier_for(recording(RIG, False)).rig == RIG
    other = zed2_like(2)
    assert rectifier_for(recording(RIG, False), other).rig == other
    write_rig(tmp_path / "rig.json", other)
    assert rectifier_for(recording(None, None), tmp_path / "rig.json").rig == other


def test_rectified_pictures_pass_as_they_are() -> None:
    for rig in (RIG, IDEAL):
        rectifier = rectifier_for(recording(rig, True))
        assert rectifier.points([5.0, 7.0], "left").tolist() == [5, 7]
    assert rectifier_for(recording(RIG, None)).points([5.0, 7.0], "left").tolist() != [5, 7]


@pytest.mark.parametrize("rig, rectified, size, sentence", [
    (None, False, (1280, 720), "brings no calibration: give one with --rig"),
    (RIG, False, (640, 360), "pictures of 1280x720 px, these have 640x360"),
    (RIG, False, (2560, 720), "side by side"),
    (IDEAL, False, (1280, 720), "the recording is raw"),
])
def test_what_does_not_go_together(
    rig: StereoRig | RectifiedCamera | None, rectified: bool, size: tuple[int, int], sentence: str
) -> None:
    with pytest.raises(CalibrationError, match=sentence):
        rectifier_for(recording(rig, rectified, size))


def test_eyes_of_two_sizes_are_refused() -> None:
    odd = replace(RIG, cameras=Stereo(RIG.cameras.left, replace(RIG.cameras.right, size=(1280, 722))))
    with pytest.raises(CalibrationError, match="1280x722"):
        rectifier_for(recording(odd, False))
