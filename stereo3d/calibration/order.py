"""Which corner is which: boards that look the same when turned, and the same order in both eyes.

A chessboard whose squares across and down are odd in number together looks different upside down, since the colours
change places; others look the same after a half turn, and square ones perhaps after a quarter. Their order can only be
settled between the eyes, which is all that a stereo rig needs.
"""

from __future__ import annotations

import cv2
import numpy as np

from stereo3d.calibration.board import Board
from stereo3d.calibration.pixels import sample
from stereo3d.values import Bytes, Floats, Ints

_BEYOND = 1.35
"""Squares beyond the outer corners, where there is paper."""


def ordered(xy: Floats, board: Board, grey: Bytes) -> Floats:
    """Corners (M, 2) px of a chessboard, row by row, from the corner that the board's colours make the first.

    Seen from the front, so that down is to the right of across; on a board that looks alike turned, any of its ways.
    """
    across, down = board.corners
    grid = xy.reshape(down, across, 2)
    right, below = (grid[:, -1] - grid[:, 0]).mean(0), (grid[-1] - grid[0]).mean(0)
    if right[0] * below[1] < right[1] * below[0]:
        grid = grid[:, ::-1]
    xy = grid.reshape(-1, 2)
    if (contrast(xy, board, grey) > 0) == board.starts_white:
        other = next((t for t in turns(board) if not _keeps_colours(t, board)), None)
        xy = xy if other is None else xy[other]
    return xy


def contrast(xy: Floats, board: Board, grey: Bytes) -> float:
    """Grey levels by which the squares of the second colour are lighter than those of the top left one's."""
    across, down = board.corners
    grid = xy.reshape(down, across, 2)
    middles = (grid[:-1, :-1] + grid[1:, 1:] + grid[1:, :-1] + grid[:-1, 1:]) / 4
    odd = np.add.outer(np.arange(down - 1), np.arange(across - 1)) % 2 == 1
    level = sample(grey, middles)
    return float(level[odd].mean() - level[~odd].mean())


def on_dark(grey: Bytes, xy: Floats, board: Board) -> bool | None:
    """Whether the paper around a chessboard's squares is dark, so that it is printed inverted; None where unclear."""
    matrix, _ = cv2.findHomography(board.points[:, :2] / board.square, xy)
    sides = []
    for ahead, (across, down) in ((False, board.corners), (True, board.corners[::-1])):
        along = np.arange(across) - 0.5
        for edge, out in ((0.0, -1.0), (down - 1.0, 1.0)):
            lines = [np.stack([along, np.full(across, edge + out * far)], -1) for far in (0.5, _BEYOND)]
            sides.append(np.stack(lines)[..., ::-1] if ahead else np.stack(lines))
    places = cv2.perspectiveTransform(np.concatenate(sides, axis=1).reshape(-1, 1, 2), matrix)
    squares, paper = sample(grey, np.asarray(places, float).reshape(2, -1, 2))
    if np.isnan(paper).all():
        return None
    dark, light = np.nanquantile(squares, (0.25, 0.75))
    level = (np.nanmedian(paper) - dark) / max(light - dark, 1.0)  # of grey card or a table: between the two
    return True if level < 0.25 else False if level > 0.75 else None


def alike(board: Board) -> list[Ints]:
    """The turns that leave the board looking the same, as indices (M,) of its corners; the first changes nothing."""
    unchanged = np.arange(len(board.points))
    if board.marker is not None:
        return [unchanged]
    return [unchanged, *(turn for turn in turns(board) if _keeps_colours(turn, board))]


def aligned(right: Floats, left: Floats, board: Board) -> Floats:
    """Corners (M, 2) px of the right picture in that order, of those that look alike, which is turned least from the
    left picture's."""
    return right[min(alike(board), key=lambda turn: _turned(right[turn], left, board))]


def turns(board: Board) -> list[Ints]:
    """The half turn of the board, and the quarter turns of one as wide as high, as indices (M,) of its corners."""
    across, down = board.corners
    index = np.arange(across * down).reshape(down, across)
    quarters = (2, 1, 3) if across == down else (2,)
    return [np.rot90(index, k).ravel() for k in quarters]


def _keeps_colours(turn: Ints, board: Board) -> bool:
    across, down = board.corners
    colour = np.add.outer(np.arange(down - 1), np.arange(across - 1)) % 2
    first = turn.reshape(down, across)[:2, :2].min()  # the corner of the square that comes to lie first
    return bool(colour[first // across, first % across] == 0)


def _turned(xy: Floats, other: Floats, board: Board) -> float:
    """rad between the ways across the board in two pictures; corners (M, 2) px, NaN where not seen."""
    a, b = (_way_across(points, board) for points in (xy, other))
    return float(abs(np.angle(b / a)))


def _way_across(xy: Floats, board: Board) -> complex:
    grid = xy.reshape(*board.corners[::-1], 2)
    step = np.nanmean(grid[:, 1:] - grid[:, :-1], axis=(0, 1))
    return complex(step[0], step[1])
