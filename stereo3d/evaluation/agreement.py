"""How well people, or people and networks, agree: inter-rater spread, intraclass correlation, Bland-Altman.

In-Motion is D. Groos et al. (see `pixels`).
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from stereo3d.errors import UsageError
from stereo3d.evaluation import metrics
from stereo3d.evaluation.bootstrap import CONFIDENCE, Interval
from stereo3d.evaluation.pixels import joint_means, relative
from stereo3d.values import Bools, Floats, array, number

Form = Literal["A,1", "C,1", "1,1"]
HUMAN = 0.95
"""The share of raters' distances that In-Motion takes for human level."""


def rater_distances(xy: Floats, size: Floats) -> Floats:
    """(R, T, K) each rater's distance from the mean of all, over the head length (T,) px; xy (R, T, K, 2) px.

    The mean includes the rater, which makes distances sqrt((R - 1) / R) of those from the truth (In-Motion, eq. 1).
    NaN for a joint that a rater did not mark; the mean is then the others'.
    """
    known = np.asarray(np.isfinite(xy).all(-1))
    n = known.sum(0)[..., None]
    total = np.where(known[..., None], xy, 0.0).sum(0)
    mean = np.divide(total, n, out=np.full(total.shape, np.nan), where=n > 0)
    return relative(metrics.distance(xy, mean), size)


def spread(distances: Floats) -> Floats:
    """(K,) H_b, the mean over raters and frames of distances (R, T, K) (In-Motion, eq. 1)."""
    flat = distances.reshape(-1, distances.shape[-1])
    return joint_means(flat, np.isfinite(flat))


def human_limit(distances: Floats, share: float = HUMAN) -> Floats:
    """(K,) H_b^0.95, the 95th percentile of each joint's distances (R, T, K) (In-Motion, 2.3)."""
    share = number("share", share, 0.0, 1.0)
    columns = (c[np.isfinite(c)] for c in distances.reshape(-1, distances.shape[-1]).T)
    return np.array([np.quantile(c, share) if c.size else np.nan for c in columns])


def pck_human(
    error: Floats, labelled: Bools, size: Floats, limit: Floats, misses: metrics.Misses = "wrong"
) -> Floats:
    """(K,) share of a joint's errors (T, K) px, over sizes (T,), at most its human limit (K,): PCKh@Human0.95.

    0.95 is human level. The mean of these is the paper's figure for all parts (In-Motion, eq. 3 and 4).
    """
    counted = metrics.counted_joints(error, labelled, misses) & (size > 0)[:, None] & np.isfinite(limit)
    return joint_means((relative(error, size) <= limit).astype(float), counted)


def intraclass_correlation(ratings: ArrayLike, form: Form = "A,1", confidence: float = CONFIDENCE) -> Interval:
    """ICC of single measures and its confidence interval, of ratings (n targets, k raters); targets with NaN left out.

    "A,1" absolute agreement, two-way; "C,1" consistency, two-way; "1,1" one-way. At most 1. NaN for fewer than two
    targets or raters, or ratings that do not vary. Source: K. O. McGraw and S. P. Wong, "Forming inferences about
    some intraclass correlation coefficients", Psychological Methods 1 (1996), tables 4 and 7.
    """
    if form not in get_args(Form):
        raise UsageError(f"form: expected one of {', '.join(get_args(Form))}, got {form!r}")
    tail = (1 - number("confidence", confidence, 0.0, 1.0)) / 2
    x = array("ratings", ratings, ("n", "k"))
    x = x[np.isfinite(x).all(1)]
    if min(x.shape) < 2:
        return Interval(np.nan, np.nan, np.nan)
    squares = _mean_squares(x)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _agreement(squares, tail) if form == "A,1" else _consistency(squares, form, tail)


class _MeanSquares(NamedTuple):
    """Of a two-way table without replication, as numpy numbers: a division by zero is NaN or infinite."""

    n: int
    k: int
    rows: np.float64
    columns: np.float64
    error: np.float64
    within: np.float64


