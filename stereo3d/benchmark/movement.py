"""How true refined tracks are to the movement: path length and smoothness beside the truth's."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stereo3d.evaluation.smoothness import ldlj
from stereo3d.values import Floats

PATH_WITHIN, LDLJ_WITHIN = 0.05, 0.5
"""What is asked of refined tracks: share of the path's length, and difference of LDLJ."""
_FEWEST = 10
"""Frames of a track that is worth its movement."""
_MOVES = 0.01
"""m of path from which on a joint is said to move: of one at rest the ratio of two jitters tells nothing."""


class Movement(NamedTuple):
    """Of all tracks together."""

    path: float
    """Median length of path over the truth's."""
    ldlj: float
    """Median LDLJ less the truth's: negative where a track is rougher than the joint moved."""
    path_within: float
    """Share of tracks whose path is within 5 % of the truth's."""
    ldlj_within: float
    """Share of tracks whose LDLJ is within 0.5 of the truth's."""
    tracks: int


def tracks(xyz: Floats, truth: Floats, time: Floats) -> Floats:
    """(N, 2) of each joint (T, K, 3) m that has a place in all frames: the logarithm of its length of path over the
    truth's, and its LDLJ less the truth's; none of joints that move by less than 1 cm."""
    if len(time) < _FEWEST:
        return np.zeros((0, 2))
    rate = 1 / float(np.median(np.diff(time)))
    whole = np.isfinite(xyz + truth).all((0, 2)) & (np.linalg.norm(np.diff(truth, axis=0), axis=-1).sum(0) >= _MOVES)
    speeds = (np.linalg.norm(np.diff(x[:, whole], axis=0), axis=-1).T * rate for x in (xyz, truth))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.array([[np.log(a.sum() / b.sum()), ldlj(a, rate) - ldlj(b, rate)] for a, b in zip(*speeds)])
    found = found.reshape(-1, 2)
    return np.asarray(found[np.isfinite(found).all(1)])


def summed_up(found: Floats) -> Movement:
    """What tracks (N, 2) come to; NaN for none."""
    if not len(found):
        nan = float("nan")
        return Movement(nan, nan, nan, nan, 0)
    path, jerk = found.T
    near, smooth = np.abs(np.expm1(path)) <= PATH_WITHIN, np.abs(jerk) <= LDLJ_WITHIN
    middle = float(np.exp(np.median(path))), float(np.median(jerk))
    return Movement(*middle, float(near.mean()), float(smooth.mean()), len(found))
