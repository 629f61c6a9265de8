"""The people in a picture, and which of them is the infant.

Networks that look at whole pictures find everyone: the infant, and a nurse's head or hands at its side. A detector
gives one person for each picture, so the infant is chosen here and the others are counted.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stereo3d.values import Bools, Floats, Ints

SPREAD = 0.35
"""How far from the picture's middle, over its longer side, a person may lie to count about two thirds."""
SEEN = 0.1
"""A joint scores this or more where a person is to be counted or measured by it."""
LEAST = 3
"""Joints that are seen of someone who is counted."""
FAINT = 0.2
"""Who scores less than this share of the infant's score is not counted: spurious centres do."""


class People(NamedTuple):
    """P people in one picture, K joints each."""

    xy: Floats
    """(P, K, 2) px, NaN where no joint was found."""
    score: Floats
    """(P, K) 0..1."""
    sigma: Floats
    """(P, K) px along an axis, or NaN."""

    @classmethod
    def none(cls, n_joints: int) -> People:
        """Nobody."""
        return cls(np.zeros((0, n_joints, 2)), np.zeros((0, n_joints)), np.zeros((0, n_joints)))

    def taken(self, which: Ints) -> People:
        """Some of them, by their numbers, in that order."""
        return People(*(x[which] for x in self))

    def moved(self, transform: Floats, stretch: float) -> People:
        """The same in px of the (2, 3) transform's target, one px of which is 1 / stretch of theirs."""
        return People(self.xy @ transform[:, :2].T + transform[:, 2], self.score, self.sigma * stretch)


def infant_first(people: People, size: tuple[int, int]) -> People:
    """The same people in the order of `ranked`."""
    return people.taken(ranked(people, size))


def ranked(people: People, size: tuple[int, int]) -> Ints:
    """(P) the people's numbers, the infant's first, in a picture of (w, h) size px that was cut out round the infant.

    The infant is whom it was cut out for: large in it, near its middle, and sure.
    """
    score = np.nan_to_num(people.score)
    sure = (score >= SEEN) & np.isfinite(people.xy).all(-1)
    low, high = _box(people.xy, sure)
    extent = np.sqrt(np.clip(high - low, 1, None).prod(-1)) / max(size)
    middle = (np.array(size) - 1) / 2
    away = np.linalg.norm((low + high) / 2 - middle, axis=-1) / max(size)
    weight = np.where(sure.any(-1), score.mean(-1) * extent * np.exp(-0.5 * (away / SPREAD) ** 2), 0)
    return np.argsort(-weight, kind="stable")


def others(people: People) -> int:
    """How many more people than the first one were seen."""
    score = np.nan_to_num(people.score)
    seen = ((score >= SEEN) & np.isfinite(people.xy).all(-1)).sum(-1) >= LEAST
    mean = np.asarray(score.mean(-1))
    return int(np.count_nonzero(np.asarray(seen)[1:] & (mean[1:] >= FAINT * mean[:1])))


def _box(xy: Floats, sure: Bools) -> tuple[Floats, Floats]:
    """(P, 2) the corners of the box round the sure joints; of nothing, one at the origin."""
    low = np.where(sure[..., None], xy, np.inf).min(1, initial=np.inf)
    high = np.where(sure[..., None], xy, -np.inf).max(1, initial=-np.inf)
    there = sure.any(-1, keepdims=True)
    return np.where(there, low, 0), np.where(there, high, 0)
