"""Several pictures as one: n x m tiles that a network for many people looks at together.

The NICU paper (HRNet + DEKR) shows its network four cribs in a 2 x 2 grid, at the cost of one picture. A tile is a
share of the network's input, so each infant is seen the smaller the more there are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from stereo3d.detectors.bottomup import BottomUp, first_of_each
from stereo3d.detectors.crops import CropRule
from stereo3d.detectors.people import SEEN, People, infant_first
from stereo3d.errors import InvalidValue, UsageError
from stereo3d.poses import Detections
from stereo3d.skeleton import Skeleton
from stereo3d.values import Bools, Bytes, Ints

STEP = 32
"""px of which a tile's sides are multiples, so that the whole is what a network takes."""


class Grid:
    """A network that finds everyone, looking at rows x columns pictures at a time; a detector of each one's infant."""

    def __init__(self, detector: BottomUp, rows: int, columns: int) -> None:
        """Raises UsageError for fewer than one row or column, or for tiles of less than 64 px."""
        w, h = detector.crop.size
        size = w // max(columns, 1) // STEP * STEP, h // max(rows, 1) // STEP * STEP
        if min(rows, columns) < 1 or min(size) < 2 * STEP:
            raise UsageError(
                f"grid: expected ROWSxCOLUMNS of tiles of {2 * STEP} px or more within {w}x{h}, got {rows}x{columns}"
            )
        self.skeleton: Skeleton = detector.skeleton
        self.runtime = detector.runtime
        self.crop = CropRule(size, detector.crop.padding, detector.crop.convention)
        self._detector, self._shape = detector, (rows, columns)

    @property
    def tune(self) -> Callable[[Bytes], Grid] | None:
        """As the detector's own, from pictures of `crop.size`."""
        tune = self._detector.tune
        return None if tune is None else lambda images: Grid(tune(laid(images, *self._shape)), *self._shape)

    @property
    def glance(self) -> Grid:
        """The same without the mirrored picture."""
        return Grid(self._detector.glance, *self._shape)

    def __call__(self, images: Bytes) -> Detections:
        """The infant's joints in px of each of N pictures (N, h, w, 3), RGB, of `crop.size`. Raises InvalidValue."""
        return first_of_each(self.people(images), len(self.skeleton))

    def people(self, images: Bytes) -> list[People]:
        """Everyone in each of N pictures (N, h, w, 3), RGB, of `crop.size`, the infant first, in its own px."""
        w, h = self.crop.size
        if images.ndim != 4 or images.shape[1:] != (h, w, 3) or images.dtype != np.uint8:
            raise InvalidValue(f"images: expected (N, {h}, {w}, 3) uint8, got {images.shape} {images.dtype}")
        found = [part for whole in self._detector.people(laid(images, *self._shape)) for part in self._apart(whole)]
        return found[:len(images)]

    def _apart(self, whole: People) -> list[People]:
        rows, columns = self._shape
        return apart(whole, rows, columns, self.crop.size)


def laid(images: Bytes, rows: int, columns: int) -> Bytes:
    """(M, rows h, columns w, 3) the pictures (N, h, w, 3) as tiles, row by row; black where there are no more."""
    n, h, w, channels = images.shape
    per = rows * columns
    whole = np.zeros((-(-n // per) * per, h, w, channels), np.uint8)
    whole[:n] = images
    tiles = whole.reshape(-1, rows, columns, h, w, channels)
    return np.ascontiguousarray(tiles.transpose(0, 1, 3, 2, 4, 5).reshape(-1, rows * h, columns * w, channels))


def apart(whole: People, rows: int, columns: int, size: tuple[int, int]) -> list[People]:
    """The people of each tile of (w, h) size px, row by row, in the tile's own px and the infant first.

    People are of the tile in which the middle of their sure joints lies; joints that they would have in another tile
    are unknown there.
    """
    w, h = size
    tile = _tile_of(whole, rows, columns, size)
    out = []
    for number in range(rows * columns):
        row, column = divmod(number, columns)
        own = whole.taken(np.flatnonzero(tile == number))
        xy = own.xy - (column * w, row * h)
        inside: Bools = np.all((xy >= -0.5) & (xy <= (w - 0.5, h - 0.5)), axis=-1)
        seen = People(
            np.where(inside[..., None], xy, np.nan), np.where(inside, own.score, 0), np.where(inside, own.sigma, np.nan)
        )
        out.append(infant_first(seen, size))
    return out


def _tile_of(whole: People, rows: int, columns: int, size: Sequence[int]) -> Ints:
    """(P) the number of each person's tile, -1 for none."""
    known = np.isfinite(whole.xy).all(-1)
    sure = known & (whole.score >= SEEN)
    counted = np.where(sure.any(-1, keepdims=True), sure, known)
    n = counted.sum(-1)
    middle = np.where(counted[..., None], whole.xy, 0).sum(1) / np.maximum(n, 1)[:, None]
    column, row = np.clip((middle + 0.5) // np.array(size), 0, (columns - 1, rows - 1)).astype(np.int64).T
    return np.where(n > 0, row * columns + column, -1)
