"""A calibration with all that tells whether to trust it, and the verdict in one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from stereo3d.calibration.bundle import BEND
from stereo3d.calibration.coverage import Coverage, coverage
from stereo3d.calibration.geometry import edge_errors, row_errors
from stereo3d.calibration.initial import view_rms
from stereo3d.calibration.solve import Solution
from stereo3d.calibration.uncertainty import Spread, covariance, sigmas, spread
from stereo3d.calibration.validation import Halves, LeaveOneOut, halves, leave_one_out, rms
from stereo3d.cameras import StereoRig
from stereo3d.stereo import Stereo
from stereo3d.values import Floats

Level = Literal["good", "usable", "film again"]
LEVELS: tuple[Level, ...] = ("good", "usable", "film again")
LIMITS = {
    "pairs": (10, 6), "row error": (0.3, 1.0), "3D error": (0.005, 0.015), "reprojection": (0.5, 1.5),
    "baseline": (0.005, 0.02), "disagreeing": (0.2, 0.4), "halves": (3.0, 6.0),
}
"""Up to where a figure is good, and up to where usable: pairs; px; m (95 % of the working volume); px; part of the
nominal baseline; part of the pairs; times what the stated errors allow."""

_HEADLINES = 3


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether to trust it."""

    level: Level
    reasons: tuple[str, ...]
    """What keeps it from being better, or what makes it good."""

    def __str__(self) -> str:
        return f"{self.level}: {'; '.join(self.reasons)}"


@dataclass(frozen=True, slots=True)
class Calibration:
    """A rig and its report; lengths are metres, V views of M corners and E sides of squares."""

    rig: StereoRig
    solution: Solution
    covariance: Floats
    """(32, 32) of the numbers in `bundle.NAMES`; zero for those that were kept."""
    spread: Spread
    rows: Floats
    """(V, M) px, difference of rows after rectification."""
    edges: Floats
    """(V, E) m, by how much the sides of squares come out too long."""
    left_out_one: LeaveOneOut
    halves: Halves | None
    nominal_baseline: float | None
    verdict: Verdict

    @property
    def coverage(self) -> Coverage:
        """What the views cover."""
        views = self.solution.views
        return coverage(views.xy, views.size, views.board)

    @property
    def exchanged(self) -> bool:
        """Whether the left pictures are those of the camera on the right."""
        x, y, _ = -(self.rig.translation @ self.rig.rotation)
        return bool(x < 0 and abs(x) > abs(y))

    def to_dict(self) -> dict[str, Any]:
        """All figures for JSON: m, px, rad."""
        views, solution, one = self.solution.views, self.solution, self.left_out_one
        sides = [rms(np.linalg.norm(solution.residual[:, i], axis=-1)) for i in (0, 1)]
        worst = float(np.sqrt(np.nanmean(one.rows**2, axis=1)).max())
        return {
            "verdict": self.verdict.level,
            "reasons": list(self.verdict.reasons),
            "unit": "m, px, rad",
            "board": views.board.name,
            "pairs": {"looked_at": views.looked_at, "used": len(views), "left_out": views.looked_at - len(views)},
            "rms": {"left": sides[0], "right": sides[1], "stereo": solution.rms},
            "row_error": {"rms": rms(self.rows), "max": float(np.nanmax(np.abs(self.rows)))},
            "square_edge_error": {"rms": rms(self.edges), "mean": float(np.nanmean(self.edges))},
            "baseline": self.rig.baseline,
            "nominal_baseline": self.nominal_baseline,
            "exchanged": self.exchanged,
            "leave_one_out": {
                "row_error": one.row_error,
                "worst_view_row_error": worst,
                "reprojection": rms(one.held_out),
                "square_edge_error": rms(one.edges),
                "baseline": [float(one.baseline.min()), float(one.baseline.max())],
            },
            "halves": _halves(self.halves),
            "uncertainty": {
                "median": self.spread.median, "p95": self.spread.p95, "sigma": sigmas(self.covariance),
                "by_depth": _by_depth(self.spread),
            },
            "lens": {
                "mode": solution.mode, "coefficients": solution.coefficients,
                "board_bend": solution.state.bend.tolist(), "board_bent": bool(solution.fit.free[BEND].any()),
                "tried": [_trial(t) for t in solution.trials],
            },
            "coverage": _coverage(self.coverage),
            "views": _views(self),
            "left_out": [
                {"pair": o.frame, "side": o.side, "corner": o.corner, "reason": o.reason} for o in views.left_out
            ],
        }


