"""Limbs keep out of the head, the trunk and each other, smoothly, and each moment on its own."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.synthetic import contacts
from stereo3d.synthetic.body import infant_body
from stereo3d.synthetic.contacts import apart
from stereo3d.synthetic.kinematics import Posture, pose
from stereo3d.synthetic.motion import writhing
from stereo3d.synthetic.posture import Angles, limits, on_the_side
from stereo3d.values import Floats

BODY = infant_body(45, seed=5)
TIME = np.arange(0, 20, 1 / 15)
ASKED = writhing(BODY, TIME, seed=5)


def deepest(posture: Posture) -> Floats:
    """(T,) m, how deep balls of the flesh lie in each other at most."""
    balls = contacts._balls(BODY, posture)
    own = (balls.limb >= 0).nonzero()[0]
    away = np.linalg.norm(balls.centre[:, own, None] - balls.centre[:, None], axis=-1)
    depth = balls.radius[own, None] + balls.radius - away
    depth[:, contacts._exempt(balls, own)] = -1
    return np.asarray(depth.max((1, 2)))


@pytest.fixture(scope="module")
def moved() -> Posture:
    return apart(BODY, ASKED)


def test_what_sinks_is_moved_out(moved: Posture) -> None:
    before = deepest(pose(BODY, ASKED))
    assert (before > 0.003).mean() > 0.02, "else this shows nothing"
    assert deepest(moved).max() < 0.002


def test_moments_without_contact_stay_as_they_were(moved: Posture) -> None:
    plain = pose(BODY, ASKED)
    free = deepest(plain) < 0
    assert free.any() and np.array_equal(moved.joints[free], plain.joints[free])


def test_bones_keep_their_length_and_angles_their_limits(moved: Posture) -> None:
    j = moved.joints
    for first, second, length in ((7, 9, BODY.forearm), (8, 10, BODY.forearm), (13, 15, BODY.shank)):
        assert np.allclose(np.linalg.norm(j[:, first] - j[:, second], axis=1), length)
    _, high = limits()
    assert (moved.angles.joined()[:, [8, 13, 18, 23]] <= high[[8, 13, 18, 23]] + 1e-9).all()


def test_pieces_are_as_the_whole(moved: Posture) -> None:
    part = Angles.split(ASKED.joined()[40:80])
    assert np.allclose(apart(BODY, part).joints, moved.joints[40:80], atol=1e-12)


def test_nothing_jumps(moved: Posture) -> None:
    """Pushed limbs move no faster than the fastest that are free to."""
    fast, plain = (np.linalg.norm(np.diff(p.joints, axis=0), axis=-1).max() * 15 for p in (moved, pose(BODY, ASKED)))
    assert fast < 1.5 * plain


@pytest.mark.parametrize("roll", [-1.4, 0.9, 1.6])
def test_on_the_side_the_side_turned_to_lies_lower(roll: float) -> None:
    """Nothing is under the mattress by more than its flesh gives way, and hardly anything sinks into anything."""
    turned = apart(BODY, on_the_side(ASKED, roll))
    higher = turned.joints[:, 6, 2] - turned.joints[:, 5, 2]
    assert (higher * np.sign(roll) > 0).all()
    assert turned.joints[..., 2].min() > -0.005
    assert (deepest(turned) > 0.003).mean() < 0.03


def test_a_roll_of_nothing_changes_nothing_much() -> None:
    few = Angles.split(ASKED.joined()[:5])
    assert np.allclose(on_the_side(few, 0.0).arms, few.arms)
