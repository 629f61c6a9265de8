"""How much of a noise is new in every frame, how much drifts and how much stays: from its autocovariance, no truth.

v_left - v_right holds no movement, only noise, and as much of it as the disparity does where errors are alike along
both axes. So its autocovariance is that of the disparity's error: white noise makes a peak at lag 0, drift an
exponential, what stays a floor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from stereo3d.values import Floats, Value, number

_LONGEST = 4.0
"""s, the longest lag looked at."""
_MEMORIES = np.geomspace(0.12, 3.0, 12)
"""s, those tried for the drift."""
_USUAL_MEMORY = 0.5
_FAR = 4.0
"""Standard deviations at which an outlier is cut off."""
_FEWEST = 60
"""Pairs of frames that make a covariance."""


@dataclass(frozen=True, slots=True, eq=False)
class Parts(Value):
    """The variance of a noise in three parts."""

    white: float
    """New in every frame."""
    slow: float
    """Drifts: its autocorrelation falls as exp(-lag / memory)."""
    constant: float
    """Stays the same for a joint throughout."""
    memory: float = _USUAL_MEMORY
    """s."""

    def __post_init__(self) -> None:
        self._set(**{n: number(n, getattr(self, n), 0.0) for n in ("white", "slow", "constant")})
        self._set(memory=number("memory", self.memory, 1e-6))

    @property
    def total(self) -> float:
        """The variance of all three."""
        return self.white + self.slow + self.constant

    def covariance(self, lag: Floats) -> Floats:
        """That of two values `lag` s apart, of the same shape."""
        return np.asarray(self.white * (lag == 0) + self.slow * np.exp(-lag / self.memory) + self.constant, float)


def autocovariance(x: Floats, time: Floats) -> tuple[Floats, Floats]:
    """Lags (N,) s from 0 on, growing ever faster, and the mean product (N,) of two values of a column of x (T, K) that
    far apart, over all columns; NaN in x is left out, as are pairs with a break of the clock between them."""
    step = float(np.median(np.diff(time))) if len(time) > 1 else 1.0
    most = int(min(_LONGEST / step, len(time) / 3))
    frames = np.unique(np.concatenate([[0], np.geomspace(1, max(most, 1), 28).round().astype(int)]))
    lags, found = [], []
    for n in frames.tolist():
        lag = time[n:] - time[: len(time) - n]
        product = x[n:] * x[: len(x) - n]
        product = product[np.abs(lag - n * step) <= 0.5 * step]
        product = product[np.isfinite(product)]
        if product.size >= _FEWEST:
            lags.append(n * step)
            found.append(float(product.mean()))
    return np.array(lags), np.array(found)


def split(x: Floats, time: Floats, *, known: Parts | None = None) -> Parts | None:
    """The parts of the noise x (T, K), NaN where unknown, or None where there is too little of it.

    `known`: parts of another, independent noise that x holds too, taken away. Gross errors are cut off at 4 standard
    deviations. Least squares with parts that are not negative (C. L. Lawson and R. J. Hanson), for each memory.
    """
    spread = 1.4826 * np.nanmedian(np.abs(x)) if np.isfinite(x).any() else np.nan
    lags, found = autocovariance(np.clip(x, -_FAR * spread, _FAR * spread), time) if spread > 0 else (np.zeros(0),) * 2
    if len(lags) < 4:
        return None
    if known is not None:
        found = found - known.covariance(lags)
    best: tuple[float, Parts] | None = None
    for memory in _MEMORIES[_MEMORIES <= max(lags[-1], _MEMORIES[0])]:
        basis = np.stack([lags == 0, np.exp(-lags / memory), np.ones_like(lags)], 1)
        (white, slow, constant), miss = nnls(basis, found)
        if best is None or miss < 0.999 * best[0]:
            best = miss, Parts(white, slow, constant, float(memory))
    return best[1] if best else None
