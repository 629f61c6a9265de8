"""Recordings written for other tools, a folder of PNG pictures or a side-by-side video: whole, or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import numpy as np

from stereo3d import atomic
from stereo3d.errors import MissingError, MissingPackage, RecordingError, UsageError
from stereo3d.recording import pictures
from stereo3d.recording.video import COMMENTS
from stereo3d.stereo import SIDES, Stereo
from stereo3d.values import Bytes

_TICKS = 90_000
"""A second in the time base of the videos written: every usual rate is a whole number of them."""


class Writer(Protocol):
    """Takes pairs one by one and makes a recording of them at `close`; used in a `with`, an error leaves nothing."""

    def append(self, images: Stereo[Bytes], time: float) -> None:
        """Add a pair taken at `time` s."""

    def close(self) -> None:
        """Finish, and give the result its name."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@contextlib.contextmanager
def writing(path: Path, *others: type[Exception]) -> Iterator[None]:
    """Turns OSError and the errors in `others` into one sentence, a RecordingError."""
    errors: tuple[type[Exception], ...] = (OSError, *others)
    try:
        yield
    except errors as error:
        raise RecordingError(f"{path}: could not be written ({error})") from error


class FolderWriter:
    """Writes `left/000000.png`, `right/000000.png` and on, without loss, and their times (s) to `times.txt`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._times: list[float] = []
        self._folder = path.with_name(path.name + ".tmp")
        with writing(path):
            _clear(self._folder)
            for name in ("", *SIDES):
                (self._folder / name).mkdir()

    def append(self, images: Stereo[Bytes], time: float) -> None:
        """Add a pair taken at `time` s."""
        name = f"{len(self._times):06d}.png"
        with writing(self.path):
            for side, image in zip(SIDES, images):
                pictures.encode(image, ".png").tofile(self._folder / side / name)
        self._times.append(float(time))

    def close(self) -> None:
        """Finish the folder and give it its name."""
        with writing(self.path):
            (self._folder / "times.txt").write_text("".join(f"{t!r}\n" for t in self._times), encoding="utf-8")
            os.replace(self._folder, self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            shutil.rmtree(self._folder, ignore_errors=True)


def _clear(folder: Path) -> None:
    """Remove what a crash left of such a folder, and nothing else."""
    if not folder.exists():
        return
    strangers = {path.name for path in folder.iterdir()} - {*SIDES, "times.txt"}
    if strangers:
        raise RecordingError(f"{folder}: is in the way and holds {', '.join(sorted(strangers))}; move it away")
    shutil.rmtree(folder)


class VideoWriter:
    """Writes one side-by-side H.264 video. The pictures lose detail: the more, the higher `crf` (0..51) is.

    Raises UsageError for pictures of odd height, which H.264 does not take.
    """

    def __init__(
        self, path: Path, size: tuple[int, int], *, fps: float, rectified: bool | None = None, crf: int = 18
    ) -> None:
        try:
            import av
        except ModuleNotFoundError as error:
            raise MissingPackage("av", "all", "writing videos") from error
        if size[1] % 2:
            raise UsageError(f"{path}: expected an even height for H.264, got {size[1]} px; take .h5 or a folder")
        if "libx264" not in av.codecs_available:
            raise MissingError("writing videos needs an av package with libx264: pip install --force-reinstall av")
        self.path = path
        self._errors = (av.FFmpegError,)
        self._start: float | None = None
        self._last = -1
        with contextlib.ExitStack() as stack, writing(path, *self._errors):
            temporary = stack.enter_context(atomic.replacing(path))
            self._container = stack.enter_context(av.open(str(temporary.absolute()), "w", format="mp4"))
            self._container.metadata["comment"] = COMMENTS[rectified]
            options = {"crf": str(crf), "g": str(max(1, round(fps))), "preset": "veryfast"}
            rate = Fraction(fps).limit_denominator(1001)
            self._stream = self._container.add_stream("libx264", rate=rate, options=options)
            self._stream.width, self._stream.height, self._stream.pix_fmt = 2 * size[0], size[1], "yuv420p"
            self._stream.time_base = self._stream.codec_context.time_base = Fraction(1, _TICKS)
            self._stack = stack.pop_all()

    def append(self, images: Stereo[Bytes], time: float) -> None:
        """Add a pair taken at `time` s; the first one's time becomes 0."""
        import av

        self._start = time if self._start is None else self._start
        frame = av.VideoFrame.from_ndarray(np.concatenate([*images], axis=1), format="rgb24")
        self._last = frame.pts = max(round((time - self._start) * _TICKS), self._last + 1)
        frame.time_base = Fraction(1, _TICKS)
        with writing(self.path, *self._errors):
            self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Finish the file and give it its name."""
        with writing(self.path, *self._errors), self._stack:
            self._container.mux(self._stream.encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self._stack.__exit__(kind, error, trace)
