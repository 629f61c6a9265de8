"""Our own recordings read: one HDF5 file that holds pictures, moments and cameras (docs/file-format.md)."""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from stereo3d import storage
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import RecordingError, UsageError
from stereo3d.poses import Poses2D, Poses3D
from stereo3d.recording import pictures
from stereo3d.recording.base import Told
from stereo3d.recording.hdf5_pictures import Arrays, JpegRun, Marked, damage, data_set, is_hdf5, times
from stereo3d.recording.hdf5_writer import FORMAT, GAPS_VERSION, VERSION
from stereo3d.recording.paired import Facts, PairedRecording, Pictures, two_views
from stereo3d.stereo import SIDES, Stereo
from stereo3d.storage import attribute
from stereo3d.values import Bools


def open_ours(left: Path, right: Path | None, told: Told) -> Hdf5Recording | None:
    """The recording in a file of our layout, None for any other file. Raises RecordingError where it is damaged,
    incomplete or of a later version."""
    if not is_hdf5(left):
        return None
    if right is not None:
        raise UsageError(f"{left}: an HDF5 file holds both views; leave {right} out")
    with contextlib.ExitStack() as stack, damage(str(left)):
        file = stack.enter_context(storage.open_hdf5(left))
        kind = attribute(file, "format")
        if kind == FORMAT:
            return Hdf5Recording(file, _facts(file).hear(told), stack)
        if isinstance(kind, str) and kind.startswith("stereo3d"):
            raise RecordingError(f"{left}: expected a recording, got {kind}")
        return None


def _facts(file: h5py.File) -> Facts:
    found = {name: attribute(file, name) for name in ("version", "rectified", "size", "fps")}
    if found["version"] not in (VERSION, GAPS_VERSION):
        raise RecordingError(
            f"{file.filename}: is of version {found['version']}, this stereo3d reads up to {GAPS_VERSION}; update it"
        )
    if not isinstance(found["rectified"], np.bool_):
        raise RecordingError(f"{file.filename}: expected the attribute rectified, true or false, got none")
    width, height = map(int, found["size"])
    time = times(file, "time")
    return Facts(
        sources=(Path(file.filename),),
        kind=FORMAT,
        codec="jpeg" if "jpeg" in file["left"] else "raw",
        size=pictures.check_size(file.filename, width, height),
        time=time,
        valid=_valid(file["left"], len(time)) & _valid(file["right"], len(time)),
        fps=float(found["fps"]),
        rectified=bool(found["rectified"]),
        rig=_value(file, "rig", (StereoRig, RectifiedCamera)),
    )


def _value(group: h5py.Group, name: str, kind: type | tuple[type, ...]) -> Any:
    if name not in group:
        return None
    value = storage.get(group, name)
    if not isinstance(value, kind):
        raise RecordingError(f"{group.file.filename}: {name}: expected cameras or joints, got {type(value).__name__}")
    return value


def _valid(group: h5py.Group, n_frames: int) -> Bools:
    """(T,) False where a picture of the view was lost before it came into the file."""
    if "valid" not in group:
        return np.ones(n_frames, bool)
    data = data_set(group, "valid", 1, "u")
    if len(data) != n_frames:
        raise RecordingError(f"{group.file.filename}: {data.name}: expected {n_frames}, got {len(data)}")
    return np.asarray(storage.read_array(data) != 0)


def _view(group: h5py.Group, facts: Facts) -> Pictures:
    view, valid = _pictures(group, facts), _valid(group, len(facts.time))
    return view if valid.all() else Marked(view, valid, f"{group.file.filename}: {group.name}")


def _pictures(group: h5py.Group, facts: Facts) -> Arrays | JpegRun:
    n_frames = len(facts.time)
    if "jpeg" in group:
        offset = data_set(group, "offset", 1, "u")
        if len(offset) != n_frames + 1:
            raise RecordingError(f"{facts.sources[0]}: {offset.name}: expected {n_frames + 1}, got {len(offset)}")
        numbers = np.minimum(storage.read_array(offset), np.iinfo(np.int64).max).astype(np.int64)
        return JpegRun(data_set(group, "jpeg", 1, "u"), numbers, facts.size)
    images = Arrays(data_set(group, "images", 4, "u"))
    if len(images) != n_frames or images.size != facts.size:
        raise RecordingError(
            f"{facts.sources[0]}: {group.name}/images: expected {n_frames} of {facts.size} px, "
            f"got {len(images)} of {images.size}"
        )
    return images


class Hdf5Recording(PairedRecording):
    """A recording in our layout, which may carry known joints; they are read when they are asked for."""

    def __init__(self, file: h5py.File, facts: Facts, stack: contextlib.ExitStack) -> None:
        views = Stereo(*(_view(file[side], facts) for side in SIDES))
        super().__init__(facts, two_views(*views), stack.pop_all().close)
        self._file = file

    @functools.cached_property
    def truth(self) -> Poses3D | None:
        """Known joints in space."""
        truth: Poses3D | None = self._read("truth", Poses3D)
        return truth

    @functools.cached_property
    def joints(self) -> Stereo[Poses2D] | None:
        """Known joints in the pictures."""
        left, right = (self._read(f"joints/{side}", Poses2D) for side in SIDES)
        if left is None or right is None:
            return None
        return Stereo(right, left) if self._swapped else Stereo(left, right)

    @functools.cached_property
    def joints_camera(self) -> StereoRig | RectifiedCamera | None:
        """The cameras whose pixels `joints` are in; None: those of the recorded pictures."""
        camera: StereoRig | RectifiedCamera | None = self._read("joints/camera", (StereoRig, RectifiedCamera))
        return camera

    def _read(self, name: str, kind: type | tuple[type, ...]) -> Any:
        self._check_open()
        with damage(f"{self.source}: {name}"):
            return _value(self._file, name, kind)
