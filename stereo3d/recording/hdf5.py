"""Our own recordings: one HDF5 file that holds pictures, moments and cameras (docs/file-format.md, version 1).

The pictures of a view are one run of JPEG bytes with offsets, or an array where nothing may be lost. A file appears
under its name when it is whole; sums over every part turn a flipped bit into an error.
"""

from __future__ import annotations

import array
import contextlib
import functools
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np

from stereo3d import atomic, storage
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import CalibrationError, InvalidValue, RecordingError, UsageError
from stereo3d.poses import Poses2D, Poses3D
from stereo3d.recording import pictures
from stereo3d.recording.base import Told, check_images
from stereo3d.recording.hdf5_pictures import Arrays, JpegRun, damage, data_set, is_hdf5, times
from stereo3d.recording.paired import Facts, PairedRecording, two_views
from stereo3d.recording.writers import writing
from stereo3d.steady_file import SteadyFile
from stereo3d.stereo import SIDES, Stereo
from stereo3d.storage import attribute
from stereo3d.values import Bytes, number

FORMAT = "stereo3d recording"
VERSION = 1
RAW_OR_RECTIFIED = (
    "rectified=False for pictures as the lenses drew them (what a ZED stores in .svo), "
    "True for pictures warped so that rows agree (what its SDK exports)"
)
_RUN_CHUNK = 1 << 16


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
    if found["version"] != VERSION:
        raise RecordingError(
            f"{file.filename}: is of version {found['version']}, this stereo3d reads {VERSION}; update it"
        )
    if not isinstance(found["rectified"], np.bool_):
        raise RecordingError(f"{file.filename}: expected the attribute rectified, true or false, got none")
    width, height = map(int, found["size"])
    return Facts(
        sources=(Path(file.filename),),
        kind=FORMAT,
        codec="jpeg" if "jpeg" in file["left"] else "raw",
        size=pictures.check_size(file.filename, width, height),
        time=times(file, "time"),
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


def _view(group: h5py.Group, facts: Facts) -> Arrays | JpegRun:
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
        return None if left is None or right is None else Stereo(left, right)

    @functools.cached_property
    def joints_camera(self) -> StereoRig | RectifiedCamera | None:
        """The cameras whose pixels `joints` are in; None: those of the recorded pictures."""
        camera: StereoRig | RectifiedCamera | None = self._read("joints/camera", (StereoRig, RectifiedCamera))
        return camera

    def _read(self, name: str, kind: type | tuple[type, ...]) -> Any:
        self._check_open()
        with damage(f"{self.source}: {name}"):
            return _value(self._file, name, kind)


class RecordingWriter:
    """Writes a recording in our layout, pair by pair; the file takes its name at `close`, whole, or not at all.

    Used in a `with`, an error inside leaves nothing behind. `size` is (width, height) px of one view; `quality` 1..100
    is that of the JPEGs, None stores the pictures as they are. Raises RecordingError where it cannot be written.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        size: tuple[int, int],
        *,
        fps: float,
        rectified: bool,
        rig: StereoRig | RectifiedCamera | None = None,
        quality: int | None = 90,
    ) -> None:
        self.path, self.size = Path(path), pictures.check_size(str(path), *size)
        self._quality = quality if quality is None else int(number("quality", quality, 1, 100))
        _check_rig(rig, self.size)
        if not isinstance(rectified, bool):
            raise UsageError(f"rectified: expected {RAW_OR_RECTIFIED}; got {rectified!r}")
        self._time = array.array("d")
        self._offset = Stereo(array.array("Q", [0]), array.array("Q", [0]))
        self._stack = contextlib.ExitStack()
        with contextlib.ExitStack() as stack, writing(self.path, RuntimeError):
            temporary = stack.enter_context(atomic.replacing(self.path))
            self._disk = stack.enter_context(SteadyFile(temporary))
            self._file = stack.enter_context(h5py.File(self._disk, "w"))
            self._file.attrs.update(format=np.bytes_(FORMAT), version=VERSION, rectified=rectified, size=self.size)
            self._file.attrs["fps"] = number("fps", fps, 1e-3, 1e5)
            self._data = Stereo(*(self._create(side) for side in SIDES))
            if rig is not None:
                storage.put(self._file, "rig", rig)
            self._stack = stack.pop_all()

    def _create(self, side: str) -> h5py.Dataset:
        group, (width, height) = self._file.create_group(side), self.size
        shape, chunk = ((), (_RUN_CHUNK,)) if self._quality else ((height, width, 3), (1, height, width, 3))
        name = "jpeg" if self._quality else "images"
        return group.create_dataset(
            name, (0, *shape), np.uint8, maxshape=(None, *shape), chunks=chunk, fletcher32=True, track_times=False
        )

    def append(self, images: Stereo[Bytes], time: float) -> None:
        """Add a pair taken at `time` s, not before the last one. Raises InvalidValue for a pair that does not fit."""
        images = check_images(images)
        if images.left.shape[1::-1] != self.size:
            raise InvalidValue(f"images: expected {self.size} px like the first, got {images.left.shape[1::-1]}")
        if not np.isfinite(time) or (self._time and time < self._time[-1]):
            raise InvalidValue(f"time: expected seconds that never fall, got {time} after {[*self._time[-1:]]}")
        with writing(self.path, RuntimeError):
            for image, data, offset in zip(images, self._data, self._offset):
                self._add(image, data, offset)
            self._disk.check()
        self._time.append(time)

    def _add(self, image: Bytes, data: h5py.Dataset, offset: array.array[int]) -> None:
        added = pictures.encode(image, ".jpg", self._quality) if self._quality else image[None]
        start = len(data)
        data.resize(start + len(added), axis=0)
        data[start:] = added
        offset.append(start + len(added))

    def annotate(
        self,
        *,
        truth: Poses3D | None = None,
        joints: Stereo[Poses2D] | None = None,
        joints_camera: StereoRig | RectifiedCamera | None = None,
    ) -> None:
        """Add known joints: in space, and in the px of the recorded pictures or of `joints_camera`."""
        found = {"left": joints and joints.left, "right": joints and joints.right, "camera": joints_camera}
        with writing(self.path, RuntimeError):
            if truth is not None:
                storage.put(self._file, "truth", truth)
            for name, value in found.items():
                if value is not None:
                    storage.put(self._file.require_group("joints"), name, value)

    def close(self) -> None:
        """Finish the file and give it its name. Raises RecordingError where no pair was added."""
        with writing(self.path, RuntimeError), self._stack:
            if not self._time:
                raise RecordingError(f"{self.path}: expected at least one pair to write, got none")
            settings: dict[str, Any] = {"fletcher32": True, "track_times": False, "chunks": True}
            self._file.create_dataset("time", data=np.array(self._time), **settings)
            for side in SIDES if self._quality else ():
                self._file[side].create_dataset("offset", data=np.array(self._offset[side]), **settings)
            self._file.close()
            self._disk.check()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self._stack.__exit__(kind, error, trace)


def _check_rig(rig: StereoRig | RectifiedCamera | None, size: tuple[int, int]) -> None:
    sizes = {lens.size for lens in rig.cameras} if isinstance(rig, StereoRig) else set()
    if sizes - {size}:
        raise CalibrationError(f"rig: expected cameras for pictures of {size} px, got {sorted(sizes)}")
