"""The factory calibration of ZED cameras, SN<serial>.conf: reading, writing, and the resolutions it leaves out.

    [LEFT_CAM_HD] fx fy cx cy k1 k2 p1 p2 k3     one section for each eye and resolution
    [LEFT_DISTO]  k1 k2 p1 p2 k3 k4 k5 k6        newer cameras: one lens for all resolutions
    [STEREO]      Baseline TY TZ (mm), RX_HD CV_HD RZ_HD (rad) and so on

X_right = R X_left + T with R = Rodrigues((RX, CV, RZ)) and T = (-Baseline, TY, TZ), as the maker's own calibration
tool writes them (github.com/stereolabs/zed-opencv-calibration). The maker's samples for OpenCV look for TY and TZ
under names that the files do not use and so take both for zero: 1.2 mm of error at 1 m.
"""

from __future__ import annotations

import configparser
import logging
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
from scipy.spatial.transform import Rotation

from stereo3d.atomic import write_text
from stereo3d.calibration.sizes import Size
from stereo3d.calibration.textfile import naming, read_text
from stereo3d.cameras import Intrinsics, StereoRig
from stereo3d.errors import CalibrationError
from stereo3d.stereo import Stereo
from stereo3d.values import Floats, number

RESOLUTIONS: dict[str, Size] = {
    "2K": (2208, 1242),
    "FHD": (1920, 1080),
    "HD": (1280, 720),
    "VGA": (672, 376),
    "FHD1200": (1920, 1200),
    "SVGA": (960, 600),
    "4k": (3840, 2160),
    "QHDPLUS": (3200, 1800),
}
"""The names in the files, and (width, height) px of one eye."""
_FROM_2K = {"2K": (1, 0, 0), "FHD": (1, -144, -81), "HD": (2, 173, 96), "VGA": (4, 235, 126)}
"""Divisor and shifts of the ZED, ZED Mini and ZED 2: c = (c_2K + shift) / divisor, f = f_2K / divisor. Exact on a
complete factory file; a scaling by width is not, since each mode also crops the sensor."""
_FIVE = ("k1", "k2", "p1", "p2", "k3")
_EIGHT = (*_FIVE, "k4", "k5", "k6")
_LOG = logging.getLogger(__name__)
_Sections = Mapping[str, Mapping[str, str]]


def read_conf(
    path: str | os.PathLike[str], resolution: str | None = None, *, size: Size | None = None
) -> StereoRig:
    """The rig of a factory file for a resolution by name (`RESOLUTIONS`) or by the (width, height) px of one eye.

    With neither it is HD where the file has that, else the file's first. One that the file leaves out is derived from
    another by the camera's own cropping. Both are logged, and the rig's size says which it is. The serial number
    comes from the name SN<digits>.conf. Raises CalibrationError.
    """
    named = re.fullmatch(r"sn(\d+)\.conf", Path(path).name.lower())
    serial = named[1] if named else None
    if serial and not Path(path).exists():
        raise CalibrationError(f"{path}: no such file; {where_from(serial)}")
    text = read_text(path)
    with naming(path):
        return replace(parse_conf(text, resolution, size=size), serial=serial)


def where_from(serial: str) -> str:
    """A sentence on where the factory file of that camera is to be had; nothing is fetched."""
    return (
        f"its maker serves it at https://calib.stereolabs.com/?SN={serial} (stereo3d fetches nothing), and a machine "
        r"with the ZED SDK keeps it in /usr/local/zed/settings or C:\ProgramData\Stereolabs\settings"
    )


def parse_conf(text: str, resolution: str | None = None, *, size: Size | None = None) -> StereoRig:
    """The rig that the text of a factory file holds for a resolution: see `read_conf`. Raises CalibrationError."""
    sections = _sections(text)
    present = [name for name in RESOLUTIONS if f"left_cam_{name}".lower() in sections]
    if not present:
        raise CalibrationError("expected sections such as [LEFT_CAM_HD] for a known resolution, got none")
    wanted = _wanted(resolution, size, present)
    source = wanted if wanted in present else _source(wanted, present)
    cameras = Stereo("left", "right").map(lambda side: _camera(sections, side, source))
    if source != wanted:
        _LOG.warning("the ZED file has no section for %s: derived from %s", wanted, source)
        cameras = cameras.map(lambda camera: _moved(camera, source, wanted))
    rotation, translation = _pose(sections, (wanted, source))
    return StereoRig(cameras, rotation, translation)


