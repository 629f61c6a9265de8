"""Any recording into another form: our HDF5, a folder of pictures, a side-by-side video."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import RecordingError, UsageError
from stereo3d.poses import Poses2D, Poses3D
from stereo3d.recording.base import Recording
from stereo3d.recording.hdf5 import RAW_OR_RECTIFIED, RecordingWriter
from stereo3d.recording.writers import FolderWriter, VideoWriter, Writer
from stereo3d.values import number

P = TypeVar("P", Poses2D, Poses3D)
Progress = Callable[[int], None]


def convert(
    recording: Recording,
    path: str | os.PathLike[str],
    *,
    frames: range | None = None,
    rig: StereoRig | RectifiedCamera | None = None,
    quality: int | None = 90,
    crf: int = 18,
    on_progress: Progress = lambda _: None,
) -> Path:
    """The path of a new recording with those frames of another; what it is follows from its name.

    `.h5` or `.hdf5`: our layout, with JPEGs of `quality` 1..100 (None: no loss), the rig (`rig`, or else the
    recording's own) and the known joints; the recording has to know whether it is rectified. `.mp4`: side-by-side
    H.264 of `crf` 0..51, which loses detail, from time 0 on. A name without an ending: a folder of PNG pictures with
    `times.txt`. Pairs go through one by one; times are kept, frames are counted anew from 0.

    Nothing that exists is written over. Raises UsageError for a name that cannot be used, RecordingError where the
    recording cannot be read or the new one not be written: then nothing is left of it.
    """
    target, which = Path(path), _checked(recording, frames)
    if target.exists():
        raise UsageError(f"{target}: exists already; give another name, or remove it first")
    rate = recording.fps / which.step
    if target.suffix.lower() in (".h5", ".hdf5"):
        _to_hdf5(recording, target, which, {"fps": rate, "rig": rig or recording.rig, "quality": quality}, on_progress)
    elif target.suffix.lower() == ".mp4":
        crf = int(number("crf", crf, 0, 51))
        with VideoWriter(target, recording.size, fps=rate, rectified=recording.rectified, crf=crf) as video:
            _copy(recording, which, video, on_progress)
    elif not target.suffix:
        with FolderWriter(target) as folder:
            _copy(recording, which, folder, on_progress)
    else:
        raise UsageError(f"{target}: expected a name with .h5, .mp4, or no ending for a folder, got {target.suffix}")
    return target


def _checked(recording: Recording, frames: range | None) -> range:
    every = range(len(recording))
    which = every if frames is None else frames
    if not which or which.step < 1 or which[0] not in every or which[-1] not in every:
        raise UsageError(f"frames: expected some from 0 to {len(recording) - 1} in rising order, got {which}")
    return which


def _to_hdf5(
    recording: Recording, path: Path, frames: range, settings: dict[str, Any], on_progress: Progress
) -> None:
    if recording.rectified is None:
        raise RecordingError(
            f"{recording.sources[0]}: does not say whether its pictures are rectified; open it with {RAW_OR_RECTIFIED}"
        )
    with RecordingWriter(path, recording.size, rectified=recording.rectified, **settings) as writer:
        _copy(recording, frames, writer, on_progress)
        truth, joints = recording.truth, recording.joints
        writer.annotate(
            truth=truth and _within(truth, frames),
            joints=joints and joints.map(_within, joints.map(lambda _: frames)),
            joints_camera=recording.joints_camera,
        )


def _copy(recording: Recording, frames: range, writer: Writer, on_progress: Progress) -> None:
    for pair in recording.frames(frames.start, frames.stop, frames.step):
        writer.append(pair.images, pair.time)
        on_progress(1)


def _within(poses: P, frames: range) -> P:
    """The poses of those frames, with the frames counted anew."""
    place, off = np.divmod(poses.frame - frames.start, frames.step)
    keep = (off == 0) & (place >= 0) & (place < len(frames))
    arrays = {f.name: getattr(poses, f.name) for f in dataclasses.fields(poses)}
    changes: dict[str, Any] = {n: x[keep] for n, x in arrays.items() if isinstance(x, np.ndarray)}
    return dataclasses.replace(poses, **changes | {"frame": place[keep]})
