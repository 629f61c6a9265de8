"""Rows of bytes of variable length in an HDF5 file, read without HDF5's own reader of them.

That one takes memory for whatever length a row claims, up to 4 GB, and may never end in a damaged heap. The layout is
read here by the HDF5 file format specification, version 3 (III.E, global heap; IV.A.2.d, class 9).
"""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

import h5py
import numpy as np

from stereo3d import hdf5_gate, limits
from stereo3d.errors import InputError

_REFERENCE = struct.Struct("<IQI")
"""Of a row: its length, the place of the collection that holds it, and its number there."""
_COLLECTION = struct.Struct("<4sB3xQ")
_OBJECT = struct.Struct("<HH4xQ")


class VariableRows:
    """The rows of a data set (N,) of uint8 of variable length, by index."""

    def __init__(self, data: h5py.Dataset, most: int = limits.LARGEST_PICTURE) -> None:
        """`most` bytes are read of a row. Raises InputError for another data set, and for a file of an unusual kind."""
        self._name = f"{data.file.filename}: {data.name}"
        if h5py.check_vlen_dtype(data.dtype) != np.uint8 or data.ndim != 1:
            raise InputError(f"{self._name}: expected rows of bytes (N,), got {data.dtype} {data.shape}")
        settings = data.file.id.get_create_plist()
        plain = data.chunks or data.id.get_create_plist().get_layout() == h5py.h5d.CONTIGUOUS
        if settings.get_sizes() != (8, 8) or settings.get_userblock() or not plain:
            raise InputError(f"{self._name}: lies in a file of an unusual kind; rewrite it with h5repack")
        self._data, self._most = data, most
        self._length = os.path.getsize(data.file.filename)

    def __len__(self) -> int:
        return int(self._data.shape[0])

    def __getitem__(self, index: int) -> bytes:
        """The bytes of a row. Raises InputError where it was never written, is damaged or too long."""
        where = f"{self._name}: row {index}"
        with open(self._data.file.filename, "rb") as file:
            length, collection, number = _REFERENCE.unpack(self._reference(file, index))
            if not length <= min(self._most, self._length):
                raise InputError(f"{where} claims {length} bytes in a file of {self._length}; refused")
            content = _object(file, collection, number, self._length)
        if content is None or len(content) < length:
            raise InputError(f"{where}: is damaged or was never written")
        return content[:length]

    def _reference(self, file: BinaryIO, index: int) -> bytes:
        start = index * _REFERENCE.size
        if not self._data.chunks:
            at = self._data.id.get_offset()
            return bytes(_REFERENCE.size) if at is None else _read(file, at + start, _REFERENCE.size)
        place, step = divmod(index, self._data.chunks[0])
        chunk = hdf5_gate.check_chunk(self._data, (place * self._data.chunks[0],))
        if chunk is None:
            return bytes(_REFERENCE.size)
        if chunk.packed:
            raise InputError(f"{self._name}: is packed in an unusual way; rewrite it with h5repack")
        return chunk.content[step * _REFERENCE.size:][:_REFERENCE.size]


def _object(file: BinaryIO, collection: int, number: int, length: int) -> bytes | None:
    """The object of that number in a collection of the global heap, None where there is none."""
    head = _read(file, collection, _COLLECTION.size) if collection < length else b""
    if len(head) < _COLLECTION.size:
        return None
    signature, version, size = _COLLECTION.unpack(head)
    if signature != b"GCOL" or version != 1:
        return None
    at, end = collection + _COLLECTION.size, min(collection + size, length)
    for _ in range(limits.MOST_IN_COLLECTION):
        entry = _read(file, at, _OBJECT.size) if at + _OBJECT.size <= end else b""
        if len(entry) < _OBJECT.size:
            return None
        found, _, held = _OBJECT.unpack(entry)
        at += _OBJECT.size
        if found in (0, number):
            return _read(file, at, held) if found and at + held <= end else None
        at += -(-held // 8) * 8
    return None


def _read(file: BinaryIO, at: int, length: int) -> bytes:
    file.seek(at)
    return file.read(length)
