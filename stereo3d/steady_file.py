"""A file that HDF5 can always close, also on a full disk."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class SteadyFile(io.FileIO):
    """A new file for h5py. HDF5 takes the process down at its end where it cannot write its last bytes; so after a
    write that failed this one takes all others in silence, and `check` says what went wrong."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "w+")
        self._trouble: OSError | None = None

    def write(self, data: ReadableBuffer, /) -> int:
        """All bytes of data, as far as the caller is told."""
        rest = memoryview(data).cast("B")
        length = len(rest)
        try:
            while rest and self._trouble is None:
                rest = rest[super().write(rest):]
        except OSError as error:
            self._trouble = error
        return length

    def truncate(self, size: int | None = None, /) -> int:
        """The new size."""
        try:
            return super().truncate(size)
        except OSError as error:
            self._trouble = self._trouble or error
            return size or 0

    def check(self) -> None:
        """Raises the OSError of the first write that failed."""
        if self._trouble is not None:
            raise self._trouble
