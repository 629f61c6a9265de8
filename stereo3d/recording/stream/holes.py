"""Coded pictures with a hole: a stretch of zeros where a disk or a transfer lost what was written.

Decoders take zeros for a picture and say nothing. But no coded picture holds such a stretch: H.264 and H.265 keep
three zeros in a row out of all they write (7.4.1.1), and the codes of a JPEG's pixels are seldom zeros only.
"""

from __future__ import annotations

_SCAN, _END = b"\xff\xda", b"\xff\xd9"
_START_CODES = (b"\0\0\1", b"\0\0\0\1")
_LENGTHS = 8
"""Zeros that no length or start code between units accounts for."""
_JPEG_ZEROS = 48
"""As many as not even a flat JPEG has: its smallest codes hold a bit that is set in two bytes."""
_LOOKED_FOR = {"h264": _LENGTHS, "hevc": _LENGTHS, "mjpeg": _JPEG_ZEROS}


def has_hole(data: bytes, codec: str) -> bool:
    """Whether the bytes of a coded picture have a hole; False for codecs that may hold zeros. Zeros behind the end of
    a picture are no hole, where its kind allows for them."""
    zeros = bytes(_LOOKED_FOR.get(codec, 0))
    if not zeros:
        return False
    begin = 0
    if codec == "mjpeg":
        begin = max(0, data.find(_SCAN))
        if data.rstrip(b"\0").endswith(_END):
            data = data.rstrip(b"\0")
    elif data.startswith(_START_CODES):
        data = data.rstrip(b"\0")
    return data.find(zeros, begin) >= 0
