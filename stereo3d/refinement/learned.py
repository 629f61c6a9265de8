"""What a recording tells of itself without a truth: how deep this infant's joints lie, how well its pictures match and
how often its joints are hidden. Where there is little to learn from, the shipped values stand.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stereo3d.refinement.body import anatomy
from stereo3d.refinement.evidence import Evidence
from stereo3d.refinement.explain import Compared, Shares, explained, likelihoods
from stereo3d.refinement.mixture import half_width
from stereo3d.refinement.noise import Noise
from stereo3d.values import Bools, Floats, Ints

_SCALES = np.exp(np.linspace(-0.5, 1.25, 15))
_SCALE_SPREAD = 0.25
"""Of the logarithm of how much worse pictures match than those that the shipped spreads were learned on."""
_LEAST_SCALE = 0.6
"""That is believed: where detectors err less than they seem to, differences are small however well pictures match, and
frames by the hundred that all show the same few joints made it 0.02 to 0.1."""
_AWAITED = 0.4
"""Hidden joints that the usual rate counts for: that of four frames."""
_MOST_ROWS = 20_000


class _Prior(NamedTuple):
    """How far an infant's joint depths may be from the shipped ones: standard deviations."""

    share: float
    """How likely this is beforehand."""
    all_deeper: float
    """Of all by one factor."""
    each_deeper: float
    """Of each kind by a factor of its own."""
    each_at_least: float
    """Of each kind, in parts of the body's length."""


_ALIKE, _OTHER = _Prior(0.5, 0.10, 0.10, 0.003), _Prior(0.5, 0.30, 0.20, 0.008)
"""An infant like those the values were learned on; another build, other clothes, another notion of where joints are. As
likely as each other: the values are of rendered infants, and a recording is of a real one."""


class Learned(NamedTuple):
    """What the recording says of itself."""

    deeper: Floats
    """(K,) by what part of the body's length joints lie deeper than the shipped values say."""
    unsure: Floats
    """(K,) standard deviation of that."""
    scale: float
    """How much worse the pictures match than usual ones."""
    hiding: Floats
    """(K,) how much more often joints are hidden than usually."""

    @classmethod
    def nothing(cls, n_joints: int) -> Learned:
        """Before anything was learned."""
        return cls(np.zeros(n_joints), np.zeros(n_joints), 1.0, np.ones(n_joints))


class Shipped(NamedTuple):
    """What is known beforehand of K joints, in parts of the body's length."""

    depth: Floats
    """(K,)."""
    spread: Floats
    """(T, K)."""
    length: Floats
    """(T, 1) m, the body's."""


def learn(
    found: Evidence, c: Compared, *, before: Shares, usual: Shares, shipped: Shipped, sofar: Learned, noise: Noise
) -> Learned:
    """One round more: `c` compares by what was learned `sofar`, `before` are the shares that go with it, `usual` those
    beforehand."""
    shares = explained(c, before)
    deeper, unsure = _deeper(*_mean_depths(found, c, shares, shipped, sofar, noise), found=found, shipped=shipped)
    scale = max(sofar.scale * _scale(c, before, sofar.scale), _LEAST_SCALE)
    return Learned(deeper, unsure, scale, _hiding(c, shares, usual))


def more_hidden(usual: Shares, hiding: Floats) -> Shares:
    """Shares where joints are hidden `hiding` (K,) times as often, by their odds."""
    odds = usual.hidden * hiding
    total = usual.seen + odds
    rest = 1 - usual.wrong
    return Shares(rest * usual.seen / total, rest * odds / total, usual.wrong)


def _hiding(c: Compared, shares: Shares, usual: Shares) -> Floats:
    """(K,) how much more often each joint is hidden than usually, drawn to what holds for all and that to 1."""
    known = np.isfinite(c.off)
    found = np.where(known, shares.hidden, 0.0).sum(0)
    awaited = np.where(known, usual.hidden, 0.0).sum(0)
    all_joints = (_AWAITED + found.sum()) / (_AWAITED + awaited.sum())
    return np.asarray((_AWAITED * all_joints + found) / (_AWAITED + awaited))