def write_conf(path: str | os.PathLike[str], rigs: Mapping[str, StereoRig]) -> None:
    """Write rigs, by the name of their resolution, as one factory file. Raises CalibrationError.

    The format has one baseline and one lens for all, so the rigs must agree in them.
    """
    write_text(path, format_conf(rigs))


def every_resolution(rig: StereoRig) -> dict[str, StereoRig]:
    """The rig for each resolution that follows from its own: all four of a ZED, ZED Mini or ZED 2.

    A rig of a newer camera stands alone: told by its resolution, or by eight coefficients at the one both have.
    Raises CalibrationError for a size that no ZED has.
    """
    source = _named(rig.cameras.left.size)
    if source not in _FROM_2K or (source == "FHD" and len(rig.cameras.left.distortion) == 8):
        return {source: rig}
    return {
        name: replace(rig, cameras=rig.cameras.map(lambda camera, to=name: _moved(camera, source, to)))
        for name in _FROM_2K
    }


def format_conf(rigs: Mapping[str, StereoRig]) -> str:
    """The text of a factory file with these rigs: see `write_conf`. Raises CalibrationError."""
    if not rigs:
        raise CalibrationError("rigs: expected at least one resolution, got none")
    first = next(iter(rigs.values()))
    for name, rig in rigs.items():
        _check_writable(name, rig, first)
    sections: dict[str, dict[str, float]] = {}
    one_lens = len(first.cameras.left.distortion) == 8
    for name, rig in rigs.items():
        for side, camera in zip(("LEFT", "RIGHT"), rig.cameras):
            section = {key: getattr(camera, key) for key in ("fx", "fy", "cx", "cy")}
            sections[f"{side}_CAM_{name}"] = section | ({} if one_lens else _lens(camera, _FIVE))
    if one_lens:
        sections |= {f"{s}_DISTO": _lens(c, _EIGHT) for s, c in zip(("LEFT", "RIGHT"), first.cameras)}
    sections["STEREO"] = _stereo(rigs, first.translation)
    return "\n".join(
        f"[{name}]\n" + "".join(f"{key}={value:.15g}\n" for key, value in section.items())
        for name, section in sections.items()
    )


def _stereo(rigs: Mapping[str, StereoRig], translation: Floats) -> dict[str, float]:
    """The [STEREO] section: lengths in mm, and the angles of every resolution."""
    x, y, z = (translation * 1000).tolist()
    out = {"Baseline": -x, "TY": y, "TZ": z}
    for key, axis in (("CV", 1), ("RX", 0), ("RZ", 2)):
        for name, rig in rigs.items():
            out[f"{key}_{name}"] = float(Rotation.from_matrix(rig.rotation).as_rotvec()[axis])
    return out


def _sections(text: str) -> _Sections:
    parser = configparser.ConfigParser(interpolation=None, default_section="")
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise CalibrationError(f"expected [sections] of key=value lines ({' '.join(str(error).split())})") from error
    return {name.strip().lower(): parser[name] for name in parser.sections()}


def _named(size: Size) -> str:
    names = [name for name, known in RESOLUTIONS.items() if known == tuple(size)]
    if not names:
        known = ", ".join(f"{w}x{h}" for w, h in RESOLUTIONS.values())
        raise CalibrationError(
            f"a ZED's pictures have {known} px for one eye, these have {size[0]}x{size[1]}: "
            "use the recording at a camera's own resolution"
        )
    return names[0]


def _wanted(resolution: str | None, size: Size | None, present: list[str]) -> str:
    if resolution is not None:
        names = [name for name in RESOLUTIONS if name.lower() == resolution.lower()]
        if not names:
            raise CalibrationError(f"resolution: expected one of {', '.join(RESOLUTIONS)}, got {resolution!r}")
        return names[0]
    if size is not None:
        return _named(size)
    choice = "HD" if "HD" in present else present[0]
    if len(present) > 1:
        _LOG.warning("the ZED file holds %s: %s taken, since no picture size was given", ", ".join(present), choice)
    return choice


