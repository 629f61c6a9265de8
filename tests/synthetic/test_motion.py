"""Movement: its laws, and the figures of the literature."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stereo3d.skeleton import COCO_17
from stereo3d.synthetic.body import infant_body
from stereo3d.synthetic.kinematics import pose
from stereo3d.synthetic.motion import writhing
from stereo3d.synthetic.posture import ANGLES, limits
from stereo3d.values import Floats

FPS = 30
ENDS = [COCO_17.index(j) for j in ("left_wrist", "right_wrist", "left_ankle", "right_ankle")]
TRUNK = [COCO_17.index(j) for j in ("left_shoulder", "right_shoulder", "left_hip", "right_hip")]


def joints(seed: int, weeks: float = 40.0, seconds: int = 90) -> Floats:
    """(T, 17, 3) m, 30 a second."""
    body, time = infant_body(weeks, seed=seed), np.arange(seconds * FPS) / FPS
    return pose(body, writhing(body, time, seed=seed)).joints


def speeds(xyz: Floats) -> Floats:
    """(T, K) m/s."""
    return np.linalg.norm(np.gradient(xyz, 1 / FPS, axis=0), axis=-1)


@pytest.fixture(scope="module")
def infants() -> list[Floats]:
    return [joints(seed) for seed in range(8)]


@given(weeks=st.floats(27, 64), seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_angles_keep_within_their_limits(weeks: float, seed: int) -> None:
    angles = writhing(infant_body(weeks, seed=seed), np.arange(0, 120, 0.5), seed=seed).joined()
    low, high = limits()
    assert np.all((angles > low) & (angles < high))


def test_the_frame_rate_does_not_change_the_movement() -> None:
    body = infant_body(38, seed=2)
    fast, slow = (writhing(body, np.arange(0, 6, 1 / fps), seed=9).joined() for fps in (60, 15))
    assert np.allclose(fast[::4], slow, atol=1e-9)


def test_a_longer_recording_begins_like_a_shorter_one() -> None:
    body = infant_body(38, seed=2)
    short, long = (writhing(body, np.arange(n) / FPS, seed=9).joined() for n in (40, 400))
    assert np.allclose(long[:40], short, atol=1e-9)


def test_same_seed_same_movement_another_seed_another() -> None:
    body, time = infant_body(38, seed=2), np.arange(20) / FPS
    first = writhing(body, time, seed=1)
    assert first == writhing(body, time, seed=1)
    assert np.abs(first.joined() - writhing(body, time, seed=2).joined()).max() > 0.1


def test_one_frame_and_none_are_allowed() -> None:
    body = infant_body(38, seed=2)
    assert writhing(body, np.zeros(1), seed=1).joined().shape == (1, 25)
    assert writhing(body, np.zeros(0), seed=1).joined().shape == (0, 25)


def test_wrists_and_ankles_are_as_fast_as_in_infants(infants: list[Floats]) -> None:
    """Awake at term: median .05-.10, 95 % below .3-.5, no more than 1-1.5 m/s (a little over in the fastest)."""
    for xyz in infants:
        speed = speeds(xyz)[:, ENDS]
        assert 0.05 < np.median(speed) < 0.10
        assert 0.28 < np.percentile(speed, 95) < 0.5
        assert 0.6 < speed.max() < 1.8
    assert np.median([speeds(xyz)[:, ENDS].max() for xyz in infants]) < 1.5


def test_the_trunk_moves_less_than_the_limbs(infants: list[Floats]) -> None:
    ratio = [np.median(speeds(xyz)[:, TRUNK]) / np.median(speeds(xyz)[:, ENDS]) for xyz in infants]
    assert 0.05 < np.median(ratio) < 0.3


def test_nearly_all_power_lies_below_2_hz(infants: list[Floats]) -> None:
    shares = []
    for xyz in infants:
        moved = (xyz - xyz.mean(0))[:, ENDS] * np.hanning(len(xyz))[:, None, None]
        power = (np.abs(np.fft.rfft(moved, axis=0)) ** 2).sum((1, 2))
        below = np.fft.rfftfreq(len(xyz), 1 / FPS)[:, None] < (2, 5)
        shares.append(power @ below / power.sum())
    assert np.median(shares, 0)[0] > 0.95
    assert np.min(shares, 0)[1] > 0.99


def test_limbs_wax_and_wane_partly_together(infants: list[Floats]) -> None:
    """Speeds of two limbs correlate by .1-.4 in normal general movements."""
    between = [np.corrcoef(speeds(xyz)[:, ENDS].T)[np.triu_indices(4, 1)].mean() for xyz in infants]
    assert 0.1 < np.mean(between) < 0.4


def test_hip_and_knee_bend_together() -> None:
    names, found = list(ANGLES), []
    for seed in range(8):
        angles = writhing(infant_body(40, seed=seed), np.arange(0, 180, 0.2), seed=seed).joined()
        for side in ("left", "right"):
            hip, knee = (angles[:, names.index(f"{side}_leg_{a}")] for a in ("elevation", "hinge"))
            found.append(np.corrcoef(hip, knee)[0, 1])
    assert 0.6 < np.mean(found) < 0.9


def test_preterm_infants_are_slower() -> None:
    young, term = (np.mean([np.median(speeds(joints(s, w))[:, ENDS]) for s in range(4)]) for w in (32, 40))
    assert 0.4 < young / term < 0.75
