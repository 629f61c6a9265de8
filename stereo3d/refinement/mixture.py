"""One place and one error bar for what is one of two things: a mixture of two normal distributions."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from stereo3d.values import Bools, Floats

ONE_SIGMA = 0.6827
"""What one standard deviation on both sides holds of a normal distribution."""
_HALVINGS = 14
_FARTHEST = 3.0
"""Standard deviations beyond the farther mean that the search begins with."""


class Cases(NamedTuple):
    """What is one of two things, each (T, K) a mean and a standard deviation, and how likely it is the first."""

    seen: tuple[Floats, Floats]
    alone: tuple[Floats, Floats]
    share: Floats

    def median(self, share: Floats | None = None) -> Floats:
        """(T, K), by another `share` of the first where one is given."""
        return median(self.share if share is None else share, self.seen, self.alone)

    def half_width(self, middle: Floats) -> Floats:
        """(T, K)."""
        return half_width(self.share, middle, self.seen, self.alone)

    def turned(self, sign: float) -> Cases:
        """The same with all means times `sign`, 1 or -1."""
        return Cases((sign * self.seen[0], self.seen[1]), (sign * self.alone[0], self.alone[1]), self.share)

    def of_rows(self, rows: slice) -> Cases:
        """Those of some frames."""
        seen, alone = ((mean[rows], sigma[rows]) for mean, sigma in (self.seen, self.alone))
        return Cases(seen, alone, self.share[rows])


def median(share: Floats, one: tuple[Floats, Floats], other: tuple[Floats, Floats]) -> Floats:
    """Where half of the mixture of two normals (mean, standard deviation) lies below, the first with that share.

    It lies between the two means. Found by halving; NaN where anything is unknown.
    """
    low, high = np.minimum(one[0], other[0]), np.maximum(one[0], other[0])
    return bisected(low, high, lambda x: (
        share * ndtr((x - one[0]) / one[1]) + (1 - share) * ndtr((x - other[0]) / other[1]) < 0.5))


def half_width(share: Floats, middle: Floats, one: tuple[Floats, Floats], other: tuple[Floats, Floats]) -> Floats:
    """Half the width about `middle` of the interval that holds what one standard deviation holds of a normal one.

    The mixture of two normals (mean, standard deviation), the first with that share, has longer tails than a normal:
    its own standard deviation would hold far more than 68 %. Found by halving; NaN where anything is unknown.
    """
    away = np.maximum(np.abs(one[0] - middle), np.abs(other[0] - middle))
    high = away + _FARTHEST * np.maximum(one[1], other[1])
    return bisected(np.zeros_like(high), high, lambda width: (
        share * _within(width, middle, *one) + (1 - share) * _within(width, middle, *other) < ONE_SIGMA))


def bisected(low: Floats, high: Floats, short: Callable[[Floats], Bools], halvings: int = _HALVINGS) -> Floats:
    """Where `short` turns false between low and high, each element by itself."""
    for _ in range(halvings):
        middle = (low + high) / 2
        below = short(middle)
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray((low + high) / 2)


def _within(width: Floats, middle: Floats, mean: Floats, sigma: Floats) -> Floats:
    return np.asarray(ndtr((middle + width - mean) / sigma) - ndtr((middle - width - mean) / sigma))
