"""Hidden for longer than a frame: what one frame cannot tell, the seconds around it can, and no farther."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.refinement.explain import Compared, Shares, explained
from stereo3d.refinement.lasting import explained_lastingly
from stereo3d.refinement.noise import Noise

PER_METRE, OWN, SPREAD = 130.0, 3.0, 0.8


def noise(white=1.0, slow=0.0, bias=0.0) -> Noise:
    return Noise(np.full(2, OWN), 0.0, np.full(2, np.nan), 0.5, 0.0, white, slow, bias, 0.5 if slow else np.nan)


def compared(off) -> Compared:
    off = np.asarray(off, float)
    return Compared(*(np.broadcast_to(x, off.shape) for x in (90.0, SPREAD, off, OWN, PER_METRE)))


def usual(shape) -> Shares:
    return Shares(*(np.full(shape, p) for p in (0.88, 0.10, 0.02)))


def explain(off, told=noise(), fps=30.0) -> Shares:
    c = compared(off)
    return explained_lastingly(c, usual(c.off.shape), time=np.arange(len(c.off)) / fps, noise=told)


def drawn(gap, *, seed=0, t=90) -> np.ndarray:
    """(T, 2) px, white differences about -gap."""
    return -np.asarray(gap, float) + np.random.default_rng(seed).normal(0, OWN, (t, 2))


def test_a_few_px_that_one_frame_cannot_tell_from_noise():
    off = drawn((5.0, 0.0))
    alone, lasting = explained(compared(off), usual(off.shape)), explain(off)
    assert np.median(alone.hidden[:, 0]) < 0.6
    assert lasting.hidden[:, 0].mean() > 0.85 > alone.hidden[:, 0].mean() + 0.2
    assert lasting.hidden[:, 1].mean() < alone.hidden[:, 1].mean()


def test_errors_that_stay_are_not_averaged_away():
    off = np.full((90, 2), -5.0)
    new, stays = explain(off, noise()), explain(off, noise(0.0, 0.0, 1.0))
    alone = explained(compared(off), usual(off.shape))
    assert new.hidden.min() > 0.95 > alone.hidden.max() + 0.2
    assert stays.hidden == pytest.approx(alone.hidden, abs=0.03)


def test_slow_errors_average_out_less_than_new_ones():
    off = np.full((90, 2), -5.0)
    every = [explain(off, told).hidden[45, 0] for told in (noise(), noise(0.5, 0.5), noise(0.5, 0.0, 0.5))]
    assert every[0] > every[1] > every[2]


def test_what_comes_before_a_joint_later_is_not_blamed_on_it_now():
    off = drawn((0.0, 0.0))
    off[45:, 0] -= 25.0
    seen = explain(off).seen[:, 0]
    assert seen[45:].max() < 0.1
    assert np.median(seen[:45]) > 0.8


def test_nobody_knows_of_frames_beyond_a_break_of_the_clock():
    off = np.concatenate([np.zeros((30, 2)), np.full((1, 2), -5.0)])
    c, time = compared(off), np.append(np.arange(30) / 30, 60.0)
    found = explained_lastingly(c, usual(off.shape), time=time, noise=noise())
    assert found.hidden[30] == pytest.approx(explained(c, usual(off.shape)).hidden[30])


def test_a_match_is_wrong_by_itself():
    off = np.zeros((31, 2))
    off[15, 0] = 30.0
    found = explain(off)
    assert found.wrong[15, 0] > 0.9 and found.wrong[14, 0] < 0.1
    assert np.add.reduce(found) == pytest.approx(np.ones(off.shape))


def test_unknown_differences_keep_what_was_thought_before():
    off = drawn((6.0, 0.0))
    off[:, 1] = np.nan
    found = explain(off)
    assert found.hidden[:, 1] == pytest.approx(np.full(90, 0.10))
    assert found.wrong[:, 1] == pytest.approx(np.full(90, 0.02))


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_frames(n):
    off = np.full((n, 2), -4.0)
    found = explain(off)
    assert np.isfinite(np.array(found)).all()
    if n == 1:
        assert np.array(found) == pytest.approx(np.array(explained(compared(off), usual(off.shape))))


def test_frames_are_averaged_evenly_at_any_rate():
    slow = explain(np.full((16, 2), -4.0), fps=4.0).hidden[8, 0]
    fast = explain(np.full((960, 2), -4.0), fps=240.0).hidden[480, 0]
    assert slow == pytest.approx(fast, abs=0.02)


def test_joints_are_told_apart_and_time_has_no_direction():
    off = drawn((5.0, 0.0))
    found = explain(off).hidden
    assert explain(off[:, ::-1]).hidden[:, ::-1] == pytest.approx(found)
    assert explain(off[::-1]).hidden[::-1] == pytest.approx(found)
