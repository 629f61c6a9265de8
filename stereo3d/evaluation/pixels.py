"""How far joints are from the truth in pictures: PCK of the torso, PCKh of the head, and errors over sizes.

Errors are (T, K) px from `metrics.distance`, NaN where there is no estimate; `labelled` (T, K) says where there is a
truth; a size (T,) px, one for each picture, is what a threshold is a share of. Sources: AGMA (see `metrics`), 3.3;
D. Groos et al., "Towards human-level performance on automatic pose estimation of infant spontaneous movements",
Computerized Medical Imaging and Graphics 95 (2022), here In-Motion.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from stereo3d.errors import UsageError
from stereo3d.evaluation import metrics
from stereo3d.skeleton import Skeleton
from stereo3d.values import Bools, Floats

PCK_SHARES = (0.05, 0.1, 0.2)
"""Of the torso height, those of AGMA's table 3."""
PCKH_SHARES = (1.0, 0.5, 0.3, 0.2, 0.1)
"""Of the head length, those of In-Motion's table 1."""
_HEADS = (("head_top", "upper_neck", 1.0), ("forehead", "upper_neck", 1.0), ("nose", "upper_neck", 2.0),
          ("nose", "neck", 2.0))  # fmt: skip
_ROUNDING = 1e-9
"""Of the threshold. A joint at it counts as right, so rounding must not make it wrong."""


def torso_height(xy: Floats, skeleton: Skeleton) -> Floats:
    """(T,) px from the right hip to the right shoulder of true joints (T, K, 2): the T of PCK@X (AGMA, eq. 5).

    Raises UsageError where the skeleton has no torso.
    """
    if skeleton.torso is None:
        raise UsageError(f"{skeleton.name}: has no torso (right hip, right shoulder) to measure errors by")
    hip, shoulder = skeleton.torso
    return metrics.distance(xy[:, hip], xy[:, shoulder])


def head_length(xy: Floats, skeleton: Skeleton) -> Floats:
    """(T,) px from the top of the head to the upper neck of true joints (T, K, 2) (In-Motion, 2.1).

    Skeletons without a top of the head: twice nose to neck, as In-Motion has it for MINI-RGBD (appendix C).
    Raises UsageError for a skeleton without a neck, such as COCO's.
    """
    for top, neck, times in _HEADS:
        if {top, neck} <= set(skeleton.joints):
            return times * metrics.distance(xy[:, skeleton.index(top)], xy[:, skeleton.index(neck)])
    raise UsageError(f"{skeleton.name}: has no head_top and upper_neck, nor nose and neck, to take a head length from")


def relative(error: Floats, size: Floats) -> Floats:
    """(..., T, K) errors (..., T, K) px as multiples of each picture's size (..., T) px, NaN where it has none."""
    usable = np.where(size > 0, size, np.nan)
    return np.asarray(error / usable[..., None])


def pck(
    error: Floats, labelled: Bools, size: Floats, shares: Sequence[float] = PCK_SHARES,
    misses: metrics.Misses = "wrong", over: metrics.Over = "joints",
) -> Floats:
    """(P,) share of joints at most `shares` of a size away: PCK@X of the torso height, PCKh@t of the head length.

    AGMA's eq. 5 compares d^2 with X T, which is no length; read d <= X T, inclusive. Pictures of unknown size are
    left out. Misses as in `metrics.pck3d`. NaN where nothing counts.
    """
    counted = metrics.counted_joints(error, labelled, misses) & (size > 0)[:, None]
    return metrics.average(within(error, size, shares).astype(float), counted, over)


def within(error: Floats, size: Floats, shares: Sequence[float]) -> Bools:
    """(P, T, K) whether errors are at most each share of their picture's size."""
    limits = np.asarray(shares, float)[:, None, None] * (1 + _ROUNDING)
    return np.asarray(relative(error, size) <= limits)


def mean_error(error: Floats, labelled: Bools, size: Floats) -> Floats:
    """(K,) each joint's mean error over the size of its picture: ME with head lengths (In-Motion, eq. 2).

    Found joints alone, as In-Motion counts OpenPose's (table 1, b). ME of all parts is the mean of these.
    """
    normalised = relative(error, size)
    return joint_means(normalised, labelled & np.isfinite(normalised))


def joint_means(x: Floats, counted: Bools) -> Floats:
    """(K,) means over frames of x (T, K) where `counted`, NaN where nothing is."""
    return _means(x, counted, 0)


def frame_means(x: Floats, counted: Bools) -> Floats:
    """(..., T) means over joints of x (..., T, K) where `counted`, NaN where nothing is."""
    return _means(x, counted, -1)


def picture_error(error: Floats, labelled: Bools) -> Floats:
    """(..., T) mean error of each picture's found joints, (..., T, K): what AGMA's figure 6 draws, in px."""
    return frame_means(error, labelled & np.isfinite(error))


def row_noise(residual: ArrayLike) -> float:
    """px, STD of a detector's rows along an axis, from row residuals v_left - v_right: their STD over sqrt(2).

    Both views err alike and apart from each other, so no truth is needed. NaN where no residual is known.
    """
    return metrics.spread(np.asarray(residual, float))[1] / math.sqrt(2.0)


def _means(x: Floats, counted: Bools, axis: int) -> Floats:
    n = counted.sum(axis)
    total = np.where(counted, x, 0.0).sum(axis)
    return np.asarray(np.divide(total, n, out=np.full(total.shape, np.nan), where=n > 0))
