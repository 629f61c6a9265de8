"""Limb by limb: Limb Overlap Score, root mean square distance, and how steady the segments' lengths are.

Errors are (T, K) px, differences (T, K, 2) px, NaN where there is no estimate. A limb is three joints. Sources:
"A Monitoring Support System Based on HRNet+DEKR for Neonatal Intensive Care Units", here HRNet+DEKR;
L. Migliorelli et al., "Asymmetric Three-dimensional Convolutions For Preterm Infants' Pose Estimation", EMBC 2021.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np

from stereo3d.errors import UsageError
from stereo3d.evaluation import metrics
from stereo3d.evaluation.pixels import frame_means
from stereo3d.values import Bools, Floats, Ints

Reading = Literal["joint", "coordinate"]
ASYMMETRIC_SIZE = (128, 96)
"""(width, height) px that the RMSD of the asymmetric convolutions' paper is in."""
_SIDES = ("right", "left")
_CHAINS = {"arm": ("wrist", "elbow", "shoulder"), "leg": ("ankle", "knee", "hip")}
_SEGMENTS = {"forearm": ("wrist", "elbow"), "upper arm": ("elbow", "shoulder"), "shank": ("ankle", "knee"),
             "thigh": ("knee", "hip")}  # fmt: skip


def limbs(joints: Sequence[str]) -> dict[str, Ints]:
    """The joints of each arm and leg, wrist to shoulder and ankle to hip; those that lack one are left out."""
    return {name: np.array(chain) for name, chain in _parts(joints, _CHAINS).items()}


def segments(joints: Sequence[str]) -> dict[str, tuple[int, int]]:
    """The two ends of each forearm, upper arm, shank and thigh, for `metrics.bone_lengths`."""
    return {name: (a, b) for name, (a, b) in _parts(joints, _SEGMENTS).items()}


class LimbOverlap(NamedTuple):
    """LOS of L limbs, and the distances behind it: at 640 x 480 a LOS of .992 is 6.4 px."""

    score: Floats
    """(L,) 1 - mean distance / diagonal, NaN for a limb that was never visible."""
    distance: Floats
    """(L,) px."""
    mean_score: float
    """Over limbs."""
    mean_distance: float
    """px, over limbs."""


def limb_overlap(error: Floats, visible: Bools, limb: Mapping[str, Ints], size: tuple[int, int]) -> LimbOverlap:
    """LOS (HRNet+DEKR, eq. 4): for each frame and limb the mean distance of visible joints, over the diagonal.

    Averaged over frames, then over limbs. `visible` (T, K) leaves out what the annotators could not see; a visible
    joint that was not found has no distance and is left out too, so read the detection rate beside it.
    `size` is the picture's (width, height) px; of a tile where pictures were laid out in a grid.
    """
    per_frame = _per_limb(np.where(visible, error, np.nan), limb, power=1)
    distance = np.array([metrics.spread(column)[0] for column in per_frame.T])
    score = 1 - distance / np.hypot(*size)
    return LimbOverlap(score, distance, metrics.spread(score)[0], metrics.spread(distance)[0])


def rmsd(difference: Floats, limb: Mapping[str, Ints], reading: Reading = "joint") -> Floats:
    """(T, L) px root mean square distance of each limb's found joints in each frame (asymmetric convolutions, eq. 1).

    The paper's "joint coordinates" can be read as joints, n of them with Euclidean distances, or as their x and y,
    2 n numbers: sqrt(2) less. NaN where no joint of the limb was found. Raises UsageError for another reading.
    """
    if reading not in get_args(Reading):
        raise UsageError(f"reading: expected 'joint' or 'coordinate', got {reading!r}")
    per_joint = np.sqrt(_per_limb(metrics.distance(difference, 0.0), limb, power=2))
    return per_joint if reading == "joint" else per_joint / np.sqrt(difference.shape[-1])


def resized(difference: Floats, size: tuple[int, int], to: tuple[int, int] = ASYMMETRIC_SIZE) -> Floats:
    """(..., 2) px differences in pictures of (width, height) `size` as they are in pictures of size `to`."""
    return np.asarray(difference * (np.asarray(to, float) / np.asarray(size, float)))


def median_iqr(x: Floats) -> Floats:
    """(2, L) median and interquartile range of the known numbers of each column of x (T, L), NaN where none is."""
    rows = [np.quantile(c, [0.25, 0.5, 0.75]) if c.size else [np.nan] * 3 for c in (c[np.isfinite(c)] for c in x.T)]
    low, median, high = np.array(rows).reshape(-1, 3).T
    return np.stack([median, high - low])


def _parts(joints: Sequence[str], parts: Mapping[str, tuple[str, ...]]) -> dict[str, list[int]]:
    named = {f"{side} {part}": [f"{side}_{j}" for j in ends] for part, ends in parts.items() for side in _SIDES}
    there = list(joints)
    return {part: [there.index(j) for j in ends] for part, ends in named.items() if set(ends) <= set(there)}


def _per_limb(x: Floats, limb: Mapping[str, Ints], power: int) -> Floats:
    """(T, L) mean power of each limb's known numbers of (T, K)."""
    parts = [x[:, which] ** power for which in limb.values()]
    means = [frame_means(part, np.isfinite(part)) for part in parts]
    return np.array(means, float).reshape(len(parts), len(x)).T
