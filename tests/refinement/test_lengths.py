"""Bones measured in frames, and the lengths that a recording tells of them."""

from __future__ import annotations

import numpy as np
import pytest
from made_evidence import drawn, edited

from stereo3d.refinement.bones import bones_of
from stereo3d.refinement.evidence import located
from stereo3d.refinement.lengths import LOOSENESS, log_density, measured, points, usual_lengths

OWN, OTHER = 3.0, 0.7


@pytest.fixture(scope="module")
def made():
    found, truth = drawn(OWN, OTHER, seconds=4.0)
    xyz, _ = located(truth, np.ones_like(truth), found.camera)
    likely = points(found, found.matched, found.matched_sigma, found.camera)
    return found, xyz, likely, bones_of(found.skeleton, looseness=LOOSENESS)


def test_a_bone_is_as_unsure_as_its_ends_along_it(made):
    found, xyz, likely, bones = made
    first, second = bones.ends.T
    seen = measured(likely, likely, first, second)
    true = np.linalg.norm(xyz[:, first] - xyz[:, second], axis=-1)
    assert 0.6 < (np.abs(seen.mean - true) < np.sqrt(seen.variance)).mean() < 0.78
    assert seen.mean.shape == (len(found), len(bones))


def test_a_recording_tells_its_own_lengths(made):
    found, xyz, likely, bones = made
    length = np.full(len(found), 0.5)
    usual = usual_lengths(likely, bones, length)
    true = np.median(np.linalg.norm(xyz[:, bones.ends[:, 0]] - xyz[:, bones.ends[:, 1]], axis=-1), 0)
    tables = 0.5 * bones.ratio[bones.kind]
    off, before = np.abs(np.log(usual.length[0] / true)), np.abs(np.log(tables / true))
    assert off.mean() < 0.6 * before.mean()
    assert (usual.about < np.hypot(bones.spread[bones.kind], 0.02) + 1e-12).all() and (usual.about > 0.03).all()


def test_left_and_right_are_of_one_length(made):
    found, _, likely, bones = made
    usual = usual_lengths(likely, bones, np.full(len(found), 0.5))
    for kind in range(len(bones.names)):
        assert np.ptp(usual.length[:, bones.kind == kind]) == 0


def test_what_was_never_measured_is_as_the_tables_have_it(made):
    found, _, _, bones = made
    none = np.full_like(found.matched, np.nan)
    blind = points(edited(found, place=np.full_like(found.place, np.nan)), none, none, found.camera)
    usual = usual_lengths(blind, bones, np.full(len(found), 0.6))
    assert usual.length[0] == pytest.approx(0.6 * bones.ratio[bones.kind])


def test_a_bone_far_from_its_length_says_little_more_than_one_twice_as_far():
    near, far, farther = (log_density(np.array(x), np.array(1.0)) for x in (0.0, 8.0, 16.0))
    assert near > far > farther and far - farther < 5 * np.log(2) + 0.01 < 0.5 * (16**2 - 8**2)
