"""What the header and the footer of a ZED .svo2 file say, and what of it is checked.

The header is JSON with base64 of 128 bytes, u32 each: width, height, serial number, pictures a second, ..., at 20 the
coding, at 24 the strips of a picture. The width is of one eye in one camera's files and of both in another's: the size
is taken from the pictures. The footer lists the times of all messages by topic.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stereo3d import limits
from stereo3d.errors import InputError
from stereo3d.values import Ints

TOPIC, FOOTER_TOPIC = "svo_header", "svo_footer"
_FACTS = struct.Struct("<4I")
_LENGTH = 128
_OTHER_RATE = 0.1
"""By which share the rate may differ from the one set: cameras drop pictures."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the header says; 0 and empty where it says nothing."""

    width: int = 0
    height: int = 0
    serial: int = 0
    fps: int = 0
    encrypted: bool = False
    words: Mapping[str, str] = field(default_factory=dict)
    """Its texts and numbers, by name: the SDK's version and so on."""
    note: str = ""
    """What is wrong with it, empty where it is as expected."""

    @classmethod
    def parse(cls, message: bytes) -> Header:
        """What a message says, as far as it is as expected."""
        content = _json(message)
        if content is None:
            return cls(note="the header is no JSON: serial number and rate are taken from elsewhere")
        words = {k: str(v) for k, v in content.items() if isinstance(v, (str, int, float)) and len(str(v)) <= 64}
        encrypted = any("crypt" in name.lower() and bool(value) for name, value in content.items())
        block = _decoded(content.get("header"))
        if len(block) < _LENGTH:
            note = f"the header holds {len(block)} bytes of facts, expected {_LENGTH}: they are not taken"
            return cls(encrypted=encrypted, words=words, note=note)
        width, height, serial, fps = _FACTS.unpack_from(block)
        return cls(width, height, serial, fps, encrypted, words)

    def doubts(self, size: tuple[int, int], serial: int, fps: float) -> list[str]:
        """What in it does not go with the pictures' (width, height) of one eye, the topic's serial, the rate."""
        found = [self.note] if self.note else []
        if self.width and (self.height != size[1] or self.width not in (size[0], 2 * size[0])):
            seen = f"{size[0]} x {size[1]} an eye"
            found.append(f"the header says {self.width} x {self.height} px, the pictures are {seen}")
        if self.serial and self.serial != serial:
            found.append(f"the header says serial number {self.serial}, the topic {serial}: the topic's is taken")
        if self.fps and abs(self.fps / fps - 1) > _OTHER_RATE:
            found.append(f"the header says {self.fps} pairs a second, their times {fps:.2f}: the times are taken")
        return found


def listed_times(message: bytes, topic: str) -> Ints | None:
    """(N,) ns, when the messages of a topic were logged by the footer; None where it does not say so as expected."""
    times = (_json(message) or {}).get(topic)
    if isinstance(times, str):
        block = _decoded(times)
        found = np.frombuffer(block[:len(block) // 8 * 8], "<u8")
    elif isinstance(times, list) and all(type(t) is int and 0 <= t < 1 << 63 for t in times):
        found = np.array(times, np.uint64)
    else:
        return None
    return found.astype(np.int64) if len(found) and (np.diff(found.astype(np.int64)) >= 0).all() else None


def _json(message: bytes) -> dict[str, Any] | None:
    try:
        content = limits.parse_json(message.decode("utf-8"))
    except (InputError, UnicodeDecodeError):
        return None
    return content if isinstance(content, dict) else None


def _decoded(text: object) -> bytes:
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        return b""
