"""Videos of a result: both views with the joints drawn in, or the joints alone, which show no infant."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from stereo3d import storage
from stereo3d.calibration.sizes import sizes
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import InputError
from stereo3d.poses import Poses2D
from stereo3d.recording.base import Recording
from stereo3d.recording.rig import Rig, rectifier_for
from stereo3d.recording.writers import VideoWriter
from stereo3d.stereo import Stereo
from stereo3d.values import Bytes, Floats, Ints
from stereo3d.visual.overlay import captions, draw_joints, row_lines, windows, write_words

PathLike = str | os.PathLike[str]
Between = tuple[float | None, float | None]
"""s, the second left out; None: no limit."""
_USUAL_RATE = 30.0


def make_video(
    result: PathLike, path: PathLike, recording: Recording | None = None, *, rig: Rig | PathLike | None = None,
    between: Between = (None, None), on_progress: Callable[[int], object] = lambda _: None,
) -> Path:
    """The path of an .mp4 with both views side by side, cut to the infant: joints, circles of one sigma, row lines.

    With a recording over its rectified pictures, which show the infant; without one on black, from the result alone,
    which shows nobody. A row line joins both places of a joint: level in a rectified pair when the views agree.
    Raises InputError for a result of another recording or without frames between the two times (s), CalibrationError
    where there is no rig for it.
    """
    joints = read_views(result, between)
    if recording is None:
        return _write(path, joints, _black(storage.read(result, "camera"), len(joints.left)), on_progress)
    if int(joints.left.frame.max()) >= len(recording):
        raise InputError(
            f"{result}: has frame {joints.left.frame.max()}, the recording ends at {len(recording) - 1}: is it another?"
        )
    rectifier = rectifier_for(recording, rig)
    pairs = (rectifier.images(recording[int(frame)].images) for frame in joints.left.frame)
    return _write(path, joints, pairs, on_progress)


def _black(camera: RectifiedCamera | StereoRig, n: int) -> Iterator[Stereo[Bytes]]:
    views = sizes(camera).map(lambda size: np.zeros((size[1], size[0], 3), np.uint8))
    return (views for _ in range(n))


def with_joints(
    images: Stereo[Bytes], joints: Stereo[Poses2D], at: int, cut: tuple[slice, slice, slice] | None = None
) -> Stereo[Bytes]:
    """Both whole pictures with the joints at position `at` of the poses, and the lines that join the two places.

    `cut` are the rows and the columns of either picture that will be shown side by side.
    """
    drawn = images.map(lambda image, poses: draw_joints(image, poses, at), joints)
    ends = np.stack([joints.left.xy[at], joints.right.xy[at]], axis=1)
    width = images.left.shape[1]
    apart = width if cut is None else cut[1].stop - cut[2].start
    row_lines(drawn.left, ends + [[0.0, 0.0], [apart, 0.0]])
    row_lines(drawn.right, ends - [[apart, 0.0], [0.0, 0.0]])
    return drawn


def read_views(result: PathLike, between: Between = (None, None)) -> Stereo[Poses2D]:
    """The joints of both views between two times (s, the second left out). Raises InputError where there are none."""
    joints = Stereo(storage.read(result, "left"), storage.read(result, "right"))
    start, stop = (-np.inf if between[0] is None else between[0]), (np.inf if between[1] is None else between[1])
    time = joints.left.time
    rows = np.flatnonzero(((time >= start) & (time < stop)) | (between == (None, None)))
    if not rows.size:
        raise InputError(f"{result}: expected frames to show, got none" + ("" if not len(time) else " at that time"))
    return joints.map(lambda poses: _rows_of(poses, rows))


def _rows_of(poses: Poses2D, rows: Ints) -> Poses2D:
    arrays = {f.name: getattr(poses, f.name) for f in dataclasses.fields(poses)}
    taken: dict[str, Any] = {name: x[rows] for name, x in arrays.items() if isinstance(x, np.ndarray)}
    return dataclasses.replace(poses, **taken)


def _write(
    path: PathLike, joints: Stereo[Poses2D], pairs: Iterator[Stereo[Bytes]], on_progress: Callable[[int], object]
) -> Path:
    """All frames cut to the same window, in which the infant stays."""
    time, writer, cut = joints.left.time, None, None
    with contextlib.ExitStack() as stack:
        for at, images in enumerate(pairs):
            cut = cut or windows(joints.map(_reach), images.left.shape[1::-1])
            rows, *columns = cut
            drawn = with_joints(images, joints, at, cut)
            drawn = Stereo(*(_even(view[rows, place]) for view, place in zip(drawn, columns)))
            for view, words in zip(drawn, captions(joints.left, at)):
                write_words(view, words)
            if writer is None:
                size = drawn.left.shape[1], drawn.left.shape[0]
                writer = stack.enter_context(VideoWriter(Path(path), size, fps=_rate(time), rectified=True, crf=23))
            writer.append(drawn, float(time[at]))
            on_progress(1)
    return Path(path)


def _reach(poses: Poses2D) -> Floats:
    """(4, 2) px the corners of where the joints are, but for the outermost hundredth, lest one outlier widen all."""
    seen = poses.xy[np.isfinite(poses.xy).all(-1)]
    if not len(seen):
        return seen
    (left, top), (right, bottom) = np.quantile(seen, [0.005, 0.995], axis=0)
    return np.array([[left, top], [right, top], [left, bottom], [right, bottom]])


def _even(picture: Bytes) -> Bytes:
    """The picture less its last row and column where their number is odd, which H.264 does not take."""
    return np.ascontiguousarray(picture[: len(picture) // 2 * 2, : picture.shape[1] // 2 * 2])


def _rate(time: Floats) -> float:
    """Frames a second, the usual one where the times do not tell."""
    step = np.diff(time)
    usual = float(np.median(step)) if step.size else 0.0
    return 1 / usual if usual > 1e-3 else _USUAL_RATE
