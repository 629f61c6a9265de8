"""Which places, distances and tilts of the board the views cover, what to film next, and which views to take of many.

Position, size and skew are those of ROS's camera_calibration (wiki.ros.org/camera_calibration), whose targets are
X 0.8, Y 0.8, size 0.4, skew 0.375.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from stereo3d.calibration.board import Board
from stereo3d.calibration.views import LeftOut, Views
from stereo3d.values import Floats, Ints, Value

TARGETS = {"x": 0.8, "y": 0.8, "size": 0.4, "skew": 0.375}
CELLS = (8, 6)
MOST_VIEWS = 40
_ALIKE = 0.04


@dataclass(frozen=True, slots=True, eq=False)
class Coverage(Value):
    """What V views cover."""

    measures: Floats
    """(V, 4) x and y of the board's middle 0..1, size 0..1, skew 0..1, of both eyes together."""
    cells: Ints
    """(2, rows, columns) corners in each part of the left and the right picture."""

    @property
    def reached(self) -> dict[str, float]:
        """How far the views reach: range of x and of y, largest size, largest skew."""
        if not len(self.measures):
            return dict.fromkeys(TARGETS, 0.0)
        low, high = self.measures.min(0), self.measures.max(0)
        return dict(zip(TARGETS, [*(high - low)[:2].tolist(), *high[2:].tolist()], strict=True))

    @property
    def filled(self) -> float:
        """The share of the parts of both pictures in which there is a corner."""
        return float((self.cells > 0).mean())

    @property
    def hints(self) -> tuple[str, ...]:
        """What to film next, most wanted first; empty where all targets are reached."""
        reached = self.reached
        wanted = sorted((reached[k] / TARGETS[k], k) for k in TARGETS if reached[k] < TARGETS[k])
        return tuple(self._hint(name) for _, name in wanted)

    def _hint(self, name: str) -> str:
        if name == "size":
            return "hold the board nearer, until it fills most of the picture"
        if name == "skew":
            return "tilt the board more, by 20 to 45 degrees, to each side in turn"
        low, high = ("left", "right") if name == "x" else ("top", "bottom")
        mean = float(self.measures[:, 0 if name == "x" else 1].mean()) if len(self.measures) else 0.5
        return f"hold the board nearer to the {high if mean < 0.5 else low} edge of the picture"


def coverage(xy: Floats, size: tuple[int, int], board: Board) -> Coverage:
    """What corners (V, 2, M, 2) px in pictures of (width, height) px cover."""
    points = xy[np.isfinite(xy).all(-1)] if xy.size else xy.reshape(-1, 2)
    eye = np.nonzero(np.isfinite(xy).all(-1))[1] if xy.size else np.zeros(0, np.int64)
    column, row = np.clip((points / size * CELLS).astype(int), 0, np.array(CELLS) - 1).T
    cells = np.zeros((2, CELLS[1], CELLS[0]), np.int64)
    np.add.at(cells, (eye, row, column), 1)
    measures = [np.mean([_measures(outline(eye_xy, board), size) for eye_xy in view], axis=0) for view in xy]
    return Coverage(np.reshape(measures, (-1, 4)), cells)


def outline(xy: Floats, board: Board) -> Floats:
    """(4, 2) px of the four outermost inner corners, clockwise from the first, even if some of (M, 2) are not seen."""
    seen = np.isfinite(xy).all(-1)
    outer = board.points[[0, board.corners[0] - 1, -1, -board.corners[0]], :2]
    matrix, _ = cv2.findHomography(board.points[seen, :2], xy[seen])
    return np.asarray(cv2.perspectiveTransform(outer[:, None], matrix)[:, 0])


def diverse(views: Views, most: int = MOST_VIEWS) -> Views:
    """The views that differ most from one another, at most so many; those much like another are left out.

    Two views of one place share their errors, so that they would make a calibration look surer than it is.
    """
    if len(views) < 2:
        return views
    known = _features(views)
    taken = [int(np.argmax(np.linalg.norm(known - known.mean(0), axis=1)))]
    away = np.linalg.norm(known - known[taken[0]], axis=1)
    while len(taken) < most and away.max() > _ALIKE:
        taken.append(int(np.argmax(away)))
        away = np.minimum(away, np.linalg.norm(known - known[taken[-1]], axis=1))
    keep = np.isin(np.arange(len(views)), taken)
    reasons = [LeftOut(int(f), "much like other views", harmless=True) for f in views.frame[~keep]]
    return views.only(keep, *reasons)


def _features(views: Views) -> Floats:
    """(V, 6) x, y, size, and how opposite sides of the board differ in length across and down, and its turn."""
    rows = []
    for view in views.xy:
        quads = [outline(eye, views.board) for eye in view]
        sides = np.mean([np.linalg.norm(np.roll(q, -1, 0) - q, axis=1) for q in quads], axis=0)
        across = np.mean([q[1] - q[0] for q in quads], axis=0)
        x, y, size, _ = np.mean([_measures(q, views.size) for q in quads], axis=0)
        tilt = np.log(sides[1] / sides[3]), np.log(sides[2] / sides[0])
        rows.append([x, y, size, *tilt, 0.2 * np.arctan2(across[1], across[0]) / np.pi])
    return np.array(rows)


def _measures(quad: Floats, size: tuple[int, int]) -> Floats:
    x, y = quad.T
    area = abs(float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum())) / 2
    border = np.sqrt(area)
    free = np.maximum(np.array(size) - border, 1.0)
    place = np.clip((quad.mean(0) - border / 2) / free, 0, 1)
    a, b = quad[0] - quad[1], quad[2] - quad[1]
    angle = np.arccos(np.clip(a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-9), -1, 1))
    skew = min(1.0, 2 * abs(np.pi / 2 - angle))
    return np.array([*place, np.sqrt(area / (size[0] * size[1])), skew])
