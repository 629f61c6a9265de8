"""What was seen of a board: its corners in pairs of pictures, and what was left out and why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stereo3d.calibration.board import Board
from stereo3d.stereo import Side
from stereo3d.values import Bools, Floats, Ints, Value, array


@dataclass(frozen=True, slots=True, eq=False)
class LeftOut(Value):
    """A pair of pictures, or one corner in one of them, that is not used."""

    frame: int
    """Index into the recording, from 0."""
    reason: str
    side: Side | None = None
    """The picture that is to blame, where it is one of them."""
    corner: int | None = None
    """Index of the corner; None where the whole pair is left out."""

    harmless: bool = False
    """Whether nothing is wrong with it: no board in the picture, one on its way in a film, a view much like another."""

    def __str__(self) -> str:
        corner = f" corner {self.corner}" if self.corner is not None else ""
        side = f" {self.side}" if self.side else ""
        return f"pair {self.frame}{side}{corner}: {self.reason}"


@dataclass(frozen=True, slots=True, eq=False)
class Views(Value):
    """V pairs of pictures that both show the board, which has M corners."""

    board: Board
    size: tuple[int, int]
    """(width, height) px of one picture."""
    frame: Ints
    """(V,) index into the recording."""
    xy: Floats
    """(V, 2, M, 2) px of the corners in the left and the right picture, NaN where not seen."""
    blur: Floats
    """(V, 2) px, the standard deviation of what smears the edges; NaN where unknown."""
    looked_at: int
    """Pairs in which the board was looked for."""
    left_out: tuple[LeftOut, ...] = ()

    def __post_init__(self) -> None:
        n, m = len(self.frame), len(self.board.points)
        self._set(
            frame=array("frame", self.frame, (n,), np.int64),
            xy=array("xy", self.xy, (n, 2, m, 2)),
            blur=array("blur", self.blur, (n, 2)),
        )

    def __len__(self) -> int:
        return len(self.frame)

    def only(self, keep: Bools | Ints, *reasons: LeftOut) -> Views:
        """The same of some views, with what is to be said of the others."""
        return Views(
            self.board, self.size, self.frame[keep], self.xy[keep], self.blur[keep], self.looked_at,
            (*self.left_out, *reasons),
        )
