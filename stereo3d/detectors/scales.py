"""The same picture at several scales: small people are found in the large one, large ones in the small.

As HigherHRNet's and OpenPose's authors test: heat maps and fields are means over the scales; tags, which mean nothing
across scales, are those of the picture as it is. DEKR's poses come from every scale, and the mean heat chooses among
them: its reader takes the copies one by one. Cao et al., "OpenPose", 2019; Cheng et al., "HigherHRNet", 2020.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from stereo3d.errors import UsageError
from stereo3d.models.higherhrnet import Tagged
from stereo3d.models.openpose import Fields

MOST, SMALLEST, LARGEST = 5, 0.25, 4.0
"""How many scales there can be, and how small and large."""


class Scaled(nn.Module):
    """A network that looks at pictures of the largest scale, and at smaller copies of them.

    Maps of tags and fields are as large as the network's own for the largest scale.
    """

    def __init__(self, net: nn.Module, scales: Sequence[float], step: int) -> None:
        """step: px of which the network's inputs are multiples."""
        super().__init__()
        self.net, self.scales, self.step = net, tuple(scales), step

    @property
    def glance(self) -> Scaled:
        """The network that looks at one scale, that nearest to 1."""
        return _Once(self.net, self.scales, self.step)

    def copies(self, images: Tensor) -> tuple[list[Tensor], int]:
        """(N, 3, h, w) pictures of the largest scale at every scale, and which copy's scale is nearest to 1."""
        scales = self._looked_at()
        most, plain = max(self.scales), min(scales, key=lambda scale: abs(scale - 1))
        return [_resized(images, scale / most, self.step) for scale in scales], scales.index(plain)

    def forward(self, images: Tensor) -> Tagged | Fields:
        """The network's outputs for (N, 3, h, w) pictures of the largest scale."""
        copies, nearest = self.copies(images)
        given = dict(zip(self._looked_at(), map(self.net, copies), strict=True))
        plain = given[self._looked_at()[nearest]]
        strides = self._strides(images, given)
        if isinstance(plain, Fields):
            return Fields(*(_mean([out[i] for out in given.values()], strides[i]) for i in range(2)))
        k = plain.fine.shape[1]
        heat = _mean([out.coarse[:, :k] for out in given.values()], strides[0])
        tags = _enlarged(plain.coarse[:, k:], strides[0])
        return Tagged(torch.cat((heat, tags), 1), _mean([out.fine for out in given.values()], strides[1]))

    def _looked_at(self) -> tuple[float, ...]:
        return self.scales

    def _strides(self, images: Tensor, given: dict[float, Tagged | Fields]) -> list[tuple[int, int]]:
        """(h, w) of each output for the largest scale."""
        scale = next(iter(given))
        small = _sides(images, scale / max(self.scales), self.step)
        per = [small[0] // out.shape[2] for out in given[scale]]
        return [(images.shape[2] // n, images.shape[3] // n) for n in per]


class _Once(Scaled):
    def _looked_at(self) -> tuple[float, ...]:
        return (min(self.scales, key=lambda scale: abs(scale - 1)),)


def parsed(text: str | float) -> tuple[float, ...]:
    """Scales from a text such as `0.5,1,2`. Raises UsageError."""
    try:
        scales = tuple(sorted({float(part) for part in str(text).split(",")}))
    except ValueError:
        scales = ()
    if not 1 <= len(scales) <= MOST or not all(SMALLEST <= scale <= LARGEST for scale in scales):
        form = f"up to {MOST} from {SMALLEST:g} to {LARGEST:g} such as 0.5,1,2"
        raise UsageError(f"scales: expected {form}, got {text!r}")
    return scales


def _sides(images: Tensor, share: float, step: int) -> tuple[int, int]:
    h, w = (max(step, round(side * share / step) * step) for side in images.shape[2:])
    return h, w


def _resized(images: Tensor, share: float, step: int) -> Tensor:
    size = _sides(images, share, step)
    if size == tuple(images.shape[2:]):
        return images
    return functional.interpolate(images, size, mode="bilinear", align_corners=False, antialias=True)


def _enlarged(maps: Tensor, size: tuple[int, int]) -> Tensor:
    return functional.interpolate(maps, size, mode="bilinear", align_corners=False)


def _mean(maps: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
    return torch.stack([_enlarged(x, size) for x in maps]).mean(0)
