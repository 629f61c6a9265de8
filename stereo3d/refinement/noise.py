"""How noisy a detector is, found in the recording itself: no truth is needed.

On a rectified pair v_left - v_right is noise alone, and has the variance that the disparity has if the detector errs
alike along both axes. What the views err together hides from it and is seen in time: the infant moves smoothly, so
what differences over several frames leave of the mean row is white noise (the gain of third differences on 2 Hz at 30 a
second is below 0.1). Of quick movements more is left, so pairs of joints that move together tell, by their distance,
and where the joints that move least tell as much, these too.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np

from stereo3d.poses import Poses2D
from stereo3d.refinement.medians import median
from stereo3d.stereo import Stereo
from stereo3d.values import Floats, Ints, Value, array, number

CORRELATION = 0.5
"""Of the two views' errors where the recording does not tell: about that of AGMA's networks, from its errors."""
MOST_CORRELATED = 0.85
LEAST = 0.2
"""px, a standard deviation of v_left - v_right that no detector falls below."""
_USUAL = 3.0
"""px, that of v_left - v_right where nothing is known."""
_SHRINK = 30
"""Observations that the mean over joints counts for in each joint's own noise."""
_OWN_FROM = 10
"""Observations from which on a joint's own noise counts: one gross error among fewer is no noise."""
_ROW_SPREAD = 0.5
"""px, how far rows of a good calibration disagree."""
_MAD = 1.4826
_INNER = 0.9733
"""Variance of a normal distribution within three standard deviations, over the whole one."""
_ROUNDS = 4
_GROSS = 4.0
"""Standard deviations of v_left - v_right beyond which an error is gross."""
_FEW, _MANY = 3, 5
"""How often white noise is taken differences of: few where slow noise has to stay out, many where movement has to."""
_STROLL = 8
"""Frames whose mean tells how a joint moves, whatever its white noise."""
_STROLLS = 4000
"""Of which at most twice as many are looked at: enough to tell what moves together."""
_ALIKE = 1.25
"""Times the white noise of pairs that move together, up to which that of joints that move least is no movement."""
_LONGEST_STEP = 0.1
"""s between frames, up to which movement is smooth enough for third differences."""
_FEWEST = 30
_TRUSTED_FEWEST = 200


@dataclass(frozen=True, slots=True, eq=False)
class Noise(Value):
    """The noise of one detector on one recording."""

    rows: Floats
    """(K,) px, standard deviation of v_left - v_right for each joint, where the detector's own sigma is usual."""
    exponent: float
    """0..1: the noise of a joint goes with the detector's own sigma to this power."""
    usual: Floats
    """(K,) px, the detector's own usual sigma, NaN where it gives none."""
    correlation: float
    """Between the views."""
    row_offset: float
    """px, v_left - v_right that all joints have in common: rectification that is a little off."""
    white: Floats | float
    """Share of the disparity's variance that is new in every frame, of all joints or of each (K,)."""
    slow: Floats | float
    """Share that drifts."""
    bias: Floats | float
    """Share that stays throughout; the three add up to 1."""
    memory: float
    """s, over which the slow part falls to 1/e; NaN where there is none."""

    def __post_init__(self) -> None:
        rows = array("rows", self.rows, ("K",))
        self._set(rows=rows, usual=array("usual", self.usual, rows.shape))
        self._set(correlation=number("correlation", self.correlation, -1, 1))
        self._set(exponent=number("exponent", self.exponent, 0, 1))
        self._set(**{n: _share(n, getattr(self, n), len(rows)) for n in ("white", "slow", "bias")})

    def of_views(self, joints: Stereo[Poses2D]) -> Stereo[Floats]:
        """(T, K) px along an axis, the standard deviation of each joint in each view."""
        one = self.rows / np.sqrt(2 * (1 - self.correlation))
        return joints.map(lambda view: one * self._relative(view.sigma))

    def _relative(self, sigma: Floats) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = sigma / self.usual
        known = np.isfinite(ratio) & (ratio > 0)
        return np.asarray(np.where(known, np.clip(ratio, 0.25, 4.0), 1.0) ** self.exponent)

    def of_places(self, joints: Stereo[Poses2D]) -> Floats:
        """(T, K, 3) px, standard deviations of xc, v and d; NaN where a view has no joint."""
        left, right = self.of_views(joints)
        both, shared = left**2 + right**2, 2 * self.correlation * left * right
        middle, apart = np.sqrt(both + shared) / 2, np.sqrt(both - shared)
        known = np.isfinite(joints.left.xy[..., 0] + joints.right.xy[..., 0])
        return np.where(known[..., None], np.stack([middle, middle, apart], -1), np.nan)


def _share(name: str, x: Floats | float, n_joints: int) -> Floats | float:
    for one in np.ravel(x).tolist():
        number(name, one, 0, 1)
    return array(name, x, (n_joints,)) if isinstance(x, np.ndarray) and x.ndim else float(x)


