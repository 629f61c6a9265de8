"""Smoothness and regularity: published and exact values, and laws."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.errors import InvalidValue
from stereo3d.evaluation.smoothness import ldlj, sample_entropy, sparc


def place(rate: int) -> np.ndarray:
    """A movement of minimum jerk of 1 m in 1 s."""
    t = np.arange(rate + 1) / rate
    return 10 * t**3 - 15 * t**4 + 6 * t**5


@pytest.mark.parametrize(("rate", "wanted"), [(30, -5.078), (1000, -5.315)])
def test_minimum_jerk_as_it_is_sampled(rate: int, wanted: float) -> None:
    assert ldlj(np.gradient(place(rate), 1 / rate), rate) == pytest.approx(wanted, abs=5e-4)


def test_minimum_jerk_is_720() -> None:
    rate = 20_000
    assert ldlj(np.gradient(place(rate), 1 / rate), rate) == pytest.approx(-np.log(720 / 1.875**2), abs=1e-3)


@pytest.mark.parametrize(("rate", "wanted"), [(30, -1.4004), (1000, -1.4024)])
def test_the_arc_of_minimum_jerk(rate: int, wanted: float) -> None:
    t = np.arange(rate) / rate
    assert sparc(30 * t**2 - 60 * t**3 + 30 * t**4, rate) == pytest.approx(wanted, abs=5e-5)


def test_entropy_of_noise_and_of_a_wave() -> None:
    np.random.seed(0)
    assert sample_entropy(np.random.randn(1000)) == pytest.approx(2.2442, abs=5e-5)
    assert sample_entropy(np.sin(2 * np.pi * np.arange(1000) / 50)) == pytest.approx(0.2478, abs=5e-5)


def test_entropy_by_counting() -> None:
    x = np.array([1.0, 2.0, 1.0, 2.0, 1.0, 3.0])
    assert sample_entropy(x, tolerance=0.1) == pytest.approx(-np.log(1 / 2))
    assert np.isnan(sample_entropy(np.array([0.0, 1.0, 4.0, 9.0]), tolerance=0.0))


@pytest.mark.parametrize("measure", [ldlj, sparc])
def test_jitter_is_less_smooth_and_size_does_not_count(measure) -> None:  # type: ignore[no-untyped-def]
    speed = np.gradient(place(60), 1 / 60)
    rough = speed + np.random.default_rng(0).normal(0, 0.1, len(speed))
    assert measure(rough, 60) < measure(speed, 60)
    assert measure(3 * speed, 60) == pytest.approx(measure(speed, 60))
    assert np.isnan(measure(np.zeros(9), 60)) and np.isnan(measure(np.full(9, np.nan), 60))
    with pytest.raises(InvalidValue, match="expected 3 or more, got 2"):
        measure(np.ones(2), 60)


def test_a_short_series_is_refused() -> None:
    with pytest.raises(InvalidValue, match="expected 4 numbers or more, got 3"):
        sample_entropy(np.ones(3))
