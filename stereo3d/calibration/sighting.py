"""Looking for the board in pairs of pictures, several at a time, and leaving out what would spoil a calibration."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import cv2
import numpy as np

from stereo3d.calibration.board import Board
from stereo3d.calibration.corners import blur, find_corners, goes_on, variants
from stereo3d.calibration.instead import seen_instead
from stereo3d.calibration.order import aligned, on_dark
from stereo3d.calibration.views import LeftOut, Views
from stereo3d.errors import CalibrationError
from stereo3d.stereo import SIDES, Stereo
from stereo3d.values import Bytes, Floats

MOST_BLUR = 2.0
"""Times the sharper views' blur, beyond which a view is left out."""
LEAST_BLUR = 1.5
"""px, up to which no view is."""
MOST_MOTION = 1.0
"""px from one frame of a film to the next."""
_FEW = 6
"""Views, below which it is asked whether the pictures show another board."""
_HINTS = 8
"""Pictures without a board that are kept to say what they show instead."""
_Pair = tuple[int, Stereo[Bytes]]


@dataclass(frozen=True, slots=True)
class Sight:
    """What was found in one pair."""

    frame: int
    xy: Floats | None
    """(2, M, 2) px, None where it is left out."""
    blur: tuple[float, float]
    reason: LeftOut | None = None


@dataclass(frozen=True, slots=True)
class _Job:
    """A pair to look at."""

    frame: int
    images: Stereo[Bytes]
    before: Bytes | None
    """The left picture of the frame before, where it is known."""


OnSight = Callable[[Sight], None]


def find_views(
    pairs: Iterable[_Pair], board: Board, *, film: int = 0, on_sight: OnSight = lambda _: None
) -> Views:
    """The views of the board in pairs (index, RGB pictures (H, W, 3)), all of one size.

    `film`: the pairs follow one another in time: of each so many, only the stillest is looked at. A board that is
    printed inverted, or in ChArUco's other layout, is recognised, and `board` of the result says so. `on_sight` is told
    of every pair looked at, in order. Raises CalibrationError where no pair shows the board in both pictures.
    """
    finder = _Finder(board)
    sights = _all_sights(finder, pairs, film, on_sight)
    good = [s for s in sights if s.xy is not None]
    left_out = [s.reason for s in sights if s.reason]
    other = seen_instead(finder.without, board) if len(good) < _FEW else ""
    if not good or other or finder.size is None:
        raise CalibrationError(_too_little(board, len(good), len(sights), left_out, other))
    frame, smear = np.array([s.frame for s in good]), np.array([s.blur for s in good])
    xy = np.stack([s.xy for s in good if s.xy is not None])
    return _sharp_ones(Views(finder.boards[0], finder.size, frame, xy, smear, len(sights), tuple(left_out)))


def _all_sights(finder: _Finder, pairs: Iterable[_Pair], film: int, on_sight: OnSight) -> list[Sight]:
    chosen = stillest(pairs, film) if film else ((i, p, None) for i, p in pairs)
    sights = []
    for sight in _in_parallel(finder, chosen):
        on_sight(sight)
        sights.append(sight)
    return sights


def stillest(pairs: Iterable[_Pair], window: int) -> Iterator[tuple[int, Stereo[Bytes], Bytes | None]]:
    """Of each so many pairs the one that differs least from the one before, and that one's left picture."""
    best: tuple[float, int, Stereo[Bytes], Bytes | None] | None = None
    before: Bytes | None = None
    small: Floats | None = None
    for n, (index, images) in enumerate(pairs, 1):
        now = cv2.resize(images.left, (160, 90), interpolation=cv2.INTER_AREA).astype(float)
        change = np.inf if small is None else float(np.abs(now - small).mean())
        if best is None or change < best[0]:
            best = change, index, images, before
        before, small = images.left, now
        if n % window == 0:
            yield best[1:]
            best = None
    if best:
        yield best[1:]


class _Finder:
    """Looks for one board, as described or, until it is first seen, as it may have been printed."""

    def __init__(self, board: Board) -> None:
        self.boards = variants(board)
        """What it may be: one once it was seen."""
        self.size: tuple[int, int] | None = None
        self.without: list[Bytes] = []

    def look(self, job: _Job) -> tuple[Sight, Board | None]:
        """What there is in one pair, and, where several boards were tried, the one seen."""
        boards, greys = self.boards, job.images.map(_grey)
        several = len(boards) > 1
        for quick, board in [*((True, b) for b in boards if several), *((False, b) for b in boards)]:
            xy = Stereo(*(find_corners(grey, board, quick=quick) for grey in greys))
            if xy.left is not None or xy.right is not None:
                break
        seen = [board if quick else _as_printed(g, p, board) for g, p in zip(greys, xy, strict=True) if p is not None]
        return _sight(job, greys, xy, board), seen[0] if seen and several else None

    def settled(self, job: _Job, sight: Sight, seen: Board | None) -> Sight:
        """The sight, looked at anew where it came before it was known how the board is printed.

        To be called in the order of the pairs, so that nothing depends on which is done first.
        """
        if seen is not None:
            self.boards = [seen] if len(self.boards) > 1 else self.boards
            sight, _ = self.look(job)
        if sight.xy is None and len(self.without) < _HINTS:
            self.without.extend(job.images.map(_grey))
        return sight


