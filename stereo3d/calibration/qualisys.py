"""Two cameras of a Qualisys calibration, .qca.txt: XML with pixels in 1/64 and millimetres.

The file gives each camera's place and its axes in the room; y and z point the other way than in OpenCV, so
R = diag(1, -1, -1) R_file (github.com/perfanalytics/pose2sim reads it so).
"""

from __future__ import annotations

from typing import cast

import numpy as np

from stereo3d.calibration.markup import Element, parse_xml
from stereo3d.cameras import Intrinsics, StereoRig
from stereo3d.errors import CalibrationError
from stereo3d.stereo import Stereo
from stereo3d.values import Floats, number

_UNIT = 1 / 64
"""px in one of the file's units."""


def parse_qualisys(text: str, cameras: tuple[str, str] | None = None) -> StereoRig:
    """The rig of two cameras by their serials, left first; the first two where none are named.

    Raises CalibrationError.
    """
    found = {c.get("serial", ""): c for c in parse_xml(text).iter("camera")}
    names = tuple(cameras or list(found)[:2])
    if len(names) != 2 or names[0] == names[1] or not found.keys() >= set(names):
        raise CalibrationError(f"cameras: expected two of {', '.join(found) or 'none'}, got {names}")
    left, right = (found[name] for name in names)
    (r_left, t_left), (r_right, t_right) = _pose(left), _pose(right)
    rotation = r_right @ r_left.T
    lenses = Stereo(_intrinsics(left), _intrinsics(right))
    return StereoRig(lenses, rotation, t_right - rotation @ t_left)


def _numbers(camera: Element, part: str, *keys: str) -> list[float]:
    element = camera.find(part)
    if element is None:
        raise CalibrationError(f"camera {camera.get('serial')}: expected a <{part}>, got none; export the file again")
    where = f"camera {camera.get('serial')}, {part}"
    return [number(f"{where} {key}", cast(float, element.get(key, "missing"))) for key in keys]


def _pose(camera: Element) -> tuple[Floats, Floats]:
    """R and t in m with X_camera = R X_room + t."""
    axes = np.reshape(_numbers(camera, "transform", *(f"r{i}{j}" for i in "123" for j in "123")), (3, 3))
    place = np.array(_numbers(camera, "transform", "x", "y", "z")) / 1000
    rotation = np.diag([1.0, -1.0, -1.0]) @ axes
    return rotation, -rotation @ place


def _intrinsics(camera: Element) -> Intrinsics:
    left, top, right, bottom = _numbers(camera, "fov_video", "left", "top", "right", "bottom")
    keys = ("focalLengthU", "focalLengthV", "centerPointU", "centerPointV")
    fx, fy, cx, cy = (value * _UNIT for value in _numbers(camera, "intrinsic", *keys))
    k1, k2, k3 = _numbers(camera, "intrinsic", *(f"radialDistortion{i}" for i in "123"))
    p1, p2, skew = _numbers(camera, "intrinsic", "tangentalDistortion1", "tangentalDistortion2", "skew")
    if skew or camera.get("viewrotation", "0") != "0":
        raise CalibrationError(
            f"camera {camera.get('serial')}: expected no skew and no turned view, got skew {skew:g} and "
            f"viewrotation {camera.get('viewrotation')}, which are not supported"
        )
    size = (int(right - left + 1), int(bottom - top + 1))
    return Intrinsics(size, fx, fy, cx - left, cy - top, np.array([k1, k2, p1, p2, k3]))
