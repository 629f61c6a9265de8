"""OpenPose against what the published network gave for the same weights and input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nameseed
import pytest
import torch
from golden_networks import agree, agree_whole, holds

from stereo3d.models.openpose import OpenPose, full_name


@pytest.mark.slow
def test_it_is_the_published_network(goldens: dict[str, Any], shared: Path) -> None:
    golden, net = goldens["openpose_coco_368"], OpenPose()
    holds(net, golden)
    x = nameseed.images(golden["input_seed"], golden["input_shape"])
    with torch.inference_mode():
        outputs = dict(zip(("paf", "heatmaps"), net(x), strict=True))
    for name, maps in outputs.items():
        agree(maps, golden["outputs"][name])
    agree_whole(outputs, shared / "parity/golden/openpose_coco_368.npz")


def test_the_ports_slip_clips_the_heat_maps_and_nothing_else() -> None:
    torch.manual_seed(0)
    net, clipped = OpenPose().eval(), OpenPose(clip_maps=True).eval()
    clipped.load_state_dict(net.state_dict())
    with torch.inference_mode():
        x = torch.randn(1, 3, 32, 48)
        (limbs, maps), (same, positive) = net(x), clipped(x)
    assert limbs.shape == (1, 38, 4, 6) and maps.shape == (1, 19, 4, 6)
    assert (maps < 0).any()
    assert torch.equal(limbs, same) and torch.equal(positive, maps.clamp(min=0))


def test_the_originals_names_become_the_ports() -> None:
    with torch.device("meta"):
        names = list(OpenPose().state_dict())
    bare = [name.partition(".")[2] for name in names]
    assert len(set(bare)) == len(names) == 184
    assert [full_name(name) for name in bare] == names
    assert [full_name(name) for name in names] == names
    assert full_name("final_layer.weight") == "final_layer.weight"
