"""The filters that movement studies have always used, for those who must compare with them.

Each takes tracks x (T, ...) at times (T,) s and returns as much. What is NaN stays NaN: holes are bridged by monotone
cubics for the filter's sake alone, the ends left as they are, and taken out again. None knows how noisy a joint is.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import median_filter
from scipy.signal import butter, savgol_filter, sosfiltfilt

from stereo3d.errors import InvalidValue
from stereo3d.values import Floats, array, number


def butterworth(x: ArrayLike, time: ArrayLike, *, cutoff: float = 6.0, order: int = 4) -> Floats:
    """x through a low-pass filter forwards and backwards, so that nothing is delayed; `cutoff` Hz is that of one pass.

    The clock is taken for even. Raises InvalidValue for a cutoff of half the frame rate or more. Source: S. Butterworth
    (1930); D. A. Winter, Biomechanics and Motor Control of Human Movement, 4th ed., 3.4.4.
    """
    tracks, clock = _tracks(x, time)
    rate = 1 / _step(clock)
    if len(clock) > 1 and not 0 < cutoff < rate / 2:
        raise InvalidValue(f"cutoff: expected Hz below {rate / 2:.4g}, half the frame rate, got {cutoff:g}")
    if len(clock) < 2:
        return np.array(x, float)
    sections = butter(order, cutoff, fs=rate, output="sos")
    padding = 3 * (2 * len(sections) + 1)
    smooth = _filtered(tracks, clock, lambda y: sosfiltfilt(sections, y, padlen=min(padding, len(y) - 1)))
    return smooth.reshape(np.shape(x))


def savitzky_golay(x: ArrayLike, time: ArrayLike, *, window: int = 11, degree: int = 3) -> Floats:
    """x with each place on the polynomial of `degree` that fits best the `window` frames about it.

    The clock is taken for even. Raises InvalidValue for a window that is even or no longer than the degree. Source:
    A. Savitzky and M. J. E. Golay, Analytical Chemistry 36 (1964).
    """
    if window % 2 == 0 or window <= degree:
        raise InvalidValue(f"window: expected an odd number of frames above the degree {degree}, got {window}")
    tracks, clock = _tracks(x, time)

    def fit(y: Floats) -> Floats:
        length = min(window, len(y) - 1 + len(y) % 2)
        return np.asarray(savgol_filter(y, length, degree)) if length > degree else y

    return _filtered(tracks, clock, fit).reshape(np.shape(x))


def running_median(x: ArrayLike, time: ArrayLike, *, window: int = 5) -> Floats:
    """x with each place the median of the `window` frames about it. Raises InvalidValue for an even window."""
    if window % 2 == 0 or window < 1:
        raise InvalidValue(f"window: expected an odd number of frames, got {window}")
    tracks, clock = _tracks(x, time)
    smooth = _filtered(tracks, clock, lambda y: np.asarray(median_filter(y, window, mode="nearest")))
    return smooth.reshape(np.shape(x))


def one_euro(
    x: ArrayLike, time: ArrayLike, *, slowest: float = 1.0, beta: float = 5.0, of_speed: float = 1.0
) -> Floats:
    """x through a first-order low-pass filter that looks only backwards: the faster a joint, the higher the cutoff.

    The cutoff is `slowest` Hz + `beta` times the speed, itself smoothed at `of_speed` Hz; any clock. Source: G. Casiez,
    N. Roussel and D. Vogel, "1 Euro filter", CHI 2012.
    """
    tracks, clock = _tracks(x, time)
    for name, value in (("slowest", slowest), ("of_speed", of_speed)):
        number(name, value, 1e-6)
    number("beta", beta, 0.0)
    out, speed, last = np.full(tracks.shape, np.nan), np.zeros(tracks.shape[1]), np.full(tracks.shape[1], np.nan)
    for t, seen in enumerate(tracks):
        step = clock[t] - clock[t - 1] if t else _step(clock)
        begun, there = np.isfinite(last), np.isfinite(seen)
        found = np.where(begun & there, (seen - last) / step, 0.0)
        speed = speed + _share(of_speed, step) * (found - speed)
        share = _share(slowest + beta * np.abs(speed), step)
        last = np.where(begun & there, last + share * (seen - last), np.where(there, seen, last))
        out[t] = np.where(there, last, np.nan)
    return out.reshape(np.shape(x))


def _share(cutoff: Floats | float, step: float) -> Floats | float:
    """By how much a first-order filter of that cutoff goes to the new value."""
    return 1 / (1 + 1 / (2 * np.pi * cutoff * step))


def _tracks(x: ArrayLike, time: ArrayLike) -> tuple[Floats, Floats]:
    """(T, N) tracks and the clock. Raises InvalidValue where these do not go together or the clock does not grow."""
    tracks = np.asarray(x, float)
    clock = array("time", time, (len(tracks) if tracks.ndim else 1,))
    if (np.diff(clock) <= 0).any():
        raise InvalidValue("time: expected times that grow from frame to frame")
    return tracks.reshape(len(clock), int(np.prod(tracks.shape[1:]))), clock


def _step(clock: Floats) -> float:
    return float(np.median(np.diff(clock))) if len(clock) > 1 else 1.0


def _filtered(tracks: Floats, clock: Floats, run: Callable[[Floats], Floats]) -> Floats:
    """Each track from its first to its last known place through the filter."""
    out = np.full(tracks.shape, np.nan)
    for i, track in enumerate(tracks.T):
        known = np.flatnonzero(np.isfinite(track))
        if len(known) < 2:
            out[:, i] = track
            continue
        whole = slice(known[0], known[-1] + 1)
        smooth = run(PchipInterpolator(clock[known], track[known])(clock[whole]))
        out[known, i] = smooth[known - known[0]]
    return out
