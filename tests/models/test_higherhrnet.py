"""HigherHRNet against what the published network gave for the same weights and input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nameseed
import pytest
import torch
from golden_networks import agree, agree_whole, holds

from stereo3d.models.folding import fold_batchnorm
from stereo3d.models.higherhrnet import HigherHRNet
from stereo3d.models.hrnet import Trunk

NAMES = ("stage0_heatmaps_and_tags", "stage1_heatmaps")


@pytest.mark.slow
def test_w32_is_the_published_network(goldens: dict[str, Any], shared: Path) -> None:
    golden, net = goldens["higherhrnet_w32_512"], HigherHRNet(32)
    holds(net, golden)
    with torch.inference_mode():
        outputs = dict(zip(NAMES, net(nameseed.images(golden["input_seed"], golden["input_shape"])), strict=True))
    for name, maps in outputs.items():
        agree(maps, golden["outputs"][name])
    agree_whole(outputs, shared / "parity/golden/higherhrnet_w32_512.npz")


def test_w48_has_the_same_names(goldens: dict[str, Any]) -> None:
    with torch.device("meta"):
        w32, w48 = HigherHRNet(32).state_dict(), HigherHRNet(48).state_dict()
    assert list(w32) == list(w48) and len(w48) == goldens["higherhrnet_w32_512"]["n_keys"] == 1810
    assert w48["deconv_layers.0.0.0.weight"].shape == (48 + 34, 48, 4, 4)
    assert w48["final_layers.1.weight"].shape == (17, 48, 1, 1)


def test_the_head_stands_behind_the_shared_trunk() -> None:
    with torch.device("meta"):
        trunk, whole = list(Trunk(8).state_dict()), list(HigherHRNet(8).state_dict())
    assert whole[: len(trunk)] == trunk
    assert [name.split(".")[0] for name in whole[len(trunk):]] == ["final_layers"] * 4 + ["deconv_layers"] * 54


@pytest.mark.parametrize(("n_joints", "height", "width"), [(17, 64, 96), (14, 96, 64)])
def test_maps_at_a_quarter_and_at_a_half(n_joints: int, height: int, width: int) -> None:
    with torch.inference_mode():
        coarse, fine = HigherHRNet(8, n_joints).eval()(torch.zeros(2, 3, height, width))
    assert coarse.shape == (2, 2 * n_joints, height // 4, width // 4)
    assert fine.shape == (2, n_joints, height // 2, width // 2)


def test_folding_changes_nothing() -> None:
    net = nameseed.fill(HigherHRNet(8), bn_gain=0.4)
    x = nameseed.images("fold", (2, 3, 64, 64))
    with torch.inference_mode():
        for whole, short in zip(net(x), fold_batchnorm(net)(x), strict=True):
            torch.testing.assert_close(short, whole, rtol=0, atol=1e-5 * float(whole.abs().max()))
