"""Left and right exchanged in both views at once are put back by time, and sound recordings left alone."""

from __future__ import annotations

import numpy as np
import pytest
from made_evidence import drawn, edited

from stereo3d.poses import Status
from stereo3d.refinement import swaps
from stereo3d.refinement.swaps import straightened

PER_JOINT = ("place", "sigma", "matched", "matched_sigma", "hidden", "score", "residual", "status")


def exchanged(found, frames, pairs):
    """The evidence with those pairs of joints exchanged in those frames."""
    fields = {}
    for name in PER_JOINT:
        x = np.array(getattr(found, name))
        for a, b in pairs:
            x[np.ix_(frames, [a, b])] = x[np.ix_(frames, [b, a])]
        fields[name] = x
    return edited(found, **fields)


@pytest.mark.parametrize("seed", [90, 91, 92, 93])
def test_sound_recordings_are_left_alone(seed):
    found, _ = drawn(of=seed)
    same, swapped = straightened(found)
    assert swapped.mean() < 0.002
    if not swapped.any():
        assert same is found


@pytest.mark.parametrize("pairs", [[(9, 10)], [(15, 16), (13, 14)], [(5, 6), (7, 8), (9, 10)]])
@pytest.mark.parametrize("frames", [range(100, 101), range(100, 112), range(200, 245)], ids=["1", "12", "45"])
def test_swaps_are_undone(pairs, frames):
    found, truth = drawn()
    fixed, swapped = straightened(exchanged(found, list(frames), pairs))
    joints = sorted(j for pair in pairs for j in pair)
    planted = np.zeros(truth.shape[:2], bool)
    planted[np.ix_(list(frames), joints)] = True
    assert swapped[planted].mean() > 0.95 and swapped[~planted].mean() < 0.01
    assert ((fixed.status & int(Status.SWAPPED)) > 0)[swapped].all()
    assert fixed.place[swapped] == pytest.approx(found.place[swapped])
    assert fixed.matched[swapped] == pytest.approx(found.matched[swapped])


def test_a_swap_at_the_start_is_undone():
    found, _ = drawn()
    _, swapped = straightened(exchanged(found, list(range(20)), [(9, 10)]))
    assert swapped[:20, 9:11].mean() > 0.95 and swapped[20:].mean() < 0.01


def test_holes_are_no_reason():
    found, _ = drawn()
    rng = np.random.default_rng(0)
    place = np.array(found.place)
    place[rng.random(place.shape[:2]) < 0.3] = np.nan
    place[:, 15] = np.nan
    _, swapped = straightened(edited(found, place=place))
    assert swapped.mean() < 0.004


@pytest.mark.parametrize("frames", [0, 1])
def test_no_time_is_nothing_to_go_by(frames):
    found, _ = drawn()
    part = {n: getattr(found, n)[:frames] for n in (*PER_JOINT, "time", "frame")}
    _, swapped = straightened(edited(found, **part))
    assert not swapped.any()


def test_what_is_not_searched_has_no_cheaper_exchange() -> None:
    """Costs of all kinds: wherever the search finds an exchange, it is not left out beforehand, and much is."""
    rng = np.random.default_rng(0)
    n = 4000
    stay = np.where(rng.random((30, n)) < 0.1, 12.5 * rng.integers(0, 3, (30, n)), rng.random((30, n)))
    cross = np.where(rng.random((30, n)) < 0.1, rng.random((30, n)), 25.0)
    home = rng.uniform(0, 0.08, (2, 30, n)) + rng.uniform(-0.1, 0.1, n) * np.array([0.0, 1.0])[:, None, None]
    may = swaps._may_pay(stay, cross, home)
    found = swaps._cheapest(stay, cross, home).any(0)
    assert not (found & ~may).any()
    assert found.any() and (~may).mean() > 0.1
