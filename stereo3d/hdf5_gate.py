"""HDF5 files from elsewhere: looked through before anything of them is read, and read within bounds.

HDF5 follows what a file says. Links, external storage and virtual data sets make it read other files; a chunk of a few
hundred kB inflates to gigabytes; a chunk that is stored too short is read beyond its end, which shows what else lies in
memory; what is of variable length may ask for 4 GB. None of this gets past here. `hdf5_heap` reads the last of them.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from stereo3d import limits
from stereo3d.errors import InputError, Stereo3DError

DEFLATE, SHUFFLE, FLETCHER32, LZF = 1, 2, 3, 32000
_FILTERS = {DEFLATE: "deflate", SHUFFLE: "shuffle", FLETCHER32: "fletcher32", LZF: "lzf"}
_COMPRESSORS = {DEFLATE, LZF}
_SUM = 4
"""Bytes of a check sum at a chunk's end."""
DAMAGE = (OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, OverflowError, MemoryError)
"""What h5py raises on damaged files, by where the damage is."""


@contextlib.contextmanager
def open_hdf5(path: str | os.PathLike[str]) -> Iterator[h5py.File]:
    """An HDF5 file, open to read, that was looked through and reaches nothing outside itself.

    Raises InputError for what is no HDF5 file or turns out damaged while it is open, and for links to elsewhere,
    external storage, virtual data sets and unknown filters: each lets a file read another one or run foreign code.
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: there is no such file")
    try:
        file = h5py.File(path, "r")
    except DAMAGE as error:
        raise InputError(f"{path}: expected an HDF5 file, got one that cannot be opened ({error})") from error
    with file:
        try:
            _look_through(file)
            yield file
        except Stereo3DError:
            raise
        except DAMAGE as error:
            raise InputError(f"{path}: is damaged ({error})") from error


def attribute(group: h5py.Group | h5py.Dataset, name: str) -> Any:
    """The plain value of an attribute, text as str, None where there is none or it is of variable length.

    HDF5 keeps what is of variable length in a heap, and reading a damaged heap may never end: ours write none.
    """
    if name not in group.attrs:
        return None
    held = group.attrs.get_id(name)
    if held.dtype.hasobject:
        return None
    value = group.attrs[name]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def read_array(data: h5py.Dataset) -> np.ndarray[Any, Any]:
    """The whole data set. Raises InputError where it claims more than a file of that size can hold."""
    limits.check_claim(_name(data), data.nbytes, os.path.getsize(data.file.filename))
    return read_rows(data) if data.ndim else np.asarray(data[()])


def read_rows(
    data: h5py.Dataset, start: int = 0, stop: int | None = None, *, codes: list[int] | None = None
) -> np.ndarray[Any, Any]:
    """data[start:stop] along the first axis, from chunks that hold what they should, no less and no more.

    codes: what `filters_of` gives, for who reads many rows one after the other. Raises InputError for other chunks,
    and for what is of variable length.
    """
    first, last, _ = slice(start, stop).indices(len(data))
    if data.dtype.hasobject:
        raise InputError(f"{_name(data)}: holds {data.dtype} of variable length, expected numbers; refused")
    if data.chunks:
        codes, offsets = filters_of(data) if codes is None else codes, chunks_of(data, first, last)
        if _COMPRESSORS & {*codes}:
            for offset in offsets:
                check_chunk(data, offset)
        else:
            _check_stored(data, offsets, codes)
    elif 0 < data.id.get_storage_size() < data.nbytes:
        raise InputError(f"{_name(data)}: claims {data.nbytes} bytes, {data.id.get_storage_size()} are stored; refused")
    return np.asarray(data[first:last])


def chunks_of(data: h5py.Dataset, first: int, last: int) -> Iterator[tuple[int, ...]]:
    """Where the chunks of the rows from `first` to before `last` begin. Raises InputError for too many."""
    chunk, shape = data.chunks, data.shape
    steps = [range(first - first % chunk[0], last, chunk[0]), *(range(0, n, c) for n, c in zip(shape[1:], chunk[1:]))]
    if math.prod(map(len, steps)) > limits.MOST_CHUNKS:
        raise InputError(f"{_name(data)}: lies in more than {limits.MOST_CHUNKS} chunks; refused, take larger ones")
    return itertools.product(*steps)


class Chunk(NamedTuple):
    """What is stored of a data set in one place."""

    content: bytes
    """Without its sum, and inflated."""
    packed: bool
    """Whether it was shuffled or packed with LZF, which is not undone."""


def check_chunk(data: h5py.Dataset, offset: tuple[int, ...]) -> Chunk | None:
    """The chunk that begins there, None where it was never written.

    Raises InputError where its bytes are not as many as a chunk has to hold, in the end.
    """
    try:
        mask, stored = data.id.read_direct_chunk(offset)
    except DAMAGE:
        return None
    expected = math.prod(data.chunks) * data.id.get_type().get_size()
    length = len(stored)
    applied = [code for place, code in enumerate(filters_of(data)) if not mask >> place & 1]
    for code in reversed(applied):
        if code == FLETCHER32:
            stored, length = stored[:-_SUM], length - _SUM
        elif code == DEFLATE:
            stored = _inflate(stored, expected + _SUM)
            length = len(stored)
        elif code == LZF:
            length = _unpacked_length(stored)
    if length != expected:
        raise _other_length(data, offset, length, expected)
    return Chunk(stored, LZF in applied or SHUFFLE in applied)


def _check_stored(data: h5py.Dataset, offsets: Iterable[tuple[int, ...]], codes: list[int]) -> None:
    """The same for chunks that are stored unpacked, whose length in the file tells: nothing is read."""
    expected = math.prod(data.chunks) * data.id.get_type().get_size()
    sums = [place for place, code in enumerate(codes) if code == FLETCHER32]
    for offset in offsets:
        try:
            found = data.id.get_chunk_info_by_coord(offset)
        except DAMAGE:
            continue
        length = found.size - sum(_SUM for place in sums if not found.filter_mask >> place & 1)
        if found.size and length != expected:
            raise _other_length(data, offset, length, expected)


def _other_length(data: h5py.Dataset, offset: tuple[int, ...], length: int, expected: int) -> InputError:
    return InputError(
        f"{_name(data)}: the chunk at {offset} unpacks to {length} bytes or more, expected {expected}; refused"
    )


def _inflate(stored: bytes, most: int) -> bytes:
    """Up to one byte more than `most`."""
    try:
        return zlib.decompressobj().decompress(stored, most + 1)
    except zlib.error as error:
        raise InputError(f"a chunk cannot be inflated ({error})") from error


def _unpacked_length(packed: bytes) -> int:
    """What LZF unpacks to: literal runs of up to 32 bytes, and copies of earlier ones (liblzf's lzf_d.c)."""
    at = length = 0
    while at < len(packed):
        control = packed[at]
        if control < 32:
            at, length = at + control + 2, length + control + 1
        else:
            long = control >> 5 == 7
            length += (control >> 5) + 2 + (packed[at + 1] if long and at + 1 < len(packed) else 0)
            at += 3 if long else 2
    return length


def filters_of(data: h5py.Dataset) -> list[int]:
    """The codes of a data set's filters in the order in which they were applied."""
    settings = data.id.get_create_plist()
    return [settings.get_filter(i)[0] for i in range(settings.get_nfilters())]


def _look_through(file: h5py.File) -> None:
    waiting: list[h5py.Group] = [file]
    seen, groups = 0, set()
    while waiting:
        group = waiting.pop()
        for name in group:
            seen += 1
            if seen > limits.MOST_OBJECTS:
                raise InputError(f"{file.filename}: holds more than {limits.MOST_OBJECTS} objects; refused")
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                where = f"{file.filename}: {group.name}/{name}"
                raise InputError(f"{where} is a link to elsewhere; refused, copy the data in")
            item = group[name]
            if isinstance(item, h5py.Dataset):
                _check_layout(item)
            elif isinstance(item, h5py.Group) and (place := h5py.h5o.get_info(item.id).addr) not in groups:
                groups.add(place)
                waiting.append(item)


def _check_layout(data: h5py.Dataset) -> None:
    if data.external or data.is_virtual:
        raise InputError(f"{_name(data)}: takes its numbers from another file; refused, copy the data in")
    _check_filters(data, filters_of(data))
    chunk = math.prod(data.chunks or (0,)) * data.id.get_type().get_size()
    if chunk > limits.LARGEST_CHUNK:
        raise InputError(f"{_name(data)}: expected chunks of up to {limits.LARGEST_CHUNK} bytes, got {chunk}; refused")


def _check_filters(data: h5py.Dataset, codes: list[int]) -> None:
    unknown = [code for code in codes if code not in _FILTERS]
    if unknown:
        known = ", ".join(_FILTERS.values())
        raise InputError(f"{_name(data)}: uses HDF5 filter {unknown[0]}, which is not one of {known}")
    packed = [i for i, code in enumerate(codes) if code in _COMPRESSORS]
    if len(set(codes)) < len(codes) or len(packed) > 1 or SHUFFLE in codes[packed[0] if packed else len(codes):]:
        named = ", ".join(_FILTERS[code] for code in codes)
        raise InputError(f"{_name(data)}: expected each HDF5 filter once and shuffle before others, got {named}")


def _name(data: h5py.Dataset) -> str:
    return f"{data.file.filename}: {data.name}"
