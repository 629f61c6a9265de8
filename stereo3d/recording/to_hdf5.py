"""A recording into our own layout, in parts that a crash cannot lose (`journal`).

Each part is a small recording of its own; when the last is there, they are joined into the file, which appears under
its name whole. Killed at any time and resumed, the work ends in the same bytes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

import stereo3d
from stereo3d.calibration.rigfile import format_rig
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import InputError, LostPicture, UsageError
from stereo3d.journal import Journal
from stereo3d.poses import Poses2D, Poses3D
from stereo3d.recording import pictures
from stereo3d.recording.base import FramePair, Recording
from stereo3d.recording.form import Form
from stereo3d.recording.hdf5_writer import RecordingWriter
from stereo3d.recording.identity import clock_of, counted_from, without_identity
from stereo3d.recording.jpeg_file import without_metadata
from stereo3d.stereo import Stereo
from stereo3d.values import Bytes

LENGTH = 300
"""Pairs in a part: 10 s at 30 fps."""
P = TypeVar("P", Poses2D, Poses3D)


class ToHdf5:
    """What is to be written of a recording, and how."""

    def __init__(
        self, recording: Recording, frames: range, rig: StereoRig | RectifiedCamera | None, form: Form
    ) -> None:
        self._recording, self._frames, self._form = recording, frames, form
        self._rig = rig if form.keep_identity else without_identity(rig)
        self._clock = 0.0 if form.keep_identity else clock_of(recording.time[frames.start:])
        self._settings: dict[str, Any] = {
            "fps": recording.fps / frames.step, "rectified": bool(recording.rectified), "quality": form.quality,
        }

    def write(self, target: Path, unfinished: str, on_progress: Callable[[int], None]) -> Path:
        """Write the file and give its path; what `convert` says of it holds."""
        resume, restart = unfinished == "resume", unfinished == "restart"
        journal = Journal(target, self._key(), resume=resume, restart=restart)
        if target.exists() and not journal.joined:
            raise UsageError(f"{target}: exists already; give another name, or remove it first")
        with _keeping(journal):
            for part in self._parts():
                self._write_part(journal, part, on_progress)
            if not journal.joined:
                self._join(target, journal)
        journal.discard()
        return target

    def _parts(self) -> list[range]:
        return [self._frames[first:first + LENGTH] for first in range(0, len(self._frames), LENGTH)]

    def _write_part(self, journal: Journal, part: range, on_progress: Callable[[int], None]) -> None:
        if journal.has(_name(part)):
            on_progress(len(part))
            return
        with RecordingWriter(journal.path(_name(part)), self._recording.size, **self._settings) as writer:
            for _ in self._added(writer, part):
                on_progress(1)
        journal.finish(_name(part))

    def _join(self, target: Path, journal: Journal) -> None:
        with RecordingWriter(
            target, self._recording.size, rig=self._rig, on_whole=journal.join, **self._settings
        ) as writer:
            for part in self._parts():
                writer.take(journal.path(_name(part)))
            truth, joints = self._recording.truth, self._recording.joints
            writer.annotate(
                truth=truth and self._known(truth),
                joints=joints and joints.map(self._known),
                joints_camera=self._camera(),
            )

    def _added(self, writer: RecordingWriter, part: range) -> Iterator[int]:
        """Add the pairs of a part, giving the index of each."""
        if not (self._form.copies_jpegs and hasattr(self._recording, "jpegs")):
            for pair in self._recording.frames(part.start, part.stop, part.step):
                writer.append(self._images(pair), pair.time - self._clock)
                yield pair.index
            return
        for index in part:
            files, time = self._files(index), float(self._recording.time[index]) - self._clock
            if files is None:
                writer.append(self._images(self._recording[index]), time)
            else:
                writer.append_jpegs(files, time)
            yield index

    def _images(self, pair: FramePair) -> Stereo[Bytes | None]:
        """The pictures of a pair, None for one that is lost."""
        return pair.faults.map(lambda fault, image: None if fault else image, self._form.shown(pair))

    def _files(self, index: int) -> Stereo[Bytes | None] | None:
        """The JPEG files of a pair, None for one that is lost; None where they are not all to be had as they are."""
        found: Stereo[Bytes | LostPicture] | None = self._recording.jpegs(index)  # type: ignore[attr-defined]
        files: list[Bytes | None] = []
        for file in found or ():
            if isinstance(file, LostPicture):
                files.append(None)
                continue
            cleaned = without_metadata(file)
            if cleaned is not None and pictures.header_size(cleaned.tobytes()) == self._recording.size:
                files.append(file if self._form.keep_identity else cleaned)
        return Stereo(*files) if len(files) == 2 else None

    def _known(self, poses: P) -> P:
        within = _within(poses, self._frames)
        return within if self._form.keep_identity else without_identity(counted_from(within, self._clock))

    def _camera(self) -> StereoRig | RectifiedCamera | None:
        camera = self._recording.joints_camera
        return camera if self._form.keep_identity else without_identity(camera)

    def _key(self) -> dict[str, Any]:
        """All that the file hangs on, by sizes and check sums: a name can be an infant's."""
        recording, form = self._recording, self._form
        first = recording[self._frames[0]].images
        return {
            "stereo3d": stereo3d.__version__,
            "recording": [_fingerprint(path) for path in recording.sources],
            "times": _sum(recording.time.tobytes()),
            "pictures": _sum(*(image.tobytes() for image in first)),
            "rig": self._rig and _sum(format_rig(self._rig).encode()),
            "frames": [self._frames.start, self._frames.stop, self._frames.step],
            "form": [form.quality, form.reencode, form.keep_identity, form.heads and form.heads.sum],
            "settings": self._settings,
        }


@contextlib.contextmanager
def _keeping(journal: Journal) -> Iterator[None]:
    """Whatever goes wrong, the parts that are finished stay, and the sentence says so; none leave nothing."""
    try:
        yield
    except BaseException as error:
        if not len(journal):
            journal.discard()
        elif isinstance(error, InputError):
            raise type(error)(f"{error}; what is done is kept: go on with --resume") from error
        raise


def _name(part: range) -> str:
    return f"{part.start:08d}-{part.stop:08d}.h5"


def _sum(*contents: bytes) -> str:
    return hashlib.sha256(b"".join(contents)).hexdigest()


def _fingerprint(path: Path) -> list[int]:
    """Number, length and last change of the files of a recording: a check sum of hours of pictures takes minutes."""
    about = [p.stat() for p in (path.rglob("*") if path.is_dir() else (path,))]
    return [len(about), sum(a.st_size for a in about), max((a.st_mtime_ns for a in about), default=0)]


def _within(poses: P, frames: range) -> P:
    """The poses of those frames, with the frames counted anew."""
    place, off = np.divmod(poses.frame - frames.start, frames.step)
    keep = (off == 0) & (place >= 0) & (place < len(frames))
    arrays = {f.name: getattr(poses, f.name) for f in dataclasses.fields(poses)}
    changes: dict[str, Any] = {n: x[keep] for n, x in arrays.items() if isinstance(x, np.ndarray)}
    return dataclasses.replace(poses, **changes | {"frame": place[keep]})