def _mean_squares(x: Floats) -> _MeanSquares:
    n, k = x.shape
    x = x - x.mean()
    rows, columns = k * np.square(x.mean(1)).sum(), n * np.square(x.mean(0)).sum()
    residual = np.square(x - x.mean(1, keepdims=True) - x.mean(0)).sum()
    error, within = residual / ((n - 1) * (k - 1)), (residual + columns) / (n * (k - 1))
    return _MeanSquares(n, k, rows / (n - 1), columns / (k - 1), error, within)


def _consistency(ms: _MeanSquares, form: Form, tail: float) -> Interval:
    """ICC(C,1), and ICC(1,1), which is the same with the mean square within rows as error."""
    noise, free = (ms.error, (ms.n - 1) * (ms.k - 1)) if form == "C,1" else (ms.within, ms.n * (ms.k - 1))
    f_low, f_high = stats.f.isf(tail, ms.n - 1, free), stats.f.isf(tail, free, ms.n - 1)
    noises = (noise, f_low * noise, noise / f_high)
    return Interval(*(float((ms.rows - x) / (ms.rows + (ms.k - 1) * x)) for x in noises))


def _agreement(ms: _MeanSquares, tail: float) -> Interval:
    n, k = ms.n, ms.k
    icc = (ms.rows - ms.error) / (ms.rows + (k - 1) * ms.error + k / n * (ms.columns - ms.error))
    if not np.isfinite(icc):
        return Interval(np.nan, np.nan, np.nan)
    a, b = k * icc, n * (1 - icc) + k * icc * (n - 1)
    free = (a * ms.columns + b * ms.error) ** 2 / (
        (a * ms.columns) ** 2 / (k - 1) + (b * ms.error) ** 2 / ((n - 1) * (k - 1))
    )
    free = np.nan_to_num(free, nan=1.0)  # perfect agreement: both bounds are 1 whatever F is
    f_low, f_high = stats.f.isf(tail, n - 1, free), stats.f.isf(tail, free, n - 1)
    others = k * ms.columns + (k * n - k - n) * ms.error
    low = n * (ms.rows / f_low - ms.error) / (others + n * ms.rows / f_low)
    high = n * (ms.rows - ms.error / f_high) / (others / f_high + n * ms.rows)
    return Interval(float(icc), float(low), float(high))


class BlandAltman(NamedTuple):
    """How far two ways to measure lie apart, in their unit."""

    n: int
    bias: Interval
    """The mean of a - b."""
    std: float
    """Of a - b, the sample's (over n - 1)."""
    low: Interval
    """The lower limit of agreement: 95 % of differences lie between this and `high`."""
    high: Interval


def bland_altman(a: ArrayLike, b: ArrayLike, confidence: float = CONFIDENCE) -> BlandAltman:
    """Bias and limits of agreement of a - b, each with its confidence interval; pairs with NaN are left out.

    Differences must be independent, so give one for each subject. NaN for fewer than two pairs. Source: J. M. Bland
    and D. G. Altman, "Measuring agreement in method comparison studies", Stat. Methods Med. Res. 8 (1999), 2 and 2.1.
    """
    difference = np.asarray(a, float) - np.asarray(b, float)
    difference = difference[np.isfinite(difference)]
    n, tail = difference.size, (1 - number("confidence", confidence, 0.0, 1.0)) / 2
    bias = float(difference.mean()) if n else np.nan
    if n < 2:
        unknown = Interval(np.nan, np.nan, np.nan)
        return BlandAltman(n, Interval(bias, np.nan, np.nan), np.nan, unknown, unknown)
    std = float(difference.std(ddof=1))
    z, t = float(stats.norm.isf(0.025)), float(stats.t.isf(tail, n - 1))
    of_bias, of_limit = t * std / n**0.5, t * std * (1 / n + z * z / (2 * (n - 1))) ** 0.5
    limits = [Interval(x, x - of_limit, x + of_limit) for x in (bias - z * std, bias + z * std)]
    return BlandAltman(n, Interval(bias, bias - of_bias, bias + of_bias), std, *limits)
