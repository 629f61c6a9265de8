"""Joints held to the lengths of their bones, each frame by itself."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from made_evidence import drawn, edited

from stereo3d.refinement import along
from stereo3d.refinement import refine as refining
from stereo3d.refinement.evidence import Evidence, of_frames
from stereo3d.refinement.frame import fused, refine_frames
from stereo3d.refinement.settings import Refine
from stereo3d.skeleton import Skeleton

OWN, OTHER = 3.0, 0.8
ELBOW, KNEE = "left_elbow", "right_knee"


@pytest.fixture(scope="module")
def seen() -> tuple[Evidence, np.ndarray]:
    return drawn(OWN, OTHER, seconds=4.0)


def hidden(found: Evidence, *joints: str) -> Evidence:
    """Those joints behind something 6 px nearer, and known to be."""
    matched, share = np.array(found.matched), np.array(found.hidden)
    those = [found.skeleton.index(joint) for joint in joints]
    matched[:, those] += 6.0
    share[:, those] = 0.98
    return edited(found, matched=matched, hidden=share)


def off(found: Evidence, truth: np.ndarray, joint: str, bones: bool) -> np.ndarray:
    k = found.skeleton.index(joint)
    return fused(found, bones=bones).mean[:, k] - truth[:, k, 2]


@pytest.mark.parametrize("joint", [ELBOW, KNEE])
def test_bones_find_what_the_pictures_do_not_show(seen, joint: str) -> None:
    found = hidden(seen[0], joint)
    held, alone = (np.abs(off(found, seen[1], joint, bones)).mean() for bones in (True, False))
    assert held < 0.75 * alone


def test_what_is_seen_gains_too(seen) -> None:
    found, truth = seen
    held, alone = (np.abs(fused(found, bones=b).mean - truth[..., 2]).mean() for b in (True, False))
    assert held < 0.97 * alone


def test_error_bars_hold_with_bones(seen) -> None:
    found, truth = hidden(seen[0], ELBOW, KNEE), seen[1]
    out = fused(found, bones=True)
    those = [found.skeleton.index(joint) for joint in (ELBOW, KNEE)]
    size = np.abs(out.mean - truth[..., 2])[:, those] / out.sigma[:, those]
    assert 0.60 < (size < 1).mean() < 0.88 and (size < 1.96).mean() > 0.93  # these bones keep their length exactly


def test_a_neighbour_that_is_elsewhere_does_not_drag(seen) -> None:
    found, truth = hidden(seen[0], ELBOW), seen[1]
    usual = np.abs(off(found, truth, ELBOW, True)).mean()
    place = np.array(found.place)
    place[:, found.skeleton.index("left_wrist"), :2] += 150.0
    far = np.abs(off(edited(found, place=place), truth, ELBOW, True)).mean()
    assert far < 1.6 * usual


def test_a_joint_without_neighbours_stays(seen) -> None:
    found, k = seen[0], seen[0].skeleton.index("left_ankle")
    place, matched = np.array(found.place), np.array(found.matched)
    knee = found.skeleton.index("left_knee")
    place[:, knee], matched[:, knee] = np.nan, np.nan
    out, alone = (fused(edited(found, place=place, matched=matched), bones=b) for b in (True, False))
    assert (out.mean[:, k] == alone.mean[:, k]).all() and (out.sigma[:, k] == alone.sigma[:, k]).all()
    assert np.isnan(out.mean[:, knee]).all() and np.isfinite(np.delete(out.mean, knee, 1)).all()


def test_a_skeleton_of_unknown_joints_stays(seen) -> None:
    bare = dataclasses.replace(seen[0], skeleton=Skeleton("dots", tuple(f"dot_{i}" for i in range(17)), (), None))
    out, alone = (fused(bare, bones=b) for b in (True, False))
    assert (out.mean == alone.mean).all() and (out.sigma == alone.sigma).all()


def test_frames_at_once_change_nothing(seen, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fused(seen[0], bones=True)
    monkeypatch.setattr(along, "_AT_ONCE", 7)
    parts = fused(seen[0], bones=True)
    assert parts.mean == pytest.approx(whole.mean, abs=1e-12) and parts.sigma == pytest.approx(whole.sigma, abs=1e-12)


def test_views_the_other_way_round_give_the_same(seen) -> None:
    found = hidden(seen[0], ELBOW)
    camera = dataclasses.replace(found.camera, baseline=-found.camera.baseline)
    turned = edited(found, camera=camera, place=found.place * (1, 1, -1), matched=-found.matched)
    here, there = fused(found, bones=True), fused(turned, bones=True)
    assert there.mean == pytest.approx(-here.mean, abs=1e-6) and there.sigma == pytest.approx(here.sigma, abs=1e-6)


def test_no_frames_are_none(seen) -> None:
    assert len(refine_frames(of_frames(seen[0], np.arange(0)))) == 0


def test_the_setting_counts_for_single_frames(seen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refining, "evidence_of", lambda *args, **kinds: seen[0])
    held, alone = (refining.refine((), seen[0].camera, Refine(mode="frame", bones=b)).xyz for b in (True, False))
    np.testing.assert_array_equal(held, refine_frames(seen[0]).xyz)
    np.testing.assert_array_equal(alone, refine_frames(seen[0], bones=False).xyz)
    assert np.abs(held - alone).max() > 0.001
