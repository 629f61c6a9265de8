"""How smooth and how regular a movement is: numbers that jitter spoils first."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from stereo3d.errors import InvalidValue
from stereo3d.values import Floats, array, number

_PADDING, _HIGHEST, _LEAST = 4, 10.0, 0.05


def ldlj(speed: ArrayLike, rate: float) -> float:
    """Log dimensionless jerk of a speed (T,) m/s sampled `rate` times a second: higher is smoother.

    -ln(D^3 / peak^2 * integral of the squared second derivative of speed), D the duration in s; -5.322 for a movement
    of minimum jerk. NaN where a speed is not known, or nothing moves. Raises InvalidValue for fewer than 3 speeds.
    Source: S. Balasubramanian et al., "On the analysis of movement smoothness", J NeuroEng Rehabil 12:112, 2015.
    """
    v, rate = _speeds(speed, rate)
    peak = np.abs(v).max()
    if not peak > 0:
        return float("nan")
    jerk = np.gradient(np.gradient(v, 1 / rate), 1 / rate)
    with np.errstate(divide="ignore"):
        return float(-np.log(((len(v) - 1) / rate) ** 3 / peak**2 * (jerk**2).sum() / rate))


def sparc(speed: ArrayLike, rate: float) -> float:
    """Spectral arc length of a speed (T,) m/s sampled `rate` times a second: nearer to 0 is smoother.

    Of the spectrum up to 10 Hz, as far as it reaches 5 % of its peak. NaN and errors as for ldlj.
    Source: as for ldlj, equation 8.
    """
    v, rate = _speeds(speed, rate)
    n = 2 ** (int(np.ceil(np.log2(len(v)))) + _PADDING)
    size = np.abs(np.fft.fft(v, n))
    if not size.max() > 0:
        return float("nan")
    frequency = np.arange(n) * rate / n
    low = frequency <= _HIGHEST
    frequency, size = frequency[low], size[low] / size.max()
    last = max(2, int(np.flatnonzero(size >= _LEAST)[-1]) + 1)
    frequency, size = frequency[:last], size[:last]
    return float(-np.hypot(np.diff(frequency) / (frequency[-1] - frequency[0]), np.diff(size)).sum())


def sample_entropy(x: ArrayLike, length: int = 2, tolerance: float = 0.2) -> float:
    """Sample entropy of a series (N,): how often stretches that are alike stay so; 0 for the most regular.

    Stretches of `length` and of one more are alike where no two of their numbers differ by more than `tolerance`
    standard deviations. NaN where nothing is alike or a number is not known. Raises InvalidValue for a series that is
    too short. Source: J. S. Richman and J. R. Moorman, Am J Physiol Heart 278:H2039, 2000.
    """
    series = array("x", x, ("N",))
    if length < 1 or len(series) < length + 2:
        raise InvalidValue(f"x: expected {max(length, 1) + 2} numbers or more, got {len(series)}")
    limit = number("tolerance", tolerance, 0.0) * series.std()
    shorter, longer = (_alike(series, width, len(series) - length, limit) for width in (length, length + 1))
    return float(-np.log(longer / shorter)) if longer else float("nan")


def _alike(series: Floats, width: int, count: int, limit: float) -> int:
    """Pairs of the first `count` stretches of that width that are alike."""
    stretches = np.lib.stride_tricks.sliding_window_view(series, width)[:count]
    return sum(int((np.abs(stretches[i + 1 :] - stretches[i]).max(-1) <= limit).sum()) for i in range(count - 1))


def _speeds(speed: ArrayLike, rate: float) -> tuple[Floats, float]:
    v = array("speed", speed, ("T",))
    if len(v) < 3:
        raise InvalidValue(f"speed: expected 3 or more, got {len(v)}")
    return v, number("rate", rate, 1e-6)
