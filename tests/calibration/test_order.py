"""Which corner is which: turned boards, boards that look alike, and both eyes in one order."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from stereo3d.calibration.board import Board
from stereo3d.calibration.drawing import raster
from stereo3d.calibration.order import aligned, alike, contrast, on_dark, ordered, turns
from stereo3d.values import Bytes, Floats

PER_SQUARE = 24


def pictured(board: Board) -> tuple[Bytes, Floats]:
    """The board seen from the front, and its corners."""
    across, down = board.corners
    grid = np.stack(np.meshgrid(np.arange(across), np.arange(down)), -1).reshape(-1, 2)
    return raster(board, PER_SQUARE), (grid + 2) * PER_SQUARE - 0.5


@pytest.mark.parametrize("squares, ways", [((10, 7), 1), ((9, 7), 2), ((10, 8), 2), ((8, 8), 2), ((7, 7), 4), ((5, 6), 1)])
def test_how_many_ways_a_board_looks_alike(squares: tuple[int, int], ways: int) -> None:
    board = Board(squares, 0.03)
    found = alike(board)
    assert len(found) == ways
    picture, xy = pictured(board)
    for turn in found:
        assert contrast(xy[turn], board, picture) > 0, "each of them keeps the colours"
    assert len(alike(Board((9, 6), 0.04, 0.03, "DICT_5X5_100"))) == 1


@pytest.mark.parametrize("squares", [(10, 7), (9, 7), (8, 8), (7, 7)])
def test_a_quarter_turn_changes_nothing_four_times(squares: tuple[int, int]) -> None:
    board = Board(squares, 0.03)
    for turn in turns(board):
        there = np.arange(len(board.points))
        for _ in range(4):
            there = there[turn]
        assert (there == np.arange(len(there))).all()


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("turned", [False, True])
def test_colours_settle_the_order(inverted: bool, mirrored: bool, turned: bool) -> None:
    board = Board((10, 7), 0.03, inverted=inverted)
    picture, xy = pictured(board)
    given = xy.reshape(6, 9, 2)
    given = given[:, ::-1] if mirrored else given
    given = given[::-1, ::-1] if turned else given
    np.testing.assert_allclose(ordered(given.reshape(-1, 2), board, picture), xy)


def test_the_order_follows_the_board_when_it_is_turned() -> None:
    board = Board((10, 7), 0.03)
    picture, xy = pictured(board)
    upside_down = cv2.rotate(picture, cv2.ROTATE_180)
    seen = np.array(picture.shape[::-1]) - 1 - xy
    np.testing.assert_allclose(ordered(seen[::-1], board, upside_down), seen)


@pytest.mark.parametrize("squares", [(9, 7), (8, 8), (7, 7)])
def test_both_eyes_get_one_order(squares: tuple[int, int]) -> None:
    board = Board(squares, 0.03)
    _, left = pictured(board)
    angle = np.deg2rad(20)
    right = left @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) + 30
    for turn in alike(board):
        np.testing.assert_allclose(aligned(right[turn], left, board), right)


def test_corners_that_are_not_seen_do_not_matter() -> None:
    board = Board((9, 7), 0.03)
    _, left = pictured(board)
    right = left + 5
    right[3] = np.nan
    np.testing.assert_allclose(aligned(right[::-1], left, board), right)


@pytest.mark.parametrize("inverted", [False, True])
def test_the_paper_tells_an_inverted_print(inverted: bool) -> None:
    board = Board((10, 7), 0.03, inverted=inverted)
    picture, xy = pictured(board)
    assert on_dark(picture, xy, board) is inverted
    card = np.full_like(picture, 110)
    card[PER_SQUARE:-PER_SQUARE, PER_SQUARE:-PER_SQUARE] = picture[PER_SQUARE:-PER_SQUARE, PER_SQUARE:-PER_SQUARE]
    assert on_dark(card, xy, board) is None, "cut out and glued to grey card"
    cut = PER_SQUARE + PER_SQUARE // 2
    assert on_dark(np.ascontiguousarray(picture[cut:-cut, cut:-cut]), xy - cut, board) is None, "beyond the picture"
