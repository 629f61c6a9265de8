"""Pictures that say which they are, and files of every kind made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import h5py
import numpy as np

from stereo3d.cameras import Intrinsics, StereoRig
from stereo3d.recording.hdf5_writer import RecordingWriter
from stereo3d.stereo import Stereo
from stereo3d.values import Bytes

SIZE = (64, 48)
N_FRAMES = 24


def picture(number: int, side: str, size: tuple[int, int] = SIZE) -> Bytes:
    """A picture whose red says its number and whose blue says its side, with a slope and a light corner."""
    width, height = size
    image = np.empty((height, width, 3), np.uint8)
    image[..., 0] = 10 * number
    image[..., 1] = np.linspace(0, 120, width).astype(np.uint8)
    image[..., 2] = 40 if side == "left" else 200
    image[: height // 4, : width // 4] = 250
    return image


def pair(number: int, size: tuple[int, int] = SIZE) -> Stereo[Bytes]:
    return Stereo(picture(number, "left", size), picture(number, "right", size))


def number_of(image: Bytes) -> tuple[int, str]:
    """The number and side that a picture says, also after it went through a lossy codec."""
    red, _, blue = image[image.shape[0] // 2:].reshape(-1, 3).mean(0)
    return round(float(red) / 10), "left" if blue < 120 else "right"


def rig(size: tuple[int, int] = SIZE) -> StereoRig:
    lens = Intrinsics(size, 50.0, 50.0, size[0] / 2, size[1] / 2, np.array([-0.04, 0.01, 0.0, 0.0, 0.0]))
    return StereoRig(Stereo(lens, lens), np.eye(3), np.array([-0.12, 0.0, 0.0]), serial="1")


def write_ours(path: Path, n_frames: int = N_FRAMES, **settings: Any) -> Path:
    chosen: dict[str, Any] = {"fps": 30, "rectified": False, "quality": 90} | settings
    with RecordingWriter(path, SIZE, **chosen) as writer:
        for i in range(n_frames):
            writer.append(pair(i), i / 30)
    return path


def write_plain(path: Path, how: Callable[[Bytes], Any], n_frames: int = N_FRAMES, **attributes: Any) -> Path:
    with h5py.File(path, "w") as file:
        file.attrs.update(attributes)
        for side in ("left", "right"):
            rows = [how(picture(i, side)) for i in range(n_frames)]
            if rows[0].ndim == 1:
                file.create_dataset(side, (n_frames,), h5py.vlen_dtype(np.uint8))
                for i, row in enumerate(rows):
                    file[side][i] = row
            else:
                file[side] = np.stack(rows)
    return path


def jpeg(image: Bytes) -> Bytes:
    return np.asarray(cv2.imencode(".jpg", image[..., ::-1])[1]).ravel()


def write_png(path: Path, image: Bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image[..., ::-1] if image.ndim == 3 else image)


def write_video(
    path: Path, images: Iterable[Bytes], *, codec: str = "libx264", rate: int = 30, pts: Iterable[int] | None = None,
    rotation: int | None = None, **options: str,
) -> Path:
    """A video of those pictures; `pts` are in frames of `rate`."""
    images = list(images)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options={"g": "8", **options})
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        if rotation is not None:
            stream.set_display_rotation(rotation)
        for image, at in zip(images, pts or range(len(images))):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            frame.pts, frame.time_base = at, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def blank_frame(path: Path, number: int) -> None:
    """Overwrite one picture of a Motion-JPEG AVI with zeros."""
    data = bytearray(path.read_bytes())
    start = data.index(b"movi")
    for _ in range(number + 1):
        start = data.index(b"00dc", start) + 8
    length = int.from_bytes(data[start - 4:start], "little")
    data[start:start + length] = bytes(length)
    path.write_bytes(data)


def both(number: int, size: tuple[int, int] = SIZE) -> Bytes:
    return np.concatenate([*pair(number, size)], axis=1)
