"""The board's inner corners in one picture, to a fraction of a pixel.

The window in which a corner is refined follows the board's size in the view: the fixed (11, 11) of the tutorials
reaches into the neighbouring squares of a board that is far away, which costs twice the error (0.44 against 0.20 px on
the stereo pictures of opencv-doc).
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from stereo3d.calibration.board import Board, charuco
from stereo3d.calibration.order import ordered
from stereo3d.calibration.pixels import sample
from stereo3d.values import Bytes, Floats

WINDOW = 0.30
"""Half the side of the window in which a corner is refined, in parts of the view's smallest corner spacing."""
LEAST_CORNERS = 6
"""Of a ChArUco board in one picture, in two rows and two columns at least."""
_SEARCHED = 1280
"""px, the longer side of the picture in which the board is looked for."""
_GLANCED = 640
"""px, the same for the first, quick search, which in a larger picture takes over a second to give up."""
_CLASSIC = cv2.CALIB_CB_ADAPTIVE_THRESH | cv2.CALIB_CB_NORMALIZE_IMAGE
_STEPS = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 100, 1e-4)
_PROFILE = np.linspace(-1.0, 1.0, 21)


def find_corners(grey: Bytes, board: Board, *, quick: bool = False) -> Floats | None:
    """(M, 2) px of the board's corners in a grey picture (H, W), NaN where not seen; None without a board.

    `quick`: not by the slower search, which finds smaller chessboards and does not mind which colour is the paper's.
    """
    upright = 255 - grey if board.inverted else grey
    if board.marker is not None:
        return _charuco(upright, board)
    found = _chessboard(upright, board, quick)
    return None if found is None else ordered(refined(grey, found, board), board, grey)


def refined(grey: Bytes, xy: Floats, board: Board) -> Floats:
    """Corners (M, 2) px of a chessboard, moved to where the squares meet."""
    half = max(1, round(WINDOW * spacing(xy, board)))
    start = np.ascontiguousarray(xy[:, None], np.float32)
    done = np.asarray(cv2.cornerSubPix(grey, start, (half, half), (-1, -1), _STEPS), float).reshape(-1, 2)
    return np.where(np.abs(done - xy).max(-1, keepdims=True) <= half, done, xy)


def spacing(xy: Floats, board: Board) -> float:
    """px, the smallest distance between neighbouring corners (M, 2)."""
    lengths = np.linalg.norm(np.diff(xy[board.edges], axis=1)[:, 0], axis=-1)
    return float(np.nanmin(lengths))


def blur(grey: Bytes, xy: Floats, board: Board) -> float:
    """px, the standard deviation of what smears the squares' edges, in the worse of the board's two directions.

    From the steepest slope of each edge's profile: contrast / (sqrt(2 pi) slope) for a Gaussian.
    """
    ends = xy[board.edges]
    along = ends[:, 1] - ends[:, 0]
    across = np.stack([-along[:, 1], along[:, 0]], -1) * _reach(board)
    profile = sample(grey, ends.mean(1)[:, None] + _PROFILE[:, None] * across[:, None])
    step = np.linalg.norm(across, axis=-1) * (_PROFILE[1] - _PROFILE[0])
    slope = np.abs(np.diff(profile, axis=1)).max(1) / step
    sigma = np.abs(profile[:, -1] - profile[:, 0]) / (np.sqrt(2 * np.pi) * np.maximum(slope, 1e-6))
    n_rows = board.corners[1] * (board.corners[0] - 1)
    families = [s[np.isfinite(s)] for s in (sigma[:n_rows], sigma[n_rows:])]
    return max((float(np.median(s)) for s in families if len(s)), default=np.nan)


def goes_on(grey: Bytes, xy: Floats, board: Board) -> bool:
    """Whether the chessboard has more squares than described: a row of corners beyond one of its sides."""
    if board.marker is not None:
        return False
    grid = xy.reshape(*board.corners[::-1], 2)
    turned = (grid, grid[::-1], grid.swapaxes(0, 1), grid.swapaxes(0, 1)[::-1])
    return any(_continues(grey, rows) for rows in turned)


