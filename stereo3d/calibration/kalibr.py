"""Kalibr's camchain.yaml (github.com/ethz-asl/kalibr, wiki "YAML formats"): two pinhole cameras, radtan or none.

Each camN has intrinsics [fx, fy, cx, cy], distortion_coeffs [k1, k2, p1, p2], resolution [width, height], and from the
second on T_cn_cnm1, which takes points of the camera before into this one; lengths are metres. The file's YAML is read
by the little that it uses of it: names with lists, in one line or in several.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from stereo3d.calibration.geometry import both_ways
from stereo3d.cameras import Intrinsics, RectifiedCamera, StereoRig
from stereo3d.errors import CalibrationError
from stereo3d.stereo import Stereo
from stereo3d.values import Floats

_Fields = dict[str, str]
_CAMERA = re.compile(r"^(cam\d+):[^\n]*\n((?:[ \t]+.*\n?|\s*\n)+)", re.MULTILINE)
_FIELD = re.compile(r"^\s+(\w+):([^\n]*(?:\n\s*-[^\n]*|\n\s+[\d.\-][^\n]*)*)", re.MULTILINE)


def parse_kalibr(text: str) -> StereoRig:
    """The rig of cam0 (left) and cam1 (right) in a camchain. Raises CalibrationError, also for fisheye models."""
    cameras = {name: _fields(body) for name, body in _CAMERA.findall(text)}
    if not {"cam0", "cam1"} <= cameras.keys():
        raise CalibrationError(f"expected cam0 and cam1, got {', '.join(cameras) or 'none'}; calibrate both together")
    move = _numbers(cameras, "cam1", "T_cn_cnm1", 16).reshape(4, 4)
    if not np.allclose(move[3], (0, 0, 0, 1)):
        raise CalibrationError(f"cam1 T_cn_cnm1: expected a last row of 0 0 0 1, got {move[3].tolist()}")
    return StereoRig(Stereo(_camera(cameras, "cam0"), _camera(cameras, "cam1")), move[:3, :3], move[:3, 3])


def format_kalibr(rig: StereoRig | RectifiedCamera) -> str:
    """The rig as a camchain. Raises CalibrationError for a lens beyond k1 k2 p1 p2, which Kalibr does not have."""
    pair = both_ways(rig)
    blocks = [_block(camera, f"cam{i}") for i, camera in enumerate(pair.cameras)]
    move = np.vstack([np.column_stack([pair.rotation, pair.translation]), (0.0, 0.0, 0.0, 1.0)])
    rows = "".join(f"  - {row}\n" for row in move.tolist())
    return f"{blocks[0]}{blocks[1]}  T_cn_cnm1:\n{rows}"


def _block(camera: Intrinsics, name: str) -> str:
    lens = np.pad(camera.distortion, (0, max(0, 4 - len(camera.distortion))))
    if lens[4:].any():
        raise CalibrationError(
            f"{name}: Kalibr's radtan lens has k1 k2 p1 p2 only, got {camera.distortion.tolist()}; write a .json, or "
            "calibrate with --coefficients 4"
        )
    return (
        f"{name}:\n  camera_model: pinhole\n  intrinsics: {[camera.fx, camera.fy, camera.cx, camera.cy]}\n"
        f"  distortion_model: radtan\n  distortion_coeffs: {lens[:4].tolist()}\n  resolution: {list(camera.size)}\n"
    )


def _fields(body: str) -> _Fields:
    """The text after each name, with the lines of a list that follow it."""
    return dict(_FIELD.findall(body))


def _numbers(cameras: dict[str, _Fields], camera: str, name: str, length: int) -> Floats:
    text = cameras[camera].get(name)
    if text is None:
        raise CalibrationError(f"{camera}: expected {name}, got none; is this Kalibr's result, a camchain?")
    found = re.findall(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.sub(r"(^|\n)\s*-\s+", " ", text))
    if len(found) != length:
        raise CalibrationError(f"{camera} {name}: expected {length} numbers, got {len(found)}")
    return np.array([float(number) for number in found])


def _word(cameras: dict[str, _Fields], camera: str, name: str) -> str:
    return cameras[camera].get(name, "").strip().strip("'\"")


def _camera(cameras: dict[str, _Fields], name: str) -> Intrinsics:
    models: Any = _word(cameras, name, "camera_model"), _word(cameras, name, "distortion_model")
    if models[0] != "pinhole" or models[1] not in ("radtan", "none"):
        raise CalibrationError(
            f"{name}: expected a pinhole camera with radtan distortion or none, got {models[0]} with {models[1]}, "
            "which is not supported; calibrate with pinhole-radtan"
        )
    lens = _numbers(cameras, name, "distortion_coeffs", 4) if models[1] == "radtan" else np.zeros(0)
    width, height = _numbers(cameras, name, "resolution", 2).astype(int).tolist()
    fx, fy, cx, cy = _numbers(cameras, name, "intrinsics", 4).tolist()
    return Intrinsics((width, height), fx, fy, cx, cy, lens)
