"""A JPEG file without what a camera or a program wrote about it: names, serial numbers, places, dates, thumbnails.

The picture's own bytes stay as they are (ITU-T T.81, annex B; Exif 2.32).
"""

from __future__ import annotations

import re
import struct

import numpy as np

from stereo3d.values import Bytes

_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""The next marker in coded pixels, where 0xFF stands before 0 and between restarts."""
_START, _END, _SCAN = 0xD8, 0xD9, 0xDA
_JFIF, _EXIF, _ADOBE, _COMMENT = 0xE0, 0xE1, 0xEE, 0xFE
_HEADER = 16
"""Bytes of a JFIF segment up to its thumbnail."""
_ORIENTATION, _UPRIGHT, _SHORT = 0x0112, 1, 3


def without_metadata(jpeg: Bytes) -> Bytes | None:
    """The same picture (N,) in a file that says nothing else; None where it cannot be had without decoding it: the
    file is no whole JPEG, or says that the picture has to be turned."""
    data = jpeg.tobytes()
    kept, at = [data[:2]], 2
    while kept[0] == bytes((0xFF, _START)):
        segment = _segment(data, at)
        if segment is None:
            return None
        code, end = segment
        if code == _EXIF and _orientation(data[at + 4:end]) != _UPRIGHT:
            return None
        kept.append(_cleaned(code, data[at:end]))
        at = end
        if code == _SCAN:
            found = _MARKER.search(data, at)
            if found is None:
                return None
            kept.append(data[at:found.start()])
            at = found.start()
        if data[at:at + 2] == bytes((0xFF, _END)):
            return np.frombuffer(b"".join([*kept, data[at:at + 2]]), np.uint8)
    return None


def _segment(data: bytes, at: int) -> tuple[int, int] | None:
    """(code, end) of the segment that begins there, None where there is none."""
    if len(data) < at + 4 or data[at] != 0xFF or data[at + 1] in (0x00, 0xFF, _START):
        return None
    end = at + 2 + int.from_bytes(data[at + 2:at + 4], "big")
    return (data[at + 1], end) if at + 4 <= end <= len(data) else None


def _cleaned(code: int, segment: bytes) -> bytes:
    """A segment as it is kept: nothing of a comment or of a program's own, JFIF's without its thumbnail."""
    if code == _JFIF and segment[4:9] == b"JFIF\0" and len(segment) >= _HEADER + 2:
        return segment[:2] + struct.pack(">H", _HEADER) + segment[4:_HEADER] + b"\0\0"
    if code == _ADOBE and segment[4:9] == b"Adobe":
        return segment
    return b"" if 0xE0 <= code <= 0xEF or code == _COMMENT else segment


def _orientation(body: bytes) -> int:
    """What an Exif segment says of how the camera was held; 0 where it cannot be made out."""
    if not body.startswith(b"Exif\0\0"):
        return _UPRIGHT
    tiff = body[6:]
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    try:
        (first,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, first)
        for i in range(count):
            tag, kind = struct.unpack_from(f"{order}HH", tiff, first + 2 + 12 * i)
            if tag == _ORIENTATION:
                return int(struct.unpack_from(f"{order}H", tiff, first + 10 + 12 * i)[0]) if kind == _SHORT else 0
    except struct.error:
        return 0
    return _UPRIGHT
