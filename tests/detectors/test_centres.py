"""Poses from centres: against DEKR's own decoder, and on people made for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from stereo3d.detectors import centres
from stereo3d.detectors.centres import Poses
from stereo3d.detectors.crops import Box, CropRule, affine, apply, invert
from stereo3d.models.dekr import Regressed
from stereo3d.skeleton import COCO_17

MIRROR = COCO_17.mirror.tolist()


@pytest.fixture(scope="module")
def golden(shared: Path) -> Iterator[Any]:
    with np.load(shared / "parity/golden/decode_dekr.npz") as file:
        yield file


@pytest.mark.parametrize("case", ["two_people", "one_person", "two_close", "empty"])
def test_the_published_decoder_step_by_step(golden: Any, case: str) -> None:
    heat, offset = (torch.from_numpy(golden[f"{case}_{name}"])[None] for name in ("heat", "offset"))
    where, flipped = centres.pose_map(offset), centres.mirrored_pose_map(offset, MIRROR)
    for poses, name in ((where, "posemap_sub"), (flipped, "posemap_flip_sub")):
        np.testing.assert_allclose(poses.flatten(1, 2)[0, :, ::8, ::8], golden[f"{case}_{name}"], atol=1e-5)
    ((place, score),) = centres.centres(heat)
    np.testing.assert_array_equal(place, golden[f"{case}_centers_ind"])
    np.testing.assert_allclose(score, golden[f"{case}_centers_score"], atol=1e-6)
    candidates = 4 * where[0].flatten(2)[..., place].permute(2, 0, 1)
    np.testing.assert_allclose(candidates, golden[f"{case}_candidates"][..., :2], atol=1e-4)
    (found,) = centres.poses([centres.Look(heat, where)])
    if case == "empty":
        assert len(found.xy) == 0
        return
    np.testing.assert_allclose(found.xy, golden[f"{case}_poses"][..., :2], atol=1e-4)
    score = found.centre[:, None] * found.heat
    np.testing.assert_allclose(score, golden[f"{case}_poses"][..., 2], atol=1e-6)
    np.testing.assert_allclose(score.mean(1), golden[f"{case}_scores"], atol=1e-6)
    back = invert(affine(Box(np.array([640, 360]), np.array([1280, 720])), CropRule((320, 256), 1.0, "hrnet")))
    np.testing.assert_allclose(apply(back, found.xy), golden[f"{case}_final"][..., :2], atol=1e-3)


def scene(persons: list[np.ndarray], size: tuple[int, int] = (32, 40)) -> tuple[Tensor, Tensor]:
    """heat (1, K + 1, h, w) and offset (1, 2 K, h, w) of people with joints (K, 2) px of the maps."""
    y, x = np.mgrid[:size[0], :size[1]].astype(float)
    k = len(persons[0])
    heat, offset = np.zeros((k + 1, *size)), np.zeros((k, 2, *size))
    for joints in persons:
        for channel, (cx, cy) in enumerate([*joints, joints.mean(0)]):
            sigma = 1.0 if channel < k else 2.0
            heat[channel] = np.maximum(heat[channel], np.exp(-((x - cx)**2 + (y - cy)**2) / (2 * sigma**2)))
        near = np.hypot(x - joints[:, 0].mean(), y - joints[:, 1].mean()) < 5
        offset[:, :, near] = (np.stack((x, y))[None] - joints[:, :, None, None])[:, :, near]
    return torch.from_numpy(heat[None]).float(), torch.from_numpy(offset.reshape(1, -1, *size)).float()


LITTLE = np.array([[0.0, -6], [-5, -2], [5, -2], [-3, 5], [3, 5]])
SWAP = [0, 2, 1, 4, 3]


def test_each_person_comes_once_where_it_is() -> None:
    persons = [LITTLE + (10, 12), LITTLE + (30.25, 20.5)]
    heat, offset = scene(persons)
    (found,) = centres.poses([centres.Look(heat, centres.pose_map(offset))])
    assert len(found.xy) == 2
    for joints in persons:
        assert np.abs(found.xy - 4 * joints).max((1, 2)).min() < 1e-4
    assert (found.centre > 0.9).all() and (found.heat > 0.5).all()


def test_of_poses_on_each_other_the_warmest_stays() -> None:
    xy = np.stack([LITTLE, LITTLE + 0.3, LITTLE + 20, LITTLE - 0.3]) * 4
    heat = np.array([[0.5] * 5, [0.6] * 5, [0.2] * 5, [0.4] * 5])
    found = centres.of_each_person(Poses(xy, np.array([0.9, 0.1, 0.5, 0.8]), heat))
    np.testing.assert_array_equal(found.centre, [0.1, 0.5])


@pytest.mark.parametrize(("n_joints", "n_same", "left"), [(17, 8, 2), (17, 9, 1), (14, 7, 2), (14, 8, 1)])
def test_how_many_joints_must_coincide(n_joints: int, n_same: int, left: int) -> None:
    """More than 8 of COCO's and more than 7 of CrowdPose's, as published."""
    rng = np.random.default_rng(0)
    xy = rng.uniform(0, 100, (1, n_joints, 2)).repeat(2, 0)
    xy[1, n_same:] += 50
    found = centres.of_each_person(Poses(xy, np.ones(2), rng.uniform(0.5, 1, (2, n_joints))))
    assert len(found.xy) == left


def test_a_pose_without_extent_is_still_someone() -> None:
    found = centres.of_each_person(Poses(np.zeros((1, 5, 2)), np.ones(1), np.ones((1, 5))))
    assert len(found.xy) == 1


def test_the_mirrored_pictures_poses_are_the_pictures() -> None:
    heat, offset = scene([LITTLE + (12, 14)])
    w = heat.shape[3]
    joints = (LITTLE + (12, 14))[SWAP] * (-1, 1) + (w - 1, 0)
    there, back = scene([joints])
    merged, where = centres.merged(Regressed(heat, offset), Regressed(there, back), SWAP)
    torch.testing.assert_close(merged, heat, atol=1e-5, rtol=0)
    (found,) = centres.poses([centres.Look(merged, where)])
    np.testing.assert_allclose(found.xy[0], 4 * (LITTLE + (12, 14)), atol=1e-4)


def test_mirroring_keeps_the_maps_pixels_on_each_other() -> None:
    """A pixel of the maps begins at a multiple of 4 px; mirrored and moved by 3 px it does again."""
    images = torch.arange(16.0).expand(1, 3, 4, 16)
    moved = centres.mirrored(images)[0, 0, 0]
    assert moved.tolist() == [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 2, 1, 0]
    assert moved[::4].tolist() == [12, 8, 4, 0]


@pytest.mark.parametrize(("size", "apart"), [((32, 40), 2), ((210, 210), 3), ((310, 310), 4)])
def test_larger_maps_want_centres_further_apart(size: tuple[int, int], apart: int) -> None:
    heat = torch.zeros(1, 2, *size)
    heat[0, 1, 10, 10], heat[0, 1, 10, 10 + apart - 1] = 0.9, 0.8
    assert len(centres.centres(heat)[0][0]) == 1
    heat[0, 1, 10, 10 + apart - 1], heat[0, 1, 10, 10 + apart] = 0.0, 0.8
    assert centres.centres(heat)[0][0].tolist() == [10 * size[1] + 10, 10 * size[1] + 10 + apart]


def test_heat_is_that_of_the_enlarged_map() -> None:
    """Every fourth pixel is the map's own, between them it is linear, behind the last it goes on."""
    maps = torch.tensor([[[0.0, 4.0], [8.0, 12.0]]])
    xy = torch.tensor([[[0.9, 0.2]], [[4.0, 0.0]], [[2.5, 0.0]], [[0.0, 2.0]], [[7.0, 7.0]], [[-9.0, 99.0]]])
    assert centres._heat_at(maps, xy)[:, 0].tolist() == [0, 4, 2, 4, 12, 8]


