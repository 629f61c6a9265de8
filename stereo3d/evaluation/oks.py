"""Object keypoint similarity, average precision and recall, counted as pycocotools 2.0.11 counts them.

Written for whole arrays: N pictures with up to D detections and G people each, whatever is not there NaN. One infant
in each picture is D = G = 1. Source: COCO keypoint evaluation, https://cocodataset.org/#keypoints-eval. The area that
errors are measured by is COCO's area of the outlined person; infant sets often have only a box, which is larger and
so kinder: it is asked for and never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from stereo3d.errors import InvalidValue, UsageError
from stereo3d.evaluation.bootstrap import CONFIDENCE, Interval, interval_of_rows
from stereo3d.skeleton import Skeleton
from stereo3d.values import Bools, Floats, Ints, Value, array

MOST_DETECTIONS = 20
"""The best-scored ones of each picture count."""
THRESHOLDS = np.linspace(0.5, 0.95, 10)
AREAS = {"all": (0.0, 1e10), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
"""px^2, both ends included."""
KEYPOINT_DRAWS = 500
"""Of the bootstrap: each counts all pictures anew."""
_RECALLS = np.linspace(0.0, 1.0, 101)
_TINY = np.spacing(1)


@dataclass(frozen=True, slots=True, eq=False)
class People(Value):
    """The true joints of up to G people in each of N pictures."""

    xy: Floats
    """(N, G, K, 2) px."""
    labelled: Bools
    """(N, G, K) the joints that count, those that COCO gives a visibility over 0."""
    area: Floats
    """(N, G) px^2, NaN where there is no such person."""
    box: Floats | None = None
    """(N, G, 4) x, y, width, height px. Needed where nobody's joint is labelled: detections within are let pass."""
    crowd: Bools | None = None
    """(N, G) groups rather than people: any number of detections within is let pass."""

    def __post_init__(self) -> None:
        xy = array("xy", self.xy, ("N", "G", "K", 2))
        self._set(xy=xy, labelled=array("labelled", self.labelled, xy.shape[:3], np.bool_))
        self._set(area=array("area", self.area, xy.shape[:2]))
        missing = self.labelled & ~np.isfinite(xy).all(-1)
        if missing.any():
            raise InvalidValue(f"labelled: expected a place in xy for each labelled joint, {missing.sum()} have none")
        if self.box is not None:
            self._set(box=array("box", self.box, (*xy.shape[:2], 4)))
        if self.crowd is not None:
            self._set(crowd=array("crowd", self.crowd, xy.shape[:2], np.bool_))

    @property
    def there(self) -> Bools:
        """(N, G) where there is a person."""
        return np.isfinite(self.area)


@dataclass(frozen=True, slots=True, eq=False)
class KeypointScores(Value):
    """COCO's ten numbers, 0 to 1; NaN, where COCO writes -1, if no person counts."""

    ap: float
    """Average precision, the mean of OKS thresholds .5, .55, ... .95."""
    ap50: float
    ap75: float
    ap_medium: float
    """Of people of 32^2 to 96^2 px^2."""
    ap_large: float
    ar: float
    """Average recall with at most 20 detections in a picture, the mean of the same thresholds."""
    ar50: float
    ar75: float
    ar_medium: float
    ar_large: float


