"""LOS, RMSD in both readings, and the limbs they are of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stereo3d.errors import UsageError
from stereo3d.evaluation import metrics
from stereo3d.evaluation.limbs import (
    limb_overlap,
    limbs,
    median_iqr,
    resized,
    rmsd,
    segments,
)
from stereo3d.skeleton import BABYPOSE_12, COCO_17, CROWDPOSE_14, INMOTION_19, SKELETONS

ONE = {"right arm": np.arange(3)}
VGA = (640, 480)
differences = arrays(float, (4, 12, 2), elements=st.floats(-50, 50) | st.just(np.nan))


class TestLimbs:
    @pytest.mark.parametrize("skeleton", [COCO_17, CROWDPOSE_14, BABYPOSE_12])
    def test_are_named_by_their_joints(self, skeleton):
        named = {name: [skeleton.joints[i] for i in which] for name, which in limbs(skeleton.joints).items()}
        assert list(named) == ["right arm", "left arm", "right leg", "left leg"]
        assert named["right arm"] == ["right_wrist", "right_elbow", "right_shoulder"]
        assert named["left leg"] == ["left_ankle", "left_knee", "left_hip"]

    def test_without_a_hip_there_is_no_leg(self):
        assert list(limbs(INMOTION_19.joints)) == ["right arm", "left arm"]
        assert limbs(["nose"]) == {} and segments(["nose"]) == {}

    def test_of_its_joints_alone(self):
        assert list(limbs(["left_knee", "left_hip", "left_ankle"])) == ["left leg"]
        assert list(segments(["left_knee", "left_hip"])) == ["left thigh"]

    @pytest.mark.parametrize("skeleton", list(SKELETONS.values()), ids=lambda s: s.name)
    def test_segments_are_bones(self, skeleton):
        bones = {frozenset(bone) for bone in skeleton.bones}
        held = segments(skeleton.joints)
        assert {frozenset(ends) for ends in held.values()} <= bones
        assert len(held) == (6 if skeleton is INMOTION_19 else 8)

    def test_lengths_of_segments_stay(self):
        xyz = np.random.default_rng(0).normal(size=(1, 17, 3)) + np.arange(5.0)[:, None, None]
        ends = segments(COCO_17.joints)
        found = metrics.length_statistics(metrics.bone_lengths(xyz, list(ends.values())))
        np.testing.assert_allclose(found.variation, 0, atol=1e-9)
        left = [COCO_17.index("left_knee"), COCO_17.index("left_hip")]
        length = np.linalg.norm(xyz[0, left[0]] - xyz[0, left[1]])
        assert found.mean[list(ends).index("left thigh")] == pytest.approx(length)


class TestLimbOverlap:
    def test_five_pixels_in_640_by_480(self):
        """The diagonal is 800 px: 5 px are .99375, and the paper's .992 is 6.4 px."""
        error = np.full((4, 3), 5.0)
        score = limb_overlap(error, np.ones((4, 3), bool), ONE, VGA)
        assert (score.mean_score, score.mean_distance) == pytest.approx((0.99375, 5.0))
        assert limb_overlap(error * 1.28, np.ones((4, 3), bool), ONE, VGA).mean_score == pytest.approx(0.992)

    def test_mean_of_frames_then_of_limbs(self):
        """A limb seen whole and one seen in part weigh the same, and so do frames."""
        error = np.array([[4.0, 8.0, 100.0, 1.0], [10.0, 10.0, 10.0, 1.0]])
        visible = np.array([[True, True, False, True], [True, True, True, True]])
        found = limb_overlap(error, visible, {"a": np.array([0, 1, 2]), "b": np.array([3])}, (300, 400))
        np.testing.assert_allclose(found.distance, [(6 + 10) / 2, 1.0])
        np.testing.assert_allclose(found.score, [1 - 8 / 500, 1 - 1 / 500])
        assert (found.mean_score, found.mean_distance) == pytest.approx((1 - 4.5 / 500, 4.5))

    def test_a_limb_never_visible_is_unknown_and_not_one(self):
        limb = {"a": np.array([0, 1]), "b": np.array([2])}
        found = limb_overlap(np.full((2, 3), 8.0), np.array([[True, True, False]] * 2), limb, VGA)
        np.testing.assert_allclose(found.score, [0.99, np.nan])
        assert found.mean_score == pytest.approx(0.99)

    def test_what_was_not_found_is_left_out(self):
        found = limb_overlap(np.array([[8.0, np.nan, np.nan]]), np.ones((1, 3), bool), ONE, VGA)
        assert found.mean_score == pytest.approx(0.99)

    @pytest.mark.parametrize("error, limb", [(np.zeros((0, 3)), ONE), (np.full((2, 3), np.nan), ONE),
                                             (np.ones((2, 3)), {})])  # fmt: skip
    def test_nothing_is_unknown(self, error, limb):
        found = limb_overlap(error, np.ones(error.shape, bool), limb, VGA)
        assert np.isnan([found.mean_score, found.mean_distance]).all()

    def test_the_size_of_a_tile_counts(self):
        """In a grid of 2 x 2 the whole picture would halve the loss."""
        error, visible = np.full((1, 3), 8.0), np.ones((1, 3), bool)
        tile, grid = (limb_overlap(error, visible, ONE, size).mean_score for size in (VGA, (1280, 960)))
        assert (1 - grid) == pytest.approx((1 - tile) / 2)


