"""The container of a ZED .svo2 file: MCAP (mcap.dev), its topics and where each message lies, whatever state it is in.

Only heads and indexes are read to find the messages; where a chunk has no index, it is gone through. A file that was
cut off, or has a damaged stretch, gives every whole message around it: the readers of the mcap package give up there,
so its records are read with that package and walked here.
"""

from __future__ import annotations

import io
import os
import struct
from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from stereo3d.errors import LostPicture, RecordingError
from stereo3d.limits import LARGEST_CHUNK, LARGEST_PICTURE, MOST_FRAMES
from stereo3d.recording.svo.chunk import HEAD, Chunk, records, unpack
from stereo3d.values import Ints

MAGIC = b"\x89MCAP0\r\n"
MESSAGE = struct.Struct("<HIQQ")
"""What a message begins with: channel, number, time of logging and of publishing, ns."""
_FOOTER = 20
_LAST_TIME = (1 << 63) - 1
_MOST_PER_FRAME = 100
"""Messages of the sensors for each picture, at most."""
_LONGEST_RECORD = 1 << 20
"""Bytes of a channel's record."""
_KEPT = 3
"""Chunks held unpacked: pictures come in order, and a search for a start goes back a little."""


@dataclass(frozen=True, slots=True)
class Messages:
    """Where the M messages of a topic lie, in the order of the file."""

    channel: Ints
    """(M,)"""
    time: Ints
    """(M,) ns, when they were logged."""
    chunk: Ints
    """(M,) the chunk each lies in."""
    offset: Ints
    """(M,) bytes from the beginning of the unpacked chunk."""

    def __len__(self) -> int:
        return len(self.time)


class Mcap:
    """An MCAP file: its topics, and their messages one by one. Raises RecordingError where it is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = open(path, "rb")
        try:
            found = _Walk(self._file, str(path))
        except BaseException:
            self._file.close()
            raise
        self.notes = found.notes
        self._chunks = found.chunks
        self.topics = found.topics()
        self._kept: OrderedDict[int, tuple[bytes, str]] = OrderedDict()

    def read(self, messages: Messages, index: int) -> bytes:
        """What a message holds. Raises LostPicture where it, or the chunk it lies in, is damaged."""
        number, offset = int(messages.chunk[index]), int(messages.offset[index])
        chunk = self._chunks[number]
        if chunk.unpacked > LARGEST_CHUNK and not chunk.compression:
            data, fault = self._part(chunk, offset), ""
        else:
            whole, fault = self._unpacked(number)
            data = _record(whole, offset)
        what = (int(messages.channel[index]), int(messages.time[index]))
        if not fault and len(data) < MESSAGE.size or (data and MESSAGE.unpack_from(data)[::2] != what):
            fault = "the index of the file does not lead to it"
        if fault:
            raise LostPicture(f"{self.path}: message {index}: {fault}")
        return data[MESSAGE.size:]

    def _part(self, chunk: Chunk, offset: int) -> bytes:
        """One record of a chunk that is too large to hold, empty where it does not begin within it."""
        if not 0 <= offset <= chunk.unpacked - HEAD.size:
            return b""
        self._file.seek(chunk.start + offset)
        head = self._file.read(HEAD.size)
        length = HEAD.unpack(head)[1] if len(head) == HEAD.size else 0
        return self._file.read(length) if length <= LARGEST_PICTURE else b""

    def _unpacked(self, number: int) -> tuple[bytes, str]:
        """A chunk's content, and what is wrong with it."""
        if number not in self._kept:
            chunk = self._chunks[number]
            self._file.seek(chunk.start)
            self._kept[number] = unpack(chunk, self._file.read(min(chunk.stored, LARGEST_CHUNK)))
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(number)
        return self._kept[number]

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _record(data: bytes, offset: int) -> bytes:
    """The record at an offset, empty where it does not lie within the data."""
    if not 0 <= offset <= len(data) - HEAD.size:
        return b""
    _, length = HEAD.unpack_from(data, offset)
    begin = offset + HEAD.size
    return data[begin:begin + length] if begin + length <= len(data) else b""