def similarity(xy: Floats, people: People, skeleton: Skeleton) -> Floats:
    """(N, D, G) OKS of detections (N, D, K, 2) px with people; a joint that was not found counts as 0.

    For one person the mean over labelled joints of exp(-d^2 / (2 (2 sigma_k)^2 area)). For a person without labelled
    joints, d is the distance from the box three times as large. NaN where either is not there.
    Raises UsageError for a skeleton whose sigmas nobody published.
    """
    xy = array("xy", xy, (len(people.xy), "D", len(skeleton), 2))
    if people.xy.shape[2] != len(skeleton):
        raise InvalidValue(f"people: expected {len(skeleton)} joints of {skeleton.name}, got {people.xy.shape[2]}")
    labelled = people.labelled[:, None]
    any_label = np.asarray(labelled.any(-1))
    offset = np.where(labelled[..., None], people.xy[:, None] - xy[:, :, None], 0.0)
    if people.box is not None:
        offset = np.where(any_label[..., None, None], offset, _outside(xy, people.box))
    scale = 2 * np.square(2 * _sigmas(skeleton)) * (people.area[:, None, :, None] + _TINY)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        closeness = np.exp(-np.nan_to_num(np.square(offset).sum(-1), nan=np.inf) / scale)
    counted = labelled if people.box is None else labelled | ~any_label[..., None]
    n = counted.sum(-1)
    alike = np.divide(np.where(counted, closeness, 0.0).sum(-1), n, out=np.zeros(closeness.shape[:3]), where=n > 0)
    return np.where(people.there[:, None] & _found(xy)[..., None], alike, np.nan)


def keypoint_scores(xy: Floats, score: Floats, people: People, skeleton: Skeleton) -> KeypointScores:
    """AP, AP50, AP75, AP by size, AR and so on of detections (N, D, K, 2) px with scores (N, D).

    A detection counts where one of its joints has a place; without a score it is not there.
    """
    once = np.ones(len(people.xy), np.int64)
    figures = (_precision_recall(counted, once) for counted in _by_area(xy, score, people, skeleton, AREAS))
    (ap, ar), (ap_medium, ar_medium), (ap_large, ar_large) = figures
    numbers = [ap.mean(), ap[0], ap[5], ap_medium.mean(), ap_large.mean()]
    numbers += [ar.mean(), ar[0], ar[5], ar_medium.mean(), ar_large.mean()]
    return KeypointScores(*map(float, numbers))


def keypoint_intervals(
    xy: Floats, score: Floats, people: People, skeleton: Skeleton, subject: Ints, *,
    confidence: float = CONFIDENCE, n: int = KEYPOINT_DRAWS, seed: int = 0,
) -> tuple[Interval, Interval]:
    """AP and AR with their intervals by subject; `subject` (N,) is whose picture it is, from `bootstrap.numbered`."""
    (counted,) = _by_area(xy, score, people, skeleton, ["all"])

    def figure(which: int, rows: Ints) -> float:
        return float(_precision_recall(counted, np.bincount(rows, minlength=len(people.xy)))[which].mean())

    ap, ar = (
        interval_of_rows(partial(figure, which), subject, confidence=confidence, n=n, seed=seed) for which in (0, 1)
    )
    return ap, ar


def _by_area(
    xy: Floats, score: Floats, people: People, skeleton: Skeleton, areas: Iterable[str]
) -> list[_Counted]:
    xy = array("xy", xy, (len(people.xy), "D", len(skeleton), 2))
    score = array("score", score, xy.shape[:2])
    score = np.where(_found(xy), score, np.nan)
    best = np.argsort(-score, axis=1, kind="stable")[:, :MOST_DETECTIONS]
    xy, score = np.take_along_axis(xy, best[..., None, None], 1), np.take_along_axis(score, best, 1)
    alike = np.where(np.isfinite(score)[..., None], similarity(xy, people, skeleton), np.nan)
    area = box_area(xy, np.ones(xy.shape[:3], bool))
    return [_counted(alike, score, area, people, AREAS[name]) for name in areas]


def box_area(xy: Floats, labelled: Bools) -> Floats:
    """(...) px^2 of the smallest upright boxes round the labelled joints, (..., K, 2); NaN round none.

    For sets that outline nobody: a choice, not COCO's area. A box round joints is smaller than one round the body.
    """
    xy = np.where((labelled & np.isfinite(xy).all(-1))[..., None], xy, np.nan)
    return np.asarray((np.fmax.reduce(xy, -2) - np.fmin.reduce(xy, -2)).prod(-1))


def _sigmas(skeleton: Skeleton) -> Floats:
    if skeleton.oks_sigmas is None:
        raise UsageError(f"{skeleton.name}: has no published OKS sigmas; COCO-17 and CrowdPose-14 have")
    return np.array(skeleton.oks_sigmas)


