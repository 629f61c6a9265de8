"""The board's corners in pictures of which the truth is known."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from made_boards import BOARD, photographer, pictures, small_rig

from stereo3d.calibration.board import Board
from stereo3d.calibration.corners import blur, find_corners, goes_on, refined, spacing, variants
from stereo3d.calibration.pixels import sample
from stereo3d.synthetic.board import Photographer
from stereo3d.values import Bytes, Floats

CHARUCO = Board((7, 5), 0.05, 0.037, "DICT_4X4_50")


def grey(image: Bytes) -> Bytes:
    return np.ascontiguousarray(image[..., 0])


def error(found: Floats, true: Floats) -> float:
    return float(np.sqrt(np.nanmean(((found - true) ** 2).sum(-1))))


def test_corners_are_found_to_a_tenth_of_a_pixel() -> None:
    for pair, pose in pictures()[:4]:
        for image, true in zip(pair, photographer().corners(pose), strict=True):
            found = find_corners(grey(image), BOARD)
            assert found is not None and error(found, true) < 0.13


def test_the_window_follows_the_board() -> None:
    """A fixed window reaches into the next squares of a small board."""
    pair, pose = pictures()[0]
    true = photographer().corners(pose).left
    rough = true + np.random.default_rng(0).uniform(-0.8, 0.8, true.shape)
    assert error(refined(grey(pair.left), rough, BOARD), true) < 0.13
    fixed = rough[:, None].astype(np.float32)
    cv2.cornerSubPix(grey(pair.left), fixed, (11, 11), (-1, -1), (3, 100, 1e-4))
    assert error(fixed[:, 0], true) > 2 * error(refined(grey(pair.left), rough, BOARD), true)


@pytest.mark.parametrize("squares", [(10, 7), (9, 7), (8, 8)])
@pytest.mark.parametrize("inverted", [False, True])
def test_inverted_and_alike_boards(squares: tuple[int, int], inverted: bool) -> None:
    board = Board(squares, 0.03, inverted=inverted)
    taken = Photographer(small_rig(), board)
    pose = taken.poses(1, seed=2, depth=(0.35, 0.45), tilt=0.4)[0]
    found = find_corners(grey(taken.pair(pose).left), board)
    assert found is not None
    true = taken.corners(pose).left
    assert min(error(found, true), error(found[::-1], true)) < 0.1
    if squares == (10, 7):
        assert error(found, true) < 0.1, "the colours leave no choice"


@pytest.mark.parametrize("board", [
    CHARUCO, replace(CHARUCO, inverted=True), replace(CHARUCO, squares=(7, 6)), replace(CHARUCO, squares=(7, 6), legacy=True)
], ids=str)
def test_charuco_corners(board: Board) -> None:
    taken = Photographer(small_rig(), board)
    pose = taken.poses(1, seed=3, depth=(0.4, 0.5), tilt=0.3)[0]
    found = find_corners(grey(taken.pair(pose).left), board)
    assert found is not None and np.isfinite(found[:, 0]).sum() >= 15
    assert error(found, taken.corners(pose).left) < 0.2


def test_a_part_of_a_charuco_board_is_enough() -> None:
    taken = Photographer(small_rig(), CHARUCO)
    pose = taken.poses(1, seed=3, depth=(0.4, 0.5), tilt=0.1)[0]
    picture, true = grey(taken.pair(pose).left).copy(), taken.corners(pose).left
    half = int(true[:, 0].mean())
    picture[:, half:] = 107
    found = find_corners(picture, CHARUCO)
    assert found is not None
    seen = np.isfinite(found[:, 0])
    assert 6 <= seen.sum() < len(true) and (true[seen, 0] < half).all()
    picture[:, int(true[:, 0].min()) + 30:] = 107
    assert find_corners(picture, CHARUCO) is None, "a single column says nothing"


def test_no_board_no_corners() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (240, 320), np.uint8)
    assert find_corners(picture, BOARD) is None
    assert find_corners(picture, CHARUCO) is None


def test_large_pictures_are_searched_small_and_refined_large() -> None:
    pair, pose = pictures()[0]
    large = cv2.resize(grey(pair.left), None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    found = find_corners(np.asarray(large, np.uint8), BOARD)
    assert found is not None
    assert error((found + 0.5) / 3 - 0.5, photographer().corners(pose).left) < 0.13


def test_what_is_printed_otherwise_is_among_the_variants() -> None:
    assert variants(BOARD) == [BOARD, replace(BOARD, inverted=True)]
    assert len(variants(CHARUCO)) == 2, "an odd number of rows begins black in both layouts"
    assert replace(CHARUCO, squares=(7, 6), legacy=True, inverted=True) in variants(replace(CHARUCO, squares=(7, 6)))


@pytest.mark.parametrize("smaller", [(9, 7), (10, 6), (8, 7)])
def test_a_part_taken_for_the_whole_is_noticed(smaller: tuple[int, int]) -> None:
    board = Board(smaller, 0.03)
    across, down = board.corners
    for pair, pose in pictures()[:4]:
        true = photographer().corners(pose).left
        part = true.reshape(6, 9, 2)[:down, -across:].reshape(-1, 2)
        assert goes_on(grey(pair.left), part, board)
        assert not goes_on(grey(pair.left), true, BOARD)
    assert not goes_on(grey(pictures()[0][0].left), np.full((24, 2), np.nan), CHARUCO)


@pytest.mark.parametrize("focus", [1.0, 2.0])
def test_blur_is_measured(focus: float) -> None:
    taken = Photographer(small_rig(), BOARD, focus=focus, noise=0.5)
    pose = taken.poses(1, seed=4, depth=(0.28, 0.3), tilt=0.1)[0]
    found = blur(grey(taken.pair(pose).left), taken.corners(pose).left, BOARD)
    assert found == pytest.approx(np.hypot(focus, 0.35), rel=0.2)


def test_motion_blurs_one_direction_and_counts() -> None:
    taken, (_, pose) = photographer(), pictures()[0]
    still, moving = (taken.pair(pose, motion=(m, 0, 0)).left for m in (0.0, 0.012))
    corners = taken.corners(pose).left
    assert blur(grey(moving), corners, BOARD) > 1.6 * blur(grey(still), corners, BOARD)


def test_spacing_is_the_smallest_side() -> None:
    xy = BOARD.points[:, :2] * 1000
    xy[-1, 0] -= 9
    assert spacing(xy, BOARD) == pytest.approx(21)


def test_sampling_is_linear_and_stops_at_the_edge() -> None:
    picture = np.add.outer(10 * np.arange(5), np.arange(6)).astype(np.uint8)
    np.testing.assert_allclose(sample(picture, np.array([[2.5, 1.25], [0, 0], [5, 4]])), [15, 0, 45])
    assert np.isnan(sample(picture, np.array([[-0.1, 0], [5.1, 0], [0, 4.1], [np.nan, 0]]))).all()
