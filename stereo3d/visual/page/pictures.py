"""Pictures for the page, taken only where somebody asked: both views of the worst moments with their joints."""

from __future__ import annotations

import os
from collections.abc import Iterable

import cv2

from stereo3d import storage
from stereo3d.errors import InputError
from stereo3d.recording.base import Recording
from stereo3d.recording.rig import Rig, rectifier_for
from stereo3d.stereo import Stereo
from stereo3d.visual.overlay import overlay

_WIDEST = 1400
_QUALITY = 80


def pictures(
    result: str | os.PathLike[str], recording: Recording, frames: Iterable[int], *,
    rig: Rig | str | os.PathLike[str] | None = None,
) -> dict[int, bytes]:
    """JPEG files of both rectified views by recording frame. They show the infant.

    Raises InputError for a result of another recording, CalibrationError where there is no rig for it.
    """
    joints = Stereo(storage.read(result, "left"), storage.read(result, "right"))
    places = {int(frame): at for at, frame in enumerate(joints.left.frame.tolist())}
    rectifier = rectifier_for(recording, rig)
    made = {}
    for frame in frames:
        if frame >= len(recording) or frame not in places:
            raise InputError(
                f"{result}: has frame {frame}, the recording ends at {len(recording) - 1}: is it another one?"
            )
        drawn = overlay(rectifier.images(recording[frame].images), joints, places[frame])
        smaller = min(1.0, _WIDEST / drawn.shape[1])
        shown = cv2.resize(drawn, None, fx=smaller, fy=smaller, interpolation=cv2.INTER_AREA)
        made[frame] = cv2.imencode(".jpg", shown[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
    return made
