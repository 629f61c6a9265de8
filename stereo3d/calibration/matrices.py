"""Rigs as named matrices: the ZED SDK's OpenCV file, the OpenCV tutorials' files, and the same names in plain JSON.

The text is read here and not by cv2.FileStorage, which ends the whole process on some damaged files.
A matrix counts by its numbers alone, whatever rows and columns say.
"""

from __future__ import annotations

import re
from typing import Any

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from stereo3d.calibration.markup import Element, parse_json, parse_xml
from stereo3d.calibration.sizes import Size
from stereo3d.cameras import Intrinsics, StereoRig
from stereo3d.errors import CalibrationError
from stereo3d.stereo import Stereo
from stereo3d.values import Floats

_Tokens = dict[str, list[Any]]
_NAMES = {
    "size": ("size", "imagesize"),
    "K_LEFT": ("kleft", "k1", "m1", "cameramatrix1", "cameramatrixleft"),
    "K_RIGHT": ("kright", "k2", "m2", "cameramatrix2", "cameramatrixright"),
    "D_LEFT": ("dleft", "d1", "distcoeffs1", "distcoeffsleft"),
    "D_RIGHT": ("dright", "d2", "distcoeffs2", "distcoeffsright"),
    "R": ("r",),
    "T": ("t",),
}
"""Each matrix and what files call it, without underscores and capitals."""


def parse_matrices(text: str, size: Size | None = None) -> StereoRig:
    """The rig of an OpenCV YAML, XML or JSON file, or of plain JSON with the same names.

    Size, K_LEFT, K_RIGHT, D_LEFT, D_RIGHT, R (3x3 or a rotation vector), T is the ZED SDK's form and in millimetres;
    under the tutorials' names (K1 or M1 or cameraMatrix1 ...) T is taken for metres. `size` (width, height) stands in
    where the file gives none. Raises CalibrationError.
    """
    found = {_plain(name): tokens for name, tokens in _read(text).items()}
    if any(name.startswith("dleftfe") for name in found):
        raise CalibrationError("D_LEFT_FE: a fisheye lens is not supported")
    pixels = _size(found, size)
    cameras = Stereo("LEFT", "RIGHT").map(lambda side: _camera(found, side, pixels))
    translation = _numbers(found, "T", 3)
    if "kleft" in found:
        translation = _from_millimetres(translation)
    return StereoRig(cameras, _rotation(_numbers(found, "R", 3, 9)), translation)


def format_sdk(rig: StereoRig, suffix: str) -> str:
    """The text of the ZED SDK's OpenCV file (mm, R as a rotation vector) as .yml, .yaml or .xml."""
    width, height = _one_size(rig)
    file = _storage(suffix)
    file.startWriteStruct("Size", cv2.FileNode_SEQ | cv2.FileNode_FLOW)
    file.write("", width)
    file.write("", height)
    file.endWriteStruct()
    _write_lenses(file, rig, ("K_LEFT", "K_RIGHT"), ("D_LEFT", "D_RIGHT"))
    file.write("R", Rotation.from_matrix(rig.rotation).as_rotvec()[:, None])
    file.write("T", rig.translation[:, None] * 1000)
    return str(file.releaseAndGetString())


def format_opencv(rig: StereoRig, suffix: str) -> str:
    """The text of an OpenCV file with the tutorials' names, K1 D1 K2 D2 R T (m), as .yml, .yaml or .xml."""
    width, height = _one_size(rig)
    file = _storage(suffix)
    file.write("image_width", width)
    file.write("image_height", height)
    _write_lenses(file, rig, ("K1", "K2"), ("D1", "D2"))
    file.write("R", np.array(rig.rotation))
    file.write("T", rig.translation[:, None].copy())
    return str(file.releaseAndGetString())


def _storage(suffix: str) -> Any:
    return cv2.FileStorage(f"rig{suffix}", cv2.FILE_STORAGE_WRITE | cv2.FILE_STORAGE_MEMORY)


def _one_size(rig: StereoRig) -> Size:
    left, right = rig.cameras
    if left.size != right.size:
        raise CalibrationError(f"size: an OpenCV file holds one, got {left.size} and {right.size}; write a .json")
    return left.size


