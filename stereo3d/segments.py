"""Work on a recording cut into segments that a crash cannot lose: kill it at any time, resume, get the same file.

A segment is a part in a `Journal`; at most the one in hand is done again. When the last is there, all are joined into
the output, which appears under its name whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import h5py

from stereo3d import storage
from stereo3d.journal import Journal
from stereo3d.values import Value

LENGTH = 300
"""Frames in a segment: 10 s at 30 fps."""
Work = Callable[[range], Mapping[str, Value]]


class Segments:
    """The finished segments of one output, on the disk."""

    def __init__(self, output: Path, key: Mapping[str, Any], *, resume: bool = False, restart: bool = False) -> None:
        """Begin, or with `resume` go on; raises what `Journal` raises."""
        self.output = output
        self._journal = Journal(output, key, resume=resume, restart=restart)

    def run(self, frames: range, work: Work, on_segment: Callable[[range], None] = lambda _: None) -> None:
        """Do the segments of `frames` that are not there yet, each followed by on_segment."""
        for part in _parts(frames):
            if not self._journal.has(_name(part)):
                storage.write(self._journal.path(_name(part)), **work(part))
                self._journal.finish(_name(part))
            on_segment(part)

    def once(self, name: str, make: Callable[[], Value]) -> Any:
        """The value of that name that all segments share: made the first time, read afterwards."""
        path = self._journal.path(f"{name}.h5")
        if not path.is_file():
            storage.write(path, **{name: make()})
        return storage.read(path, name)

    def join(
        self, frames: range, last: Callable[[h5py.File], None] = lambda _: None,
        after: Callable[[Path], object] = lambda _: None, **constants: Value,
    ) -> Path:
        """The output: the values of all segments one after the other, and the constants; the parts go.

        Values over time grow segment by segment, so that memory does not depend on their number. `last` may add to the
        file before it takes its name; `after` may write beside it, and is called again where a crash came between.
        """
        if not self._journal.joined:
            with storage.new_file(self.output, self._journal.join) as file:
                for name, value in constants.items():
                    storage.put(file, name, value)
                for i, part in enumerate(_parts(frames)):
                    _join(file, storage.read(self._journal.path(_name(part))).items(), first=i == 0)
                last(file)
        after(self.output)
        self._journal.discard()
        return self.output


def _parts(frames: range) -> list[range]:
    return [frames[first:first + LENGTH] for first in range(0, len(frames), LENGTH)]


def _name(part: range) -> str:
    return f"{part.start:08d}-{part.stop:08d}.h5"


def _join(file: h5py.File, values: Iterable[tuple[str, Value]], *, first: bool) -> None:
    for name, value in values:
        if first:
            storage.put(file, name, value, growing=storage.grows(value))
        elif storage.grows(value):
            storage.extend(file, name, value)
