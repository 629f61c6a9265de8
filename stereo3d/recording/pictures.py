"""One picture: its size from its first bytes, decoded to RGB, encoded again.

A decoder believes what a file says of its size, and may take gigabytes for a kilobyte: so the header is read and
bounded first, here, for every picture from a file.
"""

from __future__ import annotations

import struct
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.errors import InvalidValue, LostPicture, RecordingError
from stereo3d.limits import MOST_PIXELS, MOST_SCANNED, MOST_SCANS
from stereo3d.recording.stream.holes import has_hole
from stereo3d.values import Bytes

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")
_JPEG, _SCAN = b"\xff\xd8", b"\xff\xda"
_PNG, _PNG_DEPTH = b"\x89PNG\r\n\x1a\n", 24
_SIZE_MARKERS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_BARE_MARKERS = {0x01, *range(0xD0, 0xD9)}


def check_size(what: str, width: int, height: int) -> tuple[int, int]:
    """(width, height) as given. Raises RecordingError for an empty picture or one beyond MOST_PIXELS."""
    if width < 1 or height < 1 or width * height > MOST_PIXELS:
        raise RecordingError(f"{what}: expected a picture of 1 to {MOST_PIXELS} px, got {width} x {height}; refused")
    return width, height


def header_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) px that a PNG, JPEG or BMP claims, None where it is none of these or torn."""
    try:
        if data.startswith(_PNG):
            return struct.unpack(">II", data[16:24])
        if data.startswith(b"BM"):
            width, height = struct.unpack("<ii", data[18:26])
            return width, abs(height)
        return _jpeg_size(data) if data.startswith(b"\xff\xd8") else None
    except struct.error:
        return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """From the frame header; segments before it are stepped over (ITU-T T.81, annex B)."""
    at = 2
    while at < len(data):
        (mark, code) = struct.unpack_from(">BB", data, at)
        if mark != 0xFF:
            return None
        if code == 0xFF or code in _BARE_MARKERS:
            at += 1 if code == 0xFF else 2
            continue
        if code in _SIZE_MARKERS:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    return None


def decode(data: Bytes, what: str, *, bits: int = 16) -> Bytes:
    """(H, W, 3) RGB of an encoded picture (uint8 bytes), upright where it says how it was held.

    `what` names it in errors. `bits` are those in use of samples deeper than 8, of which the upper 8 are taken. Raises
    LostPicture where it is no picture, too large, torn or damaged.
    """
    rgb = _decoded(data, what, cv2.IMREAD_COLOR_RGB | (cv2.IMREAD_ANYDEPTH if bits < 16 else 0))
    return rgb if rgb.dtype == np.uint8 else np.minimum(rgb >> (bits - 8), 255).astype(np.uint8)


def decode_grey(data: Bytes, what: str) -> Bytes:
    """(H, W) grey values of an encoded picture. Raises LostPicture as `decode` does."""
    return np.asarray(_decoded(data, what, cv2.IMREAD_GRAYSCALE), np.uint8)


def is_deep(head: bytes) -> bool:
    """Whether a picture that begins with these bytes is a PNG with samples of 16 bits."""
    return head.startswith(_PNG) and len(head) > _PNG_DEPTH and head[_PNG_DEPTH] == 16


def bits_in_use(data: Bytes, what: str) -> int:
    """How many bits the samples of an encoded picture need: 8, 10, 12, 14 or 16. Raises LostPicture."""
    largest = int(_decoded(data, what, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH).max())
    return next(bits for bits in (8, 10, 12, 14, 16) if largest < 1 << bits)


def _decoded(data: Bytes, what: str, how: int) -> NDArray[Any]:
    """The picture as OpenCV reads it in that way. Raises LostPicture."""
    raw = data.tobytes()
    size = header_size(raw)
    if size is None:
        raise LostPicture(f"{what}: expected a PNG, JPEG or BMP picture, got {len(raw)} other bytes")
    check_size(what, *size)
    if raw.startswith(_JPEG):
        _check_jpeg(raw, data, what, MOST_SCANNED // (size[0] * size[1]))
    if not _whole(raw) or raw.startswith(_PNG) and not _parts_fit(raw):
        raise LostPicture(f"{what}: is cut off or damaged, its end is missing")
    try:
        image = cv2.imdecode(data, how)
    except cv2.error as error:
        raise LostPicture(f"{what}: is damaged ({error.err})") from error
    if image is None or image.dtype not in (np.uint8, np.uint16) or sorted(image.shape[:2]) != sorted(size):
        raise LostPicture(f"{what}: is damaged, it could not be decoded")
    return np.asarray(image)


def _check_jpeg(raw: bytes, data: Bytes, what: str, scans: int) -> None:
    """What OpenCV would take hours for, or fill up in silence."""
    most = min(MOST_SCANS, scans)
    if _n_scans(data) > most:
        raise LostPicture(f"{what}: expected a JPEG of up to {most} scans, got {_n_scans(data)}; refused")
    if has_hole(raw, "mjpeg"):
        raise LostPicture(f"{what}: is damaged, a part of it is gone")


def _n_scans(data: Bytes) -> int:
    """How many scans a JPEG has, at most; `bytes.count` takes as long as a tenth of decoding it."""
    before = np.flatnonzero(data[1:] == _SCAN[1])
    return int(np.count_nonzero(data[before] == _SCAN[0]))


def _parts_fit(raw: bytes) -> bool:
    """Whether a PNG holds each part that it claims, up to its end: a decoder takes memory for what is claimed."""
    at = len(_PNG)
    while at + 12 <= len(raw):
        length, kind = struct.unpack_from(">I4s", raw, at)
        at += 12 + length
        if kind == b"IEND":
            return bool(at <= len(raw))
    return False


def _whole(raw: bytes) -> bool:
    """Decoders fill up the rest of a torn picture in silence; this one's end is looked for."""
    if raw.startswith(b"\xff\xd8"):
        return raw.rstrip(b"\0").endswith(b"\xff\xd9")
    if raw.startswith(b"BM"):
        return len(raw) >= int.from_bytes(raw[2:6], "little")
    return b"IEND" in raw[-64:]


def encode(image: Bytes, suffix: str, quality: int = 90) -> Bytes:
    """The bytes (N,) of an RGB picture as .png (lossless) or .jpg. Raises InvalidValue where it cannot be encoded."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality] if suffix == ".jpg" else [cv2.IMWRITE_PNG_COMPRESSION, 1]
    try:
        done, data = cv2.imencode(suffix, bgr, settings)
    except cv2.error:
        done = False
    if not done:
        raise InvalidValue(f"picture: cannot be written as {suffix} with (height, width) {image.shape[:2]}")
    return np.asarray(data, np.uint8).reshape(-1)
