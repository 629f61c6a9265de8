"""The flesh's distance baked on a lattice: quick to look up, right to a millimetre or two, for marching and shade."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from stereo3d.synthetic.flesh import Flesh
from stereo3d.synthetic.picture.columns import pick, rows
from stereo3d.synthetic.picture.field import Field

STEP = 0.008
"""m, of the lattice, at least."""
_MOST = 110_000
"""Nodes."""
_BAND = 3.0
"""Lattice steps about the surface within which nodes are exact."""
_MARGIN = 0.02


@dataclass(frozen=True, slots=True)
class Grid:
    """Distances on a lattice about each of B bodies."""

    values: Tensor
    """(B, 1, D, H, W) m, z first."""
    low: Tensor
    """(B, 1, 3) m."""
    high: Tensor
    """(B, 1, 3) m."""

    def distance(self, points: Tensor) -> Tensor:
        """(B, N) m, of points (B, N, 3) m; beyond the lattice what is left to its box is added."""
        inside = torch.maximum(torch.minimum(points, self.high), self.low)
        scaled = (inside - self.low) * (2 / (self.high - self.low)) - 1
        found = torch.nn.functional.grid_sample(self.values, scaled[:, :, None, None], align_corners=True)
        return found[:, 0, :, 0, 0] + _length(points - inside)

    def enter(self, origin: Tensor, ways: Tensor) -> tuple[Tensor, Tensor]:
        """(B, N) where rays from origin (B, 1, 3) along ways (B, N, 3) enter and leave the box; enter > leave: never.
        """
        safe = torch.where(ways.abs() < 1e-9, torch.full_like(ways, 1e-9), ways)
        one, two = (self.low - origin) / safe, (self.high - origin) / safe
        return torch.minimum(one, two).amax(-1).clamp_(min=0), torch.maximum(one, two).amin(-1)


def bounds(flesh: Flesh, index: int) -> tuple[np.ndarray, np.ndarray]:
    """(3,) m, the lowest and the highest corner of a box about all parts."""
    start, end, radius = (a[index] for a in flesh.ends())
    low = np.minimum(start, end) - radius[:, None]
    high = np.maximum(start, end) + radius[:, None]
    return low.min(0) - _MARGIN, high.max(0) + _MARGIN


def _length(way: Tensor) -> Tensor:
    """(...) of ways (..., 3); quicker than torch's norm, which is slow on short rows."""
    x, y, z = way.unbind(-1)
    return torch.addcmul(torch.addcmul(x * x, y, y), z, z).sqrt_()


def bake(field: Field, low: Tensor, high: Tensor) -> Grid:
    """The field of B bodies within their boxes, corners (B, 3) m: exact near the surface, farther away a little less
    than the distance."""
    size = (high - low).amax(0)
    step = max(STEP, float(size.prod() / _MOST) ** (1 / 3))
    counts = [max(int(n), 2) for n in torch.ceil(size / step).tolist()][::-1]
    values = _upsampled(field, low, high, counts=counts)
    near = (values.flatten(1) < _BAND * step) & (values.flatten(1) > -_BAND * step)
    columns, _ = pick(near)
    points = rows(_lattice(low, high, counts), columns)
    flat = values.flatten(1).scatter(1, columns, field.distance(points))
    return Grid(flat.reshape(len(low), 1, *counts), low[:, None], high[:, None])


def _lattice(low: Tensor, high: Tensor, counts: list[int]) -> Tensor:
    """(B, D H W, 3) m, the nodes, z slowest."""
    axes = [torch.linspace(0, 1, n, device=low.device) for n in counts]
    z, y, x = torch.meshgrid(*axes, indexing="ij")
    return low[:, None] + torch.stack([x, y, z], -1).reshape(1, -1, 3) * (high - low)[:, None]


def _upsampled(field: Field, low: Tensor, high: Tensor, *, counts: list[int]) -> Tensor:
    """(B, 1, D, H, W) from a lattice of a third of the nodes along each axis."""
    few = [max(2, -(-n // 3)) for n in counts]
    coarse = field.distance(_lattice(low, high, few)).reshape(len(low), 1, *few)
    fine = torch.nn.functional.interpolate(coarse, size=counts, mode="trilinear", align_corners=True)
    return torch.where(fine > 0, 0.92 * fine, fine)
