"""A picture at several scales: joints stay where they are, and scales count alike."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from stereo3d.detectors.scales import Scaled, parsed
from stereo3d.errors import UsageError
from stereo3d.models.higherhrnet import Tagged
from stereo3d.models.openpose import Fields


class Colours(nn.Module):
    """Maps that are the picture's first two colours, tags its third one; with its size in every number."""

    def __init__(self, kind: type) -> None:
        super().__init__()
        self.kind, self.seen = kind, []

    def forward(self, x: Tensor) -> Tagged | Fields:
        self.seen.append(tuple(x.shape[2:]))
        width = float(x.shape[3])
        eighth = functional.avg_pool2d(x, 8)
        if self.kind is Fields:
            return Fields(eighth, eighth[:, :2] + width)
        quarter, half = functional.avg_pool2d(x, 4), functional.avg_pool2d(x, 2)
        tags = quarter[:, 2:].repeat(1, 2, 1, 1) + width
        return Tagged(torch.cat((quarter[:, :2], tags), 1), half[:, :2] + width)


def ramps(h: int = 128, w: int = 64) -> Tensor:
    """(1, 3, h, w) that rise to the right, downwards, and both."""
    y, x = torch.meshgrid(torch.arange(float(h)), torch.arange(float(w)), indexing="ij")
    return torch.stack((x, y, x + y))[None]


def inner(x: Tensor) -> np.ndarray:
    return x[..., 6:-6, 6:-6].numpy()


def test_tagged_maps_are_means_over_scales_and_tags_those_of_the_plain_one() -> None:
    net = Colours(Tagged)
    out = Scaled(net, (0.5, 1.0, 2.0), 32)(ramps(256, 128))
    assert sorted(net.seen) == [(64, 32), (128, 64), (256, 128)]
    assert isinstance(out, Tagged) and out.coarse.shape == (1, 4, 64, 32) and out.fine.shape == (1, 2, 128, 64)
    mean_width = (32 + 64 + 128) / 3
    np.testing.assert_allclose(inner(out.fine), inner(functional.avg_pool2d(ramps(256, 128)[:, :2], 2)) + mean_width, atol=0.2)
    quarter = functional.avg_pool2d(ramps(256, 128), 4)
    np.testing.assert_allclose(inner(out.coarse[:, :2]), inner(quarter[:, :2]), atol=0.2)
    np.testing.assert_allclose(inner(out.coarse[:, 3:]), inner(quarter[:, 2:]) + 64, atol=0.2)


def test_fields_are_means_over_scales() -> None:
    """Each scale counts once: OpenPose's port of PyTorch counts the first ones twice."""
    out = Scaled(Colours(Fields), (0.5, 1.0), 8)(ramps())
    assert isinstance(out, Fields) and out.limbs.shape == (1, 3, 16, 8)
    np.testing.assert_allclose(out.maps[0, :, 4:-4, 3:-3].numpy(), functional.avg_pool2d(ramps(), 8)[0, :2, 4:-4, 3:-3] + 48, atol=0.3)


def test_a_glance_looks_at_the_plain_scale_alone_and_gives_maps_as_large() -> None:
    net = Colours(Tagged)
    out = Scaled(net, (0.5, 1.0, 2.0), 32).glance(ramps(256, 128))
    assert net.seen == [(128, 64)] and out.fine.shape == (1, 2, 128, 64)
    np.testing.assert_allclose(inner(out.coarse[:, :2]), inner(functional.avg_pool2d(ramps(256, 128), 4)[:, :2]), atol=0.2)


def test_sizes_are_what_the_network_takes() -> None:
    net = Colours(Tagged)
    Scaled(net, (0.3, 1.0), 32)(ramps(96, 64))
    assert all(n % 32 == 0 and n for size in net.seen for n in size)


@pytest.mark.parametrize(("text", "scales"), [("1", (1.0,)), (1, (1.0,)), ("2,0.5, 1,1", (0.5, 1.0, 2.0))])
def test_scales_are_read(text: str, scales: tuple[float, ...]) -> None:
    assert parsed(text) == scales


@pytest.mark.parametrize("text", ["", "big", "0", "9", "nan", "0.5,0.6,0.7,0.8,0.9,1"])
def test_other_scales_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="scales: expected up to 5 from 0.25 to 4 such as 0.5,1,2, got"):
        parsed(text)
