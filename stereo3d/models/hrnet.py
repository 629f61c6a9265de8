"""HRNet: heat maps from a network that keeps its highest resolution all the way.

Sun et al., "Deep High-Resolution Representation Learning for Human Pose Estimation", CVPR 2019, figure 1; widths,
names and counts of layers as in the published checkpoints, so that those load as they are.
DarkPose and FiDIP use this same network.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

DEPTH = 4
"""Residual blocks of a branch between two exchanges."""
MODULES = (1, 4, 3)
"""Exchanges in stages 2, 3 and 4."""


def conv_norm(n_in: int, n_out: int, kernel: int = 3, stride: int = 1) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    """A convolution that keeps the size (at stride 1), without bias, and the normalisation after it."""
    return nn.Conv2d(n_in, n_out, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(n_out)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut: (N, C, h, w) -> (N, C, h, w)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv_norm(channels, channels)
        self.conv2, self.bn2 = conv_norm(channels, channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """The block's output."""
        y: Tensor = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)) + x)
        return y


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions and a shortcut: (N, n_in, h, w) -> (N, n_out, h, w)."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        narrow = n_out // 4
        self.conv1, self.bn1 = conv_norm(n_in, narrow, 1)
        self.conv2, self.bn2 = conv_norm(narrow, narrow)
        self.conv3, self.bn3 = conv_norm(narrow, n_out, 1)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = nn.Identity() if n_in == n_out else nn.Sequential(*conv_norm(n_in, n_out, 1))

    def forward(self, x: Tensor) -> Tensor:
        """The block's output."""
        y: Tensor = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.relu(self.bn3(self.conv3(y)) + self.downsample(x))
        return y


class Sum(nn.ModuleList):
    """A layer for each branch, which makes it fit to be added to the others."""

    def forward(self, xs: Sequence[Tensor]) -> Tensor:
        """The sum over branches."""
        first, *others = (layer(x) for layer, x in zip(self, xs, strict=True))
        total: Tensor = sum(others, start=first)
        return total


class Exchange(nn.Module):
    """Branches side by side, then sums across them: what HRNet's stages are made of.

    `channels` from the finest branch to the coarsest, each half the resolution of the one before. Only the first
    `n_outputs` branches come out.
    """

    def __init__(self, channels: Sequence[int], n_outputs: int, depth: int = DEPTH) -> None:
        super().__init__()
        self.branches = nn.ModuleList(nn.Sequential(*(BasicBlock(c) for _ in range(depth))) for c in channels)
        self.fuse_layers = nn.ModuleList(
            Sum(_resample(channels, source, target) for source in range(len(channels)))
            for target in range(n_outputs)
        )
        self.relu = nn.ReLU(inplace=True)

    def forward(self, xs: Sequence[Tensor]) -> list[Tensor]:
        """The branches' outputs, finest first."""
        ys = [branch(x) for branch, x in zip(self.branches, xs, strict=True)]
        return [self.relu(fuse(ys)) for fuse in self.fuse_layers]


class Transition(nn.ModuleList):
    """Branches of one stage -> branches of the next, which has one more, fed from the coarsest."""

    def __init__(self, before: Sequence[int], after: Sequence[int]) -> None:
        kept = [nn.Identity() if a == b else _conv_relu(b, a) for b, a in zip(before, after)]
        super().__init__([*kept, nn.Sequential(_conv_relu(before[-1], after[-1], stride=2))])

    def forward(self, xs: Sequence[Tensor]) -> list[Tensor]:
        """One more tensor than came in."""
        return [layer(x) for layer, x in zip(self, [*xs, xs[-1]], strict=True)]


class Trunk(nn.Module):
    """HRNet without a head; networks that build on it inherit, as their checkpoints have its layers at the top.

    `width` channels of the finest branch, at a quarter of the image's resolution; `n_outputs` branches, finest first,
    come out of the last exchange.
    """

    def __init__(self, width: int, n_outputs: int = 1) -> None:
        super().__init__()
        channels = [width * 2**i for i in range(4)]
        self.conv1, self.bn1 = conv_norm(3, 64, stride=2)
        self.conv2, self.bn2 = conv_norm(64, 64, stride=2)
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = nn.Sequential(Bottleneck(64, 256), *(Bottleneck(256, 256) for _ in range(DEPTH - 1)))
        self.transition1 = Transition([256], channels[:2])
        self.stage2 = stage(channels[:2], MODULES[0], n_outputs=2)
        self.transition2 = Transition(channels[:2], channels[:3])
        self.stage3 = stage(channels[:3], MODULES[1], n_outputs=3)
        self.transition3 = Transition(channels[:3], channels)
        self.stage4 = stage(channels, MODULES[2], n_outputs)

    def branches(self, images: Tensor) -> list[Tensor]:
        """What stage 4 gives, finest first, for (N, 3, H, W) normalised images; H and W multiples of 32."""
        x = self.relu(self.bn1(self.conv1(images)))
        x = self.layer1(self.relu(self.bn2(self.conv2(x))))
        xs: list[Tensor] = self.stage2(self.transition1([x]))
        xs = self.stage3(self.transition2(xs))
        xs = self.stage4(self.transition3(xs))
        return xs


class HRNet(Trunk):
    """Normalised RGB images (N, 3, H, W) -> heat maps (N, n_joints, H / 4, W / 4); H and W multiples of 32.

    `width` 32 or 48 in the published networks. Normalised: divided by 255, less the mean (.485, .456, .406), over
    the deviation (.229, .224, .225).
    """

    def __init__(self, width: int, n_joints: int = 17) -> None:
        super().__init__(width)
        self.final_layer = nn.Conv2d(width, n_joints, 1)

    def features(self, images: Tensor) -> Tensor:
        """(N, width, H / 4, W / 4): what the heat maps are made from (FiDIP's domain classifier looks at it)."""
        return self.branches(images)[0]

    def forward(self, images: Tensor) -> Tensor:
        """Heat maps, as raw numbers: no sigmoid."""
        maps: Tensor = self.final_layer(self.features(images))
        return maps


def _conv_relu(n_in: int, n_out: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(*conv_norm(n_in, n_out, stride=stride), nn.ReLU(inplace=True))


def stage(channels: Sequence[int], n_modules: int, n_outputs: int, depth: int = DEPTH) -> nn.Sequential:
    """Exchanges in a row; the last gives n_outputs branches, those before it all."""
    outputs = [len(channels)] * (n_modules - 1) + [n_outputs]
    return nn.Sequential(*(Exchange(channels, n, depth) for n in outputs))


def _resample(channels: Sequence[int], source: int, target: int) -> nn.Module:
    """Brings a branch to the resolution and width of another."""
    n_in, n_out = channels[source], channels[target]
    if source == target:
        return nn.Identity()
    if source > target:
        enlarge = nn.Upsample(scale_factor=2 ** (source - target), mode="nearest")
        return nn.Sequential(*conv_norm(n_in, n_out, 1), enlarge)
    halvings = [_conv_relu(n_in, n_in, stride=2) for _ in range(target - source - 1)]
    return nn.Sequential(*halvings, nn.Sequential(*conv_norm(n_in, n_out, stride=2)))
