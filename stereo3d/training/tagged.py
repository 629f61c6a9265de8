"""What HigherHRNet learns: heat maps at both resolutions, and tags that are alike within a person.

Cheng et al., "HigherHRNet: Scale-Aware Representation Learning for Bottom-Up Human Pose Estimation", CVPR 2020; the
tags' loss is that of Newell et al., "Associative Embedding", 2017, eq. 1 with the means' distances squared.
"""

from __future__ import annotations

import torch
from torch import Tensor

from stereo3d.models.higherhrnet import Tagged
from stereo3d.training.augment import Batch
from stereo3d.training.everyone import crowd, heat

TAGS = 1e-3
"""What the tags' pull and push count beside the heat maps, as published."""


def on_tagged(xy: Tensor, stride: int) -> Tensor:
    """Places in px of maps with that stride, of places in px of the input, as detectors.tags reads them back."""
    return xy / stride - 0.5


def tagged_loss(seen: Tagged, batch: Batch, weights: Tensor) -> Tensor:
    """How wrong heat maps and tags are; joints count `weights` (K,); a scalar.

    Mean squared differences of both heat maps, and TAGS times pull and push. A map counts nothing where a joint's
    place is not known; where it is known to be out of the picture the map is to be empty.
    """
    people, k = crowd(batch), len(weights)
    total = torch.zeros((), device=weights.device)
    for maps in (seen.coarse[:, :k], seen.fine):
        h, w = maps.shape[2:]
        target = heat(on_tagged(people.xy, batch.images.shape[2] // w), (w, h))
        total = total + ((maps.float() - target).square().mean((2, 3)) * people.known * weights).mean()
    tags = seen.coarse[:, k:].float()
    pull, push = grouping(tags, on_tagged(people.xy, batch.images.shape[2] // tags.shape[3]))
    return total + TAGS * (pull + push)


def grouping(tags: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
    """(pull, push) of tags (N, K, h, w) at the joints (N, P, K, 2) px of the maps, means over the pictures; scalars.

    Pull: how far the tags of a person's joints are from their mean, squared. Push: exp(-distance squared) of each two
    people's means, halved; nothing for one alone.
    """
    h, w = tags.shape[2:]
    there = torch.isfinite(places).all(-1)
    pixel = places.nan_to_num().round().long()
    index = (pixel[..., 1].clamp(0, h - 1) * w + pixel[..., 0].clamp(0, w - 1)).transpose(1, 2)
    tag = tags.flatten(2).gather(2, index).transpose(1, 2)
    count = there.sum(-1)
    mean = (tag * there).sum(-1) / count.clamp_min(1)
    some = count > 0
    n_people = some.sum(-1)
    spread = ((tag - mean[..., None]).square() * there).sum(-1) / count.clamp_min(1)
    pull = spread.sum(-1) / n_people.clamp_min(1)
    both = some[:, :, None] & some[:, None] & ~torch.eye(some.shape[1], dtype=torch.bool, device=some.device)
    near = torch.exp(-(mean[:, :, None] - mean[:, None]).square()) * both
    push = 0.5 * near.sum((1, 2)) / (n_people * (n_people - 1)).clamp_min(1)
    return pull.mean(), push.mean()
