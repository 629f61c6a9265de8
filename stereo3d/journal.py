"""The finished parts of a piece of work, on the disk, so that a crash cannot lose them.

Beside the output lies a folder `OUTPUT.parts` with one file per finished part and `manifest.jsonl`, a line of JSON
each, written after the part is safely on the disk. The first line says what the work was started with; work begun with
anything else is not resumed. The last line says that all parts were joined into the output.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stereo3d import atomic
from stereo3d.errors import InputError, UsageError


class Journal:
    """What is done of one output."""

    def __init__(self, output: Path, key: Mapping[str, Any], *, resume: bool = False, restart: bool = False) -> None:
        """Begin, or with `resume` go on.

        Raises UsageError where unfinished work lies there and neither `resume` nor `restart` says what to do with it,
        or where it was begun with other inputs; InputError where there is no folder for the output.
        """
        if not output.parent.is_dir():
            raise InputError(f"{output}: cannot be written: there is no folder {output.parent}; make it first")
        self.output, self.folder = output, parts_of(output)
        self._manifest = self.folder / "manifest.jsonl"
        started = json.loads(json.dumps(dict(key)))
        if restart:
            shutil.rmtree(self.folder, ignore_errors=True)
        lines, finished = self._read(), resume and self._is_emptied()
        if lines:
            self._check(lines[0].get("key"), started, resume)
        else:
            self._begin(started)
        self.joined = output.is_file() and (lines[-1].get("joined") == _identity(output) if lines else finished)
        sums = {line["part"]: line["sha256"] for line in lines if "part" in line}
        self._done = {name for name, wanted in sums.items() if self.joined or self._is(name, wanted)}

    def path(self, name: str) -> Path:
        """Where the part of that name lies, or is to be written."""
        return self.folder / name

    def has(self, name: str) -> bool:
        """Whether that part is finished, as it was written."""
        return self.joined or name in self._done

    def finish(self, name: str) -> None:
        """Note that a part was written. It has to be on the disk already."""
        self._append({"part": name, "sha256": sha256(self.path(name))})
        self._done.add(name)

    def join(self, whole: Path) -> None:
        """Note that all the parts were joined into the file `whole`, just before it takes the output's name."""
        self._append({"joined": _identity(whole)})

    def discard(self) -> None:
        """Remove the parts; the manifest last, so that what a crash leaves is known for what it is."""
        for path in [p for p in self.folder.iterdir() if p != self._manifest] + [self._manifest]:
            path.unlink()
        self.folder.rmdir()

    def __len__(self) -> int:
        """How many parts are finished."""
        return len(self._done)

    def _check(self, begun: Any, wanted: Mapping[str, Any], resume: bool) -> None:
        """Raise UsageError unless work that was begun with one key may be gone on with."""
        if not resume:
            raise UsageError(f"{self.folder}: unfinished work; give --resume to go on or --restart to begin anew")
        if begun != wanted:
            held = begun if isinstance(begun, dict) else {}
            other = sorted(k for k in {**wanted, **held} if held.get(k) != wanted.get(k))
            raise UsageError(
                f"{self.folder}: was begun with another {', '.join(other)}; give --restart to begin anew, "
                "or the settings it was begun with"
            )

    def _begin(self, key: Mapping[str, Any]) -> None:
        """A folder has its manifest from the first; one without is what `discard` had all but removed."""
        new = self.folder.with_name(self.folder.name + ".tmp")
        for old in (self.folder, new):
            shutil.rmtree(old, ignore_errors=True)
        try:
            new.mkdir()
            atomic.write_text(new / self._manifest.name, json.dumps({"key": key}, sort_keys=True) + "\n")
            new.rename(self.folder)
            atomic.sync(self.folder.parent)
        except OSError as error:
            raise InputError(f"{self.folder}: cannot be written ({error.strerror or error})") from error

    def _is_emptied(self) -> bool:
        return self.folder.is_dir() and not any(self.folder.iterdir())

    def _is(self, name: str, wanted: str) -> bool:
        return self.path(name).is_file() and sha256(self.path(name)) == wanted

    def _append(self, entry: Mapping[str, Any]) -> None:
        with open(self._manifest, "a", encoding="utf-8") as file:
            file.write(json.dumps(entry, sort_keys=True) + "\n")
            file.flush()
            os.fsync(file.fileno())
        atomic.sync(self.folder)

    def _read(self) -> list[dict[str, Any]]:
        """The whole lines; what a crash tore is cut off, so that the next one starts on a line of its own."""
        if not self._manifest.is_file():
            return []
        found, length = [], 0
        for line in self._manifest.read_bytes().splitlines(keepends=True):
            try:
                entry = json.loads(line)
            except ValueError:
                break
            if not isinstance(entry, dict) or not line.endswith(b"\n"):
                break
            found.append(entry)
            length += len(line)
        os.truncate(self._manifest, length)
        return found


def _identity(path: Path) -> list[int]:
    """What stays of a file that is renamed, and no other file has."""
    about = path.stat()
    return [about.st_ino, about.st_size, about.st_mtime_ns]


def parts_of(output: Path) -> Path:
    """The folder of an output's finished parts."""
    return output.with_name(output.name + ".parts")


def sha256(path: str | os.PathLike[str]) -> str:
    """Check sum of a file, or of the names and check sums of a folder's files."""
    if Path(path).is_dir():
        names = sorted(p for p in Path(path).rglob("*") if p.is_file())
        text = "".join(f"{p.relative_to(path).as_posix()} {sha256(p)}\n" for p in names)
        return hashlib.sha256(text.encode()).hexdigest()
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
