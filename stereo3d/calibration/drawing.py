"""A board as rectangles: for the printer, to scale and with a ruler, and as a picture for tests.

Print frame: metres from the top left corner of the outermost square, x to the right, y down.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from stereo3d.atomic import replacing
from stereo3d.calibration.board import Board, charuco
from stereo3d.errors import UsageError
from stereo3d.values import Bytes, Floats

MARGIN = 1.0
"""Squares of paper around the board, which the search for it needs."""
_RULER = 0.1
_PAPER, _FOOT = 0.005, 0.010
"""m, from the margin to the paper's edge, and the height of the ruler and the line of text below."""


def dark(board: Board) -> Floats:
    """(N, 4) m, left, top, right, bottom of the rectangles that are not of the background's colour.

    They are black on white; white on black where the board is inverted.
    """
    across, down = board.squares
    upright = board.starts_white != board.inverted
    column, row = np.nonzero((np.add.outer(np.arange(across), np.arange(down)) % 2 == 1) == upright)
    squares = np.stack([column, row, column + 1, row + 1], -1) * board.square
    parts = [squares] if board.marker is None else [squares, _markers(board, board.marker)]
    return np.asarray(np.concatenate(parts), float)


def raster(board: Board, per_square: int = 40) -> Bytes:
    """(h, w) grey picture of the board with its margin, so many px to a square; edges between pixels are averaged."""
    scale = per_square / board.square
    width, height = ((n + 2 * MARGIN) * per_square for n in board.squares)
    ink = np.zeros((round(height), round(width)))
    for left, top, right, bottom in (dark(board) + MARGIN * board.square) * scale:
        rows, columns = (_covered(a, b, n) for a, b, n in ((top, bottom, len(ink)), (left, right, ink.shape[1])))
        ink[rows[0], columns[0]] += np.outer(rows[1], columns[1])
    ink = np.clip(ink, 0, 1)
    return np.rint(255 * (ink if board.inverted else 1 - ink)).astype(np.uint8)


def print_board(board: Board, path: str | os.PathLike[str]) -> tuple[float, float]:
    """Write the board to scale as .pdf or .svg with a ruler to check the print by; (width, height) m of the paper.

    Print it at 100 %, never "fit to page". Raises UsageError for another suffix.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in (".pdf", ".svg"):
        raise UsageError(f"{path}: expected .pdf or .svg for a board to print, got {suffix or 'no suffix'}")
    import matplotlib
    from matplotlib.backends import backend_pdf, backend_svg
    from matplotlib.figure import Figure

    edge = MARGIN * board.square + _PAPER
    size = board.squares[0] * board.square + 2 * edge, board.squares[1] * board.square + 2 * edge + _FOOT
    figure = Figure(figsize=(size[0] / 0.0254, size[1] / 0.0254))
    (backend_pdf.FigureCanvasPdf if suffix == ".pdf" else backend_svg.FigureCanvasSVG)(figure)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(-edge, size[0] - edge), ylim=(size[1] - edge, -edge))
    axes.set_axis_off()
    _draw(axes, board, size[1] - edge - _FOOT)
    plain: Any = {"svg.hashsalt": "stereo3d", "svg.fonttype": "none"}
    dates = {"CreationDate": None} if suffix == ".pdf" else {"Date": None}
    with replacing(path) as temporary, matplotlib.rc_context(plain):
        figure.savefig(temporary, format=suffix[1:], metadata=dates)
    return size


def _draw(axes: Any, board: Board, ruler: float) -> None:
    from matplotlib.patches import PathPatch, Rectangle
    from matplotlib.path import Path as Outline

    across, down = np.array(board.squares) * board.square
    margin = MARGIN * board.square
    boxes = [Outline(((x, y), (u, y), (u, v), (x, v), (x, y)), closed=True) for x, y, u, v in dark(board)]
    if board.inverted:
        paper = Rectangle((-margin, -margin), across + 2 * margin, down + 2 * margin)
        axes.add_patch(paper)
        paper.set(facecolor="black", linewidth=0)
    colour = "white" if board.inverted else "black"
    ink = Outline.make_compound_path(*boxes)  # as one shape, so that no hairline shows where cells touch
    axes.add_patch(PathPatch(ink, facecolor=colour, linewidth=0))
    length = min(_RULER, np.floor(across / 0.01) * 0.01)
    ticks = np.arange(0, length + 1e-9, 0.01)
    axes.vlines(ticks, ruler, ruler - 0.003, colors="black", linewidth=0.5)
    axes.hlines(ruler, 0, length, colors="black", linewidth=0.5)
    words = f"{1000 * length:.0f} mm: measure this line. {board.name}; print at 100 %, glue it to something flat"
    axes.text(0, ruler + 0.006, words, fontsize=7, family="sans-serif")


def _markers(board: Board, side: float) -> Floats:
    made = charuco(board)
    dictionary = made.getDictionary()
    cells = int(dictionary.markerSize) + 2
    boxes = []
    for index, corners in zip(np.asarray(made.getIds()).ravel().tolist(), made.getObjPoints(), strict=True):
        bits = cv2.aruco.generateImageMarker(dictionary, index, cells, borderBits=1)
        row, column = np.nonzero(bits == 0)
        start = np.asarray(corners, float)[0, :2]
        place = start + np.stack([column, row], -1) * side / cells
        boxes.append(np.concatenate([place, place + side / cells], -1))
    return np.concatenate(boxes)


def _covered(low: float, high: float, n: int) -> tuple[slice, Floats]:
    """The pixels that the stretch reaches, and how much of each it covers."""
    first, last = max(int(low), 0), min(int(np.ceil(high)), n)
    edges = np.arange(first, last + 1, dtype=float)
    return slice(first, last), np.clip(edges[1:], low, high) - np.clip(edges[:-1], low, high)
