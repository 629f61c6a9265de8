"""Finds the infant anywhere in the picture, any way round, with the pose detector alone.

The whole picture, then windows of several sizes, each in four rotations; the best are looked at again, box round the
joints after box round the joints and upright along the body, until the infant fills the crop as the network likes it.
All places are px of the recorded pictures, which are searched as they are: only the last look of all, in `detect`,
goes through the lens model. Boxes are arrays (..., 5): centre x, y, width, height in px, and angle in rad.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from stereo3d.detectors import crops
from stereo3d.detectors.base import Detector, glance
from stereo3d.detectors.border import guesses
from stereo3d.detectors.crops import Box
from stereo3d.detectors.look import look
from stereo3d.poses import Detections
from stereo3d.recording.base import Recording
from stereo3d.skeleton import Skeleton
from stereo3d.stereo import SIDES, Stereo
from stereo3d.values import Bools, Bytes, Floats, Value, array

SCALES = (1.0, 0.7, 0.5, 0.35)
"""Sides of the windows over the picture's longer side."""
STEP = 0.4
"""The most that neighbouring windows are apart, over their side."""
CANDIDATES = 8
"""The finds in a picture that are looked at again, the best first."""
APART = 0.4
"""Finds whose centres are nearer than this share of the larger one's side are taken for one person."""
EACH = 2
"""Finds of one person that are looked at again: the best can be a mixture of two persons."""
NEARLY = 0.8
"""Of the persons found with this share of the best one's score, the largest is meant."""
SURE = 0.4
"""A joint counts for the box where its score is this share of the best joint's."""
FAR = 4.0
"""A joint that is farther from the middle of the sure ones than this many times their median way is none of theirs."""
MARGIN = 1.05
"""A person's box over the box round the joints, which are inside the body."""
WIDER = 1.4
"""How much more than an earlier box is looked at first, as the infant may have moved."""
GUESSES = 3
"""Times that the border is looked beyond, each time from what was found before."""
CLEARLY = 1.02
"""By how much a box beyond the border has to score higher."""
AGREED = 0.8
"""A find stands when it scores this share of its score in the other frames too."""


@dataclass(frozen=True, slots=True, eq=False)
class Survey(Value):
    """Where the infant is for most of a recording, in the left and in the right view: px of the recorded pictures."""

    box: Floats
    """(2, 5) centre x, y, width, height along the infant's own axes in px, and the angle in rad from the picture's x
    axis to the infant's: clockwise as seen, 0 where the head is up."""
    score: Floats
    """(2,) mean score of its joints."""

    def __post_init__(self) -> None:
        self._set(box=array("box", self.box, (2, 5)), score=array("score", self.score, (2,)))


class Found(NamedTuple):
    """Persons, over any leading axes."""

    box: Floats
    """(..., 5) round the joints, widened to the body; where there are none, the box that was looked at."""
    score: Floats
    """(...) mean score of the joints, 0 where there are none."""


def survey(recording: Recording, detector: Detector, *, n_frames: int = 5) -> Survey:
    """Where the infant is, by an exhaustive search of one of n_frames frames spread over the recording.

    What is found has to be there in the other frames as well; where it is not, the next frame is searched too, and
    in the end that which holds best is taken.
    """
    places = np.unique(((np.arange(n_frames) + 0.5) * len(recording) / n_frames).astype(int))
    pairs = [recording[int(i)].images for i in places]
    held: list[Found] = []
    for number in np.argsort(np.abs(places - len(recording) / 2), kind="stable"):
        found = search(detector, pairs[number])
        held.append(settle(detector, pairs, widened(found.box)))
        if (held[-1].score.mean(0) >= AGREED * found.score).all():
            break
    scores = np.stack([found.score.mean(0) for found in held])
    best = np.stack([held[i].box[:, view] for view, i in enumerate(scores.argmax(0))], 1)
    return Survey(median(best), scores.max(0))


