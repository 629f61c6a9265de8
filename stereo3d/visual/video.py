"""Videos of a result: both views with the joints drawn in, or the joints alone, which show no infant."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from stereo3d import storage
from stereo3d.cameras import RectifiedCamera
from stereo3d.errors import InputError
from stereo3d.poses import Poses2D
from stereo3d.recording.base import Recording
from stereo3d.recording.rig import Rig, rectifier_for
from stereo3d.recording.writers import VideoWriter
from stereo3d.stereo import Stereo
from stereo3d.values import Bytes, Floats
from stereo3d.visual.overlay import draw_joints, fixed_point

PathLike = str | os.PathLike[str]
_ROW = (235, 235, 235)
_SHIFT = 4
_USUAL_RATE = 30.0


def overlay_video(
    result: PathLike, recording: Recording, path: PathLike, *, rig: Rig | PathLike | None = None,
    on_progress: Callable[[int], object] = lambda _: None,
) -> Path:
    """The path of an .mp4 with both rectified views side by side: joints, their sigma as circles, and row lines.

    It shows the infant. A row line joins both places of a joint: level in a rectified pair when the views agree.
    Raises InputError for a result of another recording, CalibrationError where there is no rig for it.
    """
    joints = _joints(result)
    if len(joints.left) and int(joints.left.frame.max()) >= len(recording):
        raise InputError(
            f"{result}: has frame {joints.left.frame.max()}, the recording ends at {len(recording) - 1}: is it another?"
        )
    rectifier = rectifier_for(recording, rig)
    pairs = (rectifier.images(recording[int(frame)].images) for frame in joints.left.frame)
    return _write(path, joints, pairs, on_progress)


def joints_video(result: PathLike, path: PathLike, *, on_progress: Callable[[int], object] = lambda _: None) -> Path:
    """The path of an .mp4 as `overlay_video` makes it, on black: made from the result alone, it shows nobody."""
    joints, camera = _joints(result), storage.read(result, "camera")
    width, height = camera.size if isinstance(camera, RectifiedCamera) else camera.cameras.left.size
    black = np.zeros((height, width, 3), np.uint8)
    return _write(path, joints, (Stereo(black, black) for _ in range(len(joints.left))), on_progress)


def with_joints(images: Stereo[Bytes], joints: Stereo[Poses2D], at: int) -> Stereo[Bytes]:
    """Both whole pictures with the joints at position `at` of the poses, and the lines that join the two places."""
    drawn = images.map(lambda image, poses: draw_joints(image, poses, at), joints)
    ends = np.stack([joints.left.xy[at], joints.right.xy[at]], axis=1)
    ends = ends[np.isfinite(ends).all((1, 2))]
    width = images.left.shape[1]
    _rows(drawn.left, ends + [[0.0, 0.0], [width, 0.0]])
    _rows(drawn.right, ends - [[width, 0.0], [0.0, 0.0]])
    return drawn


def _rows(picture: Bytes, ends: Floats) -> None:
    for a, b in ends:
        cv2.line(picture, fixed_point(a), fixed_point(b), _ROW, 1, cv2.LINE_AA, _SHIFT)


def _joints(result: PathLike) -> Stereo[Poses2D]:
    joints = Stereo(storage.read(result, "left"), storage.read(result, "right"))
    if not len(joints.left):
        raise InputError(f"{result}: expected frames to show, got none")
    return joints


def _write(
    path: PathLike, joints: Stereo[Poses2D], pairs: Iterator[Stereo[Bytes]], on_progress: Callable[[int], object]
) -> Path:
    time, writer = joints.left.time, None
    with contextlib.ExitStack() as stack:
        for at, images in enumerate(pairs):
            drawn = with_joints(images, joints, at).map(_even)
            if writer is None:
                size = drawn.left.shape[1], drawn.left.shape[0]
                writer = stack.enter_context(VideoWriter(Path(path), size, fps=_rate(time), rectified=True, crf=23))
            writer.append(drawn, float(time[at]))
            on_progress(1)
    return Path(path)


def _even(picture: Bytes) -> Bytes:
    """The picture less its last row where their number is odd, which H.264 does not take."""
    return picture[: len(picture) // 2 * 2]


def _rate(time: Floats) -> float:
    """Frames a second, the usual one where the times do not tell."""
    step = np.diff(time)
    usual = float(np.median(step)) if step.size else 0.0
    return 1 / usual if usual > 1e-3 else _USUAL_RATE
