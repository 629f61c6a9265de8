"""Where rays meet the flesh: marched on the lattice, made exact near the surface (sphere tracing, Hart 1996)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from stereo3d.synthetic.picture.columns import pick, rows
from stereo3d.synthetic.picture.field import Field
from stereo3d.synthetic.picture.grid import Grid

_STEPS = 36
_ROUNDS = 6
_NEAR = 0.0016
"""m, how near the lattice leads before the exact field takes over."""
_EXACT = 2
_HIT = 0.0006
"""m."""


@dataclass(frozen=True, slots=True)
class Hits:
    """Which of B times N rays meet the flesh, and where."""

    rays: Tensor
    """(B, M) which rays, those that hit first; rows with fewer are filled up."""
    real: Tensor
    """(B, M) False where a row is filled up."""
    reach: Tensor
    """(B, M) m."""


def trace(field: Field, grid: Grid, *, origin: Tensor, ways: Tensor) -> Hits:
    """Where rays from origin (B, 1, 3) m along unit ways (B, N, 3) first meet the flesh."""
    begin, leave = grid.enter(origin, ways)
    columns, real = pick(begin < leave)
    ways, reach, leave = rows(ways, columns), rows(begin, columns), rows(leave, columns)
    found = torch.zeros_like(real)
    going = real & (reach < leave)
    for _ in range(_ROUNDS):
        reach = _march(grid, origin, ways, reach=reach, leave=leave, going=going)
        close = going & (reach < leave)
        some, sure = pick(close)
        if not some.shape[1]:
            break
        there, way = rows(reach, some), rows(ways, some)
        for _ in range(_EXACT):
            distance = field.distance(origin + there[..., None] * way)
            there = there + distance
        hit = sure & (distance.abs() < _HIT)
        reach = reach.scatter(1, some, torch.where(sure, torch.where(hit, there, there + _NEAR), rows(reach, some)))
        found = found.scatter(1, some, torch.where(sure, hit, rows(found, some)))
        going = close & ~found
    some, sure = pick(found)
    return Hits(rows(columns, some), sure, rows(reach, some))


def _march(
    grid: Grid, origin: Tensor, ways: Tensor, *, reach: Tensor, leave: Tensor, going: Tensor
) -> Tensor:
    """(B, N) m, where each ray that is `going` comes near the surface, or leaves the box."""
    columns, sure = pick(going)
    there, way, end = rows(reach, columns), rows(ways, columns), rows(leave, columns)
    for step in range(_STEPS):
        distance = grid.distance(origin + there[..., None] * way)
        free = sure & (distance > _NEAR) & (there < end)
        there = there + torch.where(free, distance.clamp(min=0.0012), 0)
        if len(ways) == 1 and step % 3 == 2:  # on one body, go on with those rays alone that still go
            reach = reach.scatter(1, columns, there)
            left = free[0].nonzero()[:, 0]
            columns, there, way, end, sure = (t[:, left] for t in (columns, there, way, end, sure))
        if not there.shape[1]:
            break
    return reach.scatter(1, columns, torch.where(sure, there, rows(reach, columns)))
