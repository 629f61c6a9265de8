"""The made-up rig: like a ZED 2, its projection OpenCV's, a ray for every pixel."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest
from small_scenes import shrunk

from stereo3d.cameras import StereoRig
from stereo3d.stereo import SIDES
from stereo3d.synthetic.rig import pose_of, project, rays, zed2_like
from stereo3d.values import Floats

FOLDING = np.array([-0.0642587, 0.0436327, -0.000369278, -0.000588874, -0.0180629])
"""A real ZED 2 lens, which has no inverse in the extreme corners."""


@pytest.mark.parametrize("seed", range(20))
def test_its_values_are_those_of_zed_2_cameras(seed: int) -> None:
    rig = zed2_like(seed)
    assert rig.serial is None and rig.rms is None
    assert 0.1196 < rig.baseline < 0.1202
    assert abs(rig.translation[1]) < 2e-4 and abs(rig.translation[2]) < 6.2e-4
    assert np.abs(cv2.Rodrigues(rig.rotation)[0]).max() < 0.0091
    for camera in rig.cameras:
        k1, k2, p1, p2, k3 = camera.distortion
        assert camera.size == (1280, 720)
        assert 528 <= camera.fx <= 534 and 618 <= camera.cx <= 655 and 358 <= camera.cy <= 373
        assert -0.064 <= k1 <= -0.037 and 0.005 <= k2 <= 0.044 and -0.018 <= k3 <= -0.003
        assert max(abs(p1), abs(p2)) < 1e-3


def test_same_seed_same_rig_another_seed_another() -> None:
    assert zed2_like(3) == zed2_like(3)
    assert zed2_like(3) != zed2_like(4)
    assert zed2_like(3).cameras.left != zed2_like(3).cameras.right


def points(n: int = 200) -> Floats:
    return np.random.default_rng(0).uniform((-0.4, -0.3, 0.5), (0.4, 0.3, 1.0), (n, 3))


@pytest.mark.parametrize("side", SIDES)
def test_projection_is_opencvs(side: str) -> None:
    rig, xyz = zed2_like(1), points()
    rotation = cv2.Rodrigues(rig.rotation)[0] if side == "right" else np.zeros(3)
    moved = rig.translation if side == "right" else np.zeros(3)
    camera = rig.cameras[side]  # type: ignore[index]
    wanted, _ = cv2.projectPoints(xyz, rotation, moved, camera.matrix, camera.distortion)
    assert np.allclose(project(rig, xyz)[side], wanted.reshape(-1, 2), atol=1e-9)  # type: ignore[index]


def test_what_is_behind_or_unknown_is_nan() -> None:
    seen = project(zed2_like(1), np.array([[0, 0, -1.0], [0, 0, 0], [np.nan, 0, 1], [0, 0, 1]]))
    for xy in seen:
        assert np.isnan(xy).all(1).tolist() == [True, True, True, False]


def test_project_keeps_the_shape() -> None:
    assert project(zed2_like(1), points(12).reshape(2, 3, 2, 3)).right.shape == (2, 3, 2, 2)


@pytest.mark.parametrize("per_pixel", [1, 2])
def test_rays_lead_back_to_their_pixels(per_pixel: int) -> None:
    """Each ray, projected, falls on the (part of a) pixel that it was made for."""
    for seed in range(4):
        camera = shrunk(zed2_like(seed).cameras.left, 8)
        found = rays(camera, per_pixel=per_pixel)
        assert found.shape == (90 * per_pixel, 160 * per_pixel, 2)
        there = np.concatenate([found, np.ones((*found.shape[:2], 1))], -1).reshape(-1, 3)
        xy, _ = cv2.projectPoints(there, np.zeros(3), np.zeros(3), camera.matrix, camera.distortion)
        v, u = ((np.mgrid[: found.shape[0], : found.shape[1]] + 0.5) / per_pixel) - 0.5
        assert np.abs(xy.reshape(found.shape) - np.stack([u, v], -1)).max() < 1e-4


def test_every_pixel_of_the_full_picture_has_a_ray() -> None:
    for seed in range(6):
        for camera in zed2_like(seed).cameras:
            assert np.isfinite(rays(camera)[:: 719, :: 1279]).all()


def test_pixels_that_a_folding_lens_does_not_reach_are_nan() -> None:
    camera = dataclasses.replace(shrunk(zed2_like(0).cameras.left, 8), distortion=FOLDING)
    nothing = np.isnan(rays(camera)).any(-1)
    assert 0 < nothing.mean() < 0.02
    assert not nothing[10:-10, 20:-20].any()


def test_a_pose_takes_left_to_right() -> None:
    rig: StereoRig = zed2_like(2)
    rotation, moved = pose_of(rig, "right")
    assert np.array_equal(rotation, rig.rotation) and np.array_equal(moved, rig.translation)
    rotation, moved = pose_of(rig, "left")
    assert np.array_equal(rotation, np.eye(3)) and not moved.any()
