"""Two cameras of a Qualisys calibration, .qca.txt, read and written: XML with pixels in 1/64 and millimetres.

The file gives each camera's place and its axes in the room; y and z point the other way than in OpenCV, so
R = diag(1, -1, -1) R_file (github.com/perfanalytics/pose2sim reads it so).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np

from stereo3d.calibration.markup import Element, parse_xml
from stereo3d.cameras import Intrinsics, StereoRig
from stereo3d.errors import CalibrationError
from stereo3d.stereo import Stereo
from stereo3d.values import Floats, number

_AXES = np.diag([1.0, -1.0, -1.0])
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


def format_qualisys(rig: StereoRig) -> str:
    """The rig as a calibration of the cameras "left" and "right", whose room is the left camera's frame.

    Raises CalibrationError for a lens beyond k1 k2 p1 p2 k3, which Qualisys does not have.
    """
    place = -(rig.translation @ rig.rotation)
    cameras = (
        _camera("left", rig.cameras.left, _AXES, np.zeros(3)),
        _camera("right", rig.cameras.right, _AXES @ rig.rotation, 1000 * place),
    )
    inside = "".join(cameras)
    return f"<?xml version='1.0' encoding='ASCII'?>\n<calibration>\n <cameras>\n{inside} </cameras>\n</calibration>\n"


def _camera(serial: str, camera: Intrinsics, axes: Floats, place: Floats) -> str:
    lens = np.pad(camera.distortion, (0, max(0, 5 - len(camera.distortion))))
    if lens[5:].any():
        raise CalibrationError(
            f"camera {serial}: Qualisys has the lens k1 k2 p1 p2 k3 only, got {camera.distortion.tolist()}; "
            "write a .json, or calibrate with --coefficients 5"
        )
    k1, k2, p1, p2, k3 = lens.tolist()
    turned = {f"r{i + 1}{j + 1}": axes[i, j] for i in range(3) for j in range(3)}
    fov = {"left": 0, "top": 0, "right": camera.size[0] - 1, "bottom": camera.size[1] - 1}
    focal = {"focalLengthU": camera.fx / _UNIT, "focalLengthV": camera.fy / _UNIT}
    centre = {"centerPointU": camera.cx / _UNIT, "centerPointV": camera.cy / _UNIT, "skew": 0}
    bent = {
        "radialDistortion1": k1, "radialDistortion2": k2, "radialDistortion3": k3,
        "tangentalDistortion1": p1, "tangentalDistortion2": p2,
    }
    stands = dict(zip("xyz", place.tolist(), strict=True)) | turned
    parts = {"fov_video": fov, "transform": stands, "intrinsic": focal | centre | bent}
    lines = "".join(f"   <{name} {_attributes(values)}/>\n" for name, values in parts.items())
    return f'  <camera active="1" serial="{serial}" viewrotation="0">\n{lines}  </camera>\n'


def _attributes(values: Mapping[str, float]) -> str:
    return " ".join(f'{name}="{float(value):.17g}"' for name, value in values.items())


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
    rotation = _AXES @ axes
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
