"""Points projected and triangulated come back, by either route, with the error bars that their noise asks for."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from projected import OPEN, ZED, general_rig, infant, noisy, project, reversed_rig, rig_of, view, views
from scipy.optimize import least_squares

from stereo3d.cameras import RectifiedCamera
from stereo3d.errors import CalibrationError
from stereo3d.poses import Poses2D, Poses3D, concatenate
from stereo3d.stereo import Stereo
from stereo3d.triangulation import triangulate

points = st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5), st.floats(0.2, 5.0)).map(lambda p: [[p]])
cameras = st.builds(
    lambda f, left, right, cy, b, sign: RectifiedCamera((1280, 720), f, Stereo(left, right), cy, b * sign),
    st.floats(200, 3000), st.floats(0, 1280), st.floats(-2000, 2000), st.floats(0, 720), st.floats(0.03, 1),
    st.sampled_from([1, -1]),
)  # fmt: skip
rigs = st.builds(
    lambda x, y, z, tx, ty, tz, sign: general_rig((x, y, z), (sign * tx, ty, tz)),
    *[st.floats(-0.5, 0.5)] * 3, st.floats(0.05, 2), st.floats(-0.2, 0.2), st.floats(-0.2, 0.2),
    st.sampled_from([1, -1]),
)  # fmt: skip


class TestPlaces:
    @given(cameras, points)
    def test_rectified_undoes_projection(self, camera, xyz):
        found = triangulate(views(camera, xyz), camera)
        np.testing.assert_allclose(found.xyz, xyz, rtol=0, atol=1e-9)
        assert not found.status.any() and np.abs(found.residual).max() == 0

    @given(rigs, points)
    def test_rays_undo_projection(self, rig, xyz):
        found = triangulate(views(rig, xyz), rig, OPEN)
        right = np.asarray(xyz) @ rig.rotation.T + rig.translation
        if right[..., 2].min() > 0.05:
            np.testing.assert_allclose(found.xyz, xyz, rtol=0, atol=1e-9)
            assert not found.status.any() and np.abs(found.residual).max() < 1e-6

    @given(cameras, points)
    def test_both_routes_agree(self, camera, xyz):
        joints = views(camera, xyz)
        np.testing.assert_allclose(
            triangulate(joints, camera).xyz, triangulate(joints, rig_of(camera)).xyz, rtol=0, atol=1e-9
        )

    def test_both_routes_agree_on_noise_of_equal_sigma(self):
        """On a rectified pair the least-squares point has the two columns and the mean of the rows."""
        joints = noisy(views(ZED, infant(), sigma=3.0), 3.0)
        a, b = triangulate(joints, ZED, OPEN), triangulate(joints, rig_of(ZED), OPEN)
        np.testing.assert_allclose(a.xyz, b.xyz, rtol=0, atol=1e-9)
        np.testing.assert_allclose(a.sigma, b.sigma, rtol=0.02)
        np.testing.assert_allclose(a.residual, b.residual, rtol=0, atol=1e-9)
        np.testing.assert_array_equal(a.status, b.status)

    def test_equals_the_cameras_own_unprojection(self):
        joints = noisy(views(ZED, infant()), 2.0)
        left, right = joints.left.xy, joints.right.xy
        uvd = np.stack([left[..., 0], (left[..., 1] + right[..., 1]) / 2, left[..., 0] - right[..., 0]], -1)
        np.testing.assert_allclose(triangulate(joints, ZED).xyz, ZED.unproject(uvd), rtol=1e-12)

    def test_principal_points_count_as_a_pair(self):
        wrong = dataclasses.replace(ZED, cx=Stereo(ZED.cx.left, ZED.cx.left))
        z = triangulate(views(ZED, infant()), wrong, OPEN).xyz[..., 2]
        assert np.abs(z - infant()[..., 2]).min() > 0.02

    def test_reversed_order_of_a_rectified_pair_keeps_z(self):
        """Views and baseline both the other way round: the same points, seen from the other camera."""
        joints = noisy(views(ZED, infant()), 2.0)
        reverse = dataclasses.replace(ZED, cx=Stereo(ZED.cx.right, ZED.cx.left), baseline=-ZED.baseline)
        a, b = triangulate(joints, ZED), triangulate(Stereo(joints.right, joints.left), reverse)
        np.testing.assert_allclose(b.xyz, a.xyz - [ZED.baseline, 0, 0], atol=1e-12)
        np.testing.assert_allclose(b.sigma, a.sigma, rtol=1e-6)

    def test_reversed_order_of_a_general_pair_gives_the_same_points(self):
        rig = general_rig()
        joints = noisy(views(rig, infant(depth=(2, 4))), 2.0)
        a = triangulate(joints, rig, OPEN)
        b = triangulate(Stereo(joints.right, joints.left), reversed_rig(rig), OPEN)
        np.testing.assert_allclose(b.xyz, a.xyz @ rig.rotation.T + rig.translation, rtol=0, atol=1e-9)
        np.testing.assert_allclose(b.residual, -a.residual, rtol=0, atol=1e-9)

    @given(st.floats(0.01, 5.0))
    def test_the_unit_of_the_translation_does_not_matter(self, scale):
        """Noisy points scale with it to the last digits: no row is weighed by the length of t."""
        apart = np.array([-1.0, 0.2, 0.4])
        rig, longer = general_rig(translation=apart), general_rig(translation=apart * scale)
        joints = noisy(views(rig, infant(depth=(2, 4), n=2)), 5.0)
        a, b = triangulate(joints, rig, OPEN), triangulate(joints, longer, OPEN)
        np.testing.assert_allclose(b.xyz, a.xyz * scale, rtol=1e-9)
        np.testing.assert_allclose(b.sigma, a.sigma * scale, rtol=1e-9)

    def test_millimetres_are_refused_at_the_door(self):
        with pytest.raises(CalibrationError, match="expected metres.*got 120; divide by 1000"):
            dataclasses.replace(ZED, baseline=120.0)
        with pytest.raises(CalibrationError, match="expected metres.*divide by 1000"):
            general_rig(translation=(-120.0, 0.1, 0.2))

    def test_the_surer_view_counts_more(self):
        """With rows that disagree the point follows the view of small sigma, in proportion to 1 / sigma^2."""
        rig, xyz = rig_of(ZED), infant()
        shifted = Stereo(view(project(rig, xyz).left, 1.0), view(project(rig, xyz).right + [0, 5], 3.0))
        v = project(rig, triangulate(shifted, rig, OPEN).xyz).left[..., 1] - project(rig, xyz).left[..., 1]
        np.testing.assert_allclose(v, 5 / 10, atol=1e-6)

    def test_rays_give_the_maximum_likelihood_point(self):
        """Against scipy's full minimisation of reprojection errors weighed by sigma, where depths differ a lot."""
        rig, xyz = general_rig(), infant(n=1, k=6, depth=(2, 4))
        joints = noisy(views(rig, xyz), 3.0)
        joints = Stereo(joints.left, dataclasses.replace(joints.right, sigma=joints.right.sigma * 2))
        found = triangulate(joints, rig, OPEN).xyz[0]
        for i, start in enumerate(xyz[0]):
            left, right = joints.left.xy[0, i], joints.right.xy[0, i]

            def miss(x, left=left, right=right):
                at = project(rig, x)
                return np.concatenate([at.left - left, (at.right - right) / 2])

            best = least_squares(miss, start, xtol=1e-12).x
            np.testing.assert_allclose(found[i], best, rtol=0, atol=1e-7)

    def test_long_recordings_in_blocks_equal_short_ones(self):
        joints = noisy(views(ZED, infant(n=700)), 2.0)
        whole = triangulate(joints, ZED)

        def cut(p, s):
            return Poses2D(p.xy[s], p.score[s], p.sigma[s], p.time[s], p.frame[s], p.skeleton)

        parts = [joints.map(cut, Stereo(s, s)) for s in (slice(0, 101), slice(101, 700))]
        assert concatenate([triangulate(part, ZED) for part in parts]) == whole