class _Part(NamedTuple):
    """Messages of one channel in one chunk."""

    chunk: int
    time: Ints
    offset: Ints


class _Walk:
    """Goes through a file from record to record and notes what lies where."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file, self._name = file, name
        self._size = os.fstat(file.fileno()).st_size
        self._names: dict[int, str] = {}
        self._found: dict[int, list[_Part]] = defaultdict(list)
        self._seen: dict[int, int] = {}
        self._indexed: set[int] = set()
        self._misled: set[int] = set()
        self.chunks: list[Chunk] = []
        self.notes: tuple[str, ...] = ()
        stopped = self._walk(len(MAGIC), self._size)
        if stopped is not None:
            self._misled.add(len(self.chunks) - 1)
            self._go_on_behind(stopped)
        for channel, parts in [*self._found.items()]:
            self._found[channel] = [part for part in parts if part.chunk not in self._misled]
            if not self._found[channel]:
                del self._found[channel]
        for number, chunk in enumerate(self.chunks):
            if number not in self._indexed or number in self._misled:
                self._look_into(number, chunk)
        self._name_the_rest()

    def topics(self) -> dict[str, Messages]:
        """The messages of each topic, in the order of the file."""
        named: dict[str, list[tuple[int, _Part]]] = defaultdict(list)
        for channel, parts in self._found.items():
            named[self._names.get(channel, "")] += [(channel, part) for part in parts]
        return {name: self._joined(parts) for name, parts in named.items()}

    def _joined(self, parts: list[tuple[int, _Part]]) -> Messages:
        lengths = [len(part.time) for _, part in parts]
        if sum(lengths) > MOST_FRAMES * _MOST_PER_FRAME:
            raise RecordingError(f"{self._name}: expected up to {MOST_FRAMES} pairs; refused")
        channel = np.repeat(np.array([c for c, _ in parts], np.int64), lengths)
        chunk = np.repeat(np.array([p.chunk for _, p in parts], np.int64), lengths)
        time, offset = (np.concatenate([getattr(p, n) for _, p in parts]) for n in ("time", "offset"))
        start = np.array([c.start for c in self.chunks], np.int64)
        order = np.lexsort((offset, start[chunk]))
        return Messages(channel[order], time[order], chunk[order], offset[order])

    def _walk(self, at: int, end: int) -> int | None:
        """Note the records from there on; where they stop to make sense, None where they end as they should."""
        from mcap.opcode import Opcode

        while at < end:
            kind, length = self._head(at)
            body = at + HEAD.size
            if kind == Opcode.CHUNK and self._chunk(body, at):
                if self.chunks[-1].torn:
                    return at
            elif kind in (0, Opcode.CHUNK) or body + length > self._size:
                return at
            elif kind == Opcode.FOOTER:
                return None
            else:
                self._other(kind, at, body, length)
            at = body + length
        return at

    def _head(self, at: int) -> tuple[int, int]:
        self._file.seek(at)
        head = self._file.read(HEAD.size)
        return HEAD.unpack(head) if len(head) == HEAD.size else (0, 0)

    def _chunk(self, body: int, at: int) -> bool:
        """Whether the record is a chunk that holds together; then it is noted."""
        chunk = Chunk.of(self._file.read(64), body, self._size)
        if chunk is not None and at not in self._seen:
            self._seen[at] = len(self.chunks)
            self.chunks.append(chunk)
        return chunk is not None

    def _other(self, kind: int, at: int, body: int, length: int) -> None:
        """Note a record that is no chunk; the file stands behind its head."""
        from mcap.opcode import Opcode

        if kind == Opcode.CHANNEL:
            self._channel(self._file.read(min(length, _LONGEST_RECORD)))
        elif kind == Opcode.MESSAGE_INDEX and self.chunks:
            self._index(self._file.read(min(length, LARGEST_CHUNK)))
        elif kind == Opcode.MESSAGE and at not in self._seen:
            self._seen[at] = len(self.chunks)
            size = HEAD.size + length
            self.chunks.append(Chunk(body - HEAD.size, size, size, 0, ""))

    def _channel(self, data: bytes) -> None:
        from mcap.exceptions import McapError
        from mcap.records import Channel

        try:
            channel = Channel.read(_stream(data))
        except (McapError, UnicodeDecodeError, struct.error):
            return
        self._names.setdefault(channel.id, channel.topic)

    def _index(self, data: bytes) -> None:
        """The messages of one channel in the last chunk: times and offsets, in pairs."""
        number = len(self.chunks) - 1
        if (len(data) - 6) % 16 or int.from_bytes(data[2:6], "little") != len(data) - 6:
            self._misled.add(number)
            return
        entries = np.frombuffer(data[6:], "<u8").astype(np.int64).reshape(-1, 2)
        self._indexed.add(number)
        self._found[int.from_bytes(data[:2], "little")].append(_Part(number, entries[:, 0], entries[:, 1]))

    def _look_into(self, number: int, chunk: Chunk, *, names_alone: bool = False) -> None:
        """Note the channels and, unless an index did, the messages in a chunk."""
        from mcap.opcode import Opcode

        self._file.seek(chunk.start)
        data, _ = unpack(chunk, self._file.read(min(chunk.stored, LARGEST_CHUNK)))
        listed: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for kind, at, begin, end in records(data):
            if kind == Opcode.CHANNEL:
                self._channel(data[begin:end])
            elif kind == Opcode.MESSAGE and end - begin >= MESSAGE.size:
                channel, _, time, _ = MESSAGE.unpack_from(data, begin)
                listed[channel].append((min(time, _LAST_TIME), at))
        for channel, entries in {} if names_alone else listed.items():
            time, offset = np.array(entries, np.int64).T
            self._found[channel].append(_Part(number, time, offset))

    def _name_the_rest(self) -> None:
        """Channels are named where they first occur, which can be within a chunk."""
        for channel in sorted(self._found.keys() - self._names.keys()):
            first = self._found[channel][0].chunk
            if channel not in self._names:
                self._look_into(first, self.chunks[first], names_alone=True)

    def _go_on_behind(self, stopped: int) -> None:
        """Note what lies behind a stretch that makes no sense, where the file's own list of chunks leads there."""
        listed = [at for at in self._list_of_chunks() if at > stopped]
        for at, following in pairwise([*listed, self._size]):
            if at not in self._seen:
                self._walk(at, following)
        what = "is damaged" if listed else "is cut off, or damaged"
        self.notes = (f"the file {what} at byte {stopped} of {self._size}: what is whole was read",)

    def _list_of_chunks(self) -> list[int]:
        """Where chunks begin by the summary at the end of the file; none where it has no such."""
        from mcap.exceptions import McapError
        from mcap.opcode import Opcode
        from mcap.records import ChunkIndex, Footer

        tail = HEAD.size + _FOOTER + len(MAGIC)
        if self._size < tail:
            return []
        self._file.seek(self._size - tail)
        footer = self._file.read(tail)
        if not footer.endswith(MAGIC) or HEAD.unpack_from(footer) != (Opcode.FOOTER, _FOOTER):
            return []
        start = Footer.read(_stream(footer[HEAD.size:])).summary_start
        self._file.seek(min(start, self._size))
        summary = self._file.read(LARGEST_CHUNK)
        found = [summary[begin:end] for kind, _, begin, end in records(summary) if kind == Opcode.CHUNK_INDEX]
        try:
            return sorted(ChunkIndex.read(_stream(data)).chunk_start_offset for data in found)
        except (McapError, UnicodeDecodeError, struct.error):
            return []


def _stream(data: bytes) -> Any:
    from mcap.data_stream import ReadDataStream

    return ReadDataStream(io.BytesIO(data))
