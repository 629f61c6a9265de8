"""Whether a calibration foretells what it was not made from: leave-one-out and two halves.

Two halves solved apart and compared in space are the plainest test of all that the residuals do not show
(mrcal.secretsauce.net, "cross-validation").
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from stereo3d.calibration.bundle import fit, posed, residuals
from stereo3d.calibration.compare import Comparison, compare_rigs
from stereo3d.calibration.geometry import edge_errors, row_errors
from stereo3d.calibration.initial import view_rms
from stereo3d.calibration.solve import Solution, rig_of
from stereo3d.calibration.uncertainty import Spread, covariance_of_halves, spread
from stereo3d.errors import InputError
from stereo3d.values import Floats, Value


@dataclass(frozen=True, slots=True, eq=False)
class LeaveOneOut(Value):
    """Each view measured with the rig that the other views make."""

    held_out: Floats
    """(V,) px, reprojection error at the view's best pose."""
    rows: Floats
    """(V, M) px, difference of rows after rectification."""
    edges: Floats
    """(V, E) m, by how much the sides of squares come out too long."""
    baseline: Floats
    """(V,) m."""

    @property
    def row_error(self) -> float:
        """px, root mean square over all views."""
        return rms(self.rows)


def rms(x: Floats) -> float:
    """The root mean square of what is not NaN; NaN of nothing."""
    known = x[np.isfinite(x)]
    return float(np.sqrt((known**2).mean())) if known.size else float("nan")


def leave_one_out(solution: Solution) -> LeaveOneOut:
    """Every view under the rig of the others, each solved anew from where all agree."""
    corners, found = solution.corners, solution.fit
    n = len(corners.xy)
    held, rows, edges, baseline = [], [], [], []
    for v in range(n):
        others, one = np.arange(n) != v, np.array([v])
        state = fit(corners.only(others), found.state.only(others), found.free, prior=found.prior).state
        rig = rig_of(state, solution.views.size)
        alone = corners.only(one)
        start = replace(state, turns=found.state.turns[one], places=found.state.places[one])
        held.append(view_rms(residuals(alone, posed(alone, start)))[0])
        rows.append(row_errors(rig, *alone.xy[0]))
        edges.append(edge_errors(rig, alone.xy, solution.views.board)[0])
        baseline.append(rig.baseline)
    return LeaveOneOut(np.array(held), np.array(rows), np.array(edges), np.array(baseline))


@dataclass(frozen=True, slots=True, eq=False)
class Halves(Value):
    """Two rigs, each from every other view."""

    difference: Comparison
    expected: Spread
    """What the stated errors make of the difference."""

    @property
    def ratio(self) -> float:
        """How many times larger than expected the difference is."""
        return self.difference.median / max(self.expected.median, 1e-9)


def halves(solution: Solution) -> Halves | None:
    """How far the rigs of every other view differ; None where half of the views does not make a rig."""
    corners, found, size = solution.corners, solution.fit, solution.views.size
    odd = np.arange(len(corners.xy)) % 2 == 1
    try:
        first, second = (
            rig_of(fit(corners.only(h), found.state.only(h), found.free, prior=found.prior).state, size)
            for h in (~odd, odd)
        )
        difference = compare_rigs(first, second)
    except InputError:
        return None
    return Halves(difference, spread(found.state, solution.rig, covariance_of_halves(found, corners, odd)))
