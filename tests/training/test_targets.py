"""Targets: a Gaussian is where its joint is, to a fraction of a pixel, and losses count what they should."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from stereo3d.detectors.crops import CropRule, apply, heatmap_affine  # noqa: E402
from stereo3d.detectors.heatmaps import decode_dark  # noqa: E402
from stereo3d.skeleton import COCO_17  # noqa: E402
from stereo3d.training.targets import gaussians, joint_weights, loss, loss_of_logits, map_size, on_maps  # noqa: E402

SIZE = (192, 256)


def test_what_is_drawn_is_decoded_where_it_was() -> None:
    xy = torch.tensor(np.random.default_rng(0).uniform((30, 30), (160, 220), (4, 17, 2)), dtype=torch.float32)
    maps = gaussians(on_maps(xy, SIZE), map_size(SIZE), sigma=2.0)
    back = heatmap_affine(map_size(SIZE), CropRule(SIZE, convention="dark"))
    found = apply(back, decode_dark(maps).xy.double().numpy())
    assert maps.shape == (4, 17, 64, 48) and maps.max() <= 1
    assert np.abs(found - xy.numpy()).max() < 0.15


def test_unknown_joints_leave_an_empty_map() -> None:
    xy = torch.tensor([[[20.0, 20.0], [float("nan"), 3.0]]])
    maps = gaussians(xy, (48, 64), sigma=2.0)
    assert maps[0, 0].max() > 0.99 and maps[0, 1].abs().max() == 0


def test_squared_differences_are_hrnets() -> None:
    """JointsMSELoss: per joint half the mean square over the map, with its weight squared away, mean over joints."""
    rng = np.random.default_rng(1)
    maps, target = (torch.tensor(rng.normal(size=(2, 3, 8, 6))) for _ in range(2))
    weight = torch.tensor([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    wanted = np.mean([0.5 * float((((maps - target) ** 2).mean((2, 3)) * weight)[:, k].mean()) for k in range(3)])
    assert float(loss(maps, target, weight)) == pytest.approx(wanted)


def test_cross_entropy_is_least_at_the_target_and_leaves_out_what_is_unknown() -> None:
    target = gaussians(torch.tensor([[[20.0, 30.0], [5.0, 9.0]]]), (48, 64), sigma=2.0)
    right, wrong = torch.log(target + 1e-9), torch.log(target.flip(-1) + 1e-9)
    weight = torch.ones(1, 2)
    assert loss_of_logits(right, target, weight) < loss_of_logits(wrong, target, weight) - 5
    half = torch.tensor([[1.0, 0.0]])
    mixed = torch.stack([right[:, 0], wrong[:, 1]], 1)
    assert float(loss_of_logits(mixed, target, half)) == pytest.approx(float(loss_of_logits(right, target, half)))
    assert float(loss_of_logits(right, torch.zeros_like(target), weight)) == 0


def test_outer_joints_count_more() -> None:
    told = dict(zip(COCO_17.joints, joint_weights(COCO_17)))
    assert (told["nose"], told["left_knee"], told["right_wrist"]) == (1.0, 1.2, 1.5)
