"""Our own recordings written: one HDF5 file of pictures, moments and cameras (docs/file-format.md).

The pictures of a view are one run of JPEG bytes with offsets, or an array where nothing may be lost. A file appears
under its name when it is whole; sums over every part turn a flipped bit into an error.
"""

from __future__ import annotations

import array
import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np

from stereo3d import atomic, storage
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import CalibrationError, InvalidValue, RecordingError, UsageError
from stereo3d.hdf5_gate import open_hdf5, read_array, read_rows
from stereo3d.poses import Poses2D, Poses3D
from stereo3d.recording import pictures
from stereo3d.recording.base import check_images
from stereo3d.recording.writers import writing
from stereo3d.steady_file import SteadyFile
from stereo3d.stereo import SIDES, Side, Stereo
from stereo3d.values import Bytes, Value, number

FORMAT = "stereo3d recording"
VERSION = 1
GAPS_VERSION = 2
"""Of a file with lost pictures, `valid` in each view: who does not know the marks must not take them for pictures."""
RAW_OR_RECTIFIED = (
    "rectified=False for pictures as the lenses drew them (what a ZED stores in .svo), "
    "True for pictures warped so that rows agree (what its SDK exports)"
)
_RUN_CHUNK = 1 << 16


class RecordingWriter:
    """Writes a recording in our layout, pair by pair; the file takes its name at `close`, whole, or not at all.

    Used in a `with`, an error inside leaves nothing behind. `size` is (width, height) px of one view; `quality` 1..100
    is that of the JPEGs, None stores the pictures as they are; on_whole is told of the file before it has its name.
    Raises RecordingError where it cannot be written.
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
        on_whole: Callable[[Path], None] = lambda _: None,
    ) -> None:
        self.path, self.size = Path(path), pictures.check_size(str(path), *size)
        self._quality = quality if quality is None else int(number("quality", quality, 1, 100))
        _check_rig(rig, self.size)
        if not isinstance(rectified, bool):
            raise UsageError(f"rectified: expected {RAW_OR_RECTIFIED}; got {rectified!r}")
        self._time = array.array("d")
        self._valid = Stereo(array.array("B"), array.array("B"))
        self._offset = Stereo(array.array("Q", [0]), array.array("Q", [0]))
        self._stack = contextlib.ExitStack()
        with contextlib.ExitStack() as stack, writing(self.path, RuntimeError):
            temporary = stack.enter_context(atomic.replacing(self.path, on_whole))
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

    def append(self, images: Stereo[Bytes] | Stereo[Bytes | None], time: float) -> None:
        """Add a pair taken at `time` s, not before the last one. None stands for a picture that is lost: it is marked
        invalid, and keeps its place. Raises InvalidValue for a pair that does not fit."""
        there = [image for image in images if image is not None]
        for image in check_images(Stereo(there[0], there[-1])) if there else ():
            if image.shape[1::-1] != self.size:
                raise InvalidValue(f"images: expected {self.size} px like the first, got {image.shape[1::-1]}")
        quality = self._quality
        self._append([
            None if image is None else pictures.encode(image, ".jpg", quality) if quality else image[None]
            for image in images
        ], time)

    def append_jpegs(self, jpegs: Stereo[Bytes | None], time: float) -> None:
        """Add a pair of JPEG files (N,) as they are, None for a picture that is lost. Raises InvalidValue where they
        do not fit, or the pictures of this file are not stored as JPEGs."""
        for side, jpeg in zip(SIDES, jpegs):
            size = self.size if jpeg is None else pictures.header_size(jpeg.tobytes())
            if self._quality is None or size != self.size or (jpeg is not None and bytes(jpeg[:2]) != b"\xff\xd8"):
                raise InvalidValue(f"jpegs.{side}: expected a JPEG of {self.size} px for a file of JPEGs, got {size}")
        self._append(list(jpegs), time)

    def _append(self, added: list[Bytes | None], time: float) -> None:
        if not np.isfinite(time) or (self._time and time < self._time[-1]):
            raise InvalidValue(f"time: expected seconds that never fall, got {time} after {[*self._time[-1:]]}")
        with writing(self.path, RuntimeError):
            for side, data in zip(SIDES, added):
                self._add(side, data)
            self._disk.check()
        self._time.append(time)

    def _add(self, side: Side, added: Bytes | None) -> None:
        """A lost picture takes no bytes of a run, and a row of an array that is never written."""
        data, offset = self._data[side], self._offset[side]
        self._valid[side].append(added is not None)
        start = len(data)
        length = len(added) if added is not None else 0 if self._quality else 1
        if length:
            data.resize(start + length, axis=0)
        if added is not None:
            data[start:] = added
        offset.append(start + length)

    def take(self, path: Path) -> None:
        """Add all the pairs of another file that was written in this form. Raises InputError where it is damaged."""
        with open_hdf5(path) as file:
            views = [_Rows(file[side]) for side in SIDES]
            for i, time in enumerate(read_array(file["time"]).tolist()):
                self._append([view[i] for view in views], time)

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

    def add(self, group: str, **values: Value) -> None:
        """Add other values of the toolkit under their names in a group of their own."""
        with writing(self.path, RuntimeError):
            for name, value in values.items():
                storage.put(self._file.require_group(group), name, value)

    def close(self) -> None:
        """Finish the file and give it its name. Raises RecordingError where no pair was added."""
        with writing(self.path, RuntimeError), self._stack:
            if not self._time:
                raise RecordingError(f"{self.path}: expected at least one pair to write, got none")
            settings: dict[str, Any] = {"fletcher32": True, "track_times": False, "chunks": True}
            self._file.create_dataset("time", data=np.array(self._time), **settings)
            if not all(map(all, self._valid)):
                self._file.attrs["version"] = GAPS_VERSION
                for side in SIDES:
                    self._file[side].create_dataset("valid", data=np.array(self._valid[side]), **settings)
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


class _Rows:
    """What is stored of each picture of a view, None for a lost one."""

    def __init__(self, group: h5py.Group) -> None:
        self._data = group["jpeg"] if "jpeg" in group else group["images"]
        self._offset = read_array(group["offset"]) if "offset" in group else np.arange(len(self._data) + 1)
        self._valid = read_array(group["valid"]) if "valid" in group else np.ones(len(self._offset) - 1)

    def __getitem__(self, index: int) -> Bytes | None:
        start, stop = int(self._offset[index]), int(self._offset[index + 1])
        return read_rows(self._data, start, stop) if self._valid[index] else None


def _check_rig(rig: StereoRig | RectifiedCamera | None, size: tuple[int, int]) -> None:
    sizes = {lens.size for lens in rig.cameras} if isinstance(rig, StereoRig) else set()
    if sizes - {size}:
        raise CalibrationError(f"rig: expected cameras for pictures of {size} px, got {sorted(sizes)}")
