"""Pictures that lie in HDF5 data sets, read one by one and bounded before anything is allocated."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np

from stereo3d import storage
from stereo3d.errors import InputError, LostPicture, RecordingError, Stereo3DError
from stereo3d.hdf5_gate import DAMAGE, filters_of, read_rows
from stereo3d.hdf5_heap import VariableRows
from stereo3d.limits import MOST_FRAMES
from stereo3d.recording import pictures
from stereo3d.recording.paired import Pictures
from stereo3d.values import Bools, Bytes, Floats, Ints

_SUFFIXES = (".h5", ".hdf5", ".hdf", ".he5")
_MAGIC = b"\x89HDF\r\n\x1a\n"


def is_hdf5(path: Path) -> bool:
    """Whether a file is HDF5 by its name or its first bytes."""
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        return path.suffix.lower() in _SUFFIXES or file.read(len(_MAGIC)) == _MAGIC


@contextlib.contextmanager
def damage(what: str) -> Iterator[None]:
    """Turns what h5py raises on a damaged file into one sentence, a RecordingError."""
    try:
        yield
    except Stereo3DError:
        raise
    except DAMAGE as error:
        raise RecordingError(f"{what}: is damaged, it could not be read ({error})") from error


def _rows(data: h5py.Dataset, start: int, stop: int, what: str, codes: list[int] | None = None) -> Bytes:
    """data[start:stop]. Raises LostPicture, which begins with `what`, where these are damaged."""
    try:
        return read_rows(data, start, stop, codes=codes)
    except (InputError, *DAMAGE) as error:
        raise LostPicture(f"{what}: is damaged, it could not be read ({error})") from error


def data_set(group: h5py.Group, name: str, n_axes: int, kind: str) -> h5py.Dataset:
    """The data set of that name with `n_axes` axes and numpy's dtype kind. Raises RecordingError for any other."""
    where = f"{group.file.filename}: {group.name.rstrip('/')}/{name}"
    data = group.get(name)
    if not isinstance(data, h5py.Dataset):
        raise RecordingError(f"{where}: expected a data set, got {'none' if data is None else 'a group'}")
    if data.shape is None or data.ndim != n_axes or data.dtype.kind != kind:
        raise RecordingError(f"{where}: expected {n_axes} axes of kind {kind!r}, got {data.shape} {data.dtype}")
    return data


def times(group: h5py.Group, name: str) -> Floats:
    """(T,) s from a data set. Raises RecordingError where it is none or claims too many."""
    data = data_set(group, name, 1, "f")
    if not 0 < len(data) <= MOST_FRAMES:
        raise RecordingError(f"{group.file.filename}: expected 1 to {MOST_FRAMES} frames, got {len(data)}")
    return np.asarray(storage.read_array(data), np.float64)


class Arrays:
    """RGB pictures of a uint8 data set (N, H, W, 3), (N, 3, H, W), or grey (N, H, W) or (N, H, W, 1)."""

    def __init__(self, data: h5py.Dataset) -> None:
        self._data = data
        self._where = f"{data.file.filename}: {data.name}"
        shape = tuple(map(int, data.shape))
        if data.dtype != np.uint8 or data.ndim not in (3, 4) or (data.ndim == 4 and not self._channels(shape)):
            raise RecordingError(
                f"{self._where}: expected uint8 (N, H, W, 3), (N, 3, H, W) or grey (N, H, W), got {data.dtype} {shape}"
            )
        self._planes = data.ndim == 4 and shape[3] not in (1, 3)
        height, width = shape[2:] if self._planes else shape[1:3]
        self.size = pictures.check_size(self._where, width, height)

    @staticmethod
    def _channels(shape: tuple[int, ...]) -> bool:
        return shape[3] in (1, 3) or shape[1] == 3

    def __len__(self) -> int:
        return int(self._data.shape[0])

    def __getitem__(self, index: int) -> Bytes:
        image = _rows(self._data, index, index + 1, f"{self._where}: frame {index}")[0]
        if self._planes:
            return np.ascontiguousarray(image.transpose(1, 2, 0))
        if image.ndim == 3 and image.shape[2] == 3:
            return np.asarray(image)
        return np.asarray(cv2.cvtColor(image.reshape(image.shape[:2]), cv2.COLOR_GRAY2RGB))


class JpegRun:
    """JPEG pictures one behind the other in a uint8 data set (B,): the i-th from offset[i] to offset[i + 1]."""

    def __init__(self, data: h5py.Dataset, offset: Ints, size: tuple[int, int]) -> None:
        self._data = data
        self._where = f"{data.file.filename}: {data.name}"
        self._offset, self._codes = offset, filters_of(data)
        lengths = np.diff(offset)
        most = 3 * size[0] * size[1] + (1 << 16)
        if offset[0] < 0 or offset[-1] > len(data) or lengths.min() < 0 or lengths.max() > most:
            raise RecordingError(
                f"{self._where}: expected offsets that rise from 0 to {len(data)} by up to {most} a picture, got others"
            )

    def __len__(self) -> int:
        return len(self._offset) - 1

    def jpeg(self, index: int) -> Bytes:
        """The file of a picture. Raises LostPicture where it is damaged."""
        where = f"{self._where}: frame {index}"
        return _rows(self._data, int(self._offset[index]), int(self._offset[index + 1]), where, self._codes)

    def __getitem__(self, index: int) -> Bytes:
        return pictures.decode(self.jpeg(index), f"{self._where}: frame {index}")


class JpegRows:
    """JPEG pictures of a data set (N,) whose elements are runs of uint8 of any length."""

    def __init__(self, data: h5py.Dataset) -> None:
        self._rows = VariableRows(data)
        self._where = f"{data.file.filename}: {data.name}"

    def __len__(self) -> int:
        return len(self._rows)

    def jpeg(self, index: int) -> Bytes:
        """The file of a picture. Raises LostPicture where it is damaged."""
        try:
            return np.frombuffer(self._rows[index], np.uint8)
        except (InputError, *DAMAGE) as error:
            where = f"{self._where}: frame {index}"
            raise LostPicture(f"{where}: is damaged, it could not be read ({error})") from error

    def __getitem__(self, index: int) -> Bytes:
        return pictures.decode(self.jpeg(index), f"{self._where}: frame {index}")


class Marked:
    """The pictures of a view without those that are marked as lost."""

    def __init__(self, view: Pictures, valid: Bools, where: str) -> None:
        self._view, self._valid, self._where = view, valid, where

    def __len__(self) -> int:
        return len(self._view)

    def jpeg(self, index: int) -> Bytes | None:
        """The file of a picture; None where it is not stored as a JPEG."""
        self._check(index)
        return self._view.jpeg(index) if isinstance(self._view, JpegRun) else None

    def __getitem__(self, index: int) -> Bytes:
        self._check(index)
        return self._view[index]

    def _check(self, index: int) -> None:
        if not self._valid[index]:
            raise LostPicture(f"{self._where}: frame {index}: was lost before it came into this file")


def pictures_in(data: Any) -> Arrays | JpegRows:
    """The pictures of a plain data set, whichever way they lie in it. Raises RecordingError for anything else."""
    if not isinstance(data, h5py.Dataset) or data.shape is None:
        raise RecordingError(f"{data.file.filename}: {data.name}: expected a data set of pictures, got none")
    if data.dtype.kind == "O":
        return JpegRows(data)
    return Arrays(data_set(data.parent, data.name.rpartition("/")[2], data.ndim, data.dtype.kind))
