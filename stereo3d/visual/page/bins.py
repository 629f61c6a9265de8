"""A long timeline in a few hundred steps, each with the mean and the spread of what it holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stereo3d.values import Floats, Ints, Value

MOST = 600
"""Steps of a chart: about one for each pixel."""


@dataclass(frozen=True, slots=True, eq=False)
class Bins(Value):
    """T moments in order, cut into B bins of equal duration of which each holds some."""

    first: Ints
    """(B,) the first moment of each."""
    middle: Floats
    """(B,) 0..1 of the timeline."""
    width: float
    """0..1 of the timeline."""
    count: Ints
    """(B,) moments."""

    def means(self, x: Floats) -> Floats:
        """(B, ...) means of the known numbers of x (T, ...), NaN where there is none."""
        known = np.isfinite(x)
        total, n = self.sums(np.where(known, x, 0.0)), self.sums(known.astype(float))
        return np.asarray(np.divide(total, n, out=np.full(total.shape, np.nan), where=n > 0))

    def deviations(self, x: Floats) -> Floats:
        """(B, ...) standard deviations of the known numbers of x (T, ...), NaN where there is none."""
        middle = np.nan_to_num(self.means(x)).repeat(self.count, axis=0)
        return np.sqrt(self.means((x - middle) ** 2))

    def sums(self, x: Floats) -> Floats:
        """(B, ...) sums of x (T, ...)."""
        return np.asarray(np.add.reduceat(x, self.first, axis=0) if len(self.first) else x[:0])


def bins(time: Floats, most: int = MOST) -> Bins:
    """The bins of times in rising order, as many as there are moments but at most `most`."""
    n = min(len(time), most)
    if not n:
        return Bins(np.zeros(0, np.int64), np.zeros(0), 1.0, np.zeros(0, np.int64))
    span = float(time[-1] - time[0])
    where = np.minimum(((time - time[0]) / span * n).astype(np.int64), n - 1) if span > 0 else np.zeros(len(time), int)
    index, first, count = np.unique(where, return_index=True, return_counts=True)
    return Bins(first, (index + 0.5) / n, 1 / n, count) if span > 0 else Bins(first, np.array([0.5]), 1.0, count)
