"""One chunk of an MCAP file: where it lies, its content unpacked within bounds and held against its check sum."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from stereo3d.errors import MissingPackage
from stereo3d.limits import LARGEST_CHUNK

HEAD = struct.Struct("<BQ")
"""What every record begins with: its kind and the length of the rest."""
_FACTS = struct.Struct("<QQQII")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A run of messages in a file."""

    start: int
    """Where its content begins, bytes."""
    stored: int
    """Its length in the file, bytes."""
    unpacked: int
    """Its length, bytes."""
    crc: int
    """The CRC32 of the unpacked content, 0 where it has none."""
    compression: str
    torn: bool = False
    """Whether the file ends within it."""

    @classmethod
    def of(cls, head: bytes, start: int, end: int) -> Chunk | None:
        """The chunk whose record begins at `start` with these bytes, in a file that goes up to `end`; None where the
        bytes do not hold together."""
        if len(head) < _FACTS.size:
            return None
        _, _, unpacked, crc, length = _FACTS.unpack_from(head)
        at = _FACTS.size + length
        if length > 16 or len(head) < at + 8:
            return None
        stored = int.from_bytes(head[at:at + 8], "little")
        begin = start + at + 8
        torn = begin + stored > end
        name = head[_FACTS.size:at].decode("latin-1")
        return cls(begin, min(stored, end - begin), unpacked, 0 if torn else crc, name, torn)


def unpack(chunk: Chunk, data: bytes) -> tuple[bytes, str]:
    """The content of a chunk from what the file holds of it, and what is wrong with it; empty where it is right."""
    if max(chunk.stored, chunk.unpacked) > LARGEST_CHUNK:
        return b"", f"lies in a chunk of {max(chunk.stored, chunk.unpacked)} bytes, expected up to {LARGEST_CHUNK}"
    try:
        content = _expand(chunk.compression, data, min(chunk.unpacked, LARGEST_CHUNK))
    except ValueError as error:
        return b"", f"lies in a part of the file that is damaged ({error})"
    if chunk.torn:
        return content, ""
    if len(content) != chunk.unpacked or (chunk.crc and zlib.crc32(content) != chunk.crc):
        return content, "lies in a part of the file that is damaged: its check sum does not fit"
    return content, ""


def _expand(compression: str, data: bytes, most: int) -> bytes:
    """Up to `most` bytes of what was compressed. Raises ValueError for what cannot be expanded."""
    if compression == "":
        return data
    if compression not in ("zstd", "lz4"):
        raise ValueError(f"expected it plain or packed by zstd or lz4, got {compression!r}")
    try:
        import lz4.frame
        import zstandard
    except ModuleNotFoundError as error:
        raise MissingPackage(str(error.name), "all", "reading this .svo2 file") from error
    try:
        if compression == "zstd":
            unpacker = zstandard.ZstdDecompressor(max_window_size=LARGEST_CHUNK)
            return bytes(unpacker.stream_reader(io.BytesIO(data)).read(most))
        return bytes(lz4.frame.LZ4FrameDecompressor().decompress(data, max_length=most))
    except (zstandard.ZstdError, RuntimeError, EOFError) as error:
        raise ValueError(str(error)) from error


def records(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Kind, offset, and where the body begins and ends, of each whole record; none behind one that is torn."""
    at = 0
    while at + HEAD.size <= len(data):
        kind, length = HEAD.unpack_from(data, at)
        begin = at + HEAD.size
        if begin + length > len(data):
            return
        yield kind, at, begin, begin + length
        at = begin + length
