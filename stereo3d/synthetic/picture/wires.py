"""Thin things over the infant, drawn as lines with a round cross-section: feeding tubes, leads, cables, lines."""

from __future__ import annotations

import torch
from torch import Tensor


def wires(
    light: Tensor, reach: Tensor, *, origin: Tensor, ways: Tensor, points: Tensor, radius: Tensor, colour: Tensor,
    pixel: float,
) -> Tensor:
    """(B, N, 3) light with lines drawn where they are nearer than `reach` (B, N) m.

    points (B, S, 2, 3) m, the ends of S pieces; radius (B, S) m, 0 for none; colour (B, S, 3) as lit; pixel: rad, how
    wide one is. A line thinner than a pixel covers part of it.
    """
    out = light
    for s in range(points.shape[1]):
        start, end = points[:, s, None, 0] - origin, points[:, s, None, 1] - origin
        along = end - start
        # the nearest points of ray t w and piece start + u along, w of unit length
        aw, sw = (ways * along).sum(-1), (ways * start).sum(-1)
        aa, sa = (along * along).sum(-1), (start * along).sum(-1)
        u = ((aw * sw - sa) / (aa - aw * aw).clamp(min=1e-9)).clamp(0, 1)
        t = (sw + u * aw).clamp(min=0)
        apart = (t[..., None] * ways - start - u[..., None] * along).norm(dim=-1)
        wide = pixel * t
        size = radius[:, s, None]
        cover = ((size - apart) / wide + 0.5).clamp(0, 1) * (2 * size / wide).clamp(max=1)
        cover = cover * (t - size < reach + 0.002) * (size > 0)
        round_ = (1 - 0.45 * (apart / size.clamp(min=1e-6)).clamp(0, 1) ** 2)[..., None]
        out = torch.lerp(out, colour[:, s, None] * round_, cover[..., None])
    return out
