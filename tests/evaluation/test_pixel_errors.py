"""PCK of the torso, PCKh of the head, ME, and the noise of rows: tables of known values, and laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stereo3d.errors import UsageError
from stereo3d.evaluation import metrics, pixels
from stereo3d.skeleton import (
    COCO_17,
    CROWDPOSE_14,
    INMOTION_19,
    MPII_16,
    OPENPOSE_18,
    Skeleton,
)

errors = arrays(float, st.tuples(st.integers(0, 5), st.integers(0, 4)), elements=st.floats(0, 100) | st.just(np.nan))
AGMA = np.array([[1, 5, 9.9, 10, 10.1, 30]])


def everything(error):
    return np.ones(error.shape, bool)


def standing(skeleton: Skeleton, **places):
    """(1, K, 2) px, all joints at the origin but some."""
    xy = np.zeros((1, len(skeleton), 2))
    for joint, place in places.items():
        xy[0, skeleton.index(joint)] = place
    return xy


class TestPck:
    def test_agma_equation_5(self):
        """A torso of 100 px: d <= X T, inclusive, and not d^2 <= X T, which would be 2, 3 and 4 of 6."""
        shares = pixels.pck(AGMA, everything(AGMA), np.array([100.0]))
        np.testing.assert_allclose(shares, [2 / 6, 4 / 6, 5 / 6], atol=1e-12)

    def test_every_picture_has_its_own_torso(self):
        error = np.repeat(AGMA, 2, 0)
        shares = pixels.pck(error, everything(error), np.array([100.0, 200.0]), [0.1])
        np.testing.assert_allclose(shares, [(4 + 5) / 12])

    @pytest.mark.parametrize("share, size", [(0.1, 3.0), (0.3, 7.0), (0.05, 123.4), (0.7, 0.1)])
    def test_an_error_at_the_threshold_is_right_whatever_rounding_does(self, share, size):
        error = np.array([[size * share, np.nextafter(size * share, 1e9), size * share * 1.000001]])
        assert pixels.pck(error, everything(error), np.array([size]), [share]) == pytest.approx(2 / 3)

    @pytest.mark.parametrize("misses, over, expected", [("wrong", "joints", 2 / 5), ("left out", "joints", 2 / 3),
                                                        ("wrong", "frames", 1 / 3), ("left out", "frames", 1 / 2)])
    def test_readings_of_what_was_missed(self, misses, over, expected):
        """Three labelled joints in one picture, two in the next, a miss in each; the last joint has no label."""
        error = np.array([[1.0, 2.0, np.nan], [50.0, np.nan, 0.0]])
        labelled = np.array([[True, True, True], [True, True, False]])
        assert pixels.pck(error, labelled, np.full(2, 100.0), [0.1], misses, over)[0] == pytest.approx(expected)

    @pytest.mark.parametrize("size", [np.nan, 0.0])
    def test_pictures_of_unknown_size_are_left_out(self, size):
        error = np.repeat(AGMA, 2, 0)
        assert pixels.pck(error, everything(error), np.array([100.0, size]), [0.1]) == pytest.approx(4 / 6)
        assert np.isnan(pixels.pck(AGMA, everything(AGMA), np.array([size]))).all()

    def test_nothing_is_unknown(self):
        assert np.isnan(pixels.pck(np.zeros((0, 17)), np.ones((0, 17), bool), np.zeros(0))).all()

    @given(errors, st.floats(1, 100))
    def test_grows_with_the_threshold(self, error, size):
        shares = pixels.pck(error, everything(error), np.full(len(error), size), sorted(pixels.PCKH_SHARES))
        assert (np.diff(shares) >= 0).all() or not error.size

    @given(errors, st.floats(1, 100), st.sampled_from([0.25, 0.5, 2.0, 4.0]))
    def test_is_the_same_in_larger_pictures(self, error, size, times):
        both = [
            pixels.pck(e, everything(e), np.full(len(e), s), [0.1, 0.5])
            for e, s in ((error, size), (error * times, size * times))
        ]
        np.testing.assert_array_equal(*both)

    @given(errors)
    def test_is_3dpck_where_every_picture_has_the_size_one(self, error):
        shares = pixels.pck(error, everything(error), np.ones(len(error)), [0.5, 20.0])
        np.testing.assert_array_equal(shares, metrics.pck3d(error, everything(error), [0.5, 20.0]))


class TestSizes:
    def test_torso_is_from_right_hip_to_right_shoulder(self):
        xy = standing(COCO_17, right_hip=(3, 0), right_shoulder=(0, 4), left_hip=(90, 90))
        np.testing.assert_array_equal(pixels.torso_height(xy, COCO_17), [5.0])

    def test_a_torso_without_a_hip_is_unknown(self):
        xy = standing(COCO_17, right_hip=(np.nan, 0))
        assert np.isnan(pixels.torso_height(xy, COCO_17))

    def test_a_skeleton_without_a_torso(self):
        with pytest.raises(UsageError, match="hand: has no torso"):
            pixels.torso_height(np.zeros((1, 1, 2)), Skeleton("hand", ("thumb",), (), None))

    @pytest.mark.parametrize("skeleton, top, neck, length", [
        (CROWDPOSE_14, "head_top", "upper_neck", 5), (MPII_16, "head_top", "upper_neck", 5),
        (INMOTION_19, "forehead", "upper_neck", 5), (OPENPOSE_18, "nose", "neck", 10),
        (Skeleton("MINI-RGBD", ("nose", "upper_neck"), (), None), "nose", "upper_neck", 10),
    ])  # fmt: skip
    def test_head_is_from_its_top_to_the_upper_neck_or_twice_from_the_nose(self, skeleton, top, neck, length):
        xy = standing(skeleton, **{top: (3.0, 0.0), neck: (0.0, 4.0)})
        np.testing.assert_array_equal(pixels.head_length(xy, skeleton), [length])

    def test_coco_has_no_head_length(self):
        with pytest.raises(UsageError, match="COCO-17: has no head_top and upper_neck, nor nose and neck"):
            pixels.head_length(np.zeros((1, 17, 2)), COCO_17)


def test_shares_are_the_papers():
    assert pixels.PCK_SHARES == (0.05, 0.1, 0.2)
    assert pixels.PCKH_SHARES == (1.0, 0.5, 0.3, 0.2, 0.1)


@pytest.mark.parametrize("size", [0.0, -1.0, np.nan])
def test_relative_to_no_size_is_unknown(size):
    relative = pixels.relative(np.ones((2, 3)), np.array([4.0, size]))
    np.testing.assert_array_equal(relative, [[0.25] * 3, [np.nan] * 3])


class TestMeans:
    def test_me_is_over_the_head_of_each_picture(self):
        error = np.array([[10.0, 1.0, np.nan], [40.0, np.nan, np.nan], [7.0, 7.0, 7.0]])
        labelled = np.array([[True] * 3, [True] * 3, [True, False, False]])
        me = pixels.mean_error(error, labelled, np.array([100.0, 200.0, np.nan]))
        np.testing.assert_allclose(me, [(0.1 + 0.2) / 2, 0.01, np.nan])

    def test_picture_error_is_of_found_labelled_joints(self):
        error = np.array([[[1.0, 3.0, np.nan], [np.nan] * 3], [[2.0, 2.0, 8.0], [1.0, 2.0, 9.0]]])
        labelled = np.array([[True, True, True], [True, True, False]])
        np.testing.assert_allclose(pixels.picture_error(error, labelled), [[2.0, np.nan], [4.0, 1.5]])

    @given(errors)
    def test_me_of_every_joint_weighs_as_one_frame_mean_where_all_is_found(self, error):
        error = np.nan_to_num(error)
        size = np.full(len(error), 10.0)
        me = pixels.mean_error(error, everything(error), size)
        if error.size:
            assert me.mean() == pytest.approx(pixels.picture_error(error, everything(error)).mean() / 10)

    def test_nothing_is_unknown(self):
        assert np.isnan(pixels.mean_error(np.zeros((0, 3)), np.zeros((0, 3), bool), np.zeros(0))).all()
        assert np.isnan(pixels.picture_error(np.zeros((2, 0)), np.zeros((2, 0), bool))).all()


class TestRowNoise:
    def test_is_the_noise_of_one_view(self):
        rng = np.random.default_rng(0)
        rows = 3.0 + 1.5 * rng.normal(size=(2, 20_000, 17))
        assert pixels.row_noise(rows[0] - rows[1]) == pytest.approx(1.5, rel=0.01)

    def test_of_two_residuals(self):
        assert pixels.row_noise([[2.0, np.nan], [0.0, np.nan]]) == pytest.approx(1 / np.sqrt(2))

    def test_of_nothing_is_unknown(self):
        assert np.isnan(pixels.row_noise(np.full((3, 2), np.nan)))
