"""Coded pictures with a hole: a stretch of zeros where a disk or a transfer lost what was written.

Decoders take zeros for a picture and say nothing. But no coded picture holds such a stretch: H.264 and H.265 keep
three zeros in a row out of all they write (7.4.1.1), and in the usual codes of a JPEG each block of pixels has a bit
that is set (ITU-T T.81, annex K.3). Codes made for one picture alone may be zeros for all that is flat in it.
"""

from __future__ import annotations

_SCAN, _END = b"\xff\xda", b"\xff\xd9"
_START_CODES = (b"\0\0\1", b"\0\0\0\1")
_LENGTHS = 8
"""Zeros that no length or start code between units accounts for."""
_JPEG_ZEROS = 48
_CODES, _USUAL_CODES = b"\xff\xc4", bytes((0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7D))
"""What tables of codes begin with, and how many codes there are of each length in the usual ones for brightness."""
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
        if _CODES in data[:begin] and _USUAL_CODES not in data[:begin]:
            return False
        if data.rstrip(b"\0").endswith(_END):
            data = data.rstrip(b"\0")
    elif data.startswith(_START_CODES):
        data = data.rstrip(b"\0")
    return data.find(zeros, begin) >= 0
