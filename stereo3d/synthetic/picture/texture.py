"""Patterns on any device: smooth noise in space, spots, steps and layers of colour."""

from __future__ import annotations

import functools

import numpy as np
import torch
from torch import Tensor

_SIDE = 32


@functools.lru_cache(maxsize=4)
def _volume(device: torch.device) -> Tensor:
    """(1, 4, side + 1, ...) noise of unit variance that repeats."""
    drawn = np.random.default_rng(20).standard_normal((4, _SIDE, _SIDE, _SIDE))
    wrapped = np.pad(drawn, [(0, 0), (0, 1), (0, 1), (0, 1)], mode="wrap")
    return torch.tensor(wrapped[None], dtype=torch.float32, device=device)


def noise(points: Tensor, *, size: float, channels: int = 1) -> Tensor:
    """(B, N, channels) smooth noise of about unit variance at points (B, N, 3) m, its spots `size` m wide."""
    turned = points @ _TURN.to(points.device) / (size * _SIDE)
    place = torch.remainder(turned, 1) * 2 - 1
    flat = place.reshape(1, -1, 1, 1, 3)
    found = torch.nn.functional.grid_sample(_volume(points.device)[:, :channels], flat, align_corners=True)
    return 1.6 * found[0, :, :, 0, 0].T.reshape(*points.shape[:2], channels)


_TURN = torch.tensor([[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]])
"""So that the lattice of the noise shows nowhere."""


def step(x: Tensor, low: float, high: float) -> Tensor:
    """From 0 at `low` to 1 at `high`, smoothly."""
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def spot(x: Tensor, y: Tensor, *, half: tuple[float, float], soft: float) -> Tensor:
    """1 inside an ellipse about 0 with those half axes, 0 outside; `soft` is the edge's part of them."""
    return 1 - step(torch.hypot(x / half[0], y / half[1]), 1 - soft, 1 + soft)


def lay(base: Tensor, colour: Tensor, weight: Tensor) -> Tensor:
    """(B, N, 3) with a colour (..., 3) laid on as thick as its weight (B, N) 0..1."""
    return torch.lerp(base, colour.expand_as(base), weight[..., None])


def to_srgb(light: Tensor) -> Tensor:
    """sRGB 0..1 of linear light, cut to 0..1 (IEC 61966-2-1)."""
    cut = light.clamp(0, 1)
    return torch.where(cut <= 0.0031308, 12.92 * cut, 1.055 * cut.clamp(min=1e-6) ** (1 / 2.4) - 0.055)