class TestRmsd:
    vectors = np.array([[[3.0, 0.0], [0.0, 4.0], [12.0, 0.0]]])

    @pytest.mark.parametrize("reading, expected", [("joint", np.sqrt(169 / 3)), ("coordinate", np.sqrt(169 / 6))])
    def test_both_readings(self, reading, expected):
        found = rmsd(self.vectors, ONE, reading).item()
        assert found == pytest.approx(expected, abs=1e-12)
        assert found == pytest.approx({"joint": 7.5056, "coordinate": 5.3072}[reading], abs=5e-5)

    def test_joint_reading_is_the_default(self):
        np.testing.assert_array_equal(rmsd(self.vectors, ONE), rmsd(self.vectors, ONE, "joint"))

    def test_another_reading(self):
        with pytest.raises(UsageError, match="reading: expected 'joint' or 'coordinate', got 'axis'"):
            rmsd(self.vectors, ONE, "axis")

    def test_what_was_not_found_is_left_out(self):
        holed = np.concatenate([self.vectors, self.vectors])
        holed[0, 2] = np.nan
        holed[1] = np.nan
        np.testing.assert_allclose(rmsd(holed, ONE), [[np.sqrt(25 / 2)], [np.nan]])

    def test_at_the_papers_size(self):
        """640 x 480 to 128 x 96 divides by five; other shapes by another number for each axis."""
        np.testing.assert_allclose(rmsd(resized(self.vectors, VGA), ONE), rmsd(self.vectors, ONE) / 5)
        np.testing.assert_allclose(resized(np.ones((1, 2)), (256, 480), (128, 96)), [[0.5, 0.2]])

    @given(differences)
    def test_lies_between_the_mean_and_the_largest_error(self, difference):
        which = limbs(BABYPOSE_12.joints)
        found = rmsd(difference, which)
        for column, joints in zip(found.T, which.values()):
            error = metrics.distance(difference, 0.0)[:, joints]
            known = np.isfinite(column)
            assert (known == np.isfinite(error).any(1)).all()
            for x, row in zip(column[known], error[known]):
                assert np.nanmean(row) - 1e-9 <= x <= np.nanmax(row) + 1e-9


class TestMedianIqr:
    def test_by_column(self):
        x = np.array([[1.0, 5.0], [2.0, np.nan], [3.0, 7.0], [4.0, np.nan], [5.0, np.nan]])
        np.testing.assert_allclose(median_iqr(x), [[3.0, 6.0], [2.0, 1.0]])

    def test_nothing_is_unknown(self):
        np.testing.assert_equal(median_iqr(np.full((2, 3), np.nan)), np.full((2, 3), np.nan))
        assert median_iqr(np.zeros((4, 0))).shape == (2, 0)
