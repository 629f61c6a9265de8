"""The kinds of movement: each a function of time, and told apart by speed, rhythm and coupling."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.errors import UsageError
from stereo3d.synthetic.body import infant_body
from stereo3d.synthetic.kinematics import pose
from stereo3d.synthetic.movements import MOVEMENTS, movement
from stereo3d.values import Floats

BODY = infant_body(45, seed=2)
FPS = 30
ENDS = [9, 10, 15, 16]


def speeds(kind: str, seed: int = 1, seconds: float = 60) -> Floats:
    """(T, 4) m/s of wrists and ankles."""
    joints = pose(BODY, movement(kind, BODY, np.arange(0, seconds, 1 / FPS), seed=seed)).joints[:, ENDS]
    return np.asarray(np.linalg.norm(np.gradient(joints, 1 / FPS, axis=0), axis=-1))


@pytest.mark.parametrize("kind", MOVEMENTS)
def test_a_moment_depends_on_its_time_alone(kind: str) -> None:
    time = np.arange(0, 12, 0.1)
    whole = movement(kind, BODY, time, seed=3).joined()
    assert np.allclose(movement(kind, BODY, time[60:90], seed=3).joined(), whole[60:90], atol=1e-9)
    assert np.abs(movement(kind, BODY, time, seed=4).joined() - whole).max() > 0.01
    assert movement(kind, BODY, np.zeros(0), seed=3).joined().shape == (0, 25)


@pytest.mark.parametrize("kind", MOVEMENTS)
def test_all_are_smooth(kind: str) -> None:
    """99 % of the position's power lies below 5 Hz."""
    joints = pose(BODY, movement(kind, BODY, np.arange(0, 40, 1 / FPS), seed=1)).joints[:, ENDS]
    power = np.abs(np.fft.rfft((joints - joints.mean(0)) * np.hanning(len(joints))[:, None, None], axis=0)) ** 2
    below = np.fft.rfftfreq(len(joints), 1 / FPS) < 5
    assert power[below].sum() / power.sum() > 0.99


def test_rest_is_nearly_still() -> None:
    assert np.percentile(speeds("rest"), 95) < 0.01


def test_fidgets_are_small_and_go_on_and_on() -> None:
    speed = speeds("fidgety")
    assert 0.03 < np.median(speed) < 0.15 and speed.max() < 0.9
    joints = pose(BODY, movement("fidgety", BODY, np.arange(0, 30, 1 / FPS), seed=1)).joints[:, ENDS]
    slow = np.stack([np.convolve(j, np.ones(45) / 45, "same") for j in joints.reshape(len(joints), -1).T], 1)
    excursion = np.abs(joints.reshape(len(joints), -1) - slow)[60:-60]
    assert 0.003 < np.percentile(excursion, 90) < 0.03
    quiet = (speed.max(1) < 0.02).mean()
    assert quiet < 0.2


def test_cramped_limbs_move_together_and_writhing_ones_do_not() -> None:
    def coupling(kind: str) -> float:
        return float(np.mean([np.corrcoef(speeds(kind, s).T)[np.triu_indices(4, 1)].mean() for s in range(3)]))

    assert coupling("cramped-synchronised") > 0.6
    assert coupling("writhing") < 0.45 and coupling("fidgety") < 0.4


def test_startles_break_into_rest_with_arms_thrown_out() -> None:
    time = np.arange(0, 45, 1 / FPS)
    angles = movement("startles", BODY, time, seed=1).arms[:, :, 0]
    speed = speeds("startles", seconds=45)
    assert np.median(speed) < 0.02 < 0.3 < speed.max() < 2.0
    swing = np.degrees(angles.max(0) - np.median(angles, 0))
    assert (swing > 20).all()
    assert 1 <= (np.diff((speed.mean(1) > 0.08).astype(int)) == 1).sum() <= 12


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(UsageError, match="writhing"):
        movement("writing", BODY, np.zeros(1), seed=0)
