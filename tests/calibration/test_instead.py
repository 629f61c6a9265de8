"""What is said of pictures that show another board than the one described."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from made_boards import BOARD, pictures, small_rig

from stereo3d.calibration.board import Board
from stereo3d.calibration.instead import inner_corners, seen_instead
from stereo3d.synthetic.board import Photographer
from stereo3d.values import Bytes

CHARUCO = Board((7, 5), 0.05, 0.037, "DICT_4X4_50")


@cache
def chessboards() -> list[Bytes]:
    return [np.ascontiguousarray(pair.left[..., 0]) for pair, _ in pictures()[:6]]


@cache
def charucos() -> list[Bytes]:
    taken = Photographer(small_rig(), CHARUCO)
    poses = taken.poses(2, seed=3, depth=(0.4, 0.5), tilt=0.3)
    return [np.ascontiguousarray(taken.pair(pose).left[..., 0]) for pose in poses]


@pytest.mark.parametrize("board, said", [
    (Board((12, 9), 0.03), "of the pictures look like 9 x 6 inner corners"),
    (CHARUCO, "look like 9 x 6 inner corners of a plain chessboard"),
    (BOARD, ""),
])
def test_of_chessboards(board: Board, said: str) -> None:
    told = seen_instead(chessboards(), board)
    assert told.endswith(said) and bool(told) == bool(said)


@pytest.mark.parametrize("board, said", [
    (BOARD, "; the pictures show a ChArUco board with markers of DICT_4X4_50: describe it as one"),
    (replace(CHARUCO, dictionary="DICT_6X6_50"), "markers of DICT_4X4_50, the board file says DICT_6X6_50"),
    (replace(CHARUCO, squares=(9, 7)), "; the pictures show its markers 0 to 16 in another layout: check squares"),
    (replace(CHARUCO, squares=(4, 4)), "; the pictures show markers up to 16, a board of these squares has 8: check"),
])
def test_of_charuco_boards(board: Board, said: str) -> None:
    assert said in seen_instead(charucos(), board)


def test_of_inverted_markers() -> None:
    assert "DICT_4X4_50" in seen_instead([255 - grey for grey in charucos()], BOARD)


def test_of_nothing() -> None:
    blank = np.full((240, 320), 90, np.uint8)
    assert inner_corners(blank) is None and seen_instead([blank] * 3, BOARD) == ""
    assert seen_instead([], BOARD) == ""


def test_the_size_of_a_chessboard_is_told() -> None:
    found = [inner_corners(grey) for grey in chessboards()]
    assert found.count((9, 6)) >= len(found) / 2
