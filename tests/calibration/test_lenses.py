"""How many numbers the lens gets: what predicts best, the usual one unless another is clearly better."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_boards import BOARD, views

from stereo3d.calibration.bundle import NAMES, Corners, fit, posed, residuals
from stereo3d.calibration.initial import calibrate_eye, together, view_rms
from stereo3d.calibration.lenses import COEFFICIENTS, choose, freedom, held_out


@pytest.mark.parametrize("count, bent, n", [(5, True, 26), (5, False, 24), (8, True, 32), (0, False, 14), (None, True, 8)])
def test_what_is_moved(count: int | None, bent: bool, n: int) -> None:
    free = freedom(count, bent=bent)
    assert free.sum() == n
    assert free[30:].all() == bent and free[24:30].all()
    if count is not None:
        moved = {NAMES[i].split()[1] for i in np.flatnonzero(free[:24])}
        assert moved == {"fx", "fy", "cx", "cy", *COEFFICIENTS[count]}


def test_held_out_is_what_solving_without_the_view_gives() -> None:
    seen, _ = views(10, noise=0.3)
    corners = Corners(BOARD.points, seen.xy)
    start = together(corners, *(calibrate_eye(corners, i, seen.size) for i in (0, 1)))
    found = fit(corners, start, freedom(5, bent=True))
    quick = held_out(corners, found)
    for v in (1, 6):
        others, one = np.arange(10) != v, np.array([v])
        anew = fit(corners.only(others), found.state.only(others), found.free).state
        start = replace(anew, turns=found.state.turns[one], places=found.state.places[one])
        alone = posed(corners.only(one), start)
        assert quick[v] == pytest.approx(view_rms(residuals(corners.only(one), alone))[0], rel=0.03)
    assert (quick > view_rms(found.normals.residual)).mean() > 0.7


@pytest.mark.parametrize("bend, bent", [((0.002, 0.001), True), ((0.0, 0.0), None)])
def test_a_bent_board_is_told_from_a_flat_one(bend: tuple[float, float], bent: bool | None) -> None:
    seen, _ = views(14, noise=0.1, bend=bend)
    corners = Corners(BOARD.points, seen.xy)
    start = together(corners, *(calibrate_eye(corners, i, seen.size) for i in (0, 1)))
    found, trials = choose(corners, fit(corners, start, freedom(5, bent=True)).state, (5, 8, 0))
    assert [t.coefficients for t in trials if t.chosen] == [5]
    assert sum(t.chosen for t in trials) == 1
    by_count = {(t.coefficients, t.bent): t for t in trials}
    assert by_count[0, True].held_out > 3 * by_count[5, True].held_out, "a ZED 2's lens is no pinhole"
    assert by_count[8, True].in_sample <= by_count[5, True].in_sample + 1e-6
    if bent is not None:
        assert found.free[30:].all() == bent
        assert by_count[5, False].held_out > 1.2 * by_count[5, True].held_out
    else:
        assert np.abs(found.state.bend).max() < 1e-4
