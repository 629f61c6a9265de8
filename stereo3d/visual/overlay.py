"""Joints drawn over the pictures they were found in, for a person to look at."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

from stereo3d import atomic, storage
from stereo3d.errors import InputError
from stereo3d.poses import Poses2D
from stereo3d.recording.base import Recording
from stereo3d.recording.rig import Rig, rectifier_for
from stereo3d.stereo import Stereo
from stereo3d.values import Bytes, Floats
from stereo3d.visual.page.words import clock

_LEFT, _RIGHT, _MIDDLE = (255, 140, 0), (0, 170, 255), (120, 230, 120)
_ROW, _FAINT = (225, 45, 190), 0.6
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_SHIFT = 4
_MARGIN = 0.25
"""Left free around the joints, over their spread."""
_WIDEST = 2000.0
"""px, the largest circle; OpenCV's numbers end somewhere."""
_LEAST = 100
"""px, a spread below which the picture would show too little."""


def overlay(images: Stereo[Bytes], joints: Stereo[Poses2D], at: int) -> Bytes:
    """(h, 2 w, 3) both views side by side, cut to the infant, with the joints at position `at` of the poses.

    The infant's left side is orange, its right side blue, the middle green; circles show the detector's sigma, where it
    reaches beyond the joint's dot. A faint line joins both places of each joint: level in a rectified pair when the
    views agree. Joints are in the pixels of `images`; the same rows are cut from both. Over them stand the view and the
    moment.
    """
    drawn = images.map(lambda image, poses: draw_joints(image, poses, at), joints)
    rows, left, right = windows(joints.map(lambda poses: poses.xy[at]), images.left.shape[1::-1])
    both = np.concatenate([drawn.left[rows, left], drawn.right[rows, right]], axis=1)
    width = left.stop - left.start
    offset = np.array([[left.start, rows.start], [right.start - width, rows.start]])
    ends = np.stack([joints.left.xy[at], joints.right.xy[at]], axis=1) - offset
    row_lines(both, ends)
    for picture, words in zip((both[:, :width], both[:, width:]), captions(joints.left, at)):
        write_words(picture, words)
    return both


def row_lines(picture: Bytes, ends: Floats) -> None:
    """Draw faint lines between pairs of places (N, 2, 2) px into a picture, where both are known."""
    drawn = picture.copy()
    for a, b in ends[np.isfinite(ends).all((1, 2))]:
        cv2.line(drawn, fixed_point(a), fixed_point(b), _ROW, 1, cv2.LINE_AA, _SHIFT)
    cv2.addWeighted(drawn, _FAINT, picture, 1 - _FAINT, 0.0, dst=picture)


def captions(poses: Poses2D, at: int) -> Stereo[str]:
    """What stands over both views: which one it is, and the moment."""
    moment = f"{clock(float(poses.time[at]), 2)}, " if np.isfinite(poses.time[at]) else ""
    return Stereo(f"left view   {moment}frame {poses.frame[at]}", "right view")


