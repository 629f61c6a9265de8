"""What errors in space are summed up as: 3DPCK, mean, STD, median, detection rate; bone lengths; how much tracks shake.

Pure functions of whole arrays. Errors are (T, K) metres between a joint and its truth, absolute positions without any
alignment, NaN where there is no estimate; `labelled` (T, K) says where there is a truth. Source: A. Soualmi et al.,
"A 3D pose estimation framework for preterm infants", Multimedia Tools and Applications 83 (2023), here AGMA.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from stereo3d.errors import UsageError
from stereo3d.values import Bools, Floats, Ints

Misses = Literal["wrong", "left out"]
Over = Literal["joints", "frames"]
AGMA_GROUPS = ("nose", "shoulders", "elbows", "wrists", "hips", "knees", "ankles")
"""The columns of AGMA's table 5; eyes and ears are left out there."""
_ROUNDING = 1e-9
"""m. A joint at the threshold counts as right, so a nanometre of rounding must not make it wrong."""
_LONGEST_STEP = 1.5
"""Usual steps. Across a longer one frames are missing, and an acceleration over them is another one."""


def distance(estimate: ArrayLike, truth: ArrayLike) -> Floats:
    """(...) m between points (..., 3) m, NaN where either is not known."""
    with np.errstate(invalid="ignore", over="ignore"):
        difference = np.asarray(estimate, float) - np.asarray(truth, float)
        out: Floats = np.sqrt((difference * difference).sum(-1))
    return out


def pck3d(
    error: Floats, labelled: Bools, thresholds: Sequence[float], misses: Misses = "wrong", over: Over = "joints"
) -> Floats:
    """(P,) share of joints at most each threshold (m) away from the truth: 3DPCK (AGMA, 3.3).

    A labelled joint that was not found counts as wrong, as in AGMA's tables, or is left out. `over`: all joints
    pooled, or the mean of every frame's share. NaN where nothing counts.
    """
    counted = counted_joints(error, labelled, misses)
    return average(within(error, thresholds).astype(float), counted, over)


def within(error: Floats, thresholds: Sequence[float]) -> Bools:
    """(P, T, K) whether errors are at most each threshold, in m."""
    limits = np.asarray(thresholds, float)[:, None, None]
    return np.asarray(error <= limits + _ROUNDING)


def counted_joints(error: Floats, labelled: Bools, misses: Misses) -> Bools:
    """(T, K) the joints that a share is taken of: the labelled ones, or those of them that were found."""
    if misses not in ("wrong", "left out"):
        raise UsageError(f"misses: expected 'wrong' or 'left out', got {misses!r}")
    return labelled if misses == "wrong" else labelled & np.isfinite(error)


def detection_rate(error: Floats, labelled: Bools, over: Over = "joints") -> float:
    """The share of labelled joints that were found; over all joints, or the mean of every frame's share."""
    return float(average(np.isfinite(error).astype(float), labelled, over))


def average(x: Floats, counted: Bools, over: Over = "joints") -> Floats:
    """(...) mean of x (..., T, K) where `counted` (T, K); of all joints, or of the means of the frames that have any.

    NaN where nothing is counted.
    """
    if over not in ("joints", "frames"):
        raise UsageError(f"over: expected 'joints' or 'frames', got {over!r}")
    sums, n = np.where(counted, x, 0.0).sum(-1), counted.sum(-1)
    if over == "frames":
        some = n > 0
        sums, n = sums[..., some] / n[some], np.ones(some.sum(), int)
    total = n.sum()
    return np.asarray(sums.sum(-1) / total if total else np.full(sums.shape[:-1], np.nan))


def spread(error: Floats) -> tuple[float, float, float]:
    """Mean, STD and median of the errors that are known, NaN where none is; the STD is the population's (over N).

    Found joints alone: so is AGMA's mean error, which has to be read beside the detection rate.
    """
    known = error[np.isfinite(error)]
    if not known.size:
        return np.nan, np.nan, np.nan
    return float(known.mean()), float(known.std()), float(np.median(known))


def joint_groups(joints: Sequence[str]) -> dict[str, Ints]:
    """Which joints make up each of AGMA's groups, left and right together; groups without a joint are not there."""
    bare = [j.removeprefix("left_").removeprefix("right_") for j in joints]
    members = {group: np.flatnonzero([name == group.removesuffix("s") for name in bare]) for group in AGMA_GROUPS}
    return {group: which for group, which in members.items() if which.size}


def bone_lengths(xyz: Floats, bones: Sequence[tuple[int, int]]) -> Floats:
    """(T, B) m, each bone's length in each frame of (T, K, 3) joints; NaN where one of its ends is not known."""
    ends = np.asarray(bones, int).reshape(-1, 2)
    return distance(xyz[:, ends[:, 0]], xyz[:, ends[:, 1]])


class LengthStatistics(NamedTuple):
    """How steady bones are over time, (B,) each; bones keep their length, so it needs no truth. NaN: never seen."""

    median: Floats
    """m."""
    mean: Floats
    """m."""
    std: Floats
    """m, the population's."""
    variation: Floats
    """STD / mean, the coefficient of variation."""


def length_statistics(lengths: Floats) -> LengthStatistics:
    """Median, mean, STD and coefficient of variation of lengths (T, B) over time."""
    rows = np.array([spread(column) for column in lengths.T]).reshape(-1, 3)
    means, deviations, medians = rows.T
    variation = np.divide(deviations, means, out=np.full_like(means, np.nan), where=means > 0)
    return LengthStatistics(medians, means, deviations, variation)


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
    return distance(acceleration(xyz, time), acceleration(truth, time))