def _scale(c: Compared, before: Shares, sofar: float) -> float:
    """By how much the pictures' spread has to be multiplied to make the differences likely."""
    step = max(1, len(c.off) // _MOST_ROWS)
    part, prior = Compared(*(x[::step] for x in c)), Shares(*(x[::step] for x in before))
    known = np.isfinite(part.off)
    cost = np.log(_SCALES * sofar) ** 2 / (2 * _SCALE_SPREAD**2)
    for i, scale in enumerate(_SCALES.tolist()):
        seen, hidden, wrong = (p * f for p, f in zip(prior, likelihoods(part, scale)))
        cost[i] -= float(np.log((seen + hidden + wrong)[known]).sum())
    return float(_SCALES[cost.argmin()])


def _mean_depths(
    found: Evidence, c: Compared, shares: Shares, shipped: Shipped, sofar: Learned, noise: Noise
) -> tuple[Floats, Floats]:
    """(K,) how much deeper the detectors have each joint than shipped, in lengths, and its variance; NaN: never seen.

    What lasts in the detectors' errors does not average out, and a joint's own deviation does not either.
    """
    unit = c.per_metre * shipped.length
    deep = sofar.deeper - c.off / unit
    known = np.isfinite(c.off)
    weight = np.where(known, shares.seen * unit**2 / (c.own**2 + c.spread**2), 0.0)
    total = np.where(weight.sum(0) > 0, weight.sum(0), np.nan)
    mean = np.where(known, weight * deep, 0.0).sum(0) / total
    own, spread = (np.where(known, weight * x**2, 0.0).sum(0) / total for x in (c.own / unit, shipped.spread))
    span = max(float(np.ptp(found.time)), 1e-9)
    lasting = noise.bias + noise.slow * min(1.0, 2 * float(np.nan_to_num(noise.memory)) / span)
    return mean, 1 / total + lasting * own + spread


def _deeper(mean: Floats, variance: Floats, *, found: Evidence, shipped: Shipped) -> tuple[Floats, Floats]:
    """(K,) by what part of the body's length joints lie deeper than shipped, and (K,) its standard deviation.

    Two kinds of infants are thought of, and mixed by how likely each makes what is seen.
    """
    kinds = np.unique(anatomy(found.skeleton).kinds, return_inverse=True)[1]
    known = np.isfinite(variance)
    weights, parts = [], []
    for prior in (_ALIKE, _OTHER):
        log_evidence, deeper, covariance = _posterior(mean, variance, known, shipped.depth, kinds, prior)
        weights.append(np.log(prior.share) + log_evidence)
        parts.append((deeper, np.sqrt(np.diagonal(covariance))))
    share = np.exp(weights[0] - np.logaddexp(*weights))
    middle = share * parts[0][0] + (1 - share) * parts[1][0]
    return middle, half_width(np.full(len(middle), share), middle, *parts)


def _posterior(
    mean: Floats, variance: Floats, known: Bools, depth: Floats, kinds: Ints, prior: _Prior
) -> tuple[float, Floats, Floats]:
    """Log likelihood of the mean depths (K,), and the depths (K,) and their covariance (K, K) given them."""
    same = kinds[:, None] == kinds
    each = np.sqrt((prior.each_deeper * depth) ** 2 + prior.each_at_least**2)
    before = prior.all_deeper**2 * np.outer(depth, depth) + same * np.outer(each, each)
    total = before[np.ix_(known, known)] + np.diag(variance[known])
    gain = np.linalg.solve(total, before[known]).T
    seen = mean[known]
    log_likelihood = -0.5 * (seen @ np.linalg.solve(total, seen) + np.linalg.slogdet(total)[1])
    return float(log_likelihood), gain @ seen, before - gain @ before[known]
