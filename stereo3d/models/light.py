"""A small HRNet for machines without an accelerator: half the published width, a stem of two plain blocks.

HRNet (Sun et al., CVPR 2019) spends most of a small network's time in its stem, which is 256 channels wide whatever
the branches are; Lite-HRNet (Yu et al., CVPR 2021) and this network make it narrow instead.
"""

from __future__ import annotations

import math

from torch import Tensor, nn

from stereo3d.models.hrnet import BasicBlock, Transition, conv_norm, stage

MODULES = (1, 2, 2)
"""Exchanges in stages 2, 3 and 4."""
DEPTH = 2
"""Residual blocks of a branch between two exchanges."""
SIGMA = 2.0
"""px of its heat maps, of the Gaussians it is trained on."""
_PEAK = 2 * math.pi * SIGMA**2
"""What makes the top of a distribution as wide as the targets 1."""


class LightHRNet(nn.Module):
    """Normalised RGB images (N, 3, H, W) -> heat maps (N, n_joints, H / 4, W / 4); H and W multiples of 32.

    `width` channels of the finest branch, 16 as shipped. Normalised as for HRNet.
    """

    def __init__(self, width: int = 16, n_joints: int = 17) -> None:
        super().__init__()
        channels, stem = [width * 2**i for i in range(4)], 2 * width
        self.conv1, self.bn1 = conv_norm(3, stem, stride=2)
        self.conv2, self.bn2 = conv_norm(stem, stem, stride=2)
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = nn.Sequential(BasicBlock(stem), BasicBlock(stem))
        self.transition1 = Transition([stem], channels[:2])
        self.stage2 = stage(channels[:2], MODULES[0], n_outputs=2, depth=DEPTH)
        self.transition2 = Transition(channels[:2], channels[:3])
        self.stage3 = stage(channels[:3], MODULES[1], n_outputs=3, depth=DEPTH)
        self.transition3 = Transition(channels[:3], channels)
        self.stage4 = stage(channels, MODULES[2], n_outputs=1, depth=DEPTH)
        self.head = nn.Conv2d(width, n_joints, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Heat maps: about 1 at a joint that is sure. While it is trained, their logarithms but for a constant each."""
        x = self.relu(self.bn1(self.conv1(images)))
        x = self.layer1(self.relu(self.bn2(self.conv2(x))))
        xs = self.stage2(self.transition1([x]))
        xs = self.stage3(self.transition2(xs))
        logits: Tensor = self.head(self.stage4(self.transition3(xs))[0])
        return logits if self.training else _distribution(logits)


def _distribution(logits: Tensor) -> Tensor:
    """The softmax over each map, times _PEAK; in steps that every runtime has."""
    weight = (logits - logits.amax((2, 3), keepdim=True)).exp()
    return _PEAK * (weight / weight.sum((2, 3), keepdim=True))
