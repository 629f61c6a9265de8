"""Tensors from files that torch.save wrote, without running anything that the file asks for.

A pickle can call any function; this reader lets tensors, numbers, strings and containers through and puts an inert
`Stand` in place of everything else, so it also reads files that `torch.load(weights_only=True)` refuses: logs and
numpy scalars beside the weights, and whole pickled modules. It reads the zip format and the one before it (torch 1.5
and older), and checks what a file declares against the file's size before it allocates anything.
"""

from __future__ import annotations

import io
import math
import mmap
import pickle
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from stereo3d.errors import CheckpointError
from stereo3d.limits import LONGEST_NAME, MOST_AXES, check_pickle

MAGIC = 0x1950A86A20F9469CFC6C
"""The first number in a file of the older format."""
UNREADABLE = (
    pickle.UnpicklingError, zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, AttributeError,
    LookupError, TypeError, ValueError, ImportError, RuntimeError, ArithmeticError, MemoryError,
)
"""What a torn or hostile file can raise while it is read."""
_DTYPES = {
    "FloatStorage": torch.float32, "DoubleStorage": torch.float64, "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16, "LongStorage": torch.int64, "IntStorage": torch.int32,
    "ShortStorage": torch.int16, "CharStorage": torch.int8, "ByteStorage": torch.uint8, "BoolStorage": torch.bool,
}
Storages = Callable[[str, torch.dtype, int], Tensor]


class Stand:
    """Stands in for an object of any class but the few that are let through; it does nothing."""

    state: Any = None
    """What the object was made of."""

    def __init__(self, *_: Any) -> None:
        """Takes what the class would have taken."""

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __setitem__(self, _: Any, __: Any) -> None:
        """Takes the items of a mapping."""

    def extend(self, _: Any) -> None:
        """Takes the items of a sequence."""


def read_torch(path: Path) -> Any:
    """What torch.save was given: dict, list, tuple, str, numbers, CPU tensors, and `Stand` for all else.

    Raises CheckpointError for anything that is torn, of another format, or declares more than the file holds.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # pickletools warns of a damaged text's backslashes
            return _read_zip(path) if zipfile.is_zipfile(path) else _read_older(path)
    except UNREADABLE as error:
        raise CheckpointError(
            f"{path.name}: expected weights that torch.save wrote, got a file that cannot be read as such "
            f"({ascii(error)[:160]}); it may be torn: fetch it again"
        ) from error


def module_tensors(module: Stand) -> dict[str, Tensor]:
    """The state dict of a whole pickled module, in its order; a module that stands in two places is taken once."""
    tensors: dict[str, Tensor] = {}
    seen: set[int] = set()
    waiting: list[tuple[str, Any]] = [("", module)]
    while waiting:
        prefix, current = waiting.pop()
        state = getattr(current, "state", None)
        if id(current) in seen or not isinstance(state, dict) or len(prefix) > LONGEST_NAME:
            continue
        seen.add(id(current))
        own = {**_entries(state, "_parameters"), **_entries(state, "_buffers")}
        tensors |= {f"{prefix}{name}": tensor for name, tensor in own.items() if isinstance(tensor, Tensor)}
        children = reversed(_entries(state, "_modules").items())
        waiting += [(f"{prefix}{name}.", child) for name, child in children]
    return tensors


def _entries(state: dict[Any, Any], part: str) -> dict[str, Any]:
    found = state.get(part)
    if not isinstance(found, dict):
        return {}
    return {name: entry for name, entry in found.items() if isinstance(name, str) and len(name) <= LONGEST_NAME}


def _read_zip(path: Path) -> Any:
    with zipfile.ZipFile(path) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        declared = sum(entry.file_size for entry in entries.values())
        if declared > path.stat().st_size:
            raise pickle.UnpicklingError(f"{declared} bytes declared in a file of {path.stat().st_size}")
        (root,) = (name.removesuffix("data.pkl") for name in entries if name.endswith("/data.pkl"))
        order = f"{root}byteorder"
        if order in entries and archive.read(order) != b"little":
            raise pickle.UnpicklingError("numbers in big-endian order")

        def storage(key: str, dtype: torch.dtype, count: int) -> Tensor:
            data = bytearray(archive.read(entries[f"{root}data/{key}"]))
            if len(data) != count * dtype.itemsize:
                raise pickle.UnpicklingError(f"{count} {dtype} declared, {len(data)} bytes there")
            return torch.frombuffer(data, dtype=dtype) if data else torch.empty(0, dtype=dtype)

        return _load(io.BytesIO(archive.read(f"{root}data.pkl")), storage)


def _read_older(path: Path) -> Any:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as stream:
        if _load(stream) != MAGIC:
            raise pickle.UnpicklingError("not torch's format")
        _load(stream)
        if not _load(stream)["little_endian"]:
            raise pickle.UnpicklingError("numbers in big-endian order")
        storages = _Reserved(len(stream))
        result = _load(stream, storages)
        for key in _load(stream):
            storages.fill(key, stream)
        return result


class _Reserved:
    """Storages of the older format, whose numbers come after the objects that use them."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.storages: dict[str, Tensor] = {}

    def __call__(self, key: str, dtype: torch.dtype, count: int) -> Tensor:
        self.room -= count * dtype.itemsize
        if count < 0 or self.room < 0:
            raise pickle.UnpicklingError(f"{count} {dtype} declared, which is more than the file holds")
        self.storages[key] = torch.empty(count, dtype=dtype)
        return self.storages[key]

    def fill(self, key: str, stream: mmap.mmap) -> None:
        """Reads one storage: its length as int64, then its numbers."""
        storage = self.storages[key]
        (count,) = struct.unpack("<q", stream.read(8))
        data = stream.read(storage.nbytes)
        if count != len(storage) or len(data) != storage.nbytes:
            raise pickle.UnpicklingError(f"{len(storage)} numbers declared, {count} there")
        if data:
            storage.copy_(torch.frombuffer(bytearray(data), dtype=storage.dtype))