def test_scales_put_poses_forward_and_the_mean_heat_tells_how_warm_they_are() -> None:
    """By hand: one person seen in the half-sized copy alone, another in the picture as it is alone."""
    rng = np.random.default_rng(0)
    warm = [torch.from_numpy(rng.uniform(0.1, 0.9, (1, 3, n, n))).float() for n in (16, 32)]
    for heat, (row, column) in zip(warm, ((5, 4), (10, 20)), strict=True):
        heat[:, -1] = 0
        heat[0, -1, row, column] = 0.5
    joints = torch.tensor([(1.0, 2.0), (-1.0, 0.0)])[None, :, :, None, None]
    looks = [
        centres.Look(heat, centres.pose_map(torch.zeros(1, 4, *heat.shape[2:])) + joints, share)
        for heat, share in zip(warm, ((0.5, 0.5), (1.0, 1.0)), strict=True)
    ]
    (found,) = centres.poses(looks)
    in_copy = 4 * np.array([(5, 7), (3, 5)])
    wanted = np.array([in_copy / 0.5 + 0.5, 4 * np.array([(21, 12), (19, 10)])])
    np.testing.assert_allclose(found.xy, wanted, atol=1e-5)
    np.testing.assert_allclose(found.centre, [0.5, 0.5])
    whole = warm[1][0, [0, 1], wanted[1, :, 1].astype(int) // 4, wanted[1, :, 0].astype(int) // 4].numpy()
    halved = np.floor(wanted[1] / 2 - 0.25) / 4
    small = [float(functional.grid_sample(
        warm[0][:, joint:joint + 1], torch.tensor(xy / 7.5 - 1).float()[None, None, None], align_corners=True
    )) for joint, xy in enumerate(halved)]
    np.testing.assert_allclose(found.heat[1], (whole + small) / 2, atol=1e-5)
