"""OpenPose's body network: heat maps of joints, and fields that point along the limbs, refined in six stages.

Cao et al., "Realtime Multi-Person 2D Pose Estimation using Part Affinity Fields", CVPR 2017: the COCO model of 18
joints on the first ten convolutions of VGG-19. Names of layers as in the original, behind the names of stages that
its best known port for PyTorch gives them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn

N_FIELDS = 38
"""x and y of 19 limbs."""
N_MAPS = 19
"""18 joints and the background."""
STRIDE = 8
STAGES = range(2, 7)
"""Those that see what the stage before made of the picture."""
FEATURES = 128
_VGG = "1_1:64 1_2:64 pool 2_1:128 2_2:128 pool 3_1:256 3_2:256 3_3:256 3_4:256 pool 4_1:512 4_2:512 4_3_CPM:256 " \
       f"4_4_CPM:{FEATURES}"


class Fields(NamedTuple):
    """What OpenPose gives for (N, 3, H, W) images, at an eighth of their resolution."""

    limbs: Tensor
    """(N, 38, H / 8, W / 8): the part affinity fields, x and y for each of 19 limbs."""
    maps: Tensor
    """(N, 19, H / 8, W / 8): heat maps of 18 joints, and of the background."""


class OpenPose(nn.Module):
    """BGR images (N, 3, H, W), / 256 - 0.5 -> Fields, joints in the order of skeleton OpenPose-18.

    H and W multiples of 8. `clip_maps` passes the last heat maps through a ReLU, as the port does by a slip in its
    list of layers; the original does not.
    """

    def __init__(self, *, clip_maps: bool = False) -> None:
        super().__init__()
        self.clip_maps = clip_maps
        self.model0 = _vgg()
        for branch, n_out in ((1, N_FIELDS), (2, N_MAPS)):
            self.add_module(f"model1_{branch}", _first(branch, n_out))
            for stage in STAGES:
                self.add_module(f"model{stage}_{branch}", _later(stage, branch, n_out))

    def forward(self, images: Tensor) -> Fields:
        """Fields and heat maps, as raw numbers."""
        features = x = self.model0(images)
        for stage in (1, *STAGES):
            limbs, maps = (self.get_submodule(f"model{stage}_{branch}")(x) for branch in (1, 2))
            x = torch.cat((limbs, maps, features), 1)
        return Fields(limbs, torch.relu(maps) if self.clip_maps else maps)


def full_name(layer: str) -> str:
    """The port's name for a tensor of the original, such as `Mconv1_stage2_L1.weight`; other names stay as they are."""
    part, _, _ = layer.partition(".")
    if part.startswith("Mconv") and "_stage" in part:
        stage, _, branch = part.rpartition("_stage")[2].partition("_L")
        return f"model{stage}_{branch}.{layer}"
    if part.startswith("conv5_"):
        return f"model1_{part[-1]}.{layer}"
    return f"model0.{layer}" if part.startswith("conv") else layer


def _vgg() -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    n_in = 3
    for number, entry in enumerate(_VGG.split()):
        name, _, width = entry.partition(":")
        if not width:
            layers[f"pool{number}"] = nn.MaxPool2d(2)
            continue
        layers[f"conv{name}"] = nn.Conv2d(n_in, int(width), 3, padding=1)
        layers[f"relu{name}"] = nn.ReLU(inplace=True)
        n_in = int(width)
    return nn.Sequential(layers)


def _first(branch: int, n_out: int) -> nn.Sequential:
    """Of 3x3 kernels, 128 channels of features in."""
    shapes = [(FEATURES, 3), (FEATURES, 3), (FEATURES, 3), (512, 1), (n_out, 1)]
    return _convolutions(FEATURES, shapes, (f"conv5_{i}_CPM_L{branch}" for i in range(1, 6)))


def _later(stage: int, branch: int, n_out: int) -> nn.Sequential:
    """Of 7x7 kernels, the stage before and the features in."""
    shapes = [*[(FEATURES, 7)] * 5, (FEATURES, 1), (n_out, 1)]
    names = (f"Mconv{i}_stage{stage}_L{branch}" for i in range(1, 8))
    return _convolutions(N_FIELDS + N_MAPS + FEATURES, shapes, names)


def _convolutions(n_in: int, shapes: list[tuple[int, int]], names: Iterable[str]) -> nn.Sequential:
    """Convolutions of (channels, kernel) with a ReLU after each but the last."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for name, (n_out, kernel) in zip(names, shapes, strict=True):
        layers[name] = nn.Conv2d(n_in, n_out, kernel, padding=kernel // 2)
        layers[f"relu_{name}"] = nn.ReLU(inplace=True)
        n_in = n_out
    layers.popitem()
    return nn.Sequential(layers)
