"""What bones say of whether a joint is seen: pictures that show what lies before it make bones too long or too short.

A joint's bones are measured twice, with the joint where pictures and detectors agree best and where the detectors alone
have it; their other ends are where they most likely are. The infant's own proportions are learned beforehand from all
frames and both sides, so that neither odd builds nor a detector's own notion of joints is taken for something hidden.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from stereo3d.refinement.bones import bones_of
from stereo3d.refinement.evidence import Evidence
from stereo3d.refinement.explain import Compared, Shares
from stereo3d.refinement.lengths import LOOSENESS, LOOSEST, Lengths, Usual, log_density, measured, points, usual_lengths
from stereo3d.refinement.mixture import half_width, median
from stereo3d.values import Floats

_MOST = 4.0
"""The most that all bones of a joint together may say, a logarithm of odds."""


def hidden_by_bones(found: Evidence, c: Compared, shares: Shares, *, length: Floats) -> Floats:
    """(T, K) logarithm of the odds, by its bones, that a joint is hidden against that it is seen; 0: nothing said.

    c: detectors and pictures compared; shares: the reasons' probabilities so far; length (T,) m, the body's.
    """
    bones = bones_of(found.skeleton, looseness=LOOSENESS)
    if not len(bones) or not np.isfinite(c.off).any():
        return np.zeros(c.off.shape)
    camera = dataclasses.replace(found.camera, baseline=abs(found.camera.baseline))
    own = c.joint + c.off, c.own
    both = _together(c)
    likely = points(found, *_likely(found, shares, both, own, c), camera)
    usual = usual_lengths(likely, bones, length)
    as_seen, as_hidden = (points(found, *x, camera) for x in (both, own))
    out = np.zeros(c.off.shape)
    for mine, other in (bones.ends.T, bones.ends[:, ::-1].T):
        hidden, seen = (_likelihood(measured(x, likely, mine, other), usual) for x in (as_hidden, as_seen))
        said = np.where(usual.about <= LOOSEST, np.nan_to_num(hidden - seen), 0.0)
        for bone, joint in enumerate(mine.tolist()):
            out[:, joint] += said[:, bone]
    return np.where(np.isfinite(c.off), np.clip(out, -_MOST, _MOST), 0.0)


def _together(c: Compared) -> tuple[Floats, Floats]:
    """Disparity and its standard deviation where the joint is seen."""
    certain = 1 / c.own**2 + 1 / c.spread**2
    return c.joint + c.off / c.own**2 / certain, 1 / np.sqrt(certain)


def _likely(
    found: Evidence, shares: Shares, both: tuple[Floats, Floats], own: tuple[Floats, Floats], c: Compared
) -> tuple[Floats, Floats]:
    """Disparities and their standard deviations with both reasons mixed; what there is where one view was refused."""
    mean = median(shares.seen, both, own)
    width = half_width(shares.seen, mean, both, own)
    d, sigma = np.abs(found.place[..., 2]), found.sigma[..., 2]
    there = np.isfinite(d)
    mean = np.where(np.isfinite(mean), mean, np.where(there, d, c.joint))
    return mean, np.where(np.isfinite(width), width, np.where(there, sigma, c.spread))


def _likelihood(bone: Lengths, usual: Usual) -> Floats:
    """(T, B) logarithm of the density of a length."""
    return log_density(bone.mean - usual.length, bone.variance + (usual.about * usual.length) ** 2)
