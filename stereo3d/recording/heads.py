"""Where the infant's head is in each picture of a recording, and pictures in which it cannot be recognised.

A detector misses heads and puts some in the wrong place. So a head is hidden wherever it was seen half a second before
and after too, in a circle that the body's size gives, and where nothing near in time is known the whole picture is.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np

from stereo3d.errors import InvalidValue, UsageError
from stereo3d.poses import Poses2D
from stereo3d.recording.base import FramePair
from stereo3d.skeleton import Skeleton
from stereo3d.stereo import SIDES, Side, Stereo
from stereo3d.values import Bools, Bytes, Floats, Value, array

_FACE = ("nose", "left_eye", "right_eye", "left_ear", "right_ear", "forehead", "head_top")
_SHOULDERS = ("left_shoulder", "right_shoulder")
_LEAST_SCORE, _LEAST_JOINTS = 0.2, 2
_TORSO, _WIDTH, _FACE_SPAN, _MARGIN = 0.5, 0.75, 0.9, 1.3
"""A head's radius in hip to shoulder, shoulder to shoulder and ear to ear, the largest of which counts; and in the
distance of its outermost joint from its middle."""
_NEAR = 0.5
"""s."""
_GROWTH = 3.0
"""1/s, by how much a head that is not seen may have moved, in its radius."""
_BLOCKS = 4
"""What is left of a head across."""
_LEAST_BLOCK = 8
"""px."""


@dataclass(frozen=True, slots=True, eq=False)
class Heads(Value):
    """The heads in a recording's T pairs, in px of the pictures as they were recorded."""

    centre: Stereo[Floats]
    """(T, 2) px each, NaN where no head was found."""
    radius: Stereo[Floats]
    """(T,) px each, NaN where no head was found."""
    usual: Stereo[float]
    """px each, the radius of most heads, NaN where none was found."""
    time: Floats
    """(T,) s, never falling."""

    def __post_init__(self) -> None:
        time = array("time", self.time, ("T",))
        for side in SIDES:
            array(f"centre.{side}", self.centre[side], (len(time), 2))
            array(f"radius.{side}", self.radius[side], (len(time),))
        self._set(time=time)

    @property
    def sum(self) -> str:
        """A check sum of all of it."""
        parts = [self.time, *self.centre, *self.radius]
        return hashlib.sha256(b"".join(np.ascontiguousarray(p).tobytes() for p in parts)).hexdigest()

    def unknown(self) -> Bools:
        """(T,) True where a picture of the pair is hidden as a whole, for want of a head near in time."""
        left, right = (_far_from(self.time[np.isfinite(self.radius[side])], self.time) for side in SIDES)
        return left | right

    def near(self, index: int, side: Side) -> Floats:
        """(N, 3) px: middle and radius of the circles in which the head of that picture may be; none: anywhere."""
        moment = self.time[index]
        first = int(np.searchsorted(self.time, moment - _NEAR, "left"))
        last = int(np.searchsorted(self.time, moment + _NEAR, "right"))
        centre, radius = self.centre[side][first:last], self.radius[side][first:last]
        known = np.isfinite(radius)
        growth = 1.0 if known[index - first] else 1.0 + _GROWTH * np.abs(self.time[first:last][known] - moment)
        return np.column_stack([centre[known], radius[known] * growth])

    def hidden(self, pair: FramePair) -> Stereo[Bytes]:
        """The pictures of a pair without recognisable heads."""
        left, right = (self._hidden(pair.images[side], pair.index, side) for side in SIDES)
        return Stereo(left, right)

    def _hidden(self, image: Bytes, index: int, side: Side) -> Bytes:
        height, width = image.shape[:2]
        circles = self.near(index, side)
        across = 2 * self.usual[side] if np.isfinite(self.usual[side]) else min(width, height)
        block = max(across / _BLOCKS, _LEAST_BLOCK)
        small = (max(1, round(width / block)), max(1, round(height / block)))
        coarse = cv2.resize(cv2.resize(image, small, interpolation=cv2.INTER_AREA), (width, height))
        if not len(circles):
            return np.asarray(coarse, np.uint8)
        mask = np.zeros((height, width), np.uint8)
        for x, y, radius in circles:
            place = [int(np.clip(round(v), -(1 << 14), 1 << 14)) for v in (x, y)]
            cv2.circle(mask, place, int(min(np.ceil(radius), 1 << 14)), 255, cv2.FILLED)
        return np.where(mask[..., None] > 0, coarse, image).astype(np.uint8)