def noise_of(joints: Stereo[Poses2D]) -> Noise:
    """The noise of the detector that found these joints, both views' in rectified px; robust to a tenth of outliers."""
    left, right = joints
    dv = left.xy[..., 1] - right.xy[..., 1]
    offset = _row_offset(dv)
    dv = dv - offset
    both = (left.sigma**2 + right.sigma**2) / 2
    usual, reported = _usual(joints), np.sqrt(both)
    exponent = _exponent(dv, reported, usual)
    with np.errstate(invalid="ignore"):
        relative = np.where(np.isfinite(reported / usual), reported / usual, 1.0) ** exponent
    rows = _spread_of_joints(dv / relative)
    with np.errstate(invalid="ignore"):
        dv = np.where(np.abs(dv) <= _GROSS * rows * relative, dv, np.nan)
    white, slow, bias, memory = _parts(dv / relative, left.time)
    row = np.where(np.isfinite(dv), left.xy[..., 1] + right.xy[..., 1], np.nan) / 2
    correlation = _correlation(row, dv, left.time, rows)
    return Noise(rows, exponent, usual, correlation, offset, white, slow, bias, memory)


def _row_offset(dv: Floats) -> float:
    """px, what the joints' medians of dv have in common, drawn to 0 where it is not sure.

    A detector that is always off at a joint is so in its median; only what all joints share is the cameras'.
    """
    known = dv[np.isfinite(dv)]
    if known.size < _FEWEST:
        return 0.0
    middle = float(np.median(known))
    medians = _medians(dv)
    usual = (_MAD * float(np.median(np.abs(known - middle)))) ** 2
    lasting = float(np.nanvar(medians)) if np.isfinite(medians).sum() > 2 else 0.0
    error = 1.57 * (usual / known.size + lasting / dv.shape[1])
    return float(middle * _ROW_SPREAD**2 / (_ROW_SPREAD**2 + error))


def _medians(dv: Floats) -> Floats:
    """(K,) px over time, NaN for joints seen too seldom."""
    return np.where(np.isfinite(dv).sum(0) >= _FEWEST, median(dv), np.nan)


def _usual(joints: Stereo[Poses2D]) -> Floats:
    """(K,) px, the median sigma that the detector gives, NaN for none."""
    return median(np.concatenate([joints.left.sigma, joints.right.sigma]))


def _exponent(dv: Floats, reported: Floats, usual: Floats) -> float:
    """How far |dv| goes with the detector's own sigma: ridge regression of their logarithms, 1/2 beforehand."""
    with np.errstate(invalid="ignore", divide="ignore"):
        x, y = np.log(reported / usual), np.log(np.abs(dv))
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    if x.size < 2 or float(x.std()) < 1e-3:
        return 1.0
    x, y = x - x.mean(), y - y.mean()
    prior = 1.23 / 0.25  # the variance of log |N(0, 1)| over that of the exponent
    return float(np.clip((np.sum(x * y) + 0.5 * prior) / (np.sum(x * x) + prior), 0.0, 1.0))


def _spread_of_joints(dv: Floats) -> Floats:
    """(K,) px, each joint's robust standard deviation of dv, drawn to that of all.

    Where a joint is always off in v by chance, it is off in d by another chance: the lasting part is that of all.
    """
    known = np.isfinite(dv)
    n = known.sum(0)
    if not n.any():
        return np.full(dv.shape[1], _USUAL)
    medians = np.nan_to_num(_medians(dv))
    within = dv - medians
    pooled = _robust(within[known]) ** 2
    if n.sum() < _FEWEST:
        pooled = (n.sum() * pooled + 4 * _USUAL**2) / (n.sum() + 4)
    own = _robust_each(within) ** 2
    lasting = float(np.var(medians[n >= _FEWEST])) if (n >= _FEWEST).sum() > 2 else 0.0
    n = np.maximum(n - _OWN_FROM, 0)
    return np.asarray(np.maximum(np.sqrt((n * own + _SHRINK * pooled) / (n + _SHRINK) + lasting), LEAST), float)


def _robust(x: Floats) -> float:
    """The standard deviation about 0 of what is left without gross errors: those beyond three of itself."""
    size = np.abs(x)
    out = _MAD * float(np.median(size))
    for _ in range(_ROUNDS):
        kept = size[size <= 3 * out]
        out = float(np.sqrt(np.mean(kept * kept) / _INNER)) if kept.size else out
    return out


def _robust_each(x: Floats) -> Floats:
    """(K,) the same of each column of x (T, K), NaN left out; 0 where nothing is known."""
    size = np.abs(x)
    out = _MAD * median(size, 0.0)
    for _ in range(_ROUNDS):
        kept = size <= 3 * out
        square, n = np.where(kept, size * size, 0.0).sum(0), kept.sum(0)
        out = np.where(n > 0, np.sqrt(square / np.maximum(n, 1) / _INNER), out)
    return out


