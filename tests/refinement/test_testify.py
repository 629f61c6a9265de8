"""Bones as witnesses of whether a joint is seen."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from made_evidence import drawn, edited

from stereo3d.refinement import lengths
from stereo3d.refinement import weigh as weighing
from stereo3d.refinement.evidence import Evidence
from stereo3d.refinement.explain import Compared, Shares
from stereo3d.refinement.lasting import explained_lastingly
from stereo3d.refinement.noise import Noise
from stereo3d.refinement.testify import hidden_by_bones
from stereo3d.skeleton import Skeleton

OWN, OTHER, GAP = 2.5, 0.8, 6.0


def compared(found: Evidence) -> Compared:
    joint = np.abs(found.matched)
    reach = abs(found.camera.baseline) * found.camera.focal
    return Compared(joint, found.matched_sigma, np.abs(found.place[..., 2]) - joint, found.sigma[..., 2], joint**2 / reach)


def usual(found: Evidence) -> Shares:
    return Shares(*(np.full(found.score.shape, p) for p in (0.88, 0.10, 0.02)))


def said(found: Evidence, shares: Shares | None = None, length: float = 0.5) -> np.ndarray:
    return hidden_by_bones(found, compared(found), shares or usual(found), length=np.full(len(found), length))


@pytest.fixture(scope="module")
def seen() -> Evidence:
    return drawn(OWN, OTHER)[0]


def before(found: Evidence, joint: str, gap: float = GAP) -> tuple[Evidence, int]:
    """Something that stands `gap` px before one joint, in all frames."""
    k = found.skeleton.joints.index(joint)
    matched = np.array(found.matched)
    matched[:, k] += gap
    return edited(found, matched=matched), k


@pytest.mark.parametrize("joint", ["left_elbow", "right_knee", "left_hip"])
def test_what_lies_before_a_joint_bends_its_bones_out_of_length(seen: Evidence, joint: str) -> None:
    found, k = before(seen, joint)
    odds, usually = said(found).mean(0), said(seen).mean(0)
    assert odds.argmax() == k and odds[k] > 0.2 > -0.8 > usually[k]
    assert (usually < 0).all()


def test_a_build_of_its_own_is_no_cover(seen: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long thighs on both sides: bones are learned before they are asked."""
    place = np.array(seen.place)
    joints = [seen.skeleton.index(f"{side}_{kind}") for kind in ("hip", "knee") for side in ("left", "right")]
    place[:, joints[2:], :2] += 0.15 * (place[:, joints[2:], :2] - place[:, joints[:2], :2])
    long = edited(seen, place=place)
    learned = said(long)[:, joints].mean(0)
    assert (np.abs(learned - said(seen)[:, joints].mean(0)) < 0.25).all()
    monkeypatch.setattr(lengths, "learned", lambda seen, bones, length: (bones.ratio, bones.spread))
    assert said(long)[:, joints].mean() > learned.mean() + 0.4


def test_bones_say_nothing_of_what_is_not_compared(seen: Evidence) -> None:
    alone = edited(seen, matched=np.full_like(seen.matched, np.nan))
    assert not said(alone).any()
    matched = np.array(seen.matched)
    matched[:, 3] = np.nan
    some = said(edited(seen, matched=matched))
    assert not some[:, 3].any() and np.isfinite(some).all() and some.any()
    bare = Skeleton("dots", tuple(f"dot_{i}" for i in range(17)), (), None)
    assert not said(dataclasses.replace(seen, skeleton=bare)).any()


def test_views_the_other_way_round_say_the_same(seen: Evidence) -> None:
    camera = dataclasses.replace(seen.camera, baseline=-seen.camera.baseline)
    turned = edited(seen, camera=camera, place=seen.place * (1, 1, -1), matched=-seen.matched)
    assert said(turned) == pytest.approx(said(seen), abs=1e-9)


def test_a_witness_is_heard_and_averaged_over_the_frames_around() -> None:
    n, k = 60, 2
    c = Compared(*(np.full((n, k), x) for x in (90.0, OTHER, -4.0, OWN, 130.0)))
    noise = Noise(np.full(k, OWN), 0.0, np.full(k, np.nan), 0.5, 0.0, 0.5, 0.0, 0.5, np.nan)
    time, shares = np.arange(n) / 30, Shares(*(np.full((n, k), p) for p in (0.88, 0.10, 0.02)))

    def witness(averaged: Compared, sofar: Shares) -> np.ndarray:
        assert averaged.own.max() < OWN and sofar.seen.shape == averaged.off.shape
        return np.column_stack([np.where(np.arange(n) == 30, 4.0, 0.0), np.full(n, -1.5)])

    silent, heard = (explained_lastingly(c, shares, time=time, noise=noise, told=t) for t in (None, witness))
    louder = heard.hidden[:, 0] - silent.hidden[:, 0]
    assert 0.02 < louder[30] < 0.15  # alone it would be 0.4
    assert (heard.hidden[:, 1] < 0.6 * silent.hidden[:, 1]).all()
    assert sum(heard)[:, 0] == pytest.approx(np.ones(n))


def test_weighing_asks_the_bones(seen: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(weighing, "explained_lastingly", lambda c, b, *, time, noise, told: asked.append(told(c, b)) or b)
    reach = abs(seen.camera.baseline) * seen.camera.focal
    depth, _, _ = weighing.Offsets.default().of(seen.skeleton)
    skin = reach / (reach / seen.matched - depth * 0.5)
    shape = seen.score.shape
    surface = weighing.Surface(
        seen.place[..., :2], skin, np.ones(shape), np.full(shape, 0.1), np.zeros(shape, int), seen.time, seen.frame,
        seen.skeleton,
    )
    noise = Noise(np.full(shape[1], OWN), 0.0, np.full(shape[1], np.nan), 0.5, 0.0, 0.5, 0.25, 0.25, 0.5)

    class Known:
        evidence, joints = seen, ()

    Known.noise = noise
    monkeypatch.setattr(weighing, "_of_one_view", lambda prepared, surface, found, matched, spread: (found.place, found.sigma))
    weighing.weigh(Known, surface)
    assert len(asked) == 1 and asked[0].shape == shape and asked[0].any()
