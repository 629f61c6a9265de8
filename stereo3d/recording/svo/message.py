"""The picture in a message of a ZED .svo2 file, as far as its layout is known in public.

    u32 total, u32 size, payload of `size` bytes, end of 56 bytes (its u64 at 24: the picture's time, ns)

The payload is an access unit of H.264 or H.265 with both views side by side; or, in the JPEG mode, four u64 sizes and
as many grey JPEGs, which one below the other make the bytes of one YUYV picture. Worked out by
radarml.github.io/open-svo2 and nes.is-a.dev/out/2025/svo2.html on a camera's own files, and held against every message
here: no such file was at hand when this was written.
"""

from __future__ import annotations

import struct
from typing import Literal

import cv2
import numpy as np

from stereo3d.errors import LostPicture
from stereo3d.recording import pictures
from stereo3d.recording.stream.nal import START, codec_of
from stereo3d.values import Bytes

Mode = Literal["h264", "hevc", "jpeg"]
_SIZES = struct.Struct("<II")
END = 56
"""Bytes behind the payload."""
_TIME_AT = 24
_JPEG = b"\xff\xd8\xff"
_MOST_STRIPS = 16
_LOSSLESS = {b"\x89PNG": "PNG", b"\x28\xb5\x2f\xfd": "Zstandard", b"\x04\x22\x4d\x18": "LZ4"}


def payload(message: bytes, what: str) -> bytes:
    """The coded picture in a message. Raises LostPicture, which begins with `what`, where its sizes do not fit."""
    total, size = _SIZES.unpack_from(message) if len(message) >= _SIZES.size else (0, 0)
    if not size or _SIZES.size + size > len(message) or total + 4 > len(message):
        raise LostPicture(
            f"{what}: expected a picture of {size} bytes in a message of {total + 4}, got a message of {len(message)}"
        )
    return message[_SIZES.size:_SIZES.size + size]


def end_time(message: bytes) -> int | None:
    """The picture's time (ns) by the end of its message, None where there is no such end."""
    size = _SIZES.unpack_from(message)[1] if len(message) >= _SIZES.size else 0
    end = message[_SIZES.size + size:]
    return int.from_bytes(end[_TIME_AT:_TIME_AT + 8], "little") if len(end) == END else None


def mode_of(data: bytes) -> Mode | None:
    """How a payload is coded, None where that is not known of it."""
    return "jpeg" if _strips(data) else codec_of(data)


def continues(data: bytes) -> bool:
    """Whether a payload begins as every picture of H.264 and H.265 does, also one that does not tell which it is."""
    return data.startswith((START, START[1:]))


def lossless(data: bytes) -> str:
    """What a payload seems to be packed with, of the packings that lose nothing; empty for none of them."""
    return next((name for magic, name in _LOSSLESS.items() if magic in data[:64]), "")


def _strips(data: bytes) -> list[bytes]:
    """The JPEGs of a payload in that mode; none where its sizes do not add up."""
    for n in range(1, _MOST_STRIPS + 1):
        if data[8 * n:8 * n + 3] == _JPEG:
            ends = np.cumsum([8 * n, *(min(int(s), len(data) + 1) for s in np.frombuffer(data[:8 * n], "<u8"))])
            fits = ends[-1] == len(data)
            return [data[a:b] for a, b in zip(ends[:-1], ends[1:], strict=True)] if fits else []
    return []


def decode_strips(data: bytes, what: str) -> Bytes:
    """(H, W, 3) RGB of both views, from a payload in JPEG mode. Raises LostPicture where it is damaged."""
    strips = [pictures.decode_grey(np.frombuffer(strip, np.uint8), what) for strip in _strips(data)]
    if not strips or len({strip.shape[1] for strip in strips}) > 1 or strips[0].shape[1] % 4:
        raise LostPicture(f"{what}: expected grey JPEGs of one width below each other, got others")
    rows = np.concatenate(strips)
    pictures.check_size(what, rows.shape[1] // 2, rows.shape[0])
    return np.asarray(cv2.cvtColor(rows.reshape(len(rows), -1, 2), cv2.COLOR_YUV2RGB_YUYV), np.uint8)
