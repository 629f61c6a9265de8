"""Boards drawn for the printer and for tests."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from stereo3d.calibration.board import Board, charuco
from stereo3d.calibration.drawing import dark, print_board, raster
from stereo3d.errors import UsageError

BOARDS = [
    Board((6, 5), 0.03, 0.0225, "DICT_5X5_100"),
    Board((6, 4), 0.03, 0.0225, "DICT_4X4_50"),
    Board((6, 4), 0.03, 0.0225, "DICT_4X4_50", legacy=True),
    Board((5, 4), 0.03, 0.0225, "DICT_6X6_250", legacy=True),
]


@pytest.mark.parametrize("board", BOARDS, ids=str)
def test_a_charuco_board_is_opencvs(board: Board) -> None:
    per_square = 160
    ours = raster(board, per_square)[per_square:-per_square, per_square:-per_square]
    theirs = charuco(board).generateImage(tuple(n * per_square for n in board.squares), None, 0, 1)
    different = np.abs(ours.astype(int) - theirs) > 128
    assert different.mean() < 0.02  # a pixel along the markers' edges, which OpenCV rounds
    assert not cv2.erode(different.astype(np.uint8), np.ones((5, 5))).any()


@pytest.mark.parametrize("squares", [(10, 7), (9, 7), (4, 4)])
def test_a_chessboard_begins_black_and_alternates(squares: tuple[int, int]) -> None:
    picture = raster(Board(squares, 0.03), 10)
    middles = picture[15:-10:10, 15:-10:10]
    assert middles.shape == squares[::-1]
    expected = np.where(np.add.outer(np.arange(squares[1]), np.arange(squares[0])) % 2, 255, 0)
    assert (middles == expected).all()
    assert (picture[:10] == 255).all() and (picture[:, -10:] == 255).all()


def test_an_inverted_board_is_the_negative() -> None:
    for board in (Board((10, 7), 0.03), Board((6, 5), 0.03, 0.0225, "DICT_5X5_100")):
        inverted = dataclasses.replace(board, inverted=True)
        assert (raster(inverted, 20) == 255 - raster(board, 20)).all()


def test_half_of_a_board_is_dark() -> None:
    boxes = dark(Board((10, 7), 0.03))
    assert (np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)).sum() == pytest.approx(35 * 0.03**2)


def test_edges_between_pixels_are_averaged() -> None:
    assert raster(Board((3, 3), 0.03), 7).sum() == pytest.approx(255 * (35 * 35 - 5 * 49), rel=1e-3)


def test_the_svg_is_to_scale(tmp_path: Path) -> None:
    path = tmp_path / "board.svg"
    size = print_board(Board((10, 7), 0.03), path)
    root = ElementTree.fromstring(path.read_text())
    points = [float(root.attrib[k].removesuffix("pt")) for k in ("width", "height")]
    np.testing.assert_allclose(np.array(points) / 72 * 0.0254, size, rtol=1e-6)
    assert size[0] <= 0.420 and size[1] <= 0.297, "fits A3"
    found = np.array([float(x) for x in re.findall(r"[ML] (-?[\d.]+) ", path.read_text())])
    edges = (0.035 + 0.03 * np.arange(11)) / 0.0254 * 72
    assert np.abs(found[:, None] - edges).min(0).max() < 0.01, "every line between squares, in points"


def test_the_ruler_says_how_long_it_is(tmp_path: Path) -> None:
    path = tmp_path / "board.svg"
    print_board(Board((10, 7), 0.03), path)
    assert "100 mm: measure this line" in path.read_text()
    print_board(Board((5, 4), 0.01), path)
    assert "50 mm: measure this line" in path.read_text()


@pytest.mark.parametrize("board", [Board((10, 7), 0.03, inverted=True), BOARDS[0]], ids=str)
def test_the_pdf_has_the_papers_size_and_is_the_same_each_time(tmp_path: Path, board: Board) -> None:
    path = tmp_path / "board.pdf"
    size = print_board(board, path)
    first = path.read_bytes()
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", first)
    assert box
    np.testing.assert_allclose([float(x) / 72 * 0.0254 for x in box.groups()], size, rtol=1e-6)
    print_board(board, path)
    assert path.read_bytes() == first


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"expected .pdf or .svg"):
        print_board(Board((10, 7), 0.03), tmp_path / "board.png")