def _load(stream: io.BytesIO | mmap.mmap, storages: Storages | None = None) -> Any:
    """The next pickle in the stream, which is left behind it."""
    start = stream.tell()
    check_pickle(stream)  # type: ignore[arg-type]
    end = stream.tell()
    stream.seek(start)
    return _Unpickler(io.BytesIO(stream.read(end - start)), storages).load()


class _Unpickler(pickle.Unpickler):
    """Makes tensors and containers; everything else becomes a Stand."""

    def __init__(self, data: io.BytesIO, storages: Storages | None) -> None:
        super().__init__(data)
        self._storages = storages
        self._read: dict[str, Tensor] = {}

    def find_class(self, module: str, name: str) -> Any:
        """What a name in the file stands for. Nothing is imported."""
        if module in ("torch", "torch.cuda") and name in _DTYPES:
            return _DTYPES[name]
        return _ALLOWED.get((module, name), Stand)

    def persistent_load(self, pid: Any) -> Any:
        """A storage as a tensor of one axis, each read once; a module's class, which comes with its source text."""
        if pid[0] == "module":
            return Stand
        kind, dtype, key, _, count, *views = pid
        if kind != "storage" or not isinstance(dtype, torch.dtype) or self._storages is None or any(views):
            raise pickle.UnpicklingError(f"a reference to {kind!r} of {dtype!r}, which is none that torch writes")
        if key not in self._read:
            self._read[key] = self._storages(key, dtype, count)
        return self._read[key]


class _Dict(dict[Any, Any]):
    """For OrderedDict: dicts have been ordered since; its further attributes are left out."""

    def __init__(self) -> None:
        super().__init__()

    def __setstate__(self, _: Any) -> None:
        """Leaves out what state_dict adds (`_metadata`)."""


def _tensor(storage: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> Tensor:
    if len(size) > MOST_AXES or not 0 <= math.prod(size) <= len(storage):
        raise pickle.UnpicklingError(f"a tensor of shape {size[:MOST_AXES]} declared on {len(storage)} numbers")
    return torch.as_strided(storage, size, stride, offset)


def _parameter(data: Tensor, *_: Any) -> Tensor:
    return data


_ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): _Dict,
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
}
