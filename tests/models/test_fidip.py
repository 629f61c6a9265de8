"""FiDIP's domain classifier against what the published one gave for the same weights and input."""

from __future__ import annotations

from typing import Any

import nameseed
import torch
from golden_networks import agree, holds

from stereo3d.models.fidip import DomainClassifier
from stereo3d.models.hrnet import HRNet


def test_it_is_the_published_classifier(goldens: dict[str, Any]) -> None:
    golden, net = goldens["fidip_domain"], DomainClassifier()
    holds(net, golden)
    with torch.inference_mode():
        logits = net(nameseed.images(golden["input_seed"], golden["input_shape"]).abs())
    agree(logits, golden["outputs"]["logits"])


def test_it_looks_at_what_w48_sees_at_its_input_size() -> None:
    with torch.device("meta"):
        logits = DomainClassifier().eval()(HRNet(48).eval().features(torch.zeros(2, 3, 384, 288)))
    assert logits.shape == (2, 1)