def _write_lenses(file: Any, rig: StereoRig, matrices: tuple[str, str], lenses: tuple[str, str]) -> None:
    for name, camera in zip(matrices, rig.cameras, strict=True):
        file.write(name, camera.matrix)
    for name, camera in zip(lenses, rig.cameras, strict=True):
        file.write(name, (camera.distortion if len(camera.distortion) else np.zeros(5))[None])


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name.lower())


def _read(text: str) -> _Tokens:
    start = text.lstrip()[:1]
    if start == "<":
        return {child.tag: _from_xml(child) for child in parse_xml(text)}
    if start == "{":
        return {str(name): _from_json(value) for name, value in parse_json(text).items()}
    return _from_yaml(text)


def _from_json(value: Any) -> list[Any]:
    out, ahead = [], [value]
    while ahead:
        item = ahead.pop()
        if isinstance(item, dict):
            item = item.get("data", [])
        if isinstance(item, list):
            ahead.extend(reversed(item))
        else:
            out.append(item)
    return out


def _from_xml(node: Element) -> list[Any]:
    data = node.find("data")
    return ((node if data is None else data).text or "").split()


def _from_yaml(text: str) -> _Tokens:
    """The numbers of each top-level name: those after `data:` of a matrix, or all that stand there."""
    found: _Tokens = {}
    for block in re.split(r"^(?=\w)", text, flags=re.MULTILINE):
        name, colon, body = block.partition(":")
        if colon and re.fullmatch(r"\w+", name):
            _, data, numbers = body.partition("data:")
            content = numbers.partition("]")[0] if data else re.sub(r"!!\S+|(?<!\S)-(?=\s)", " ", body)
            found[name] = re.sub(r"[\[\],]", " ", content).split()
    return found


def _numbers(found: _Tokens, role: str, *lengths: int) -> Floats:
    name = next((n for n in _NAMES[role] if n in found), None)
    if name is None:
        raise CalibrationError(f"expected {role} (also known as {', '.join(_NAMES[role])}), got none of these")
    try:
        out = np.array([float(token) for token in found[name]])
    except (TypeError, ValueError) as error:
        raise CalibrationError(f"{role}: expected numbers, got something else ({error})") from error
    if len(out) not in lengths or not np.isfinite(out).all():
        wanted = ", ".join(map(str, lengths))
        raise CalibrationError(f"{role}: expected {wanted} finite numbers, got {len(out)}: {out.tolist()}")
    return out


def _size(found: _Tokens, size: Size | None) -> Size:
    if {"imagewidth", "imageheight"} <= found.keys():
        found = found | {"size": [*found["imagewidth"], *found["imageheight"]]}
    if not any(name in found for name in _NAMES["size"]):
        if size is None:
            raise CalibrationError("the file holds no picture size: add size: [width, height], or give the recording's")
        return size
    width, height = _numbers(found, "size", 2).tolist()
    return int(width), int(height)


def _camera(found: _Tokens, side: str, size: Size) -> Intrinsics:
    (fx, skew, cx), (_, fy, cy), last = _numbers(found, f"K_{side}", 9).reshape(3, 3).tolist()
    if skew or last != [0.0, 0.0, 1.0]:
        raise CalibrationError(f"K_{side}: expected fx 0 cx, 0 fy cy, 0 0 1, got skew {skew:g} and last row {last}")
    distortion = _numbers(found, f"D_{side}", 0, 4, 5, 8, 12, 14)
    if len(distortion) == 12:
        distortion = np.append(distortion, [0.0, 0.0])
    return Intrinsics(size, fx, fy, cx, cy, distortion)


def _rotation(numbers: Floats) -> Floats:
    if len(numbers) == 3:
        return np.asarray(Rotation.from_rotvec(numbers).as_matrix())
    return numbers.reshape(3, 3)


def _from_millimetres(translation: Floats) -> Floats:
    if np.linalg.norm(translation) <= 10:
        raise CalibrationError(
            f"T: a file with K_LEFT is the ZED SDK's and in millimetres, got {translation.tolist()}, "
            "which looks like metres; write T in millimetres, or name the matrices K1, D1, K2, D2"
        )
    return translation / 1000
