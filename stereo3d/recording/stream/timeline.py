"""When each picture of a video is shown, and which packet holds it: counted by the packets, since headers lie.

An AVI tells its packets by their places in the file alone. Where some are gone, FFmpeg numbers those behind them anew;
the index at the file's end still knows which they are.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from stereo3d.limits import MOST_FRAMES
from stereo3d.recording.paired import USUAL_FPS, rate
from stereo3d.recording.stream.coded import NOT_SHOWN
from stereo3d.recording.stream.display_order import display_order
from stereo3d.values import Floats, Ints

if TYPE_CHECKING:
    import av

_AVI_HEADER = 8
"""Bytes between the place that an AVI's index gives and the packet."""


@dataclass(frozen=True, slots=True)
class Timeline:
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
    gone: frozenset[int]
    """Indices of the pictures that the file lists and does not hold."""
    index: _Index

    @classmethod
    def of(cls, stream: av.VideoStream, packets: Iterator[av.Packet[Any]]) -> Timeline:
        """The timeline of a stream with these packets."""
        index = _Index.of(stream)
        seen = _Seen(stream, index, (p for p in itertools.islice(packets, MOST_FRAMES) if p.size and not p.is_discard))
        fps = float(stream.average_rate or 0)
        fps = fps if 1e-3 < fps < 1e4 else 0.0
        kind = seen.stamp_kind()
        stamps, places, keys = seen.by_pts() if kind == "pts" else seen.by_coding(numbers=kind == "number")
        tick = float(stream.time_base or 1) if kind != "number" else 1 / (fps or USUAL_FPS)
        time = np.asarray((stamps - stamps[:1]) * tick, np.float64)
        gone = frozenset(places[np.searchsorted(stamps, seen.gone(kind))].tolist())
        return cls(stamps, places, keys, kind, time, fps or rate(time), gone, index)

    def place(self, packet: av.Packet[Any], number: int) -> int:
        """The index of the picture in a packet, the n-th that was read; below 0 for one that is not shown."""
        late = self.index.late(packet)
        stamp = number if self.stamp_kind == "number" else packet.pts if self.stamp_kind == "pts" else packet.dts
        if stamp is not None and self.stamp_kind != "number":
            stamp += late
        at = len(self.stamps) if stamp is None else int(np.searchsorted(self.stamps, stamp))
        return int(self.places[at]) if at < len(self.stamps) and self.stamps[at] == stamp else NOT_SHOWN

    def stamp(self, place: int) -> int:
        """The stamp of the packet with the picture of that index."""
        return int(self.stamps[int(np.flatnonzero(self.places == place)[0])])


class _Index:
    """What the index of an AVI says; nothing for other files, whose packets bring their times."""

    def __init__(self, entries: list[tuple[int, int]]) -> None:
        self._entries = entries
        self._numbers = {at: number for number, (at, _) in enumerate(entries)}

    @classmethod
    def of(cls, stream: av.VideoStream) -> _Index:
        if stream.container.format.name != "avi":
            return cls([])
        entries = getattr(stream, "index_entries", ())
        return cls([(e.pos + _AVI_HEADER, e.timestamp) for e in entries if e.size and not e.is_discard])

    def _number(self, packet: av.Packet[Any]) -> int | None:
        return None if packet.pos is None else self._numbers.get(packet.pos)

    def late(self, packet: av.Packet[Any]) -> int:
        """By how many ticks a packet belongs later than its stamps say."""
        number = self._number(packet)
        return 0 if number is None or packet.dts is None else self._entries[number][1] - packet.dts

    def with_gaps(self, packets: Iterator[av.Packet[Any]]) -> Iterator[av.Packet[Any] | int]:
        """The packets, and in place of one that is listed and was not found its time stamp."""
        following: int | None = None
        for packet in packets:
            number = self._number(packet)
            if number is not None:
                yield from (time for _, time in self._entries[following or 0:number])
                following = number + 1
            yield packet
        if following is not None:
            yield from (time for _, time in self._entries[following:])


class _Listed(NamedTuple):
    pts: int | None
    dts: int | None
    key: bool
    there: bool


class _Seen:
    """What the packets of a stream say, in the order of coding."""

    def __init__(self, stream: av.VideoStream, index: _Index, packets: Iterator[av.Packet[Any]]) -> None:
        name = stream.container.format.name
        self._avi, self._index = name == "avi", index
        self._listed: list[_Listed] = []
        noted = (self._note(packet) for packet in index.with_gaps(packets))
        orders = stream.codec_context.name == "h264" and (self._avi or "mpeg" in name)
        self._order = display_order(map(bytes, noted)) if orders else None
        for _ in noted:
            pass

    def _note(self, packet: av.Packet[Any] | int) -> av.Packet[Any] | bytes:
        if isinstance(packet, int):
            self._listed.append(_Listed(packet, packet, False, False))
            return b""
        late = self._index.late(packet)
        pts, dts = (None if stamp is None else stamp + late for stamp in (packet.pts, packet.dts))
        self._listed.append(_Listed(pts, dts, packet.is_keyframe, True))
        return packet

    def stamp_kind(self) -> Literal["pts", "dts", "number"]:
        """Which stamps tell the pictures apart. An AVI has none for the order of showing; FFmpeg works them out, but
        for H.264."""
        if all(one.pts is not None for one in self._listed) and not (self._avi and self._order is not None):
            return "pts"
        dts = [one.dts for one in self._listed if one.dts is not None]
        whole = len(dts) == len(self._listed) and all(a < b for a, b in pairwise(dts))
        return "dts" if self._avi and whole else "number"

    def by_pts(self) -> tuple[Ints, Ints, Ints]:
        """Stamps, places and keys by the times of showing."""
        stamps, first = np.unique(np.array([one.pts for one in self._listed], np.int64), return_index=True)
        keys = np.array([one.key for one in self._listed], bool)[first]
        return stamps, np.arange(len(stamps)), np.union1d(np.flatnonzero(keys), [0])

    def by_coding(self, *, numbers: bool) -> tuple[Ints, Ints, Ints]:
        """Stamps, places and keys by the order of coding; without stamps decoding can only start at the beginning."""
        places = np.arange(len(self._listed)) if self._order is None else self._order
        if numbers:
            return np.arange(len(places)), places, np.arange(1)
        keys = places[np.array([one.key for one in self._listed], bool)]
        return np.array([one.dts for one in self._listed], np.int64), places, np.union1d(keys, [0])

    def gone(self, kind: Literal["pts", "dts", "number"]) -> list[int]:
        """The stamps of the pictures that are listed and were not found; none where they are told by their numbers."""
        return [] if kind == "number" else [one.dts for one in self._listed if not one.there and one.dts is not None]
