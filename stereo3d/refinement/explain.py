"""Why pictures and detectors differ about a joint's disparity: it is seen, something hides it, or the match is wrong.

Seen, the difference is normal about 0. Hidden, the pictures show what stands before the joint: they are nearer by an
exponential gap. A wrong match may lie anywhere in the range that was searched.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import log_ndtr

from stereo3d.values import Floats

HIDDEN_DEPTH = 0.035
"""m, by how much on average what hides a joint stands before it (median of wrists 32 mm)."""
_LARGEST_LOG = 50.0


class Compared(NamedTuple):
    """(T, K) each; nearer is more, whichever way round the views are."""

    joint: Floats
    """px, d of the joints as the pictures have it."""
    spread: Floats
    """px, its standard deviation."""
    off: Floats
    """px, the detectors' d less that; NaN where there is none of either."""
    own: Floats
    """px, standard deviation of the detectors' d."""
    per_metre: Floats
    """px of disparity for a metre of depth."""


class Shares(NamedTuple):
    """(T, K) probabilities of the three reasons, or likelihoods by each."""

    seen: Floats
    hidden: Floats
    wrong: Floats


def likelihoods(c: Compared, scale: float = 1.0) -> Shares:
    """Densities of the differences by each reason, the pictures' spread times `scale`; 1 where nothing is compared."""
    s = np.hypot(c.own, c.spread * scale)
    gap = HIDDEN_DEPTH * c.per_metre
    seen = np.exp(-0.5 * (c.off / s) ** 2) / (np.sqrt(2 * np.pi) * s)
    log_hidden = c.off / gap + s * s / (2 * gap * gap) + log_ndtr((-c.off - s * s / gap) / s)
    hidden = np.exp(np.minimum(log_hidden, _LARGEST_LOG)) / gap
    wrong = 1 / (2 * (3.5 * c.own + 2))
    known = np.isfinite(c.off)
    return Shares(*(np.where(known, x, 1.0) for x in (seen, hidden, wrong)))


def explained(c: Compared, before: Shares) -> Shares:
    """The reasons' probabilities once the differences are known."""
    seen, hidden, wrong = (p * f for p, f in zip(before, likelihoods(c)))
    total = seen + hidden + wrong
    return Shares(seen / total, hidden / total, wrong / total)
