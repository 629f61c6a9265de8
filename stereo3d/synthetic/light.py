"""How light falls on the scene: a soft panel above, the sky around it, and flesh that hides part of both."""

from __future__ import annotations

import numpy as np

from stereo3d.synthetic.solids import Floats32, Solids

PANEL = np.array([-0.32, 0.36, 0.876], np.float32)
"""Towards the panel, in the bed's frame."""
_WARM = np.array([1.03, 1.0, 0.95], np.float32)
_WRAP = np.array([0.45, 0.30, 0.25], np.float32)
"""How far light creeps round a bend, in red further: it goes through skin."""
_SMALLEST = 0.006
"""m, the radius of the least ball that counts."""
_BLOCK = 8192
"""Points at a time, so that they stay in the processor's cache."""
_FAINT = 0.04
"""So little hidden counts as nothing, so that a shade ends somewhere."""


def shine(reflectance: Floats32, normals: Floats32, *, sky: Floats32, toward: Floats32) -> Floats32:
    """(N, 3) linear light from surfaces of that reflectance (N, 3) and normals (N, 3).

    sky (N,): how much of it is open to them; toward (N, 3): unit vectors to the camera, for the gloss.
    """
    facing = (normals @ PANEL)[:, None]
    panel = np.maximum(facing + _WRAP, 0) / (1 + _WRAP) * _WARM
    around = (0.62 + 0.38 * normals[:, 2])[:, None]
    half = toward + PANEL
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    gloss = 0.035 * np.maximum((normals * half).sum(1), 0) ** 24
    free = sky[:, None]
    light = 0.62 * panel * (0.35 + 0.65 * free) + 0.42 * around * free
    return np.asarray(light * reflectance + (gloss * sky)[:, None], np.float32)


def open_sky(points: Floats32, normals: Floats32, *, solids: Solids) -> Floats32:
    """(N,) 0..1, how much of the sky over each point (N, 3) with that normal the solids leave.

    Each solid stands as two balls; one of radius r at distance d hides (r / d)^2 times the cosine to the normal.
    """
    balls = [solids.at(fraction) for fraction in (0.25, 0.75)]
    centres, radii = (np.concatenate(part).astype(np.float32) for part in zip(*balls))
    weights = np.concatenate([np.where(solids.length > 0, 0.62, 0.5)] * 2).astype(np.float32)
    big = radii > _SMALLEST
    centres, strength = centres[big], (weights * radii**2)[big]
    hidden = np.empty(len(points), np.float32)
    for start in range(0, len(points), _BLOCK):
        block = slice(start, start + _BLOCK)
        hidden[block] = (_hidden(points[block], normals[block], centres=centres) * strength).sum(1)
    return np.asarray(np.exp(-0.9 * np.maximum(hidden - _FAINT, 0)), np.float32)


def _hidden(points: Floats32, normals: Floats32, *, centres: Floats32) -> Floats32:
    """(N, M) cosine to the normal over the squared distance, 0 behind the surface."""
    # not as matrix products: BLAS's threads cost more than such small ones gain
    away = [c - p[:, None] for c, p in zip(centres.T, points.T)]
    apart = np.maximum(away[0] * away[0] + away[1] * away[1] + away[2] * away[2], 1e-6)
    up = sum(n[:, None] * a for n, a in zip(normals.T, away))
    return np.asarray(np.maximum(up, 0) / (apart * np.sqrt(apart)), np.float32)
