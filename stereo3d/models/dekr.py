"""DEKR: from the centre of each person straight to all joints.

Geng et al., "Bottom-Up Human Pose Estimation via Disentangled Keypoint Regression", CVPR 2021. Each joint has its own
branch, whose convolutions turn, stretch and move their kernel at every pixel. Names and widths as in the published
checkpoints.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from stereo3d.models.deformable import TAPS, deformable
from stereo3d.models.hrnet import BasicBlock, Trunk, conv_norm

N_BRANCHES = 4
PER_JOINT = 15
"""Channels of each joint's own branch."""


class Regressed(NamedTuple):
    """What DEKR gives for (N, 3, H, W) images, at a quarter of their resolution."""

    heat: Tensor
    """(N, K + 1, H / 4, W / 4): K heat maps, and where persons' centres are."""
    offset: Tensor
    """(N, 2 K, H / 4, W / 4) px: from each joint, x and y, of the person there to the pixel."""


class Deformed(nn.Module):
    """The weights of a deformable 3x3 convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(nn.init.kaiming_uniform_(torch.empty(channels, channels, 3, 3)))

    def forward(self, x: Tensor, offset: Tensor) -> Tensor:
        """(N, C, h, w) for x (N, C, h, w) and offset (N, 18, h, w) px."""
        return deformable(x, offset, self.weight)


class AdaptBlock(nn.Module):
    """A convolution whose kernel goes through an affine map that each pixel chooses, and a shortcut."""

    regular_matrix: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        steps = torch.tensor([-1.0, 0.0, 1.0])
        self.register_buffer("regular_matrix", torch.stack((steps.repeat_interleave(3), steps.repeat(3))))
        self.transform_matrix_conv = nn.Conv2d(channels, 4, 3, padding=1)
        self.translation_conv = nn.Conv2d(channels, 2, 3, padding=1)
        self.adapt_conv = Deformed(channels)
        self.bn = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """The block's output (N, C, h, w)."""
        matrix = self.transform_matrix_conv(x).unflatten(1, (2, 2))
        places = torch.einsum("nijhw,jk->nkihw", matrix, self.regular_matrix).flatten(1, 2)
        regular = self.regular_matrix.t().reshape(-1, 1, 1)
        offset = places - regular + self.translation_conv(x).repeat(1, TAPS, 1, 1)
        y: Tensor = self.relu(self.bn(self.adapt_conv(x, offset)) + x)
        return y


class DEKR(Trunk):
    """Normalised RGB images (N, 3, H, W) -> Regressed; H and W multiples of 32.

    `width` 32 (inputs of 512 px) or 48 (640 px), `n_joints` 17 (COCO) or 14 (CrowdPose) in the published networks.
    Normalised as for HRNet.
    """

    def __init__(self, width: int, n_joints: int = 17) -> None:
        super().__init__(width, n_outputs=N_BRANCHES)
        self.n_joints = n_joints
        n_in = width * (2**N_BRANCHES - 1)
        self.transition_heatmap = _squeeze(n_in, width)
        self.transition_offset = _squeeze(n_in, PER_JOINT * n_joints)
        self.head_heatmap = nn.Sequential(nn.Sequential(BasicBlock(width)), nn.Conv2d(width, n_joints + 1, 1))
        self.offset_feature_layers = nn.ModuleList(
            nn.Sequential(AdaptBlock(PER_JOINT), AdaptBlock(PER_JOINT)) for _ in range(n_joints)
        )
        self.offset_final_layer = nn.ModuleList(nn.Conv2d(PER_JOINT, 2, 1) for _ in range(n_joints))

    def forward(self, images: Tensor) -> Regressed:
        """Heat maps and offsets, as raw numbers."""
        finest, *coarser = self.branches(images)
        enlarged = [
            functional.interpolate(x, scale_factor=2**i, mode="bilinear", align_corners=False)
            for i, x in enumerate(coarser, start=1)
        ]
        x = torch.cat((finest, *enlarged), 1)
        heat: Tensor = self.head_heatmap(self.transition_heatmap(x))
        own = self.transition_offset(x).split(PER_JOINT, 1)
        branches = zip(self.offset_feature_layers, self.offset_final_layer, strict=True)
        offset = torch.cat([last(layers(own[joint])) for joint, (layers, last) in enumerate(branches)], 1)
        return Regressed(heat, offset)


def _squeeze(n_in: int, n_out: int) -> nn.Sequential:
    return nn.Sequential(*conv_norm(n_in, n_out, 1), nn.ReLU(inplace=True))
