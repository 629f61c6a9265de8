"""Where else an infant may be that the picture's border cuts off: a network knows whole infants, so it is shown the
place of the whole one, much of which is beyond the border.

Boxes are those of `search`: (..., 5), px of the recorded pictures; the views are the last axis but one.
"""

from __future__ import annotations

import numpy as np

from stereo3d.values import Bools, Floats

TOUCHING = 0.02
"""A box ends at the border where it comes this near to it, over the picture's width."""
LARGER = 1.4
"""Times that an infant may be as large as what is found of it; looked at again, it may be larger still."""
SHIFTS = (0.05, 0.09)
"""Disparities over the picture's width: a camera 0.12 m beside the other, at 1 and at 0.55 m."""
BEYOND = 0.08
"""How far beyond the border a box's centre may be, over the picture's width."""


def guesses(box: Floats, size: tuple[int, int]) -> Floats:
    """(G, P, 2, 5) boxes that may show whole infants of which the boxes (P, 2, 5) in pictures of (w, h) `size` px show
    a part; NaN where neither view's box ends at the border, or a guess is too far beyond it.

    Each box made larger, its inner edges staying, and turned round, as of a part it is easily mistaken which end the
    head is at; and the other view's box moved to this view.
    """
    inner = _inwards(box, size)
    larger = [_larger(box, -inner, turn) for turn in (0.0, np.pi)]
    own = np.where((inner == 0).all(-1)[..., None], np.nan, larger)
    shifted = box[:, ::-1] + np.reshape(SHIFTS, (-1, 1, 1, 1)) * size[0] * np.array([[1.0], [-1]]) * np.eye(5)[0]
    cut = (inner != 0).any((-1, -2))
    others = np.where(cut[:, None, None], shifted, np.nan)
    both = np.concatenate([own, others])
    return np.where(_near(both, size)[..., None], both, np.nan)


def _inwards(box: Floats, size: tuple[int, int]) -> Floats:
    """(..., 2) in x and y: 1 where a box ends at the picture's left or upper border, -1 at the right or lower one."""
    low, high = box[..., :2] - _extent(box), box[..., :2] + _extent(box)
    near = TOUCHING * size[0]
    return (low < near) * 1.0 - (high > np.array(size) - 1 - near) * 1.0


def _extent(box: Floats) -> Floats:
    """(..., 2) px from the boxes' centres to their ends along the picture's axes."""
    c, s = np.abs(np.cos(box[..., 4])), np.abs(np.sin(box[..., 4]))
    w, h = box[..., 2] / 2, box[..., 3] / 2
    return np.stack([w * c + h * s, w * s + h * c], -1)


def _larger(box: Floats, outwards: Floats, turn: float) -> Floats:
    center = box[..., :2] + outwards * (LARGER - 1) * _extent(box)
    return np.concatenate([center, LARGER * box[..., 2:4], box[..., 4:] + turn], -1)


def _near(box: Floats, size: tuple[int, int]) -> Bools:
    """(...) whether the boxes' centres are in the picture, or not far beyond."""
    beyond = BEYOND * size[0]
    return np.asarray(((box[..., :2] > -beyond) & (box[..., :2] < np.array(size) - 1 + beyond)).all(-1))
