"""Pictures out of a coded stream by index: in order each is decoded once, and none ever takes another's place.

A picture that is lost or damaged leaves those that are drawn from it wrong, though a decoder gives them without a
word: all are marked lost, up to the next place from which the stream is right again.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from stereo3d.errors import LostPicture, RecordingError
from stereo3d.limits import MOST_PIXELS
from stereo3d.recording.stream.holes import has_hole

if TYPE_CHECKING:
    import av

NOT_SHOWN = -1
"""The index of what is decoded and not shown."""
_DRAWN_FROM_BAD = "is damaged, or drawn from pictures that are damaged or missing"
THREADS = 4
_PATIENCE = 900
"""Pictures, of which one has to come out for a stream to be a video."""


class Source(Protocol):
    """Coded pictures in the order of coding; their indices count in the order of showing."""

    @property
    def name(self) -> str:
        """What it is, for messages."""

    def start(self, index: int) -> int:
        """Where to begin so that the picture of that index comes out right: an index not above it."""

    def told(self, start: int) -> bool:
        """Whether the decoder's word on what is damaged holds when it begins there."""

    def right_after(self, index: int) -> int | None:
        """After how many pictures all are right when decoding begins with this one; None: they need earlier ones."""

    def run(self, start: int) -> tuple[av.VideoCodecContext, Iterator[tuple[int, av.Packet[Any] | LostPicture]]]:
        """A decoder as at the beginning, and indices and packets from there on or from before it; why one is lost;
        NOT_SHOWN for what is decoded and not shown."""


class _Decoded(NamedTuple):
    place: int
    frame: av.VideoFrame
    fault: str


