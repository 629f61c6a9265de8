"""How the evidence's noise is split, and what of it stays throughout: no filter takes that away, but two can agree."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np

from stereo3d.refinement.evidence import Evidence
from stereo3d.refinement.medians import median
from stereo3d.refinement.parts import Parts, split
from stereo3d.refinement.systematic import by_rows, drifting, staying
from stereo3d.values import Bools, Floats

SUPPOSED = Parts(0.5, 0.25, 0.25)
"""Of a detector whose recording is too short to tell."""
SUPPOSED_MATCH = Parts(0.35, 0.15, 0.5, 1.0)
"""Of the match: of its variance on synthetic infants 0.57 is left after a quarter of a second, 0.43 after 2.4 s."""
_LEAST, _LEAST_MATCH = 0.01, 0.05
"""Shares that stay at least: a joint found by few looks right by chance."""
_SUPPOSED_SPREAD = 0.7
"""Relative standard deviation of what is supposed of the match's parts."""
_SEEN = 0.3
"""Probability of being hidden up to which the match's noise is learned."""
_SPAN = 60.0
"""s, over which the difference of detectors and match is averaged."""


class Noises(NamedTuple):
    """How the noise is split; variances in units of the evidence's own sigma^2."""

    detector: Parts
    match: Parts | None


def noises_of(evidence: Evidence) -> Noises:
    """The parts of the detectors' noise from v_left - v_right, then the match's from what it differs from theirs."""
    own = by_rows(evidence)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = split(evidence.residual / own, evidence.time) or SUPPOSED
        off = np.where(evidence.hidden < _SEEN, evidence.place[..., 2] - evidence.matched, np.nan)
        off = off / evidence.matched_sigma
    detector = dataclasses.replace(found, constant=max(found.constant, _LEAST * found.total))
    if not np.isfinite(evidence.matched).any():
        return Noises(detector, None)
    both = np.isfinite(off)
    ratio = float(np.mean(own[both] ** 2) / np.mean(evidence.matched_sigma[both] ** 2)) if both.any() else 1.0
    beside = _beside_systematic(_times(detector, ratio), evidence, both)
    match = split(off, evidence.time, known=beside)
    match = _drawn(match, beside, evidence.time, np.isfinite(off)) if match else SUPPOSED_MATCH
    return Noises(detector, dataclasses.replace(match, constant=max(match.constant, _LEAST_MATCH)))


def _beside_systematic(parts: Parts, evidence: Evidence, both: Bools) -> Parts:
    """The parts with what the detector's systematic error adds to them, in the same unit."""
    if evidence.systematic is None or not both.any():
        return parts
    slow, constant = (float(np.mean(x[both] ** 2) / np.mean(evidence.matched_sigma[both] ** 2))
                      for x in (drifting(evidence), staying(evidence)))
    return Parts(parts.white, parts.slow + slow, parts.constant + constant, parts.memory)


def _times(parts: Parts, factor: float) -> Parts:
    return Parts(factor * parts.white, factor * parts.slow, factor * parts.constant, parts.memory)


def _drawn(found: Parts, beside: Parts, time: Floats, known: Bools) -> Parts:
    """The match's parts as found, drawn to those supposed by how sure the difference of two variances can be.

    Joints differ in what stays, memories in what drifts, frames in what is new: as many tell of each part. Beside
    detectors that err by three px the variance of a match that errs by half of one is lost in the sampling error.
    What is new is told no better than what drifts: either looks like the other where memories are short, and a match
    without either would be followed step by step, away from where it and the detectors have the joint.
    """
    joints = max(int(known.any(0).sum()), 1)
    frames, seconds = known.sum() / joints, float(np.ptp(time))
    memories = max(1.0, seconds / (2 * max(found.memory, beside.memory)))
    number = joints * np.array([frames, memories, 1.0])
    parts, noise, usual = (np.array([x.white, x.slow, x.constant]) for x in (found, beside, SUPPOSED_MATCH))
    error = 4 / np.maximum(number, 1.0) * (noise + usual) ** 2  # of the sum, and of the noise taken away from it
    before = (_SUPPOSED_SPREAD * usual) ** 2
    weight = before / (before + error)
    weight[0] = min(weight[:2])
    white, slow, constant = (usual + weight * (parts - usual)).tolist()
    memory = found.memory ** weight[1] * SUPPOSED_MATCH.memory ** (1 - weight[1])
    return Parts(white, slow, constant, float(memory))


def agreed(evidence: Evidence, noises: Noises) -> tuple[Evidence, Floats]:
    """The evidence with the disparities of detectors and match moved to where both agree in the long run, and the
    standard deviations (K, 3) px of the constant error that is then left.

    Each moves by its share of the constant variance. The mean difference is one of a minute around each frame.
    """
    own = _usual(evidence.sigma**2) * noises.detector.constant
    own[:, 2] = _usual(by_rows(evidence) ** 2) * noises.detector.constant + _usual(staying(evidence) ** 2)
    if noises.match is None:
        return evidence, np.sqrt(own)
    theirs = _usual(evidence.matched_sigma**2) * noises.match.constant
    off = np.where(evidence.hidden < _SEEN, evidence.place[..., 2] - evidence.matched, np.nan)
    mean, seconds = _running_mean(off, evidence.time, _SPAN)
    fading = 2 * (noises.detector.slow * noises.detector.memory * _usual(by_rows(evidence) ** 2)
                  + (evidence.systematic.memory if evidence.systematic else 0.0) * _usual(drifting(evidence) ** 2)
                  + noises.match.slow * noises.match.memory * _usual(evidence.matched_sigma**2))
    faded = np.divide(fading, seconds, out=np.full(seconds.shape, np.inf), where=seconds > 0)
    total = own[:, 2] + theirs + faded
    place, matched = np.array(evidence.place), evidence.matched + mean * theirs / total
    place[..., 2] -= mean * own[:, 2] / total
    left = own.copy()
    left[:, 2] = np.maximum(left[:, 2] - (own[:, 2] ** 2 / total).mean(0), 0.0)
    return dataclasses.replace(evidence, place=place, matched=matched), np.sqrt(left)


def _usual(variance: Floats) -> Floats:
    """Medians over time, of all joints for one that was never seen."""
    return median(variance, median(variance.reshape(-1, *variance.shape[2:]), 1.0))


def _running_mean(x: Floats, time: Floats, span: float) -> tuple[Floats, Floats]:
    """(T, K) mean of the known x within half a span of each frame, 0 for none, and how many seconds they are."""
    step = float(np.median(np.diff(time))) if len(time) > 1 else 1.0
    half = int(np.ceil(span / 2 / step))
    known = np.isfinite(x)
    sums = [np.concatenate([np.zeros((1, x.shape[1])), np.cumsum(y, axis=0)]) for y in (np.where(known, x, 0.0), known)]
    first = np.maximum(np.arange(len(x)) - half, 0)
    last = np.minimum(np.arange(len(x)) + half + 1, len(x))
    total, n = (s[last] - s[first] for s in sums)
    return total / np.maximum(n, 1), n * step
