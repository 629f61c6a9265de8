"""What H.264 and H.265 say of their pictures, looked into without decoding (ITU-T H.264 and H.265, 7.3 and annex B).

An access unit is one coded picture in Annex B form: units that begin after a start code, each with its type in its
first byte. Only what comes before the picture's own data is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

Codec = Literal["h264", "hevc"]
START = b"\0\0\0\1"
_START_CODE = re.compile(b"\0\0\1")
_PARAMETERS = {"h264": (7, 8, 13), "hevc": (32, 33, 34)}
_SEI = {"h264": 6, "hevc": 39}
_RECOVERY_POINT = 6
_SLICES = {"h264": (1, 2, 5), "hevc": range(32)}
_WHOLE = {"h264": (5,), "hevc": range(16, 24)}
"""Slices of pictures that need no other: IDR, in H.265 every IRAP."""


def codec_of(data: bytes) -> Codec | None:
    """Which of the two an access unit is of, None where it is neither or brings no parameter sets to tell by."""
    if not data.startswith((START, START[1:])):
        return None
    for begin in _begins(data):
        first = data[begin]
        if (first & 0x7E) >> 1 in _PARAMETERS["hevc"] and first < 0x80 and data[begin + 1:begin + 2] == b"\1":
            return "hevc"
        if first & 0x1F in (7, 8) and first & 0x60 and first < 0x80:
            return "h264"
    return None


def headers(data: bytes, codec: Codec) -> bytes:
    """The parameter sets in an access unit, which a decoder needs first; empty without any."""
    begins = (b for b in _before_slices(data, codec) if _kind(data, b, codec) in _PARAMETERS[codec])
    return b"".join(START + unit(data, b) for b in begins)


def entry(data: bytes, codec: Codec) -> int | None:
    """After how many pictures all are right when decoding begins with this one: 0 for an IDR (H.265: IRAP), more for
    a recovery point, as in streams that are refreshed bit by bit (D.2.8); None where it cannot begin here."""
    count: int | None = None
    for begin in _before_slices(data, codec):
        kind = _kind(data, begin, codec)
        if kind in _WHOLE[codec]:
            return 0
        if kind == _SEI[codec]:
            found = _recovery(unit(data, begin)[1 if codec == "h264" else 2:], codec)
            count = count if found is None else found
    return count


def unit(data: bytes, begin: int) -> bytes:
    """The unit that begins there, up to the next start code."""
    end = _START_CODE.search(data, begin)
    return data[begin:end.start() if end else len(data)].rstrip(b"\0")


def slices(data: bytes) -> Iterator[int]:
    """Where the slices of an H.264 access unit begin, and its parameter sets before them."""
    return (b for b in _begins(data) if _kind(data, b, "h264") in (*_SLICES["h264"], 7))


def _begins(data: bytes) -> Iterator[int]:
    """Where the units begin, behind their start codes."""
    return (found.end() for found in _START_CODE.finditer(data) if found.end() < len(data))


def _before_slices(data: bytes, codec: Codec) -> Iterator[int]:
    """Where the units begin, up to the first slice."""
    for begin in _begins(data):
        yield begin
        if _kind(data, begin, codec) in _SLICES[codec]:
            return


def _kind(data: bytes, begin: int, codec: Codec) -> int:
    return data[begin] & 0x1F if codec == "h264" else (data[begin] & 0x7E) >> 1


def _recovery(messages: bytes, codec: Codec) -> int | None:
    """The count of the recovery point among the messages of an SEI unit, None without one."""
    at = 0
    while at + 2 < len(messages):
        kind, at = _long(messages, at)
        size, at = _long(messages, at)
        if kind == _RECOVERY_POINT:
            code = Bits(messages[at:at + size + 2]).exponential()
            return code if codec == "h264" else max(0, (code + 1) // 2 if code % 2 else 0)
        at += size
    return None


def _long(data: bytes, at: int) -> tuple[int, int]:
    """A number of an SEI message, whose bytes of 255 go on (7.3.2.3.1), and where the next begins."""
    number = 0
    while at < len(data) and data[at] == 255:
        number, at = number + 255, at + 1
    return number + (data[at] if at < len(data) else 0), at + 1


class Bits:
    """The bits of a unit one after the other, without the bytes that only keep start codes away (7.4.1.1).

    Beyond the end they are ones, so that no number is long.
    """

    def __init__(self, data: bytes) -> None:
        clean = data.replace(b"\0\0\3", b"\0\0")
        self._n = 8 * len(clean)
        self._bits = int.from_bytes(clean, "big")

    def take(self, count: int) -> int:
        """The next `count` bits as a number."""
        self._n -= count
        return self._bits >> self._n & (1 << count) - 1 if self._n >= 0 else (1 << count) - 1

    def exponential(self) -> int:
        """The next number in Exp-Golomb code (9.1)."""
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)

    def signed(self) -> int:
        """The next signed number in Exp-Golomb code (9.1.1)."""
        code = self.exponential()
        return (code + 1) // 2 if code % 2 else -(code // 2)
