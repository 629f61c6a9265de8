"""Which rig a recording is seen through."""

from __future__ import annotations

import os

from stereo3d.calibration.files import read_rig
from stereo3d.calibration.rectify import Rectifier
from stereo3d.calibration.sizes import mismatch
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import CalibrationError
from stereo3d.recording.base import Recording

Rig = StereoRig | RectifiedCamera


def rectifier_for(recording: Recording, rig: Rig | str | os.PathLike[str] | None = None) -> Rectifier:
    """The rectifier of a recording, by the given rig (or file of one) or else the recording's own.

    Raises CalibrationError where there is none, where it is for pictures of another size, or where it is for
    rectified pictures and the recording is raw.
    """
    if isinstance(rig, (str, os.PathLike)):
        rig = read_rig(rig, recording.size)
    found = recording.rig if rig is None else rig
    if found is None:
        raise CalibrationError(
            "the recording brings no calibration: give one with --rig, such as the camera's SN<serial>.conf"
        )
    wrong = mismatch(found, recording.size)
    if wrong:
        raise CalibrationError(wrong)
    if isinstance(found, RectifiedCamera) and recording.rectified is False:
        raise CalibrationError("the rig is for rectified pictures, the recording is raw: give the raw cameras' rig")
    return Rectifier(found, rectified_images=bool(recording.rectified))