def _as_printed(grey: Bytes, xy: Floats, board: Board) -> Board:
    """The board by the paper around it: the slow search finds a chessboard of either kind."""
    dark = None if board.marker is not None else on_dark(grey, xy, board)
    return board if dark is None else replace(board, inverted=dark)


def _sight(job: _Job, greys: Stereo[Bytes], xy: Stereo[Floats | None], board: Board) -> Sight:
    why = _why_not(job, greys, xy, board)
    if why or xy.left is None or xy.right is None:
        return Sight(job.frame, None, (np.nan, np.nan), why)
    both = np.stack([xy.left, aligned(xy.right, xy.left, board)])
    smear = tuple(blur(grey, points, board) for grey, points in zip(greys, both, strict=True))
    return Sight(job.frame, both, (smear[0], smear[1]))


def _why_not(job: _Job, greys: Stereo[Bytes], xy: Stereo[Floats | None], board: Board) -> LeftOut | None:
    if xy.left is None and xy.right is None:
        return LeftOut(job.frame, "no board is found", harmless=True)
    for side in SIDES:
        points = xy[side]
        if points is None:
            return LeftOut(job.frame, "the board is not found", side, harmless=True)
        if goes_on(greys[side], points, board):
            return LeftOut(job.frame, "the board goes on beyond the squares described", side)
    if job.before is not None and xy.left is not None:
        moved = _motion(greys.left, job.before, xy.left)
        if moved > MOST_MOTION:
            return LeftOut(job.frame, f"the board moves ({moved:.1f} px a frame, limit {MOST_MOTION:g})", harmless=True)
    return None


def _motion(grey: Bytes, before: Bytes, xy: Floats) -> float:
    """px by which the corners moved since the frame before, infinite where they cannot be followed."""
    seen = np.ascontiguousarray(xy[np.isfinite(xy).all(-1)][:, None], np.float32)
    earlier, found, _ = cv2.calcOpticalFlowPyrLK(grey, _grey(before), seen, np.empty_like(seen))
    followed = np.asarray(found).ravel() == 1
    if followed.mean() < 0.5:
        return np.inf
    return float(np.median(np.linalg.norm((np.asarray(earlier) - seen)[followed], axis=-1)))


def _grey(image: Bytes) -> Bytes:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def _in_parallel(
    finder: _Finder, pairs: Iterable[tuple[int, Stereo[Bytes], Bytes | None]]
) -> Iterator[Sight]:
    """Sights in order; the next pairs are read while earlier ones are looked at."""
    threads = min(8, os.cpu_count() or 1)
    ahead: deque[tuple[_Job, Future[tuple[Sight, Board | None]]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for pair in pairs:
            job = _Job(*pair)
            _check_size(finder, job.frame, job.images)
            ahead.append((job, pool.submit(finder.look, job)))
            if len(ahead) > 2 * threads:
                yield _next(finder, ahead)
        while ahead:
            yield _next(finder, ahead)


def _next(finder: _Finder, ahead: deque[tuple[_Job, Future[tuple[Sight, Board | None]]]]) -> Sight:
    job, future = ahead.popleft()
    return finder.settled(job, *future.result())


def _check_size(finder: _Finder, index: int, images: Stereo[Bytes]) -> None:
    for side in SIDES:
        height, width = images[side].shape[:2]
        finder.size = finder.size or (width, height)
        if (width, height) != finder.size:
            raise CalibrationError(
                f"pair {index}: expected pictures of {finder.size[0]}x{finder.size[1]} px as before, got a {side} one "
                f"of {width}x{height}; a calibration is for one size: sort the others out"
            )


def _sharp_ones(views: Views) -> Views:
    worst = np.nanmax(np.nan_to_num(views.blur, nan=0.0), axis=1)
    limit = max(LEAST_BLUR, MOST_BLUR * float(np.quantile(worst, 0.25)))
    reasons = []
    for v in np.flatnonzero(worst > limit).tolist():
        side = SIDES[int(np.argmax(np.nan_to_num(views.blur[v])))]
        reasons.append(LeftOut(int(views.frame[v]), f"blurred ({worst[v]:.1f} px, limit {limit:.1f})", side))
    return views.only(worst <= limit, *reasons)


def _too_little(board: Board, found: int, looked_at: int, left_out: list[LeftOut], other: str) -> str:
    if not looked_at:
        return "there are no pairs of pictures; give a recording of the board"
    across, down = board.corners
    common = Counter((o.side, o.reason) for o in left_out).most_common(2)
    told = "; ".join(f"{n} times {(side + ' picture: ') if side else ''}{reason}" for (side, reason), n in common)
    return (
        f"{found or 'none'} of {looked_at} pairs shows a {board.name} ({across} x {down} inner corners) in both "
        f"pictures ({told}){other}"
        f": check that the board file describes this board, that all of it with a white margin is in "
        "both pictures, and that it is lit and sharp"
    )