def write_words(picture: Bytes, words: str) -> None:
    """Write words in white into the top left corner of a picture, on a darkened ground, as large as fits."""
    size = min(0.5, 0.9 * picture.shape[1] / max(cv2.getTextSize(words, _FONT, 1.0, 1)[0][0], 1))
    (width, height), low = cv2.getTextSize(words, _FONT, size, 1)
    ground = picture[: height + low + 8, : width + 16]
    drawn = np.ascontiguousarray(ground // 4)
    cv2.putText(drawn, words, (8, height + 4), _FONT, size, (255, 255, 255), 1, cv2.LINE_AA)
    ground[:] = drawn


def windows(xy: Stereo[Floats], size: tuple[int, int]) -> tuple[slice, slice, slice]:
    """The rows, and the columns of the left and the right picture (w, h), that show all joints (N, 2) px with a
    margin; all of them where no joint is seen. Both show as many columns."""
    known = xy.map(lambda points: points[np.isfinite(points).all(-1)])
    whole = tuple(slice(0, n) for n in (size[1], size[0], size[0]))
    if not (len(known.left) and len(known.right)):
        return whole[0], whole[1], whole[2]
    spread = np.concatenate([np.ptp(points, axis=0) for points in known]).max()
    low, high = np.concatenate([*known])[:, 1].min(), np.concatenate([*known])[:, 1].max()
    half = max(spread, _LEAST) * (0.5 + _MARGIN)
    rows = _window((low + high) / 2, max(half, (high - low) / 2), size[1])
    columns = known.map(lambda points: _window((points[:, 0].min() + points[:, 0].max()) / 2, half, size[0]))
    return rows, columns.left, columns.right


def _window(middle: float, half: float, length: int) -> slice:
    """2 half px about the middle, moved to lie within the picture; as many wherever the middle is."""
    count = min(length, round(2 * half))
    start = int(np.clip(round(middle - half), 0, length - count))
    return slice(start, start + count)


def draw(
    result: str | os.PathLike[str], recording: Recording, path: str | os.PathLike[str], *,
    rig: Rig | str | os.PathLike[str] | None = None, time: float | None = None,
) -> Path:
    """The path of a PNG: both rectified views of one moment with the joints of a result drawn in.

    The moment is the frame of the result nearest to `time` s, by default its middle one. Raises InputError for a
    result of another recording (a frame it does not have), CalibrationError where there is no rig for it.
    """
    joints = Stereo(storage.read(result, "left"), storage.read(result, "right"))
    times = joints.left.time
    at = len(times) // 2 if time is None else int(np.abs(times - time).argmin())
    frame = int(joints.left.frame[at])
    if frame >= len(recording):
        raise InputError(f"{result}: has frame {frame}, the recording ends at {len(recording) - 1}: is it another one?")
    images = rectifier_for(recording, rig).images(recording[frame].images)
    picture = overlay(images, joints, at)
    with atomic.replacing(path) as temporary:
        temporary.write_bytes(cv2.imencode(".png", picture[..., ::-1])[1].tobytes())
    return Path(path)


def draw_joints(image: Bytes, poses: Poses2D, at: int) -> Bytes:
    """(H, W, 3) a copy of the picture with the joints at position `at` of the poses, their bones, and circles of one
    sigma."""
    canvas = np.ascontiguousarray(image).copy()
    xy, sigma, skeleton = poses.xy[at], poses.sigma[at], poses.skeleton
    width = max(1, round(image.shape[0] / 360))
    seen = np.isfinite(xy).all(-1)
    for a, b in skeleton.bones:
        if seen[a] and seen[b]:
            ends = {_colour(skeleton.joints[a]), _colour(skeleton.joints[b])}
            colour = ends.pop() if len(ends) == 1 else _MIDDLE
            cv2.line(canvas, fixed_point(xy[a]), fixed_point(xy[b]), colour, width, cv2.LINE_AA, _SHIFT)
    for j in np.flatnonzero(seen):
        colour = _colour(skeleton.joints[j])
        cv2.circle(canvas, fixed_point(xy[j]), round(1.5 * width * (1 << _SHIFT)), colour, -1, cv2.LINE_AA, _SHIFT)
        if np.isfinite(sigma[j]):
            reach = round(min(sigma[j], _WIDEST) * (1 << _SHIFT))
            cv2.circle(canvas, fixed_point(xy[j]), reach, colour, 1, cv2.LINE_AA, _SHIFT)
    return canvas


def _colour(joint: str) -> tuple[int, int, int]:
    return _LEFT if joint.startswith("left") else _RIGHT if joint.startswith("right") else _MIDDLE


def fixed_point(xy: Floats) -> tuple[int, int]:
    """px (2,) in OpenCV's fixed point of four binary places, kept within what it can draw."""
    x, y = np.clip(xy, -8192, 8192) * (1 << _SHIFT)
    return round(float(x)), round(float(y))
