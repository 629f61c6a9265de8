"""EfficientPose: heat maps of 16 joints from a small network.

Groos, Ramampiaro and Ihlen, "EfficientPose: Scalable single-person pose estimation", Applied Intelligence 2021: an
EfficientNet up to its third block, from variant I on a second one at half the resolution, then three passes of dense
blocks that refine one another. The published checkpoints keep all layers at the top of the state dict, in the order
in which a breadth-first walk through the network meets them, and so does this module.
"""

from __future__ import annotations

import dataclasses
import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from stereo3d.errors import unknown_name

E_SWISH = 1.25
"""Gain of the activation in the pose part (Alcaide, "E-swish", 2018); 1 in the backbone."""
EXPANSION = 6
"""Inner width of a bottleneck over its outer width; the squeezed width is a quarter of the outer one."""
DENSE = 3
"""Bottlenecks of a dense block; its output holds the outputs of all."""
HEAD = "pass3_detection2_confs_convolution.weight"
"""The last convolution's weights, by which checkpoints are told."""
PASSES = ("pass1_{}_skeleton", "pass2_{}_detection1", "pass3_{}_detection2")


@dataclass(frozen=True, slots=True)
class Path:
    """A backbone: an EfficientNet (Tan and Le 2019) cut after its second or third block."""

    stem: int
    widths: tuple[int, ...]
    depths: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Variant:
    """What one EfficientPose differs by: input px, backbones at whole and half resolution, dense blocks a pass."""

    size: int
    high: Path
    low: Path | None
    blocks: int


VARIANTS = {
    "RT": Variant(224, Path(32, (16, 24, 40), (1, 2, 2)), None, 1),
    "I": Variant(256, Path(32, (16, 24, 48), (2, 3, 3)), Path(32, (16, 24), (1, 2)), 1),
    "II": Variant(368, Path(48, (24, 32, 56), (2, 4, 4)), Path(32, (16, 24), (1, 2)), 2),
    "III": Variant(480, Path(48, (24, 40, 64), (3, 5, 5)), Path(32, (16, 24), (2, 3)), 3),
    "IV": Variant(600, Path(64, (32, 48, 80), (4, 7, 7)), Path(40, (24, 32), (2, 3)), 4),
}


def variant_of(head_channels: int) -> str | None:
    """The variant whose last convolution takes that many channels, or None."""
    return next((name for name, v in VARIANTS.items() if DENSE * v.high.widths[-1] == head_channels), None)


@dataclass(frozen=True, slots=True)
class Unit:
    """One inverted bottleneck with squeeze and excitation, as names and widths of its layers."""

    names: tuple[str, ...]
    """Expand, its norm, depthwise, its norm, squeeze, excite, project, its norm; no expansion where wide == n_in."""
    n_in: int
    wide: int
    squeezed: int
    n_out: int
    kernel: int
    stride: int
    gain: float
    shortcut: bool
    """True where the input is added to the output."""

    STEPS: ClassVar = (0, 1, 4, 5, 10, 13, 16, 17)
    """Where each layer stands in the published graph, which counts activations and means as steps too."""

    @property
    def expands(self) -> bool:
        """False in the first block, whose bottlenecks begin with the depthwise convolution."""
        return self.wide != self.n_in

    @property
    def n_steps(self) -> int:
        """Steps of the published graph from the start of this unit to the start of the next."""
        return (18 if self.expands else 14) + self.shortcut

    def layers(self) -> Iterator[tuple[int, str, nn.Module]]:
        """(step, name, layer) in order."""
        padding = self.kernel // 2 if self.stride == 1 else 0
        modules = (
            nn.Conv2d(self.n_in, self.wide, 1, bias=False), _norm(self.wide),
            nn.Conv2d(self.wide, self.wide, self.kernel, self.stride, padding, groups=self.wide, bias=False),
            _norm(self.wide),
            nn.Conv2d(self.wide, self.squeezed, 1), nn.Conv2d(self.squeezed, self.wide, 1),
            nn.Conv2d(self.wide, self.n_out, 1, bias=False), _norm(self.n_out),
        )
        start = 0 if self.expands else 2
        layers = zip(self.STEPS[start:], self.names[start:], modules[start:], strict=True)
        return ((step - self.STEPS[start], name, module) for step, name, module in layers)


