"""The refinement over time as a whole: better than frame by frame, honest about it, and nothing dropped silently."""

from __future__ import annotations

import json

import numpy as np
import pytest
from clips import MIXED, clip_of, edited, matched, mean_error, without

from stereo3d.errors import InvalidValue
from stereo3d.poses import Status
from stereo3d.refinement.clip import OverTime, clip
from stereo3d.refinement.frame import refine_frames
from stereo3d.synthetic.noise import DetectorNoise

OUTLIERS = DetectorNoise.mixed(3.0, correlation=0.5, outliers=0.03)


@pytest.mark.parametrize(("noise", "share"), [
    (MIXED, 0.7), (OUTLIERS, 0.7), (DetectorNoise(white=2.0), 0.4), (DetectorNoise(slow=2.0), 0.85),
    (DetectorNoise(bias=2.0), 0.85), (DetectorNoise(white=0.3, correlation=0.9), 1.0),
])
def test_time_and_bones_lower_the_error_of_every_kind_of_noise(noise: DetectorNoise, share: float) -> None:
    before, after = [], []
    for seed in (50, 51, 52):
        given = clip_of(noise, seed, 3.0)
        frames = refine_frames(given.evidence)
        before.append(mean_error(frames.xyz, given.truth))
        after.append(mean_error(clip(given.evidence).xyz, given.truth, frames.found))
    assert np.mean(after) < share * np.mean(before)


def test_with_the_pictures_it_is_better_still() -> None:
    given = clip_of(MIXED, 50, 6.0)
    alone, both = (mean_error(clip(x).xyz, given.truth) for x in (given.evidence, matched(given)))
    assert both < 0.8 * alone


def test_sigma_holds_what_it_says() -> None:
    z = []
    for seed in range(50, 56):
        given = clip_of(MIXED, seed, 3.0)
        found = clip(given.evidence)
        z.append(np.abs(found.xyz - given.truth) / found.sigma)
    inside = [100 * np.mean(np.concatenate(z) < n) for n in (1, 2)]
    assert 58 < inside[0] < 78 and 88 < inside[1] < 98.5


def test_holes_are_filled_up_to_the_limit_and_flagged() -> None:
    given = clip_of(MIXED, 50, 3.0)
    gone = np.zeros(given.evidence.score.shape, bool)
    gone[20:30, 9], gone[20:60, 10], gone[:12, 15] = True, True, True
    seen = without(given.evidence, gone)
    found = clip(seen, OverTime(gap=0.5))
    filled = (found.status & int(Status.FILLED)) > 0
    assert found.found[20:30, 9].all() and filled[20:30, 9].all()
    assert not found.found[20:60, 10].any() and not filled[20:60, 10].any(), "too long"
    assert not found.found[:12, 15].any(), "nothing before it"
    assert np.isnan(found.sigma[~found.found]).all() and np.isfinite(found.sigma[found.found]).all()
    assert found.sigma[25, 9].max() > found.sigma[15, 9].max()
    none = clip(seen, OverTime(gap=0.0))
    assert not none.found[20:30, 9].any() and not (none.status & int(Status.FILLED)).any()


def test_every_change_says_why_and_every_missing_joint_has_a_reason() -> None:
    given = clip_of(OUTLIERS, 50, 6.0)
    found = clip(given.evidence)
    changed = (found.status & int(Status.FILLED)) > 0
    assert 0.005 < changed.mean() < 0.2
    assert ((given.evidence.status | found.status) == found.status).all(), "reasons stay"
    assert (found.status[~found.found] != 0).all()


def test_both_views_exchanged_are_put_back() -> None:
    given = clip_of(DetectorNoise.mixed(1.0, correlation=0.5), 50, 6.0)
    mirror, place = given.evidence.skeleton.mirror, np.array(given.evidence.place)
    frames = slice(100, 110)
    pair = [9, 10]
    place[frames, pair] = place[frames][:, mirror[pair]]
    found = clip(edited(given.evidence, place=place))
    wrists = np.linalg.norm(found.xyz - given.truth, axis=-1)[frames][:, pair]
    assert wrists.mean() < 0.02
    assert ((found.status[frames][:, pair] & int(Status.SWAPPED)) > 0).mean() > 0.8


