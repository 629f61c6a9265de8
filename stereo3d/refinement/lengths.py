"""How long bones are: as single frames measure them, and as a recording tells the infant's own proportions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stereo3d.cameras import RectifiedCamera
from stereo3d.refinement.bones import Bones
from stereo3d.refinement.evidence import Evidence, with_covariance
from stereo3d.values import Bools, Floats, Ints

LOOSENESS = 1.5
"""By how much more than tables say proportions may differ: detectors mean joints of their own."""
LOOSEST = 0.15
"""Standard deviation of the logarithm of a length beyond which a bone says nothing."""
TAIL = 4.0
"""Degrees of freedom of Student's t, by which bones miss their length."""
_LASTING = 0.03
"""Part of a bone's length by which its mean over a recording may be off."""
_WOBBLE = 0.02
"""By what part bones differ from their length at any time."""
_SHORTEST = 1e-4
"""m."""


class Points(NamedTuple):
    """(T, K, 3) m and (T, K, 3, 3) m^2."""

    xyz: Floats
    spread: Floats


class Lengths(NamedTuple):
    """(T, B) m of bones, and (T, B) m^2 by which noise makes them vary."""

    mean: Floats
    variance: Floats


class Usual(NamedTuple):
    """How long bones ought to be."""

    length: Floats
    """(T, B) m."""
    about: Floats
    """(B,) standard deviation of its logarithm."""


def points(found: Evidence, d: Floats, sigma: Floats, camera: RectifiedCamera) -> Points:
    """The joints in m at disparities (T, K) px with standard deviations (T, K) px."""
    place = np.concatenate([found.place[..., :2], d[..., None]], -1)
    spread = np.concatenate([found.sigma[..., :2], sigma[..., None]], -1)
    return Points(*with_covariance(place, spread, camera))


def measured(a: Points, b: Points, first: Ints, second: Ints) -> Lengths:
    """Between the joints `first` of a and `second` of b."""
    way = a.xyz[:, first] - b.xyz[:, second]
    long = np.maximum(np.linalg.norm(way, axis=-1), _SHORTEST)
    along = way / long[..., None]
    noise = np.einsum("tbi,tbij,tbj->tb", along, a.spread[:, first] + b.spread[:, second], along)
    return Lengths(long, noise)


def usual_lengths(likely: Points, bones: Bones, length: Floats) -> Usual:
    """What bones between the likely places of a whole recording's joints tell of this infant; `length` (T,) m, the
    body's."""
    ratio, spread = learned(measured(likely, likely, *bones.ends.T), bones, length)
    return Usual(length[:, None] * ratio[bones.kind], np.hypot(spread, _WOBBLE)[bones.kind])


def learned(seen: Lengths, bones: Bones, length: Floats) -> tuple[Floats, Floats]:
    """(N,) lengths of the kinds of bones over the body's, and the standard deviations of their logarithms.

    Medians of all frames and of both sides, drawn to the tables by how sure they are.
    """
    ratio, spread = bones.ratio.copy(), bones.spread.copy()
    for kind in range(len(ratio)):
        own = bones.kind == kind
        relative = (seen.mean[:, own] / length[:, None]).ravel()
        noise = (seen.variance[:, own] / length[:, None] ** 2).ravel()
        known: Bools = np.isfinite(relative) & np.isfinite(noise)
        if not known.any():
            continue
        middle, usual = float(np.median(relative[known])), ratio[kind]
        before = spread[kind] ** 2
        after = float(np.median(noise[known])) / usual**2 / max(1, own.sum()) + _LASTING**2
        ratio[kind] = usual * (middle / usual) ** (before / (before + after))
        spread[kind] = np.sqrt(before * after / (before + after))
    return ratio, spread


def log_density(miss: Floats, variance: Floats) -> Floats:
    """The logarithm of the density of bones that miss their length by `miss` m, with Student's tails."""
    return np.asarray(-0.5 * np.log(variance) - (TAIL + 1) / 2 * np.log1p(miss * miss / variance / TAIL))
