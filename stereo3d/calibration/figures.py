"""Pictures of what a calibration is worth: where the board was seen, what is left over, how sure places are."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from stereo3d.calibration.compare import Comparison
from stereo3d.calibration.coverage import CELLS
from stereo3d.calibration.geometry import WORKING_RADIUS
from stereo3d.calibration.quality import Calibration
from stereo3d.calibration.rectify import Rectifier
from stereo3d.calibration.uncertainty import Spread
from stereo3d.calibration.views import LeftOut
from stereo3d.stereo import SIDES, Stereo
from stereo3d.values import Bytes, Floats

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, LEFT, RIGHT, QUIET = "#22303c", "#1f6f8b", "#c8553d", "#9aa5ad"
_SLICES = (0.4, 0.8, 1.2)


def _figure(width: float, height: float, columns: int = 1) -> tuple[Figure, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, columns, squeeze=False)[0]
    for ax in axes:
        ax.tick_params(labelsize=8, colors=INK)
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
    return figure, axes


def _frame(ax: Any, size: tuple[int, int], title: str) -> None:
    ax.set(xlim=(-0.5, size[0] - 0.5), ylim=(size[1] - 0.5, -0.5), aspect="equal")
    ax.set_title(title, fontsize=10, color=INK)


def coverage_figure(calibration: Calibration) -> Figure:
    """Where in both pictures corners were seen; white parts are not calibrated, only extrapolated."""
    views, cells = calibration.solution.views, calibration.coverage.cells
    figure, axes = _figure(9, 3.1, 2)
    for i, (ax, side, colour) in enumerate(zip(axes, SIDES, (LEFT, RIGHT), strict=True)):
        _frame(ax, views.size, f"{side} picture")
        extent = (-0.5, views.size[0] - 0.5, views.size[1] - 0.5, -0.5)
        ax.imshow(np.minimum(cells[i], 60) ** 0.5, cmap="Greys", vmin=0, vmax=16, extent=extent, aspect="auto")
        ax.plot(*views.xy[:, i].reshape(-1, 2).T, ".", color=colour, markersize=2, alpha=0.6)
        for n, length, line in ((CELLS[0], views.size[0], ax.axvline), (CELLS[1], views.size[1], ax.axhline)):
            for at in np.arange(1, n) * length / n:
                line(at - 0.5, color="white", linewidth=0.7)
    return figure


def residual_figure(calibration: Calibration) -> Figure:
    """What is left over at every corner, drawn far larger than it is; a pattern tells of a lens that does not fit."""
    views, residual = calibration.solution.views, calibration.solution.residual
    scale = 0.03 * views.size[0] / max(float(np.nanquantile(np.abs(residual), 0.95)), 1e-3)
    figure, axes = _figure(9, 3.1, 2)
    for i, (ax, side, colour) in enumerate(zip(axes, SIDES, (LEFT, RIGHT), strict=True)):
        _frame(ax, views.size, f"{side} picture, residuals x {scale:.0f}")
        xy, away = views.xy[:, i].reshape(-1, 2), residual[:, i].reshape(-1, 2) * scale
        ax.quiver(*xy.T, *away.T, angles="xy", scale_units="xy", scale=1, color=colour, width=0.0018)
    return figure


def views_figure(calibration: Calibration) -> Figure:
    """The error of every view in both eyes, and held out; the others by name."""
    rows = calibration.to_dict()["views"]
    figure, (ax,) = _figure(9, 2.6)
    at = np.arange(len(rows))
    ax.bar(at - 0.2, [r["rms_left"] for r in rows], 0.4, color=LEFT, label="left")
    ax.bar(at + 0.2, [r["rms_right"] for r in rows], 0.4, color=RIGHT, label="right")
    ax.plot(at, [r["held_out"] for r in rows], "_", color=INK, markersize=14, label="held out")
    ax.set_xticks(at, [str(r["pair"]) for r in rows], fontsize=7)
    ax.set_ylabel("px", fontsize=9)
    ax.set_xlabel("pair", fontsize=9)
    ax.legend(fontsize=8, frameon=False, ncols=3, loc="upper left")
    ax.set_ylim(0, 1.3 * max(max(r["held_out"], r["rms_left"], r["rms_right"]) for r in rows))
    return figure


def uncertainty_figure(spread: Spread, title: str = "one standard deviation of a place, mm") -> Figure:
    """The 3D error that the calibration alone causes, in mm over the left picture at three distances."""
    return _volume_figure(spread.depth, spread.total, spread.inside, title)


def comparison_figure(comparison: Comparison) -> Figure:
    """By how many mm the second rig puts places elsewhere, over the left picture at three distances."""
    return _volume_figure(comparison.depth, comparison.total, comparison.inside, "difference of the two rigs, mm")


def _volume_figure(depth: Floats, total: Floats, inside: Any, title: str) -> Figure:
    picked = [int(np.argmin(np.abs(depth - z))) for z in _SLICES]
    top = 1500 * float(np.nanquantile(total[picked][inside[picked]], 0.99))
    figure, axes = _figure(9, 2.3, len(picked))
    for ax, k in zip(axes, picked, strict=True):
        drawn = ax.imshow(1000 * total[k], cmap="viridis", vmin=0, vmax=top, interpolation="bilinear")
        ax.contour(cv2.GaussianBlur(inside[k].astype(float), (0, 0), 1.0), levels=[0.5], colors="white", linewidths=1)
        ax.set_title(f"{depth[k]:.1f} m away, middle {1000 * float(np.median(total[k][inside[k]])):.1f}", fontsize=9)
        ax.set_xticks([])
        ax.set_yticks([])
        ax.set_facecolor("#e6e9eb")
    bar = figure.colorbar(drawn, ax=list(axes), shrink=0.8, pad=0.01)
    bar.ax.tick_params(labelsize=8)
    figure.suptitle(f"{title} (white line: within {WORKING_RADIUS:g} m of the axis)", fontsize=10, color=INK)
    return figure


def depth_figure(calibration: Calibration) -> Figure:
    """Stated error, and the difference of two halves of the views against what the stated errors make of it."""
    figure, (ax,) = _figure(9, 2.4)
    spread, halves = calibration.spread, calibration.halves
    lines: list[tuple[str, Spread | Comparison, str, str]] = [("stated error of the rig", spread, LEFT, "-")]
    if halves:
        lines.append(("difference of two halves, stated", halves.expected, QUIET, "--"))
        lines.append(("difference of two halves, found", halves.difference, RIGHT, "-"))
    for label, of, colour, style in lines:
        middle = [1000 * np.nanmedian(t[i]) for t, i in zip(of.total, of.inside, strict=True)]
        ax.plot(of.depth, middle, style, color=colour, label=label, marker=".")
    ax.set_xlabel("distance, m", fontsize=9)
    ax.set_ylabel("mm", fontsize=9)
    ax.set_ylim(0)
    ax.legend(fontsize=8, frameon=False)
    return figure


def rectified_figure(calibration: Calibration, pictures: Stereo[Bytes]) -> Figure:
    """A pair after rectification with lines along its rows, which must pass the same things on both sides."""
    both = np.hstack(list(Rectifier(calibration.rig).images(pictures)))
    small = cv2.resize(both, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) if both.shape[1] > 2000 else both
    figure, (ax,) = _figure(9, 9 * small.shape[0] / small.shape[1])
    ax.imshow(small)
    for row in np.linspace(0, small.shape[0] - 1, 18)[1:-1]:
        ax.axhline(row, color="#f2b134", linewidth=0.6)
    ax.set_axis_off()
    return figure


def left_out_in_words(left_out: tuple[LeftOut, ...]) -> list[str]:
    """A line for each pair that spoils something, one for all corners of a picture, one for each harmless reason."""
    pairs = [str(o) for o in left_out if o.corner is None and not o.harmless]
    strays: dict[tuple[int, str | None], int] = {}
    for o in left_out:
        if o.corner is not None:
            strays[o.frame, o.side] = strays.get((o.frame, o.side), 0) + 1
    few = [f"pair {frame} {side}: {n} corner{'s' * (n > 1)} too far off" for (frame, side), n in strays.items()]
    usual = Counter((f"{o.side} picture: " if o.side else "") + o.reason.split(" (")[0] for o in left_out if o.harmless)
    return [*pairs, *few, *(f"{n} pair{'s' * (n > 1)}: {reason}" for reason, n in usual.most_common())]
