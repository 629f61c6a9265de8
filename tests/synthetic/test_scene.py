"""Simulations: truth, pixels and cameras agree, and everything follows from the seed."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from stereo3d.errors import InvalidValue
from stereo3d.skeleton import COCO_17
from stereo3d.stereo import Stereo
from stereo3d.synthetic.noise import DetectorNoise
from stereo3d.synthetic.scene import AGMA_LIKE, Simulation, simulate
from stereo3d.values import Floats

QUIET = DetectorNoise()


def ideal(scene: Simulation, pixels: Stereo[Floats]) -> Stereo[Floats]:
    """(N, 2) normalised points of raw px (..., 2), by OpenCV."""
    stop = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 200, 1e-13)
    return pixels.map(
        lambda xy, lens: cv2.undistortPoints(
            xy.reshape(-1, 1, 2), lens.matrix, lens.distortion, criteria=stop
        ).reshape(-1, 2),
        scene.rig.cameras,
    )


@pytest.mark.parametrize("seed", range(5))
def test_the_pixels_lead_back_to_the_truth(seed: int) -> None:
    """Triangulated by OpenCV from the raw pixels, the joints are where they were put."""
    scene = simulate(seed, 1, fps=10, noise=QUIET)
    left, right = ideal(scene, scene.pixels.map(lambda p: p.xy))
    second = np.hstack([scene.rig.rotation, scene.rig.translation[:, None]])
    found = cv2.triangulatePoints(np.eye(3, 4), second, left.T, right.T)
    xyz = (found[:3] / found[3]).T.reshape(scene.truth.xyz.shape)
    assert np.abs(xyz - scene.truth.xyz).max() < 1e-6


def test_truth_is_whole_and_in_the_plain_left_camera() -> None:
    scene = simulate(1, 2, fps=15)
    truth = scene.truth
    assert truth.camera == scene.rig and truth.skeleton == COCO_17
    assert truth.found.all() and not truth.status.any() and not truth.sigma.any()
    assert np.array_equal(truth.in_left_camera(), truth.xyz)
    assert np.allclose(truth.xyz, scene.bed.to_camera(scene.posture.joints))
    assert json.loads(json.dumps(truth.origin)) == {"synthetic": truth.origin["synthetic"]}
    assert truth.origin["synthetic"]["seed"] == 1


@pytest.mark.parametrize("distance", [0.5, 0.7, 1.0])
def test_the_infant_lies_that_far_below(distance: float) -> None:
    """Between the mattress and a raised knee or hand, with 2 degrees of tilt."""
    for seed in range(4):
        depth = simulate(seed, 10, fps=2, distance=distance, noise=QUIET).truth.xyz[..., 2]
        assert distance - 0.30 < depth.min() and depth.max() < distance + 0.015
        assert np.median(depth) == pytest.approx(distance - 0.06, abs=0.03)


def test_head_up_the_left_side_is_at_the_right_of_the_picture() -> None:
    """And head down at its left: the camera looks at the face."""
    for seed in range(3):
        for heading, side in ((0.0, 1), (np.pi, -1)):
            scene = simulate(seed, 4, fps=5, heading=heading, noise=QUIET)
            for view in scene.pixels:
                x, y = np.moveaxis(view.xy, -1, 0)
                for joint in ("shoulder", "hip"):
                    across = x[:, COCO_17.index(f"left_{joint}")] - x[:, COCO_17.index(f"right_{joint}")]
                    assert np.all(across * side > 10)
                along = y[:, COCO_17.index("left_hip")] - y[:, COCO_17.index("nose")]
                assert np.all(along * side > 50)


def test_the_face_is_turned_to_the_camera() -> None:
    """Most of the time the nose is nearer to the camera than both ears, and between the eyes."""
    depth = np.concatenate([simulate(s, 20, fps=2, noise=QUIET).truth.xyz[..., 2] for s in range(10)])
    assert np.mean(depth[:, 0] < depth[:, 3:5].min(1)) > 0.6
    assert np.mean(depth[:, 0] < depth[:, 3:5].max(1)) == 1


@pytest.mark.parametrize("seed", range(4))
def test_a_heading_that_is_not_given_may_be_any(seed: int) -> None:
    scene = simulate(seed, 1, fps=5, noise=QUIET)
    xy = scene.pixels.left.xy.mean(0)
    up = xy[[5, 6]].mean(0) - xy[[11, 12]].mean(0)
    assert np.cos(np.arctan2(-up[0], -up[1]) - scene.bed.heading) > np.cos(0.35)


def test_headings_and_ages_come_from_all_around() -> None:
    scenes = [simulate(s, 0, noise=QUIET) for s in range(40)]
    headings = np.histogram([s.bed.heading for s in scenes], 4, (-np.pi, np.pi))[0]
    assert headings.min() >= 3
    ages = [s.body.weeks for s in scenes]
    assert 32 <= min(ages) < 35 and 43 < max(ages) <= 46


def test_same_seed_same_numbers_another_seed_others() -> None:
    assert simulate(5, 1) == simulate(5, 1)
    assert simulate(5, 1) != simulate(6, 1)


def test_frame_rate_length_and_noise_change_nothing_else() -> None:
    slow, fast, long = (simulate(5, s, fps=f) for s, f in ((1, 15), (1, 30), (3, 15)))
    assert np.allclose(fast.truth.xyz[::2], slow.truth.xyz, atol=1e-9)
    assert np.allclose(long.truth.xyz[:15], slow.truth.xyz, atol=1e-9)
    assert np.allclose(long.detections.left.xy[:15], slow.detections.left.xy, atol=1e-6, equal_nan=True)
    assert simulate(5, 1, fps=15, noise=QUIET).truth == slow.truth


def test_moments_and_lengths() -> None:
    scene = simulate(0, 2, fps=15)
    assert len(scene) == 30 and scene.fps == 15
    assert np.allclose(scene.truth.time, np.arange(30) / 15)
    for poses in (scene.truth, *scene.pixels, *scene.detections):
        assert np.array_equal(poses.time, scene.truth.time) and np.array_equal(poses.frame, np.arange(30))
    assert len(simulate(0, 0)) == 1, "at least one pair"


def test_detections_are_the_pixels_with_the_noise_that_was_asked_for() -> None:
    quiet = simulate(3, 1, noise=QUIET)
    assert np.array_equal(quiet.detections.left.xy, quiet.pixels.left.xy)
    noisy = simulate(3, 20)
    error = noisy.detections.left.xy - noisy.pixels.left.xy
    usual = np.abs(error).max(-1) < 15
    assert np.nanstd(error[usual]) == pytest.approx(AGMA_LIKE.sigma, rel=0.2)
    assert np.isnan(error[..., 0]).mean() == pytest.approx(AGMA_LIKE.misses, abs=0.005)


def test_joints_out_of_the_picture_have_score_0_and_are_not_detected() -> None:
    scene = simulate(2, 2, fps=10, distance=0.4, weeks=60, heading=0.0, noise=QUIET)
    w, h = scene.rig.cameras.left.size
    for pixels, found in zip(scene.pixels, scene.detections):
        inside = ((pixels.xy > -0.5) & (pixels.xy < (w - 0.5, h - 0.5))).all(-1)
        assert 0 < inside.mean() < 1
        assert np.array_equal(inside, pixels.score == 1) and np.array_equal(inside, found.score > 0)
        assert np.isfinite(pixels.xy).all()


def test_an_age_that_is_given_is_kept() -> None:
    assert simulate(2, 0, weeks=33).body.weeks == 33


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [({"seconds": -1}, "seconds: expected a number from 0"), ({"fps": 0}, "fps: expected a number from 0.1"),
     ({"distance": 70}, "distance: expected a number from 0.4 to 1.5, got 70"), ({"weeks": 20}, "weeks: expected"),
     ({"heading": np.inf}, "heading: expected a number")],
)
def test_impossible_scenes_are_refused(wrong: dict[str, float], sentence: str) -> None:
    with pytest.raises(InvalidValue, match=sentence):
        simulate(**wrong)  # type: ignore[arg-type]
