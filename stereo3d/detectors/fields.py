"""People from heat maps and fields along the limbs: OpenPose's way of reading a picture.

Cao et al., "Realtime Multi-Person 2D Pose Estimation using Part Affinity Fields", CVPR 2017, sections 2.3 and 2.4:
two joints are joined where the field between them points from one to the other, the best pairs first, and limbs that
share a joint make a person. Places are px of the enlarged maps, which are px of the input.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from torch import Tensor
from torch.nn import functional

from stereo3d.detectors.heatmaps import smooth
from stereo3d.models.openpose import STRIDE, Fields
from stereo3d.values import Floats, Ints

BLUR = 3.0
"""px of the Gaussian that smooths the enlarged maps."""
LEAST_SCORE = 0.1
"""Of a peak."""
SAMPLES = 10
"""Places on a limb at which the field is looked at."""
LEAST_FIELD, MOST_BELOW = 0.05, 0.2
"""The field along the limb is more than this but for less than this share of the samples."""
LONGEST = 0.5
"""Limbs longer than this share of the picture's height lose score."""
FEWEST_JOINTS, LEAST_MEAN = 4, 0.4
"""What makes a person: that many joints, and that much score of joints and limbs for each joint."""
LIMBS = (
    (1, 2, 6), (1, 5, 10), (2, 3, 7), (3, 4, 8), (5, 6, 11), (6, 7, 12), (1, 8, 0), (8, 9, 1), (9, 10, 2), (1, 11, 3),
    (11, 12, 4), (12, 13, 5), (1, 0, 14), (0, 14, 15), (14, 16, 17), (0, 15, 16), (15, 17, 18), (2, 16, 9), (5, 17, 13),
)
"""(from joint, to joint, which pair of maps of the field) in the order in which people grow; the last two, from
shoulder to ear, only join."""
N_JOINTS = 18
_GROWING = len(LIMBS) - 2


class Peak(NamedTuple):
    """The M peaks of all joints in one picture."""

    joint: Ints
    """(M)"""
    xy: Ints
    """(M, 2) px."""
    score: Floats
    """(M)"""


class Grouped(NamedTuple):
    """P people in one picture."""

    xy: Floats
    """(P, K, 2) px, NaN where a joint was not found."""
    score: Floats
    """(P, K), 0 where a joint was not found."""


class _Pair(NamedTuple):
    """Two peaks that are joined, by their numbers, and how well."""

    a: int
    b: int
    score: float


def enlarged(seen: Fields) -> tuple[Tensor, Tensor]:
    """(N, 38, H, W) fields and (N, 18, H, W) heat maps in px of the input."""
    limbs, maps = (
        functional.interpolate(x, scale_factor=STRIDE, mode="bicubic", align_corners=False)
        for x in (seen.limbs, seen.maps[:, :N_JOINTS])
    )
    return limbs, maps


def peaks(maps: Floats) -> Peak:
    """The peaks of heat maps (K, h, w): nothing beside is higher after smoothing; the score is the map's own."""
    soft = np.asarray(smooth(maps[None], BLUR)[0])
    around = np.pad(soft, ((0, 0), (1, 1), (1, 1)))
    top = soft > LEAST_SCORE
    for beside in (around[:, 1:-1, :-2], around[:, 1:-1, 2:], around[:, :-2, 1:-1], around[:, 2:, 1:-1]):
        top &= soft >= beside
    joint, y, x = np.nonzero(top)
    return Peak(joint, np.stack((x, y), -1), maps[joint, y, x])


def group(found: Peak, limbs: Floats) -> Grouped:
    """The people of one picture, from its peaks and its fields (38, h, w)."""
    people = _People(found)
    for number, (a, b, maps) in enumerate(LIMBS):
        for pair in pairs(found, (a, b), limbs[2 * maps:2 * maps + 2]):
            people.join(pair, (a, b), growing=number < _GROWING)
    return people.grouped()


def pairs(found: Peak, ends: tuple[int, int], field: Floats) -> list[_Pair]:
    """Which peaks of the joints at both ends of a limb are joined by its field (2, h, w), the best first."""
    a, b = (np.flatnonzero(found.joint == end) for end in ends)
    start, way = found.xy[a][:, None], found.xy[b][None] - found.xy[a][:, None]
    length = np.linalg.norm(way, axis=-1)
    steps = np.linspace(0, 1, SAMPLES)[:, None]
    x, y = np.moveaxis(np.rint(start[:, :, None] + way[:, :, None] * steps).astype(np.int64), -1, 0)
    along = way / np.where(length > 0, length, np.nan)[..., None]
    strength = field[0][y, x] * along[..., 0, None] + field[1][y, x] * along[..., 1, None]
    far = np.minimum(LONGEST * field.shape[1] / np.where(length > 0, length, np.nan) - 1, 0)
    score = strength.mean(-1) + far
    good = ((strength > LEAST_FIELD).sum(-1) > (1 - MOST_BELOW) * SAMPLES) & (score > 0)
    rows, columns = np.nonzero(good)
    order = np.argsort(-score[rows, columns], kind="stable")
    chosen, used = [], (np.zeros(len(a), bool), np.zeros(len(b), bool))
    for i, j in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if not (used[0][i] or used[1][j]):
            used[0][i] = used[1][j] = True
            chosen.append(_Pair(int(a[i]), int(b[j]), float(score[i, j])))
    return chosen


class _Person:
    """One person as it grows: peaks by joint, and the sum of its scores."""

    def __init__(self, held: dict[int, int], score: float) -> None:
        self.held, self.score = held, score


class _People:
    """People as they grow, limb by limb."""

    def __init__(self, found: Peak) -> None:
        self._found = found
        self._people: list[_Person] = []

    def join(self, pair: _Pair, ends: tuple[int, int], *, growing: bool) -> None:
        """Add a limb to whoever has one of its peaks; a newcomer is made of it where nobody has, while growing."""
        a, b = ends
        owners = [p for p in self._people if p.held.get(a) == pair.a or p.held.get(b) == pair.b][:2]
        if len(owners) == 2 and not owners[0].held.keys() & owners[1].held.keys():
            self._merge(owners[0], owners[1], pair)
        elif owners:
            if owners[0].held.get(b) != pair.b:
                owners[0].held[b] = pair.b
                owners[0].score += float(self._found.score[pair.b]) + pair.score
        elif growing:
            both = float(self._found.score[[pair.a, pair.b]].sum())
            self._people.append(_Person({a: pair.a, b: pair.b}, both + pair.score))

    def _merge(self, first: _Person, second: _Person, pair: _Pair) -> None:
        first.held |= second.held
        first.score += second.score + pair.score
        self._people.remove(second)

    def grouped(self) -> Grouped:
        """Those who are people."""
        kept = [
            p.held for p in self._people
            if len(p.held) >= FEWEST_JOINTS and p.score / len(p.held) >= LEAST_MEAN
        ]
        xy, score = np.full((len(kept), N_JOINTS, 2), np.nan), np.zeros((len(kept), N_JOINTS))
        for row, held in enumerate(kept):
            joints, numbers = list(held), list(held.values())
            xy[row, joints], score[row, joints] = self._found.xy[numbers], self._found.score[numbers]
        return Grouped(xy, score)
