"""Holes are measured to the frames that bound them, and bridged within their range."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.errors import InvalidValue
from stereo3d.refinement.gaps import bridged, holes

TIME = np.array([0.0, 0.1, 0.2, 0.5, 0.6, 0.7])


def test_a_hole_lasts_from_the_frame_before_to_the_one_after() -> None:
    known = np.array([[0, 1, 1, 0, 0, 1], [1, 0, 1, 1, 1, 0]], bool).T
    found = holes(known, TIME)
    assert found[:, 0].tolist() == [np.inf, 0, 0, pytest.approx(0.5), pytest.approx(0.5), 0]
    assert found[:, 1].tolist() == [0, pytest.approx(0.2), 0, 0, 0, np.inf]


def test_no_frames_and_nothing_known() -> None:
    assert holes(np.zeros((0, 3), bool), np.zeros(0)).shape == (0, 3)
    assert np.isinf(holes(np.zeros((6, 2), bool), TIME)).all()


def test_short_holes_are_bridged_and_long_ones_stay() -> None:
    x = np.repeat(np.arange(6.0)[:, None, None], 2, 1)
    x[1, 0], x[3:5, 1] = np.nan, np.nan
    out = bridged(x, TIME, limit=0.3)
    assert 0 < out[1, 0, 0] < 2 and np.isnan(out[3:5, 1]).all()
    assert np.isfinite(bridged(x, TIME, limit=0.5)).all()
    np.testing.assert_array_equal(out[[0, 2, 3, 4, 5], 0], x[[0, 2, 3, 4, 5], 0])


def test_a_bridge_never_leaves_the_range_of_its_ends() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 3, 2))
    x[rng.random((40, 3)) < 0.4] = np.nan
    time = np.cumsum(rng.uniform(0.02, 0.1, 40))
    out = bridged(x, time, limit=np.inf)
    for joint in range(3):
        known = np.flatnonzero(np.isfinite(x[:, joint, 0]))
        for a, b in zip(known, known[1:]):
            low, high = np.minimum(x[a, joint], x[b, joint]), np.maximum(x[a, joint], x[b, joint])
            assert (out[a:b + 1, joint] >= low - 1e-9).all() and (out[a:b + 1, joint] <= high + 1e-9).all()


def test_times_must_go_with_the_frames() -> None:
    with pytest.raises(InvalidValue, match=r"time: expected shape \(6,\), got \(5,\)"):
        bridged(np.zeros((6, 1, 3)), TIME[:5], limit=1.0)
