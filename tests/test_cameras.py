"""Projecting and going back is the identity; Z d = f B; what is no camera is refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from stereo3d.cameras import Intrinsics, RectifiedCamera, StereoRig
from stereo3d.errors import CalibrationError, InvalidValue
from stereo3d.stereo import Stereo

LENS = Intrinsics((1280, 720), 530.0, 531.0, 640.0, 360.0)
CAMERA = RectifiedCamera((1280, 720), 530.0, Stereo(641.0, 633.0), 362.0, 0.12)
cameras = st.builds(
    lambda f, left, right, cy, b, sign: RectifiedCamera((1280, 720), f, Stereo(left, right), cy, b * sign),
    st.floats(100, 5000), st.floats(-500, 1500), st.floats(-2000, 2000), st.floats(0, 1000), st.floats(0.01, 5),
    st.sampled_from([1, -1]),
)  # fmt: skip
points = st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.floats(0.1, 10))


def rig(**changes) -> StereoRig:
    fields = {"cameras": Stereo(LENS, LENS), "rotation": np.eye(3), "translation": [-0.12, 0, 0]}
    return StereoRig(**fields | changes)


class TestRectifiedCamera:
    @given(cameras, points)
    def test_unproject_undoes_project(self, camera, xyz):
        left, right = camera.project(xyz)
        assert left[1] == right[1]
        uvd = [left[0], left[1], left[0] - right[0]]
        np.testing.assert_allclose(camera.unproject(uvd), xyz, rtol=0, atol=1e-7)

    @given(cameras, st.floats(0.1, 10))
    def test_disparity_undoes_depth(self, camera, z):
        assert camera.depth(camera.disparity(z)) == pytest.approx(z, rel=1e-9)

    @given(cameras, st.floats(0.1, 10))
    def test_depth_times_disparity_is_focal_length_times_baseline(self, camera, z):
        shift = camera.disparity(z) - (camera.cx.left - camera.cx.right)
        assert z * shift == pytest.approx(camera.focal * camera.baseline, rel=1e-9)

    @given(cameras, points)
    def test_the_second_view_stands_a_baseline_to_the_right(self, camera, xyz):
        moved = camera.project(np.array(xyz) + [camera.baseline, 0, 0])
        shift = [camera.cx.left - camera.cx.right, 0]
        np.testing.assert_allclose(moved.right + shift, camera.project(xyz).left, atol=1e-6)

    def test_middlebury_motorcycle(self):
        """f 994.978 px, B 193.001 mm, the right principal point 31.086 px further right: Z = f B / (d + 31.086)."""
        camera = RectifiedCamera((741, 500), 994.978, Stereo(311.193, 342.279), 254.877, 0.193001)
        np.testing.assert_allclose(camera.depth([11.643913, 48.999874]), [4.494082, 2.397823], atol=2e-6)

    def test_at_infinity_depth_is_unknown(self):
        np.testing.assert_equal(CAMERA.depth([8.0, np.nan, np.inf]), [np.nan, np.nan, 0])
        np.testing.assert_equal(CAMERA.disparity([np.inf, 0, np.nan]), [8.0, np.nan, np.nan])

    @pytest.mark.parametrize("z", [0.0, -0.5, np.nan])
    def test_what_is_not_in_front_is_not_seen(self, z):
        left, right = CAMERA.project([0.1, 0.1, z])
        assert np.isnan(left).all() and np.isnan(right).all()

    def test_takes_any_shape(self):
        xyz = np.random.default_rng(0).uniform(0.5, 0.9, (4, 5, 3))
        left, right = CAMERA.project(xyz)
        assert left.shape == right.shape == (4, 5, 2)
        uvd = np.concatenate([left, left[..., :1] - right[..., :1]], -1)
        np.testing.assert_allclose(CAMERA.unproject(uvd), xyz)

    @pytest.mark.parametrize("changes, error, message", [
        ({"baseline": 120.0}, CalibrationError, "baseline: expected metres, 0.001 to 10, got 120; divide by 1000"),
        ({"baseline": 0.0}, CalibrationError, "baseline: expected metres"),
        ({"baseline": np.nan}, InvalidValue, "baseline: expected a number"),
        ({"focal": -1}, InvalidValue, "focal: expected a number from 1e-06"),
        ({"cx": Stereo(np.inf, 0)}, InvalidValue, "cx.left: expected"),
        ({"cx": Stereo(0, "a")}, InvalidValue, "cx.right: expected"),
        ({"cy": None}, InvalidValue, "cy: expected"),
        ({"size": (0, 720)}, InvalidValue, "size: expected .width, height. from 1"),
        ({"left_from_rectified": np.eye(2)}, InvalidValue, "left_from_rectified: expected shape"),
        ({"left_from_rectified": np.diag([1, 1, -1])}, CalibrationError, "left_from_rectified: expected a rotation"),
    ])  # fmt: skip
    def test_wrong_ones_are_refused(self, changes, error, message):
        with pytest.raises(error, match=message):
            dataclasses.replace(CAMERA, **changes)

    def test_a_negative_baseline_is_the_views_the_other_way_round(self):
        assert dataclasses.replace(CAMERA, baseline=-0.12).baseline == -0.12


class TestIntrinsics:
    def test_matrix(self):
        np.testing.assert_array_equal(LENS.matrix, [[530, 0, 640], [0, 531, 360], [0, 0, 1]])

    @pytest.mark.parametrize("n, held", [(0, 0), (4, 5), (5, 5), (8, 8), (14, 14)])
    def test_distortion_has_opencvs_lengths(self, n, held):
        lens = dataclasses.replace(LENS, distortion=np.arange(1, n + 1))
        assert not lens.distortion.flags.writeable
        np.testing.assert_array_equal(lens.distortion, [*range(1, n + 1), *[0] * (held - n)])

    @pytest.mark.parametrize("changes, message", [
        ({"distortion": np.ones(6)}, "distortion: expected 0, 4, 5, 8 or 14"),
        ({"distortion": [np.nan] * 5}, "distortion: expected 0, 4, 5, 8 or 14 finite"),
        ({"distortion": np.ones((1, 5))}, "distortion: expected shape"),
        ({"fx": 0}, "fx: expected"), ({"fy": np.inf}, "fy: expected"), ({"cx": np.nan}, "cx: expected"),
        ({"cy": "a"}, "cy: expected"), ({"size": (1 << 17, 5)}, "size: expected"), ({"size": "ab"}, "size: expected"),
    ])  # fmt: skip
    def test_wrong_ones_are_refused(self, changes, message):
        with pytest.raises(InvalidValue, match=message):
            dataclasses.replace(LENS, **changes)

    def test_sizes_are_whole(self):
        assert dataclasses.replace(LENS, size=(1280.0, np.int64(720))).size == (1280, 720)


class TestStereoRig:
    @pytest.mark.parametrize("translation, baseline", [([-0.12, 0, 0], 0.12), ([0.12, 0, 0], -0.12),
                                                       ([-3, 0, 4], 5), ([0, 0.5, 0], 0.5)])  # fmt: skip
    def test_baseline_is_signed(self, translation, baseline):
        assert rig(translation=translation).baseline == pytest.approx(baseline)

    @pytest.mark.parametrize("translation", [[-120.0, 0.1, 0.2], [0, 0, 0], [np.nan, 0, 0], [np.inf, 0, 0]])
    def test_millimetres_and_nonsense_are_refused(self, translation):
        with pytest.raises(CalibrationError, match="translation: expected metres.*divide by 1000"):
            rig(translation=translation)

    @pytest.mark.parametrize("rotation", [np.eye(3) * 1.01, np.diag([1, 1, -1]), np.zeros((3, 3)),
                                          np.full((3, 3), np.nan), np.full((3, 3), 1e200)])  # fmt: skip
    def test_what_is_no_rotation_is_refused(self, rotation):
        with pytest.raises(CalibrationError, match="rotation: expected a rotation matrix"):
            rig(rotation=rotation)

    @given(st.tuples(*[st.floats(-3, 3)] * 3))
    def test_any_rotation_is_taken(self, angles):
        rotation = Rotation.from_euler("xyz", angles).as_matrix()
        np.testing.assert_array_equal(rig(rotation=rotation).rotation, rotation)

    def test_shapes_are_checked(self):
        with pytest.raises(InvalidValue, match=r"rotation: expected shape \(3, 3\), got \(3,\)"):
            rig(rotation=[0, 0, 0])
        with pytest.raises(InvalidValue, match=r"translation: expected shape \(3,\), got \(3, 1\)"):
            rig(translation=[[0], [0], [1]])
