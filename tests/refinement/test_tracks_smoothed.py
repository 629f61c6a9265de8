"""Tracks smoothed with noise and liveliness learned from the recording: better, and as sure as they say."""

from __future__ import annotations

import numpy as np
import pytest
from clips import MIXED, Clip, clip_of, edited, matched, mean_error, without

from stereo3d.refinement import smooth
from stereo3d.refinement.constant import noises_of
from stereo3d.refinement.evidence import located
from stereo3d.refinement.smooth import smoothed
from stereo3d.synthetic.noise import DetectorNoise

WHITE = DetectorNoise(white=2.0)


def off(place: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(3,) px, root mean square along each axis."""
    return np.sqrt(np.nanmean((place - truth) ** 2, axis=(0, 1)))


def distance(place: np.ndarray, truth: np.ndarray, clip: Clip) -> float:
    """m, the mean one."""
    camera = clip.evidence.camera
    return mean_error(*(located(x, np.ones(x.shape), camera)[0] for x in (place, truth)))


def test_white_noise_falls_to_a_third_and_sigma_is_true() -> None:
    clip = clip_of(WHITE, 42, 6.0)
    found = smoothed(clip.evidence, noises_of(clip.evidence))
    assert (off(found.place, clip.place) < 0.36 * off(clip.evidence.place, clip.place)).all()
    z = np.abs(found.place - clip.place) / found.sigma
    assert 60 < 100 * (z < 1).mean() < 82 and 91 < 100 * (z < 2).mean() < 99
    np.testing.assert_allclose(found.scale, 1, atol=0.3)


def test_still_infants_and_startles_are_never_worse() -> None:
    clip = clip_of(WHITE, 42, 6.0)
    still = edited(clip.evidence, place=clip.evidence.place - clip.place + clip.place[:1])
    found = smoothed(still, noises_of(still))
    assert (off(found.place, clip.place[:1]) < 0.25 * off(still.place, clip.place[:1])).all()
    x = np.clip((clip.evidence.time - 3) / 0.15, 0, 1)
    away = 60 * (10 * x**3 - 15 * x**4 + 6 * x**5)[:, None, None] * np.array([1.0, 0.5, 0.1])  # 1 m/s at its peak
    startled = edited(clip.evidence, place=still.place + away)
    found = smoothed(startled, noises_of(startled))
    truth, near = clip.place[:1] + away, slice(85, 100)
    before, after = (distance(x.place[near], truth[near], clip) for x in (startled, found))
    assert after < 0.5 * before
    assert (off(found.place, truth) < 0.5 * off(startled.place, truth)).all()


def test_an_infant_that_startles_throughout_is_not_taken_for_noise() -> None:
    """The same movement at six times its speed: nothing but its beginning tells that it is no noise."""
    noise = DetectorNoise.mixed(1.0, correlation=0.5)
    quick = clip_of(noise, 42, 15.0)
    errors = quick.evidence.place - quick.place
    rows = np.arange(0, len(quick.place), 6)
    place = quick.place[rows] + errors[: len(rows)]
    found = edited(
        quick.evidence, **{n: getattr(quick.evidence, n)[: len(rows)] for n in (
            "sigma", "matched", "matched_sigma", "hidden", "score", "residual", "status", "time", "frame")}, place=place)
    noises = noises_of(found)
    after = smoothed(found, noises)
    assert after.scale.max() < 1.1
    assert distance(after.place, quick.place[rows], quick) < 0.95 * distance(place, quick.place[rows], quick)


def test_gross_errors_lose_their_weight() -> None:
    clip = clip_of(WHITE, 42, 6.0)
    place = np.array(clip.evidence.place)
    hit = np.random.default_rng(0).random(place.shape[:2]) < 0.02
    place[hit] += 25
    spoilt = edited(clip.evidence, place=place)
    found, calm = (smoothed(x, noises_of(clip.evidence)) for x in (spoilt, clip.evidence))
    assert (off(found.place, clip.place) < 1.5 * off(calm.place, clip.place)).all(), "twice as much without weights"


def test_the_match_is_used_and_one_that_sees_an_occluder_is_not() -> None:
    clip = clip_of(MIXED, 42, 6.0)
    alone, both = clip.evidence, matched(clip)
    error = [off(smoothed(x, noises_of(x)).place, clip.place)[2] for x in (alone, both)]
    assert error[1] < 0.6 * error[0]
    hidden = np.zeros(alone.score.shape)
    hidden[:, [9, 10]] = 0.95
    wrong = np.array(both.matched)
    wrong[:, [9, 10]] += 4
    wrists = [9, 10]
    said = edited(both, matched=wrong, hidden=hidden)
    plain, found = (smoothed(x, noises_of(alone)).place[:, wrists] for x in (alone, said))
    assert off(found, clip.place[:, wrists])[2] < 1.1 * off(plain, clip.place[:, wrists])[2]


def test_windows_are_as_good_as_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tracks are smoothed in windows of about a second side by side, and in stretches; in one long window it takes
    longer."""
    clip = clip_of(MIXED, 42, 12.0)
    noises = noises_of(clip.evidence)
    usual = smoothed(clip.evidence, noises)
    away = []
    for changed in ({"_PIECE": 100.0}, {"_STRETCH": 200}):
        with monkeypatch.context() as one:
            for name, value in changed.items():
                one.setattr(smooth, name, value)
            whole = smoothed(clip.evidence, noises)
        away.append(np.abs(usual.place - whole.place) / whole.sigma)
        np.testing.assert_allclose(usual.sigma.mean(), whole.sigma.mean(), rtol=0.05)
    assert max(x.mean() for x in away) < 0.05 and max(np.percentile(x, 99) for x in away) < 0.3


def test_a_hole_is_guessed_and_its_sigma_grows() -> None:
    clip = clip_of(WHITE, 42, 6.0)
    gone = np.zeros(clip.evidence.score.shape, bool)
    gone[100:112, 9] = True
    found = smoothed(without(clip.evidence, gone), noises_of(clip.evidence))
    sigma = found.sigma[:, 9, 0]
    assert np.isfinite(found.place[100:112, 9]).all() and sigma[105] > 1.3 * sigma[95]
    z = (found.place - clip.place)[100:112, 9] / found.sigma[100:112, 9]
    assert np.abs(z).max() < 4


def test_any_clock_that_grows() -> None:
    """Dropped frames and a break of a minute: as good on both sides."""
    clip = clip_of(WHITE, 42, 6.0)
    kept = np.random.default_rng(1).random(180) < 0.7
    rows = {n: getattr(clip.evidence, n)[kept] for n in (
        "place", "sigma", "matched", "matched_sigma", "hidden", "score", "residual", "status", "time", "frame")}
    rows["time"] = rows["time"] + 60.0 * (rows["time"] > 3)
    uneven = edited(clip.evidence, **rows)
    found = smoothed(uneven, noises_of(uneven))
    assert (off(found.place, clip.place[kept]) < 0.45 * off(uneven.place, clip.place[kept])).all()
