"""Single pictures: sizes from headers, bounds before decoding, torn and odd ones."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import picture

from stereo3d.errors import InvalidValue, LostPicture, RecordingError
from stereo3d.recording import pictures
from stereo3d.values import Bytes


def encoded(image: Bytes, suffix: str, *settings: int) -> bytes:
    return cv2.imencode(suffix, image, settings)[1].tobytes()


def decoded(data: bytes) -> Bytes:
    return pictures.decode(np.frombuffer(data, np.uint8), "it")


@settings(deadline=None, max_examples=30)
@given(width=st.integers(1, 300), height=st.integers(1, 200), grey=st.booleans(),
       suffix=st.sampled_from([".png", ".jpg", ".bmp"]))
def test_the_header_says_the_size_that_decoding_gives(width: int, height: int, grey: bool, suffix: str) -> None:
    data = encoded(np.zeros((height, width) if grey else (height, width, 3), np.uint8), suffix)
    assert pictures.header_size(data) == (width, height)
    assert decoded(data).shape == (height, width, 3)


@pytest.mark.parametrize("settings", [
    (cv2.IMWRITE_JPEG_PROGRESSIVE, 1), (cv2.IMWRITE_JPEG_OPTIMIZE, 1), (cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
])
def test_every_kind_of_jpeg_is_measured(settings: tuple[int, ...]) -> None:
    data = encoded(picture(3, "left"), ".jpg", *settings)
    assert pictures.header_size(data) == (64, 48)
    assert pictures.header_size(data[:2] + b"\xff\xe1\x00\x06ABCD\xff\xff" + data[3:]) == (64, 48)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_what_is_encoded_comes_back(suffix: str) -> None:
    image = picture(7, "right")
    back = pictures.decode(pictures.encode(image, suffix, 98), "it")
    off = np.abs(back.astype(int) - image)
    assert off.max() == 0 if suffix == ".png" else off.mean() < 2


def test_red_stays_red() -> None:
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 255
    np.testing.assert_array_equal(decoded(encoded(red[..., ::-1], ".png")), red)
    assert decoded(encoded(red[..., ::-1], ".bmp"))[0, 0].tolist() == [255, 0, 0]


def test_grey_deep_and_transparent_pictures_become_rgb() -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    for image in (grey, grey.astype(np.uint16) * 256, np.dstack([grey] * 3 + [grey])):
        np.testing.assert_array_equal(decoded(encoded(image, ".png")), np.dstack([grey] * 3))


def exif(orientation: int) -> bytes:
    tiff = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    body = b"Exif\0\0" + tiff
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def test_a_turned_jpeg_is_put_upright() -> None:
    data = encoded(picture(3, "left")[..., ::-1], ".jpg")
    turned = decoded(data[:2] + exif(6) + data[2:])
    np.testing.assert_array_equal(turned, np.rot90(decoded(data), -1))


def bomb(width: int, height: int) -> bytes:
    """A PNG of a kilobyte that claims any size."""
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + rows + chunk(b"IEND", b"")


def large_jpeg() -> bytes:
    data = bytearray(encoded(np.zeros((8, 8, 3), np.uint8), ".jpg"))
    at = data.index(b"\xff\xc0")
    data[at + 5:at + 9] = struct.pack(">HH", 65500, 65500)
    return bytes(data)


whole = {s: encoded(picture(3, "left"), s) for s in (".png", ".jpg", ".bmp")}


@pytest.mark.parametrize(("data", "sentence"), [
    (b"", "expected a PNG, JPEG or BMP picture, got 0 other bytes"),
    (b"GIF89a" + b"\0" * 60, "expected a PNG, JPEG or BMP picture, got 66 other bytes"),
    (bomb(100_000, 100_000), "expected a picture of 1 to 40000000 px, got 100000 x 100000; refused"),
    (bomb(0, 5), "got 0 x 5; refused"),
    (large_jpeg(), "got 65500 x 65500; refused"),
    (b"BM" + struct.pack("<IIIIii", 99, 0, 54, 40, 50_000, -50_000), "got 50000 x 50000; refused"),
    (whole[".png"][:-20], "is cut off or damaged, its end is missing"),
    (whole[".jpg"][:-20], "is cut off or damaged, its end is missing"),
    (whole[".bmp"][:-20], "is cut off or damaged, its end is missing"),
    (whole[".png"][:20], "expected a PNG, JPEG or BMP picture, got 20 other bytes"),
    (whole[".jpg"][:20], "expected a PNG, JPEG or BMP picture, got 20 other bytes"),
    (b"\xff\xd8\x00\x00" + whole[".jpg"], "expected a PNG, JPEG or BMP picture"),
    (bomb(64, 4000), "is damaged"),
])
def test_a_bad_picture_is_refused(data: bytes, sentence: str) -> None:
    with pytest.raises(RecordingError, match=f"it: .*{sentence}"):
        decoded(data)


def test_what_opencv_throws_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def throws(*_: object) -> None:
        error = cv2.error("long text")
        error.err = "short text"
        raise error

    monkeypatch.setattr(pictures.cv2, "imdecode", throws)
    monkeypatch.setattr(pictures.cv2, "imencode", throws)
    with pytest.raises(RecordingError, match=r"it: is damaged \(short text\)"):
        decoded(whole[".png"])
    with pytest.raises(InvalidValue, match="picture: cannot be written as .png"):
        pictures.encode(picture(1, "left"), ".png")


def test_a_picture_too_wide_for_jpeg_is_refused() -> None:
    with pytest.raises(InvalidValue, match=r"cannot be written as .jpg with \(height, width\) \(1, 70000\)"):
        pictures.encode(np.zeros((1, 70_000, 3), np.uint8), ".jpg")


def test_padding_after_a_jpeg_is_no_damage(tmp_path: Path) -> None:
    assert decoded(whole[".jpg"] + b"\0" * 512).shape == (48, 64, 3)


@settings(deadline=None, max_examples=150)
@given(suffix=st.sampled_from(sorted(whole)), at=st.floats(0, 1), value=st.integers(0, 255), cut=st.floats(0.5, 1.5))
def test_whatever_the_bytes_only_our_error_comes_out(suffix: str, at: float, value: int, cut: float) -> None:
    data = bytearray(whole[suffix])
    data[int(at * (min(len(data), 700) - 1))] = value
    try:
        image = decoded(bytes(data[:int(min(1, cut) * len(data))]))
    except RecordingError:
        return
    assert image.ndim == 3 and image.dtype == np.uint8


def test_a_large_jpeg_of_many_scans_is_refused_before_it_is_decoded() -> None:
    """Each scan costs a pass over all pixels: a quarter of a MB took 2.5 s."""
    large = cv2.imencode(".jpg", np.zeros((5000, 6000), np.uint8), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    small = cv2.imencode(".jpg", np.zeros((50, 60), np.uint8), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    for data, n_scans in ((large, 20), (small, 200)):
        last = data[data.rindex(b"\xff\xda"):-2]
        hostile = np.frombuffer(data[:-2] + n_scans * last + b"\xff\xd9", np.uint8)
        with pytest.raises(RecordingError, match="scans, got .*; refused"):
            pictures.decode(hostile, "it")
    assert decoded(large).shape == (5000, 6000, 3)


def test_a_png_that_claims_more_than_it_holds_is_refused_before_memory_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytearray(cv2.imencode(".png", np.zeros((48, 64, 3), np.uint8))[1].tobytes())
    data[33:37] = (2_130_708_052).to_bytes(4, "big")
    monkeypatch.setattr(cv2, "imdecode", None)
    with pytest.raises(LostPicture, match="cut off or damaged"):
        pictures.decode(np.frombuffer(bytes(data), np.uint8), "a.png")
