"""What board the pictures show where the one described is not found, as a part of a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import cv2
import numpy as np

from stereo3d.calibration.board import Board
from stereo3d.calibration.corners import shrunk
from stereo3d.values import Bytes, Ints

_ENOUGH = 4
"""Markers in a picture, from which it is no chance."""
_SEARCHED_FOR_MARKERS = 3
"""Pictures."""
_SEARCHED = 640
"""px, the longer side of the picture in which another chessboard is looked for."""
_LARGEST = (
    "DICT_4X4_1000", "DICT_5X5_1000", "DICT_6X6_1000", "DICT_7X7_1000", "DICT_ARUCO_ORIGINAL",
    "DICT_APRILTAG_16h5", "DICT_APRILTAG_25h9", "DICT_APRILTAG_36h10", "DICT_APRILTAG_36h11",
)
"""The largest of each family, whose first markers are those of the smaller ones."""


def seen_instead(greys: Sequence[Bytes], board: Board) -> str:
    """What board grey pictures (H, W) seem to show, as a part of a sentence; empty where unknown or as described."""
    dictionary, ids = _markers(greys)
    if dictionary:
        return _told(board, dictionary, ids)
    sizes = Counter(inner_corners(grey) for grey in greys)
    sizes.pop(None, None)
    look, n = (sizes.most_common(1) or [(None, 0)])[0]
    described = (max(board.corners), min(board.corners)) if board.marker is None else None
    if look is None or n < 2 or look == described:
        return ""
    kind = "" if board.marker is None else " of a plain chessboard"
    return f"; {n} of the pictures look like {look[0]} x {look[1]} inner corners{kind}"


def inner_corners(grey: Bytes) -> tuple[int, int] | None:
    """How many, more first, whatever chessboard there is in the picture has; None where none is seen."""
    small, _ = shrunk(grey, _SEARCHED)
    found, _, meta = cv2.findChessboardCornersSBWithMeta(small, (3, 3), cv2.CALIB_CB_LARGER)
    return (max(meta.shape), min(meta.shape)) if found else None


def _markers(greys: Sequence[Bytes]) -> tuple[str, Ints]:
    """The dictionary whose markers the picture with the most of them shows, and their numbers; "" without any."""
    best = "", np.zeros(0, np.int64)
    either = cv2.aruco.DetectorParameters()
    either.detectInvertedMarker = True
    either.adaptiveThreshWinSizeMin = either.adaptiveThreshWinSizeMax = 13  # once instead of thrice: some are enough
    for name in _LARGEST:
        finder = cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, name)), either)
        for grey in greys[:_SEARCHED_FOR_MARKERS]:
            ids = finder.detectMarkers(grey)[1]
            if ids is not None and len(ids) >= max(_ENOUGH, len(best[1]) + 1):
                best = name, np.sort(np.asarray(ids, np.int64).ravel())
    return best


def _told(board: Board, dictionary: str, ids: Ints) -> str:
    family = dictionary.removesuffix("_1000")
    if family != dictionary:
        dictionary = next(f"{family}_{n}" for n in (50, 100, 250, 1000) if ids[-1] < n)
    if board.marker is None:
        return f"; the pictures show a ChArUco board with markers of {dictionary}: describe it as one"
    if not str(board.dictionary).startswith(family):
        return f"; the pictures show markers of {dictionary}, the board file says {board.dictionary}"
    needed = board.squares[0] * board.squares[1] // 2
    if ids[-1] < needed:
        return f"; the pictures show its markers {ids[0]} to {ids[-1]} in another layout: check squares"
    return f"; the pictures show markers up to {ids[-1]}, a board of these squares has {needed}: check squares"
