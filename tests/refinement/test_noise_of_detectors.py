"""The noise of a detector is found from its own joints: how large, how shared, how lasting; no truth is used."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from projected import view
from simulated_views import changed, views

from stereo3d.errors import InvalidValue
from stereo3d.refinement.noise import CORRELATION, LEAST, Noise, noise_of
from stereo3d.stereo import Stereo
from stereo3d.synthetic.noise import DetectorNoise


def found(noise: DetectorNoise, **how) -> Noise:
    return noise_of(views(noise, **how).joints)


def of_views(noise: Noise) -> float:
    """px, the usual standard deviation of one view."""
    return float(np.median(noise.rows) / np.sqrt(2 * (1 - noise.correlation)))


@pytest.mark.parametrize("outliers", [0.0, 0.03])
@pytest.mark.parametrize("correlation", [0.0, 0.5])
@pytest.mark.parametrize("sigma", [1.0, 2.95])
class TestWhiteNoise:
    def test_has_its_size_and_correlation(self, sigma, correlation, outliers):
        noise = found(DetectorNoise(white=sigma, correlation=correlation, outliers=outliers))
        assert noise.rows == pytest.approx(sigma * np.sqrt(2 * (1 - correlation)), rel=0.16)
        assert noise.correlation == pytest.approx(correlation, abs=0.08)
        assert of_views(noise) == pytest.approx(sigma, rel=0.08)
        assert noise.white > 0.9 and noise.bias < 0.03


class TestMovement:
    def moved(self, joints, *, hertz: float, size: float, those: slice):
        """Those joints shaken along the rows of both views."""
        wave = size * np.sin(2 * np.pi * hertz * joints.left.time)[:, None]

        def shake(xy):
            xy[:, those, 1] += wave

        return joints.map(lambda one: changed(one, xy=shake))

    def test_quick_limbs_are_no_noise_of_both_views(self):
        joints = self.moved(views(DetectorNoise(white=1.0)).joints, hertz=6.0, size=8.0, those=slice(9, 17))
        assert noise_of(joints).correlation == pytest.approx(0.0, abs=0.12)

    def test_movement_of_the_whole_body_is_hardly_any_either(self):
        joints = self.moved(views(DetectorNoise(white=1.0)).joints, hertz=3.0, size=3.0, those=slice(None))
        assert noise_of(joints).correlation == pytest.approx(0.0, abs=0.12)

    def test_a_startle_of_the_whole_body_is_none_of_both_views(self):
        joints = self.moved(views(DetectorNoise(white=1.0)).joints, hertz=8.0, size=20.0, those=slice(None))
        assert noise_of(joints).correlation == pytest.approx(0.0, abs=0.12)

    def test_joints_never_seen_are_not_those_that_stay(self):
        joints = views(DetectorNoise(white=1.0)).joints

        def lose(xy):
            xy[:, 5:] = np.nan

        assert noise_of(joints.map(lambda one: changed(one, xy=lose))).correlation == pytest.approx(0.0, abs=0.15)


class TestNoiseThatLasts:
    def test_is_told_from_white(self):
        noise = found(DetectorNoise.mixed(3.0, correlation=0.5), seconds=60.0)
        assert noise.white == pytest.approx(0.5, abs=0.08)
        assert noise.slow == pytest.approx(0.25, abs=0.12)
        assert noise.bias == pytest.approx(0.25, abs=0.15)
        assert 0.25 < noise.memory < 1.0
        assert of_views(noise) == pytest.approx(3.0, rel=0.2)

    def test_shares_add_up(self):
        noise = found(DetectorNoise(white=1.0, slow=2.0))
        assert noise.white + noise.slow + noise.bias == pytest.approx(1)
        assert noise.slow > 0.5

    @pytest.mark.parametrize("draw", range(3))
    def test_a_detectors_bias_counts_in_every_joints_noise(self, draw):
        """A joint whose bias is small along v is no better along u."""
        noise = found(DetectorNoise(white=0.5, bias=2.0), draw=draw)
        assert noise.rows.min() > 0.5 * noise.rows.max()
        assert np.sqrt(np.mean(noise.rows**2)) == pytest.approx(np.sqrt(2 * (0.5**2 + 2.0**2)), rel=0.4)


class TestJoints:
    def test_that_are_found_worse_are_known_by_it(self):
        made = views(DetectorNoise(white=1.0))
        rng = np.random.default_rng(1)

        def worse(xy):
            xy[:, 9:11] += rng.normal(0, 4, xy[:, 9:11].shape)

        rows = noise_of(made.joints.map(lambda v: changed(v, xy=worse))).rows
        assert rows[9:11] == pytest.approx(np.sqrt(2 * 17), rel=0.2)
        assert np.delete(rows, [9, 10]) == pytest.approx(np.sqrt(2), rel=0.25)

    def test_are_as_noisy_as_the_detector_says_where_that_holds(self):
        made = views(DetectorNoise(white=1.0))
        rng = np.random.default_rng(2)
        says = np.exp(rng.normal(0, 0.5, made.xyz.shape[:2]))
        both = made.joints.map(lambda v, truth: dataclasses.replace(
            v, xy=truth + rng.normal(0, 1, truth.shape) * says[..., None], sigma=3 * says
        ), made.camera.project(made.xyz))
        noise = noise_of(both)
        assert noise.exponent > 0.85
        assert noise.of_views(both).left / says == pytest.approx(np.ones(says.shape), rel=0.5)

    def test_are_alike_where_what_the_detector_says_means_nothing(self):
        made = views(DetectorNoise(white=2.0))
        rng = np.random.default_rng(3)
        both = made.joints.map(lambda v: dataclasses.replace(v, sigma=np.exp(rng.normal(0, 0.5, v.score.shape))))
        assert noise_of(both).exponent < 0.15


class TestRowOffset:
    @pytest.mark.parametrize("offset", [-1.0, 1.0])
    def test_of_the_cameras_is_found(self, offset):
        made = views(DetectorNoise(white=1.0))

        def lower(xy):
            xy[..., 1] += offset

        assert noise_of(Stereo(changed(made.joints.left, xy=lower), made.joints.right)).row_offset == pytest.approx(
            offset, abs=0.1)

    def test_is_not_made_of_the_detectors_biases(self):
        assert abs(found(DetectorNoise(white=0.5, bias=2.0)).row_offset) < 0.5

    def test_of_few_joints_is_none(self):
        made = views(DetectorNoise(white=1.0))
        assert noise_of(made.joints.map(lambda v: view(v.xy[:1] + (0, 1), of=v.skeleton))).row_offset == 0


class TestLittle:
    def test_gives_the_usual_noise(self):
        nothing = view(np.full((4, 3, 2), np.nan))
        noise = noise_of(Stereo(nothing, nothing))
        assert (noise.rows == 3.0).all() and noise.correlation == CORRELATION
        assert (noise.white, noise.slow, noise.bias) == (1, 0, 0) and np.isnan(noise.memory)

    def test_of_one_frame_is_drawn_to_it(self):
        made = views(DetectorNoise(white=1.0))
        one = made.joints.map(lambda v: view(v.xy[:1], of=v.skeleton))
        assert (noise_of(one).rows > 0.7).all() and (noise_of(one).rows < 3.0).all()

    def test_never_is_none_at_all(self):
        same = view(np.zeros((50, 3, 2)))
        assert (noise_of(Stereo(same, same)).rows == LEAST).all()

    def test_frames_far_apart_say_nothing_of_time(self):
        made = views(DetectorNoise.mixed(3.0))
        seldom = made.joints.map(lambda v: dataclasses.replace(v, time=v.time * 30))
        noise = noise_of(seldom)
        assert (noise.white, noise.correlation) == (1.0, CORRELATION)


class TestOfPlaces:
    def test_follows_from_that_of_both_views(self):
        noise = Noise(np.array([2.0]), 1.0, np.array([np.nan]), 0.5, 0.0, 1.0, 0.0, 0.0, np.nan)
        both = view(np.zeros((1, 1, 2)), sigma=np.nan)
        xc, v, d = noise.of_places(Stereo(both, both))[0, 0]
        assert d == pytest.approx(2) and xc == v == pytest.approx(2 * np.sqrt(1.5 / 2))

    def test_is_unknown_where_a_view_has_no_joint(self):
        made = views(DetectorNoise(white=1.0, misses=0.2))
        sigma = noise_of(made.joints).of_places(made.joints)
        gone = np.isnan(made.joints.left.xy[..., 0] + made.joints.right.xy[..., 0])
        assert gone.any() and (np.isnan(sigma).all(-1) == gone).all()

    def test_shares_are_checked(self):
        with pytest.raises(InvalidValue, match="white"):
            Noise(np.ones(1), 1.0, np.ones(1), 0.5, 0.0, 1.5, 0.0, 0.0, 0.5)
