"""Heat maps to learn, and how far a network's are from them."""

from __future__ import annotations

import torch
from torch import Tensor

from stereo3d.detectors.crops import CropRule, heatmap_affine, invert
from stereo3d.skeleton import Skeleton
from stereo3d.values import Floats

STRIDE = 4
"""px of the input for one of the heat maps."""
_HARDER = {"elbow": 1.2, "knee": 1.2, "wrist": 1.5, "ankle": 1.5}


def map_size(size: tuple[int, int]) -> tuple[int, int]:
    """(w, h) px of the heat maps for an input of `size` (w, h) px."""
    return size[0] // STRIDE, size[1] // STRIDE


def to_maps(size: tuple[int, int]) -> Floats:
    """(2, 3) from px of an input of `size` (w, h) to px of its heat maps, in DARK's convention."""
    return invert(heatmap_affine(map_size(size), CropRule(size, convention="dark")))


def on_maps(xy: Tensor, size: tuple[int, int]) -> Tensor:
    """(N, K, 2) heat-map px of places (N, K, 2) in input px."""
    transform = to_maps(size)
    scale, shift = xy.new_tensor(transform[:, :2].copy()), xy.new_tensor(transform[:, 2].copy())
    return xy @ scale.T + shift


def gaussians(xy: Tensor, maps: tuple[int, int], *, sigma: float) -> Tensor:
    """(N, K, h, w) Gaussians of height 1 about places (N, K, 2) in heat-map px; zero where a place is unknown.

    They stand on the place itself, not on the nearest pixel (Zhang et al., "Distribution-Aware Coordinate
    Representation for Human Pose Estimation", CVPR 2020, eq. 11).
    """
    w, h = maps
    known = torch.isfinite(xy).all(-1)
    x, y = torch.where(known[..., None], xy, torch.zeros_like(xy)).unbind(-1)
    across = torch.exp(-((torch.arange(w, device=xy.device) - x[..., None]) ** 2) / (2 * sigma**2))
    down = torch.exp(-((torch.arange(h, device=xy.device) - y[..., None]) ** 2) / (2 * sigma**2))
    out: Tensor = down[..., :, None] * across[..., None, :] * known[..., None, None]
    return out


def joint_weights(skeleton: Skeleton) -> list[float]:
    """(K,) how much each joint counts: joints further out are harder (HRNet's joints_weight)."""
    return [_HARDER.get(joint.rpartition("_")[2], 1.0) for joint in skeleton.joints]


def loss(maps: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Half the mean squared difference of heat maps (N, K, h, w), weighted (N, K): HRNet's JointsMSELoss; a scalar."""
    out: Tensor = 0.5 * ((maps.float() - target).square().mean((2, 3)) * weight).mean()
    return out


def loss_of_logits(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """The cross-entropy of each map as a distribution over places to the target as one, weighted (N, K); a scalar.

    It learns faster from nothing than squared differences, which are mostly of empty places.
    """
    log = torch.log_softmax(logits.float().flatten(2), -1)
    share = target.flatten(2)
    total = share.sum(-1)
    each = -(share * log).sum(-1) / total.clamp_min(1e-6)
    counted = weight * (total > 0.5)
    out: Tensor = (each * counted).sum() / counted.sum().clamp_min(1e-6)
    return out
