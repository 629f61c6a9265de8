"""What any infant's body says beforehand of a skeleton's joints: how far apart they are, how thick the flesh is.

All in parts of the crown-heel length, which hardly change with age: bones and widths from fetal biometry and external
measures, girths from g = k sqrt(mass / length), which is nearly in proportion to length too (Snyder et al. 1977;
INTERGROWTH-21st; WHO 2006). The spreads are wide on purpose: they cover infants from 28 weeks to six months.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from stereo3d.cameras import RectifiedCamera
from stereo3d.refinement.evidence import located
from stereo3d.skeleton import Skeleton
from stereo3d.values import Bools, Floats, Ints

LENGTH, LENGTH_SPREAD = 0.50, 0.15
"""m and the standard deviation of its logarithm: an infant at term, give or take what the growth tables span."""
_BONES = {
    "shoulder-elbow": (0.155, 0.06), "elbow-wrist": (0.130, 0.06), "hip-knee": (0.175, 0.07),
    "knee-ankle": (0.170, 0.06), "shoulder-hip": (0.341, 0.06),
    "left_shoulder-right_shoulder": (0.195, 0.08), "left_hip-right_hip": (0.110, 0.12),
    "left_shoulder-right_hip": (0.371, 0.06), "right_shoulder-left_hip": (0.371, 0.06),
    "left_eye-right_eye": (0.082, 0.12), "nose-eye": (0.058, 0.15), "eye-ear": (0.109, 0.12), "nose-ear": (0.150, 0.12),
}
"""Length and its relative standard deviation; a name without a side stands for both sides."""
_RADII = {"shoulder": 0.034, "elbow": 0.031, "wrist": 0.0245, "hip": 0.048, "knee": 0.039, "ankle": 0.028}
_LIMBS = ("shoulder-elbow", "elbow-wrist", "hip-knee", "knee-ankle")


class Anatomy(NamedTuple):
    """What holds for the K joints of one skeleton."""

    kinds: tuple[str, ...]
    """K names without their sides."""
    bones: Ints
    """(B, 2) joints whose distance is known roughly."""
    ratio: Floats
    """(B,) their distance over the body's length."""
    spread: Floats
    """(B,) its relative standard deviation."""
    limbs: Ints
    """(M, 2) joints between which a round limb lies."""
    radius: Floats
    """(K,) of the limb at the joint over the body's length; 0 for a joint of no limb."""


@lru_cache
def _anatomy(joints: tuple[str, ...]) -> Anatomy:
    bones = [(ends, *measure) for name, measure in _BONES.items() for ends in _ends(name, joints)]
    limbs = [ends for name in _LIMBS for ends in _ends(name, joints)]
    kinds = tuple(kind_of(joint) for joint in joints)
    ends, ratio, spread = zip(*bones) if bones else ((), (), ())
    return Anatomy(
        kinds, np.array(ends, int).reshape(-1, 2), np.array(ratio), np.array(spread),
        np.array(limbs, int).reshape(-1, 2), np.array([_RADII.get(kind, 0.0) for kind in kinds]),
    )


def anatomy(skeleton: Skeleton) -> Anatomy:
    """What is known of the skeleton's joints by their names; nothing of joints that go by other names."""
    return _anatomy(skeleton.joints)


def kind_of(joint: str) -> str:
    """The joint's name without its side."""
    return joint.removeprefix("left_").removeprefix("right_")


def rows_of_kinds(kinds: Sequence[str], joints: Sequence[str]) -> Ints:
    """(K,) which of the kinds each joint is of, -1 for none."""
    row = {kind: i for i, kind in enumerate(kinds)}
    return np.array([row.get(kind_of(joint), -1) for joint in joints], int)


def _ends(name: str, joints: tuple[str, ...]) -> list[tuple[int, int]]:
    """The numbers of a bone's two joints, once for each side."""
    a, b = name.split("-")
    sided = [(a, b)] if "_" in a else [(_on(side, a), _on(side, b)) for side in ("left", "right")]
    return [(joints.index(p), joints.index(q)) for p, q in sided if p in joints and q in joints]


def _on(side: str, kind: str) -> str:
    return kind if kind == "nose" else f"{side}_{kind}"


def body_length(place: Floats, sigma: Floats, *, skeleton: Skeleton, camera: RectifiedCamera) -> Floats:
    """(T,) m, the infant's crown-heel length as its bones in each frame (T, K, 3) px tell it.

    A bone between noisy ends looks longer than it is; that is taken off. The recording holds one infant, so frames are
    drawn to their common median, the less the more they differ beyond their noise. Never NaN.
    """
    body = anatomy(skeleton)
    if not len(body.bones) or not len(place):
        return np.full(len(place), LENGTH)
    found, weight = _lengths(place, sigma, body=body, camera=camera)
    each, variance = _weighted_median(np.log(found), weight)
    known = np.isfinite(each)
    if not known.any():
        return np.full(len(place), LENGTH)
    middle, n = float(np.median(each[known])), int(known.sum())
    between = max(float(np.median((each[known] - middle) ** 2)) / 0.455 - float(np.median(variance[known])), 0.0)
    certain = 1 / (1 / LENGTH_SPREAD**2 + n / (float(np.median(variance[known])) + between))
    middle += (np.log(LENGTH) - middle) * certain / LENGTH_SPREAD**2
    pull = between / (between + np.where(known, variance, np.inf))
    return np.asarray(np.exp(middle + pull * np.where(known, each - middle, 0.0)), float)


def _lengths(place: Floats, sigma: Floats, *, body: Anatomy, camera: RectifiedCamera) -> tuple[Floats, Floats]:
    """(T, B) m, the body's length as each bone tells it, and (T, B) the weight of its logarithm; NaN and 0 for none."""
    xyz, deviation = located(place, sigma, camera)
    a, b = body.bones.T
    noise = (deviation[:, a] ** 2 + deviation[:, b] ** 2).sum(-1)
    square = ((xyz[:, a] - xyz[:, b]) ** 2).sum(-1) - noise
    with np.errstate(invalid="ignore", divide="ignore"):
        length = np.sqrt(np.maximum(square, 0.04 * body.ratio**2 * LENGTH**2)) / body.ratio
        weight = 1 / (body.spread**2 + noise / (body.ratio * LENGTH) ** 2)
    known: Bools = np.isfinite(length) & np.isfinite(weight)
    return np.where(known, length, np.nan), np.where(known, weight, 0.0)


def _weighted_median(x: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """(T,) of each row of x (T, B) with its weights, and its variance if the weights are inverse variances."""
    order = np.argsort(np.where(weight > 0, x, np.inf), 1)
    heavy = np.take_along_axis(weight, order, 1)
    running = np.cumsum(heavy, 1)
    total = running[:, -1:]
    at = (running >= total / 2).argmax(1)
    middle = np.take_along_axis(np.take_along_axis(x, order, 1), at[:, None], 1)[:, 0]
    with np.errstate(divide="ignore"):
        variance = 1.57 / total[:, 0]
    return np.where(total[:, 0] > 0, middle, np.nan), variance