class TestErrorBars:
    @pytest.mark.parametrize("camera", [ZED, rig_of(ZED), general_rig()], ids=["rectified", "its rig", "wide"])
    @pytest.mark.parametrize("sigma", [(1.0, 1.0), (0.5, 2.0)])
    def test_follow_from_the_derivatives_of_the_place(self, camera, sigma):
        """Against numerical derivatives of the whole function, along each axis of each view."""
        depth = (0.5, 0.9) if isinstance(camera, RectifiedCamera) or camera.baseline < 1 else (2, 4)
        seen = views(camera, infant(n=3, depth=depth))
        seen = Stereo(*(dataclasses.replace(p, sigma=p.sigma * s) for p, s in zip(seen, sigma)))
        variance, step = 0.0, 1e-3
        for side in ("left", "right"):
            for axis in (0, 1):
                ends = []
                for sign in (1, -1):
                    moved = seen[side].xy.copy()
                    moved[..., axis] += sign * step
                    both = dataclasses.replace(seen, **{side: dataclasses.replace(seen[side], xy=moved)})
                    ends.append(triangulate(both, camera, OPEN).xyz)
                slope = (ends[0] - ends[1]) / (2 * step)
                variance = variance + (slope * seen[side].sigma[..., None]) ** 2
        np.testing.assert_allclose(triangulate(seen, camera, OPEN).sigma, np.sqrt(variance), rtol=1e-5)

    @pytest.mark.parametrize("z, per_px", [(0.5, 3.9308e-3), (0.7, 7.7044e-3), (1.0, 15.7233e-3)])
    def test_depth_follows_the_law(self, z, per_px):
        """sigma_Z = Z^2 / (B f) sqrt(2) sigma: 7.7 mm of depth per pixel of disparity at 0.7 m."""
        found = triangulate(views(ZED, [[[0.05, 0.02, z]]]), ZED)
        np.testing.assert_allclose(found.sigma[0, 0, 2], per_px * np.sqrt(2), rtol=1e-4)

    @pytest.mark.parametrize("z, sigma, mm", [(0.5, 0.5, 2.4), (0.7, 1, 9.0), (0.7, 2.95, 26.7), (1.0, 2, 36.3)])
    def test_mean_error_is_what_simulations_gave(self, z, sigma, mm):
        xyz = infant(n=600, depth=(z, z + 1e-9)) * [0.6, 0.6, 1]
        found = triangulate(noisy(views(ZED, xyz), sigma), ZED, OPEN)
        error = np.linalg.norm(found.xyz - xyz, axis=-1).mean() * 1000
        assert error == pytest.approx(mm, rel=0.06)

    @pytest.mark.parametrize("camera", [ZED, rig_of(ZED)], ids=["rectified", "rig"])
    def test_are_calibrated(self, camera):
        xyz = infant(n=500)
        found = triangulate(noisy(views(camera, xyz), 1.0), camera, OPEN)
        spread = ((found.xyz - xyz) / found.sigma).std((0, 1))
        np.testing.assert_allclose(spread, 1, atol=0.04)

    def test_the_residual_tells_the_noise(self):
        """std(v_left - v_right) = sqrt(2) sigma."""
        found = triangulate(noisy(views(ZED, infant(n=500)), 2.0), ZED)
        assert found.residual.std() == pytest.approx(2 * np.sqrt(2), rel=0.03)

    @pytest.mark.parametrize("camera", [ZED, rig_of(ZED)], ids=["rectified", "rig"])
    @pytest.mark.parametrize("sigma", [(np.nan, np.nan), (1.0, np.nan)])
    def test_unknown_noise_leaves_the_place_known(self, camera, sigma):
        seen = views(camera, infant())
        seen = Stereo(*(dataclasses.replace(p, sigma=p.sigma * s) for p, s in zip(seen, sigma)))
        found = triangulate(seen, camera)
        np.testing.assert_allclose(found.xyz, infant(), atol=1e-9)
        assert np.isnan(found.sigma[..., 2]).all() and not found.status.any()

    def test_a_detector_that_claims_to_be_exact_does_not_break_the_weights(self):
        found = triangulate(views(rig_of(ZED), infant(), sigma=0.0), rig_of(ZED))
        np.testing.assert_allclose(found.xyz, infant(), atol=1e-9)
        assert found.sigma.max() < 1e-4
        assert triangulate(views(ZED, infant(), sigma=0.0), ZED).sigma.max() == 0


def test_the_result_says_what_it_is():
    joints = noisy(views(ZED, infant(), score=0.7), 1.0)
    found = triangulate(Stereo(joints.left, dataclasses.replace(joints.right, score=joints.right.score * 0.5)), ZED)
    assert isinstance(found, Poses3D) and found.camera == ZED and found.skeleton == joints.left.skeleton
    np.testing.assert_array_equal(found.score, 0.35)
    np.testing.assert_array_equal(found.time, joints.left.time)
    np.testing.assert_array_equal(found.frame, joints.left.frame)
