"""Board files: what they say, and what is said where they say it wrong."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from stereo3d.calibration.board import Board, charuco, read_board
from stereo3d.errors import CalibrationError, InvalidValue

SHIPPED = sorted((Path(__file__).parents[2] / "calibration" / "boards").glob("*.toml"))
CHARUCO = {"marker": 0.03, "dictionary": "DICT_5X5_100"}


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "board.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("text, expected", [
    ("squares = [10, 7]\nsquare = 0.025", Board((10, 7), 0.025)),
    ("kind = 'chessboard'\ninner_corners = [9, 6]\nsquare = 0.025", Board((10, 7), 0.025)),
    ("inner_corners = [9, 6]\nsquares = [10, 7]\nsquare = 1", Board((10, 7), 1.0)),
    ("squares = [8, 8]\nsquare = 0.02\ninverted = true", Board((8, 8), 0.02, inverted=True)),
    ("squares = [9, 6]\nsquare = 0.04\nmarker = 0.03\ndictionary = 'DICT_5X5_100'", Board((9, 6), 0.04, **CHARUCO)),
    (
        "kind = 'charuco'\nsquares = [9, 6]\nsquare = 0.04\nmarker = 0.03\ndictionary = 'DICT_5X5_100'\nlegacy = true",
        Board((9, 6), 0.04, legacy=True, **CHARUCO),
    ),
])
def test_a_file_says_what_the_board_is(tmp_path: Path, text: str, expected: Board) -> None:
    assert read_board(written(tmp_path, text)) == expected


@pytest.mark.parametrize("text, sentence", [
    ("hello", "expected TOML, got something else"),
    ("square = 0.025", "squares, inner_corners: expected one of them .* got neither"),
    ("squares = [10, 7]", "square: missing; give the side of a printed square in metres"),
    ("squares = [10, 7]\nsquare = 25", "square .metres, so 0.025 for 25 mm.: expected a number from"),
    ("squares = [10, 7]\nsquare = 'a'", "expected a number, got 'a'"),
    ("squares = [10]\nsquare = 0.02", r"squares: expected two whole numbers.*got \[10\]"),
    ("squares = [10, 7.5]\nsquare = 0.02", "squares: expected two whole numbers"),
    ("squares = [2, 7]\nsquare = 0.02", "squares: expected a number from 3 to 100, got 2"),
    ("squares = [10, 7]\ninner_corners = [10, 7]\nsquare = 0.02", "expected one of them"),
    ("squares = [10, 7]\nsqare = 0.02", "unknown key of a chessboard 'sqare': did you mean 'square'"),
    ("kind = 'chesboard'\nsquares = [10, 7]", "unknown kind 'chesboard': did you mean 'chessboard'"),
    ("squares = [10, 7]\nsquare = 0.02\ninverted = 1", "inverted: expected true or false, got 1"),
    ("kind = 'charuco'\nsquares = [9, 6]\nsquare = 0.04\nmarker = 0.03", "marker, dictionary: expected both or none"),
    (
        "squares = [9, 6]\nsquare = 0.04\nmarker = 0.05\ndictionary = 'DICT_5X5_100'",
        "marker: expected a number from .* to 0.03996, got 0.05",
    ),
    (
        "squares = [9, 6]\nsquare = 0.04\nmarker = 0.03\ndictionary = 'DICT_5X5_10'",
        "unknown dictionary 'DICT_5X5_10': did you mean 'DICT_5X5_10",
    ),
    (
        "squares = [20, 20]\nsquare = 0.04\nmarker = 0.03\ndictionary = 'DICT_5X5_100'",
        "DICT_5X5_100 has 100 markers, a board of 20 x 20 squares needs 200",
    ),
])
def test_a_wrong_file_is_refused_in_a_sentence_that_names_it(tmp_path: Path, text: str, sentence: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(CalibrationError, match=sentence) as refused:
        read_board(path)
    assert str(refused.value).startswith(str(path))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match="cannot be read"):
        read_board(tmp_path / "none.toml")


def test_a_dictionary_without_a_marker_is_refused() -> None:
    with pytest.raises(InvalidValue, match="expected both or none"):
        Board((9, 6), 0.04, dictionary="DICT_4X4_50")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_the_shipped_boards_can_be_read(path: Path) -> None:
    board = read_board(path)
    size = f"{board.corners[0]}x{board.corners[1]}" if board.marker is None else f"{board.squares[0]}x{board.squares[1]}"
    assert path.stem.split("_")[1:] == [size, f"{board.square * 1000:g}mm"]
    assert SHIPPED


def test_points_run_along_the_rows_from_the_first_inner_corner() -> None:
    board = Board((5, 4), 0.02)
    assert board.corners == (4, 3)
    assert board.points.shape == (12, 3)
    np.testing.assert_allclose(board.points[[0, 1, 4]], [(0, 0, 0), (0.02, 0, 0), (0, 0.02, 0)])


def test_edges_are_the_sides_of_squares() -> None:
    board = Board((5, 4), 0.02)
    sides = np.diff(board.points[board.edges], axis=1)[:, 0]
    assert len(board.edges) == 3 * 3 + 2 * 4
    np.testing.assert_allclose(np.linalg.norm(sides, axis=1), 0.02)
    assert (sides[:9, 1] == 0).all() and (sides[9:, 0] == 0).all()


@pytest.mark.parametrize("board, white", [
    (Board((10, 7), 0.02), False),
    (Board((10, 7), 0.02, inverted=True), True),
    (Board((9, 6), 0.04, **CHARUCO), False),
    (Board((9, 6), 0.04, legacy=True, **CHARUCO), True),
    (Board((9, 7), 0.04, legacy=True, **CHARUCO), False),
    (Board((9, 6), 0.04, legacy=True, inverted=True, **CHARUCO), False),
])
def test_the_colour_of_the_first_square(board: Board, white: bool) -> None:
    assert board.starts_white == white


def test_opencv_gets_the_same_charuco_board() -> None:
    board = Board((9, 6), 0.04, **CHARUCO)
    made = charuco(board)
    corners = np.array(made.getChessboardCorners())
    np.testing.assert_allclose(corners - corners[0], board.points, atol=1e-7)
    assert made.getMarkerLength() == pytest.approx(0.03) and isinstance(made, cv2.aruco.CharucoBoard)


def test_a_name_says_what_it_is() -> None:
    assert Board((10, 7), 0.025).name == "chessboard of 10 x 7 squares of 25 mm"
    assert "ChArUco board (DICT_5X5_100)" in Board((9, 6), 0.04, inverted=True, **CHARUCO).name
