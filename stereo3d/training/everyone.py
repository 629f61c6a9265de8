"""Who is in the pictures: what networks are taught that find everyone, HigherHRNet and DEKR."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from stereo3d.training.augment import Batch, inside
from stereo3d.training.targets import gaussians

SIGMA = 2.0
"""px of the maps, of the joints' Gaussians at every resolution."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """The P people in each of N pictures."""

    xy: Tensor
    """(N, P, K, 2) px of the pictures, NaN where a joint is not known or not in the picture."""
    known: Tensor
    """(N, K) 0 where somebody's joint is in an unknown place, so that nobody can say what its map ought to be."""


def crowd(batch: Batch) -> Crowd:
    """Everyone in the batch's pictures, the infant first."""
    h, w = batch.images.shape[1:3]
    people = batch.people
    shown, lost = inside(people, (w, h)), ~torch.isfinite(people).all(-1)
    lost[:, 0] |= shown[:, 0] & (batch.weight == 0)
    someone = ~lost.all(-1, keepdim=True)
    there = shown & ~lost
    return Crowd(torch.where(there[..., None], people, torch.nan), (~(lost & someone).any(1)).float())


def heat(places: Tensor, maps: tuple[int, int], *, sigma: float = SIGMA) -> Tensor:
    """(N, K, h, w) the highest of the P people's Gaussians about places (N, P, K, 2) px of the maps (w, h)."""
    n, p, k = places.shape[:3]
    drawn = gaussians(places.reshape(n, p * k, 2), maps, sigma=sigma)
    highest: Tensor = drawn.reshape(n, p, k, maps[1], maps[0]).amax(1)
    return highest
