"""Detectors compared in the pictures of one view: pixels, OKS, limbs and heads, against what people marked there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

import numpy as np

from stereo3d.errors import InputError, UsageError
from stereo3d.evaluation import limbs, metrics, pixels
from stereo3d.evaluation.bootstrap import Interval
from stereo3d.evaluation.comparison.compared import Compared, check_subjects, compare_in_pictures
from stereo3d.evaluation.oks import KeypointScores, keypoint_intervals, keypoint_scores
from stereo3d.evaluation.views import (
    Pictured,
    PictureTruth,
    joined,
    joined_people,
    of_joints,
    pictured_at,
    truth_at,
)
from stereo3d.values import Floats, Value


class LimbFigures(NamedTuple):
    """What one detector's errors on one limb come to."""

    overlap: float
    """LOS; NaN where the pictures' size is not known."""
    distance: float
    """px, behind LOS: of visible joints, the mean over frames."""
    median: float
    """px, of the frames' RMSD."""
    iqr: float
    small_median: float
    """As the median in pictures of 128 x 96 px; NaN where the size is not known."""
    small_iqr: float


@dataclass(frozen=True, slots=True, eq=False)
class PictureComparison(Value):
    """N detectors beside each other in T pictures."""

    errors: Compared
    """px; the torso height is PCK's size."""
    keypoints: Mapping[str, KeypointScores]
    """OKS: AP, AR and so on; empty where nobody published sigmas for the truth's joints."""
    area_from: tuple[str, ...]
    """Where the areas come from that OKS measures by, in words."""
    limbs: Mapping[str, Mapping[str, LimbFigures]]
    """By detector, then limb."""
    averages: Mapping[str, Mapping[str, Interval]]
    """AP and AR with their intervals by subject, by detector; empty as `keypoints`, and for a single subject."""
    heads: Mapping[str, tuple[float, ...]]
    """PCKh at 1, .5, .3, .2 and .1 of the head length, and ME; empty where the truth's joints tell no head length."""


class _Take(NamedTuple):
    """One subject: the truth and what each detector found in the same F pictures."""

    truth: PictureTruth
    seen: tuple[Pictured, ...]


def compare_pictures(
    predictions: Mapping[str, Mapping[str, Pictured]], truths: Mapping[str, PictureTruth],
    shares: Sequence[float] = pixels.PCK_SHARES,
) -> PictureComparison:
    """Predictions by name and then subject, each against the truth of that subject, on the pictures that all share.

    A picture that a sparse prediction leaves out counts as looked at in vain. Raises UsageError where there is no
    prediction or one lacks a subject, InputError where they do not share pictures or joints.
    """
    check_subjects(predictions, truths)
    takes = {s: _take(truth, tuple(of[s] for of in predictions.values()), s) for s, truth in truths.items()}
    views = {
        name: {s: ((take.seen[i].joints, take.truth.joints),) for s, take in takes.items()}
        for i, name in enumerate(predictions)
    }
    errors, every = compare_in_pictures(views, shares), list(takes.values())
    places = np.concatenate([_off(take, errors.joints) for take in every], 1)
    keypoints, averages = _keypoints(every, errors.names)
    chains = {name: _limbs(every, errors, places[i]) for i, name in enumerate(errors.names)}
    areas = tuple(sorted({take.truth.area_from for take in every}))
    return PictureComparison(errors, keypoints, areas, chains, averages, _heads(every, errors))


def _take(truth: PictureTruth, seen: tuple[Pictured, ...], subject: str) -> _Take:
    frames = np.asarray(
        reduce(np.intersect1d, [truth.joints.frame, *(p.joints.frame for p in seen if not p.sparse)]), np.int64
    )
    for p in seen:
        if len(p.joints) and len(truth.joints) and not np.isin(p.joints.frame, frames).any():
            raise InputError(
                f"frames: expected some of {subject or 'the pictures'} that all predictions and the truth share, got "
                "none; are the pictures numbered alike?"
            )
    return _Take(truth_at(truth, frames), tuple(pictured_at(p, frames) for p in seen))


def _off(take: _Take, joints: Sequence[str]) -> Floats:
    """(N, F, J, 2) px from the truth's joints to each detector's."""
    there = of_joints(take.truth.joints.xy, take.truth.joints.skeleton, joints)
    return np.stack([of_joints(p.joints.xy, p.joints.skeleton, joints) - there for p in take.seen])


def _keypoints(
    takes: Sequence[_Take], names: Sequence[str]
) -> tuple[dict[str, KeypointScores], dict[str, dict[str, Interval]]]:
    skeleton = takes[0].truth.joints.skeleton
    if skeleton.oks_sigmas is None or any(take.truth.joints.skeleton != skeleton for take in takes):
        return {}, {}
    people, scores, averages = joined_people([take.truth.people for take in takes]), {}, {}
    subject = np.repeat(np.arange(len(takes)), [len(take.truth.joints) for take in takes])
    for i, name in enumerate(names):
        seen = [take.seen[i] for take in takes]
        most = max(p.score.shape[1] for p in seen)
        xy = joined([of_joints(p.everyone, p.joints.skeleton, skeleton.joints) for p in seen], most)
        score = joined([p.score for p in seen], most)
        scores[name] = keypoint_scores(xy, score, people, skeleton)
        if len(takes) > 1:
            averages[name] = dict(zip(("AP", "AR"), keypoint_intervals(xy, score, people, skeleton, subject)))
    return scores, averages


def _limbs(takes: Sequence[_Take], errors: Compared, off: Floats) -> dict[str, LimbFigures]:
    chains = limbs.limbs(errors.joints)
    sizes = {take.truth.size for take in takes}
    size = sizes.pop() if len(sizes) == 1 else None
    visible = np.concatenate([_visible(take, errors.joints) for take in takes])
    overlap = limbs.limb_overlap(metrics.distance(off, 0.0), visible, chains, size or (1, 1))
    scores = overlap.score if size else np.full(len(chains), np.nan)
    small = off * np.nan if size is None else limbs.resized(off, size)
    rmsds = [limbs.median_iqr(limbs.rmsd(x, chains)) for x in (off, small)]
    rows = np.stack([scores, overlap.distance, *rmsds[0], *rmsds[1]], -1)
    return {name: LimbFigures(*map(float, row)) for name, row in zip(chains, rows)}


def _visible(take: _Take, joints: Sequence[str]) -> Floats:
    columns = [take.truth.joints.skeleton.joints.index(j) for j in joints]
    return np.asarray(take.truth.visible[:, columns])


def _heads(takes: Sequence[_Take], errors: Compared) -> dict[str, tuple[float, ...]]:
    try:
        size = np.concatenate([pixels.head_length(t.truth.joints.xy, t.truth.joints.skeleton) for t in takes])
    except UsageError:
        return {}
    figures = {}
    for name, error in zip(errors.names, errors.error):
        shares = pixels.pck(error, errors.labelled, size, pixels.PCKH_SHARES)
        each = pixels.mean_error(error, errors.labelled, size)
        figures[name] = (*shares.tolist(), metrics.spread(each)[0])
    return figures
