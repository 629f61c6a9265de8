"""A noise is split into what is white, what drifts and what stays, from its autocovariance alone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

from stereo3d.errors import InvalidValue
from stereo3d.refinement.parts import Parts, autocovariance, split

STEP = 1 / 30


def noise(white=0.0, slow=0.0, constant=0.0, *, memory=0.5, frames=3000, joints=40, seed=0) -> np.ndarray:
    """(T, K) noise of those variances."""
    rng = np.random.default_rng(seed)
    keep = np.exp(-STEP / memory)
    driven = rng.standard_normal((frames, joints))
    driven[1:] *= np.sqrt(1 - keep**2)
    drift = lfilter([1.0], [1.0, -keep], driven, axis=0)
    stays = rng.standard_normal(joints) * np.sqrt(constant)
    return np.sqrt(white) * rng.standard_normal((frames, joints)) + np.sqrt(slow) * drift + stays


def clock(x) -> np.ndarray:
    return np.arange(len(x)) * STEP


@pytest.mark.parametrize("white, slow, constant", [(4.0, 0.0, 0.0), (2.0, 1.0, 1.0), (0.5, 3.0, 0.0), (1.0, 0.0, 2.0)])
def test_parts_are_found(white, slow, constant):
    x = noise(white, slow, constant)
    found = split(x, clock(x))
    assert found.white == pytest.approx(white, abs=0.25)
    assert found.slow + found.constant == pytest.approx(slow + constant, rel=0.35, abs=0.1)
    assert found.total == pytest.approx(white + slow + constant, rel=0.2)


@pytest.mark.parametrize("memory", [0.2, 1.0])
def test_memory_is_found_within_a_factor(memory):
    x = noise(0.5, 3.0, memory=memory, frames=6000)
    assert 0.6 < split(x, clock(x)).memory / memory < 1.7


def test_gross_errors_and_holes_change_little():
    x = noise(2.0, 1.0, 1.0)
    rng = np.random.default_rng(1)
    spoilt = np.where(rng.random(x.shape) < 0.02, 40.0, x)
    spoilt[rng.random(x.shape) < 0.2] = np.nan
    clean, dirty = split(x, clock(x)), split(spoilt, clock(x))
    assert dirty.slow + dirty.constant == pytest.approx(clean.slow + clean.constant, rel=0.25)
    assert clean.white <= dirty.white < 2 * clean.white


def test_another_noise_that_is_known_is_taken_away():
    x, own = noise(1.0, 0.5, 0.5), Parts(1.5, 0.8, 0.0, 0.5)
    both = x + noise(1.5, 0.8, seed=2)
    found = split(both, clock(both), known=own)
    assert found.white == pytest.approx(1.0, abs=0.25) and found.slow + found.constant == pytest.approx(1.0, abs=0.4)


def test_pairs_across_a_break_of_the_clock_do_not_count():
    x = noise(0.1, 3.0, memory=2.0, frames=2000)
    broken = clock(x)
    broken[1000:] += 100.0
    lags, found = autocovariance(x, broken)
    assert lags[0] == 0 and (np.diff(lags) > 0).all()
    assert found[0] == pytest.approx(3.1, rel=0.2)


def test_too_little_is_nothing():
    assert split(np.full((100, 3), np.nan), np.arange(100.0)) is None
    assert split(np.zeros((3, 2)), np.arange(3.0)) is None


def test_covariance_falls_from_the_whole_to_what_stays():
    parts = Parts(1.0, 2.0, 0.5, 0.3)
    lags = np.array([0.0, 0.3, 100.0])
    assert parts.covariance(lags) == pytest.approx([3.5, 2 / np.e + 0.5, 0.5])
    assert parts.total == 3.5


def test_parts_are_not_negative():
    with pytest.raises(InvalidValue, match="slow"):
        Parts(1.0, -0.1, 0.0)
