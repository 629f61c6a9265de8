"""MMPose's DEKR: its head, written out here in its own way, gives what the rearranged weights give."""

from __future__ import annotations

from pathlib import Path

import nameseed
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from stereo3d.models import architectures
from stereo3d.models.deformable import deformable
from stereo3d.models.dekr import DEKR
from stereo3d.models.mmpose_dekr import from_mmpose_dekr
from stereo3d.models.weights import build_network, read_checkpoint

State = dict[str, Tensor]
WIDTH, K = 8, 5
TAPS = torch.tensor([[-1.0, -1, -1, 0, 0, 0, 1, 1, 1], [-1, 0, 1, -1, 0, 1, -1, 0, 1], [1] * 9])


def head(prefix: str = "head.displacement_conv_layers.", heat: str = "head.heatmap_conv_layers.") -> State:
    """MMPose's tensors, filled from their names."""
    n_in, n = 15 * WIDTH, 15 * K
    shapes: dict[str, tuple[int, ...]] = {
        f"{heat}0.conv.weight": (WIDTH, n_in, 1, 1), **norm(f"{heat}0.bn", WIDTH),
        f"{heat}1.conv1.weight": (WIDTH, WIDTH, 3, 3), **norm(f"{heat}1.bn1", WIDTH),
        f"{heat}1.conv2.weight": (WIDTH, WIDTH, 3, 3), **norm(f"{heat}1.bn2", WIDTH),
        f"{heat}2.weight": (K + 1, WIDTH, 1, 1), f"{heat}2.bias": (K + 1,),
        f"{prefix}0.conv.weight": (n, n_in, 1, 1), **norm(f"{prefix}0.bn", n),
        f"{prefix}3.weight": (2 * K, 15, 1, 1), f"{prefix}3.bias": (2 * K,),
    }
    for block in (1, 2):
        at = f"{prefix}{block}"
        shapes |= {
            f"{at}.transform_matrix_conv.weight": (6 * K, 15, 3, 3), f"{at}.transform_matrix_conv.bias": (6 * K,),
            f"{at}.adapt_conv.weight": (n, 15, 3, 3), **norm(f"{at}.norm", n),
        }
    state = {name: nameseed.tensor(name, shape) for name, shape in shapes.items()}
    return state | {f"{prefix}{block}.regular_matrix": TAPS for block in (1, 2)}


def norm(name: str, n: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.{part}": (n,) for part in ("weight", "bias", "running_mean", "running_var")}


def normed(x: Tensor, state: State, name: str) -> Tensor:
    return functional.batch_norm(
        x, state[f"{name}.running_mean"], state[f"{name}.running_var"], state[f"{name}.weight"], state[f"{name}.bias"]
    )


def displacements(x: Tensor, state: State) -> Tensor:
    """(N, 2 K, h, w) from each pixel to the joints, as MMPose makes them of the trunk's branches."""
    at = "head.displacement_conv_layers."
    x = torch.relu(normed(functional.conv2d(x, state[f"{at}0.conv.weight"]), state, f"{at}0.bn"))
    for block in (f"{at}1", f"{at}2"):
        weight, bias = (state[f"{block}.transform_matrix_conv.{part}"] for part in ("weight", "bias"))
        six = functional.conv2d(x, weight, bias, padding=1, groups=K)
        n, _, h, w = six.shape
        maps = six.permute(0, 2, 3, 1).reshape(n, h, w, K, 2, 3) @ state[f"{block}.regular_matrix"]
        offset = maps.transpose(4, 5).reshape(n, h, w, K * 18).permute(0, 3, 1, 2).contiguous()
        kernels = state[f"{block}.adapt_conv.weight"].split(15)
        seen = [deformable(*parts) for parts in zip(x.split(15, 1), offset.split(18, 1), kernels, strict=True)]
        x = torch.relu(normed(torch.cat(seen, 1), state, f"{block}.norm") + x)
    return functional.conv2d(x, state[f"{at}3.weight"], state[f"{at}3.bias"], groups=K)


def whole(state: State, trunk: str = "backbone.") -> State:
    with torch.device("meta"):
        shapes = {k: tuple(v.shape) for k, v in DEKR(WIDTH, K).state_dict().items()}
    own = {k: s for k, s in shapes.items() if k.startswith(("conv", "bn", "layer", "stage", "transition1", "transition2",
                                                            "transition3"))}
    return {trunk + k: nameseed.tensor(k, s, bn_gain=0.4) for k, s in own.items()} | state


def test_a_file_of_mmpose_gives_mmposes_vectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(architectures, "WIDTHS", [WIDTH])
    state = head()
    torch.save({"meta": {}, "state_dict": whole(state)}, tmp_path / "dekr_hrnet-w32_8xb10_coco-512x512.pth")
    read = read_checkpoint(tmp_path / "dekr_hrnet-w32_8xb10_coco-512x512.pth")
    assert (read.architecture, read.n_joints, read.family) == ("dekr_w8", K, "dekr")
    assert (read.input_size, read.decoder, read.skeleton) == ((512, 512), "centres", None)
    net = build_network(read)
    x = nameseed.images("mmpose", (2, 3, 64, 96))
    with torch.no_grad():
        finest, *coarser = net.branches(x)  # type: ignore[operator]
        parts = [functional.interpolate(b, finest.shape[2:], mode="bilinear") for b in coarser]
        joined = torch.cat([finest, *parts], 1)
        given = net(x)
        expected = -displacements(joined, state)
        heat = functional.conv2d(joined, state["head.heatmap_conv_layers.0.conv.weight"])
        heat = torch.relu(normed(heat, state, "head.heatmap_conv_layers.0.bn"))
        squeezed = net.transition_heatmap(joined)  # type: ignore[operator]
    torch.testing.assert_close(given.offset, expected, rtol=0, atol=2e-5 * float(expected.abs().max()))
    assert torch.equal(read.state["head_heatmap.1.weight"], state["head.heatmap_conv_layers.2.weight"])
    torch.testing.assert_close(squeezed, heat, rtol=1e-4, atol=1e-5)


def test_older_files_have_the_centre_first_and_vectors_as_the_authors(monkeypatch: pytest.MonkeyPatch) -> None:
    new = from_mmpose_dekr(head())
    older = head("keypoint_head.offset_conv_layers.", "keypoint_head.heatmap_conv_layers.")
    names = {k.replace("keypoint_head.offset", "head.displacement").replace("keypoint_head", "head"): k for k in older}
    older = {old: head()[name] for name, old in names.items()}
    found = from_mmpose_dekr(older)
    assert found.keys() == new.keys()
    turned = {f"offset_final_layer.{j}.{p}" for j in range(K) for p in ("weight", "bias")}
    rolled = {"head_heatmap.1.weight", "head_heatmap.1.bias"}
    for name, tensor in found.items():
        expected = -new[name] if name in turned else new[name].roll(-1, 0) if name in rolled else new[name]
        assert torch.equal(tensor, expected), name


def test_what_belongs_to_training_is_left_out() -> None:
    extra = {"head.rescore_net.l1.weight": torch.ones(2), "head.loss_module.heatmap.x": torch.ones(1)}
    assert from_mmpose_dekr(head() | extra).keys() == from_mmpose_dekr(head()).keys()
