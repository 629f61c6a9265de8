"""AGMA's figure 6: the error of each picture, averaged over its joints, as a box for each prediction."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stereo3d.atomic import write_figure
from stereo3d.evaluation import metrics
from stereo3d.evaluation.comparison.compared import Compared
from stereo3d.evaluation.pixels import picture_error
from stereo3d.values import Floats

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WHISKER = 1.5
_STYLE: dict[str, Any] = {
    "boxprops": {"facecolor": "#cfe0f1"},
    "medianprops": {"color": "#b03a2e", "linewidth": 1.5},
    "meanprops": {"marker": "D", "markerfacecolor": "black", "markeredgecolor": "black", "markersize": 4},
}


def box(errors: Floats) -> dict[str, float]:
    """Median, quartiles, mean, and whiskers at the farthest errors within 1.5 interquartile ranges, as matplotlib
    names them; NaN for no errors (Tukey, Exploratory Data Analysis, 1977)."""
    known = errors[np.isfinite(errors)]
    if not known.size:
        return dict.fromkeys(("med", "q1", "q3", "mean", "whislo", "whishi"), np.nan)
    q1, median, q3 = np.quantile(known, [0.25, 0.5, 0.75])
    reach = _WHISKER * (q3 - q1)
    low, high = known[known >= q1 - reach].min(), known[known <= q3 + reach].max()
    numbers = {"med": median, "q1": q1, "q3": q3, "mean": known.mean(), "whislo": min(low, q1), "whishi": max(high, q3)}
    return {name: float(x) for name, x in numbers.items()}


def box_figure(compared: Compared) -> Figure:
    """Boxes in px, or in cm in space, means as diamonds, and the detection rate (DR) under each name."""
    from matplotlib.figure import Figure

    unit, times = ("cm", 100.0) if compared.size is None else ("px", 1.0)
    width = max(1.1, *(0.1 * len(name) for name in compared.names))
    figure = Figure(figsize=(2.0 + width * len(compared.names), 4.0), layout="constrained", dpi=150)
    axes = figure.add_subplot()
    axes.bxp(_boxes(compared, times), showfliers=False, showmeans=True, widths=0.6, patch_artist=True, **_STYLE)
    axes.set_ylabel(f"mean error of a frame's found joints, {unit}")
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", alpha=0.3)
    return figure


def draw_boxes(compared: Compared, path: str | os.PathLike[str]) -> Path:
    """The path of a picture (.png, .pdf or .svg) of `box_figure`. Raises UsageError for another ending."""
    return write_figure(box_figure(compared), path)


def _boxes(compared: Compared, times: float) -> list[dict[str, Any]]:
    boxes: list[dict[str, Any]] = []
    for error, name in zip(compared.error, compared.names):
        rate = metrics.detection_rate(error, compared.labelled)
        boxes.append({**box(times * picture_error(error, compared.labelled)), "label": f"{name}\nDR {rate:.0%}"})
    return boxes
