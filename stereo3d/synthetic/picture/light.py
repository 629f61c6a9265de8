"""How light falls: a panel or window, the sky around it, the bed's own light from below, and shade of the flesh."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from stereo3d.synthetic.picture.grid import Grid

_AMBIENT = (0.006, 0.016, 0.035, 0.07)
"""m along the normal, where it is asked how near other flesh is."""
_TOWARD = (0.012, 0.022, 0.036, 0.055, 0.085, 0.13)
"""m towards the panel."""


@dataclass(frozen=True, slots=True)
class Light:
    """The light over each of B beds."""

    panel: Tensor
    """(B, 1, 3) unit, towards the brightest part."""
    strength: Tensor
    """(B, 1, 1) the panel's, the rest is the sky's."""
    hard: Tensor
    """(B, 1) how sharp its shadows are; 3 for a large panel."""
    warm: Tensor
    """(B, 1, 3) the panel's colour."""
    cool: Tensor
    """(B, 1, 3) the sky's."""
    bounce: Tensor
    """(B, 1, 3) what the bed throws back."""
    gloss: Tensor
    """(B, 1) of the skin."""


def open_sky(grid: Grid, points: Tensor, normals: Tensor) -> Tensor:
    """(B, N) 0..1, how much of the sky over points (B, N, 3) the flesh leaves (ambient occlusion)."""
    hidden = torch.zeros_like(points[..., 0])
    for way in _AMBIENT:
        gap = (way - grid.distance(points + way * normals)).clamp(min=0) / way
        hidden = hidden + gap * (0.30 if way < 0.02 else 0.22)
    return torch.exp(-1.25 * hidden)


def shadow(grid: Grid, points: Tensor, normals: Tensor, *, light: Light) -> Tensor:
    """(B, N) 0..1, how much of the panel points (B, N, 3) see (soft shadows, Quilez)."""
    seen = torch.ones_like(points[..., 0])
    start = points + 0.003 * normals
    for way in _TOWARD:
        seen = torch.minimum(seen, 0.5 + 0.5 * light.hard * grid.distance(start + way * light.panel) / way)
    seen = seen.clamp(0, 1)
    return seen * seen * (3 - 2 * seen)


def shine(
    light: Light, reflectance: Tensor, normals: Tensor, *, sky: Tensor, panel: Tensor, toward: Tensor, skin: Tensor
) -> Tensor:
    """(B, N, 3) linear light from surfaces of that reflectance (B, N, 3) and normals (B, N, 3).

    sky and panel (B, N): how much of each they see; toward (B, N, 3): unit vectors to the camera; skin (B, N): 1
    where light goes round bends, red the farthest, and glances off.
    """
    facing = (normals * light.panel).sum(-1, keepdim=True)
    wrap = facing.new_tensor([0.36, 0.22, 0.16]) * skin[..., None] + 0.05
    direct = ((facing + wrap).clamp(min=0) / (1 + wrap)) * light.warm * light.strength
    shaded = torch.stack([panel**p for p in (0.75, 1.0, 1.1)], -1)  # red light leaks into the edge of a shadow
    up = 0.5 + 0.5 * normals[..., 2:]
    around = (up * light.cool + (1 - up) * light.bounce) * (1 - light.strength)
    warm_hollow = torch.stack([sky**p for p in (0.8, 1.0, 1.08)], -1)
    half = torch.nn.functional.normalize(toward + light.panel, dim=-1)
    sheen = (normals * half).sum(-1).clamp(min=0)
    gloss = light.gloss * skin * (sheen**28 * 0.6 + sheen**90 * 0.4) * panel
    return 1.18 * (direct * shaded + 1.15 * around * warm_hollow) * reflectance + gloss[..., None] * light.warm
