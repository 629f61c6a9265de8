"""A carer's arm beyond the hand, to outside of any picture: one cone, met without a lattice, which would grow by it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_STEEPEST = 0.05
"""Least squared sine between a ray and the arm."""


@dataclass(frozen=True, slots=True)
class Sleeve:
    """The sleeves over B beds, at most one each."""

    start: Tensor
    """(B, 1, 3) m."""
    end: Tensor
    """(B, 1, 3) m."""
    radius: Tensor
    """(B, 2) m, at the start and at the end; 0 for none."""

    def meet(self, origin: Tensor, ways: Tensor, *, pixel: float) -> tuple[Tensor, Tensor, Tensor]:
        """(B, N) how much of each ray's pixel the arm covers, (B, N) m how far it is, and (B, N, 3) its normal.

        Rays go from origin (B, 1, 3) m along unit ways (B, N, 3); pixel: rad, its width. inf where nothing is met.
        """
        start, along = self.start - origin, self.end - self.start
        aw, sw = (ways * along).sum(-1), (ways * start).sum(-1)
        aa, sa = (along * along).sum(-1).clamp(min=1e-9), (start * along).sum(-1)
        u = ((aw * sw - sa) / (aa - aw * aw).clamp(min=1e-9)).clamp(0, 1)
        t = (sw + u * aw).clamp(min=0)
        apart = (t[..., None] * ways - start - u[..., None] * along).norm(dim=-1)
        size = self.radius[:, :1] + u * (self.radius[:, 1:] - self.radius[:, :1])
        cover = ((size - apart) / (pixel * t).clamp(min=1e-6) + 0.5).clamp(0, 1) * (size > 0) * (t > 0)
        sine = (1 - aw * aw / aa).clamp(min=_STEEPEST).sqrt()
        reach = t - (size * size - apart * apart).clamp(min=0).sqrt() / sine
        points = reach[..., None] * ways - start
        foot = ((points * along).sum(-1) / aa).clamp(0, 1)
        normal = torch.nn.functional.normalize(points - foot[..., None] * along, dim=-1)
        return cover, torch.where(cover > 0, reach, torch.inf), normal
