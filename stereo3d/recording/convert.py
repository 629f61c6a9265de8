"""Any recording into another form: our HDF5, a folder of pictures, a side-by-side video."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import RecordingError, UsageError
from stereo3d.journal import parts_of
from stereo3d.recording.base import Recording
from stereo3d.recording.form import Form
from stereo3d.recording.hdf5_writer import RAW_OR_RECTIFIED
from stereo3d.recording.identity import clock_of
from stereo3d.recording.to_hdf5 import ToHdf5
from stereo3d.recording.writers import FolderWriter, VideoWriter, Writer

Progress = Callable[[int], None]
Unfinished = Literal["refuse", "resume", "restart"]
_HDF5 = (".h5", ".hdf5")


def convert(
    recording: Recording,
    path: str | os.PathLike[str],
    *,
    frames: range | None = None,
    rig: StereoRig | RectifiedCamera | None = None,
    form: Form | None = None,
    unfinished: Unfinished = "refuse",
    on_progress: Progress = lambda _: None,
) -> Path:
    """The path of a new recording with those frames of another; what it is follows from its name.

    `.h5` or `.hdf5`: our layout, with the rig (`rig`, or else the recording's own) and the known joints; the recording
    has to know whether it is rectified. `.mp4`: side-by-side H.264, which loses detail, from time 0 on. A name without
    an ending: a folder of PNG pictures with `times.txt`. Pairs go through one by one; times are kept, frames are
    counted anew from 0; nothing goes along that says whose recording it is or on what day, but where `form` keeps it.

    A picture that is lost keeps its place in our layout, marked; the others cannot mark it, so that is an error.
    Our layout is written in parts beside `path` that a crash cannot lose: `unfinished` says what becomes of them, and
    resumed it ends in the same bytes. Nothing that exists is written over. Raises UsageError for a name that cannot be
    used, RecordingError or InputError where the recording cannot be read or the new one not be written.
    """
    target, which, form = Path(path), _checked(recording, frames), form or Form()
    ours = target.suffix.lower() in _HDF5
    going_on = ours and unfinished == "resume" and parts_of(target).is_dir()
    if target.exists() and not going_on:
        raise UsageError(f"{target}: exists already; give another name, or remove it first")
    if ours:
        if recording.rectified is None:
            raise RecordingError(
                f"{recording.sources[0]}: does not say whether its pictures are rectified; "
                f"open it with {RAW_OR_RECTIFIED}"
            )
        return ToHdf5(recording, which, rig or recording.rig, form).write(target, unfinished, on_progress)
    if unfinished == "resume":
        raise UsageError(f"{target}: only .h5 and .hdf5 are written in parts that can be resumed; leave --resume out")
    with _writer(recording, target, recording.fps / which.step, form) as writer:
        _copy(recording, which, writer, form, on_progress)
    return target


def _checked(recording: Recording, frames: range | None) -> range:
    every = range(len(recording))
    which = every if frames is None else frames
    if not which or which.step < 1 or which[0] not in every or which[-1] not in every:
        raise UsageError(f"frames: expected some from 0 to {len(recording) - 1} in rising order, got {which}")
    return which


def _writer(recording: Recording, target: Path, fps: float, form: Form) -> Writer:
    if target.suffix.lower() == ".mp4":
        return VideoWriter(target, recording.size, fps=fps, rectified=recording.rectified, crf=form.crf)
    if target.suffix:
        raise UsageError(f"{target}: expected a name with .h5, .mp4, or no ending for a folder, got {target.suffix}")
    return FolderWriter(target)


def _copy(
    recording: Recording, frames: range, writer: Writer, form: Form, on_progress: Progress
) -> None:
    clock = 0.0 if form.keep_identity else clock_of(recording.time[frames.start:])
    for pair in recording.frames(frames.start, frames.stop, frames.step):
        if not pair.valid:
            why = pair.faults.left or pair.faults.right
            raise RecordingError(f"{why}; an .h5 file marks a lost picture, this form cannot: convert into one")
        writer.append(form.shown(pair), pair.time - clock)
        on_progress(1)
