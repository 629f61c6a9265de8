"""Holes in tracks: how long they are, and the short ones bridged."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

from stereo3d.values import Bools, Floats, array


def holes(known: Bools, time: Floats) -> Floats:
    """(T, K) s from the last known frame before to the first one after each unknown one; 0 where it is known.

    Infinite before the first and after the last known frame of a joint: nothing there lies between two.
    """
    frames = np.arange(len(known))[:, None]
    before = np.maximum.accumulate(np.where(known, frames, -1), axis=0)
    after = np.minimum.accumulate(np.where(known, frames, len(known))[::-1], axis=0)[::-1]
    inside = (before >= 0) & (after < len(known))
    if len(known) == 0:
        return np.zeros(known.shape)
    length = time[np.minimum(after, len(known) - 1)] - time[np.maximum(before, 0)]
    return np.where(known, 0.0, np.where(inside, length, np.inf))


def bridged(x: Floats, time: Floats, *, limit: float) -> Floats:
    """x (T, K, D) with its holes of at most `limit` s filled by monotone cubic interpolation; the others stay NaN.

    Raises InvalidValue where x and time (T,) do not go together. Source: F. N. Fritsch and J. Butland, SIAM J. Sci.
    Stat. Comput. 5 (1984), which never leaves the range of the two frames that a hole lies between.
    """
    out = np.array(array("x", x, ("T", "K", "D")))
    clock = array("time", time, out.shape[:1])
    known: Bools = np.asarray(np.isfinite(out).all(-1))
    short = (holes(known, clock) <= limit) & ~known
    for joint in np.flatnonzero(short.any(0)):
        there = known[:, joint]
        curve = PchipInterpolator(clock[there], out[there, joint])
        out[short[:, joint], joint] = curve(clock[short[:, joint]])
    return out