def search(detector: Detector, pair: Stereo[Bytes]) -> Found:
    """(2) the person in the left and in the right picture, each searched everywhere."""
    left, right = (_search_one(detector, image) for image in pair)
    found = _whole(detector, [pair], Found(np.stack([[left.box, right.box]]), np.stack([[left.score, right.score]])))
    return Found(found.box[0], found.score[0])


def settle(detector: Detector, pairs: Sequence[Stereo[Bytes]], box: Floats, *, looks: int = 2) -> Found:
    """(P, 2) the persons in P pairs after that many looks, the first at the boxes (P, 2, 5), the next at what it found;
    whole, where the border cuts them off.

    Boxes (2, 5) hold for all pairs.
    """
    images = [image for pair in pairs for image in pair]
    found = _settle(detector, images, np.broadcast_to(box, (len(pairs), 2, 5)).reshape(-1, 5), looks)
    return _whole(detector, pairs, Found(found.box.reshape(-1, 2, 5), found.score.reshape(-1, 2)))


def _whole(detector: Detector, pairs: Sequence[Stereo[Bytes]], found: Found) -> Found:
    """The persons (P, 2) in P pairs; of those that the border cuts off, the box that shows the most of them."""
    height, width = pairs[0].left.shape[:2]
    for _ in range(GUESSES):
        box = guesses(found.box, (width, height))
        known = np.isfinite(box).all(-1)
        if not known.any():
            break
        images = [pairs[p][SIDES[view]] for p, view in zip(*np.nonzero(known)[1:])]
        score = np.zeros(known.shape)
        score[known] = np.nan_to_num(_seen(detector, images, box[known]).score).mean(-1)
        best, top = np.take_along_axis(box, score.argmax(0)[None, ..., None], 0)[0], score.max(0)
        better = top > CLEARLY * found.score
        if not better.any():
            break
        found = Found(np.where(better[..., None], best, found.box), np.where(better, top, found.score))
    return found


def widened(box: Floats) -> Floats:
    """The boxes WIDER times as large about their centres."""
    return np.asarray(box * [1, 1, WIDER, WIDER, 1])


def median(box: Floats) -> Floats:
    """(..., 5) the median of boxes (T, ..., 5), number by number; of angles, that of their ways from the mean one."""
    angle = box[..., 4]
    mean = np.arctan2(np.sin(angle).mean(0), np.cos(angle).mean(0))
    ways = np.concatenate([box[..., :4], _half_turn(angle - mean)[..., None]], -1)
    middle: Floats = np.median(ways, 0)
    middle[..., 4] += mean
    return middle


def _half_turn(angle: Floats) -> Floats:
    """The same angles from -pi to pi."""
    return np.asarray((angle + np.pi) % (2 * np.pi) - np.pi)


def _search_one(detector: Detector, image: Bytes) -> Found:
    windows = _windows((image.shape[1], image.shape[0]), detector)
    first = _settle(detector, [image] * len(windows), windows, looks=1)
    best = _different(first)
    again = _settle(detector, [image] * len(best), first.box[best], looks=2)
    extent = np.where(again.score >= NEARLY * again.score.max(), again.box[:, 2:4].max(-1), 0)
    return Found(again.box[extent.argmax()], again.score[extent.argmax()])


def _different(found: Found) -> list[int]:
    """Which of N finds to look at again: the best of each person."""
    chosen: list[int] = []
    for i in np.argsort(-found.score, kind="stable"):
        away = np.linalg.norm(found.box[chosen, :2] - found.box[i, :2], axis=1)
        near = away < APART * np.maximum(found.box[chosen, 2:4], found.box[i, 2:4]).max(1)
        if near.sum() < EACH:
            chosen.append(int(i))
    return chosen[:CANDIDATES]


def _windows(size: tuple[int, int], detector: Detector) -> Floats:
    """(W, 5) boxes whose crops lie within squares that cover the picture, each in four rotations."""
    sides = [scale * max(size) for scale in SCALES]
    squares = [(x, y, s) for s in sides for x in _centres(size[0], s) for y in _centres(size[1], s)]
    x, y, side = np.repeat(np.array(squares), 4, axis=0).T
    shape = np.array(detector.crop.size) / max(detector.crop.size) / detector.crop.padding
    return np.stack([x, y, side * shape[0], side * shape[1], np.tile(np.arange(4) * np.pi / 2, len(squares))], -1)


