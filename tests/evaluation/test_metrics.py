"""Tables of known values, and laws that hold for any errors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stereo3d.errors import UsageError
from stereo3d.evaluation import metrics
from stereo3d.skeleton import BABYPOSE_12, COCO_17, INMOTION_19, MPII_16

errors = arrays(float, st.tuples(st.integers(0, 5), st.integers(0, 4)), elements=st.floats(0, 1) | st.just(np.nan))
THRESHOLDS = (0.01, 0.025, 0.05, 0.1)


def everything(error):
    return np.ones(error.shape, bool)


class TestDistance:
    @pytest.mark.parametrize("a, b, expected", [([3, 4, 0], [0, 0, 0], 5), ([1, 2, 3], [1, 2, 3], 0),
                                                ([1, 1, 1], [2, 3, 3], 3), ([np.nan, 0, 0], [0, 0, 0], np.nan),
                                                ([0, 0, 0], [0, 0, np.nan], np.nan)])  # fmt: skip
    def test_is_euclidean(self, a, b, expected):
        np.testing.assert_equal(metrics.distance(a, b), expected)

    @pytest.mark.parametrize("a, b", [([1, 0, 0], [4, 4, 0]), ([4, 4, 0], [1, 0, 0])])
    def test_of_pixels_in_small_integers_does_not_wrap(self, a, b):
        assert metrics.distance(np.array(a, np.uint8), np.array(b, np.uint8)) == 5
        assert metrics.distance(np.array(a, np.uint8), b) == metrics.distance(a, np.array(b, np.uint8)) == 5
        assert metrics.distance(np.array([200, 0, 0], np.uint8), np.array([0, 0, 0], np.uint8)) == 200

    def test_neither_infinity_nor_huge_numbers_warn(self):
        assert np.isnan(metrics.distance([np.inf, 0, 0], [np.inf, 0, 0]))
        assert metrics.distance([1e300, 0, 0], [0, 0, 0]) == np.inf


class TestPck:
    def test_agma_equation_5(self):
        """d = 1, 5, 9.9, 10, 10.1, 30 at .05, .1 and .2 of a torso of 100: d <= X T, inclusive."""
        d = np.array([[1, 5, 9.9, 10, 10.1, 30]])
        np.testing.assert_allclose(metrics.pck3d(d, everything(d), [5, 10, 20]), [1 / 3, 2 / 3, 5 / 6])

    def test_a_joint_at_the_threshold_is_right_whatever_rounding_does(self):
        truth = np.random.default_rng(0).uniform(0.5, 0.9, (100, 17, 3))
        error = metrics.distance(truth + [0.01, 0, 0], truth)
        assert (error > 0.01).any()
        assert metrics.pck3d(error, everything(error), [0.01]) == 1
        assert metrics.pck3d(error, everything(error), [0.01 - 1e-6]) == 0

    @pytest.mark.parametrize("misses, over, expected", [("wrong", "joints", 2 / 5), ("left out", "joints", 2 / 3),
                                                        ("wrong", "frames", (2 / 3 + 0) / 2),
                                                        ("left out", "frames", (1 + 0) / 2)])  # fmt: skip
    def test_readings_of_what_was_missed(self, misses, over, expected):
        """Three labelled joints in one frame, two in the next, one miss in each; the last joint has no label."""
        error = np.array([[0.001, 0.002, np.nan], [0.5, np.nan, np.nan]])
        labelled = np.array([[True, True, True], [True, True, False]])
        assert metrics.pck3d(error, labelled, [0.01], misses, over)[0] == pytest.approx(expected)

    @given(errors)
    def test_grows_with_the_threshold(self, error):
        for misses in ("wrong", "left out"):
            shares = metrics.pck3d(error, everything(error), THRESHOLDS, misses)
            assert np.isnan(shares).all() or ((np.diff(shares) >= 0).all() and 0 <= shares[0] <= shares[-1] <= 1)

    @given(errors)
    def test_leaving_misses_out_never_lowers_it_and_the_detection_rate_links_both(self, error):
        wrong, left_out = (metrics.pck3d(error, everything(error), THRESHOLDS, m) for m in ("wrong", "left out"))
        if np.isfinite(error).any():
            np.testing.assert_allclose(wrong, left_out * metrics.detection_rate(error, everything(error)))
            assert (left_out >= wrong - 1e-12).all()

    @given(errors)
    def test_frames_alike_make_both_averages_alike(self, error):
        doubled = np.concatenate([error[:1], error[:1]])
        joints, frames = (metrics.pck3d(doubled, everything(doubled), THRESHOLDS, over=o) for o in ("joints", "frames"))
        np.testing.assert_allclose(joints, frames)

    @pytest.mark.parametrize("misses, over, message", [
        ("right", "joints", "misses: expected 'wrong' or 'left out'"),
        ("wrong", "infants", "over: expected 'joints' or 'frames'"),
    ])  # fmt: skip
    def test_other_readings_are_refused(self, misses, over, message):
        error = np.zeros((1, 1))
        with pytest.raises(UsageError, match=message):
            metrics.pck3d(error, everything(error), [0.01], misses, over)


class TestAverages:
    @pytest.mark.parametrize("shape", [(0, 17), (3, 0), (2, 3)])
    def test_of_nothing_are_unknown_and_do_not_warn(self, shape):
        error = np.full(shape, np.nan)
        nothing = np.zeros(shape, bool)
        for over in ("joints", "frames"):
            assert np.isnan(metrics.detection_rate(error, nothing, over))
            assert np.isnan(metrics.pck3d(error, nothing, THRESHOLDS, over=over)).all()
            assert np.isnan(metrics.average(error, nothing, over))
        assert np.isnan(metrics.spread(error)).all()

    def test_detection_rate(self):
        error = np.array([[0.1, 0.1, np.nan, np.nan], [0.1, 0.1, 0.1, 0.1]])
        labelled = np.array([[1, 1, 1, 1], [1, 0, 0, 0]], bool)
        assert metrics.detection_rate(error, labelled) == 3 / 5
        assert metrics.detection_rate(error, labelled, "frames") == (1 / 2 + 1) / 2

    def test_frames_without_a_joint_do_not_count(self):
        x, counted = np.array([[1.0, 3.0], [np.nan, np.nan]]), np.array([[True, True], [False, False]])
        assert metrics.average(x, counted, "frames") == 2

    def test_joints_are_pooled_unless_frames_are_asked_for(self):
        x = np.array([[1.0, 3.0], [8.0, 0.0]])
        counted = np.array([[True, True], [True, False]])
        assert metrics.average(x, counted) == 4 and metrics.average(x, counted, "frames") == 5

    def test_spread_is_of_found_joints_alone(self):
        found = metrics.spread(np.array([[0.01, np.nan], [0.03, 0.08]]))
        assert found == pytest.approx((0.04, 0.0294392, 0.03), abs=1e-6)

    @given(errors)
    def test_spread_is_numpys(self, error):
        known = error[np.isfinite(error)]
        if known.size:
            np.testing.assert_allclose(metrics.spread(error), [known.mean(), known.std(), np.median(known)])


class TestGroups:
    def test_of_coco_are_agmas_and_leave_out_eyes_and_ears(self):
        groups = metrics.joint_groups(COCO_17.joints)
        assert tuple(groups) == metrics.AGMA_GROUPS
        assert [[COCO_17.joints[i] for i in which] for which in groups.values()] == [
            ["nose"], ["left_shoulder", "right_shoulder"], ["left_elbow", "right_elbow"], ["left_wrist", "right_wrist"],
            ["left_hip", "right_hip"], ["left_knee", "right_knee"], ["left_ankle", "right_ankle"],
        ]  # fmt: skip

    @pytest.mark.parametrize("skeleton, missing", [
        (BABYPOSE_12, {"nose"}), (MPII_16, {"nose"}), (INMOTION_19, {"hips"}),
    ])  # fmt: skip
    def test_without_a_joint_are_not_there(self, skeleton, missing):
        assert set(metrics.AGMA_GROUPS) - metrics.joint_groups(skeleton.joints).keys() == missing


class TestBones:
    def test_lengths(self):
        xyz = np.array([[[0, 0, 0], [3, 4, 0], [3, 4, 12]], [[0, 0, 0], [np.nan, 0, 0], [0, 0, 13]]], float)
        lengths = metrics.bone_lengths(xyz, [(0, 1), (1, 2), (2, 0)])
        np.testing.assert_equal(lengths, [[5, 12, 13], [np.nan, np.nan, 13]])
        assert metrics.bone_lengths(xyz, []).shape == (2, 0)

    def test_statistics(self):
        """Median, mean, STD and STD / mean over time, each bone by itself; a bone never seen is unknown."""
        lengths = np.array([[1, 2, np.nan], [3, 2, np.nan], [8, np.nan, np.nan]])
        found = metrics.length_statistics(lengths)
        np.testing.assert_equal(found.median, [3, 2, np.nan])
        np.testing.assert_equal(found.mean, [4, 2, np.nan])
        np.testing.assert_allclose(found.std, [np.sqrt(26 / 3), 0, np.nan])
        np.testing.assert_allclose(found.variation, [np.sqrt(26 / 3) / 4, 0, np.nan])

    @given(st.floats(0.1, 10))
    def test_variation_has_no_unit(self, scale):
        lengths = np.random.default_rng(0).uniform(0.05, 0.2, (9, 3))
        a, b = metrics.length_statistics(lengths), metrics.length_statistics(lengths * scale)
        np.testing.assert_allclose(a.variation, b.variation)
        np.testing.assert_allclose(a.std * scale, b.std)

    def test_variation_of_no_length_is_unknown(self):
        found = metrics.length_statistics(np.zeros((3, 1)))
        np.testing.assert_equal([found.mean, found.std, found.variation], [[0], [0], [np.nan]])

    def test_of_nothing_are_empty_or_unknown(self):
        assert np.isnan(metrics.length_statistics(np.zeros((0, 3)))).all()
        assert metrics.length_statistics(np.zeros((4, 0))).median.shape == (0,)
