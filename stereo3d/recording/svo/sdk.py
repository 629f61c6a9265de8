"""ZED files that only their maker's SDK reads, through its Python package `pyzed` where that is installed.

Not tried on the SDK itself, which needs a graphics card of one maker and a camera's files: the calls are those of its
documentation (stereolabs.com/docs/api/python), and whatever it answers but success is passed on as a sentence.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from stereo3d.errors import LostPicture, RecordingError
from stereo3d.recording import pictures
from stereo3d.recording.base import Told
from stereo3d.recording.paired import USUAL_FPS, Facts, PairedRecording
from stereo3d.recording.svo.rig import find_rig
from stereo3d.stereo import Stereo
from stereo3d.values import Bytes


def open_with_sdk(path: Path, told: Told) -> PairedRecording | None:
    """The recording in a ZED file of any kind, None where `pyzed` is not installed. Raises RecordingError where the
    SDK does not open it. The SDK tells no times in advance: they are taken from the rate."""
    try:
        import pyzed.sl as sl
    except ImportError:
        return None
    with contextlib.ExitStack() as stack:
        camera = sl.Camera()
        settings = sl.InitParameters()
        settings.set_from_svo_file(str(path))
        settings.svo_real_time_mode = False
        settings.depth_mode = sl.DEPTH_MODE.NONE
        answer = camera.open(settings)
        stack.callback(camera.close)
        if answer != sl.ERROR_CODE.SUCCESS:
            raise RecordingError(f"{path}: the ZED SDK does not open it ({answer})")
        facts = _facts(path, camera)
        return PairedRecording(facts.hear(told), _Grabbed(path, camera, sl), stack.pop_all().close)


def _facts(path: Path, camera: Any) -> Facts:
    about = camera.get_camera_information()
    form = about.camera_configuration
    size = pictures.check_size(str(path), int(form.resolution.width), int(form.resolution.height))
    fps = float(form.fps) or USUAL_FPS
    rig, where = find_rig(path, int(about.serial_number), size)
    return Facts(
        sources=(path,), kind="ZED SVO, by the SDK", codec="by the SDK", size=size,
        time=np.arange(int(camera.get_svo_number_of_frames())) / fps, fps=fps, rectified=False, rig=rig,
        notes=("times are taken from the rate: the SDK tells none in advance", where),
    )


class _Grabbed:
    """Pairs as the SDK gives them, unrectified."""

    def __init__(self, path: Path, camera: Any, sl: Any) -> None:
        self._path, self._camera, self._sl = path, camera, sl
        self._next = 0

    def __call__(self, index: int) -> Stereo[Bytes | LostPicture]:
        if index != self._next:
            self._camera.set_svo_position(index)
        answer = self._camera.grab()
        self._next = index + 1
        if answer != self._sl.ERROR_CODE.SUCCESS:
            lost = LostPicture(f"{self._path}: frame {index}: the ZED SDK does not give it ({answer})")
            return Stereo(lost, lost)
        return Stereo(self._view("LEFT_UNRECTIFIED"), self._view("RIGHT_UNRECTIFIED"))

    def _view(self, name: str) -> Bytes:
        image = self._sl.Mat()
        self._camera.retrieve_image(image, getattr(self._sl.VIEW, name))
        return np.asarray(cv2.cvtColor(np.asarray(image.get_data()), cv2.COLOR_BGRA2RGB), np.uint8)
