"""Long recordings in overlapping windows of one length, so that many are worked on at once and memory stays bounded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from stereo3d.values import Floats, Ints


@dataclass(frozen=True, slots=True)
class Windows:
    """W windows of L frames that cover n frames; beside each other they share `overlap` frames or some more."""

    size: int
    length: int
    starts: Ints
    """(W,) the first frame of each."""

    def __len__(self) -> int:
        return len(self.starts)

    def rows(self, which: slice = slice(None)) -> Ints:
        """(L, W) the frames of those windows."""
        return np.arange(self.length)[:, None] + self.starts[which]

    def batches(self, n_windows: int) -> Iterator[slice]:
        """Slices of at most that many windows."""
        for first in range(0, len(self), n_windows):
            yield slice(first, min(first + n_windows, len(self)))

    def some(self, n_windows: int) -> Windows:
        """At most that many of them, evenly spread."""
        which = np.unique(np.linspace(0, len(self) - 1, min(n_windows, len(self))).round().astype(int))
        return Windows(self.size, self.length, self.starts[which])

    def shares(self, which: slice = slice(None)) -> Floats:
        """(L, W) how much each window counts in its frames: 1, and where two overlap going over from one to the other.

        Over all windows the shares of a frame add up to 1.
        """
        out = np.ones((self.length, len(self)))
        for w in range(len(self) - 1):
            common = self.starts[w] + self.length - self.starts[w + 1]
            over = (np.arange(common) + 0.5) / common
            out[self.length - common:, w] *= 1 - over
            out[:common, w + 1] *= over
        total = np.zeros(self.size)
        np.add.at(total, self.rows(), out)  # a frame can lie in three
        return out[:, which] / total[self.rows(which)]


Rows = TypeVar("Rows", Floats, Ints)


def side_by_side(x: Rows, length: int) -> Rows:
    """(L, W, ...) the rows of x (N, ...) in windows of L, each after the one before; the last row is repeated."""
    n_windows = -(-len(x) // length)
    rows = np.minimum(np.arange(n_windows * length), len(x) - 1)
    return x[rows.reshape(n_windows, length).T]


def in_order(x: Floats, size: int) -> Floats:
    """(N, ...), the inverse of `side_by_side`."""
    return x.swapaxes(0, 1).reshape(-1, *x.shape[2:])[:size]


def windows(size: int, length: int, overlap: int) -> Windows:
    """Windows of at most `length` frames over `size` frames, evenly spread and no longer than they need be."""
    n_windows = max(1, -(-(size - overlap) // (length - overlap)))
    length = min(size, -(-(size + (n_windows - 1) * overlap) // n_windows))
    return Windows(size, length, np.linspace(0, size - length, n_windows).round().astype(int))
