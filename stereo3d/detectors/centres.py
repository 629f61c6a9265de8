"""People from their centres: DEKR's way of reading a picture.

Geng et al., "Bottom-Up Human Pose Estimation via Disentangled Keypoint Regression", CVPR 2021: a peak of the centres'
map is a person, whose joints are where the offsets at that pixel say; of poses that lie on each other, the one on the
warmest pixels of the joints' own maps is kept. Places are px of the maps unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from stereo3d.models.dekr import Regressed
from stereo3d.values import Floats

STRIDE = 4
"""px of the input for one px of the maps."""
MOST = 30
"""People in a picture."""
LEAST_CENTRE = 0.01
"""Of a centre that is looked at."""
POOLS = ((300, 7), (200, 5), (0, 3))
"""px across within which there is one centre, by the least mean side of the maps."""
NEAR = 0.05
"""Joints of two poses nearer than this share of the pose's diagonal coincide."""
COINCIDE = 0.5
"""Poses are of one person where more than this share of their joints coincide: 9 of 17, 8 of 14."""
SHIFT = 3
"""px by which a mirrored input is moved left, so that a map's pixels fall on each other after mirroring back."""


class Look(NamedTuple):
    """What is seen of N pictures at one scale."""

    heat: Tensor
    """(N, K + 1, h, w)"""
    where: Tensor
    """(N, K, 2, h, w) px of the maps where each joint is."""
    share: tuple[float, float] = (1.0, 1.0)
    """Of the input's width and height that the copy looked at has."""

    def own(self, xy: Tensor) -> Tensor:
        """(..., 2) px of the copy for px of the input."""
        share = torch.tensor(self.share, device=xy.device)
        return xy * share + (share - 1) / 2

    def back(self, xy: Tensor) -> Tensor:
        """(..., 2) px of the input for px of the copy."""
        share = torch.tensor(self.share, device=xy.device)
        return (xy - (share - 1) / 2) / share


class Poses(NamedTuple):
    """P poses in one picture."""

    xy: Floats
    """(P, K, 2) px of the input."""
    centre: Floats
    """(P) how sure it is that there is someone."""
    heat: Floats
    """(P, K) the joint's own map where the pose says it is; published scores are this times `centre`."""


def mirrored(images: Tensor) -> Tensor:
    """The mirror images of (N, 3, h, w), as DEKR is tested: SHIFT px further left, the last columns standing twice."""
    flipped = images.flip(-1)
    return torch.cat((flipped[..., SHIFT:], flipped[..., -SHIFT:]), -1)


def pose_map(offset: Tensor) -> Tensor:
    """(N, K, 2, h, w) px where each joint is, of the person at each pixel, from offsets (N, 2 K, h, w)."""
    h, w = offset.shape[2:]
    rows, columns = (torch.arange(n, dtype=offset.dtype, device=offset.device) for n in (h, w))
    pixel = torch.stack((columns.expand(h, w), rows[:, None].expand(h, w)))
    n, channels = offset.shape[:2]
    return pixel - offset.reshape(n, channels // 2, 2, h, w)


def mirrored_pose_map(offset: Tensor, mirror: Sequence[int]) -> Tensor:
    """The same from the offsets of the mirror images: its joints in the picture, its pixels still mirrored."""
    poses = pose_map(offset)[:, list(mirror)]
    return torch.stack((offset.shape[3] - 1 - poses[:, :, 0], poses[:, :, 1]), 2)


def merged(seen: Regressed, flipped: Regressed | None, mirror: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Heat maps (N, K + 1, h, w) and pose maps, the mean of the picture's and its mirror image's, if that is given."""
    poses = pose_map(seen.offset)
    if flipped is None:
        return seen.heat, poses
    heat = (seen.heat + flipped.heat.flip(-1)[:, [*mirror, len(mirror)]]) / 2
    return heat, (poses + mirrored_pose_map(flipped.offset, mirror).flip(-1)) / 2


def centres(heat: Tensor) -> list[tuple[Tensor, Tensor]]:
    """(P) the pixels, row by row, and scores of the persons' centres in each of N pictures, the surest first."""
    h, w = heat.shape[2:]
    pool = next(size for least, size in POOLS if (h + w) / 2 > least)
    maps = heat[:, -1:]
    top = functional.max_pool2d(maps, pool, 1, pool // 2)
    score, place = torch.where(top == maps, maps, 0.0).flatten(1).topk(min(MOST, h * w), dim=1)
    return [(p[s > LEAST_CENTRE], s[s > LEAST_CENTRE]) for p, s in zip(place, score, strict=True)]


def poses(looks: Sequence[Look]) -> list[Poses]:
    """Everyone in each of N pictures that were looked at in one scale or several.

    Each scale puts its own poses forward; how warm one is, is the mean over all scales' maps, as the authors test.
    """
    out = []
    for n, found in enumerate(zip(*(_put_forward(look) for look in looks), strict=True)):
        xy, score = (torch.cat(parts) for parts in zip(*found, strict=True))
        warmth = torch.stack([_heat_at(look.heat[n, :-1], look.own(xy)) for look in looks]).mean(0)
        out.append(of_each_person(Poses(*(x.double().cpu().numpy() for x in (xy, score, warmth)))))
    return out


def _put_forward(look: Look) -> list[tuple[Tensor, Tensor]]:
    """(P, K, 2) px of the input and (P) scores of the poses at the centres in each of N pictures."""
    return [
        (look.back(STRIDE * joints.flatten(2)[..., place].permute(2, 0, 1)), score)
        for joints, (place, score) in zip(look.where, centres(look.heat), strict=True)
    ]


def of_each_person(found: Poses) -> Poses:
    """One pose of each person."""
    near = NEAR * np.linalg.norm(np.ptp(found.xy, axis=1), axis=-1)
    apart = np.linalg.norm(found.xy[:, None] - found.xy[None], axis=-1)
    same = (apart < near[:, None, None]).sum(-1) > COINCIDE * found.xy.shape[1]
    warmth, left_out = found.heat.mean(1), np.zeros(len(found.xy), bool)
    kept: list[int] = []
    for i, group in enumerate(same):
        group[i] = True
        best = int(np.flatnonzero(group)[warmth[group].argmax()])
        if not (left_out[i] or left_out[best]):
            kept.append(best)
            left_out |= group
    return Poses(*(x[np.array(kept, np.int64)] for x in found))


def _heat_at(maps: Tensor, xy: Tensor) -> Tensor:
    """(P, K) each joint's map (K, h, w) at the pixel of the input that holds the joint.

    Enlarged STRIDE times, the maps' pixels fall on every STRIDE-th one of the input; behind the last they go on.
    """
    k, h, w = maps.shape
    corner = torch.tensor([w - 1, h - 1], device=xy.device)
    pixel = torch.minimum(xy.floor().clamp(min=0) / STRIDE, corner)
    low = pixel.floor().long()
    high = torch.minimum(low + 1, corner)
    share = pixel - low
    joint = torch.arange(k, device=xy.device)
    rows = [
        maps[joint, y, low[..., 0]] * (1 - share[..., 0]) + maps[joint, y, high[..., 0]] * share[..., 0]
        for y in (low[..., 1], high[..., 1])
    ]
    value: Tensor = rows[0] * (1 - share[..., 1]) + rows[1] * share[..., 1]
    return value