def _differences(x: Floats, time: Floats, times: int) -> Floats:
    """(T - N, K) differences of x (T, K), taken N times, NaN across gaps."""
    if len(x) <= times:
        return np.zeros((0, x.shape[1]))
    out = np.asarray(np.diff(x, times, axis=0), float)
    near = np.lib.stride_tricks.sliding_window_view(np.diff(time), times).max(1) <= _LONGEST_STEP
    return np.where(near[:, None], out, np.nan)


def _white(x: Floats, time: Floats, times: int = _FEW) -> float:
    """Variance of the white part of x (T, K), NaN where frames are too few or too far apart.

    Differences taken n times multiply that of white noise by (2n)! / n!^2.
    """
    jumps = _differences(x, time, times)
    known = jumps[np.isfinite(jumps)]
    return _robust(known) ** 2 / comb(2 * times, times) if known.size >= _TRUSTED_FEWEST else np.nan


def _strolls(row: Floats) -> Floats:
    """(N, K) px by which joints in rows (T, K) move from one third of a second to the next, white noise left out."""
    known = np.isfinite(row)
    total, n = (np.cumsum(x, 0) for x in (np.where(known, row, 0.0), known))
    n = (n[_STROLL:] - n[:-_STROLL]).astype(float)
    mean = np.divide(total[_STROLL:] - total[:-_STROLL], n, out=np.full(n.shape, np.nan), where=n > 0)
    return np.asarray((mean[_STROLL:] - mean[:-_STROLL])[::max(1, len(row) // _STROLLS)])


def _quietest(moved: Floats, number: int) -> Ints:
    """So many columns of `moved` (N, ...) px that move least."""
    return np.argsort(median(np.abs(moved), np.inf), kind="stable")[:max(number, 1)]


def _parts(dv: Floats, time: Floats) -> tuple[float, float, float, float]:
    """Shares of white, slow and lasting noise in dv (T, K), and the slow one's memory (s); all white if unknown."""
    white = _white(dv, time)
    if np.isnan(white):
        return 1.0, 0.0, 0.0, np.nan
    whole = _robust(dv[np.isfinite(dv)]) ** 2
    means = _medians(dv)
    memory = _memory(dv - np.nan_to_num(means), time)
    span = max(float(np.ptp(time)), 1e-9)
    lasting = float(np.nanvar(means)) if np.isfinite(means).sum() > 2 else 0.0
    slow = max(whole - white - lasting, 0.0)
    lasting = max(lasting - slow * min(1.0, 2 * np.nan_to_num(memory) / span), 0.0)
    total = white + slow + lasting
    return white / total, slow / total, lasting / total, memory


def _memory(dv: Floats, time: Floats) -> float:
    """s, over which the autocorrelation of dv beyond its white part falls to 1/e."""
    step = float(np.median(np.diff(time)))
    limit = 3 * _robust(dv[np.isfinite(dv)])
    kept = np.clip(np.nan_to_num(dv), -limit, limit)
    lags = [lag for lag in (2, 4, 8, 16) if lag < len(dv) / 4]
    product = np.array([float(np.mean(kept[lag:] * kept[:-lag])) for lag in lags])
    good = product > 0.02 * float(np.mean(kept**2))
    if good.sum() < 2 or not good[0]:
        return np.nan
    slope = np.polyfit(np.array(lags)[good] * step, np.log(product[good]), 1)[0]
    return float(-1 / slope) if slope < 0 else np.nan


def _correlation(row: Floats, dv: Floats, time: Floats, rows: Floats) -> float:
    """Between the views: from the white parts of mean row and row difference, else the usual one.

    With one sigma s in both views, the mean row varies by s^2 (1 + rho) / 2 and the difference by 2 s^2 (1 - rho).
    """
    k, moved = row.shape[1], _strolls(row)
    first, second = np.triu_indices(k, 1)
    pairs = _quietest(moved[:, first] - moved[:, second], k // 2)
    first, second = first[pairs], second[pairs]
    still = _quietest(moved, (k + 1) // 2)

    def white(x: Floats) -> float:
        return _white(x, time, _MANY)

    together = white(row[:, first] - row[:, second]) / 2, white(dv[:, np.concatenate([first, second])])
    alone = white(row[:, still]), white(dv)
    if alone[0] <= _ALIKE * together[0]:  # nothing moves fast
        together = (together[0] + alone[0]) / 2, (together[1] + alone[1]) / 2
    for common, apart in (together, alone, (white(row), alone[1])):
        if np.isfinite(common) and apart > 0.05 * float(np.median(rows)) ** 2:
            ratio = 4 * common / apart
            return float(np.clip((ratio - 1) / (ratio + 1), -0.2, MOST_CORRELATED))
    return CORRELATION
