"""HigherHRNet: heat maps at two resolutions, and a tag by which the joints of each person know each other.

Cheng et al., "HigherHRNet: Scale-Aware Representation Learning for Bottom-Up Human Pose Estimation", CVPR 2020;
tags are Newell et al., "Associative Embedding", 2017. Names and widths as in the published checkpoints.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from stereo3d.models.hrnet import DEPTH, BasicBlock, Trunk


class Tagged(NamedTuple):
    """What HigherHRNet gives for (N, 3, H, W) images."""

    coarse: Tensor
    """(N, 2 K, H / 4, W / 4): K heat maps, then K maps of tags."""
    fine: Tensor
    """(N, K, H / 2, W / 2) heat maps."""


class HigherHRNet(Trunk):
    """Normalised RGB images (N, 3, H, W) -> Tagged; H and W multiples of 32.

    `width` 32 (inputs of 512 px) or 48 (640 px) in the published networks. Normalised as for HRNet.
    """

    def __init__(self, width: int, n_joints: int = 17) -> None:
        super().__init__(width)
        self.final_layers = nn.ModuleList([nn.Conv2d(width, 2 * n_joints, 1), nn.Conv2d(width, n_joints, 1)])
        self.deconv_layers = nn.ModuleList([_enlarge(width + 2 * n_joints, width)])

    def forward(self, images: Tensor) -> Tagged:
        """Heat maps and tags, as raw numbers."""
        features = self.branches(images)[0]
        coarse: Tensor = self.final_layers[0](features)
        finer: Tensor = self.deconv_layers[0](torch.cat((features, coarse), 1))
        return Tagged(coarse, self.final_layers[1](finer))


def _enlarge(n_in: int, n_out: int) -> nn.Sequential:
    """Twice the resolution, learnt."""
    double = nn.ConvTranspose2d(n_in, n_out, 4, stride=2, padding=1, bias=False)
    first = nn.Sequential(double, nn.BatchNorm2d(n_out), nn.ReLU(inplace=True))
    return nn.Sequential(first, *(nn.Sequential(BasicBlock(n_out)) for _ in range(DEPTH)))
