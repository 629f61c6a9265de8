"""How noise is split over time, and what detectors and match agree on in the long run."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from clips import clip_of, matched

from stereo3d.errors import InvalidValue
from stereo3d.refinement.constant import SUPPOSED, SUPPOSED_MATCH, Noises, _drawn, agreed, noises_of
from stereo3d.refinement.parts import Parts, autocovariance, split
from stereo3d.synthetic.noise import DetectorNoise

TIME = np.arange(1800) / 30


def noise(white: float, slow: float, constant: float, *, memory: float = 0.5, n: int = 40) -> np.ndarray:
    rng = np.random.default_rng(0)
    keep, drift = np.exp(-1 / 30 / memory), np.empty((len(TIME), n))
    drift[0] = rng.standard_normal(n)
    for t in range(1, len(TIME)):
        drift[t] = keep * drift[t - 1] + np.sqrt(1 - keep**2) * rng.standard_normal(n)
    return white * rng.standard_normal(drift.shape) + slow * drift + constant * rng.standard_normal(n)


@pytest.mark.parametrize(("white", "slow", "constant"), [(1.4, 1, 1), (2, 0, 0), (0, 2, 0), (0.5, 0, 2)])
def test_the_parts_of_a_noise_are_found(white: float, slow: float, constant: float) -> None:
    found = split(noise(white, slow, constant), TIME)
    assert found is not None
    parts, total = (found.white, found.slow, found.constant), white**2 + slow**2 + constant**2
    np.testing.assert_allclose(np.array(parts) / total, np.array([white, slow, constant]) ** 2 / total, atol=0.12)
    if slow:
        assert 0.3 < found.memory < 0.8
    assert found.covariance(np.array([0.0, 100.0])) == pytest.approx([found.total, found.constant])


def test_another_noise_that_is_known_is_taken_away() -> None:
    known = Parts(1.0, 1.0, 0.0, 0.5)
    found = split(noise(np.sqrt(2), 1, 0), TIME, known=known)
    assert found is not None and found.slow < 0.25 and found.white == pytest.approx(1.0, abs=0.2)


def test_gross_errors_do_not_count() -> None:
    x = noise(1, 0, 0)
    x[::50] += 60
    found = split(x, TIME)
    assert found is not None and found.white == pytest.approx(1, abs=0.5)


def test_too_little_is_none_and_a_part_below_zero_is_refused() -> None:
    assert split(np.full((500, 3), np.nan), TIME[:500]) is None
    assert split(np.zeros((500, 3)), TIME[:500]) is None
    assert split(noise(1, 0, 0)[:5], TIME[:5]) is None
    with pytest.raises(InvalidValue, match="slow"):
        Parts(1, -1, 0)


def test_pairs_across_a_break_of_the_clock_are_left_out() -> None:
    x, broken = noise(1, 2, 0), TIME + 100.0 * (np.arange(len(TIME)) >= 900)
    lags, found = autocovariance(x, broken)
    _, whole = autocovariance(x, TIME)
    assert lags[1] == pytest.approx(1 / 30) and found == pytest.approx(whole, abs=0.15)


def test_a_recording_tells_its_noise_and_a_short_one_is_supposed() -> None:
    clip = clip_of(DetectorNoise.mixed(2.95, correlation=0.5), 40, 20.0)
    found = noises_of(clip.evidence)
    assert found.match is None and found.detector.total == pytest.approx(1, abs=0.35)
    assert found.detector.white / found.detector.total == pytest.approx(0.5, abs=0.15)
    short = clip_of(DetectorNoise.mixed(2.95), 40, 0.1)
    assert noises_of(short.evidence).detector == SUPPOSED
    assert noises_of(matched(short)).match == SUPPOSED_MATCH


def test_the_match_has_parts_of_its_own() -> None:
    clip = clip_of(DetectorNoise.mixed(1.0, correlation=0.5), 40, 20.0)
    found = noises_of(matched(clip, white=0.4, slow=0.3, constant=1.0)).match
    assert found is not None and found.constant / found.total > 0.4


@pytest.mark.parametrize("seed", range(3))
def test_beside_noisy_detectors_the_match_is_about_as_supposed(seed: int) -> None:
    """In 2.5 s the variance of .85 px cannot be told from what 3 px leave: it came out at 0.05 to 15 times its own."""
    clip = clip_of(DetectorNoise.mixed(3.0, correlation=0.5), 41 + seed, 2.5)
    match = noises_of(matched(clip, seed=seed)).match
    assert match is not None and match.total == pytest.approx(1.0, abs=0.5)
    assert match.constant == pytest.approx(SUPPOSED_MATCH.constant, abs=0.15)


def test_a_long_recording_with_good_detectors_is_believed() -> None:
    time, known = np.arange(18_000) / 30, np.ones((18_000, 17), bool)
    found, beside = Parts(0.9, 0.1, 0.9, 0.3), Parts(0.1, 0.05, 0.01, 0.4)
    drawn = _drawn(found, beside, time, known)
    assert (drawn.white, drawn.slow) == pytest.approx((found.white, found.slow), abs=0.02)
    assert drawn.memory == pytest.approx(found.memory, abs=0.05)
    assert SUPPOSED_MATCH.constant + 0.1 < drawn.constant < found.constant, "17 joints are not many"
    short = _drawn(found, beside, time[:75], known[:75])
    assert abs(short.slow - SUPPOSED_MATCH.slow) < abs(drawn.slow - SUPPOSED_MATCH.slow)
    assert _drawn(found, beside, time[:1], ~known[:1]).total > 0


def test_a_match_that_seems_to_have_nothing_new_is_not_followed_step_by_step() -> None:
    """In 3 s beside detectors that drift quickly all of it seemed to drift: 0.003 was new, and tracks left both."""
    time, known = np.arange(75) / 25, np.ones((75, 17), bool)
    found, beside = Parts(0.0, 0.58, 1.48, 0.93), Parts(0.07, 3.1, 3.9, 0.12)
    drawn = _drawn(found, beside, time, known)
    assert drawn.slow == pytest.approx(SUPPOSED_MATCH.slow, abs=0.02)
    assert drawn.white == pytest.approx(SUPPOSED_MATCH.white, abs=0.05)


def test_two_that_differ_for_long_meet_by_their_shares() -> None:
    """A detector off by 3 px throughout and a match that is not: the mean lies near the match, and both agree."""
    clip = clip_of(DetectorNoise(white=1.0, bias=3.0, correlation=0.5), 40, 20.0)
    found = matched(clip, constant=0.1)
    noises = Noises(Parts(0.1, 0.0, 0.9), Parts(0.5, 0.45, 0.05, 1.0))
    moved, left = agreed(found, noises)
    before, after = (np.nanmean(x.place[..., 2] - clip.place[..., 2], 0) for x in (found, moved))
    assert np.abs(after).mean() < 0.25 * np.abs(before).mean()
    apart = np.nanmean(moved.place[..., 2] - moved.matched, 0)
    assert np.abs(apart).mean() < 0.2 * np.abs(before).mean()
    own = np.sqrt(0.9 * np.nanmedian(found.sigma**2, axis=0))
    np.testing.assert_allclose(left[:, :2], own[:, :2])
    assert (left[:, 2] < 0.5 * own[:, 2]).all(), "the constant error left is that of the better one"


def test_a_joint_that_is_hidden_throughout_keeps_its_own_error() -> None:
    """Where nothing drifts either: no pictures, no seconds, and nothing that would become 0 / 0."""
    clip = clip_of(DetectorNoise.mixed(2.0), 40, 3.0)
    found = matched(clip, constant=0.1)
    hidden = np.array(found.hidden)
    hidden[:, 4] = 1.0
    noises = Noises(Parts(0.7, 0.0, 0.3), Parts(0.9, 0.0, 0.1, 1.0))
    moved, left = agreed(dataclasses.replace(found, hidden=hidden), noises)
    np.testing.assert_allclose(left[4, 2], np.sqrt(0.3 * np.nanmedian(found.sigma[:, 4, 2] ** 2)))
    np.testing.assert_array_equal(moved.place[:, 4], found.place[:, 4])
    assert np.isfinite(left).all()


def test_without_a_match_nothing_moves() -> None:
    clip = clip_of(DetectorNoise.mixed(2.0), 40, 1.0)
    moved, left = agreed(clip.evidence, noises_of(clip.evidence))
    assert moved is clip.evidence and (left > 0).all()
