"""What a rig makes of places and pixels."""

from __future__ import annotations

import numpy as np
import pytest
from made_boards import BOARD, small_rig

from stereo3d.calibration.geometry import both_ways, edge_errors, in_space, row_errors, seen, volume, working
from stereo3d.calibration.rectify import Rectifier
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.stereo import Stereo
from stereo3d.values import Floats


@pytest.mark.parametrize("which", ["small", "wide"])
def test_places_come_back_from_their_pixels(which: str, wide_rig: StereoRig) -> None:
    rig = small_rig() if which == "small" else wide_rig
    depth = 0.7 if which == "small" else 3.0
    xyz = np.random.default_rng(0).normal(size=(50, 3)) * (0.1, 0.1, 0.1) * depth + (0, 0, depth)
    pixels = seen(rig, xyz)
    np.testing.assert_allclose(in_space(rig, *pixels), xyz, atol=1e-7)
    np.testing.assert_allclose(row_errors(rig, *pixels), 0, atol=1e-5)


def test_rows_are_those_of_the_rectifier() -> None:
    rig, rng = small_rig(), np.random.default_rng(1)
    left = rng.uniform(100, 250, (30, 2))
    right = left - (20, 3)
    rectifier = Rectifier(rig)
    expected = rectifier.points(left, "left")[:, 1] - rectifier.points(right, "right")[:, 1]
    np.testing.assert_allclose(row_errors(rig, left, right), expected)


def test_rows_of_a_pair_that_is_not_rectified_are_distances_in_px(wide_rig: StereoRig) -> None:
    xyz = np.random.default_rng(0).normal(size=(40, 3)) * 0.3 + (0, 0, 3)
    left, right = seen(wide_rig, xyz)
    rng = np.random.default_rng(1).normal(size=(40, 2)) * 2
    off = row_errors(wide_rig, left, right + rng)
    assert 0.5 < np.sqrt((off**2).mean()) / 2 < 1.2, "one of two directions counts"


def test_a_rectified_camera_as_two() -> None:
    camera = RectifiedCamera((640, 480), 500.0, Stereo(320.0, 310.0), 240.0, 0.12)
    xyz = np.array([[0.1, -0.05, 0.8], [0, 0, 1.2]])
    for ours, theirs in zip(seen(both_ways(camera), xyz), camera.project(xyz), strict=True):
        np.testing.assert_allclose(ours, theirs)
    assert both_ways(camera).baseline == pytest.approx(0.12)
    assert both_ways(small_rig()) == small_rig()


def test_sides_of_squares(rig: StereoRig) -> None:
    def corners(scale: float) -> Floats:
        return seen(rig, (BOARD.points * scale + (-0.1, -0.1, 0.6))).swapaxes(0, 0)[None]

    np.testing.assert_allclose(edge_errors(rig, corners(1.0), BOARD), 0, atol=1e-9)
    np.testing.assert_allclose(edge_errors(rig, corners(1.01), BOARD), 0.01 * BOARD.square, atol=1e-9)


def test_the_volume_is_what_both_eyes_see(rig: StereoRig) -> None:
    xyz = volume(rig, np.array([0.2, 1.2]), (9, 5))
    assert xyz.shape == (2, 5, 9, 3)
    there = np.isfinite(xyz[..., 0])
    assert there[1].sum() > there[0].sum() > 0
    np.testing.assert_allclose(xyz[1][there[1]][:, 2], 1.2)
    pixels = seen(rig, xyz[there])
    assert (pixels > -0.5).all() and (pixels < np.array([1280, 720]) - 0.5).all()


def test_the_working_volume_is_round_the_axis_between_the_eyes(rig: StereoRig) -> None:
    middle = -(rig.translation @ rig.rotation) / 2
    places = np.array([[0, 0, 0.8], [0.34, 0, 0.5], [0, -0.36, 1.0], [np.nan] * 3]) + (*middle[:2], 0)
    assert working(rig, places).tolist() == [True, True, False, False]


def test_what_is_behind_is_not_seen(rig: StereoRig) -> None:
    assert np.isnan(seen(rig, np.array([[0.0, 0.0, -1.0]]))).all()
