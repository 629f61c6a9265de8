"""Joints in space from other people's files: tidy CSV (ours among them), OpenSim's TRC, C3D.

Whatever unit a file says, metres come out. A joint at exactly (0, 0, 0), as some write a missing one, is missing.
The axes are taken as they are: x right, y down, z away from the camera. Times count from the recording's start.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import InputError, InvalidValue
from stereo3d.evaluation.c3d_file import read_c3d
from stereo3d.evaluation.named_joints import skeleton_of
from stereo3d.evaluation.truth import Frame, Truth
from stereo3d.poses import Poses3D, Status
from stereo3d.skeleton import joint_name
from stereo3d.values import Bools, Floats, Ints

_METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001, "meters": 1.0, "metres": 1.0, "millimeters": 0.001, "millimetres": 0.001}
_COLUMN = re.compile(r"([xyz])(?:_(?:right|down|away))?(?:_(m|cm|mm))?")
_TRC_HEADER = 5
_DAMAGE = (OSError, ValueError, KeyError, IndexError, TypeError, OverflowError, MemoryError, RuntimeError)


class _Points(NamedTuple):
    """What a file held: names as written, lengths in metres."""

    xyz: Floats
    names: list[str]
    time: Floats | None
    frame: Ints | None = None


def read_points(path: str | os.PathLike[str], camera: Frame = "left") -> Truth:
    """The joints of a .csv, .trc or .c3d as a truth in that camera's frame.

    Raises InputError for another ending, a file that cannot be read or a unit that is not known.
    """
    readers = {".csv": _csv, ".trc": _trc, ".c3d": _c3d}
    reader = readers.get(Path(path).suffix.lower())
    if reader is None:
        raise InputError(f"{path}: expected joints in space as .csv, .trc or .c3d, got {Path(path).suffix or 'none'}")
    try:
        points = reader(Path(path))
        xyz = np.where((points.xyz == 0).all(-1, keepdims=True), np.nan, points.xyz)
        return Truth(xyz, tuple(map(joint_name, points.names)), camera, points.frame, points.time)
    except InputError as error:
        raise type(error)(f"{path}: {error}") from error
    except _DAMAGE as error:
        raise InputError(f"{path}: cannot be read as {Path(path).suffix[1:].upper()} ({error})") from error


def poses_of(points: Truth, camera: RectifiedCamera | StereoRig) -> Poses3D:
    """Joints of such a file as poses of that camera, to compare them like our own: score 1, errors not known.

    Frames without numbers are counted from time 0 at the points' usual rate. Raises InvalidValue where the camera
    does not go with the frame that the points are in, or neither frames nor times are known.
    """
    held = "rectified" if isinstance(camera, RectifiedCamera) else "left"
    if points.camera != held:
        raise InvalidValue(f"camera: expected one whose joints are in the {points.camera} frame, got a {held} one")
    found: Bools = np.asarray(np.isfinite(points.xyz).all(-1))
    frame = _counted(points.time) if points.frame is None else points.frame
    time = np.full(len(found), np.nan) if points.time is None else points.time
    unknown = np.full(points.xyz.shape, np.nan)
    return Poses3D(
        points.xyz, np.where(found, 1.0, 0.0), unknown, unknown[..., 0],
        np.where(found, 0, int(Status.MISSING_LEFT | Status.MISSING_RIGHT)), time, frame,
        skeleton_of("other", points.joints), camera,
    )  # fmt: skip


def _counted(time: Floats | None) -> Ints:
    if time is None or not np.isfinite(time).all():
        raise InvalidValue("frame: expected numbers of frames, or times for all of them, got neither")
    step = float(np.median(np.diff(time))) if len(time) > 1 else 1.0
    if not step > 0:
        raise InvalidValue(f"time: expected rising times, got a usual step of {step:g} s")
    return np.rint(time / step).astype(np.int64)


def _scale(unit: str) -> float:
    if unit.strip().lower() not in _METRES:
        raise InvalidValue(f"units: expected m, cm or mm, got {unit!r}")
    return _METRES[unit.strip().lower()]


def _csv(path: Path) -> _Points:
    """A tidy table: a row for each frame and joint, columns such as frame, time_s, joint, x_right_m or x, y, z."""
    rows = pd.read_csv(path, comment="#")
    found = {match[1]: (name, match[2] or "m") for name in rows if (match := _COLUMN.fullmatch(str(name)))}
    time = next((name for name in ("time_s", "time") if name in rows), None)
    key = "frame" if "frame" in rows else time
    if found.keys() != set("xyz") or "joint" not in rows or key is None:
        raise InvalidValue(f"expected columns frame or time_s, joint, x, y, z, got {', '.join(map(str, rows))}")
    if key == "frame" and rows[key].dtype.kind not in "iu":
        raise InvalidValue(f"frame: expected whole numbers, got {rows[key].dtype} {rows[key].tolist()[:3]}")
    moments, row = np.unique(rows[key].to_numpy(), return_inverse=True)
    column, names = pd.factorize(rows["joint"])
    if (column < 0).any():
        raise InvalidValue("joint: expected a name in each row, got an empty one")
    if len(np.unique(row * len(names) + column)) < len(rows):
        raise InvalidValue("expected one row for each frame and joint, got some more than once")
    xyz = np.full((len(moments), len(names), 3), np.nan)
    lengths = [(rows[found[axis][0]].to_numpy(float), _scale(found[axis][1])) for axis in "xyz"]
    xyz[row, column] = np.stack([values * scale for values, scale in lengths], -1)
    seconds = np.full(len(moments), np.nan)
    if time is not None:
        seconds[row] = rows[time].to_numpy(float)
    return _Points(xyz, [str(n) for n in names], seconds if time else None, moments if key == "frame" else None)


def _trc(path: Path) -> _Points:
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
    values = rows.to_numpy(float)
    return _Points(values[:, 2:wide].reshape(-1, len(names), 3) * _scale(about.get("Units", "")), names, values[:, 1])


def _c3d(path: Path) -> _Points:
    points = read_c3d(path)
    return _Points(points.xyz * _scale(points.unit), points.names, points.time)
