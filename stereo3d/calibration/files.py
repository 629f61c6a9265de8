"""Rig files of all kinds: told apart by what they hold, written by their suffix."""

from __future__ import annotations

import os
import re
from pathlib import Path

from stereo3d.atomic import write_text
from stereo3d.calibration.kitti import parse_kitti
from stereo3d.calibration.markup import parse_json
from stereo3d.calibration.matrices import format_matrices, parse_matrices
from stereo3d.calibration.qualisys import parse_qualisys
from stereo3d.calibration.rigfile import FORMAT, format_rig, parse_rig
from stereo3d.calibration.sizes import Size, fitting
from stereo3d.calibration.textfile import naming, read_text
from stereo3d.calibration.zed import every_resolution, format_conf, parse_conf, read_conf
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import CalibrationError

KINDS = (
    "stereo3d's own JSON, a ZED SN<serial>.conf, the ZED SDK's or OpenCV's YAML, XML or JSON "
    "(K1 D1 K2 D2 R T and the like), a Qualisys .qca.txt, a KITTI calib.txt"
)


def read_rig(
    path: str | os.PathLike[str], size: Size | None = None, *, cameras: tuple[str, str] | None = None
) -> StereoRig | RectifiedCamera:
    """The rig in a file of any kind (`KINDS`), for pictures of (width, height) px of one eye where `size` is given.

    `size` chooses the section of a ZED file and is held against what other files say. `cameras` names the left and the
    right one in a file of several: serials of a Qualisys file, P0..P3 of KITTI. Metres, whatever the file's unit.
    Raises CalibrationError, which names the file, for what cannot be read or does not fit.
    """
    if Path(path).suffix.lower() == ".conf":
        _refuse_choice(cameras)
        return read_conf(path, size=size)
    text = read_text(path)
    with naming(path):
        return fitting(_parse(text, size, cameras), size)


def write_rig(path: str | os.PathLike[str], rig: StereoRig | RectifiedCamera) -> None:
    """Write the rig in the form of the suffix, whole or not at all.

    .json: stereo3d's own, every rig. .conf: a ZED factory file with every resolution that follows. .yml, .yaml, .xml:
    the ZED SDK's OpenCV file. Raises CalibrationError where the form cannot hold the rig.
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".json":
        text = format_rig(rig)
    elif suffix not in (".conf", ".yml", ".yaml", ".xml"):
        raise CalibrationError(f"{path}: expected .json, .conf, .yml, .yaml or .xml, got {suffix or 'no suffix'}")
    elif isinstance(rig, RectifiedCamera):
        raise CalibrationError(f"{path}: a rectified camera fits into a .json only, got {suffix}")
    elif suffix == ".conf":
        text = format_conf(every_resolution(rig))
    else:
        text = format_matrices(rig, suffix)
    write_text(path, text)


def _parse(text: str, size: Size | None, cameras: tuple[str, str] | None) -> StereoRig | RectifiedCamera:
    start = text.lstrip()[:1]
    if start == "<" and "<camera" in text and "opencv_storage" not in text:
        return parse_qualisys(text, cameras)
    if re.search(r"^P[0-3]:", text, re.MULTILINE):
        return parse_kitti(text, size, cameras)
    _refuse_choice(cameras)
    if start == "[" and "[stereo]" in text.lower():
        return parse_conf(text, size=size)
    if start == "{":
        content = parse_json(text)
        return parse_rig(content) if content.get("format") == FORMAT else parse_matrices(text, size)
    if start == "<" or re.search(r"^\w+ *:", text, re.MULTILINE):
        return parse_matrices(text, size)
    raise CalibrationError(f"expected {KINDS}; got {text[:40]!r}")


def _refuse_choice(cameras: tuple[str, str] | None) -> None:
    if cameras is not None:
        raise CalibrationError(f"cameras: the file holds one pair, so none can be chosen, got {cameras}")
