"""Work cut into segments that a crash cannot lose: kill it at any time, resume, and get the same file.

Beside the output lies a folder `OUTPUT.parts` with one file per finished segment and `manifest.jsonl`, a line of
JSON each, written after the segment is safely on the disk. The first line says what the work was started with; work
begun with anything else is not resumed. At most the segment in hand is done again. When the last is there, all are
joined into the output, which appears under its name whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import h5py

from stereo3d import atomic, storage
from stereo3d.errors import InputError, UsageError
from stereo3d.poses import Poses2D, Poses3D
from stereo3d.values import Value

LENGTH = 300
"""Frames in a segment: 10 s at 30 fps."""
Work = Callable[[range], Mapping[str, Value]]


class Segments:
    """The finished segments of one output, on the disk."""

    def __init__(self, output: Path, key: Mapping[str, Any], *, resume: bool = False, restart: bool = False) -> None:
        """Begin, or with `resume` go on.

        Raises UsageError where unfinished work lies there and neither `resume` nor `restart` says what to do with it,
        or where it was begun with other inputs; InputError where there is no folder for the output.
        """
        if not output.parent.is_dir():
            raise InputError(f"{output}: cannot be written: there is no folder {output.parent}; make it first")
        self.output = output
        self.folder = output.with_name(output.name + ".parts")
        self._manifest = self.folder / "manifest.jsonl"
        started = json.loads(json.dumps(dict(key)))
        if restart:
            shutil.rmtree(self.folder, ignore_errors=True)
        lines = self._read_manifest()
        if not lines:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir()
            self._append({"key": started})
        elif not resume:
            raise UsageError(f"{self.folder}: unfinished work; give --resume to go on or --restart to begin anew")
        elif lines[0].get("key") != started:
            other = sorted(k for k in started | lines[0]["key"] if lines[0]["key"].get(k) != started.get(k))
            raise UsageError(
                f"{self.folder}: was begun with another {', '.join(other)}; give --restart to begin anew, "
                "or the settings it was begun with"
            )
        self._done = {(e["start"], e["stop"]): e for e in lines[1:] if self._whole(e)}

    def run(self, frames: range, work: Work, on_segment: Callable[[range], None] = lambda _: None) -> None:
        """Do the segments of `frames` that are not there yet, each followed by on_segment."""
        for first in range(0, len(frames), LENGTH):
            part = frames[first:first + LENGTH]
            if (part.start, part.stop) not in self._done:
                self._save(part, work(part))
            on_segment(part)

    def once(self, name: str, make: Callable[[], Value]) -> Any:
        """The value of that name that all segments share: made the first time, read afterwards."""
        path = self.folder / f"{name}.h5"
        if not path.is_file():
            storage.write(path, **{name: make()})
        return storage.read(path, name)

    def join(self, frames: range, **constants: Value) -> Path:
        """The output: the values of all segments one after the other, and the constants; the folder goes.

        Values over time grow segment by segment, so that memory does not depend on their number.
        """
        paths = [self._path(frames[i:i + LENGTH]) for i in range(0, len(frames), LENGTH)]
        with storage.new_file(self.output) as file:
            for name, value in constants.items():
                storage.put(file, name, value)
            for i, path in enumerate(paths):
                _join(file, storage.read(path).items(), first=i == 0)
        shutil.rmtree(self.folder)
        return self.output

    def _path(self, part: range) -> Path:
        return self.folder / f"{part.start:08d}-{part.stop:08d}.h5"

    def _save(self, part: range, values: Mapping[str, Value]) -> None:
        path = storage.write(self._path(part), **values)
        entry = {"start": part.start, "stop": part.stop, "sha256": sha256(path)}
        self._append(entry)
        self._done[part.start, part.stop] = entry

    def _whole(self, entry: Mapping[str, Any]) -> bool:
        path = self.folder / f"{entry['start']:08d}-{entry['stop']:08d}.h5"
        return path.is_file() and sha256(path) == entry["sha256"]

    def _append(self, entry: Mapping[str, Any]) -> None:
        with open(self._manifest, "a", encoding="utf-8") as file:
            file.write(json.dumps(entry, sort_keys=True) + "\n")
            file.flush()
            os.fsync(file.fileno())
        atomic.sync(self.folder)

    def _read_manifest(self) -> list[dict[str, Any]]:
        """The whole lines; one torn by a crash is cut off, so that the next one starts on a line of its own."""
        if not self._manifest.is_file():
            return []
        whole = self._manifest.read_bytes().rpartition(b"\n")[0]
        with open(self._manifest, "r+b") as file:
            file.truncate(len(whole) + bool(whole))
        return [json.loads(line) for line in whole.splitlines()]


def _join(file: h5py.File, values: Iterable[tuple[str, Value]], *, first: bool) -> None:
    for name, value in values:
        if first:
            storage.put(file, name, value, growing=isinstance(value, (Poses2D, Poses3D)))
        elif isinstance(value, (Poses2D, Poses3D)):
            storage.extend(file, name, value)


def sha256(path: str | os.PathLike[str]) -> str:
    """Check sum of a file, or of the names and check sums of a folder's files."""
    if Path(path).is_dir():
        names = sorted(p for p in Path(path).rglob("*") if p.is_file())
        text = "".join(f"{p.relative_to(path).as_posix()} {sha256(p)}\n" for p in names)
        return hashlib.sha256(text.encode()).hexdigest()
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
