"""The adjustment: it finds what is there, and says truly how the numbers hang together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_boards import BOARD, off, views
from scipy.spatial.transform import Rotation

from stereo3d.calibration.bundle import (
    BEND, NAMES, NOTHING, SHARED, TRANSLATION, TURN, Corners, Prior, State, fit, posed, residuals,
)
from stereo3d.calibration.initial import calibrate_eye, together
from stereo3d.calibration.lenses import freedom

FREE = freedom(5, bent=True)


def begun(n: int = 10, **how: float) -> tuple[Corners, State]:
    seen, _ = views(n, **how)  # type: ignore[arg-type]
    corners = Corners(BOARD.points, seen.xy)
    return corners, together(corners, *(calibrate_eye(corners, i, seen.size) for i in (0, 1)))


@pytest.fixture(scope="module")
def noisy() -> tuple[Corners, State]:
    corners, start = begun(noise=0.2)
    return corners, fit(corners, start, FREE).state


def test_without_noise_the_truth_is_found() -> None:
    seen, rig = views(8, noise=0.0, bend=(0.0008, -0.0005))
    corners, start = Corners(BOARD.points, seen.xy), begun(8, noise=0.0, bend=(0.0008, -0.0005))[1]
    found = fit(corners, start, FREE)
    assert found.converged
    np.testing.assert_allclose(found.state.bend, (0.0008, -0.0005), atol=1e-8)
    np.testing.assert_allclose(off(found.state, rig)[:4], 0, atol=1e-4)
    np.testing.assert_allclose(off(found.state, rig)[24:], 0, atol=1e-8)
    assert np.abs(found.normals.residual).max() < 1e-4


def test_slopes_are_differences(noisy: tuple[Corners, State]) -> None:
    """The residuals' gradient from the normal equations is that of the cost."""
    corners, state = noisy
    free = np.ones(len(NAMES), bool)
    still = np.zeros((len(state.places), 6))
    start = state.moved(np.full(len(NAMES), 1e-5), still)  # off the optimum, where slopes are not zero
    found = fit(corners, start, free, most_steps=0).normals
    for i in (0, 3, 4, 9, 15, 23, 24, 26, 28, 30, 31):
        step = np.zeros(len(NAMES))
        step[i] = 1e-6 if i < 24 else 1e-7
        costs = []
        for sign in (1, -1):
            moved = posed(corners, start.moved(sign * step, still))
            costs.append(float((residuals(corners, moved) ** 2).sum()))
        slope = -(costs[0] - costs[1]) / (4 * step[i])
        assert found.slopes.sum(0)[i] == pytest.approx(slope, rel=2e-3, abs=1e-2), NAMES[i]


def test_what_is_kept_does_not_move(noisy: tuple[Corners, State]) -> None:
    corners, state = noisy
    start = state.moved(np.full(len(NAMES), 1e-4), np.zeros((len(state.places), 6)))
    found = fit(corners, start, freedom(None, bent=False)).state
    np.testing.assert_array_equal(found.lenses, start.lenses)
    np.testing.assert_array_equal(found.bend, start.bend)
    assert not np.allclose(found.translation, start.translation)


def test_leaving_a_view_out_is_foretold(noisy: tuple[Corners, State]) -> None:
    corners, state = noisy
    found = fit(corners, state, FREE)
    every = found.without_each()
    for v in (0, 4, 9):
        others = np.arange(len(corners.xy)) != v
        anew = fit(corners.only(others), state.only(others), FREE).state
        moved, foretold = anew.lenses - state.lenses, every.lenses[v] - state.lenses
        np.testing.assert_allclose(foretold[:, :4], moved[:, :4], atol=0.15 * np.abs(moved[:, :4]).max())
    assert every.rotation.shape == (10, 3, 3) and set(SHARED) == {"lenses", "rotation", "translation", "bend"}


def test_poses_alone_come_back_each_by_itself(noisy: tuple[Corners, State]) -> None:
    corners, state = noisy
    rng = np.random.default_rng(0)
    away = state.moved(np.zeros(len(NAMES)), rng.normal(size=(len(state.places), 6)) * (0.1, 0.1, 0.1, 0.02, 0.02, 0.02))
    spoilt = replace(corners, xy=np.where(np.arange(10)[:, None, None, None] == 3, corners.xy[:, ::-1] + 40, corners.xy))
    found = posed(spoilt, away)
    good = np.arange(10) != 3
    np.testing.assert_allclose(found.places[good], state.places[good], atol=1e-6)
    np.testing.assert_allclose(found.turns[good], state.turns[good], atol=1e-6)
    np.testing.assert_array_equal(found.lenses, state.lenses)


def test_corners_that_are_not_seen_have_no_say(noisy: tuple[Corners, State]) -> None:
    corners, state = noisy
    xy = corners.xy.copy()
    xy[2, 1, 5:30] = np.nan
    hidden = replace(corners, xy=xy)
    assert np.isnan(residuals(hidden, state)[2, 1, 5:30]).all()
    found = fit(hidden, state, FREE)
    assert (found.normals.residual[2, 1, 5:30] == 0).all()
    assert np.trace(found.information()) < np.trace(fit(corners, state, FREE).information())


def test_a_board_behind_the_camera_is_far_off_and_comes_back(noisy: tuple[Corners, State]) -> None:
    corners, state = noisy
    turned = replace(state, places=state.places * (1, 1, -1))
    assert (residuals(corners, turned) == 1e4).any()
    assert not np.isnan(posed(corners, turned).places).any()


def test_what_was_known_before_holds_back(noisy: tuple[Corners, State]) -> None:
    corners, state = noisy
    start = state.moved(np.where(np.arange(len(NAMES)) == 2, 5.0, 0.0), np.zeros((len(state.places), 6)))
    loose, tight = (np.full(len(NAMES), np.inf) for _ in range(2))
    loose[2], tight[2] = 1e3, 1e-3
    moved = [fit(corners, start, FREE, prior=Prior(start, sigma)).state.lenses[0, 2] for sigma in (loose, tight)]
    assert moved[0] == pytest.approx(state.lenses[0, 2], abs=0.05)
    assert moved[1] == pytest.approx(start.lenses[0, 2], abs=0.05)


def test_a_prior_knows_how_far_a_turn_is(noisy: tuple[Corners, State]) -> None:
    _, state = noisy
    step = np.zeros(len(NAMES))
    step[TURN], step[TRANSLATION], step[BEND] = (0.01, -0.02, 0.03), (1e-3, 2e-3, 3e-3), (1e-4, 2e-4)
    away = Prior(state, np.ones(len(NAMES))).pull(state.moved(step, np.zeros((10, 6))))[1]
    np.testing.assert_allclose(away, step, atol=1e-12)


def test_names_go_with_the_numbers() -> None:
    assert len(NAMES) == 32 == len(set(NAMES))
    assert NAMES[TURN] == ("turn x", "turn y", "turn z") and NAMES[12] == "right fx"
    assert not NOTHING.any()
    turned = State(
        np.zeros((2, 12)), np.eye(3), np.zeros(3), np.zeros(2), np.eye(3)[None], np.zeros((1, 3))
    ).moved(np.where(np.isin(np.arange(32), [26]), 0.1, 0), np.zeros((1, 6)))
    np.testing.assert_allclose(Rotation.from_matrix(turned.rotation).as_rotvec(), (0, 0, 0.1))
