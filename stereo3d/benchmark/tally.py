"""Errors added up by infant, so that runs can be made in parts and figures drawn anew with their intervals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from stereo3d.benchmark.movement import Movement, summed_up
from stereo3d.errors import InputError
from stereo3d.evaluation.bootstrap import Interval, interval_of_sums, ratio
from stereo3d.values import Bools, Floats

THRESHOLDS = (0.01, 0.025, 0.05, 0.10)
"""m, of 3DPCK."""
_COLUMNS = ("joints", "given", "error", "1", "2.5", "5", "10", "numbers", "one sigma", "two sigma")


class Row(NamedTuple):
    """What one row of the table is about."""

    condition: str
    noise: str
    joints: str
    seen: str
    method: str


class Figures(NamedTuple):
    """One row's figures: m and shares, each with its interval by infant."""

    mean: Interval
    """Of the joints that have a place."""
    pck: tuple[float, float, float, float]
    """Of all joints: one without a place counts as wrong."""
    given: float
    one_sigma: float
    """Share of x, y and z within one standard deviation of the truth; 68.3 % if that is true."""
    two_sigma: float
    """Within 1.96 of them; 95 %."""


class Bars(NamedTuple):
    """How well error bars hold: shares, each with its interval by infant."""

    joints: int
    one_sigma: Interval
    two_sigma: Interval


@dataclass
class Tally:
    """Sums for each row and infant."""

    sums: dict[Row, dict[str, Floats]] = field(default_factory=lambda: defaultdict(dict))
    moves: dict[Row, dict[str, Floats]] = field(default_factory=lambda: defaultdict(dict))
    """Of each row and infant (N, 2), as `movement.tracks` tells them."""

    def add(self, row: Row, infant: str, *, off: Floats, sigma: Floats, counted: Bools) -> None:
        """Counts joints (N, K) that are `counted`: `off` (N, K, 3) m from the truth, their `sigma` (N, K, 3) m."""
        off, sigma = off[counted], sigma[counted]
        error = np.linalg.norm(off, axis=-1)
        given = np.isfinite(error)
        sure = given & np.isfinite(sigma).all(-1)
        size = np.abs(off[sure]) / np.maximum(sigma[sure], 1e-12)
        hits = [float((error <= t).sum()) for t in THRESHOLDS]
        inside = [float((size < n).sum()) for n in (1.0, 1.96)]
        new = np.array([len(error), given.sum(), error[given].sum(), *hits, size.size, *inside], float)
        here = self.sums[row]
        here[infant] = here.get(infant, 0.0) + new

    def move(self, row: Row, infant: str, found: Floats) -> None:
        """Adds tracks (N, 2), as `movement.tracks` tells them."""
        here = self.moves[row]
        here[infant] = np.concatenate([here.get(infant, np.zeros((0, 2))), found])

    def figures(self, row: Row) -> Figures:
        """Raises KeyError for a row without infants."""
        each = np.stack(list(self.sums[row].values()))
        total = dict(zip(_COLUMNS, each.sum(0).tolist()))
        mean = interval_of_sums(each[:, [2, 1]], ratio)
        pck = tuple(_share(total[name], total["joints"]) for name in _COLUMNS[3:7])
        inside = (_share(total[name], total["numbers"]) for name in _COLUMNS[8:])
        return Figures(mean, pck, _share(total["given"], total["joints"]), *inside)  # type: ignore[arg-type]

    def bars(self, rows: Iterable[Row]) -> Bars:
        """How well the error bars of several rows hold together."""
        by_infant: dict[str, Floats] = {}
        for row in rows:
            for infant, of in self.sums.get(row, {}).items():
                by_infant[infant] = by_infant.get(infant, np.zeros(len(_COLUMNS))) + of
        each = np.stack([*by_infant.values()]) if by_infant else np.zeros((1, len(_COLUMNS)))
        one, two = (interval_of_sums(each[:, [i, 7]], ratio) for i in (8, 9))
        return Bars(round(float(each[:, 1].sum())), one, two)

    def movement(self, row: Row) -> Movement:
        """The row's tracks beside the truth's."""
        return summed_up(np.concatenate([np.zeros((0, 2)), *(of.reshape(-1, 2) for of in self.moves[row].values())]))

    def versus(self, row: Row, plain: str) -> Interval:
        """The row's mean error over that of another method in the same cell, with its interval by infant."""
        mine, other = self.sums[row], self.sums[row._replace(method=plain)]
        both = np.stack([np.concatenate([mine[i][[2, 1]], other[i][[2, 1]]]) for i in mine])
        return interval_of_sums(both, lambda s: s[..., 0] / s[..., 1] / (s[..., 2] / s[..., 3]))

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        rows, moves = (
            [{**row._asdict(), "infants": {k: v.tolist() for k, v in of.items()}} for row, of in held.items()]
            for held in (self.sums, self.moves)
        )
        return {"columns": list(_COLUMNS), "rows": rows, "moves": moves}

    @classmethod
    def merged(cls, parts: Iterable[dict[str, Any]]) -> Tally:
        """All parts in one; an infant that is in several counts once. Raises InputError for something else."""
        out = cls()
        for part in parts:
            if not isinstance(part, dict) or part.get("columns") != list(_COLUMNS):
                raise InputError("part: expected what `stereo3d benchmark refinement -o` writes; make it anew")
            for held, rows in ((out.sums, part["rows"]), (out.moves, part.get("moves", []))):
                for of in rows:
                    row = Row(*(of[name] for name in Row._fields))
                    held[row].update({k: np.array(v, float) for k, v in of["infants"].items()})
        return out


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