def assess(solution: Solution, nominal_baseline: float | None = None) -> Calibration:
    """The calibration with its report and verdict; `nominal_baseline` in m, what the maker or a ruler says."""
    rig, views = solution.rig, solution.views
    uncertain = covariance(solution.fit, solution.corners)
    rows = row_errors(rig, views.xy[:, 0], views.xy[:, 1])
    parts = (
        uncertain, spread(solution.state, rig, uncertain), rows, edge_errors(rig, views.xy, views.board),
        leave_one_out(solution), halves(solution), nominal_baseline,
    )
    draft = Calibration(rig, solution, *parts, Verdict("good", ()))
    return Calibration(rig, solution, *parts, judge(draft))


def judge(calibration: Calibration) -> Verdict:
    """The verdict: as good as the worst of its figures (`LIMITS`), and what made it so."""
    figures = _figures(calibration)
    found = [(_grade(name, value), words) for name, value, words in figures]
    if calibration.exchanged:
        found.append((1, "the left pictures are the right camera's: give the two the other way round"))
    worst = max(grade for grade, _ in found)
    if worst == 0:
        return Verdict(LEVELS[0], tuple(words for _, _, words in figures[:_HEADLINES]))
    hints = calibration.coverage.hints
    return Verdict(LEVELS[worst], tuple([words for grade, words in found if grade == worst] + [*hints[:1]]))


def _figures(c: Calibration) -> list[tuple[str, float, str]]:
    """Each figure by its limit's name, its value, and what is said of it; the headlines first."""
    n, views, error = len(c.solution.views), c.solution.views, c.left_out_one.row_error
    gone = len({o.frame for o in views.left_out if o.corner is None and not o.harmless})
    out = [
        ("pairs", n, f"{n} of {views.looked_at} pairs used"),
        ("row error", error, f"rows of held-out views agree to {error:.2f} px"),
        ("3D error", c.spread.p95, f"its own share of the 3D error stays under {1000 * c.spread.p95:.1f} mm in 95 % of "
         "the volume (0.4 to 1.2 m away)"),
        ("reprojection", c.solution.rms, f"corners are off by {c.solution.rms:.2f} px"),
        ("disagreeing", gone / (n + gone), f"{gone} of {n + gone} views were left out: they disagree or are blurred"),
    ]
    if c.halves:
        words = f"two halves of the views differ {c.halves.ratio:.1f} times as much as the stated errors allow"
        out.append(("halves", c.halves.ratio, f"{words}: the board or the cameras changed while filming"))
    if c.nominal_baseline:
        found, nominal = abs(c.rig.baseline), abs(c.nominal_baseline)
        off = abs(found / nominal - 1)
        words = f"the baseline of {1000 * found:.2f} mm is {100 * off:.2g} % off the nominal"
        out.append(("baseline", off, f"{words} {1000 * nominal:.2f} mm: measure the board's squares"))
    return out


def _grade(name: str, value: float) -> int:
    good, usable = LIMITS[name]
    if name == "pairs":
        return 0 if value >= good else 1 if value >= usable else 2
    return 0 if value <= good else 1 if value <= usable else 2


def _halves(halves: Halves | None) -> dict[str, Any] | None:
    if halves is None:
        return None
    return {**halves.difference.to_dict(), "expected_median": halves.expected.median, "ratio": halves.ratio}


def _coverage(found: Coverage) -> dict[str, Any]:
    return {**found.reached, "cells": found.filled, "film_next": list(found.hints)}


def _by_depth(spread: Spread) -> dict[str, float]:
    return {
        f"{depth:.2f}": float(np.median(total[inside]))
        for depth, total, inside in zip(spread.depth, spread.total, spread.inside, strict=True) if inside.any()
    }


def _trial(trial: Any) -> dict[str, Any]:
    return {name: getattr(trial, name) for name in ("coefficients", "bent", "held_out", "in_sample", "chosen")}


def _views(c: Calibration) -> list[dict[str, Any]]:
    views = c.solution.views
    sides = Stereo(*(view_rms(c.solution.residual[:, i:i + 1]) for i in (0, 1)))
    rows, held = np.sqrt(np.nanmean(c.rows**2, axis=1)), c.left_out_one.held_out
    return [
        {
            "pair": int(frame), "rms_left": float(sides.left[v]), "rms_right": float(sides.right[v]),
            "row_error": float(rows[v]), "held_out": float(held[v]), "blur": views.blur[v].tolist(),
        }
        for v, frame in enumerate(views.frame)
    ]
