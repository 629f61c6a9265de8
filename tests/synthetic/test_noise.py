"""Detector noise: its statistics come out as they were asked for."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from stereo3d.errors import InvalidValue
from stereo3d.poses import Poses2D
from stereo3d.skeleton import COCO_17
from stereo3d.stereo import Stereo
from stereo3d.synthetic.noise import DetectorNoise, detections
from stereo3d.values import Floats

T, K, FPS = 3000, 17, 30


def truth(n_frames: int = T) -> Stereo[Poses2D]:
    """Joints that stand still, each at a place of its own."""
    xy = np.tile(np.stack([100 * np.arange(K), 50 + 10 * np.arange(K)], -1).astype(float), (n_frames, 1, 1))
    ones = np.ones((n_frames, K))
    poses = Poses2D(xy, ones, 0 * ones, np.arange(n_frames) / FPS, np.arange(n_frames), COCO_17)
    return Stereo(poses, dataclasses.replace(poses, xy=xy - [70, 0]))


def errors(noise: DetectorNoise, seed: int = 0, n_frames: int = T) -> Stereo[Floats]:
    """(T, K, 2) px in both views."""
    still = truth(n_frames)
    return detections(still, noise, seed=seed).map(lambda found, true: found.xy - true.xy, still)


def correlation(a: Floats, b: Floats) -> float:
    return float((a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum()))


def test_without_noise_the_truth_comes_back() -> None:
    found = detections(truth(), DetectorNoise(), seed=0)
    assert np.array_equal(found.left.xy, truth().left.xy) and np.array_equal(found.right.xy, truth().right.xy)
    assert not found.left.sigma.any() and np.all(found.left.score > 0.6)


def test_white_noise_has_its_deviation_and_no_memory() -> None:
    for error in errors(DetectorNoise(white=2.0)):
        assert error.std() == pytest.approx(2.0, rel=0.02)
        assert error.std((0, 1)) == pytest.approx([2.0, 2.0], rel=0.03)
        assert abs(error.mean()) < 0.02
        assert abs(correlation(error[1:], error[:-1])) < 0.015


@pytest.mark.parametrize("memory", [0.5, 0.2])
def test_slow_noise_forgets_as_asked(memory: float) -> None:
    """Its autocorrelation is exp(-lag / memory)."""
    error = np.concatenate([e for s in range(3) for e in errors(DetectorNoise(slow=1.5, memory=memory), s)], 1)
    assert error.std() == pytest.approx(1.5, rel=0.04)
    for lag in (1, 6, 15):
        assert correlation(error[lag:], error[:-lag]) == pytest.approx(np.exp(-lag / FPS / memory), abs=0.03)
    assert error[:10].std() == pytest.approx(1.5, rel=0.15), "stationary from the first frame on"


def test_bias_stays_and_differs_between_joints() -> None:
    error = np.stack([np.stack(list(errors(DetectorNoise(bias=3.0), s, 40))) for s in range(20)])
    assert np.ptp(error, axis=2).max() < 1e-9
    assert error.std() == pytest.approx(3.0, rel=0.08)


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9, -0.4])
@pytest.mark.parametrize("part", ["white", "slow"])
def test_the_views_correlate_as_asked(part: str, rho: float) -> None:
    left, right = errors(DetectorNoise(correlation=rho, **{part: 2.0}))
    assert correlation(left, right) == pytest.approx(rho, abs=0.04)
    assert right.std() == pytest.approx(2.0, rel=0.06)


def test_biases_correlate_too() -> None:
    both = [errors(DetectorNoise(bias=1.0, correlation=0.5), s, 2) for s in range(60)]
    left, right = (np.stack([e[side][0] for e in both]) for side in ("left", "right"))  # type: ignore[index]
    assert correlation(left, right) == pytest.approx(0.5, abs=0.06)


def test_a_mixture_has_half_white_a_quarter_drift_and_a_quarter_bias() -> None:
    noise = DetectorNoise.mixed(2.95, correlation=0.5)
    assert noise.sigma == pytest.approx(2.95)
    assert (noise.white**2, noise.slow**2, noise.bias**2) == pytest.approx(np.array([2, 1, 1]) * 2.95**2 / 4)
    error = np.concatenate([e for s in range(8) for e in errors(noise, s)], 1)
    assert error.std() == pytest.approx(2.95, rel=0.05)
    found = detections(truth(10), noise, seed=0).left.sigma
    assert found == pytest.approx(np.full((10, K), 2.95))


def test_gross_errors_come_at_their_rate_in_each_view_on_its_own() -> None:
    left, right = (np.abs(e).max(-1) > 0 for e in errors(DetectorNoise(outliers=0.03, outlier_size=40)))
    assert left.mean() == pytest.approx(0.03, abs=0.003)
    assert (left & right).mean() == pytest.approx(0.03**2, abs=0.0006)
    error = errors(DetectorNoise(outliers=0.03, outlier_size=40)).left
    assert error[left].std() == pytest.approx(40, rel=0.06)


def test_scores_of_gross_errors_are_mostly_lower() -> None:
    found = detections(truth(), DetectorNoise(outliers=0.1), seed=0).left
    gross = np.abs(found.xy - truth().left.xy).max(-1) > 0
    assert np.median(found.score[gross]) < 0.6 < 0.85 < np.median(found.score[~gross])
    assert found.score[gross].max() > found.score[~gross].min(), "not a sure sign"
    assert 0 < found.score.min() and found.score.max() <= 1


def test_misses_come_at_their_rate_and_are_nan() -> None:
    found = detections(truth(), DetectorNoise(misses=0.05, white=1.0), seed=0)
    for poses in found:
        missed = np.isnan(poses.xy).any(-1)
        assert missed.mean() == pytest.approx(0.05, abs=0.004)
        assert np.array_equal(missed, poses.score == 0) and np.array_equal(missed, np.isnan(poses.sigma))


def test_what_is_not_in_the_picture_is_missed() -> None:
    true = truth(4)
    score, xy = np.ones((4, K)), true.left.xy.copy()
    score[1, 3], xy[2, 5] = 0, np.nan
    found = detections(Stereo(dataclasses.replace(true.left, score=score, xy=xy), true.right), DetectorNoise(), seed=0)
    assert np.argwhere(found.left.score == 0).tolist() == [[1, 3], [2, 5]]
    assert np.isnan(found.left.xy[[1, 2], [3, 5]]).all() and found.right.score.all()


def test_swaps_exchange_whole_pairs_at_their_rate() -> None:
    found = detections(truth(), DetectorNoise(swaps=0.04), seed=0).left
    true = truth().left.xy
    swapped = (found.xy == true[:, COCO_17.mirror]).all(-1)[:, 1:]
    assert swapped.mean() == pytest.approx(0.04, abs=0.004)
    assert np.array_equal(swapped[:, ::2], swapped[:, 1::2]), "COCO's pairs stand side by side"
    assert np.all(found.xy[:, 0] == true[:, 0]), "the nose has no twin"
    unchanged = (found.xy == true).all(-1)[:, 1:]
    assert np.all(swapped | unchanged)


def test_same_seed_same_noise_and_a_longer_recording_begins_alike() -> None:
    noise = DetectorNoise(1, 1, 1, correlation=0.3, outliers=0.1, misses=0.1, swaps=0.1)
    short, again, long, other = (detections(truth(n), noise, seed=s) for n, s in ((50, 1), (50, 1), (200, 1), (50, 2)))
    assert short == again
    assert short != other
    for a, b in zip(short, long):
        assert np.allclose(a.xy, b.xy[:50], equal_nan=True) and np.array_equal(a.score, b.score[:50])


@pytest.mark.parametrize("n_frames", [0, 1])
def test_short_recordings(n_frames: int) -> None:
    assert detections(truth(n_frames), DetectorNoise.mixed(1.0), seed=0).left.xy.shape == (n_frames, K, 2)


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [({"white": -1}, "white: expected a number from 0"),
     ({"correlation": 1.5}, "correlation: expected a number from -1 to 1"),
     ({"misses": 2}, "misses: expected a number from 0 to 1"), ({"memory": 0}, "memory: expected a number from 1e-06"),
     ({"swaps": np.nan}, "swaps: expected a number")],
)
def test_impossible_noise_is_refused(bad: dict[str, float], sentence: str) -> None:
    with pytest.raises(InvalidValue, match=sentence):
        DetectorNoise(**bad)