def _far_from(known: Floats, time: Floats) -> Bools:
    """(T,) True where none of the known moments, which rise, is near."""
    around = np.concatenate([[-np.inf], known, [np.inf]])
    after = np.searchsorted(around, time)
    return np.asarray(np.minimum(around[after] - time, time - around[after - 1]) > _NEAR)


def heads_of(joints: Stereo[Poses2D], time: Floats) -> Heads:
    """The heads of a recording whose moments are `time` (T,) s, from joints in px of its pictures, a row for each pair.

    Raises UsageError for joints of a skeleton without a face or head, InvalidValue for another number of rows.
    """
    if any(len(view) != len(time) for view in joints):
        raise InvalidValue(f"joints: expected {len(time)} rows, one for each pair, got {len(joints.left)}")
    found = joints.map(_circles)
    usual = found.map(lambda c: float(np.median(c[np.isfinite(c[:, 2]), 2])) if np.isfinite(c[:, 2]).any() else np.nan)
    return Heads(found.map(lambda c: c[:, :2]), found.map(lambda c: c[:, 2]), usual, time)


def _circles(view: Poses2D) -> Floats:
    """(T, 3) px, middle and radius, NaN where no head was found."""
    sure = np.where(view.score[..., None] >= _LEAST_SCORE, view.xy, np.nan)
    face = sure[:, _face_joints(view.skeleton)]
    known = np.asarray(np.isfinite(face).all(-1))
    enough = known.sum(1) >= _LEAST_JOINTS
    low = np.where(known[..., None], face, np.inf).min(1)
    high = np.where(known[..., None], face, -np.inf).max(1)
    low, high = (np.where(enough[:, None], x, np.nan) for x in (low, high))
    middle = (low + high) / 2
    reach = np.where(known, np.linalg.norm(face - middle[:, None], axis=-1), 0.0).max(1)
    span = np.asarray(np.linalg.norm(high - low, axis=-1))
    radius = np.maximum(_usual_radius(view.skeleton, sure, span), _MARGIN * reach)
    return np.column_stack([middle, np.where(enough, radius, np.nan)])


def _face_joints(skeleton: Skeleton) -> list[int]:
    names = [name for name in _FACE if name in skeleton.joints]
    if "head_top" in names:
        names += [name for name in ("upper_neck",) if name in skeleton.joints]
    if len(names) < _LEAST_JOINTS:
        raise UsageError(
            f"{skeleton.name}: has no joints of the head, so faces cannot be found by it; give poses of another "
            "detector, or share the joints alone with --keypoints-only"
        )
    return [skeleton.index(name) for name in names]


def _usual_radius(skeleton: Skeleton, xy: Floats, span: Floats) -> float:
    """px, by the body's usual size over the recording; 0 where nothing of it is known."""
    lengths = [_FACE_SPAN * span]
    if skeleton.torso:
        lengths.append(_TORSO * np.linalg.norm(xy[:, skeleton.torso[0]] - xy[:, skeleton.torso[1]], axis=-1))
    if set(_SHOULDERS) <= set(skeleton.joints):
        left, right = (xy[:, skeleton.index(name)] for name in _SHOULDERS)
        lengths.append(_WIDTH * np.linalg.norm(left - right, axis=-1))
    known = [length[np.isfinite(length)] for length in lengths]
    return max((float(np.median(length)) for length in known if len(length)), default=0.0)
