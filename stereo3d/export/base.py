"""The one way to an exporter, and what several of them share.

An exporter is any function (poses, path) named in `stereo3d.exporters`; one that writes under other names than `path`
returns them. All of them write metres or say the unit,
keep the axes of docs/conventions.md (x right, y down, z away from the camera), count time from the recording's
start, and tell neither names, serial numbers nor paths.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stereo3d import atomic, plugins
from stereo3d.cameras import RectifiedCamera
from stereo3d.errors import InvalidValue, UsageError
from stereo3d.poses import Poses2D, Poses3D
from stereo3d.recording.identity import clock_of, counted_from
from stereo3d.values import Floats, Ints

AXES = "x right, y down, z away from the camera"
_MOST_GAPS = 10
"""Times as many grid points as frames: beyond it the times are taken for wrong."""


def export(
    poses: Poses3D | Poses2D, path: str | os.PathLike[str], kind: str | None = None, *, clock: bool = False
) -> Path:
    """The path of what the exporter `kind` wrote; by default the one named like the path's ending.

    Where that were several files it is the first one, see `export_all`. Times that are a clock's count from the first
    one, for they would tell the day, unless `clock` keeps them. Raises UsageError for an unknown kind or one
    that does not hold such poses, MissingPackage where it needs one that is not installed, InputError where it cannot
    be written.
    """
    return export_all(poses, path, kind, clock=clock)[0]


def export_all(
    poses: Poses3D | Poses2D, path: str | os.PathLike[str], kind: str | None = None, *, clock: bool = False
) -> tuple[Path, ...]:
    """The paths of all files, or the folder, that the exporter `kind` wrote; see `export`."""
    told = poses if clock else counted_from(poses, clock_of(poses.time))
    name = kind or Path(path).suffix.removeprefix(".").lower()
    if not name:
        raise UsageError(f"{path}: give it an ending or a kind: {', '.join(plugins.names(plugins.EXPORTERS))}")
    written = plugins.factory(plugins.EXPORTERS, name)(told, Path(path))
    return tuple(written) if written else (Path(path),)


def check_3d(poses: object, format_name: str) -> None:
    """Raise UsageError where `poses` are no Poses3D, for a format of joints in space."""
    if not isinstance(poses, Poses3D):
        raise UsageError(f"{format_name} holds joints in space: expected Poses3D, got {type(poses).__name__}")


def camera_frame(poses: Poses3D) -> str:
    """Whose coordinates xyz are, in words."""
    return "rectified left camera" if isinstance(poses.camera, RectifiedCamera) else "left camera"


@contextlib.contextmanager
def replacing(path: Path, ending: str) -> Iterator[Path]:
    """atomic.replacing for packages that insist on a file's ending."""
    with atomic.replacing(path) as temporary:
        named = temporary.with_name(temporary.name + ending)
        try:
            yield named
            os.replace(named, temporary)
        finally:
            named.unlink(missing_ok=True)


class Grid(NamedTuple):
    """Frames on an even time line."""

    rate: float
    """Frames a second."""
    start: float
    """s, the time of row 0."""
    row: Ints
    """(T,) the row of each frame, rising; rows between are frames that the recording lost."""

    def spread(self, x: Floats) -> Floats:
        """(rows, ...) x (T, ...) on the grid, NaN in the rows that have no frame."""
        out = np.full((int(self.row[-1]) + 1 if len(self.row) else 0, *x.shape[1:]), np.nan)
        out[self.row] = x
        return out


def even_grid(poses: Poses3D | Poses2D, format_name: str) -> Grid:
    """The even time line nearest to the poses' times, lost frames as empty rows; a single frame counts as 1 Hz.

    Raises InvalidValue where the times do not rise, leave more gaps than frames can explain, or are off by a row.
    """
    time = poses.time
    if len(time) < 2:
        return Grid(1.0, float(time[0]) if len(time) else 0.0, np.arange(len(time)))
    steps = np.diff(time)
    if not (np.isfinite(time).all() and (steps > 0).all()):
        raise InvalidValue(f"time: {format_name} needs finite rising times, got steps down to {steps.min():g} s")
    row = _rows(steps, float(np.median(steps)))
    row = _rows(steps, 1 / _rate(time, row))
    if row[-1] > _MOST_GAPS * len(time):
        raise InvalidValue(f"time: {format_name} needs an even rate, got {len(time)} frames over {np.ptp(time):g} s")
    rate = _rate(time, row)
    late = (time - time.mean()) * rate - (row - row.mean())
    if (np.diff(row) < 1).any() or np.abs(late).max() > 1:
        raise InvalidValue(f"time: {format_name} needs an even rate, got steps of {steps.min():g} to "
                           f"{steps.max():g} s; CSV, TRC and netCDF hold uneven times")  # fmt: skip
    return Grid(rate, float(time[0]), row)


def _rows(steps: Floats, period: float) -> Ints:
    """(T,) the row of each frame, from whole numbers of periods between neighbours: a slight error does not add up."""
    return np.concatenate([[0], np.cumsum(np.rint(steps / period).astype(np.int64))])


def _rate(time: Floats, row: Ints) -> float:
    """Frames a second by least squares, rounded to what three digits can hold where that shifts no row by 0.1."""
    t = time - time.mean()
    rate = float(t @ (row - row.mean()) / (t @ t))
    tidy = round(rate, 3)
    return tidy if tidy and abs(tidy - rate) * float(np.ptp(time)) < 0.1 else rate
