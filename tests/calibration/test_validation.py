"""Leave-one-out and two halves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_boards import views

from stereo3d.calibration.geometry import edge_errors, row_errors
from stereo3d.calibration.solve import solve
from stereo3d.calibration.uncertainty import covariance, spread
from stereo3d.calibration.validation import halves, leave_one_out, rms
from stereo3d.errors import CalibrationError


@pytest.fixture(scope="module")
def solved():  # type: ignore[no-untyped-def]
    return solve(views(12, noise=0.2)[0])


def test_a_view_held_out_is_measured_by_the_others(solved) -> None:  # type: ignore[no-untyped-def]
    found = leave_one_out(solved)
    seen = solved.views
    rows = row_errors(solved.rig, seen.xy[:, 0], seen.xy[:, 1])
    assert found.rows.shape == rows.shape and found.edges.shape == edge_errors(solved.rig, seen.xy, seen.board).shape
    assert 1.0 < found.row_error / rms(rows) < 1.3
    assert (found.held_out > 0.2).all() and rms(found.held_out) > solved.rms
    assert np.ptp(found.baseline) < 1e-3 and abs(found.baseline.mean() - solved.rig.baseline) < 2e-4


def test_rows_off_by_the_corners_error(solved) -> None:  # type: ignore[no-untyped-def]
    """Two corners' noise of 0.2 px each, less what the adjustment takes up."""
    assert leave_one_out(solved).row_error == pytest.approx(0.2 * np.sqrt(2), rel=0.1)


def test_two_halves_differ_by_what_their_errors_allow() -> None:
    ratios = []
    for seed in range(3):
        found = halves(solve(views(12, seed=seed, noise=0.2)[0]))
        assert found is not None
        ratios.append(found.ratio)
    assert 0.2 < min(ratios) and max(ratios) < 2.5


def test_a_camera_that_moved_while_filming_shows() -> None:
    seen, _ = views(12, seed=1, noise=0.05)
    xy = seen.xy.copy()
    xy[1::2, 1, :, 0] += 0.8  # every other view through a right camera turned by 1.5 mrad

    moved = solve(replace(seen, xy=xy))
    found, still = halves(moved), halves(solve(seen))
    assert found is not None and still is not None
    assert found.difference.median > 3 * still.difference.median
    assert spread(moved.state, moved.rig, covariance(moved.fit, moved.corners)).median > 0


def test_halves_that_make_no_rig_are_none(solved, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    def refuse(*_: object, **__: object) -> None:
        raise CalibrationError("no")

    monkeypatch.setattr("stereo3d.calibration.validation.compare_rigs", refuse)
    assert halves(solved) is None


def test_the_root_mean_square_leaves_out_what_is_unknown() -> None:
    assert rms(np.array([3.0, np.nan, 4.0, 0.0])) == pytest.approx(np.sqrt(25 / 3))
    assert np.isnan(rms(np.array([np.nan])))
