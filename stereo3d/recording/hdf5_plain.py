"""Recordings in HDF5 files that others wrote: `left` and `right` as arrays of pictures, or a JPEG in each row."""

from __future__ import annotations

import contextlib
from pathlib import Path

import h5py

from stereo3d import storage
from stereo3d.errors import LostPicture, RecordingError, UsageError
from stereo3d.recording.base import Told
from stereo3d.recording.hdf5_pictures import damage, is_hdf5, pictures_in, times
from stereo3d.recording.paired import Facts, PairedRecording, Pictures, rate, steady_time, two_views
from stereo3d.stereo import SIDES, Stereo
from stereo3d.storage import attribute
from stereo3d.values import Floats

_REACH = 600
"""Pictures that are looked through for a whole one."""


def open_plain(left: Path, right: Path | None, told: Told) -> PairedRecording | None:
    """The recording in an HDF5 file that is not of this toolkit; None for any other. Colours are taken for RGB.

    Read beside the pictures: `time` (N,) s, and the attributes `fps` and `rectified`. Raises RecordingError where
    there are no such pictures, or not as many on both sides.
    """
    if not is_hdf5(left):
        return None
    if right is not None:
        raise UsageError(f"{left}: an HDF5 file holds both views; leave {right} out")
    with contextlib.ExitStack() as stack, damage(str(left)):
        file = stack.enter_context(storage.open_hdf5(left))
        kind = attribute(file, "format")
        if isinstance(kind, str) and kind.startswith("stereo3d"):
            return None
        return _open(file, told, stack)


def _open(file: h5py.File, told: Told, stack: contextlib.ExitStack) -> PairedRecording:
    missing = [side for side in SIDES if side not in file]
    if missing:
        raise RecordingError(
            f"{file.filename}: expected pictures in {' and '.join(SIDES)}, got no {missing[0]}; "
            f"the file holds {', '.join(file) or 'nothing'}"
        )
    views = Stereo(*(pictures_in(file[side]) for side in SIDES))
    counts = [len(view) for view in views]
    if counts[0] != counts[1] or not counts[0]:
        raise RecordingError(f"{file.filename}: expected as many pictures on both sides, got {counts}")
    time, fps, notes = _time(file, counts[0], told)
    rectified = attribute(file, "rectified")
    facts = Facts(
        sources=(Path(file.filename),),
        kind="plain HDF5",
        codec="jpeg" if file["left"].dtype.kind == "O" else "raw",
        size=_size(views.left),
        time=time,
        fps=fps,
        rectified=None if rectified is None else bool(rectified),
        notes=(*notes, "colours are taken for RGB"),
    )
    return PairedRecording(facts.hear(told), two_views(*views), stack.pop_all().close)


def _size(view: Pictures) -> tuple[int, int]:
    """(width, height) px of the first picture that is whole. Raises LostPicture where none is within reach."""
    for index in range(min(_REACH, len(view))):
        with contextlib.suppress(LostPicture):
            height, width = view[index].shape[:2]
            return width, height
    height, width = view[0].shape[:2]
    return width, height


def _time(file: h5py.File, n_frames: int, told: Told) -> tuple[Floats, float, tuple[str, ...]]:
    fps = told.fps or attribute(file, "fps")
    if "time" not in file:
        return steady_time(n_frames, None if fps is None else float(fps))
    time = times(file, "time")
    if len(time) != n_frames:
        raise RecordingError(f"{file.filename}: time: expected {n_frames}, one for each pair, got {len(time)}")
    return time, float(fps) if fps is not None else rate(time), ()
