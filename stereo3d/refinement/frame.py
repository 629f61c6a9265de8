"""Each frame by itself: detectors' and pictures' disparity fused, joints in metres, and how sure each is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import log_ndtr

from stereo3d.poses import Poses3D
from stereo3d.refinement.evidence import Evidence, located
from stereo3d.refinement.explain import HIDDEN_DEPTH
from stereo3d.refinement.mixture import half_width
from stereo3d.values import Floats


class Disparity(NamedTuple):
    """(T, K) px."""

    mean: Floats
    sigma: Floats


def fused(evidence: Evidence) -> Disparity:
    """The disparity of each joint from detectors and pictures, and its standard deviation.

    Seen, both are weighed by their variances; hidden, the joint lies behind what the pictures show; the two cases by
    their probabilities. Of a joint with one of both disparities, that one.
    """
    sign = np.sign(evidence.camera.baseline)
    d, own = sign * evidence.place[..., 2], evidence.sigma[..., 2]
    m, other = sign * evidence.matched, evidence.matched_sigma
    both = np.isfinite(d) & np.isfinite(m)
    with np.errstate(invalid="ignore", divide="ignore"):
        certain = 1 / own**2 + 1 / other**2
        seen = (d / own**2 + m / other**2) / certain
        behind, behind_sigma = _behind(d, own, m, other, evidence)
        h = evidence.hidden
        mean = (1 - h) * seen + h * behind
        both_sigma = half_width(1 - h, mean, (seen, 1 / np.sqrt(certain)), (behind, behind_sigma))
    mean = np.where(both, mean, np.where(np.isfinite(d), d, m))
    sigma = np.where(both, both_sigma, np.where(np.isfinite(d), own, other))
    return Disparity(sign * mean, sigma)


def _behind(d: Floats, own: Floats, m: Floats, other: Floats, evidence: Evidence) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the disparity of a joint behind the thing at m: a normal cut off at 0, tilted.

    The gap between thing and joint is exponential beforehand; with the detectors' d it is a cut-off normal.
    """
    s2 = own**2 + other**2
    s = np.sqrt(s2)
    scale = HIDDEN_DEPTH * np.abs(m) ** 2 / (abs(evidence.camera.baseline) * evidence.camera.focal)
    middle = m - d - s2 / scale
    ratio = middle / s
    hazard = np.exp(-0.5 * ratio**2 - 0.5 * np.log(2 * np.pi) - log_ndtr(ratio))
    gap = middle + s * hazard
    spread = s * np.sqrt(np.maximum(1 - hazard * (hazard + ratio), 0.02))
    # the gap tells of d what is not told by m's own noise
    share = own**2 / s2
    return d + share * (m - d - gap), np.sqrt(own**2 * other**2 / s2 + share**2 * spread**2)


def refine_frames(evidence: Evidence) -> Poses3D:
    """The joints in metres, each frame by itself, with standard deviations that hold."""
    d, sigma = fused(evidence)
    place = np.concatenate([evidence.place[..., :2], d[..., None]], -1)
    spread = np.concatenate([evidence.sigma[..., :2], sigma[..., None]], -1)
    xyz, deviation = located(place, spread, evidence.camera)
    gone = ~np.isfinite(xyz).all(-1)
    xyz[gone], deviation[gone] = np.nan, np.nan
    return Poses3D(
        xyz, evidence.score, deviation, evidence.residual, evidence.status, evidence.time, evidence.frame,
        evidence.skeleton, evidence.camera, {"refine": {"method": "frame"}},
    )
