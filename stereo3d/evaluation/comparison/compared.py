"""Errors of several predictions on the same frames and joints, and paired tests of them by subject."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

import numpy as np
from scipy import stats

from stereo3d.errors import InputError, UsageError
from stereo3d.evaluation import metrics, pixels
from stereo3d.evaluation.bootstrap import (
    Interval,
    deviation,
    interval_of_sums,
    mean_interval,
    ratio,
    sums_by_subject,
)
from stereo3d.poses import Poses2D
from stereo3d.values import Bools, Floats, Ints, Value, array


@dataclass(frozen=True, slots=True, eq=False)
class Compared(Value):
    """The errors of N predictions on the same T frames (in pictures: of both views) and J joints, of S subjects."""

    names: tuple[str, ...]
    """N of them; the first is the one that the others are held against."""
    error: Floats
    """(N, T, J) m in space, px in pictures; NaN where a joint was not found."""
    labelled: Bools
    """(T, J) where there is a truth."""
    joints: tuple[str, ...]
    subject: Ints
    """(T,) the number of each frame's subject."""
    subjects: tuple[str, ...]
    thresholds: tuple[float, ...]
    """m in space, shares of `size` in pictures."""
    size: Floats | None = None
    """(N, T) px, the torso height in each picture; None in space."""

    def __post_init__(self) -> None:
        error = array("error", self.error, (len(self.names), "T", len(self.joints)))
        self._set(error=error, labelled=array("labelled", self.labelled, error.shape[1:], np.bool_))
        self._set(subject=array("subject", self.subject, error.shape[1:2], np.int64))
        if self.size is not None:
            self._set(size=array("size", self.size, error.shape[:2]))

    def found(self, prediction: int) -> Bools:
        """(T, J) where there is a truth and the prediction has a place."""
        return np.asarray(self.labelled & np.isfinite(self.error[prediction]))

    def pck(self, prediction: int, misses: metrics.Misses = "wrong", over: metrics.Over = "joints") -> Floats:
        """(P,) the share of right joints at each threshold: 3DPCK in space, PCK@X in pictures."""
        error = self.error[prediction]
        if self.size is None:
            return metrics.pck3d(error, self.labelled, self.thresholds, misses, over)
        return pixels.pck(error, self.labelled, self.size[prediction], self.thresholds, misses, over)

    def within(self, prediction: int) -> Bools:
        """(P, T, J) where the error is at most each threshold."""
        error = self.error[prediction]
        if self.size is None:
            return metrics.within(error, self.thresholds)
        return pixels.within(error, self.size[prediction], self.thresholds)

    def mean(self, prediction: int) -> Interval:
        """The mean error of found joints, m or px, and its interval by subject."""
        return mean_interval(self.error[prediction], self.found(prediction), self.subject)

    def of_joints(self, which: Ints) -> Compared:
        """The same for some of the joints."""
        joints = tuple(self.joints[i] for i in which)
        return dataclasses.replace(self, error=self.error[..., which], labelled=self.labelled[:, which], joints=joints)


class Intervals(NamedTuple):
    """The figures of one prediction, each with its interval by subject."""

    pck: tuple[Interval, ...]
    """At each threshold, misses wrong."""
    mean: Interval
    """m or px, of found joints, as `std`."""
    std: Interval
    detection_rate: Interval


def intervals(compared: Compared, prediction: int) -> Intervals:
    """Intervals of what tables 3 and 4 of AGMA report; NaN ends for fewer than two subjects."""
    found, error = compared.found(prediction), compared.error[prediction]
    known = np.where(found, error, 0.0)
    columns = [known.sum(1), np.square(known).sum(1), found.sum(1), compared.labelled.sum(1)]
    sums = sums_by_subject(np.stack(columns, 1), compared.subject)
    right, counted = compared.within(prediction), compared.labelled
    if compared.size is not None:
        counted = counted & (compared.size[prediction] > 0)[:, None]
    return Intervals(
        tuple(mean_interval(part.astype(float), counted, compared.subject) for part in right),
        interval_of_sums(sums[:, [0, 2]], ratio), interval_of_sums(sums[:, :3], deviation),
        interval_of_sums(sums[:, [2, 3]], ratio),
    )  # fmt: skip


def check_subjects(predictions: Mapping[str, Mapping[str, object]], subjects: Iterable[str]) -> None:
    """Raises UsageError where there is no prediction, or one that is not of those subjects."""
    wanted = dict.fromkeys(subjects)
    if not predictions:
        raise UsageError("predictions: expected one at least, got none")
    for name, of in predictions.items():
        if of.keys() != wanted.keys():
            raise UsageError(f"{name}: expected subjects {', '.join(wanted)}, got {', '.join(of) or 'none'}")


Views = Sequence[tuple[Poses2D, Poses2D]]
"""The joints of a view and its truth, for each of the views."""


