"""The pictures of one video by index, read with PyAV.

They are counted and timed by the packets, since headers lie. One is found again by its time: from the keyframe before
it the stream is decoded forward, and in order nothing is decoded twice.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stereo3d.errors import MissingPackage, RecordingError, Stereo3DError
from stereo3d.recording import pictures
from stereo3d.recording.pairing import Beginning
from stereo3d.recording.stream.coded import Coded, prepared
from stereo3d.recording.stream.timeline import Timeline
from stereo3d.values import Bools, Bytes

if TYPE_CHECKING:
    import av

SUFFIXES = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".wmv")
_DEMUXERS = "mov,avi,matroska,mpeg,mpegts,asf"
"""The only ones let near a file: others (playlists, concat) open further files that it names."""
_TRIES = 4


@contextlib.contextmanager
def trouble(what: str) -> Iterator[None]:
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


class _Container:
    """The packets of a file's video stream, from any place on: a `coded.Source`."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path
        self.container, self.stream = _open(path)
        with self.container:
            self.timeline = Timeline.of(self.stream, self.container.demux(self.stream))
            self.codec = str(self.stream.codec_context.name)
            self.metadata = {**self.container.metadata, **self.stream.metadata}
            self.start_time = float((self.stream.start_time or 0) * (self.stream.time_base or 1))
        if not len(self):
            raise RecordingError(f"{path}: expected a video, got a file without pictures")

    def __len__(self) -> int:
        return len(self.timeline.stamps)

    def start(self, index: int) -> int:
        keys = self.timeline.keys
        return int(keys[np.searchsorted(keys, index, "right") - 1])

    def told(self, start: int) -> bool:
        return True

    def right_after(self, index: int) -> int | None:
        return 0 if self.start(index) == index else None

    def run(self, start: int) -> tuple[av.VideoCodecContext, Iterator[tuple[int, av.Packet[Any]]]]:
        coming = self._sought(start) if start else None
        if coming is None:
            self._reopen()
            coming = self._placed()
        return self.stream.codec_context, coming

    def _sought(self, start: int) -> Iterator[tuple[int, av.Packet[Any]]] | None:
        """The packets from a place on or from before it; None where the file has to be read from its beginning. Some
        containers land behind the place that was asked for."""
        import av

        before = self.timeline.keys[self.timeline.keys <= start]
        for key in before[:-_TRIES - 1:-1]:
            try:
                self.container.seek(self.timeline.stamp(int(key)), stream=self.stream)
                coming = self._placed()
                first = next(coming, None)
            except av.FFmpegError:
                return None
            if first is not None and 0 <= first[0] <= start:
                return itertools.chain((first,), coming)
        return None

    def _placed(self) -> Iterator[tuple[int, av.Packet[Any]]]:
        with trouble(self.name):
            packets = (p for p in self.container.demux(self.stream) if p.size)
            for number, packet in enumerate(packets):
                yield self.timeline.place(packet, number), packet

    def _reopen(self) -> None:
        self.container.close()
        with trouble(self.name):
            self.container, self.stream = _open(self._path)


class Video:
    """The pictures of one video, upright, by index; in order each is decoded once. Raises LostPicture for one that is
    damaged, or drawn from such."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with trouble(str(path)):
            self._source = _Container(path)
            self._coded = Coded(self._source)
        self.time, self.fps = self._source.timeline.time, self._source.timeline.fps
        self.valid: Bools = ~np.isin(np.arange(len(self.time)), list(self._source.timeline.gone))
        """(T,) False where the file lists a picture that it does not hold."""
        self.codec = self._source.codec
        self.comment = self._source.metadata.get("comment", "")
        with trouble(str(path)):
            self.size: tuple[int, int] = _upright(self._coded.first()).shape[1::-1]

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, index: int) -> Bytes:
        with trouble(f"{self.path}: frame {index}"):
            return _upright(self._coded[index])

    def beginning(self) -> Beginning:
        """What the file says of when it began."""
        return Beginning(self._source.metadata, self._source.start_time, self.fps, float(self.time[-1]) + 1 / self.fps)

    def close(self) -> None:
        """Let go of the file."""
        self._source.container.close()


def _upright(frame: av.VideoFrame) -> Bytes:
    """(H, W, 3) RGB of 8 bits, whatever the frame has, turned as the file says it was held."""
    # One thread: for others FFmpeg starts new ones for every picture, dearer than the colours are.
    image: Bytes = np.asarray(frame.to_ndarray(format="rgb24", threads=1), np.uint8)
    quarters = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, quarters)) if quarters else image


def _open(path: Path) -> tuple[av.container.InputContainer, av.VideoStream]:
    """The file and its first video stream. Raises RecordingError where there is none, or a picture is too large."""
    import av

    container = av.open(str(path.absolute()), options={"format_whitelist": _DEMUXERS, "protocol_whitelist": "file"})
    try:
        stream = next(iter(container.streams.video), None)
        context = None if stream is None else stream.codec_context
        if stream is None or context is None:
            raise RecordingError(f"{path}: expected a video, got a file without pictures of a known kind")
        pictures.check_size(str(path), context.width, context.height)
        prepared(context)
    except (Stereo3DError, av.FFmpegError):
        container.close()
        raise
    return container, stream
