"""Zeros that no codec writes are a hole; what codecs do write is none."""

from __future__ import annotations

import struct
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from made import both, write_video
from svo_files import join, payloads, units

from stereo3d.errors import LostPicture
from stereo3d.recording import pictures
from stereo3d.recording.stream.holes import has_hole


def lengths(data: bytes) -> bytes:
    """An access unit as MP4 has it, with the length before each unit."""
    return b"".join(struct.pack(">I", len(one)) + one for one in units(data))


@pytest.mark.parametrize("mode", ["h264", "hevc", "refreshed"])
def test_whole_access_units_have_none(mode: str) -> None:
    codec = "hevc" if mode == "hevc" else "h264"
    for data in payloads(mode):
        assert not has_hole(data, codec) and not has_hole(lengths(data), codec)
        assert not has_hole(data + bytes(99), codec), "Annex B lets zeros stand behind a unit"


@pytest.mark.parametrize("mode", ["h264", "hevc"])
def test_zeros_within_a_unit_are_one(mode: str) -> None:
    for data in payloads(mode)[:3]:
        at = len(data) // 2
        hurt = data[:at] + bytes(12) + data[at + 12:]
        assert has_hole(hurt, mode) and has_hole(lengths(data)[:-12] + bytes(12), mode)


def test_short_units_with_small_lengths_have_none() -> None:
    data = lengths(join([b"\x09\xf0", b"\x06\x01", b"\x41\x80"]))
    assert data.count(b"\0\0\0") == 3 and not has_hole(data, "h264")


@pytest.mark.parametrize("image", [
    np.zeros((480, 1280, 3), np.uint8), np.full((480, 1280, 3), 255, np.uint8), both(3, (640, 480)),
    np.random.default_rng(0).integers(0, 256, (48, 128, 3), np.uint8),
], ids=["black", "white", "slope", "noise"])
@pytest.mark.parametrize("quality", [10, 50, 95, 100])
def test_jpegs_have_none_until_they_are_hurt(image: np.ndarray, quality: int) -> None:
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
    assert not has_hole(data, "mjpeg") and not has_hole(data + bytes(512), "mjpeg")
    at = (data.index(b"\xff\xda") + len(data)) // 2
    assert has_hole(data[:at] + bytes(64) + data[at:], "mjpeg") and has_hole(data[:-64] + bytes(64), "mjpeg")


@pytest.mark.parametrize("settings", [
    [cv2.IMWRITE_JPEG_OPTIMIZE, 1], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1], [cv2.IMWRITE_JPEG_RST_INTERVAL, 4],
])
def test_codes_made_for_a_flat_picture_may_be_zeros(settings: list[int]) -> None:
    for image in (np.zeros((480, 1280, 3), np.uint8), both(3, (640, 480))):
        data = cv2.imencode(".jpg", image, settings)[1]
        assert not has_hole(data.tobytes(), "mjpeg")
        assert np.abs(pictures.decode(data.ravel(), "a picture")[..., ::-1].astype(int) - image).mean() < 3


def test_a_jpeg_with_a_hole_is_lost() -> None:
    data = cv2.imencode(".jpg", both(3, (640, 480)))[1].ravel()
    data[len(data) // 2:len(data) // 2 + 64] = 0
    with pytest.raises(LostPicture, match="x.jpg: is damaged, a part of it is gone"):
        pictures.decode(data, "x.jpg")


def test_zeros_before_the_pixels_of_a_jpeg_are_its_own() -> None:
    data = cv2.imencode(".jpg", both(3))[1].tobytes()
    comment = b"\xff\xfe" + struct.pack(">H", 1002) + bytes(1000)
    assert not has_hole(data[:2] + comment + data[2:], "mjpeg")


@pytest.mark.parametrize("codec", ["mpeg2video", "mpeg4", "ffv1"])
def test_other_codecs_may_hold_zeros(codec: str, tmp_path: Path) -> None:
    assert not has_hole(bytes(500), codec)
    path = write_video(tmp_path / "a.mkv", [both(i) for i in range(3)], codec=codec)
    with av.open(str(path)) as container:
        assert not any(has_hole(bytes(p), codec) for p in container.demux(video=0))
