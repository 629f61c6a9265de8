"""A copied JPEG shows the same picture and says nothing else."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import jpeg, picture
from test_pictures import exif

from stereo3d.recording import pictures
from stereo3d.recording.jpeg_file import without_metadata
from stereo3d.values import Bytes

SECRET = b"Ada Lovelace, SN12345678, /home/ada"


def encoded(*settings: int) -> bytes:
    return cv2.imencode(".jpg", picture(3, "left")[..., ::-1], settings)[1].tobytes()


def segment(code: int, body: bytes) -> bytes:
    return bytes((0xFF, code)) + struct.pack(">H", len(body) + 2) + body


def clean(data: bytes) -> bytes | None:
    found = without_metadata(np.frombuffer(data, np.uint8))
    return None if found is None else found.tobytes()


KINDS = {
    "plain": (), "progressive": (cv2.IMWRITE_JPEG_PROGRESSIVE, 1), "restarts": (cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
    "optimised": (cv2.IMWRITE_JPEG_OPTIMIZE, 1), "4:4:4": (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x111111),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_says_nothing_stays_as_it_is(kind: str) -> None:
    data = encoded(*KINDS[kind])
    assert clean(data) == data


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_camera_wrote_goes_and_the_picture_stays(kind: str) -> None:
    data = encoded(*KINDS[kind])
    thumbnail = segment(0xE0, b"JFIF\0\1\2\0\0\1\0\1\3\1" + b"Ada" * 3)
    said = [segment(code, SECRET) for code in (0xE2, 0xE5, 0xED, 0xEF, 0xFE)]
    full = data[:2] + thumbnail + segment(0xE0, b"JFXX\0" + SECRET) + exif(1) + b"".join(said) + data[20:] + SECRET
    assert full[20:] != data[20:] and data[2:4] == b"\xff\xe0"
    cleaned = clean(full)
    assert cleaned is not None and b"Ada" not in cleaned and b"SN1" not in cleaned
    assert len(cleaned) == len(data)
    np.testing.assert_array_equal(decoded(cleaned), decoded(data))


def decoded(data: bytes) -> Bytes:
    return pictures.decode(np.frombuffer(data, np.uint8), "it")


def test_a_colour_transform_stays() -> None:
    data = encoded()
    adobe = segment(0xEE, b"Adobe\0\x64\0\0\0\0\0")
    cleaned = clean(data[:2] + adobe + data[20:])
    assert cleaned == data[:2] + adobe + data[20:]


@pytest.mark.parametrize("orientation", range(9))
@pytest.mark.parametrize("order", ["II", "MM"])
def test_one_that_has_to_be_turned_is_not_copied(orientation: int, order: str) -> None:
    data = encoded()
    tiff = exif(orientation)
    if order == "MM":
        body = b"Exif\0\0MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
        tiff = segment(0xE1, body)
    assert (clean(data[:2] + tiff + data[2:]) is None) is (orientation != 1)


@pytest.mark.parametrize("body", [b"Exif\0\0", b"Exif\0\0XX*\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0II*\0\x08\0\0\0\x05\0"])
def test_exif_that_cannot_be_read_is_not_copied(body: bytes) -> None:
    data = encoded()
    assert clean(data[:2] + segment(0xE1, body) + data[2:]) is None
    assert clean(data[:2] + segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + SECRET) + data[2:]) == data


@settings(max_examples=200, deadline=None)
@given(at=st.floats(0, 1), value=st.integers(0, 255), cut=st.floats(0, 1.3))
def test_whatever_the_bytes_there_is_a_file_or_none(at: float, value: int, cut: float) -> None:
    data = bytearray(jpeg(picture(3, "left")).tobytes())
    data[int(at * (len(data) - 1))] = value
    cleaned = clean(bytes(data[:int(min(cut, 1) * len(data))]))
    assert cleaned is None or (cleaned.startswith(b"\xff\xd8") and cleaned.endswith(b"\xff\xd9"))
