"""FiDIP's domain classifier: whether features come from a synthetic or a real picture.

Huang et al., "Invariant Representation Learning for Infant Pose Estimation with Small Data", FG 2021. In training it
is set against the pose network, which is to make features that do not tell; afterwards it shows whether they do. The
pose network is HRNet W48 at 384x288, unchanged: `HRNet.features` is what this classifier looks at.
"""

from __future__ import annotations

from torch import Tensor, nn

WIDTH = 48
"""Channels of HRNet W48's features."""
SIZE = (96, 72)
"""(h, w) of its features at 384x288."""


class DomainClassifier(nn.Module):
    """Features (N, 48, 96, 72) -> logits (N, 1): positive where they look like those of a synthetic picture."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_layer = nn.Sequential(*_shrink(WIDTH, 32), *_shrink(32, 8))
        h, w = (((side - 2) // 2 - 2) // 2 for side in SIZE)
        self.layer = nn.Sequential(*_dense(8 * h * w, 256), *_dense(256, 64), nn.Linear(64, 1))

    def forward(self, features: Tensor) -> Tensor:
        """Logits."""
        logits: Tensor = self.layer(self.conv_layer(features).flatten(1))
        return logits


def _shrink(n_in: int, n_out: int) -> tuple[nn.Module, ...]:
    """A convolution without a border, and half the resolution."""
    return nn.Conv2d(n_in, n_out, 3), nn.BatchNorm2d(n_out), nn.ReLU(), nn.MaxPool2d(2)


def _dense(n_in: int, n_out: int) -> tuple[nn.Module, ...]:
    return nn.Linear(n_in, n_out), nn.BatchNorm1d(n_out), nn.ReLU()
