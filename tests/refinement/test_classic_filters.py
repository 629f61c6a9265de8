"""The classic filters: what passes, what does not, and that nothing unknown becomes known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.signal import butter, filtfilt, savgol_filter

from stereo3d.errors import InvalidValue
from stereo3d.refinement.classic import butterworth, one_euro, running_median, savitzky_golay

TIME = np.arange(300) / 30
SLOW = np.sin(2 * np.pi * 0.7 * TIME)
ALL = [butterworth, savitzky_golay, running_median, one_euro]


@pytest.mark.parametrize("run", ALL)
def test_noise_falls_and_movement_stays(run: Callable[..., np.ndarray]) -> None:
    noise = 0.2 * np.random.default_rng(0).standard_normal((300, 2, 3))
    x = SLOW[:, None, None] + noise
    out = run(x, TIME)
    assert out.shape == x.shape
    off = out - SLOW[:, None, None]
    assert off[10:-10].std() < (0.9 if run is one_euro else 0.75) * noise.std(), 'one_euro sees no future, so it lags'


@pytest.mark.parametrize("run", ALL)
def test_what_is_unknown_stays_unknown_and_touches_no_other(run: Callable[..., np.ndarray]) -> None:
    x = np.stack([SLOW, SLOW, np.full(300, np.nan), np.where(TIME == TIME[7], 1.0, np.nan)], 1)
    x[40:50, 0], x[:5, 0] = np.nan, np.nan
    out = run(x, TIME)
    np.testing.assert_array_equal(np.isnan(out), np.isnan(x))
    np.testing.assert_allclose(out[:, 1], run(SLOW, TIME))


@pytest.mark.parametrize("run", ALL)
@pytest.mark.parametrize("n", [0, 1, 2, 3, 4])
def test_few_frames_are_no_error(run: Callable[..., np.ndarray], n: int) -> None:
    assert np.isfinite(run(np.ones((n, 2)), TIME[:n])).all()


def test_butterworth_is_scipys_and_its_gain_is_that_of_the_formula() -> None:
    sections = filtfilt(*butter(4, 6 / 15), SLOW)
    np.testing.assert_allclose(butterworth(SLOW, TIME)[30:-30], sections[30:-30], atol=1e-4)
    edge = np.cos(2 * np.pi * 6 * TIME)
    assert np.abs(butterworth(edge, TIME))[100:200].max() == pytest.approx(0.5, abs=0.01), "half: twice 1 / sqrt 2"


def test_savitzky_golay_keeps_its_polynomials() -> None:
    cubic = 3 * TIME**3 - TIME
    np.testing.assert_allclose(savitzky_golay(cubic, TIME), cubic, atol=1e-6)
    np.testing.assert_allclose(savitzky_golay(SLOW, TIME, window=7, degree=2), savgol_filter(SLOW, 7, 2))


def test_the_median_takes_spikes_away_whole() -> None:
    x = SLOW.copy()
    x[100] += 50
    assert np.abs(running_median(x, TIME) - SLOW).max() < 0.3


def test_one_euro_is_its_recursion() -> None:
    """Step by step as in the paper, and it never looks ahead."""
    x, h = SLOW + 0.1 * np.random.default_rng(1).standard_normal(300), 1 / 30

    def share(cutoff: float) -> float:
        return 1 / (1 + 1 / (2 * np.pi * cutoff * h))

    last, speed, wanted = x[0], 0.0, [x[0]]
    for value in x[1:]:
        speed += share(1.0) * ((value - last) / h - speed)
        last += share(1.0 + 5.0 * abs(speed)) * (value - last)
        wanted.append(last)
    np.testing.assert_allclose(one_euro(x, TIME), wanted, rtol=1e-9)
    np.testing.assert_array_equal(one_euro(x[:50], TIME[:50]), one_euro(x, TIME)[:50])


@pytest.mark.parametrize(("run", "settings", "what"), [
    (butterworth, {"cutoff": 15.1}, "Hz below 15"), (savitzky_golay, {"window": 10}, "odd number"),
    (savitzky_golay, {"window": 3}, "above the degree 3"), (running_median, {"window": 4}, "odd number"),
    (one_euro, {"slowest": 0.0}, "slowest"),
])
def test_what_cannot_be_is_a_sentence(run: Callable[..., np.ndarray], settings: dict[str, float], what: str) -> None:
    with pytest.raises(InvalidValue, match=what):
        run(SLOW, TIME, **settings)


def test_a_clock_that_stands_still_is_refused() -> None:
    with pytest.raises(InvalidValue, match="times that grow"):
        butterworth(np.zeros(3), [0.0, 0.0, 0.1])
