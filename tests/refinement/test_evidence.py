"""Places seen from between the views: there and back, error bars that hold, and one door for what does not fit."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from projected import ZED, infant
from simulated_views import views

from stereo3d.errors import InvalidValue
from stereo3d.refinement.evidence import cyclopean, evidence, located, placed, prepare, views_of, with_covariance
from stereo3d.refinement.noise import noise_of
from stereo3d.stereo import Stereo
from stereo3d.synthetic.noise import DetectorNoise
from stereo3d.triangulation import triangulate

TURNED = dataclasses.replace(ZED, baseline=-0.12)


@pytest.mark.parametrize("camera", [ZED, TURNED], ids=["usual", "turned"])
class TestPlaces:
    def test_are_points_and_back(self, camera):
        xyz = infant()
        place = placed(xyz, camera)
        back, sigma = located(place, np.zeros_like(place), camera)
        assert back == pytest.approx(xyz, abs=1e-12) and (sigma == 0).all()

    def test_are_views_and_back(self, camera):
        uv = camera.project(infant())
        for there, here in zip(views_of(cyclopean(uv, camera), camera), uv):
            assert there == pytest.approx(here, abs=1e-9)

    def test_sigma_is_that_of_many_draws(self, camera):
        place, sigma = placed([[0.1, -0.05, 0.7]], camera), np.array([[1.0, 0.8, 0.6]])
        rng = np.random.default_rng(0)
        drawn, _ = located(place + rng.normal(0, sigma, (40000, 3)), np.zeros((40000, 3)), camera)
        _, said = located(place, sigma, camera)
        assert said[0] == pytest.approx(drawn.std(0), rel=0.03)
        assert with_covariance(place, sigma, camera)[1][0] == pytest.approx(np.cov(drawn.T), rel=0.08, abs=2e-7)


@given(st.floats(-0.3, 0.3), st.floats(-0.2, 0.2), st.floats(0.3, 2.0))
def test_millimetres_and_metres_agree(x, y, z):
    big = dataclasses.replace(ZED, baseline=ZED.baseline * 10)
    here, there = placed([x, y, z], ZED), placed([10 * x, 10 * y, 10 * z], big)
    assert there == pytest.approx(here, rel=1e-9, abs=1e-9)


def test_a_point_at_infinity_is_unknown():
    xyz, sigma = located([[640.0, 360.0, 0.0]], [[1.0, 1.0, 1.0]], ZED)
    assert np.isnan(xyz).all() and np.isnan(sigma).all()


class TestEvidence:
    def test_is_what_triangulation_says(self):
        made = views(DetectorNoise(white=1.0))
        found = evidence(made.joints, made.camera)
        xyz = located(found.place, found.sigma, made.camera)[0]
        kept = np.isfinite(xyz).all(-1)
        assert kept.mean() > 0.99
        assert xyz[kept] == pytest.approx(triangulate(made.joints, made.camera).xyz[kept], abs=1e-12)

    def test_has_no_pictures_part(self):
        made = views(DetectorNoise(white=1.0))
        found = evidence(made.joints, made.camera)
        assert np.isnan(found.matched).all() and np.isnan(found.matched_sigma).all() and (found.hidden == 0).all()
        assert len(found) == len(made.joints.left) and (found.frame == made.joints.left.frame).all()

    @pytest.mark.parametrize("correlation", [0.0, 0.5])
    def test_sigma_holds(self, correlation):
        made = views(DetectorNoise(white=2.0, correlation=correlation), seconds=20.0)
        found = evidence(made.joints, made.camera)
        size = np.abs(found.place - made.place) / found.sigma
        for axis in range(3):
            share = size[..., axis][np.isfinite(size[..., axis])]
            assert 0.65 < (share < 1).mean() < 0.72
            assert 0.94 < (share < 1.96).mean() < 0.965

    def test_views_of_different_frames_are_refused(self):
        made = views(DetectorNoise(white=1.0))
        later = dataclasses.replace(made.joints.right, frame=made.joints.right.frame + 1)
        with pytest.raises(InvalidValue, match="same joints of the same frames"):
            evidence(Stereo(made.joints.left, later), made.camera)

    def test_prepared_goes_with_its_joints_and_noise(self):
        made = views(DetectorNoise(white=1.0))
        ready = prepare(made.joints, made.camera)
        assert ready.noise == noise_of(made.joints)
        assert ready.joints.left == made.joints.left
