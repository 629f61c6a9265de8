"""DEKR against what the published network gave for the same weights and input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nameseed
import pytest
import torch
from golden_networks import agree, agree_whole, holds

from stereo3d.models.dekr import DEKR, AdaptBlock
from stereo3d.models.folding import fold_batchnorm

NEAR = 2e-5
"""DEKR's least influential tensors move its output by little more."""


@pytest.mark.slow
def test_w32_crowdpose_is_the_published_network(goldens: dict[str, Any], shared: Path) -> None:
    golden, net = goldens["dekr_w32_512_crowdpose"], DEKR(32, 14)
    holds(net, golden)
    with torch.inference_mode():
        given = net(nameseed.images(golden["input_seed"], golden["input_shape"]))
    outputs = dict(zip(("heatmaps", "offsets"), given, strict=True))
    for name, maps in outputs.items():
        agree(maps, golden["outputs"][name], NEAR)
    agree_whole(outputs, shared / "parity/golden/dekr_w32_512_crowdpose.npz", NEAR)


def test_w32_coco_has_the_published_count() -> None:
    with torch.device("meta"):
        net = DEKR(32)
    assert len(net.state_dict()) == 2264
    assert sum(p.numel() for p in net.parameters()) == 29_561_182


def test_w48_squeezes_to_its_own_width() -> None:
    """As the authors' settings for W48 have it, for the heat maps; each joint keeps 15 channels."""
    with torch.device("meta"):
        state = DEKR(48).state_dict()
    assert state["transition_heatmap.0.weight"].shape == (48, 720, 1, 1)
    assert state["transition_offset.0.weight"].shape == (255, 720, 1, 1)
    assert state["head_heatmap.1.weight"].shape == (18, 48, 1, 1)
    assert state["stage4.2.fuse_layers.3.2.0.0.weight"].shape == (384, 192, 3, 3)


def test_a_block_at_rest_is_an_ordinary_convolution() -> None:
    """With the identity for its map and no translation the kernel lies as it always does."""
    torch.manual_seed(0)
    block = AdaptBlock(15).eval()
    with torch.inference_mode():
        for conv in (block.transform_matrix_conv, block.translation_conv):
            conv.weight.zero_()
            conv.bias.zero_()
        block.transform_matrix_conv.bias.copy_(torch.tensor([1.0, 0, 0, 1]))
        x = torch.randn(2, 15, 9, 12)
        plain = torch.relu(block.bn(torch.conv2d(x, block.adapt_conv.weight, padding=1)) + x)
        torch.testing.assert_close(block(x), plain, rtol=1e-5, atol=1e-5)


def test_a_translation_moves_what_the_block_sees() -> None:
    """The first number down, the second to the right: as if the picture lay one row higher and two columns left."""
    torch.manual_seed(0)
    block = AdaptBlock(15).eval()
    x = torch.randn(1, 15, 12, 12)
    with torch.inference_mode():
        for conv in (block.transform_matrix_conv, block.translation_conv):
            conv.weight.zero_()
        block.transform_matrix_conv.bias.copy_(torch.tensor([1.0, 0, 0, 1]))
        block.translation_conv.bias.copy_(torch.tensor([1.0, 2.0]))
        moved = torch.relu(block.bn(torch.conv2d(x[..., 1:, 2:], block.adapt_conv.weight)) + x[..., 1:-2, 1:-3])
        torch.testing.assert_close(block(x)[..., 1:-2, 1:-3], moved, rtol=1e-5, atol=1e-5)


def test_each_joint_has_its_own_branch() -> None:
    net = nameseed.fill(DEKR(8, 5), bn_gain=0.4)
    x = nameseed.images("branches", (1, 3, 64, 96))
    with torch.inference_mode():
        heat, offset = net(x)
        net.offset_final_layer[3].bias.add_(1.0)
        moved = net(x).offset - offset
    assert heat.shape == (1, 6, 16, 24) and offset.shape == (1, 10, 16, 24)
    assert [round(float(channel.abs().mean()), 4) for channel in moved[0]] == [0, 0, 0, 0, 0, 0, 1, 1, 0, 0]


def test_folding_changes_nothing() -> None:
    net = nameseed.fill(DEKR(8, 4), bn_gain=0.4)
    x = nameseed.images("fold", (2, 3, 64, 64))
    with torch.inference_mode():
        for whole, short in zip(net(x), fold_batchnorm(net)(x), strict=True):
            torch.testing.assert_close(short, whole, rtol=0, atol=1e-4 * float(whole.abs().max()))