def _source(wanted: str, present: list[str]) -> str:
    """The finest resolution from which `wanted` follows; none where the file is of a camera with other modes."""
    if wanted not in _FROM_2K or not _FROM_2K.keys() >= set(present):
        raise CalibrationError(
            f"no section for {wanted}, and it cannot be derived: the file holds {', '.join(present)}; "
            "use a recording at one of these, or a calibration made for it"
        )
    return present[0]


def _moved(camera: Intrinsics, source: str, wanted: str) -> Intrinsics:
    (a, x, y), (b, u, v) = _FROM_2K[source], _FROM_2K[wanted]
    centre = ((camera.cx * a - x + u) / b, (camera.cy * a - y + v) / b)
    lengths = (camera.fx * a / b, camera.fy * a / b)
    return Intrinsics(RESOLUTIONS[wanted], *lengths, *centre, camera.distortion)


def _number(section: Mapping[str, str], name: str, key: str) -> float:
    if key not in section:
        raise CalibrationError(f"[{name.upper()}] has no {key}; the file is not complete, get it again")
    return number(f"[{name.upper()}] {key}", cast(float, section[key]))


def _camera(sections: _Sections, side: str, resolution: str) -> Intrinsics:
    name = f"{side}_cam_{resolution}".lower()
    if name not in sections:
        raise CalibrationError(f"expected [{name.upper()}] beside the left one, got none; get the file again")
    fx, fy, cx, cy = (_number(sections[name], name, key) for key in ("fx", "fy", "cx", "cy"))
    return Intrinsics(RESOLUTIONS[resolution], fx, fy, cx, cy, np.array(_distortion(sections, side, name)))


def _distortion(sections: _Sections, side: str, name: str) -> list[float]:
    lens = f"{side}_disto"
    if lens in sections:
        if "p1" not in sections[lens] and "k4" in sections[lens]:
            raise CalibrationError(f"[{lens.upper()}] holds a fisheye lens (k1..k4, no p1), which is not supported")
        return [_number(sections[lens], lens, key) for key in _EIGHT]
    older = {"p1": "0", "p2": "0", "k3": "0"}
    return [_number(older | dict(sections[name]), name, key) for key in _FIVE]


def _pose(sections: _Sections, resolutions: tuple[str, ...]) -> tuple[Floats, Floats]:
    """R and T; keys stand with the suffix of the resolution or of the one it was derived from, or with none."""
    stereo = sections.get("stereo", {})

    def value(key: str, default: float | None = None) -> float:
        names = [*(f"{key}_{r}".lower() for r in resolutions), key]
        found = next((n for n in names if n in stereo), None)
        if found is None and default is not None:
            _LOG.warning("[STEREO] has no %s: taken for %g", key.upper(), default)
            return default
        return _number(stereo, "stereo", found or names[0])

    rotation = Rotation.from_rotvec([value("rx"), value("cv"), value("rz")]).as_matrix()
    return rotation, np.array([-value("baseline"), value("ty", 0.0), value("tz", 0.0)]) / 1000


def _lens(camera: Intrinsics, keys: tuple[str, ...]) -> dict[str, float]:
    coefficients = camera.distortion if len(camera.distortion) else np.zeros(len(keys))
    return dict(zip(keys, coefficients.tolist(), strict=True))


def _check_writable(name: str, rig: StereoRig, first: StereoRig) -> None:
    made_for = [camera.size for camera in rig.cameras]
    if name not in RESOLUTIONS or made_for != [RESOLUTIONS[name]] * 2:
        raise CalibrationError(
            f"{name}: expected a resolution of {RESOLUTIONS} and a rig of that size, got one of {made_for}"
        )
    if np.abs(rig.translation - first.translation).max() > 1e-9:
        raise CalibrationError(f"{name}: expected the translation of the other resolutions, got {rig.translation}")
    for camera, other in zip(rig.cameras, first.cameras):
        lengths = len(camera.distortion), len(other.distortion)
        if 14 in lengths or (8 in lengths and not np.array_equal(camera.distortion, other.distortion)):
            raise CalibrationError(
                f"{name}: a factory file holds 5 coefficients for each resolution, or 8 for all together; "
                f"got {camera.distortion.tolist()}; write a .json instead"
            )
