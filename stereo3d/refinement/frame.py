"""Each frame by itself: detectors' and pictures' disparity fused, joints in metres, and how sure each is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stereo3d.poses import Poses3D
from stereo3d.refinement.along import held_by_bones
from stereo3d.refinement.evidence import Evidence, located
from stereo3d.refinement.mixture import Cases
from stereo3d.refinement.systematic import left_over, lengthened
from stereo3d.values import Floats

_WARY = 4.0
"""By what a px of error counts more where pictures show something else, and plain joints had been nearer, than where
they show the joint: what is refined shall not be worse. The median by odds so changed makes the expected loss least."""


class Disparity(NamedTuple):
    """(T, K) px."""

    mean: Floats
    sigma: Floats


def fused(evidence: Evidence, *, bones: bool = False) -> Disparity:
    """The disparity of each joint from detectors and pictures, and its standard deviation.

    Seen, both are weighed by their variances; where the pictures show another thing, the detectors' stands alone. Of
    the two cases, mixed by their probabilities, the second weighed heavier, the median is taken: between two places
    that are far apart the mean is neither. Of a joint with one of both disparities, that one. With `bones` both cases
    are held to the lengths of bones.
    """
    cases = _cases(evidence)
    wary = cases.share / (cases.share + _WARY * (1 - cases.share))
    if bones:
        return Disparity(*held_by_bones(evidence, cases, wary))
    middle = cases.median(wary)
    return Disparity(middle, cases.half_width(middle))


def _cases(evidence: Evidence) -> Cases:
    """The disparity where the pictures show the joint, and where they do not."""
    d, own = evidence.place[..., 2], evidence.sigma[..., 2]
    m, other = evidence.matched, evidence.matched_sigma
    both, alone = np.isfinite(d) & np.isfinite(m), np.isfinite(d)
    with np.errstate(invalid="ignore", divide="ignore"):
        certain = 1 / own**2 + 1 / other**2
        seen = (d / own**2 + m / other**2) / certain, 1 / np.sqrt(certain)
    that = np.where(alone, d, m), np.where(alone, own, other)
    seen = np.where(both, seen[0], that[0]), np.where(both, seen[1], that[1])
    return Cases(seen, that, np.where(both, 1 - evidence.hidden, 1.0))


def refine_frames(evidence: Evidence, *, bones: bool = True) -> Poses3D:
    """The joints in metres, each frame by itself, with standard deviations that hold; `bones`: held to their lengths,
    which all frames tell."""
    d, sigma = fused(evidence, bones=bones)
    place = np.concatenate([evidence.place[..., :2], d[..., None]], -1)
    spread = np.concatenate([evidence.sigma[..., :2], np.hypot(sigma, left_over(evidence))[..., None]], -1)
    xyz, deviation = located(place, lengthened(evidence, spread), evidence.camera)
    gone = ~np.isfinite(xyz).all(-1)
    xyz[gone], deviation[gone] = np.nan, np.nan
    return Poses3D(
        xyz, evidence.score, deviation, evidence.residual, evidence.status, evidence.time, evidence.frame,
        evidence.skeleton, evidence.camera, {"refine": {"method": "frame"}},
    )