def _centres(length: int, side: float) -> Floats:
    """Where windows of that side stand along a picture's side."""
    if side >= length:
        return np.array([(length - 1) / 2])
    steps = int(np.ceil((length - side) / (STEP * side)))
    return np.linspace(side / 2, length - side / 2, steps + 1) - 0.5


def _settle(detector: Detector, images: Sequence[Bytes], box: Floats, looks: int) -> Found:
    """(N) the persons in N pictures, looked at in boxes (N, 5)."""
    for _ in range(looks):
        seen = _seen(detector, images, box)
        box = _round_joints(seen, box, detector.skeleton)
    return Found(box, np.nan_to_num(seen.score).mean(-1))


def _seen(detector: Detector, images: Sequence[Bytes], box: Floats) -> Detections:
    """The joints in N pictures, each within its box (N, 5)."""
    affines = crops.affine(Box(box[:, :2], box[:, 2:4], box[:, 4]), detector.crop)
    return look(glance(detector), [partial(crops.warp, image) for image in images], affines)


def _round_joints(seen: Detections, before: Floats, skeleton: Skeleton) -> Floats:
    """(N, 5) the box round the sure joints, with a margin and upright along the body; `before` without joints."""
    score = np.where(np.isfinite(seen.xy).all(-1), np.nan_to_num(seen.score), 0)
    sure = (score > 0) & (score >= SURE * score.max(-1, keepdims=True))
    xy = np.where(sure[..., None], seen.xy, np.nan)
    xy = np.where(_together(xy)[..., None], xy, np.nan)
    angle = body_angle(xy, skeleton)
    angle = np.where(np.isfinite(angle), angle, before[:, 4])
    box = Box.around(xy, angle=angle)
    new = np.concatenate([box.center, box.size * MARGIN, angle[:, None]], -1)
    return np.where((new[:, 2:4] > 0).all(-1, keepdims=True), new, before)


def _together(xy: Floats) -> Bools:
    """(N, K) whether each of the joints (N, K, 2) px is near the others; unknown ones are not."""
    known: Bools = np.asarray(np.isfinite(xy).all(-1))
    if not known.any():
        return known
    nobody = ~np.asarray(known.any(1))[:, None, None]
    places = np.where(nobody, 0, np.where(known[..., None], xy, np.nan))
    away = np.linalg.norm(places - np.nanmedian(places, 1, keepdims=True), axis=-1)
    return np.asarray(known & (away <= FAR * np.nanmedian(away, 1, keepdims=True)))


def body_angle(xy: Floats, skeleton: Skeleton) -> Floats:
    """(N) rad from the picture's upright to that of the persons with joints (N, K, 2) px, clockwise as seen; NaN where
    it is unknown.

    The body's axis goes from the shoulders to the middle of hips and knees, so that neither a bent trunk nor drawn-up
    legs alone decide; where one of these two is unknown, to the other.
    """
    shoulders, hips, knees = (
        _middle(xy, skeleton, *names) for names in (("shoulder",), ("hip", "pelvis"), ("knee",)))
    hips, knees = np.where(np.isfinite(hips), hips, knees), np.where(np.isfinite(knees), knees, hips)
    x, y = ((hips + knees) / 2 - shoulders).T
    return np.asarray(np.arctan2(-x, y))


def _middle(xy: Floats, skeleton: Skeleton, *names: str) -> Floats:
    """(N, 2) px between the left and the right joint of the first of these names that the skeleton has; else NaN."""
    known = {joint: number for number, joint in enumerate(skeleton.joints)}
    pairs = [[known[f"{side}_{name}"] for side in SIDES] for name in names if f"left_{name}" in known]
    return np.asarray(xy[:, pairs[0]].mean(1) if pairs else np.full((len(xy), 2), np.nan))
