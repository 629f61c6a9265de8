"""Why pictures and detectors differ: the three reasons are densities, and what is planted is told apart."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.refinement.explain import HIDDEN_DEPTH, Compared, Shares, explained, likelihoods


def compared(off, own=2.0, spread=0.8, per_metre=130.0) -> Compared:
    off = np.asarray(off, float)
    return Compared(*(np.broadcast_to(x, off.shape) for x in (90.0, spread, off, own, per_metre)))


def usual(shape) -> Shares:
    return Shares(*(np.full(shape, p) for p in (0.9, 0.08, 0.02)))


def test_reasons_are_densities():
    off = np.linspace(-120, 40, 40001)[None]
    seen, hidden, _ = likelihoods(compared(off))
    assert np.trapezoid(seen[0], off[0]) == pytest.approx(1, abs=1e-3)
    assert np.trapezoid(hidden[0], off[0]) == pytest.approx(1, abs=1e-3)


def test_hidden_is_an_exponential_gap_with_both_noises():
    rng = np.random.default_rng(0)
    gap = -rng.exponential(HIDDEN_DEPTH * 130.0, 100_000) + rng.normal(0, np.hypot(2.0, 0.8), 100_000)
    share, edges = np.histogram(gap, bins=np.linspace(-20, 5, 26), density=False)
    _, hidden, _ = likelihoods(compared(((edges[1:] + edges[:-1]) / 2)[None]))
    assert share / 100_000 == pytest.approx(hidden[0], abs=0.004)


def test_shares_add_up_and_follow_the_difference():
    off = np.array([[0.0, -8.0, 14.0, np.nan]])
    seen, hidden, wrong = explained(compared(off), usual(off.shape))
    assert seen + hidden + wrong == pytest.approx(np.ones(off.shape))
    assert seen[0, 0] > 0.95 and hidden[0, 1] > 0.7 and wrong[0, 2] > 0.9
    assert (seen[0, 3], hidden[0, 3]) == pytest.approx((0.9, 0.08))


def test_far_differences_overflow_nothing():
    off = np.array([[-1e4, -200.0, 200.0, 1e4]])
    assert np.isfinite(np.array(likelihoods(compared(off)))).all()
    assert np.array(explained(compared(off), usual(off.shape))).sum(0) == pytest.approx(np.ones((1, 4)))