def _found(xy: Floats) -> Bools:
    """(...) where any joint of (..., K, 2) has a place."""
    return np.asarray(np.isfinite(xy).all(-1).any(-1))


def _outside(xy: Floats, box: Floats) -> Floats:
    """(N, D, G, K, 2) px by which joints (N, D, K, 2) lie outside boxes (N, G, 4) made three times as large."""
    corner, size = box[:, None, :, None, :2], box[:, None, :, None, 2:]
    joints = xy[:, :, None]
    return np.asarray(np.maximum(corner - size - joints, 0) + np.maximum(joints - corner - 2 * size, 0))


class _Counted(NamedTuple):
    """Detections of a size and the people who count, best score first."""

    right: Bools
    """(10, M) at each OKS threshold; those neither right nor wrong are let pass."""
    wrong: Bools
    picture: Ints
    """(M,) whose detection it is."""
    people: Ints
    """(N,) how many count in each picture."""


def _counted(
    alike: Floats, score: Floats, area: Floats, people: People, ends: tuple[float, float]
) -> _Counted:
    low, high = ends
    crowd = np.zeros(people.area.shape, bool) if people.crowd is None else people.crowd
    ignored = crowd | ~people.labelled.any(-1) | (people.area < low) | (people.area > high)
    match, passed = _match(alike, people.there, ignored, crowd)
    passed |= ~match & ((area < low) | (area > high))
    order = np.argsort(-score, axis=None, kind="stable")[: int(np.isfinite(score).sum())]
    right, wrong = (part.reshape(len(THRESHOLDS), -1)[:, order] for part in (match & ~passed, ~match & ~passed))
    return _Counted(right, wrong, order // max(score.shape[1], 1), (people.there & ~ignored).sum(1))


def _precision_recall(counted: _Counted, times: Ints) -> tuple[Floats, Floats]:
    """(10,) interpolated precision and (10,) recall, every picture taken so many times (N,)."""
    n_people = int(counted.people @ times)
    if not n_people:
        return np.full(10, np.nan), np.full(10, np.nan)
    weight = times[counted.picture]
    return _interpolated((counted.right * weight).cumsum(1), (counted.wrong * weight).cumsum(1), n_people)


def _match(alike: Floats, there: Bools, ignored: Bools, crowd: Bools) -> tuple[Bools, Bools]:
    """(10, N, D) which detections found a person at each threshold, and which of those one that does not count.

    Each in turn, best score first, takes the person most like it who is still free and is alike enough; one who
    counts before one who does not. Of equals COCO takes the last.
    """
    n, d, g = alike.shape
    free = np.broadcast_to(there, (len(THRESHOLDS), n, g)).copy()
    found = np.zeros((len(THRESHOLDS), n, d), bool)
    passed = found.copy()
    enough = THRESHOLDS[:, None, None]
    for i in range(d if g else 0):
        candidate = (free | crowd) & (alike[:, i] >= enough) & there
        counting = candidate & ~ignored
        some = np.asarray(counting.any(-1))
        candidate = np.where(some[..., None], counting, candidate)
        taken = g - 1 - np.where(candidate, alike[:, i], -1.0)[..., ::-1].argmax(-1)
        found[..., i] = candidate.any(-1)
        passed[..., i] = found[..., i] & ~some
        free &= ~((np.arange(g) == taken[..., None]) & found[..., i, None])
    return found, passed


def _interpolated(right: Ints, wrong: Ints, n_people: int) -> tuple[Floats, Floats]:
    """Mean over 101 recalls of the best precision at that recall or beyond, and the last recall, (10,) each."""
    if not right.shape[1]:
        return np.zeros(10), np.zeros(10)
    recall, precision = right / n_people, right / (right + wrong + _TINY)
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    at = np.array([np.searchsorted(row, _RECALLS, side="left") for row in recall])
    padded = np.concatenate([best, np.zeros((len(best), 1))], 1)
    return np.take_along_axis(padded, at, 1).mean(1), recall[:, -1]
