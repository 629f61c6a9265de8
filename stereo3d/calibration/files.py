"""Rig files of all kinds: told apart by what they hold, written by their name."""

from __future__ import annotations

import os
import re
from pathlib import Path

from stereo3d.atomic import write_text
from stereo3d.calibration.kalibr import format_kalibr, parse_kalibr
from stereo3d.calibration.kitti import parse_kitti
from stereo3d.calibration.markup import parse_json
from stereo3d.calibration.matrices import format_opencv, format_sdk, parse_matrices
from stereo3d.calibration.qualisys import format_qualisys, parse_qualisys
from stereo3d.calibration.rigfile import FORMAT, format_rig, parse_rig
from stereo3d.calibration.sizes import Size, fitting
from stereo3d.calibration.textfile import naming, read_text
from stereo3d.calibration.zed import every_resolution, format_conf, parse_conf, read_conf
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import CalibrationError, unknown_name

KINDS = (
    "stereo3d's own JSON, a ZED SN<serial>.conf, the ZED SDK's or OpenCV's YAML, XML or JSON "
    "(K1 D1 K2 D2 R T and the like), Kalibr's camchain, a Qualisys .qca.txt, a KITTI calib.txt"
)
WRITTEN = {
    "json": (".json",), "zed": (".conf",), "sdk": (".yml", ".yaml", ".xml"), "opencv": (".yml", ".yaml", ".xml"),
    "kalibr": (".yaml", ".yml"), "qualisys": (".qca.txt",),
}
"""The kinds that can be written, and how their files' names end; the first that fits is meant where none is named."""


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


def write_rig(path: str | os.PathLike[str], rig: StereoRig | RectifiedCamera, kind: str | None = None) -> None:
    """Write the rig in the form that its name asks for, or of that kind (`WRITTEN`), whole or not at all.

    json: stereo3d's own, every rig. zed: a ZED factory file with every resolution that follows. sdk: the ZED SDK's
    OpenCV file, which .yml, .yaml and .xml mean. opencv: K1 D1 K2 D2 R T in metres. kalibr: a camchain, which a name
    with "camchain" means. qualisys: .qca.txt. Raises CalibrationError where the form cannot hold the rig, UsageError
    for a kind that there is not.
    """
    form = kind_of(path, kind)
    suffix = Path(path).suffix.lower()
    if form == "json":
        text = format_rig(rig)
    elif isinstance(rig, RectifiedCamera):
        raise CalibrationError(f"{path}: a rectified camera fits into a .json only, got {suffix}")
    elif form == "zed":
        text = format_conf(every_resolution(rig))
    elif form == "sdk":
        text = format_sdk(rig, suffix)
    elif form == "opencv":
        text = format_opencv(rig, suffix)
    else:
        text = format_kalibr(rig) if form == "kalibr" else format_qualisys(rig)
    write_text(path, text)


def kind_of(path: str | os.PathLike[str], kind: str | None = None) -> str:
    """The kind (`WRITTEN`) of rig file to write. Raises CalibrationError for a name that does not go with it."""
    if kind is not None and kind not in WRITTEN:
        raise unknown_name("kind of rig file", kind, WRITTEN)
    name = Path(path).name.lower()
    meant = {kind: WRITTEN[kind]} if kind else WRITTEN
    suited = [k for k, ends in meant.items() if name.endswith(ends)]
    if not suited:
        wanted = sorted({end for ends in meant.values() for end in ends})
        raise CalibrationError(f"{path}: expected {', '.join(wanted)}, got {Path(path).suffix or 'no suffix'}")
    return "kalibr" if kind is None and "camchain" in name and "kalibr" in suited else suited[0]


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
    if re.search(r"^cam0:", text, re.MULTILINE):
        return parse_kalibr(text)
    if start == "<" or re.search(r"^\w+ *:", text, re.MULTILINE):
        return parse_matrices(text, size)
    raise CalibrationError(f"expected {KINDS}; got {text[:40]!r}")


def _refuse_choice(cameras: tuple[str, str] | None) -> None:
    if cameras is not None:
        raise CalibrationError(f"cameras: the file holds one pair, so none can be chosen, got {cameras}")
