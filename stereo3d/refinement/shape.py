"""Limbs as round cones, drawn into disparity: how a patch of skin bends about a joint, and what hides what.

All in px of disparity seen from between the views. A limb of radius r m about an axis of disparity d is r d / B px
wide; its skin stands before the axis by d / f for each px (f: focal length, B: baseline).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stereo3d.cameras import RectifiedCamera
from stereo3d.refinement.body import Anatomy
from stereo3d.refinement.match import grid
from stereo3d.values import Bools, Floats

_STEEPEST = 1.0
"""Of a limb's slope, depth over width: seen from above its skin is r sqrt(1 + slope^2) before its axis."""


class Relief(NamedTuple):
    """The skin in the patches about K joints."""

    height: Floats
    """(K, P) px of disparity against the middle of the patch."""
    on_limb: Bools
    """(K, P) where the limb is; everywhere for a joint that is on none."""


def relief(place: Floats, *, length: float, body: Anatomy, camera: RectifiedCamera, half: int) -> Relief:
    """The skin about joints at places (K, 3) px of a body of that length (m); flat where no limb is known."""
    x, y = grid(half)
    n_joints, n = len(place), len(x)
    best = np.full((n_joints, n + 1), -np.inf)
    ends = np.concatenate([body.limbs, body.limbs[:, ::-1]])
    ends = ends[np.isfinite(place[ends]).all((1, 2))]
    if len(ends):
        at = place[ends[:, 0], :2, None] + np.stack([np.append(x, 0.0), np.append(y, 0.0)])
        skin, _ = front(at, place, ends, length=length, body=body, camera=camera)
        np.maximum.at(best, ends[:, 0], skin)
    middle = best[:, -1:]
    there = np.isfinite(best[:, :-1])
    flat = ~np.isfinite(middle) | (there.sum(1, keepdims=True) < n // 8)
    with np.errstate(invalid="ignore"):
        height = np.where(there & ~flat, best[:, :-1] - middle, 0.0)
    return Relief(height, there | flat)


def front(
    at: Floats, place: Floats, ends: np.ndarray, *, length: float | Floats, body: Anatomy, camera: RectifiedCamera
) -> tuple[Floats, Floats]:
    """(L, P) px, disparity of L limbs' skin and of their axes where (L, 2, P) px looks at them; -inf beside a limb.

    ends: (L, 2) joints; place (..., K, 3) px, leading axes go with those of `at` and `length`.
    """
    a, b = (place[..., ends[:, i], :, None] for i in (0, 1))
    along = b[..., :2, :] - a[..., :2, :]
    square = (along * along).sum(-2) + 1e-6
    from_a = at - a[..., :2, :]
    t = np.clip((from_a * along).sum(-2) / square, 0.0, 1.0)
    beside = from_a - t[..., None, :] * along
    fall = b[..., 2, :] - a[..., 2, :]
    axis = a[..., 2, :] + t * fall
    thick = body.radius[ends][..., None] * np.asarray(length)[..., None, None]
    wide = (thick[..., 0, :] + t * (thick[..., 1, :] - thick[..., 0, :])) * axis / abs(camera.baseline)
    rise = wide * wide - (beside * beside).sum(-2)
    slope = np.minimum(np.abs(fall) * camera.focal / np.maximum(np.abs(axis), 1e-6) / np.sqrt(square), _STEEPEST)
    tilted = np.where((t > 0) & (t < 1), np.sqrt(1 + slope * slope), 1.0)
    skin = axis + axis / camera.focal * np.sqrt(np.maximum(rise, 0.0)) * tilted
    return np.where(rise > 0, skin, -np.inf), axis


def covered(place: Floats, *, length: Floats, body: Anatomy, camera: RectifiedCamera) -> Floats:
    """(T, K) px of disparity by which the axis of another limb lies before a joint; 0 for none.

    place: (T, K, 3) px; length: (T,) m.
    """
    out = np.zeros(place.shape[:2])
    for a, b in body.limbs:
        others = np.flatnonzero(~np.isin(np.arange(place.shape[1]), (a, b)))
        at = np.swapaxes(place[:, others, :2], 1, 2)[:, None]
        skin, axis = front(at, place, np.array([[a, b]]), length=length, body=body, camera=camera)
        with np.errstate(invalid="ignore"):
            ahead = np.where(np.isfinite(skin[:, 0]), axis[:, 0] - place[:, others, 2], 0.0)
        out[:, others] = np.fmax(out[:, others], ahead)
    return out
