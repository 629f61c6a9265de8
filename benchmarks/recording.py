"""What reading and decoding a pair costs, beside PyAV's own decode of the same stream to RGB.

    python benchmarks/recording.py [--pairs 45] [--repeats 3] [--json]

The pictures are those of the sample recording, 1280 x 720 an eye, with noise, so that they are as dear as a camera's.
Both sides run in turn in this one process, decoders on one thread; times are CPU milliseconds a pair, the least of the
repeats. The other side of JPEG is OpenCV's decoder on the same bytes. The .svo2 files are made here as they are said to
be laid out: no camera's own was at hand.
"""

from __future__ import annotations

import argparse
import base64
import json
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from mcap.writer import CompressionType, Writer

from stereo3d.recording.base import open_recording
from stereo3d.recording.convert import convert
from stereo3d.recording.form import Form
from stereo3d.recording.stream import coded
from stereo3d.values import Bytes

SAMPLE = Path(__file__).parents[1] / "sample_data" / "infant.h5"
FPS, SERIAL, NOISE = 30, 1234567, 3.0
CODERS = {
    "h264": ("libx264", {"tune": "zerolatency", "preset": "veryfast", "crf": "20", "g": "30"}),
    "hevc": ("libx265", {"tune": "zerolatency", "preset": "ultrafast", "crf": "22", "x265-params": "log-level=none"}),
}


def pictures(n: int) -> list[Bytes]:
    """Both views of n pairs side by side, with white noise."""
    rng = np.random.default_rng(0)
    with open_recording(SAMPLE) as recording:
        wide = [np.concatenate([*recording[i % len(recording)].images], axis=1) for i in range(n)]
    noise = rng.normal(0, NOISE, (n, *wide[0].shape[:2], 1)).astype(np.float32)
    return [np.clip(image + extra, 0, 255).astype(np.uint8) for image, extra in zip(wide, noise)]


def encoded(images: list[Bytes], kind: str) -> list[bytes]:
    """The access units of a live encoder, as a camera has one."""
    name, options = CODERS[kind]
    encoder = av.CodecContext.create(name, "w")
    encoder.height, encoder.width = images[0].shape[:2]
    encoder.pix_fmt, encoder.time_base, encoder.options = "yuv420p", Fraction(1, FPS), options
    found = []
    for number, image in enumerate(images):
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts = number
        found += [bytes(packet) for packet in encoder.encode(frame)]
    return found + [bytes(packet) for packet in encoder.encode(None)]


def write_svo2(path: Path, units: list[bytes], size: tuple[int, int]) -> Path:
    """A recording as a ZED camera is said to write it."""
    head = base64.b64encode(struct.pack("<4I", *size, SERIAL, FPS).ljust(128, b"\0")).decode()
    with open(path, "wb") as file:
        writer = Writer(file, compression=CompressionType.NONE)
        writer.start(profile="", library="libmcap stereolabs")
        schema = writer.register_schema("sl_type", "jsonschema", b"{}")
        names = "svo_header", f"Camera_SN{SERIAL}/side_by_side"
        topics = [writer.register_channel(name, "json", schema) for name in names]
        writer.add_message(topics[0], log_time=1, data=json.dumps({"header": head}).encode(), publish_time=1)
        for number, data in enumerate(units):
            moment = 10**18 + number * 10**9 // FPS
            end = struct.pack("<24xQ24x", moment)
            message = struct.pack("<II", len(data) + 60, len(data)) + data + end
            writer.add_message(topics[1], log_time=moment, data=message, publish_time=moment)
        writer.finish()
    return path


def write_video(path: Path, images: list[Bytes], kind: str) -> Path:
    """A video of its own kind of pictures, at most as dear to decode as a phone's."""
    name, options = CODERS[kind]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(name, rate=FPS, options={k: v for k, v in options.items() if k != "tune"})
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def decode_stream(units: list[bytes], kind: str) -> None:
    """PyAV on the bare stream, to RGB."""
    decoder = av.CodecContext.create(kind, "r")
    decoder.thread_count = 1
    for data in (*units, None):
        for frame in decoder.decode(av.Packet(data) if data else None):
            frame.to_ndarray(format="rgb24")


def decode_video(*paths: Path) -> None:
    """PyAV on video files, to RGB."""
    for path in paths:
        with av.open(str(path)) as container:
            container.streams.video[0].codec_context.thread_count = 1
            for frame in container.decode(video=0):
                frame.to_ndarray(format="rgb24")


def decode_jpegs(files: list[Bytes]) -> None:
    """OpenCV on JPEG files, to RGB."""
    for data in files:
        cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def read_all(*paths: Path) -> None:
    """Every pair of a recording, by this toolkit."""
    with open_recording(*paths, side_by_side=True if len(paths) == 1 else None) as recording:
        lost = [pair.index for pair in recording.frames() if not pair.valid]
    if lost:
        raise SystemExit(f"{paths[0].name}: frames {lost} could not be read")


def cases(folder: Path, n: int) -> Iterator[tuple[str, Callable[[], None], Callable[[], None]]]:
    """Name, our way and the other, one kind of recording after the other."""
    images = pictures(n)
    halves = [[image[:, side * 1280:(side + 1) * 1280] for image in images] for side in (0, 1)]
    for kind in CODERS:
        units = encoded(images, kind)
        svo2 = write_svo2(folder / f"{kind}.svo2", units, (1280, 720))
        yield f"{kind} SVO2", lambda: read_all(svo2), lambda: decode_stream(units, kind)
    for kind in CODERS:
        both = write_video(folder / f"{kind}.mp4", images, kind)
        yield f"{kind} side by side MP4", lambda: read_all(both), lambda: decode_video(both)
    two = [write_video(folder / f"{side}.mp4", half, "h264") for side, half in enumerate(halves)]
    yield "h264 two MP4", lambda: read_all(*two), lambda: decode_video(*two)
    with open_recording(svo2, rectified=False) as recording:
        ours = convert(recording, folder / "ours.h5", form=Form(quality=90))
    jpegs = [cv2.imencode(".jpg", i[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])[1].ravel() for h in halves for i in h]
    yield "HDF5, JPEG", lambda: read_all(ours), lambda: decode_jpegs(jpegs)


def measure(ours: Callable[[], None], other: Callable[[], None], repeats: int) -> tuple[float, float]:
    """CPU seconds of both, the least of several turns after one that warms up."""
    times: dict[Callable[[], None], list[float]] = {ours: [], other: []}
    for _ in range(repeats + 1):
        for run, found in times.items():
            start = time.process_time()
            run()
            found.append(time.process_time() - start)
    return min(times[ours][1:]), min(times[other][1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=45)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    coded.THREADS = 1
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, ours, other in cases(Path(folder), options.pairs):
            a, b = (1000 * s / options.pairs for s in measure(ours, other, options.repeats))
            rows.append({"recording": name, "cpu_ms": a, "decoder_cpu_ms": b, "ratio": a / b})
            if not options.json:
                print(f"{name:24} {a:6.1f} ms a pair, the decoder alone {b:6.1f} ms: {a / b:.2f} times", flush=True)
    if options.json:
        json.dump(rows, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
