"""The pictures of one video by index, read with PyAV.

They are counted and timed by the packets, since headers lie. One is found again by its time: from the keyframe before
it the stream is decoded forward, and in order nothing is decoded twice.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from stereo3d.errors import MissingPackage, RecordingError, Stereo3DError
from stereo3d.limits import MOST_FRAMES
from stereo3d.recording import pictures
from stereo3d.recording.coded import NOT_SHOWN, Coded, prepared
from stereo3d.recording.paired import USUAL_FPS, rate
from stereo3d.recording.pairing import Beginning
from stereo3d.recording.shown import display_order
from stereo3d.values import Bytes, Floats, Ints

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


@dataclass(frozen=True, slots=True)
class _Timeline:
    """The pictures of a stream in the order they are shown, and how their packets are told."""

    stamps: Ints
    """(T,) rising: pts of the packets, or dts in an AVI; their numbers where they have neither."""
    places: Ints
    """(T,) index of the picture whose packet has that stamp."""
    keys: Ints
    """Indices, rising, of the pictures that decoding can start from."""
    stamp_kind: Literal["pts", "dts", "number"]
    time: Floats
    """(T,) s from the first picture."""
    fps: float

    @classmethod
    def of(cls, stream: av.VideoStream, packets: Iterator[av.Packet[Any]]) -> _Timeline:
        seen = _Seen(stream, (p for p in itertools.islice(packets, MOST_FRAMES) if p.size and not p.is_discard))
        fps = float(stream.average_rate or 0)
        fps = fps if 1e-3 < fps < 1e4 else 0.0
        kind = seen.stamp_kind()
        stamps, places, keys = seen.by_pts() if kind == "pts" else seen.by_coding(numbers=kind == "number")
        tick = float(stream.time_base or 1) if kind != "number" else 1 / (fps or USUAL_FPS)
        time = np.asarray((stamps - stamps[:1]) * tick, np.float64)
        return cls(stamps, places, keys, kind, time, fps or rate(time))

    def place(self, packet: av.Packet[Any], number: int) -> int:
        """The index of the picture in a packet, the n-th that was read; below 0 for one that is not shown."""
        stamp = number if self.stamp_kind == "number" else packet.pts if self.stamp_kind == "pts" else packet.dts
        at = len(self.stamps) if stamp is None else int(np.searchsorted(self.stamps, stamp))
        return int(self.places[at]) if at < len(self.stamps) and self.stamps[at] == stamp else NOT_SHOWN

    def stamp(self, place: int) -> int:
        """The stamp of the packet with the picture of that index."""
        return int(self.stamps[int(np.flatnonzero(self.places == place)[0])])


class _Seen:
    """What the packets of a stream say, in the order of coding."""

    def __init__(self, stream: av.VideoStream, packets: Iterator[av.Packet[Any]]) -> None:
        self._avi = stream.container.format.name == "avi"
        self._listed: list[tuple[int | None, int | None, bool]] = []
        noted = (self._note(packet) for packet in packets)
        h264 = stream.codec_context.name == "h264"
        self._order = display_order(noted) if h264 and (self._avi or "mpeg" in stream.container.format.name) else None
        for _ in noted:
            pass

    def _note(self, packet: av.Packet[Any]) -> bytes:
        self._listed.append((packet.pts, packet.dts, packet.is_keyframe))
        return bytes(packet)

    def stamp_kind(self) -> Literal["pts", "dts", "number"]:
        """Which stamps tell the pictures apart. An AVI has none for the order of showing; FFmpeg works them out, but
        for H.264."""
        if all(pts is not None for pts, _, _ in self._listed) and not (self._avi and self._order is not None):
            return "pts"
        dts = [dts for _, dts, _ in self._listed if dts is not None]
        whole = len(dts) == len(self._listed) and all(a < b for a, b in pairwise(dts))
        return "dts" if self._avi and whole else "number"

    def by_pts(self) -> tuple[Ints, Ints, Ints]:
        """Stamps, places and keys by the times of showing."""
        stamps, first = np.unique(np.array([pts for pts, _, _ in self._listed], np.int64), return_index=True)
        keys = np.array([key for _, _, key in self._listed], bool)[first]
        return stamps, np.arange(len(stamps)), np.union1d(np.flatnonzero(keys), [0])

    def by_coding(self, *, numbers: bool) -> tuple[Ints, Ints, Ints]:
        """Stamps, places and keys by the order of coding; without stamps decoding can only start at the beginning."""
        places = np.arange(len(self._listed)) if self._order is None else self._order
        if numbers:
            return np.arange(len(places)), places, np.arange(1)
        keys = places[np.array([key for _, _, key in self._listed], bool)]
        return np.array([dts for _, dts, _ in self._listed], np.int64), places, np.union1d(keys, [0])


class _Container:
    """The packets of a file's video stream, from any place on: a `coded.Source`."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path
        self.container, self.stream = _open(path)
        with self.container:
            self.timeline = _Timeline.of(self.stream, self.container.demux(self.stream))
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
    image: Bytes = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
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
