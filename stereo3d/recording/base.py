"""What a recording is, and `open_recording`, which makes one of whatever lies there.

A plug-in of the group `stereo3d.recordings` is a function (left: Path, right: Path | None, told: Told) that gives a
Recording, or None where the place is not of its kind. `stereo3d.recording.paired` has the parts to make one from.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

from stereo3d import plugins
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import InvalidValue, MissingPackage, RecordingError, UsageError
from stereo3d.poses import Poses2D, Poses3D
from stereo3d.stereo import Stereo
from stereo3d.values import Bools, Bytes, Floats, Value, number

if TYPE_CHECKING:
    from stereo3d.recording.svo.sensors import Sensors


@dataclass(frozen=True, slots=True, eq=False)
class FramePair(Value):
    """The two pictures of one moment."""

    index: int
    """Its place in the recording, from 0."""
    time: float
    """s."""
    images: Stereo[Bytes]
    """(H, W, 3) RGB each, of the same size, read-only; a picture that is missing or damaged is black."""
    faults: Stereo[str] = field(default_factory=lambda: Stereo("", ""))
    """Why a picture could not be had, empty where it could."""

    def __post_init__(self) -> None:
        self._set(index=int(self.index), time=float(self.time), images=check_images(self.images))

    @property
    def valid(self) -> bool:
        """Whether both pictures are there."""
        return not (self.faults.left or self.faults.right)


def check_images(images: Stereo[Bytes]) -> Stereo[Bytes]:
    """Read-only views of two RGB pictures of one size. Raises InvalidValue for anything else."""
    left, right = (np.asarray(image).view() for image in images)
    for side, image in (("left", left), ("right", right)):
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise InvalidValue(f"images.{side}: expected (H, W, 3) uint8, got {image.shape} {image.dtype}")
        image.flags.writeable = False
    if left.shape != right.shape:
        raise InvalidValue(f"images: expected two of one size, got {left.shape} and {right.shape}")
    return Stereo(left, right)


class Recording(Protocol):
    """Pairs by index and as a stream; the pictures are read when they are asked for.

    A pair whose pictures are missing or damaged keeps its place and is marked invalid: `FramePair.faults` says why.
    """

    @property
    def sources(self) -> tuple[Path, ...]:
        """The files or folders it lies in."""

    @property
    def kind(self) -> str:
        """What it is made of, in words."""

    @property
    def codec(self) -> str:
        """How its pictures are stored."""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) px of one view."""

    @property
    def fps(self) -> float:
        """Pairs a second, nominally; `time` has the real moments."""

    @property
    def time(self) -> Floats:
        """(T,) s, never falling."""

    @property
    def valid(self) -> Bools:
        """(T,) False where a picture of the pair is known to be missing; damage shows only when a pair is read."""

    @property
    def rectified(self) -> bool | None:
        """Whether the pictures are rectified already; None: nobody said."""

    @property
    def rig(self) -> StereoRig | RectifiedCamera | None:
        """The cameras, where the recording holds them."""

    @property
    def truth(self) -> Poses3D | None:
        """Known joints in space, where the recording holds them."""

    @property
    def joints(self) -> Stereo[Poses2D] | None:
        """Known joints in the pictures, where the recording holds them: px of the recorded pictures, or of
        `joints_camera` where that is given."""

    @property
    def joints_camera(self) -> StereoRig | RectifiedCamera | None:
        """The cameras whose pixels `joints` are in; None: those of the recorded pictures."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What was taken for granted or left out in opening it, a sentence each."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> FramePair: ...

    def frames(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[FramePair]:
        """The pairs of that slice one after the other, holding one at a time."""

    def sensors(self) -> Sensors | None:
        """What the camera's motion sensors measured, where the recording holds it."""

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...


