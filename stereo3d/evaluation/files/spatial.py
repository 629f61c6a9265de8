"""Joints in space from other people's files: CSV (ours among them), OpenSim's TRC, C3D.

Whatever unit a file says, metres come out. A joint at exactly (0, 0, 0), as some write a missing one, is missing.
The axes are taken as they are: x right, y down, z away from the camera. Times count from the recording's start.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from stereo3d import limits
from stereo3d.errors import InputError, InvalidValue
from stereo3d.evaluation.files.c3d import read_c3d
from stereo3d.evaluation.points import Frame, Points, check_frame, scale_of
from stereo3d.skeleton import joint_name
from stereo3d.values import Floats, Ints

_AXIS = r"([xyz])(?:_(?:right|down|away))?(?:_(m|cm|mm))?"
_TIDY, _WIDE = re.compile(_AXIS), re.compile(rf"(.+?)[_.: ]{_AXIS}")
_FRAMES, _TIMES, _CAMERA = ("frame", "fnum"), ("time_s", "time"), "camera"
_RECTIFIED = "rectified left camera"
_TRC_HEADER = 5
_DAMAGE = (OSError, ValueError, KeyError, IndexError, TypeError, OverflowError, MemoryError, RuntimeError)


class _Points(NamedTuple):
    """What a file held: names as written, lengths in `unit`; None: its format need not name one."""

    xyz: Floats
    names: list[str]
    unit: str | None
    camera: Frame | None
    time: Floats | None
    frame: Ints | None = None


def read_points(
    path: str | os.PathLike[str], camera: Frame | str | None = None, unit: str | None = None, *, strict: bool = True
) -> Points:
    """The joints of a .csv, .trc or .c3d.

    `camera` (by default the left one as it was mounted) and `unit` (by default m) are those of a file that names none;
    ours do. Raises InputError for another ending, a file that cannot be read or a unit that is not known, and with
    `strict` UsageError where `camera` contradicts the file.
    """
    readers = {".csv": _csv, ".trc": _trc, ".c3d": _c3d}
    reader = readers.get(Path(path).suffix.lower())
    if reader is None:
        raise InputError(f"{path}: expected joints in space as .csv, .trc or .c3d, got {Path(path).suffix or 'none'}")
    try:
        held = reader(Path(path))
        if held.camera and strict:
            check_frame(camera, held.camera)
        return _in_metres(held, camera or "left", unit)
    except InputError as error:
        raise type(error)(f"{path}: {error}") from error
    except _DAMAGE as error:
        raise InputError(f"{path}: cannot be read as {Path(path).suffix[1:].upper()} ({error!r})") from error


def _in_metres(held: _Points, camera: str, unit: str | None) -> Points:
    """Of a file that names no camera or unit those given; a joint at 0, 0, 0 was not found."""
    lost = (held.xyz == 0).all(-1, keepdims=True)
    named = held.unit or unit or ("m" if held.unit is None else "")
    xyz = np.where(lost, np.nan, held.xyz * scale_of(named))
    names = tuple(map(joint_name, held.names))
    return Points(xyz, names, held.camera or camera, held.frame, held.time)  # type: ignore[arg-type]


def _csv(path: Path) -> _Points:
    """A tidy table: a row for each frame and joint, columns such as frame, time_s, joint, x_right_m or x, y, z; or a
    wide one: a row for each frame, columns such as frame, nose_x, nose_y, nose_z."""
    limits.check_table(path)
    rows = pd.read_csv(path, comment="#")
    frame, time = (next((name for name in names if name in rows), None) for names in (_FRAMES, _TIMES))
    wide = [(str(name), match) for name in rows if (match := _WIDE.fullmatch(str(name)))]
    if (frame or time) and "joint" not in rows and wide:
        return _wide(rows, wide, frame, time)
    found = {match[1]: (name, match[2]) for name in rows if (match := _TIDY.fullmatch(str(name)))}
    if found.keys() != set("xyz") or "joint" not in rows or not (frame or time):
        raise InvalidValue(f"expected columns frame or time_s, joint, x, y, z, got {', '.join(map(str, rows))}")
    tidy = _tidy(rows, [found[axis][0] for axis in "xyz"], (frame, time), path.stat().st_size)
    return tidy._replace(unit=_only("units", {unit for _, unit in found.values()}))


def _tidy(rows: pd.DataFrame, axes: list[Any], told: tuple[str | None, str | None], size: int) -> _Points:
    """A row for each frame and joint, told apart by a frame's number or its time; of a file of `size` bytes."""
    frame, time = told
    column, names = pd.factorize(rows["joint"])
    if (column < 0).any():
        raise InvalidValue("joint: expected a name in each row, got an empty one")
    moments, row = np.unique(_numbers(rows, frame, time), return_inverse=True)
    if len(np.unique(row * len(names) + column)) < len(rows):
        raise InvalidValue("expected one row for each frame and joint, got some more than once")
    limits.check_joints(len(moments), len(names), size)
    xyz = np.full((len(moments), len(names), 3), np.nan)
    xyz[row, column] = rows[axes].to_numpy(float)
    seconds = np.full(len(moments), np.nan)
    seconds[row] = rows[time].to_numpy(float) if time else np.nan
    numbers = moments if frame else None
    return _Points(xyz, [str(n) for n in names], None, _camera(rows), seconds if time else None, numbers)