class Coded:
    """The pictures of a source by index; raises LostPicture for one that is lost or damaged."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._coming: Iterator[_Decoded] = iter(())
        self._ahead: _Decoded | None = None
        self._next: int | None = None
        self._lost: dict[int, LostPicture] = {}

    def __getitem__(self, index: int) -> av.VideoFrame:
        if not self._comes(index):
            self._coming, self._ahead = self._run(self._source.start(index)), None
        self._next = None
        found = self._ahead or next(self._coming, None)
        while found is not None and found.place < index:
            found = next(self._coming, None)
        self._next, self._ahead = index + 1, found
        if found is None or found.place > index:
            why = self._lost.get(index) or self._named(index, "is damaged or missing, it could not be decoded")
            raise LostPicture(str(why))
        self._ahead = None
        if found.fault:
            raise LostPicture(self._named(index, found.fault))
        return found.frame

    def _named(self, index: int, fault: str) -> str:
        return f"{self._source.name}: frame {index}: {fault}"

    def first(self) -> av.VideoFrame:
        """Some picture near the beginning, right or not, to see what they look like. Raises RecordingError."""
        coming = self._run(0)
        found = next((decoded for _, decoded in zip(range(_PATIENCE), coming)), None)
        if found is None:
            raise RecordingError(f"{self._source.name}: expected pictures, got none that could be decoded")
        self._coming, self._ahead, self._next = coming, found, 0
        return found.frame

    def _comes(self, index: int) -> bool:
        """Whether decoding on is the shortest way to a picture."""
        if self._next is None or self._next > index:
            return False
        return self._next == index or self._source.start(index) <= self._next

    def _run(self, start: int) -> Iterator[_Decoded]:
        """Pictures from there on, each with what is wrong with it."""
        state, sent, self._lost = _State(start, self._source.told(start)), Sent(), {}
        waiting: deque[_Decoded] = deque()
        for index, frame in decoded(self._source, start, self._lost, sent):
            if index < start:
                continue
            if index < state.expected:
                fault = "is shown after later ones, expected the order they are listed in"
                raise RecordingError(self._named(index, fault))
            sent.are_bad(range(state.expected, index))
            found = _Decoded(index, frame, state.judge(index, frame, self._source.right_after(index)))
            sent.are_bad([index] if found.fault else [])
            waiting.append(found)
            while waiting and sent.last_needed(waiting[0].place) <= index:
                yield sent.judge(waiting.popleft())
        sent.are_bad(sent.never_given(state.expected))
        yield from map(sent.judge, waiting)


class Sent:
    """The pictures a decoder was given and has not shown: each is drawn from earlier ones, also from such as are shown
    after it."""

    def __init__(self) -> None:
        self._place: dict[int, tuple[int, int]] = {}
        self._bad: list[tuple[int, int]] = []
        self._count, self._last = 0, NOT_SHOWN

    def add(self, index: int) -> None:
        """Note the next picture in the order of coding."""
        self._count, self._last = self._count + 1, max(self._last, index)
        self._place[index] = self._count, self._last

    def last_needed(self, index: int) -> int:
        """The picture shown last of all that this one can be drawn from."""
        return self._place[index][1]

    def are_bad(self, indices: Iterable[int]) -> None:
        """Note pictures that are damaged or missing."""
        self._bad += [(index, self._place[index][0]) for index in indices if index in self._place]

    def never_given(self, expected: int) -> list[int]:
        """Those that were still to come when the decoder ended."""
        return [index for index in self._place if index >= expected]

    def judge(self, found: _Decoded) -> _Decoded:
        """The picture, marked where one that it can be drawn from is bad and shown after it."""
        number, _ = self._place[found.place]
        self._place = {index: place for index, place in self._place.items() if index > found.place}
        self._bad = [(index, place) for index, place in self._bad if index > found.place]
        hurt = any(place < number for _, place in self._bad)
        return found._replace(fault=found.fault or _DRAWN_FROM_BAD) if hurt else found


def decoded(
    source: Source, start: int, lost: dict[int, LostPicture], sent: Sent | None = None
) -> Iterator[tuple[int, av.VideoFrame]]:
    """The pictures from there on as the decoder gives them, right or not; why others are lost is noted in `lost`, and
    in which order they were coded in `sent`."""
    decoder, packets = source.run(start)
    for index, packet in packets:
        if sent is not None and index != NOT_SHOWN:
            sent.add(index)
        if isinstance(packet, LostPicture):
            lost[index] = packet
        elif packet.is_corrupt or has_hole(bytes(packet), decoder.name):
            lost[index] = LostPicture(f"{source.name}: frame {index}: is damaged, a part of it is gone")
        else:
            packet.pts = packet.dts = index
            yield from _given(decoder, packet)
    yield from _given(decoder, None)


def _given(decoder: av.VideoCodecContext, packet: av.Packet[Any] | None) -> Iterator[tuple[int, av.VideoFrame]]:
    """The pictures that come out for a packet; none for one that is no picture."""
    import av

    try:
        frames = decoder.decode(packet)
    except (av.error.InvalidDataError, av.error.EOFError):
        return
    yield from ((frame.pts, frame) for frame in frames if frame.pts is not None)


class _State:
    """What can be trusted as a run goes on."""

    def __init__(self, start: int, told: bool) -> None:
        self.expected = start
        self._right_from: int | None = None
        self._told = told
        self._warming: bool | None = None

    def judge(self, index: int, frame: av.VideoFrame, right_after: int | None) -> str:
        """What is wrong with the next picture, empty where it is right."""
        if index > self.expected:
            self._right_from = None
        self.expected = index + 1
        corrupt = self._told and frame.is_corrupt
        if self._right_from is None and right_after is not None:
            self._right_from = index + right_after
        self._warm_up(index, frame, corrupt)
        right = not corrupt and self._right_from is not None and index >= self._right_from
        return "" if right else _DRAWN_FROM_BAD

    def _warm_up(self, index: int, frame: av.VideoFrame, corrupt: bool) -> None:
        """A stream that is refreshed bit by bit has no whole picture to begin with: the decoder calls its first ones
        corrupt until it has them together. That is no damage, and over when it says so; later on it is."""
        import av

        if self._warming is None:
            self._warming = frame.pict_type != av.video.frame.PictureType.I
        if self._warming and not corrupt:
            self._warming = False
            self._right_from = index if self._right_from is None else self._right_from
        if corrupt and not self._warming:
            self._right_from = None


def prepared(context: av.VideoCodecContext) -> av.VideoCodecContext:
    """A decoder that gives damaged pictures too, marked, and takes no picture beyond the limit.

    It gets a few threads where pictures are shown in the order they are coded in. Elsewhere FFmpeg shows a picture
    that another thread is still at, and its mark can come too late.
    """
    import av

    context.options = {"max_pixels": str(MOST_PIXELS)}
    context.flags |= av.codec.context.Flags.output_corrupt
    context.thread_count = 1 if context.has_b_frames else min(THREADS, os.cpu_count() or 1)
    context.thread_type = "AUTO"
    return context
