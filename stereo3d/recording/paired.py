"""The parts recordings are made of: facts, pictures by index, and the two of them as a Recording."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import numpy as np

from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import RecordingError
from stereo3d.poses import Poses2D, Poses3D
from stereo3d.recording.base import FramePair, Told
from stereo3d.stereo import Stereo
from stereo3d.values import Bytes, Floats, Value, array, number

MOST_FRAMES = 10_000_000
"""Of one recording: 92 hours at 30 pairs a second."""
USUAL_FPS = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class Facts(Value):
    """All that is known of a recording before a picture is read."""

    sources: tuple[Path, ...]
    """The files or folders it lies in."""
    kind: str
    codec: str
    size: tuple[int, int]
    """(width, height) px of one view."""
    time: Floats
    """(T,) s, never falling."""
    fps: float
    rectified: bool | None = None
    rig: StereoRig | RectifiedCamera | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        time, where = array("time", self.time, ("T",)), " and ".join(map(str, self.sources))
        if not 0 < len(time) <= MOST_FRAMES:
            raise RecordingError(f"{where}: expected 1 to {MOST_FRAMES} frames, got {len(time)}")
        if not np.isfinite(time).all() or (np.diff(time) < 0).any():
            raise RecordingError(f"{where}: expected times in seconds that never fall, got others")
        self._set(time=time, fps=number(f"{where}: fps", self.fps, 1e-3, 1e5))

    def hear(self, told: Told) -> Facts:
        """The same with what the caller says put before it, and a note where that overrules the files."""
        changes: dict[str, object] = {}
        notes = list(self.notes)
        if told.fps is not None:
            changes |= {"fps": told.fps, "time": np.arange(len(self.time)) / told.fps}
        if told.rectified is not None:
            changes["rectified"] = told.rectified
            if self.rectified not in (None, told.rectified):
                notes.append(f"told rectified={told.rectified}, though the file says {self.rectified}")
        return dataclasses.replace(self, **changes, notes=tuple(notes))  # type: ignore[arg-type]


def steady_time(n_frames: int, fps: float | None) -> tuple[Floats, float, tuple[str, ...]]:
    """Time (T,) s, fps and notes of frames that carry no times; 30 a second where nobody knows better."""
    rate = fps or USUAL_FPS
    note = () if fps else (f"no times are stored: {USUAL_FPS:g} frames a second are taken, give fps for another rate",)
    return np.arange(n_frames) / rate, rate, note


def rate(time: Floats) -> float:
    """Frames a second by the usual step of `time` (T,) s; 30 where there is no step."""
    steps = np.diff(time)
    steps = steps[steps > 0]
    return float(1 / np.median(steps)) if len(steps) else USUAL_FPS


class Pictures(Protocol):
    """The pictures of one view, (H, W, 3) RGB, by index; quickest in order."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Bytes: ...


Pairs = Callable[[int], Stereo[Bytes]]
"""The pair of that index."""


def two_views(left: Pictures, right: Pictures) -> Pairs:
    """Pairs from the pictures of two views."""
    return lambda index: Stereo(left[index], right[index])


def two_halves(pictures: Pictures) -> Pairs:
    """Pairs from pictures of even width that hold both views side by side."""

    def pair(index: int) -> Stereo[Bytes]:
        both = pictures[index]
        middle = both.shape[1] // 2
        return Stereo(both[:, :middle], both[:, middle:])

    return pair


class PairedRecording:
    """A Recording: facts, and pairs by index that are read when asked for. Carries no joints of its own."""

    def __init__(self, facts: Facts, pairs: Pairs, close: Callable[[], None] = lambda: None) -> None:
        self.sources, self.kind, self.codec, self.size = facts.sources, facts.kind, facts.codec, facts.size
        self.time, self.fps = facts.time, facts.fps
        self.rectified, self.rig, self.notes = facts.rectified, facts.rig, facts.notes
        self._pairs = pairs
        self._close = close
        self._closed = False

    @property
    def truth(self) -> Poses3D | None:
        """Known joints in space."""
        return None

    @property
    def joints(self) -> Stereo[Poses2D] | None:
        """Known joints in the pictures."""
        return None

    @property
    def joints_camera(self) -> StereoRig | RectifiedCamera | None:
        """The cameras whose pixels `joints` are in; None: those of the recorded pictures."""
        return None

    @property
    def source(self) -> str:
        """Where it lies, for messages."""
        return str(self.sources[0])

    def __len__(self) -> int:
        return len(self.time)

    def __getitem__(self, index: int) -> FramePair:
        at = range(len(self))[operator.index(index)]
        self._check_open()
        images = self._pairs(at)
        for image in images:
            if image.shape != (self.size[1], self.size[0], 3):
                got = image.shape[1::-1]
                raise RecordingError(f"{self.source}: frame {at}: expected {self.size} px, got {got}")
        return FramePair(at, float(self.time[at]), images)

    def _check_open(self) -> None:
        if self._closed:
            raise RecordingError(f"{self.source}: is closed; open it again")

    def frames(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[FramePair]:
        """The pairs of that slice one after the other, holding one at a time."""
        return map(self.__getitem__, range(len(self))[start:stop:step])

    def __iter__(self) -> Iterator[FramePair]:
        return self.frames()

    def close(self) -> None:
        """Let go of the files; no pair can be had afterwards."""
        self._closed = True
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
