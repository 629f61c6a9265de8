"""ZED .svo2 files as they are said to be laid out, in every mode, and with everything that can be wrong with one.

The container is written by the mcap package's own writer, so that the reader is held against another hand's work.
"""

from __future__ import annotations

import base64
import functools
import io
import json
import re
import struct
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from made import both
from mcap.writer import CompressionType, Writer

from stereo3d.values import Bytes

SERIAL = 38486288
SIZE = (128, 96)
BEGIN = 1_738_434_526_000_000_000
STEP = 66_666_667
PICTURES = f"Camera_SN{SERIAL}/side_by_side"
SENSORS = f"Camera_SN{SERIAL}/sensors"
N = 30
BEFORE = 13
"""Frames of a refreshed stream before the recording begins."""
MODES = ("h264", "refreshed", "unmarked", "hevc", "jpeg")


def frame(number: int) -> Bytes:
    """Both views of a picture that says its number, with something that moves."""
    image = both(number % 25, SIZE).copy()
    at = (number * 9) % (2 * SIZE[0] - 24)
    image[SIZE[1] // 3:SIZE[1] // 2, at:at + 24, 1] = 220
    return image


@functools.cache
def payloads(mode: str, n_frames: int = N) -> tuple[bytes, ...]:
    """The coded pictures of a mode. refreshed: H.264 without IDR but with recovery points, from the middle of a
    recording; unmarked: without these too; from its start: the same from where the camera was switched on."""
    if mode == "jpeg":
        return tuple(map(_strips, map(frame, range(n_frames))))
    if mode == "hevc":
        return _encoded("libx265", n_frames, {"x265-params": "log-level=none:pools=1:keyint=10:min-keyint=10"})
    if mode == "h264":
        return _encoded("libx264", n_frames, {"g": "10", "keyint_min": "10"})
    stream = _encoded("libx264", n_frames + BEFORE, {"g": "8", "x264-params": "intra-refresh=1"}, -BEFORE)
    if mode == "from its start":
        return stream
    stream = stream[BEFORE:]
    if mode == "refreshed":
        return stream
    first = next(data for data in stream if len(units(data)) > 2)
    parameters = join(u for u in units(first) if u[0] & 31 in (7, 8))
    bare = [join(u for u in units(data) if u[0] & 31 in (1, 5)) for data in stream]
    return (parameters + bare[0], *bare[1:])


def _encoded(codec: str, n_frames: int, options: dict[str, str], first: int = 0) -> tuple[bytes, ...]:
    encoder = av.CodecContext.create(codec, "w")
    encoder.width, encoder.height, encoder.pix_fmt = 2 * SIZE[0], SIZE[1], "yuv420p"
    encoder.time_base = Fraction(1, 15)
    encoder.options = {"tune": "zerolatency", "preset": "veryfast", "crf": "12", **options}
    found = []
    for number in range(n_frames):
        picture = av.VideoFrame.from_ndarray(frame(max(0, number + first)), format="rgb24")
        picture.pts = number
        found += [bytes(p) for p in encoder.encode(picture)]
    return tuple(found + [bytes(p) for p in encoder.encode()])


def _strips(image: Bytes, n_strips: int = 4) -> bytes:
    """JPEG mode: the YUYV bytes of a picture as grey JPEGs below each other."""
    rows = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2YUV_YUY2))
    parts = np.split(rows.reshape(len(rows), -1), n_strips)
    jpegs = [cv2.imencode(".jpg", part, [cv2.IMWRITE_JPEG_QUALITY, 98])[1].tobytes() for part in parts]
    return struct.pack(f"<{n_strips}Q", *map(len, jpegs)) + b"".join(jpegs)


def units(data: bytes) -> list[bytes]:
    """The units of an access unit, without their start codes."""
    begins = [m.end() for m in re.finditer(b"\0\0\1", data)]
    return [data[a:b - 3 if b else None].rstrip(b"\0") for a, b in zip(begins, [*begins[1:], 0])]


def join(found: Iterable[bytes]) -> bytes:
    return b"".join(b"\0\0\0\1" + unit for unit in found)


def message(data: bytes, time: int, number: int = 0) -> bytes:
    """A frame's message: sizes, payload, and an end with size and time."""
    end = struct.pack("<IIIiiiQIiiI", *SIZE, 0x5C002C00, 1, 2, -1, time, len(data), 0, 0, number)
    return struct.pack("<II", len(data) + 60, len(data)) + data + end.ljust(56, b"\0")


def header(codec: int = 8, **changes: Any) -> bytes:
    block = struct.pack("<IIIIIII", *SIZE, SERIAL, 15, 0, codec, 4 * (codec == 2)).ljust(128, b"\0")
    words: dict[str, Any] = {
        "ZED_SDK_version": "5.1.2", "version": "2.0.5", "IMU_frequency": 400.0, "header": base64.b64encode(block).decode(),
    }
    return json.dumps(words | changes).encode()


def sample(time: int, turn: float = 90.0, pull: float = 9.81) -> bytes:
    """A message of the motion sensors."""
    block = bytearray(180)
    struct.pack_into("<Q", block, 16, time)
    struct.pack_into("<3f3f", block, 88, turn, 0.0, 0.0, 0.0, pull, 0.0)
    return json.dumps({"__title__": "sensors", "data": base64.b64encode(bytes(block)).decode()}).encode()


def write_svo(
    path: Path, mode: str = "h264", n_frames: int = N, *, head: bytes | None = None, sensors: bool = True,
    footer: bool = True, serial: int | str = SERIAL, change: Callable[[int, bytes], bytes] = lambda _, data: data,
    leave_out: Iterable[int] = (), also_listed: Iterable[int] = (), times: Callable[[int], int] = lambda i: BEGIN + i * STEP, **settings: Any,
) -> Path:
    """A recording in that mode. `change` is given each frame's number and message; frames in `leave_out` are listed in
    the footer but not there. `settings` are those of the mcap writer."""
    buffer = io.BytesIO()
    chosen: dict[str, Any] = {"chunk_size": 30_000, "compression": CompressionType.NONE} | settings
    writer = Writer(buffer, **chosen)
    writer.start(profile="", library="libmcap stereolabs")
    names = {n: n.replace(str(SERIAL), str(serial)) for n in ("svo_header", PICTURES, SENSORS, "svo_footer")}
    schema = writer.register_schema("sl_type", "jsonschema", b"{}")
    channels = {name: writer.register_channel(topic, "json", schema) for name, topic in names.items()}

    def add(name: str, time: int, data: bytes) -> None:
        writer.add_message(channels[name], log_time=time, data=data, publish_time=time)

    add("svo_header", 1, header(2 if mode == "jpeg" else 8) if head is None else head)
    gone, listed = set(leave_out), [times(i) for i in range(n_frames)]
    for i, data in enumerate(payloads(mode, n_frames) if mode in MODES else [mode.encode() * 9] * n_frames):
        for k in range(20) if sensors else ():
            add(SENSORS, listed[i] + k * STEP // 20, sample(listed[i] + k * STEP // 20))
        if i not in gone:
            add(PICTURES, listed[i], change(i, message(data, listed[i], i)))
    if footer:
        add("svo_footer", 2, json.dumps({names[PICTURES]: [*listed[len([*also_listed]):], *also_listed]}).encode())
    writer.finish()
    path.write_bytes(buffer.getvalue())
    return path


def cut(path: Path, share: float) -> Path:
    """The beginning of a file, as a crash leaves it."""
    data = path.read_bytes()
    path.write_bytes(data[:int(share * len(data))])
    return path
