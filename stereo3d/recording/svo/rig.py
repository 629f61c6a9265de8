"""The factory calibration that belongs to a ZED recording, by the camera's serial number."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from stereo3d.calibration.files import read_rig
from stereo3d.calibration.zed import where_from
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import CalibrationError

ENVIRONMENT = "STEREO3D_ZED_SETTINGS"
"""The variable that names other folders to look in, with the system's separator between them."""
_USUAL = ("/usr/local/zed/settings", r"C:\ProgramData\Stereolabs\settings", "~/zed/settings")
_NAME = re.compile(r"sn\d+\.conf", re.IGNORECASE)


def find_rig(recording: Path, serial: int, size: tuple[int, int]) -> tuple[StereoRig | RectifiedCamera | None, str]:
    """The rig of that camera for pictures of (width, height) px of one eye, None where its file is not here, and a
    sentence on where it is from or what is to be done.

    `SN<serial>.conf` is looked for beside the recording, then where the ZED SDK keeps it.
    """
    beside = [p for p in _listed(recording.parent) if _NAME.fullmatch(p.name)]
    for folder in (recording.parent, *_folders()):
        for path in _listed(folder):
            if path.name.lower() == f"sn{serial}.conf":
                return _read(path, size)
    if beside:
        others = ", ".join(sorted(p.name for p in beside))
        return None, f"SN{serial}.conf is not here, {others} is of another camera; {where_from(str(serial))}"
    return None, f"SN{serial}.conf, the camera's calibration, is not here: {where_from(str(serial))}"


def _read(path: Path, size: tuple[int, int]) -> tuple[StereoRig | RectifiedCamera | None, str]:
    try:
        return read_rig(path, size), f"the rig is that of {path}"
    except CalibrationError as error:
        return None, f"{path} is left aside: {error}"


def _folders() -> list[Path]:
    told = os.environ.get(ENVIRONMENT)
    names = _USUAL if told is None else [name for name in told.split(os.pathsep) if name]
    return [Path(name).expanduser() for name in names]


def _listed(folder: Path) -> Iterator[Path]:
    """The files of a folder, none where it cannot be looked into."""
    try:
        yield from sorted(folder.iterdir())
    except OSError:
        return