def compare_in_pictures(
    views: Mapping[str, Mapping[str, Views]], shares: Sequence[float] = pixels.PCK_SHARES
) -> Compared:
    """Joints in pictures and their truth, by name and then subject; each view's pictures count.

    All in the same pixels; frames belong together by their index, joints by their names. The torso is the truth's.
    Raises InputError where they do not share frames or joints.
    """
    names, subjects = tuple(views), tuple(next(iter(views.values())))
    pairs = [pair for of_subjects in views.values() for seen in of_subjects.values() for pair in seen]
    joints = joints_of_all(view.skeleton.joints for pair in pairs for view in pair)
    found, subject = [], []
    for i, s in enumerate(subjects):
        for takes in zip(*(of_subjects[s] for of_subjects in views.values())):
            found.append(_against_truth(takes, joints, s))
            subject += [i] * len(found[-1].labelled)
    error, labelled, torso = zip(*found)
    return Compared(
        names, np.concatenate(error, 1), np.concatenate(labelled), joints, np.array(subject, np.int64), subjects,
        tuple(shares), np.concatenate(torso, 1),
    )


class _Seen(NamedTuple):
    """N predictions of one view in the F frames that all share."""

    error: Floats
    """(N, F, J) px."""
    labelled: Bools
    """(F, J)."""
    torso: Floats
    """(N, F) px."""


def _against_truth(takes: Views, joints: Sequence[str], subject: str) -> _Seen:
    frames = frames_of_all([view.frame for take in takes for view in take], subject)
    seen, there = (np.stack([_places(take[k], frames, joints) for take in takes]) for k in (0, 1))
    known = np.asarray(np.isfinite(there).all((0, -1)))
    torso = np.stack([_torso(truth)[rows_of(truth.frame, frames)] for _, truth in takes])
    return _Seen(np.where(known, metrics.distance(seen, there), np.nan), known, torso)


class PairedTest(NamedTuple):
    """One prediction held against the first, subject by subject, on the joints that both found."""

    name: str
    baseline: str
    subjects: int
    """How many have joints that both found."""
    difference: Interval
    """The mean over subjects of the difference of their mean errors, m or px; negative: better than the first."""
    p_t: float
    """Of the paired t test, two-sided; NaN for fewer than two subjects."""
    p_wilcoxon: float
    """Of the exact signed-rank test, two-sided; it cannot fall below 2^(1 - subjects)."""


def paired_tests(compared: Compared) -> tuple[PairedTest, ...]:
    """Each prediction but the first against the first. The p are of single tests: many of them need a correction."""
    return tuple(_paired_test(compared, i) for i in range(1, len(compared.names)))


def _paired_test(compared: Compared, prediction: int) -> PairedTest:
    both = compared.found(0) & compared.found(prediction)
    apart = np.where(both, compared.error[prediction] - compared.error[0], 0.0)
    sums = sums_by_subject(np.stack([apart.sum(1), both.sum(1)], 1), compared.subject)
    sums = sums[sums[:, 1] > 0]
    means = ratio(sums)
    difference = interval_of_sums(np.stack([means, np.ones_like(means)], 1), ratio)
    names = compared.names[prediction], compared.names[0]
    return PairedTest(*names, len(means), difference, _t_test(means), _signed_ranks(means))


def _t_test(difference: Floats) -> float:
    n = difference.size
    if n < 2:
        return np.nan
    if not difference.any():
        return 1.0
    with np.errstate(divide="ignore"):
        t = difference.mean() / (difference.std(ddof=1) / np.sqrt(n))
    return float(2 * stats.t.sf(abs(t), n - 1))


def _signed_ranks(difference: Floats) -> float:
    apart = difference[difference != 0]
    if difference.size < 2:
        return np.nan
    return float(stats.wilcoxon(apart, method="exact").pvalue) if apart.size else 1.0


def _torso(truth: Poses2D) -> Floats:
    """(T,) px, NaN where the truth has no torso."""
    if truth.skeleton.torso is None:
        return np.full(len(truth), np.nan)
    return pixels.torso_height(truth.xy, truth.skeleton)


def _places(view: Poses2D, frames: Ints, joints: Sequence[str]) -> Floats:
    return view.xy[np.ix_(rows_of(view.frame, frames), columns_of(view.skeleton.joints, joints))]


def joints_of_all(lists: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Those in all lists, in the first one's order."""
    first, *others = lists
    shared = tuple(j for j in first if all(j in other for other in others))
    if not shared:
        raise InputError(f"joints: expected some that all predictions share, the first has {', '.join(first)}")
    return shared


def frames_of_all(frames: Sequence[Ints], subject: str) -> Ints:
    shared = reduce(np.intersect1d, frames)
    if not shared.size and max(map(len, frames)):
        given = " and ".join(str(len(of)) for of in frames)
        raise InputError(
            f"frames: expected some of {subject or 'the recording'} that all predictions share with the truth, "
            f"got none of {given} frames"
        )
    return np.asarray(shared, np.int64)


def rows_of(frame: Ints, wanted: Ints) -> Ints:
    """Where the wanted frames stand; each of them does."""
    return np.asarray(np.intersect1d(frame, wanted, return_indices=True)[1])


def columns_of(joints: Sequence[str], wanted: Sequence[str]) -> Ints:
    return np.array([joints.index(j) for j in wanted])
