"""Jitter: laws of accelerations and of their error (stereo3d.evaluation.metrics)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stereo3d.evaluation.metrics import acceleration, acceleration_error

TIME = np.arange(30) / 30


def thrown(time, gravity=9.81):
    """Two joints, one of them falling."""
    still = np.zeros((len(time), 3))
    return np.stack([still, still + np.outer(time**2 * gravity / 2, [0, 1, 0]) + np.outer(time, [1, -2, 0.5])], 1)


class TestAcceleration:
    def test_of_a_fall_is_gravity(self):
        found = acceleration(thrown(TIME), TIME)
        np.testing.assert_allclose(found[1:-1, 1], np.broadcast_to([0, 9.81, 0], (28, 3)), atol=1e-9)
        np.testing.assert_allclose(found[1:-1, 0], 0, atol=1e-12)
        assert np.isnan(found[[0, -1]]).all()

    def test_of_a_fall_on_an_uneven_clock_is_gravity_too(self):
        time = TIME + np.random.default_rng(0).uniform(-0.004, 0.004, 30)
        np.testing.assert_allclose(acceleration(thrown(time), time)[1:-1, 1, 1], 9.81, rtol=1e-9)

    def test_agrees_with_the_second_difference(self):
        xyz = np.random.default_rng(0).normal(size=(30, 4, 3))
        second = (xyz[2:] - 2 * xyz[1:-1] + xyz[:-2]) * 30**2
        np.testing.assert_allclose(acceleration(xyz, TIME)[1:-1], second)

    def test_over_a_gap_is_unknown(self):
        kept = np.delete(np.arange(30), [10, 11, 12])
        found = np.isfinite(acceleration(thrown(TIME)[kept], TIME[kept])).all((1, 2))
        np.testing.assert_array_equal(np.flatnonzero(~found), [0, 9, 10, 26])

    def test_beside_a_joint_that_was_not_found_is_unknown(self):
        xyz = thrown(TIME)
        xyz[5, 1] = np.nan
        found = np.isfinite(acceleration(xyz, TIME)).all(-1)
        np.testing.assert_array_equal(np.flatnonzero(~found[:, 1]), [0, 4, 5, 6, 29])
        np.testing.assert_array_equal(np.flatnonzero(~found[:, 0]), [0, 29])

    @pytest.mark.parametrize("late, known", [(0.49, True), (0.5, True), (0.51, False)])
    def test_a_frame_may_be_half_a_step_late(self, late, known):
        time = np.arange(7.0)
        time[4:] += late
        found = np.isfinite(acceleration(np.zeros((7, 1, 3)), time)).all((1, 2))
        assert found[3] == found[4] == known and found[2] and found[5]

    def test_of_three_frames_is_of_the_middle_one(self):
        found = acceleration(thrown(TIME)[:3], TIME[:3])
        np.testing.assert_allclose(found[1, 1], [0, 9.81, 0], atol=1e-9)
        assert np.isnan(found[[0, 2]]).all()

    @pytest.mark.parametrize("n", [0, 1, 2])
    def test_of_too_few_frames_is_unknown(self, n):
        found = acceleration(thrown(TIME)[:n], TIME[:n])
        assert found.shape == (n, 2, 3) and np.isnan(found).all()

    @pytest.mark.parametrize("time", [np.full(30, np.nan), np.zeros(30), -TIME], ids=["unknown", "still", "backwards"])
    def test_on_a_clock_that_does_not_run_is_unknown(self, time):
        assert np.isnan(acceleration(thrown(TIME), time)).all()


class TestAccelerationError:
    def test_of_white_noise_is_known(self):
        """6 s^2 / dt^4 along each axis: sqrt(18) s / dt^2 root mean square."""
        truth = np.zeros((20_000, 1, 3))
        noisy = truth + 0.001 * np.random.default_rng(0).normal(size=truth.shape)
        error = acceleration_error(noisy, truth, np.arange(20_000) / 30)[1:-1]
        assert np.sqrt(np.square(error).mean()) == pytest.approx(np.sqrt(18) * 0.001 * 900, rel=0.02)

    @given(st.floats(-1, 1), st.floats(-1, 1))
    def test_neither_offset_nor_drift_costs_anything(self, offset, drift):
        truth = np.random.default_rng(0).normal(size=(30, 2, 3))
        error = acceleration_error(truth + offset + drift * TIME[:, None, None], truth, TIME)
        np.testing.assert_allclose(error[1:-1], 0, atol=1e-9)

    def test_smoothing_that_loses_motion_costs(self):
        truth = thrown(TIME)
        np.testing.assert_allclose(acceleration_error(truth[:1] + 0 * truth, truth, TIME)[1:-1, 1], 9.81)
