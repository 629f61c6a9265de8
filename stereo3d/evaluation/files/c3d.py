"""The points of a C3D file, read by its specification (https://www.c3d.org/docs/C3D_User_Guide.pdf).

Little-endian files, with floats or scaled integers, as all present-day systems write them. A damaged file gets a
sentence: packages that read C3D in C++ end the process.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from stereo3d.errors import InvalidValue
from stereo3d.limits import MOST_BYTES
from stereo3d.values import Floats

_BLOCK = 512
_KEY = 0x50
_INTEL = 84
_KINDS = {-1: "S1", 1: "u1", 2: "<i2", 4: "<f4"}
_LOST = -1
_MOST_COUNTED = 0xFFFF
"""The header counts frames in 16 bits; longer files say 65535 there, and how many in one of three parameters."""


class C3DPoints(NamedTuple):
    """What a file holds, lengths in its own unit."""

    xyz: Floats
    """(T, K, 3), NaN where the file says that a point is missing."""
    names: list[str]
    unit: str
    time: Floats
    """(T,) s: by STEREO3D:START where we wrote it, else as its frames are numbered."""
    camera: str = ""
    """STEREO3D:FRAME, whose coordinates they are, where we wrote it."""


def read_c3d(path: str | os.PathLike[str]) -> C3DPoints:
    """The points of a C3D. Raises OSError or InvalidValue for a file that is none, is damaged or another machine's."""
    if os.path.getsize(path) > MOST_BYTES:
        raise InvalidValue(f"expected a C3D of up to {MOST_BYTES} bytes, got {os.path.getsize(path)}")
    with open(path, "rb") as stream:
        data = stream.read()
    try:
        return _points(data)
    except (struct.error, IndexError, KeyError) as error:
        raise InvalidValue(f"expected a C3D, got one that is cut off or damaged ({error})") from error


def _points(data: bytes) -> C3DPoints:
    block, key, n_points, n_analog, first, last, _, scale, start, _, rate = struct.unpack_from("<BBHHHHHfHHf", data)
    if key != _KEY:
        raise InvalidValue(f"expected a C3D, whose second byte is {_KEY}, got {key}")
    parameters = _parameters(data, (block - 1) * _BLOCK)
    names = [str(name) for name in parameters["POINT:LABELS"]][:n_points]
    number = "<f4" if scale < 0 else "<i2"
    width, offset = 4 * n_points + n_analog, (start - 1) * _BLOCK
    if not (rate > 0 and np.isfinite(rate) and offset > 0 and len(names) == n_points > 0):
        raise InvalidValue(f"expected named points at a rate, got {n_points} points, {len(names)} names, {rate:g} Hz")
    first, n_frames = _frames((first, last), len(data) - offset, width * np.dtype(number).itemsize, parameters)
    values = np.frombuffer(data, number, n_frames * width, offset).reshape(n_frames, width)
    points = values[:, : 4 * n_points].reshape(n_frames, n_points, 4)
    with np.errstate(invalid="ignore"):
        xyz = points[..., :3].astype(np.float64) * (1.0 if scale < 0 else float(scale))
        missing = ~(points[..., 3] > _LOST)
    begin = float(parameters.get("STEREO3D:START", [(first - 1) / rate])[0])
    return C3DPoints(
        np.where(missing[..., None], np.nan, xyz), names, _first(parameters, "POINT:UNITS"),
        begin + np.arange(n_frames) / rate, _first(parameters, "STEREO3D:FRAME"),
    )  # fmt: skip


def _frames(header: tuple[int, int], held: int, size: int, parameters: dict[str, Any]) -> tuple[int, int]:
    """The first frame's number, and how many of `size` bytes there are among those `held`.

    By the header, unless there is more data and a parameter says how much (User Guide, POINT:FRAMES and TRIAL).
    """
    first, last = header
    n = last - first + 1
    if n * size > held:
        raise InvalidValue(f"expected {n} frames, got the data of {max(held, 0) // size}")
    if held >= n * size + _BLOCK:
        for begin, count in _long_counts(first, parameters):
            if n < count <= held // size:
                return begin, count
        if last == _MOST_COUNTED:
            raise InvalidValue(
                f"expected to be told how many frames it has (POINT:LONG_FRAMES), got the data of {held // size} and "
                f"a header that cannot count beyond {_MOST_COUNTED}; write it in parts, or as TRC or CSV"
            )
    if n < 1:
        raise InvalidValue(f"expected frames, got those from {first} to {last}")
    return first, n


def _long_counts(first: int, parameters: dict[str, Any]) -> Iterator[tuple[int, int]]:
    """First frames and numbers of frames, as files say them that have more than the header counts."""
    words = [np.asarray(parameters.get(f"TRIAL:ACTUAL_{end}_FIELD", ())) for end in ("START", "END")]
    if all(x.size == 2 and x.dtype == "<i2" for x in words):
        begin, end = (int(x.view("<u4")[0]) for x in words)
        yield begin, end - begin + 1
    for name in ("LONG_FRAMES", "FRAMES"):
        said = np.asarray(parameters.get(f"POINT:{name}", ()))
        if said.size == 1 and said.dtype == "<f4" and np.isfinite(said[0]):
            yield first, int(said[0])


def _first(parameters: dict[str, Any], name: str) -> str:
    """The first text of a parameter, empty where there is none."""
    return str([*parameters.get(name, ()), ""][0])


def _parameters(data: bytes, offset: int) -> dict[str, Any]:
    """GROUP:NAME -> list of texts or array of numbers."""
    if data[offset + 3] != _INTEL:
        raise InvalidValue(f"expected a little-endian C3D (processor {_INTEL}), got processor {data[offset + 3]}")
    groups: dict[int, str] = {}
    found: list[tuple[int, str, Any]] = []
    at = offset + 4
    while True:
        length, group = struct.unpack_from("<bb", data, at)
        if not length:
            break
        name_end = at + 2 + abs(length)
        name = data[at + 2 : name_end].decode("latin-1").upper()
        (step,) = struct.unpack_from("<h", data, name_end)
        if group < 0:
            groups[-group] = name
        else:
            found.append((group, name, _parameter(data, name_end + 2)))
        if step <= 0:
            break
        at = name_end + step
    return {f"{groups.get(group, group)}:{name}": value for group, name, value in found}


def _parameter(data: bytes, at: int) -> Any:
    kind, n_dimensions = struct.unpack_from("<bB", data, at)
    shape = struct.unpack_from(f"<{n_dimensions}B", data, at + 2)
    dtype = np.dtype(_KINDS[kind])
    count = int(np.prod(shape, dtype=np.int64))
    begin = at + 2 + n_dimensions
    raw = data[begin : begin + max(count, 0) * dtype.itemsize]
    if not 0 <= count * dtype.itemsize <= len(raw):
        raise IndexError(f"a parameter of {count} values")
    if kind == -1:
        wide = max(shape[0], 1) if shape else 1
        return [raw[i : i + wide].decode("latin-1").strip() for i in range(0, len(raw), wide)]
    return np.frombuffer(raw, dtype)
