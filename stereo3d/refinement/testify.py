"""What bones say of whether a joint is seen: pictures that show what lies before it make bones too long or too short.

A joint's bones are measured twice, with the joint where pictures and detectors agree best and where the detectors alone
have it; their other ends are where they most likely are. The infant's own proportions are learned beforehand from all
frames and both sides, so that neither odd builds nor a detector's own notion of joints is taken for something hidden.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np

from stereo3d.cameras import RectifiedCamera
from stereo3d.refinement.bones import Bones, bones_of
from stereo3d.refinement.evidence import Evidence, covariance, located
from stereo3d.refinement.explain import Compared, Shares
from stereo3d.refinement.mixture import half_width, median
from stereo3d.values import Bools, Floats, Ints

_LOOSENESS = 1.5
"""By how much more than tables say proportions may differ: detectors mean joints of their own."""
_LASTING = 0.03
"""Part of a bone's length by which its mean over a recording may be off."""
_WOBBLE = 0.02
"""By what part bones differ from their length at any time."""
_LOOSEST = 0.15
"""Standard deviation of the logarithm of a length beyond which a bone says nothing."""
_TAIL = 4.0
"""Degrees of freedom of Student's t."""
_MOST = 4.0
"""The most that all bones of a joint together may say, a logarithm of odds."""


class _Points(NamedTuple):
    """(T, K, 3) m and (T, K, 3, 3) m^2."""

    xyz: Floats
    spread: Floats


class _Lengths(NamedTuple):
    """(T, B) m of bones, and (T, B) m^2 by which noise makes them vary."""

    mean: Floats
    variance: Floats


def hidden_by_bones(found: Evidence, c: Compared, shares: Shares, *, length: Floats) -> Floats:
    """(T, K) logarithm of the odds, by its bones, that a joint is hidden against that it is seen; 0: nothing said.

    c: detectors and pictures compared; shares: the reasons' probabilities so far; length (T,) m, the body's.
    """
    bones = bones_of(found.skeleton, looseness=_LOOSENESS)
    if not len(bones) or not np.isfinite(c.off).any():
        return np.zeros(c.off.shape)
    camera = dataclasses.replace(found.camera, baseline=abs(found.camera.baseline))
    own = c.joint + c.off, c.own
    both = _together(c)
    likely = _points(found, *_likely(found, shares, both, own, c), camera)
    ratio, spread = _learned(_measured(likely, likely, *bones.ends.T), bones, length)
    usual, about = length[:, None] * ratio[bones.kind], np.hypot(spread, _WOBBLE)[bones.kind]
    as_seen, as_hidden = (_points(found, *x, camera) for x in (both, own))
    out = np.zeros(c.off.shape)
    for mine, other in (bones.ends.T, bones.ends[:, ::-1].T):
        hidden, seen = (_likelihood(_measured(x, likely, mine, other), usual, about) for x in (as_hidden, as_seen))
        said = np.where(about <= _LOOSEST, np.nan_to_num(hidden - seen), 0.0)
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


def _points(found: Evidence, d: Floats, sigma: Floats, camera: RectifiedCamera) -> _Points:
    place = np.concatenate([found.place[..., :2], d[..., None]], -1)
    spread = np.concatenate([found.sigma[..., :2], sigma[..., None]], -1)
    return _Points(located(place, spread, camera)[0], covariance(place, spread, camera))


def _measured(a: _Points, b: _Points, first: Ints, second: Ints) -> _Lengths:
    """Between the joints `first` of a and `second` of b."""
    way = a.xyz[:, first] - b.xyz[:, second]
    long = np.maximum(np.linalg.norm(way, axis=-1), 1e-4)
    along = way / long[..., None]
    noise = np.einsum("tbi,tbij,tbj->tb", along, a.spread[:, first] + b.spread[:, second], along)
    return _Lengths(long, noise)


def _learned(measured: _Lengths, bones: Bones, length: Floats) -> tuple[Floats, Floats]:
    """(N,) lengths of the kinds of bones over the body's, and the standard deviations of their logarithms.

    Medians of all frames and of both sides, drawn to the tables by how sure they are.
    """
    ratio, spread = bones.ratio.copy(), bones.spread.copy()
    for kind in range(len(ratio)):
        own = bones.kind == kind
        relative = (measured.mean[:, own] / length[:, None]).ravel()
        noise = (measured.variance[:, own] / length[:, None] ** 2).ravel()
        known: Bools = np.isfinite(relative) & np.isfinite(noise)
        if not known.any():
            continue
        middle, usual = float(np.median(relative[known])), ratio[kind]
        before = spread[kind] ** 2
        after = float(np.median(noise[known])) / usual**2 / max(1, own.sum()) + _LASTING**2
        ratio[kind] = usual * (middle / usual) ** (before / (before + after))
        spread[kind] = np.sqrt(before * after / (before + after))
    return ratio, spread


def _likelihood(bone: _Lengths, usual: Floats, about: Floats) -> Floats:
    """(T, B) logarithm of the density of a length, with Student's tails."""
    variance = bone.variance + (about * usual) ** 2
    miss = (bone.mean - usual) ** 2 / variance
    return np.asarray(-0.5 * np.log(variance) - (_TAIL + 1) / 2 * np.log1p(miss / _TAIL))
