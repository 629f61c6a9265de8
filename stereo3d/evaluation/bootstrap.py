"""How far a figure would move with other infants: confidence intervals by subject, and the seeds to repeat them.

Frames of one infant resemble each other, so whole subjects are drawn, with replacement, and never single frames: an
hour of one infant is one observation. Intervals are percentiles of the drawn figures (Efron & Tibshirani, An
Introduction to the Bootstrap, 1993, 13.3). With a handful of subjects they are too narrow: read them as a lower bound
of what is not known. With fewer than two subjects there is none: NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from stereo3d.errors import InvalidValue
from stereo3d.values import Bools, Floats, Ints, array, number

DRAWS = 2000
CONFIDENCE = 0.95


class Interval(NamedTuple):
    """A figure and the ends of its confidence interval, NaN where there is none."""

    value: float
    low: float
    high: float


def draw(n_subjects: int, n: int = DRAWS, seed: int = 0) -> Ints:
    """(n, S) how often each of S subjects is drawn; every row sums to S. The same seed draws the same."""
    if n_subjects < 1:
        return np.zeros((n, 0), np.int64)
    each = np.full(n_subjects, 1 / n_subjects)
    return np.asarray(np.random.default_rng(seed).multinomial(n_subjects, each, n), np.int64)


def numbered(subject: ArrayLike) -> tuple[Ints, list[str]]:
    """(T,) a number for each subject, and their names in the order of the numbers."""
    names, numbers = np.unique(np.asarray(subject), return_inverse=True)
    return np.asarray(numbers.reshape(-1), np.int64), [str(name) for name in names]


def sums_by_subject(columns: Floats, subject: Ints) -> Floats:
    """(S, M) each subject's sums of (T, M) columns, for `interval_of_sums`; `subject` (T,) from `numbered`."""
    return np.stack([np.bincount(subject, column) for column in columns.T], 1)


def interval_of_sums(
    sums: Floats, statistic: Callable[[Floats], Floats], *, confidence: float = CONFIDENCE, n: int = DRAWS,
    seed: int = 0,
) -> Interval:
    """The interval of a statistic that is a function of sums over frames; all draws at once.

    `sums` (S, M) are each subject's; `statistic` takes sums (..., M) and gives (...), as `ratio` does.
    """
    sums = array("sums", sums, ("S", "M"))
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(statistic(sums.sum(0)))
        drawn = np.asarray(statistic(draw(len(sums), n, seed) @ sums), float)
    return _percentiles(value, drawn, len(sums), confidence)


def interval_of_rows(
    statistic: Callable[[Ints], float], subject: Ints, *, confidence: float = CONFIDENCE, n: int = DRAWS,
    seed: int = 0,
) -> Interval:
    """The interval of any statistic of frames: a median, an average precision.

    `statistic` is called once for each draw with the numbers of the frames that were drawn, a frame as often as its
    subject; `subject` (T,) from `numbered`. Where a figure is a function of sums, `interval_of_sums` is far faster.
    """
    subject = array("subject", subject, ("T",), np.int64)
    order = np.argsort(subject, kind="stable")
    rows = np.split(order, np.flatnonzero(np.diff(subject[order])) + 1) if order.size else []
    value = float(statistic(np.arange(len(subject))))
    if len(rows) < 2:
        return Interval(value, np.nan, np.nan)
    counts = draw(len(rows), n, seed)
    drawn = [float(statistic(np.concatenate([np.tile(r, c) for r, c in zip(rows, count) if c]))) for count in counts]
    return _percentiles(value, np.array(drawn), len(rows), confidence)


def mean_interval(
    x: Floats, counted: Bools, subject: Ints, *, confidence: float = CONFIDENCE, n: int = DRAWS, seed: int = 0
) -> Interval:
    """The interval of the mean of x (T, K) where `counted` (T, K): a mean error, a 3DPCK, a detection rate."""
    if counted.shape != x.shape:
        raise InvalidValue(f"counted: expected shape {x.shape} to go with x, got {counted.shape}")
    columns = np.stack([np.where(counted, x, 0.0).sum(1), counted.sum(1)], 1)
    sums = sums_by_subject(columns, subject)
    return interval_of_sums(sums, ratio, confidence=confidence, n=n, seed=seed)


def ratio(sums: Floats) -> Floats:
    """(...) the first sum over the second, of (..., 2): a mean from a total and a count."""
    return np.asarray(sums[..., 0] / sums[..., 1])


def deviation(sums: Floats) -> Floats:
    """(...) standard deviation (over N) from (..., 3) sums of x, of x squared, and a count."""
    mean = sums[..., 0] / sums[..., 2]
    return np.sqrt(np.maximum(sums[..., 1] / sums[..., 2] - mean * mean, 0.0))


def _percentiles(value: float, drawn: Floats, n_subjects: int, confidence: float) -> Interval:
    tail = (1 - number("confidence", confidence, 0.0, 1.0)) / 2
    known = drawn[np.isfinite(drawn)]
    if n_subjects < 2 or not known.size:
        return Interval(value, np.nan, np.nan)
    low, high = np.quantile(known, [tail, 1 - tail])
    return Interval(value, float(low), float(high))
