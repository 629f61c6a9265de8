"""HDF5: write any value of the toolkit, read it back equal.

One group per value; its class and format version stand in the attributes, arrays are data sets, values inside a
value are groups, tuples and mappings are JSON (docs/file-format.md). A file appears under its name only when it is
whole, and files from elsewhere are looked through before anything of them is read.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from stereo3d.atomic import replacing
from stereo3d.errors import InputError, InvalidValue, Stereo3DError
from stereo3d.hdf5_gate import attribute as attribute
from stereo3d.hdf5_gate import open_hdf5 as open_hdf5
from stereo3d.hdf5_gate import read_array as read_array
from stereo3d.limits import parse_json
from stereo3d.steady_file import SteadyFile
from stereo3d.values import Value

VERSION = 1
CLASSES = {
    "Stereo": "stereo3d.stereo",
    "Skeleton": "stereo3d.skeleton",
    "Intrinsics": "stereo3d.cameras",
    "StereoRig": "stereo3d.cameras",
    "RectifiedCamera": "stereo3d.cameras",
    "Detections": "stereo3d.poses",
    "Poses2D": "stereo3d.poses",
    "Poses3D": "stereo3d.poses",
    "FramePair": "stereo3d.recording.base",
    "Evaluation": "stereo3d.evaluation.evaluate",
    "Survey": "stereo3d.detectors.search",
    "Evidence": "stereo3d.refinement.evidence",
    "Surface": "stereo3d.refinement.surface",
}
"""Where the class of each stored value lives: a file can name these and no others."""
_FORMAT = "stereo3d values"
_JSON = "json:"
_LONGEST_TEXT = 60_000
"""Bytes; HDF5 takes attributes of up to 64 kB."""
_FEWEST_ROWS, _MOST_ROWS = 64, 1024


def write(path: str | os.PathLike[str], **values: Value) -> Path:
    """The path of a new file that holds the values under their names; an old file of that name gives way at the end."""
    with new_file(path) as file:
        for name, value in values.items():
            put(file, name, value)
    return Path(path)


def read(path: str | os.PathLike[str], name: str | None = None) -> Any:
    """All values of a file by name, or the one of that name, each equal to what was written.

    Raises InputError for a file that is not ours, newer than this version, damaged, or lacks that name.
    """
    with open_hdf5(path) as file:
        check_stamp(file)
        if name is not None:
            return get(file, name)
        return {n: get(file, n) for n in file if "class" in file[n].attrs}


@contextlib.contextmanager
def new_file(
    path: str | os.PathLike[str], on_whole: Callable[[Path], None] = lambda _: None
) -> Iterator[h5py.File]:
    """A new file for values, which takes its name when all went well. Raises InputError where it cannot be written.

    on_whole is told of the file under its temporary name when it is whole.
    """
    with replacing(path, on_whole) as temporary, SteadyFile(temporary) as disk:
        with h5py.File(disk, "w") as file:
            file.attrs.update(format=_text(_FORMAT), version=VERSION)
            yield file
        disk.check()


def is_ours(path: str | os.PathLike[str]) -> bool:
    """Whether a file is HDF5 and holds values. Raises InputError for one that is damaged."""
    if not (Path(path).is_file() and h5py.is_hdf5(path)):
        return False
    with open_hdf5(path) as file:
        return bool(attribute(file, "format") == _FORMAT)


def check_stamp(file: h5py.File) -> None:
    """Raises InputError unless the file holds values of a version known here."""
    kind, version = attribute(file, "format"), attribute(file, "version") or 0
    if kind != _FORMAT:
        raise InputError(f"{file.filename}: expected a file of stereo3d values, got format {kind!r}")
    if version > VERSION:
        raise InputError(f"{file.filename}: is of version {version}, this stereo3d reads up to {VERSION}; update it")


def put(group: h5py.Group, name: str, value: Value, *, growing: bool = False) -> None:
    """Store a value as a new group; with `growing` its arrays can be extended along their first axis."""
    here = group.create_group(name)
    here.attrs.update({"class": _text(type(value).__name__), "version": VERSION})
    for field in dataclasses.fields(value):  # type: ignore[arg-type]
        _put_field(here, field.name, getattr(value, field.name), growing)


def _put_field(here: h5py.Group, name: str, x: Any, growing: bool) -> None:
    if isinstance(x, Value):
        put(here, name, x)
    elif isinstance(x, np.ndarray):
        rows = min(max(len(x), _FEWEST_ROWS if growing else 1), _MOST_ROWS)
        settings: dict[str, Any] = {"maxshape": (None, *x.shape[1:])} if growing else {}
        if x.size or growing:
            settings |= {"chunks": (rows, *x.shape[1:]), "fletcher32": True}
        here.create_dataset(name, data=x, track_times=False, **settings)
    elif isinstance(x, str):
        here.attrs[name] = _text(x)
    elif isinstance(x, (bool, int, float)):
        here.attrs[name] = x
    elif x is not None:
        here.attrs[name] = _text(_JSON + json.dumps(x))


def _text(text: str) -> np.bytes_:
    """Text of fixed length, as `attribute` reads it."""
    encoded = np.bytes_(text.encode() or b"\0")
    if len(encoded) > _LONGEST_TEXT:
        raise InvalidValue(f"expected a text of at most {_LONGEST_TEXT} bytes to store, got {len(encoded)}")
    return encoded


def grows(value: Value) -> bool:
    """Whether a value has a row for each frame, so that it can be stored piece by piece."""
    return isinstance(getattr(value, "time", None), np.ndarray)


def amend(here: h5py.Group, name: str, x: Any) -> None:
    """Store another number, text, tuple or mapping in a field of a value that is stored already."""
    _put_field(here, name, x, False)


def extend(group: h5py.Group, name: str, value: Value) -> None:
    """Append the arrays of a value to those of the growing one stored under that name."""
    here = group[name]
    for field in dataclasses.fields(value):  # type: ignore[arg-type]
        x = getattr(value, field.name)
        if isinstance(x, np.ndarray):
            data = here[field.name]
            data.resize(len(data) + len(x), axis=0)
            data[len(data) - len(x):] = x


def get(group: h5py.Group, name: str, rows: slice | None = None) -> Any:
    """The value stored under that name, or those rows of a growing one.

    Raises InputError where there is none or it is damaged.
    """
    where = f"{group.file.filename}: {name}"
    if name not in group:
        raise InputError(f"{where}: is not there; the file holds {', '.join(group) or 'nothing'}")
    here = group[name]
    kind = attribute(here, "class")
    if kind not in CLASSES or not isinstance(here, h5py.Group):
        raise InputError(f"{where}: expected a value of class {', '.join(CLASSES)}, got {kind!r}")
    version = attribute(here, "version") or 0
    if version > VERSION:
        raise InputError(f"{where}: is of version {version}, this stereo3d reads up to {VERSION}; update it")
    cls = getattr(importlib.import_module(CLASSES[kind]), kind)
    try:
        return cls(**{f.name: _get_field(here, f.name, rows) for f in dataclasses.fields(cls)})
    except Stereo3DError as error:
        raise type(error)(f"{where}: {error}") from error
    except (TypeError, AttributeError, ValueError) as error:
        raise InvalidValue(f"{where}: is damaged, or not written by stereo3d ({error})") from error


def _get_field(here: h5py.Group, name: str, rows: slice | None = None) -> Any:
    if name in here.attrs:
        return _plain(attribute(here, name))
    if name not in here:
        return None
    item = here[name]
    if isinstance(item, h5py.Group):
        return get(here, name)
    return item[rows] if rows is not None and item.maxshape[:1] == (None,) else read_array(item)


def _plain(x: Any) -> Any:
    if isinstance(x, str) and x.startswith(_JSON):
        loaded = parse_json(x.removeprefix(_JSON))
        return loaded if isinstance(loaded, Mapping) else _tuples(loaded)
    return x.item() if isinstance(x, np.generic) else x


def _tuples(x: Any) -> Any:
    return tuple(map(_tuples, x)) if isinstance(x, list) else x
