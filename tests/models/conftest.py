"""Networks filled from names, made once for all tests of the models."""

from __future__ import annotations

from typing import Any

import golden_networks
import nameseed
import pytest
import torch
from torch import Tensor, nn

from stereo3d.models import architectures
from stereo3d.models.efficientpose import EfficientPose
from stereo3d.models.hrnet import HRNet

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def goldens() -> dict[str, Any]:
    """What the published networks gave."""
    return golden_networks.load()


@pytest.fixture(scope="session")
def hrnet_w32(goldens: dict[str, Any]) -> nn.Module:
    golden = goldens["hrnet_w32_256x192"]
    return nameseed.fill(HRNet(32), bn_gain=golden["bn_gain"], conv_gain=golden["conv_gain"])


@pytest.fixture(scope="session")
def hrnet_w32_maps(goldens: dict[str, Any], hrnet_w32: nn.Module) -> Tensor:
    """Heat maps of the 256x192 golden's input."""
    golden = goldens["hrnet_w32_256x192"]
    with torch.inference_mode():
        return hrnet_w32(nameseed.images(golden["input_seed"], golden["input_shape"]))  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def efficientpose() -> dict[str, nn.Module]:
    """Variants RT and I."""
    return {variant: nameseed.fill(EfficientPose(variant)) for variant in ("RT", "I")}


@pytest.fixture(scope="session")
def hrnet_w8() -> nn.Module:
    return nameseed.fill(HRNet(8), bn_gain=0.4)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch, hrnet_w8: nn.Module) -> nn.Module:
    """An HRNet of 8 channels, whose files are small; for this test the reader knows it."""
    monkeypatch.setattr(architectures, "WIDTHS", [8, 32, 48])
    return hrnet_w8
