"""What DEKR learns: heat maps of joints and of people's centres, and from near each centre the way to every joint.

Geng et al., "Bottom-Up Human Pose Estimation via Disentangled Keypoint Regression", CVPR 2021, 3.3; the numbers are
those of its published training.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from stereo3d.models.dekr import Regressed
from stereo3d.training.augment import Batch
from stereo3d.training.everyone import SIGMA, crowd, heat

CENTRE_SIGMA = 4.0
"""px of the maps, of a centre's Gaussian."""
BACKGROUND = 0.1
"""What a pixel counts that is far from every joint."""
RADIUS = 4.0
"""px of the maps about a centre within which offsets are learned."""
OFFSETS = 0.03
"""What the offsets count beside the heat maps."""
BEND = 1 / 9
"""px below which an offset's error counts by its square."""
_NEAR = 1e-2
"""Height of a Gaussian three standard deviations from its middle, about."""


def regressed_loss(seen: Regressed, batch: Batch, weights: Tensor) -> Tensor:
    """How wrong heat maps and offsets are; joints count `weights` (K,), the centre 1; a scalar.

    A joint's map counts nothing where the joint's place is not known.
    """
    people = crowd(batch)
    h, w = seen.heat.shape[2:]
    places = people.xy / (batch.images.shape[2] // w)
    centre = places.nanmean(2, keepdim=True)
    target = torch.cat([heat(places, (w, h), sigma=SIGMA), heat(centre, (w, h), sigma=CENTRE_SIGMA)], 1)
    counted = torch.cat([people.known * weights, torch.ones_like(people.known[:, :1])], 1)
    each = torch.where(target > _NEAR, 1.0, BACKGROUND) * (seen.heat.float() - target).square()
    return (each.mean((2, 3)) * counted).mean() + OFFSETS * offset_loss(seen.offset.float(), places, weights)


def offset_loss(offset: Tensor, places: Tensor, weights: Tensor) -> Tensor:
    """How wrong offsets (N, 2 K, h, w) are near the centres of people (N, P, K, 2) px of the maps; a scalar.

    The mean over the offsets that are learned of Huber's loss, divided by BEND and by the person's diagonal, so that
    small people count as much; where two people's discs overlap, the smaller has the pixel.
    """
    target, share = offsets(places, (offset.shape[3], offset.shape[2]))
    wrong = functional.smooth_l1_loss(offset, target.nan_to_num(), beta=BEND, reduction="none")
    counted = share * weights.repeat_interleave(2)[:, None, None]
    return (wrong * counted).sum() / (share > 0).sum().clamp_min(1)


def offsets(places: Tensor, maps: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """(N, 2 K, h, w) px from each joint of the person there to the pixel, x and y, and (N, 2 K, h, w) what it counts.

    One over the diagonal of the person's joints within RADIUS of the person's centre, else 0.
    """
    (w, h), (n, _, k) = maps, places.shape[:3]
    y, x = torch.meshgrid(*(torch.arange(s, device=places.device, dtype=places.dtype) for s in (h, w)), indexing="ij")
    pixel = torch.stack([x, y])
    apart = (pixel[None, None] - places.nanmean(2)[..., None, None]).square().sum(2).sqrt()
    size = diagonal(places)
    owner = torch.where(apart <= RADIUS, size[..., None, None], torch.inf)
    least, who = owner.min(1)
    own = places[torch.arange(n, device=places.device)[:, None, None], who]  # (N, h, w, K, 2)
    way = pixel.permute(1, 2, 0)[None, :, :, None] - own
    share = torch.isfinite(way) / least[..., None, None].clamp_min(1.0)
    flat = [t.permute(0, 3, 4, 1, 2).reshape(n, 2 * k, h, w) for t in (way, share)]
    return flat[0], flat[1]


def diagonal(places: Tensor) -> Tensor:
    """(N, P) px, of the box round the known ones of places (N, P, K, 2); NaN where there is none."""
    known = torch.isfinite(places).all(-1, keepdim=True)
    high = torch.where(known, places, -torch.inf).amax(2)
    low = torch.where(known, places, torch.inf).amin(2)
    found: Tensor = torch.where(known.any(2), high - low, torch.nan).norm(dim=-1)
    return found
