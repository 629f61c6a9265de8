"""Folding changes how fast a network is, and nothing else."""

from __future__ import annotations

import nameseed
import pytest
import torch
from torch import Tensor, nn

from stereo3d.models.folding import fold_batchnorm
from stereo3d.models.hrnet import Bottleneck


def norms(net: nn.Module) -> int:
    return sum(isinstance(layer, nn.BatchNorm2d) for layer in net.modules())


def largest(x: Tensor) -> float:
    return float(x.abs().max())


def test_folded_hrnet_gives_the_same_maps(narrow: nn.Module) -> None:
    before = {name: value.clone() for name, value in narrow.state_dict().items()}
    folded = fold_batchnorm(narrow)
    assert (norms(narrow), norms(folded)) == (292, 0)
    for size in ((1, 3, 64, 64), (2, 3, 96, 32)):
        x = nameseed.images("fold", size)
        with torch.inference_mode():
            whole, short = narrow(x), folded(x)
        assert largest(whole - short) < 1e-5 * largest(whole)
    assert all(torch.equal(value, before[name]) for name, value in narrow.state_dict().items())


@pytest.mark.parametrize("variant", ["RT", "I"])
def test_folded_efficientpose_gives_the_same_maps(variant: str, efficientpose: dict[str, nn.Module]) -> None:
    net = efficientpose[variant]
    folded = fold_batchnorm(net)
    assert norms(folded) == 0 < norms(net)
    x = nameseed.images("fold", (1, 3, 64, 64))
    with torch.inference_mode():
        whole, short = net(x), folded(x)
    assert largest(whole - short) < 1e-5 * largest(whole)


class Shared(nn.Module):
    """A convolution whose output is used before its normalisation too, and a normalisation that follows none."""

    def __init__(self) -> None:
        super().__init__()
        self.norm0 = nn.BatchNorm2d(3)
        self.conv = nn.Conv2d(3, 3, 1)
        self.norm = nn.BatchNorm2d(3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(self.norm0(x))
        return self.norm(y) + y  # type: ignore[no-any-return]


def test_what_cannot_be_folded_stays() -> None:
    net = nameseed.fill(Shared())
    folded = fold_batchnorm(net)
    x = nameseed.images("shared", (1, 3, 4, 4))
    assert norms(folded) == 2
    torch.testing.assert_close(folded(x), net(x))


def test_a_convolution_used_twice_keeps_both_uses() -> None:
    """One layer called at two places, normalised at one."""

    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(x) + self.norm(self.conv(x))  # type: ignore[no-any-return]

    net = nameseed.fill(Twice())
    x = nameseed.images("twice", (1, 3, 4, 4))
    torch.testing.assert_close(fold_batchnorm(net)(x), net(x))


def test_shortcuts_and_biases_are_kept() -> None:
    net = nameseed.fill(nn.Sequential(Bottleneck(8, 16), nn.Conv2d(16, 4, 3), nn.BatchNorm2d(4)))
    x = nameseed.images("bias", (1, 8, 8, 8))
    folded = fold_batchnorm(net)
    assert norms(folded) == 0
    torch.testing.assert_close(folded(x), net(x), rtol=1e-5, atol=1e-5)
