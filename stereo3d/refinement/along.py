"""How far along its ray each joint of a frame lies: what detectors and pictures say, as far as bones allow it.

A joint's disparity is normal in each of two cases, seen or not. Bones to the joint's neighbours have lengths that the
recording itself tells, so each disparity makes them too long, too short or right. What remains of a case is held as a
density over steps of disparity: a bone of known length leaves two places, before its other end and behind it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from stereo3d.cameras import RectifiedCamera
from stereo3d.refinement.body import body_length
from stereo3d.refinement.bones import Bones, bones_of
from stereo3d.refinement.evidence import Evidence
from stereo3d.refinement.lengths import LOOSENESS, LOOSEST, Points, Usual, log_density, points, usual_lengths
from stereo3d.refinement.mixture import ONE_SIGMA, Cases, bisected
from stereo3d.values import Floats

_STEPS = 61
_FARTHEST = 3.5
"""Standard deviations of either case that the steps span."""
_AT_ONCE = 128
"""Frames, so that what is worked on stays small."""
_HALVINGS = 12
_SHORTEST = 1e-9
"""m^2."""


def held_by_bones(found: Evidence, cases: Cases, wary: Floats) -> tuple[Floats, Floats]:
    """(T, K) px, the joints' disparity and its standard deviation, bones heard.

    The median with the shares `wary` (T, K) of the first case, and half the width about it that holds 68 % by the
    cases' own. A joint without a bone whose other end is known is where the cases alone have it.
    """
    bones = bones_of(found.skeleton, looseness=LOOSENESS)
    middle = cases.median(wary)
    width = cases.half_width(middle)
    if not len(bones) or not np.isfinite(middle).any():
        return middle, width
    sign = np.sign(found.camera.baseline)
    camera = dataclasses.replace(found.camera, baseline=abs(found.camera.baseline))
    ahead = cases.turned(sign)
    neighbours = _neighbours(found, ahead, bones, camera)
    for rows in _parts(len(found)):
        part = ahead.of_rows(rows)
        steps = _steps(part)
        said = _said(found, rows, steps, neighbours.of_rows(rows), bones, camera)
        shape = _Shape.of(part, steps, said)
        here = shape.median(wary[rows])
        spread = shape.half_width(here, part.share)
        heard = np.isfinite(here) & np.isfinite(spread) & said.any(-1)
        middle[rows], width[rows] = np.where(heard, sign * here, middle[rows]), np.where(heard, spread, width[rows])
    return middle, width


class _Neighbours(NamedTuple):
    """Where joints most likely are, the part of their noise that is not along their ray, and how long bones ought to
    be."""

    likely: Points
    beside: Floats
    """(T, K, 3, 3) m^2."""
    usual: Usual

    def of_rows(self, rows: slice) -> _Neighbours:
        likely = Points(self.likely.xyz[rows], self.likely.spread[rows])
        return _Neighbours(likely, self.beside[rows], Usual(self.usual.length[rows], self.usual.about))


def _neighbours(found: Evidence, cases: Cases, bones: Bones, camera: RectifiedCamera) -> _Neighbours:
    d = cases.median(cases.share)
    likely = points(found, d, cases.half_width(d), camera)
    length = body_length(found.place, found.sigma, skeleton=found.skeleton, camera=found.camera)
    return _Neighbours(likely, points(found, d, np.zeros_like(d), camera).spread, usual_lengths(likely, bones, length))


def _parts(n: int) -> Iterator[slice]:
    return (slice(start, start + _AT_ONCE) for start in range(0, n, _AT_ONCE))


def _steps(cases: Cases) -> Floats:
    """(T, K, S) px, over what either case allows."""
    ends = [(mean - _FARTHEST * sigma, mean + _FARTHEST * sigma) for mean, sigma in (cases.seen, cases.alone)]
    low, high = np.minimum(ends[0][0], ends[1][0]), np.maximum(ends[0][1], ends[1][1])
    low = np.maximum(low, 0.05 * np.abs(high))
    return low[..., None] + (high - low)[..., None] * np.linspace(0, 1, _STEPS)


def _said(
    found: Evidence, rows: slice, steps: Floats, there: _Neighbours, bones: Bones, camera: RectifiedCamera
) -> Floats:
    """(T, K, S) logarithm of what the bones say of each step; 0 throughout: nothing."""
    out = np.zeros(steps.shape)
    xc, v = found.place[rows, :, 0], found.place[rows, :, 1]
    ray = np.stack([xc - (camera.cx.left + camera.cx.right) / 2, v - camera.cy, np.full_like(v, camera.focal)], -1)
    middle = np.array([camera.baseline / 2, 0.0, 0.0])
    for bone, ends in enumerate(bones.ends.tolist()):
        if there.usual.about[bone] > LOOSEST:
            continue
        for mine, other in (ends, ends[::-1]):
            far = there.likely.xyz[:, other] - middle
            spread = there.likely.spread[:, other] + there.beside[:, mine]
            along = camera.baseline / steps[:, mine]
            square = _quadratic(along, ray[:, mine], far)
            noise = _quadratic(along, ray[:, mine], far, spread) / square
            usual = there.usual.length[:, bone, None]
            heard = log_density(np.sqrt(square) - usual, noise + (there.usual.about[bone] * usual) ** 2)
            out[:, mine] += np.nan_to_num(heard - heard.max(-1, keepdims=True))
    return out


def _quadratic(along: Floats, ray: Floats, far: Floats, form: Floats | None = None) -> Floats:
    """(T, S) squares of along ray - far, S steps along rays (T, 3) from points (T, 3), or what a form (T, 3, 3) makes
    of them."""
    turned = (ray, far) if form is None else (np.einsum("tij,tj->ti", form, x) for x in (ray, far))
    a, b = turned
    c2, c1, c0 = ((x * y).sum(-1)[:, None] for x, y in ((ray, a), (ray, b), (far, b)))
    return np.asarray(np.maximum((c2 * along - 2 * c1) * along + c0, _SHORTEST))


class _Shape(NamedTuple):
    """Both cases as densities over steps, added up: (T, K, S + 1), how much of each lies before each step's end."""

    first: Floats
    """(T, K) px, the lowest end."""
    step: Floats
    """(T, K) px."""
    seen: Floats
    alone: Floats

    @classmethod
    def of(cls, cases: Cases, steps: Floats, said: Floats) -> _Shape:
        step = steps[..., 1] - steps[..., 0]
        return cls(steps[..., 0] - step / 2, step, *(_added(*case, steps, said) for case in (cases.seen, cases.alone)))

    def median(self, share: Floats) -> Floats:
        """(T, K) px, below which half lies with that share of the first case."""
        whole = share[..., None] * self.seen + (1 - share[..., None]) * self.alone
        at = np.clip((whole <= 0.5).sum(-1) - 1, 0, whole.shape[-1] - 2)[..., None]
        low, high = (np.take_along_axis(whole, at + i, -1)[..., 0] for i in (0, 1))
        return np.asarray(self.first + self.step * (at[..., 0] + (0.5 - low) / (high - low)))

    def half_width(self, middle: Floats, share: Floats) -> Floats:
        """(T, K) px on both sides of `middle` that hold what one standard deviation holds of a normal one."""
        whole = share[..., None] * self.seen + (1 - share[..., None]) * self.alone
        return bisected(np.zeros_like(middle), self.step * whole.shape[-1], lambda width: (
            self._before(whole, middle + width) - self._before(whole, middle - width) < ONE_SIGMA), _HALVINGS)

    def _before(self, whole: Floats, d: Floats) -> Floats:
        """(T, K) how much lies below d (T, K) px."""
        last = whole.shape[-1] - 1
        at = np.nan_to_num(np.clip((d - self.first) / self.step, 0, last))
        row = np.minimum(at.astype(int), last - 1)[..., None]
        low, high = (np.take_along_axis(whole, row + i, -1)[..., 0] for i in (0, 1))
        return np.asarray(low + (at - row[..., 0]) * (high - low))


def _added(mean: Floats, sigma: Floats, steps: Floats, said: Floats) -> Floats:
    """(T, K, S + 1) parts of a normal case, weighed by what bones say, that lie before the steps' ends; NaN: none."""
    off = (steps - mean[..., None]) / sigma[..., None]
    density = np.exp(said - 0.5 * off * off)
    density /= density.sum(-1, keepdims=True)
    return np.concatenate([np.zeros((*mean.shape, 1)), density.cumsum(-1)], -1)
