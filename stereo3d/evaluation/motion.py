"""How much tracks shake: acceleration, and its error against a truth. Smoothing that loses motion shows here too."""

from __future__ import annotations

import numpy as np

from stereo3d.evaluation import metrics
from stereo3d.values import Floats

_LONGEST_STEP = 1.5
"""Usual steps. Across a longer one frames are missing, and an acceleration over them is another one."""


def acceleration(xyz: Floats, time: Floats) -> Floats:
    """(T, K, 3) m/s^2 of joints (T, K, 3) m at times (T,) s, from each frame and its two neighbours.

    NaN where one of the three is not known, at both ends, and beside steps longer than one and a half usual ones.
    """
    out = np.full(xyz.shape, np.nan)
    if len(xyz) < 3:
        return out
    step = np.diff(time)
    forward = step > 0
    usual = np.median(step[forward]) if forward.any() else np.nan
    step = np.where(forward & (step <= _LONGEST_STEP * usual), step, np.nan)[:, None, None]
    velocity = np.diff(xyz, axis=0) / step
    out[1:-1] = np.diff(velocity, axis=0) / ((step[1:] + step[:-1]) / 2)
    return out


def acceleration_error(xyz: Floats, truth: Floats, time: Floats) -> Floats:
    """(T, K) m/s^2 between the accelerations of joints and of their truth, both (T, K, 3) m: jitter.

    A constant offset costs nothing, and noise of STD s along each axis some sqrt(18) s / dt^2 root mean square.
    Source: A. Kanazawa et al., "Learning 3D human dynamics from video", CVPR 2019, section 5 (there per frame^2).
    """
    return metrics.distance(acceleration(xyz, time), acceleration(truth, time))
