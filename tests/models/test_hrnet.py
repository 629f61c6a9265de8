"""HRNet against what the published network gave for the same weights and input."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import nameseed
import numpy as np
import pytest
import torch
from golden_networks import TOLERANCE, agree
from torch import Tensor, nn

from stereo3d.models.hrnet import Exchange, HRNet, Transition, Trunk


def test_w32_has_the_published_tensors_in_the_published_order(goldens: dict[str, Any], hrnet_w32: nn.Module) -> None:
    golden, state = goldens["hrnet_w32_256x192"], hrnet_w32.state_dict()
    assert len(state) == golden["n_keys"] == 1754
    assert sum(p.numel() for p in hrnet_w32.parameters()) == golden["param_count"] == 28_536_113
    assert nameseed.key_digest(state) == golden["keys_sha256"]
    assert nameseed.digest(state) == golden["state_sha256"]


def test_the_rule_for_inputs_is_the_one_the_goldens_were_made_with(goldens: dict[str, Any]) -> None:
    for name, golden in goldens.items():
        made = nameseed.images(golden["input_seed"], golden["input_shape"])
        made = made.abs() if name == "fidip_domain" else made
        assert hashlib.sha256(made.numpy().tobytes()).hexdigest() == golden["input_sha256"]


def test_w32_gives_the_published_heat_maps(goldens: dict[str, Any], hrnet_w32_maps: Tensor) -> None:
    agree(hrnet_w32_maps, goldens["hrnet_w32_256x192"]["outputs"]["heatmaps"])


def test_w32_gives_the_published_heat_maps_at_the_larger_input(goldens: dict[str, Any], hrnet_w32: nn.Module) -> None:
    golden = goldens["hrnet_w32_384x288"]
    with torch.inference_mode():
        agree(hrnet_w32(nameseed.images(golden["input_seed"], golden["input_shape"])), golden["outputs"]["heatmaps"])


def test_the_comparison_sees_one_changed_tensor(goldens: dict[str, Any], hrnet_w32_maps: Tensor) -> None:
    """1e-3 of the largest number is what one weight tensor changed by a hundredth does to the maps."""
    output = goldens["hrnet_w32_256x192"]["outputs"]["heatmaps"]
    with pytest.raises(AssertionError):
        agree(hrnet_w32_maps + 1e-3 * output["largest"], output)


def test_w32_equals_the_whole_golden(shared: Path, hrnet_w32: nn.Module, hrnet_w32_maps: Tensor) -> None:
    with np.load(shared / "parity/golden/hrnet_w32_256x192.npz") as golden:
        meta, maps = json.loads(str(golden["meta"])), golden["out_heatmaps"]
    state = hrnet_w32.state_dict()
    assert list(state) == meta["keys"]
    assert [list(value.shape) for value in state.values()] == meta["shapes"]
    np.testing.assert_allclose(hrnet_w32_maps.numpy(), maps, rtol=0, atol=TOLERANCE * np.abs(maps).max())


def test_w48_has_the_same_names_and_the_published_number_of_parameters(hrnet_w32: nn.Module) -> None:
    with torch.device("meta"):
        w48 = HRNet(48)
    assert list(w48.state_dict()) == list(hrnet_w32.state_dict())
    assert sum(p.numel() for p in w48.parameters()) == 63_595_745


@pytest.mark.parametrize(("width", "n_joints", "height", "side"), [(8, 17, 64, 32), (8, 5, 32, 96)])
def test_maps_are_a_quarter_of_the_image_one_a_joint(width: int, n_joints: int, height: int, side: int) -> None:
    with torch.inference_mode():
        maps = HRNet(width, n_joints).eval()(torch.zeros(2, 3, height, side))
    assert maps.shape == (2, n_joints, height // 4, side // 4)


def test_heat_maps_are_made_of_the_features_alone(narrow: HRNet) -> None:
    x = nameseed.images("features", (1, 3, 64, 64))
    with torch.inference_mode():
        features = narrow.features(x)
        assert features.shape == (1, 8, 16, 16)
        torch.testing.assert_close(narrow.final_layer(features), narrow(x))


def test_images_of_a_batch_do_not_touch_each_other(narrow: HRNet) -> None:
    x = nameseed.images("batch", (3, 3, 64, 32))
    with torch.inference_mode():
        torch.testing.assert_close(narrow(x), torch.cat([narrow(one[None]) for one in x]), rtol=1e-4, atol=1e-5)


def test_a_head_can_be_put_on_the_trunk(narrow: HRNet) -> None:
    """What HigherHRNet and DEKR need: the same names without the head's."""
    with torch.device("meta"):
        trunk = Trunk(8)
    assert [*trunk.state_dict(), "final_layer.weight", "final_layer.bias"] == list(narrow.state_dict())


@pytest.mark.parametrize("n_outputs", [1, 2, 3])
def test_an_exchange_keeps_the_resolution_of_each_branch(n_outputs: int) -> None:
    channels = [4, 8, 16]
    exchange = Exchange(channels, n_outputs).eval()
    with torch.inference_mode():
        ys = exchange([torch.randn(1, c, 16 >> i, 24 >> i) for i, c in enumerate(channels)])
    assert [y.shape for y in ys] == [(1, c, 16 >> i, 24 >> i) for i, c in enumerate(channels[:n_outputs])]


def test_an_exchange_mixes_all_branches() -> None:
    """Every input moves every output: no branch is left out of a sum."""
    torch.manual_seed(0)
    exchange = Exchange([4, 8, 16], 3).eval()
    xs = [torch.randn(1, c, 16 >> i, 16 >> i, requires_grad=True) for i, c in enumerate([4, 8, 16])]
    for y in exchange(xs):
        gradients = torch.autograd.grad(y.sum(), xs, retain_graph=True)
        assert all(float(g.abs().max()) > 0 for g in gradients)


def test_a_transition_adds_a_branch_from_the_coarsest_and_leaves_equal_ones_alone() -> None:
    transition = Transition([4, 8], [4, 8, 16]).eval()
    xs = [torch.randn(1, 4, 16, 16), torch.randn(1, 8, 8, 8)]
    with torch.inference_mode():
        ys = transition(xs)
    assert ys[0] is xs[0]
    assert ys[1] is xs[1]
    assert ys[2].shape == (1, 16, 4, 4)
