"""A recording whose pairs, once read by one, can be had by another: no picture is decoded twice."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, cast

import numpy as np

from stereo3d.recording.base import FramePair, Recording
from stereo3d.values import Ints

_KEPT = 64
"""Pairs that are kept at most: more than any batch is unread for long."""


class Watched:
    """Keeps the pairs that somebody reads from `recording` until `pairs` gives them out, or too many come after."""

    def __init__(self, recording: Recording) -> None:
        self._source = recording
        self._kept: deque[FramePair] = deque(maxlen=_KEPT)
        self.recording = cast(Recording, _Passing(recording, self._kept))

    def pairs(self, frames: Ints) -> Iterator[FramePair]:
        """The pairs of those frames, in order; those that nobody has read are read now, one at a time."""
        wanted = np.asarray(frames).tolist()
        kept = {pair.index: pair for pair in self._kept}
        self._kept.clear()
        if all(index in kept for index in wanted):
            yield from (kept.pop(index) for index in wanted)
        elif wanted:
            step = int(np.gcd.reduce(np.diff(wanted))) if len(wanted) > 1 else 1
            held = set(wanted)
            pairs = self._source.frames(wanted[0], wanted[-1] + 1, max(step, 1))
            yield from (pair for pair in pairs if pair.index in held)


class _Passing:
    """The recording, whose pairs are noted as they pass."""

    def __init__(self, recording: Recording, kept: deque[FramePair]) -> None:
        self._recording, self._kept = recording, kept

    def __getattr__(self, name: str) -> Any:
        return getattr(self._recording, name)

    def __len__(self) -> int:
        return len(self._recording)

    def __getitem__(self, index: int) -> FramePair:
        return self._recording[index]

    def frames(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[FramePair]:
        """The recording's own, each kept as it passes."""
        return self._noted(self._recording.frames(start, stop, step))

    def _noted(self, pairs: Iterable[FramePair]) -> Iterator[FramePair]:
        for pair in pairs:
            self._kept.append(pair)
            yield pair
