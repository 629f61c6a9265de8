"""The tally as a picture: each method's mean error by noise, with its interval by infant. Needs matplotlib."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from stereo3d.atomic import write_figure
from stereo3d.benchmark.tally import Row, Tally

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = ("#9a9a9a", "#e69f00", "#0072b2", "#009e73", "#d55e00")
"""Colours that a colour-blind reader can tell apart (Okabe and Ito)."""
_STEP = 0.16


def by_noise(tally: Tally) -> Figure:
    """13 joints of usual recordings, all of them, in cm; a bar is the 95 % interval by infant."""
    from matplotlib.figure import Figure

    rows = [row for row in tally.sums if (row.condition, row.joints, row.seen) == ("usual", "13", "all")]
    noises, methods = (list(dict.fromkeys(getattr(row, name) for row in rows)) for name in ("noise", "method"))
    figure = Figure(figsize=(7.0, 0.62 * len(noises) + 1.2), layout="constrained", dpi=150)
    axes = figure.add_subplot()
    for i, (method, colour) in enumerate(zip(methods, _COLOURS)):
        found = [tally.figures(Row("usual", noise, "13", "all", method)).mean for noise in noises]
        at = [n + (i - (len(methods) - 1) / 2) * _STEP for n in range(len(noises))]
        mean, low, high = ([100 * getattr(x, name) for x in found] for name in ("value", "low", "high"))
        axes.hlines(at, low, high, color=colour, linewidth=2, alpha=0.5)
        axes.plot(mean, at, "o", color=colour, markersize=5, label=method)
    axes.set_yticks(range(len(noises)), noises)
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.set_xlabel("mean 3D error, cm (synthetic)")
    axes.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside upper center", ncols=len(methods), frameon=False)
    return figure


def draw(tally: Tally, path: str | os.PathLike[str]) -> Path:
    """The path of a picture (.png, .pdf or .svg) of `by_noise`. Raises UsageError for another ending."""
    return write_figure(by_noise(tally), path)
