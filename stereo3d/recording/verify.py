"""Every frame of a recording looked at: read, held against its check sums, decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from stereo3d.errors import InputError, RecordingError
from stereo3d.recording.base import Recording
from stereo3d.values import Value

_SHOWN = 20


@dataclass(frozen=True, slots=True, eq=False)
class Verdict(Value):
    """What became of the pairs of a recording."""

    n_frames: int
    bad: dict[int, str]
    """Why, by index: pairs that ought to be there and cannot be read."""
    marked: tuple[int, ...]
    """Indices of pairs that the recording itself marks as lost."""
    beside: tuple[str, ...] = ()
    """What is wrong with what is known beside the pictures: truth, joints, sensors."""

    @property
    def n_good(self) -> int:
        """How many pairs can be read."""
        return self.n_frames - len(self.bad) - len(self.marked)

    @property
    def faults(self) -> tuple[str, ...]:
        """All that is wrong, in sentences."""
        return (*self.bad.values(), *self.beside)

    @property
    def words(self) -> str:
        """All of it in short."""
        named = {"bad": [*self.bad], "marked as lost": self.marked}
        parts = [f"{self.n_good} of {self.n_frames} frames are good"]
        parts += [f"{what}: {ranges(indices)}" for what, indices in named.items() if indices]
        return "; ".join(parts + (["what is known beside the pictures is damaged"] if self.beside else []))

    def to_dict(self) -> dict[str, Any]:
        """All of it, as JSON can say it."""
        return {"good": self.n_good, "bad": self.bad, "lost": list(self.marked), "beside": list(self.beside)}


def verify(recording: Recording, on_progress: Callable[[int], None] = lambda _: None) -> Verdict:
    """Which pairs of a recording can be read, each picture decoded and held against what check sums there are."""
    bad: dict[int, str] = {}
    for index in range(len(recording)):
        try:
            faults = recording[index].faults
            if recording.valid[index] and (faults.left or faults.right):
                bad[index] = faults.left or faults.right
        except RecordingError as error:
            bad[index] = str(error)
        on_progress(1)
    marked = tuple(i for i, valid in enumerate(recording.valid) if not valid)
    return Verdict(len(recording), bad, marked, tuple(_beside(recording)))


def _beside(recording: Recording) -> Iterator[str]:
    """What goes wrong in reading all the rest."""
    rest: tuple[Callable[[], object], ...] = (
        lambda: recording.truth, lambda: recording.joints, lambda: recording.joints_camera, recording.sensors
    )
    for read in rest:
        try:
            read()
        except InputError as error:
            yield str(error)


def ranges(indices: Sequence[int]) -> str:
    """Rising indices in short: `3, 7-12, 40`; no more than twenty of them."""
    runs: list[list[int]] = []
    for i in indices:
        if runs and runs[-1][1] == i - 1:
            runs[-1][1] = i
        else:
            runs.append([i, i])
    words = [f"{a}" if a == b else f"{a}-{b}" for a, b in runs]
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return ", ".join(words[:_SHOWN]) + more