def _wide(rows: pd.DataFrame, columns: list[tuple[str, re.Match[str]]], frame: Any, time: Any) -> _Points:
    where = {(match[1], match[2]): name for name, match in columns}
    names = [joint for joint, axis in where if axis == "x" and {(joint, "y"), (joint, "z")} <= where.keys()]
    if not names:
        raise InvalidValue(f"expected columns joint_x, joint_y, joint_z, got {', '.join(map(str, rows))}")
    limits.check_joints(0, len(names), 0)
    xyz = np.stack([rows[[where[joint, axis] for axis in "xyz"]].to_numpy(float) for joint in names], 1)
    numbers = _numbers(rows, frame, time)
    unit = _only("units", {match[3] for _, match in columns})
    return _Points(
        xyz, names, unit, _camera(rows), rows[time].to_numpy(float) if time else None, numbers if frame else None
    )


def _numbers(rows: pd.DataFrame, frame: str | None, time: str | None) -> Any:
    """What tells the frames apart: their numbers, which must be whole, or else their times."""
    if frame is None:
        return rows[time].to_numpy(float)
    if len(rows) and rows[frame].dtype.kind not in "iu":
        raise InvalidValue(f"frame: expected whole numbers, got {rows[frame].dtype} {rows[frame].tolist()[:3]}")
    return rows[frame].to_numpy(np.int64)


def _camera(rows: pd.DataFrame) -> Frame | None:
    """The camera that the table's column names, None where it has no such column or no rows."""
    said = _only(_CAMERA, set(rows[_CAMERA])) if _CAMERA in rows and len(rows) else None
    if said not in (None, "left", "rectified"):
        raise InvalidValue(f"{_CAMERA}: expected left or rectified, got {said!r}")
    return said


def _only(name: str, values: set[Any]) -> Any:
    if len(values) > 1:
        raise InvalidValue(f"{name}: expected one for all, got {', '.join(sorted(map(str, values)))}")
    return values.pop()


def _trc(path: Path) -> _Points:
    limits.check_table(path)
    with open(path, encoding="utf-8", errors="replace") as stream:
        header = [stream.readline().rstrip("\r\n").split("\t") for _ in range(_TRC_HEADER)]
        rows = pd.read_csv(stream, sep="\t", header=None, dtype=float)
    if header[0][0] != "PathFileType":
        raise InvalidValue(f"expected a first line that starts with PathFileType, got {header[0][0][:40]!r}")
    about = dict(zip(header[1], header[2]))
    names = [name for name in header[3][2:] if name.strip()]
    wide = 2 + 3 * len(names)
    if rows.shape[1] < wide:
        raise InvalidValue(f"expected {wide} columns for {len(names)} markers, got {rows.shape[1]}")
    values, title = rows.to_numpy(float), "\t".join(header[0])
    camera: Frame | None = "rectified" if _RECTIFIED in title else "left" if "left camera" in title else None
    return _Points(values[:, 2:wide].reshape(-1, len(names), 3), names, about.get("Units", ""), camera, values[:, 1])


def _c3d(path: Path) -> _Points:
    points = read_c3d(path)
    cameras: dict[str, Frame] = {_RECTIFIED: "rectified", "left camera": "left"}
    camera = cameras.get(points.camera)
    return _Points(points.xyz, points.names, points.unit, camera, points.time)