class EfficientPose(nn.Module):
    """Normalised RGB images (N, 3, R, R) -> heat maps (N, 16, R, R), joints in the order of skeleton MPII-16.

    R is `self.size` px of the published network; other multiples of 8 work too. Normalised as for HRNet.
    Raises UsageError for a variant that is not RT, I, II, III or IV.
    """

    bilinear: Tensor

    def __init__(self, variant: str) -> None:
        super().__init__()
        if variant not in VARIANTS:
            raise unknown_name("EfficientPose variant", variant, VARIANTS)
        shape = VARIANTS[variant]
        self.size = shape.size
        self._high, self._low = _backbone_units(shape.high, "res1"), _backbone_units(shape.low, "res2")
        width = shape.high.widths[-1]
        self._passes = _pass_units(width, width + sum(unit.n_out for unit in self._low[-1:]), shape.blocks)
        walks = heapq.merge(_walk(self._high, "res1"), _walk(self._low, "res2"), key=lambda layer: layer[0])
        pose = (unit.layers() for blocks in self._passes for block in blocks for unit in block)
        for _, name, layer in itertools.chain(walks, *pose):
            self.add_module(name, layer)
        self.pass3_detection2_confs_convolution = nn.Conv2d(DENSE * width, 16, 1)
        ramp = torch.tensor([0.25, 0.75, 0.75, 0.25])
        self.register_buffer("bilinear", torch.outer(ramp, ramp).expand(16, 1, 4, 4).clone(), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Heat maps, as raw numbers: no sigmoid."""
        features = self._backbone(images)
        y = features
        for number, blocks in enumerate(self._passes):
            y = self._pass(blocks, torch.cat([y, features], 1) if number else y)
        y = self.pass3_detection2_confs_convolution(y)
        for _ in range(3):
            y = functional.conv_transpose2d(y, self.bilinear, stride=2, padding=1, groups=16)
        return y

    def _backbone(self, images: Tensor) -> Tensor:
        high = self._path(images, self._high, "res1")
        if not self._low:
            return high
        return torch.cat([high, self._path(functional.avg_pool2d(images, 2), self._low, "res2")], 1)

    def _path(self, x: Tensor, units: list[Unit], suffix: str) -> Tensor:
        x = self._layer(f"stem_conv_{suffix}_convolution", _pad(x, 3))
        x = functional.silu(self._layer(f"stem_bn_{suffix}_FusedBatchNorm_1", x))
        for unit in units:
            y = self._bottleneck(unit, x)
            x = y + x if unit.shortcut else y
        return x

    def _pass(self, blocks: list[list[Unit]], x: Tensor) -> Tensor:
        """Dense blocks, each but the first with a shortcut."""
        for number, (first, second, third) in enumerate(blocks):
            y = self._bottleneck(first, x)
            y = torch.cat([self._bottleneck(second, y), y], 1)
            y = torch.cat([self._bottleneck(third, y), y], 1)
            x = y + x if number else y
        return x

    def _bottleneck(self, unit: Unit, x: Tensor) -> Tensor:
        expand, expand_norm, depthwise, norm, squeeze, excite, project, project_norm = unit.names
        if unit.expands:
            x = _swish(self._layer(expand_norm, self._layer(expand, x)), unit.gain)
        if unit.stride > 1:
            x = _pad(x, unit.kernel)
        x = _swish(self._layer(norm, self._layer(depthwise, x)), unit.gain)
        gate = _swish(self._layer(squeeze, x.mean((2, 3), keepdim=True)), unit.gain)
        x = x * torch.sigmoid(self._layer(excite, gate))
        return self._layer(project_norm, self._layer(project, x))

    def _layer(self, name: str, x: Tensor) -> Tensor:
        y: Tensor = self._modules[name](x)  # type: ignore[misc]
        return y


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


def _swish(x: Tensor, gain: float) -> Tensor:
    return functional.silu(x) if gain == 1 else gain * functional.silu(x)


def _pad(x: Tensor, kernel: int) -> Tensor:
    """Zeros as TensorFlow puts them before a convolution of stride 2 on an even size: one more right and below."""
    return functional.pad(x, (kernel // 2 - 1, kernel // 2) * 2)


def _backbone_units(path: Path | None, suffix: str) -> list[Unit]:
    """The bottlenecks of one backbone, in order. The half-resolution one ends before its last shortcut."""
    if path is None:
        return []
    units: list[Unit] = []
    n_in = path.stem
    for stage, (width, depth) in enumerate(zip(path.widths, path.depths, strict=True), start=1):
        for repeat in range(depth):
            names = _backbone_names(f"block{stage}{'abcdefg'[repeat]}", suffix)
            wide = n_in if stage == 1 else EXPANSION * n_in
            kernel, stride = 5 if stage == 3 else 3, 2 if stage > 1 and repeat == 0 else 1
            units.append(Unit(names, n_in, wide, n_in // 4, width, kernel, stride, gain=1, shortcut=repeat > 0))
            n_in = width
    if suffix == "res2":
        units[-1] = dataclasses.replace(units[-1], shortcut=False)
    return units


def _pass_units(width: int, features: int, n_blocks: int) -> list[list[list[Unit]]]:
    """The bottlenecks of each pass, in dense blocks; passes after the first see the one before too."""
    dense = DENSE * width
    return [
        [
            _dense_block(name.format(f"block{number + 1}_mbconv{{}}"), dense if number else entry, width)
            for number in range(n_blocks)
        ]
        for name, entry in zip(PASSES, (features, features + dense, features + dense), strict=True)
    ]


def _dense_block(name: str, n_in: int, width: int) -> list[Unit]:
    wide, squeezed = EXPANSION * width, width // 4
    return [
        Unit(_pose_names(name.format(m)), n, wide, squeezed, width, 5, 1, gain=E_SWISH, shortcut=False)
        for m, n in enumerate((n_in, width, 2 * width), start=1)
    ]


def _walk(units: list[Unit], suffix: str) -> Iterator[tuple[int, str, nn.Module]]:
    """(step, name, layer) of a backbone, from the stem on; nothing where there is none."""
    if not units:
        return
    stem, start = units[0].n_in, 4
    yield 0, f"stem_conv_{suffix}_convolution", nn.Conv2d(3, stem, 3, 2, bias=False)
    yield 1, f"stem_bn_{suffix}_FusedBatchNorm_1", _norm(stem)
    for unit in units:
        yield from ((start + step, name, layer) for step, name, layer in unit.layers())
        start += unit.n_steps


def _backbone_names(block: str, suffix: str) -> tuple[str, ...]:
    parts = (
        "expand_conv_{}_convolution expand_bn_{}_FusedBatchNorm_1 dwconv_{}_depthwise bn_{}_FusedBatchNorm_1 "
        "se_reduce_{}_convolution se_expand_{}_convolution project_conv_{}_convolution project_bn_{}_FusedBatchNorm_1"
    )
    return tuple(f"{block}_{part.format(suffix)}" for part in parts.split())


def _pose_names(block: str) -> tuple[str, ...]:
    parts = (
        "conv1_convolution conv1_bn_FusedBatchNorm_1 dconv1_depthwise dconv1_bn_FusedBatchNorm_1 "
        "se_se_squeeze_conv_convolution se_se_excite_conv_convolution conv2_convolution conv2_bn_FusedBatchNorm_1"
    )
    return tuple(f"{block}_{part}" for part in parts.split())
