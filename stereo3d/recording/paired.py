"""The parts recordings are made of: facts, pictures by index, and the two of them as a Recording."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np

from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import LostPicture, RecordingError
from stereo3d.limits import MOST_FRAMES
from stereo3d.poses import Poses2D, Poses3D
from stereo3d.recording.base import FramePair, Told
from stereo3d.stereo import Stereo
from stereo3d.values import Bools, Bytes, Floats, Value, array, number

if TYPE_CHECKING:
    from stereo3d.recording.svo.sensors import Sensors

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
    valid: Bools | None = None
    """(T,) False where a picture of the pair is known to be missing; None: nothing is known of any."""
    swapped: bool = False
    """Whether the files' left pictures are the right camera's."""

    def __post_init__(self) -> None:
        time, where = array("time", self.time, ("T",)), " and ".join(map(str, self.sources))
        if not 0 < len(time) <= MOST_FRAMES:
            raise RecordingError(f"{where}: expected 1 to {MOST_FRAMES} frames, got {len(time)}")
        if not np.isfinite(time).all() or (np.diff(time) < 0).any():
            raise RecordingError(f"{where}: expected times in seconds that never fall, got others")
        valid = np.ones(len(time), bool) if self.valid is None else self.valid
        self._set(time=time, fps=number(f"{where}: fps", self.fps, 1e-3, 1e5))
        self._set(valid=array("valid", valid, time.shape, np.bool_))

    def hear(self, told: Told) -> Facts:
        """The same with what the caller says put before it, and a note where that overrules the files."""
        changes: dict[str, object] = {"swapped": told.swap}
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
    """The pictures of one view, (H, W, 3) RGB, by index; quickest in order. Raises LostPicture for one that is
    missing or damaged while the others are not."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Bytes: ...


Pairs = Callable[[int], Stereo[Bytes | LostPicture]]
"""The pair of that index; for a picture that is lost, why."""


class two_views:
    """Pairs from the pictures of two views."""

    def __init__(self, left: Pictures, right: Pictures) -> None:
        self._views = Stereo(left, right)

    def __call__(self, index: int) -> Stereo[Bytes | LostPicture]:
        return self._views.map(_seen, Stereo(index, index))

    def jpegs(self, index: int) -> Stereo[Bytes | LostPicture] | None:
        """The JPEG files that the pair is stored in; None where it is not stored so."""
        found = self._views.map(_stored, Stereo(index, index))
        left, right = found
        return None if left is None or right is None else Stereo(left, right)


def _seen(pictures: Pictures, index: int) -> Bytes | LostPicture:
    try:
        return pictures[index]
    except LostPicture as error:
        return error


def _stored(pictures: Pictures, index: int) -> Bytes | LostPicture | None:
    """The file of a picture that is stored as a JPEG, by a method `jpeg` of its view, or None."""
    try:
        found: Bytes | None = getattr(pictures, "jpeg", lambda _: None)(index)
    except LostPicture as error:
        return error
    return found if found is not None and found[:2].tobytes() == b"\xff\xd8" else None


def two_halves(pictures: Pictures) -> Pairs:
    """Pairs from pictures of even width that hold both views side by side."""

    def pair(index: int) -> Stereo[Bytes | LostPicture]:
        both = _seen(pictures, index)
        if isinstance(both, LostPicture):
            return Stereo(both, both)
        middle = both.shape[1] // 2
        return Stereo(both[:, :middle], both[:, middle:])

    return pair


class PairedRecording:
    """A Recording: facts, and pairs by index that are read when asked for. Carries no joints of its own."""

    def __init__(self, facts: Facts, pairs: Pairs, close: Callable[[], None] = lambda: None) -> None:
        self.sources, self.kind, self.codec, self.size = facts.sources, facts.kind, facts.codec, facts.size
        self.time, self.fps = facts.time, facts.fps
        self.rectified, self.rig, self.notes = facts.rectified, facts.rig, facts.notes
        self.valid: Bools = np.ones(len(facts.time), bool) if facts.valid is None else facts.valid
        self._swapped = facts.swapped
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

    def sensors(self) -> Sensors | None:
        """What the camera's motion sensors measured."""
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
        found = self._pairs(at).map(self._fitting, Stereo(at, at))
        found = Stereo(found.right, found.left) if self._swapped else found
        faults = found.map(lambda one: str(one) if isinstance(one, LostPicture) else "")
        return FramePair(at, float(self.time[at]), found.map(self._image), faults)

    def jpegs(self, index: int) -> Stereo[Bytes | LostPicture] | None:
        """The JPEG files (N,) that the pair is stored in, or why one is lost; None where it is not stored so."""
        at = range(len(self))[operator.index(index)]
        self._check_open()
        found: Stereo[Bytes | LostPicture] | None = getattr(self._pairs, "jpegs", lambda _: None)(at)
        return Stereo(found.right, found.left) if found and self._swapped else found

    def _fitting(self, found: Bytes | LostPicture, at: int) -> Bytes | LostPicture:
        """The picture; one of another size than the others counts as lost."""
        if isinstance(found, LostPicture) or found.shape == (self.size[1], self.size[0], 3):
            return found
        return LostPicture(f"{self.source}: frame {at}: expected {self.size} px, got {found.shape[1::-1]}")

    def _image(self, found: Bytes | LostPicture) -> Bytes:
        """The picture, black where it is lost."""
        return np.zeros((self.size[1], self.size[0], 3), np.uint8) if isinstance(found, LostPicture) else found

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
