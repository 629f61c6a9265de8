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
from stereo3d.errors import RecordingError, Stereo3DError
from stereo3d.recording import pictures
from stereo3d.recording.paired import MOST_FRAMES
from stereo3d.values import Bytes, Floats, Ints

LARGEST_CHUNK = 128 << 20
"""Bytes; one chunk is held whole to read any part of it."""
_SUFFIXES = (".h5", ".hdf5", ".hdf", ".he5")
_MAGIC = b"\x89HDF\r\n\x1a\n"
_H5_ERRORS = (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, OverflowError)
"""What h5py raises on damaged files, by where the damage is."""


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
    except _H5_ERRORS as error:
        raise RecordingError(f"{what}: is damaged, it could not be read ({error})") from error


def data_set(group: h5py.Group, name: str, n_axes: int, kind: str) -> h5py.Dataset:
    """The data set of that name with `n_axes` axes and numpy's dtype kind. Raises RecordingError for any other."""
    where = f"{group.file.filename}: {group.name.rstrip('/')}/{name}"
    data = group.get(name)
    if not isinstance(data, h5py.Dataset):
        raise RecordingError(f"{where}: expected a data set, got {'none' if data is None else 'a group'}")
    if data.shape is None or data.ndim != n_axes or data.dtype.kind != kind:
        raise RecordingError(f"{where}: expected {n_axes} axes of kind {kind!r}, got {data.shape} {data.dtype}")
    chunk = data.dtype.itemsize * int(np.prod(data.chunks or (0,), dtype=object))
    if chunk > LARGEST_CHUNK:
        raise RecordingError(f"{where}: expected chunks of up to {LARGEST_CHUNK} bytes, got {chunk}; refused")
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
        with damage(f"{self._where}: frame {index}"):
            image = self._data[index]
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
        self._offset = offset
        lengths = np.diff(offset)
        most = 3 * size[0] * size[1] + (1 << 16)
        if offset[0] < 0 or offset[-1] > len(data) or lengths.min() < 0 or lengths.max() > most:
            raise RecordingError(
                f"{self._where}: expected offsets that rise from 0 to {len(data)} by up to {most} a picture, got others"
            )

    def __len__(self) -> int:
        return len(self._offset) - 1

    def __getitem__(self, index: int) -> Bytes:
        where = f"{self._where}: frame {index}"
        with damage(where):
            data = self._data[self._offset[index]:self._offset[index + 1]]
        return pictures.decode(data, where)


class JpegRows:
    """JPEG pictures of a data set (N,) whose elements are runs of uint8 of any length."""

    def __init__(self, data: h5py.Dataset) -> None:
        self._data = data
        self._where = f"{data.file.filename}: {data.name}"
        if h5py.check_vlen_dtype(data.dtype) != np.uint8 or data.ndim != 1:
            raise RecordingError(f"{self._where}: expected runs of uint8 (N,), got {data.dtype} {data.shape}")

    def __len__(self) -> int:
        return int(self._data.shape[0])

    def __getitem__(self, index: int) -> Bytes:
        where = f"{self._where}: frame {index}"
        with damage(where):
            data = np.asarray(self._data[index], np.uint8)
        return pictures.decode(data, where)


def pictures_in(data: Any) -> Arrays | JpegRows:
    """The pictures of a plain data set, whichever way they lie in it. Raises RecordingError for anything else."""
    if not isinstance(data, h5py.Dataset) or data.shape is None:
        raise RecordingError(f"{data.file.filename}: {data.name}: expected a data set of pictures, got none")
    if data.dtype.kind == "O":
        return JpegRows(data)
    return Arrays(data_set(data.parent, data.name.rpartition("/")[2], data.ndim, data.dtype.kind))