@dataclass(frozen=True, slots=True, eq=False)
class Told(Value):
    """What the caller says of a recording; it goes before what the files say."""

    rectified: bool | None = None
    fps: float | None = None
    """Pairs a second; then time is index / fps."""
    side_by_side: bool | None = None
    """Whether one picture holds both views; None: by its shape."""
    offset: float | None = None
    """s by which the right video's first picture was taken after the left one's (less than 0: before); None: as the
    files say."""
    swap: bool = False
    """Whether left and right are the wrong way round in the files, to be put right."""

    def __post_init__(self) -> None:
        if self.fps is not None:
            self._set(fps=number("fps", self.fps, 1e-3, 1e5))
        if self.offset is not None:
            self._set(offset=number("offset", self.offset, -1e6, 1e6))


Opener = Callable[[Path, Path | None, Told], Recording | None]


def open_recording(
    path: str | os.PathLike[str],
    right: str | os.PathLike[str] | None = None,
    *,
    rectified: bool | None = None,
    fps: float | None = None,
    side_by_side: bool | None = None,
    offset: float | None = None,
    swap: bool = False,
) -> Recording:
    """The recording at `path`: a ZED .svo2, our HDF5 or a plain one, a side-by-side video, a folder of pictures; with
    `right` two videos or two folders. Whatever plug-in knows it opens it; it is to be closed, or used in a `with`.

    The keywords go before what the files say: see `Told`. Raises RecordingError for what is not there or cannot be
    read, UsageError for arguments that do not go together.
    """
    told = Told(rectified, fps, side_by_side, offset, swap)
    if offset is not None and (right is None or Path(right).is_dir()):
        raise UsageError("offset: expected two videos, which can begin at different moments; leave it out")
    if right is not None and side_by_side:
        raise UsageError("side_by_side: one video holds both views then; leave the second path out")
    left, other = Path(path), None if right is None else Path(right)
    _check_places(left, other)
    return _ask_plugins(left, other, told)


def _check_places(left: Path, right: Path | None) -> None:
    for place in (left, right):
        if place is not None and not place.exists():
            raise RecordingError(f"{place}: there is no such file or folder")
    if right is not None and left.samefile(right):
        raise UsageError(f"{left}: was given for both views; expected two, or one that holds both")


def _ask_plugins(left: Path, right: Path | None, told: Told) -> Recording:
    names = plugins.names(plugins.RECORDINGS)
    missing: list[str] = []
    for name in names:
        try:
            opener: Opener = plugins.factory(plugins.RECORDINGS, name)
        except MissingPackage as error:
            missing.append(str(error))
            continue
        recording = opener(left, right, told)
        if recording is not None:
            return recording
    raise RecordingError(_why_not(left, names, missing))


def _why_not(path: Path, names: list[str], missing: list[str]) -> str:
    more = "".join(f"; {m}" for m in missing)
    return f"{path}: expected a recording of a known kind ({', '.join(names)}), got another file{more}"


def describe(recording: Recording) -> dict[str, Any]:
    """What a recording holds, as JSON can say it: s, px and m."""
    joints = None if recording.joints is None else recording.joints.left
    known: dict[str, Poses2D | Poses3D | None] = {"truth": recording.truth, "joints": joints}
    return {
        "kind": recording.kind,
        "codec": recording.codec,
        "frames": len(recording),
        "seconds": float(recording.time[-1] - recording.time[0]) + 1 / recording.fps,
        "fps": recording.fps,
        "invalid": int((~recording.valid).sum()),
        "size": list(recording.size),
        "rectified": recording.rectified,
        "rig": recording.rig and describe_rig(recording.rig),
        **{n: None if p is None else {"frames": len(p), "skeleton": p.skeleton.name} for n, p in known.items()},
        "notes": list(recording.notes),
    }


def describe_rig(rig: StereoRig | RectifiedCamera) -> dict[str, Any]:
    """What a rig is, as JSON can say it: baseline in m, focal length and size in px."""
    if isinstance(rig, RectifiedCamera):
        focal, size = rig.focal, rig.size
    else:
        focal, size = rig.cameras.left.fx, rig.cameras.left.size
    return {"class": type(rig).__name__, "baseline": rig.baseline, "focal": focal, "size": list(size)}
