"""Recordings as videos, read with PyAV: one with both views side by side, or one for each view.

The pictures are counted and timed by the packets, since headers lie. One is found again by its time: from the
keyframe before it the stream is decoded forward, and in order nothing is decoded twice.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stereo3d.errors import MissingPackage, RecordingError, Stereo3DError
from stereo3d.recording import pictures
from stereo3d.recording.base import Told
from stereo3d.recording.paired import MOST_FRAMES, USUAL_FPS, Facts, PairedRecording, rate, two_halves, two_views
from stereo3d.values import Bytes, Floats, Ints

if TYPE_CHECKING:
    import av

SUFFIXES = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".wmv")
SIDE_BY_SIDE = 2.4
"""A picture at least this many times as wide as high holds two views."""
COMMENT = "stereo3d: both views side by side"
"""How the comment of a video written here begins; what follows says of what kind they are."""
COMMENTS = {True: f"{COMMENT}, rectified", False: f"{COMMENT}, raw", None: COMMENT}
_DEMUXERS = "mov,avi,matroska,mpeg,mpegts,asf"
"""The only ones let near a file: others (playlists, concat) open further files that it names."""
_THREADS = 4
_TRIES = 4


def open_video(left: Path, right: Path | None, told: Told) -> PairedRecording | None:
    """The recording in one side-by-side video or two videos, None for other files.

    A single one is side by side where it is at least 2.4 times as wide as high, or where told. Two are paired from
    their first pictures on, and up to the end of the shorter one. Raises RecordingError where that cannot be done.
    """
    paths = [left] if right is None else [left, right]
    if any(not path.is_file() or path.suffix.lower() not in SUFFIXES for path in paths):
        return None
    with contextlib.ExitStack() as stack:
        videos = [stack.enter_context(contextlib.closing(Video(path))) for path in paths]
        facts = _facts_of_one(videos[0], told) if right is None else _facts_of_two(videos[0], videos[1])
        pairs = two_halves(videos[0]) if right is None else two_views(*videos)
        return PairedRecording(facts.hear(told), pairs, stack.pop_all().close)


def _facts_of_one(video: Video, told: Told) -> Facts:
    width, height = video.size
    both = video.comment.startswith(COMMENT) or width >= SIDE_BY_SIDE * height
    if not (both if told.side_by_side is None else told.side_by_side):
        raise RecordingError(
            f"{video.path}: expected both views side by side, got one picture of {width} x {height}; "
            "give the right view's video too, or say side_by_side=True"
        )
    if width % 2:
        raise RecordingError(f"{video.path}: expected two views of one size side by side, got {width} px for both")
    return Facts(
        sources=(video.path,),
        kind="side-by-side video",
        codec=video.codec,
        size=(width // 2, height),
        time=video.time,
        fps=video.fps,
        rectified={c: r for r, c in COMMENTS.items()}.get(video.comment),
    )


def _facts_of_two(left: Video, right: Video) -> Facts:
    if left.size != right.size:
        raise RecordingError(f"{right.path}: expected pictures of {left.size} like {left.path}, got {right.size}")
    if abs(left.fps / right.fps - 1) > 0.01:
        raise RecordingError(
            f"{right.path}: expected {left.fps:.2f} frames a second like {left.path}, got {right.fps:.2f}; "
            "they cannot be paired picture by picture"
        )
    counts = len(left), len(right)
    note = f"left has {counts[0]} frames, right {counts[1]}: the first {min(counts)} of each are paired"
    return Facts(
        sources=(left.path, right.path),
        kind="two videos",
        codec=left.codec if left.codec == right.codec else f"{left.codec}, {right.codec}",
        size=left.size,
        time=left.time[:min(counts)],
        fps=left.fps,
        notes=(note,) if counts[0] != counts[1] else (),
    )


@contextlib.contextmanager
def _trouble(what: str) -> Iterator[None]:
    """Turns what FFmpeg says of a file into one sentence, a RecordingError."""
    try:
        import av
    except ModuleNotFoundError as error:
        raise MissingPackage("av", "all", "reading videos") from error
    try:
        yield
    except (av.FFmpegError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RecordingError(f"{what}: could not be read as a video ({reason})") from error


@dataclass(frozen=True)
class _Timeline:
    """The pictures of a stream in the order they are shown."""

    labels: Ints
    """(T,) pts, or the place in the stream where the pts are missing or wrong."""
    keys: Ints
    """Places of the pictures that decoding can start from; none where labels are places."""
    time: Floats
    """(T,) s from the first picture."""
    fps: float

    @classmethod
    def of(cls, stream: av.VideoStream, packets: Iterator[av.Packet[av.VideoStream]]) -> _Timeline:
        found = [(p.pts, p.is_keyframe) for p in itertools.islice(packets, MOST_FRAMES) if p.size and not p.is_discard]
        fps = float(stream.average_rate or 0)
        fps = fps if 1e-3 < fps < 1e4 else 0.0
        reordered_avi = stream.container.format.name == "avi" and stream.codec_context.has_b_frames
        if reordered_avi or any(pts is None for pts, _ in found):
            labels = np.arange(len(found))
            return cls(labels, labels[:0], labels / (fps or USUAL_FPS), fps or USUAL_FPS)
        labels, first = np.unique(np.array([pts for pts, _ in found], np.int64), return_index=True)
        keys = np.union1d(np.flatnonzero(np.array([key for _, key in found], bool)[first]), [0])
        time = np.asarray((labels - labels[:1]) * float(stream.time_base or 1), np.float64)
        return cls(labels, keys, time, fps or rate(time))


class Video:
    """The pictures of one video, upright, by index; in order each is decoded once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with _trouble(str(path)):
            self._container, self._stream = _open(path)
            with self._container:
                self._timeline = _Timeline.of(self._stream, self._container.demux(self._stream))
                self.codec = str(self._stream.codec_context.name)
                self.comment = self._container.metadata.get("comment", "")
        self.time, self.fps = self._timeline.time, self._timeline.fps
        if not len(self):
            raise RecordingError(f"{path}: expected a video, got a file without pictures")
        self._coming: Iterator[tuple[int, av.VideoFrame]] = iter(())
        self._next: int | None = None
        self._restart()
        self.size: tuple[int, int] = self[0].shape[1::-1]

    def __len__(self) -> int:
        return len(self._timeline.labels)

    def __getitem__(self, index: int) -> Bytes:
        with _trouble(f"{self.path}: frame {index}"):
            frame = self._frame(index)
            image: Bytes = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
            quarters = round(frame.rotation / 90) % 4
        return np.ascontiguousarray(np.rot90(image, quarters)) if quarters else image

    def _frame(self, index: int) -> av.VideoFrame:
        wanted = self._timeline.labels[index]
        if not self._comes(index):
            self._seek(index)
        self._next = None
        for label, frame in self._coming:
            if label >= wanted:
                self._next = int(np.searchsorted(self._timeline.labels, label, "right"))
                break
        if self._next != index + 1:
            raise RecordingError(f"{self.path}: frame {index}: is damaged or missing, it could not be decoded")
        return frame

    def _comes(self, index: int) -> bool:
        """Whether decoding on is the shortest way to a picture."""
        if self._next is None or self._next > index:
            return False
        keys = self._timeline.keys
        return not len(keys) or bool(keys[np.searchsorted(keys, index, "right") - 1] <= self._next)

    def _seek(self, index: int) -> None:
        """Go to the nearest place before a picture from where it can be decoded; some containers land behind it."""
        import av

        timeline = self._timeline
        before = timeline.keys[timeline.keys <= index]
        for key in before[:-_TRIES - 1:-1]:
            try:
                self._container.seek(int(timeline.labels[key]), stream=self._stream)
                coming = self._labelled()
                first = next(coming, None)
            except av.FFmpegError:
                break
            if first is not None and first[0] <= timeline.labels[index]:
                self._coming = itertools.chain((first,), coming)
                return
        self._restart()

    def _restart(self) -> None:
        self._container.close()
        with _trouble(str(self.path)):
            self._container, self._stream = _open(self.path)
        self._coming = self._labelled()
        self._next = 0

    def _labelled(self) -> Iterator[tuple[int, av.VideoFrame]]:
        frames = self._container.decode(self._stream)
        if not len(self._timeline.keys):
            return enumerate(frames)
        return ((frame.pts, frame) for frame in frames if frame.pts is not None)

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()


def _open(path: Path) -> tuple[av.container.InputContainer, av.VideoStream]:
    """The file and its first video stream. Raises RecordingError where there is none, or a picture is too large."""
    import av

    container = av.open(str(path.absolute()), options={"format_whitelist": _DEMUXERS, "protocol_whitelist": "file"})
    try:
        stream = next(iter(container.streams.video), None)
        context = stream and stream.codec_context
        if stream is None or context is None:
            raise RecordingError(f"{path}: expected a video, got a file without pictures of a known kind")
        pictures.check_size(str(path), context.width, context.height)
        context.options = {"max_pixels": str(pictures.MOST_PIXELS)}
        context.thread_count = min(_THREADS, os.cpu_count() or 1)
        stream.thread_type = "AUTO"
    except (Stereo3DError, av.FFmpegError):
        container.close()
        raise
    return container, stream
