"""How alike patches of both views are, for every joint and disparity at once.

A patch is looked at from between the views: where its middle has disparity d, the left view shows it d / 2 to the
right of the cyclopean place, the right view as far to the left. Likeness is zero-mean normalised cross-correlation
under soft weights, so a difference in gain or brightness between the cameras does not count.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.stereo import Stereo
from stereo3d.values import Bools, Floats

Singles = NDArray[np.float32]
BLUR = 1.0
"""px, the Gaussian that takes the grain off both pictures."""
_GRAIN = 0.5
"""Grey levels squared: what is flatter than this is alike only by chance."""
_GRAIN_AREA = 4 * np.pi * BLUR**2
"""px that share their noise after the blur."""


class Cutout(NamedTuple):
    """The part of both rectified pictures that the infant is in."""

    pictures: Stereo[Singles]
    """(h, w) grey, softened."""
    corner: tuple[float, float]
    """px of the camera where pixel (0, 0) of both lies."""
    row_offset: float = 0.0
    """px by which rows of the left view lie below those of the right."""


class Spots(NamedTuple):
    """N patches: where their middles are seen for step 0, px of the camera."""

    u_left: Floats
    u_right: Floats
    v: Floats
    left_share: Floats
    """(N,) how much of a step of disparity the left view takes: 1/2 seen from between the views, 0 where u_left is
    known, 1 where u_right is."""


class Matches(NamedTuple):
    """The best match of N patches."""

    step: Floats
    """px of disparity from step 0, NaN where the best lies at the end of the range."""
    likeness: Floats
    """-1..1 at the best."""
    vague: Floats
    """px, standard deviation of the step from the pictures' own noise: little texture, much grain."""


def grid(half: int) -> tuple[Floats, Floats]:
    """((2 half + 1)^2,) x and y px of a patch's pixels from its middle, row by row."""
    side = np.arange(-half, half + 1.0)
    x, y = np.meshgrid(side, side)
    return x.ravel(), y.ravel()


def soft_weights(half: int, width: Floats) -> Floats:
    """(N, P) Gaussian weights of patches with standard deviations `width` (N,) px."""
    x, y = grid(half)
    return np.asarray(np.exp(-(x * x + y * y) / (2 * width[:, None] ** 2)))


def best_matches(
    cutout: Cutout, spots: Spots, *, reach: int, weights: Floats, relief: Floats | None = None
) -> Matches:
    """The most alike step from -reach to reach px for each of N patches.

    weights: (N, P) of the square patch's pixels. relief: (N, P) px of disparity by which each pixel differs from the
    middle; flat without it.
    """
    steps = np.arange(-reach, reach + 1.0)
    left, right = _sampled(cutout, spots, steps, relief, int(np.sqrt(weights.shape[1])) // 2)
    w = (weights / weights.sum(1, keepdims=True)).astype(np.float32)[:, None]
    left -= w @ left
    right -= w @ right
    own_left, own_right, shared = ((w @ p)[:, 0] for p in (left * left, right * right, left * right))
    alike = shared / np.sqrt((own_left + _GRAIN) * (own_right + _GRAIN))
    return _peak(alike, own_left + own_right - 2 * shared, steps, 1 / (w[:, 0] ** 2).sum(1))


def _sampled(
    cutout: Cutout, spots: Spots, steps: Floats, relief: Floats | None, half: int
) -> tuple[Singles, Singles]:
    """(N, P, S) grey levels of both views."""
    x, y = grid(half)
    bent = 0.0 if relief is None else relief / 2
    shares = spots.left_share, spots.left_share - 1
    rows = cutout.row_offset / 2, -cutout.row_offset / 2
    out = []
    for picture, u, share, sign, row in zip(cutout.pictures, spots[:2], shares, (1, -1), rows):
        columns = (u - cutout.corner[0])[:, None] + x + sign * bent
        lines = (spots.v - cutout.corner[1])[:, None] + y + row
        out.append(_remap(picture, columns[..., None] + share[:, None, None] * steps, lines[..., None]))
    return out[0], out[1]


def _remap(picture: Singles, u: Floats, v: Floats) -> Singles:
    """Bilinear grey levels at u, v (N, P, S); beyond the edge its nearest."""
    n, p, s = u.shape
    side = int(np.sqrt(p))  # cv2.remap takes up to 32,767 rows and columns
    across = u.reshape(n * side, side * s).astype(np.float32)
    down = np.broadcast_to(v, u.shape).reshape(n * side, side * s).astype(np.float32)
    found = cv2.remap(picture, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float32).reshape(n, p, s)


def _peak(alike: Singles, difference: Singles, steps: Floats, n_pixels: Singles) -> Matches:
    """The best step between the samples by a parabola, and its standard deviation.

    To first order a match's variance is that of the difference of both patches over its curvature, for as many pixels
    as are independent.
    """
    n = np.arange(len(alike))
    best = alike.argmax(1)
    inside: Bools = (best > 0) & (best < len(steps) - 1)
    at = np.clip(best, 1, len(steps) - 2)
    before, here, after = (alike[n, at + i].astype(float) for i in (-1, 0, 1))
    bend = before - 2 * here + after
    with np.errstate(divide="ignore", invalid="ignore"):
        between = np.where(bend < 0, 0.5 * (before - after) / bend, 0.0)
        curve = (difference[n, at - 1] - 2 * difference[n, at] + difference[n, at + 1]).astype(float)
        noise = np.maximum(difference[n, at], _GRAIN)
        vague = np.sqrt(2 * noise * _GRAIN_AREA / (np.maximum(curve, 1e-6) * n_pixels))
    return Matches(np.where(inside, steps[at] + between, np.nan), alike[n, best].astype(float), np.minimum(vague, 99.0))