def test_what_was_learned_is_written_down() -> None:
    given = clip_of(MIXED, 50, 3.0)
    origin = clip(given.evidence).origin["refine"]
    assert json.loads(json.dumps(origin)) == origin
    shares = [origin["detector"][n] for n in ("white", "slow", "constant")]
    assert sum(shares) == pytest.approx(1, abs=1e-3)
    truth = np.linalg.norm(given.truth[:, 7] - given.truth[:, 9], axis=-1).mean()
    arm = origin["lengths"]["elbow-wrist"]
    assert abs(arm["length"] - truth) < max(3 * arm["sigma"], 0.006)
    assert any("without the pictures" in note for note in origin["notes"])
    short = clip(clip_of(MIXED, 50, 0.5).evidence).origin["refine"]["notes"]
    assert any("too few" in note for note in short)
    biased = clip(clip_of(DetectorNoise(bias=2.0), 50, 6.0).evidence).origin["refine"]["notes"]
    assert any("stays the same throughout" in note for note in biased)
    blind = without(given.evidence, np.arange(17) == 3 + np.zeros((90, 1)))
    assert any("never seen: left_ear" in note for note in clip(blind).origin["refine"]["notes"])


@pytest.mark.parametrize("n", [0, 1, 2, 8])
def test_few_frames(n: int) -> None:
    given = clip_of(MIXED, 50, 3.0).evidence
    part = edited(given, **{x: getattr(given, x)[:n] for x in (
        "place", "sigma", "matched", "matched_sigma", "hidden", "score", "residual", "status", "time", "frame")})
    found = clip(part)
    assert found.found.shape == (n, 17) and np.isfinite(found.xyz[np.isfinite(part.place).all(-1)]).all()


def test_nothing_seen_is_nothing_found() -> None:
    given = clip_of(MIXED, 50, 3.0).evidence
    found = clip(without(given, np.ones(given.score.shape, bool)))
    assert not found.found.any() and np.isnan(found.sigma).all()
    one = clip(without(given, np.arange(17) != 9 + np.zeros((90, 1))))
    assert one.found[:, 9].mean() > 0.9 and not np.delete(one.found, 9, 1).any()


def test_without_bones_each_joint_is_on_its_own() -> None:
    given = clip_of(MIXED, 50, 3.0)
    place = np.array(given.evidence.place)
    place[:, 9, 2] += 5
    calm, moved = (clip(x, OverTime(bones=False)).xyz for x in (given.evidence, edited(given.evidence, place=place)))
    others = np.delete(np.arange(17), 9)
    assert np.abs(calm - moved)[:, others].max() < 0.004 and np.abs(calm - moved)[:, 9].max() > 0.02


def test_cameras_the_other_way_round_give_the_same() -> None:
    """Left and right exchanged: baseline and disparity change their signs, the infant stays where it is."""
    import dataclasses

    given = clip_of(MIXED, 50, 3.0)
    found, camera = given.evidence, given.evidence.camera
    turned = dataclasses.replace(camera, cx=type(camera.cx)(camera.cx.right, camera.cx.left), baseline=-camera.baseline)
    other = edited(found, place=found.place * [1, 1, -1], camera=turned)
    a, b = clip(found), clip(other)
    np.testing.assert_allclose(a.xyz[..., 2], b.xyz[..., 2], atol=1e-6)
    np.testing.assert_allclose(a.sigma, b.sigma, atol=1e-6)


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(InvalidValue, match="gap"):
        OverTime(gap=-1)
    with pytest.raises(InvalidValue, match="speed"):
        OverTime(speed=0)
