"""Figures for papers: a pose in space, and tracks over time with their error bars. Needs matplotlib when called."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stereo3d import atomic
from stereo3d.errors import UsageError
from stereo3d.evaluation import metrics
from stereo3d.poses import Poses3D
from stereo3d.values import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LEFT, _RIGHT, _MIDDLE, _ERROR = "#d55e00", "#0072b2", "#009e73", "#9a9a9a"
"""Colours that a colour-blind reader can tell apart (Okabe and Ito)."""
_AXES = ("x, to the right", "y, down", "z, away")
_MOST_DRAWN = 4000


def pose(poses: Poses3D, at: int) -> Figure:
    """One moment in space, in cm about the middle of the joints, seen by the camera from a little above and aside.

    A grey line at each joint is one sigma of depth either way. Raises UsageError where there is no such frame.
    """
    from matplotlib.figure import Figure

    if not -len(poses) <= at < len(poses):
        raise UsageError(f"at: expected a place from 0 to {len(poses) - 1}, got {at}")
    xyz, skeleton = 100 * poses.xyz[at], poses.skeleton
    xyz = xyz - np.array([metrics.spread(column)[2] for column in xyz.T])
    drawn = xyz[:, [0, 2, 1]] * [1, 1, -1]
    figure = Figure(figsize=(5.5, 5.5), layout="constrained")
    axes = figure.add_subplot(projection="3d")
    for a, b in skeleton.bones:
        colours = {_colour(skeleton.joints[j]) for j in (a, b)}
        axes.plot(*drawn[[a, b]].T, color=colours.pop() if len(colours) == 1 else _MIDDLE, linewidth=2)
    seen = np.isfinite(drawn).all(-1)
    axes.scatter(*drawn[seen].T, c=[_colour(j) for j, s in zip(skeleton.joints, seen) if s], s=16)
    for (x, z, y), deep in zip(drawn[seen], 100 * poses.sigma[at, seen, 2]):
        axes.plot([x, x], [z - deep, z + deep], [y, y], color=_ERROR, linewidth=1)
    _dress(axes, float(np.abs(drawn[seen]).max(initial=1.0)) * 1.1)
    axes.set_title(_title(poses, at))
    return figure


def _dress(axes: Any, reach: float) -> None:
    """The same scale along all axes, their names, and what the colours mean."""
    axes.set(**{f"{axis}lim": (-reach, reach) for axis in "xyz"})
    axes.set(xlabel="to the right, cm", ylabel="away, cm", zlabel="up in the picture, cm")
    for colour, words in ((_LEFT, "infant's left"), (_RIGHT, "its right"), (_ERROR, "± one sigma of depth")):
        axes.plot([], [], [], color=colour, label=words)
    axes.legend(loc="upper left", fontsize="small", frameon=False)
    axes.locator_params(nbins=5)
    axes.set_box_aspect((1, 1, 1), zoom=0.88)
    axes.view_init(elev=20, azim=-70)


def _title(poses: Poses3D, at: int) -> str:
    clock = f"{poses.time[at]:.2f} s, " if np.isfinite(poses.time[at]) else ""
    return f"{clock}frame {poses.frame[at]}"


def tracks(poses: Poses3D, joints: Sequence[str] | None = None) -> Figure:
    """x, y and z of joints over time in cm, each with a band of one sigma; by default of wrists and ankles.

    The outermost hundredth of places may lie outside the frame, lest one outlier flatten all.
    Raises UsageError for a joint that the skeleton has not.
    """
    from matplotlib.figure import Figure

    names = [j for j in poses.skeleton.joints if j.endswith(("wrist", "ankle"))] if joints is None else list(joints)
    columns = [poses.skeleton.index(name) for name in names]
    figure = Figure(figsize=(8, 6), layout="constrained")
    rows = figure.subplots(3, 1, sharex=True)
    step = max(1, -(-len(poses) // _MOST_DRAWN))
    time, xyz, sigma = poses.time[::step], 100 * poses.xyz[::step], 100 * poses.sigma[::step]
    for i, axes in enumerate(rows):
        for name, k in zip(names, columns):
            _track(axes, time, xyz[:, k, i], sigma[:, k, i], name.replace("_", " "))
        axes.set_ylim(_limits(xyz[:, columns, i]))
        axes.set_ylabel(f"{_AXES[i]}\ncm")
    rows[2].set_xlabel("time, s")
    if names:
        figure.legend(*rows[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure


def _limits(x: Floats) -> tuple[float, float]:
    """What an axis shows of x: all but the outermost hundredth, with a margin."""
    known = x[np.isfinite(x)]
    low, high = np.quantile(known, (0.005, 0.995)) if known.size else (0.0, 1.0)
    margin = 0.15 * (high - low) + 0.5
    return float(low - margin), float(high + margin)


def save(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """The path of a figure as .png, .pdf or .svg. Raises UsageError for another ending."""
    return atomic.write_figure(figure, path, dpi=150)


def _track(axes: Axes, time: Floats, x: Floats, sigma: Floats, label: str) -> None:
    (line,) = axes.plot(time, x, linewidth=1, label=label)
    axes.fill_between(time, x - sigma, x + sigma, color=line.get_color(), alpha=0.2, linewidth=0)


def _colour(joint: str) -> str:
    return _LEFT if joint.startswith("left") else _RIGHT if joint.startswith("right") else _MIDDLE