def _continues(grey: Bytes, grid: Floats) -> bool:
    """Whether light and dark meet crosswise one row before the first (rows, columns, 2) px.

    On the edge of a board three of four squares are paper, which makes half of the contrast.
    """
    beyond = 3 * grid[0] - 3 * grid[1] + grid[2]
    down, right = 0.3 * (grid[0] - beyond), 0.3 * np.gradient(beyond, axis=0)
    corners = np.stack([-down - right, -down + right, down + right, down - right])
    level = sample(grey, beyond + corners)
    cross = np.abs(level[0] - level[1] + level[2] - level[3]) / 2
    inner = np.abs(np.ptp(level, axis=0))
    strong = cross > 0.75 * np.maximum(inner, 30)
    known = np.isfinite(cross)
    return bool(known.mean() > 0.6 and strong[known].mean() > 0.6)


def variants(board: Board) -> list[Board]:
    """The board as described, then as it may have been printed: inverted, a ChArUco board in the other layout."""
    found = [board, replace(board, inverted=not board.inverted)]
    if board.marker is not None and board.squares[1] % 2 == 0:
        found += [replace(other, legacy=not board.legacy) for other in found]
    return found


def _reach(board: Board) -> float:
    """How far around a corner there is nothing but the two edges, in squares, up to WINDOW."""
    if board.marker is None:
        return WINDOW
    return min(WINDOW, 0.9 * (1 - board.marker / board.square) / 2)


def _chessboard(grey: Bytes, board: Board, quick: bool) -> Floats | None:
    """Corners (M, 2) px to about a pixel: the quick search first, then the one that also finds small boards (Duda and
    Frese 2018)."""
    small, scale = shrunk(grey, _GLANCED)
    found, xy = cv2.findChessboardCorners(small, board.corners, flags=_CLASSIC | cv2.CALIB_CB_FAST_CHECK)
    if not found and not quick:
        small, scale = shrunk(grey, _SEARCHED)
        found, xy = cv2.findChessboardCornersSB(small, board.corners)
    return (np.asarray(xy, float).reshape(-1, 2) + 0.5) / scale - 0.5 if found else None


def shrunk(grey: Bytes, longest: int) -> tuple[Bytes, float]:
    """The picture with its longer side at most so many px, and by how much it was scaled."""
    scale = min(1.0, longest / max(grey.shape))
    if scale == 1:
        return grey, scale
    return np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8), scale


def _charuco(grey: Bytes, board: Board) -> Floats | None:
    """Corners as OpenCV refines them, whose windows keep clear of the markers; in a picture made twice as large, which
    finds smaller markers and halves the corners' error."""
    scale = 2 if max(grey.shape) <= _SEARCHED else 1
    large = grey
    if scale > 1:
        large = np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8)
    seen, ids, _, _ = cv2.aruco.CharucoDetector(charuco(board)).detectBoard(large)
    if ids is None or len(ids) < LEAST_CORNERS:
        return None
    index = np.asarray(ids).ravel()
    if min(len(np.unique(index % board.corners[0])), len(np.unique(index // board.corners[0]))) < 2:
        return None
    xy = np.full((len(board.points), 2), np.nan)
    xy[index] = np.asarray(seen, float).reshape(-1, 2)
    if not np.isfinite(xy[board.edges]).all((1, 2)).any():
        return None
    return (xy + _common_shift(large, xy[index], spacing(xy, board), board) + 0.5) / scale - 0.5


def _common_shift(grey: Bytes, xy: Floats, side: float, board: Board) -> Floats:
    """(2,) px by which a refinement that keeps clear of the markers moves most of the corners (N, 2).

    OpenCV 4.10 puts all of them half a pixel off, OpenCV 5 does not; the corners' own errors are smaller as they are.
    """
    gap = (1 - float(board.marker or 0) / board.square) / 2
    half = max(2, round(gap * side))
    start = np.ascontiguousarray(xy[:, None], np.float32)
    moved = np.asarray(cv2.cornerSubPix(grey, start.copy(), (half, half), (-1, -1), _STEPS), float) - start
    return np.asarray(np.median(moved.reshape(-1, 2), axis=0))
