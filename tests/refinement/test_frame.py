"""Detectors' and pictures' disparities fused: by their variances where both are right, by none that is hidden."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from made_evidence import drawn, edited

from stereo3d.refinement.evidence import located
from stereo3d.refinement.frame import fused, refine_frames
from stereo3d.refinement.mixture import half_width, median


def error(found, truth) -> np.ndarray:
    return fused(found).mean - truth[..., 2]


class TestFused:
    @pytest.mark.parametrize("own, other", [(4.0, 1.0), (1.0, 1.0), (1.0, 4.0)])
    def test_weighs_by_variance(self, own, other):
        found, truth = drawn(own, other)
        best = 1 / np.sqrt(1 / own**2 + 1 / other**2)
        assert error(found, truth).std() == pytest.approx(best, rel=0.05)
        assert fused(found).sigma == pytest.approx(np.full(truth.shape[:2], best), rel=1e-3)

    def test_takes_the_one_that_there_is(self):
        found, _ = drawn()
        place, matched = np.array(found.place), np.array(found.matched)
        place[0, 0, 2], matched[1, 0] = np.nan, np.nan
        matched[2, 0] = place[2, 0, 2] = np.nan
        out = fused(edited(found, place=place, matched=matched))
        assert out.mean[0, 0] == matched[0, 0] and out.sigma[0, 0] == pytest.approx(1.0, rel=1e-3)
        assert out.mean[1, 0] == place[1, 0, 2] and out.sigma[1, 0] == pytest.approx(4.0, rel=1e-3)
        assert np.isnan(out.mean[2, 0])

    def test_leaves_the_match_where_it_is_of_another_thing(self):
        found, truth = drawn(4.0, 1.0)
        hidden = edited(found, matched=found.matched + 6.0, hidden=np.ones(truth.shape[:2]))
        assert fused(hidden).mean == pytest.approx(found.place[..., 2], abs=1e-2)
        assert fused(hidden).sigma == pytest.approx(np.full(truth.shape[:2], 4.0), rel=1e-2)

    def test_is_one_place_or_the_other_where_they_are_far_apart(self):
        """Never between: a joint that is hidden with 90 % stays within half a pixel of the detectors'."""
        found, truth = drawn(1.0, 0.5)
        apart = edited(found, matched=found.place[..., 2] + 12.0)
        for share, place in ((0.9, found.place[..., 2]), (0.05, found.place[..., 2] + 12.0 * 0.8)):
            there = fused(edited(apart, hidden=np.full(truth.shape[:2], share))).mean
            assert np.abs(there - place).max() < 0.5

    def test_is_wary_of_the_match(self):
        """A match of something else does more harm than one of the joint does good: from odds of one in four on the joint is left."""
        found, truth = drawn(1.0, 0.5)
        apart = edited(found, matched=found.place[..., 2] + 12.0)
        for hidden, away in ((0.25, 0.0), (0.12, 12.0 * 0.8)):
            there = fused(edited(apart, hidden=np.full(truth.shape[:2], hidden))).mean
            assert np.abs(there - found.place[..., 2] - away).max() < 2.0

    def test_a_camera_turned_round_gives_the_same(self):
        found, _ = drawn()
        here = fused(found)
        turned = dataclasses.replace(found.camera, baseline=-found.camera.baseline)
        place = found.place * [1, 1, -1]
        there = fused(edited(found, camera=turned, place=place, matched=-found.matched))
        assert there.mean == pytest.approx(-here.mean, abs=1e-9) and there.sigma == pytest.approx(here.sigma, abs=1e-9)


class TestRefineFrames:
    def test_gives_metres_with_error_bars_that_hold(self):
        found, truth = drawn(4.0, 1.5, seconds=20.0)
        xyz, _ = located(truth, np.zeros_like(truth), found.camera)
        for bones, near in ((False, 0.03), (True, 0.06)):  # bones keep their length better than they are trusted to
            poses = refine_frames(found, bones=bones)
            size = np.abs(poses.xyz - xyz) / poses.sigma
            assert ((size < 1).mean((0, 1)) == pytest.approx([0.683] * 3, abs=near))
            assert ((size < 1.96).mean((0, 1)) == pytest.approx([0.95] * 3, abs=0.02))

    def test_what_is_unknown_stays_so(self):
        found, _ = drawn()
        place, matched = np.array(found.place), np.array(found.matched)
        place[3, 5], matched[3, 5] = np.nan, np.nan
        poses = refine_frames(edited(found, place=place, matched=matched))
        assert np.isnan(poses.xyz[3, 5]).all() and np.isnan(poses.sigma[3, 5]).all()
        assert poses.found.sum() == poses.found.size - 1

    def test_says_where_it_comes_from(self):
        found, _ = drawn()
        poses = refine_frames(found)
        assert poses.origin["refine"]["method"] == "frame" and (poses.frame == found.frame).all()


class TestHalfWidth:
    def test_of_one_normal_is_its_deviation(self):
        one = np.zeros(3), np.array([0.5, 1.0, 2.0])
        assert half_width(np.ones(3), np.zeros(3), one, one) == pytest.approx(one[1], rel=1e-3)

    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
    def test_holds_two_thirds_of_a_mixture(self, share):
        rng = np.random.default_rng(0)
        first = rng.random(200_000) < share
        x = np.where(first, rng.normal(0, 1, 200_000), rng.normal(5, 2, 200_000))
        middle = 5 * (1 - share)
        width = half_width(np.array(share), np.array(middle), (np.array(0.0), np.array(1.0)),
                           (np.array(5.0), np.array(2.0)))
        assert (np.abs(x - middle) < width).mean() == pytest.approx(0.6827, abs=0.005)


class TestMedian:
    @pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.8, 1.0])
    def test_has_half_below_it(self, share):
        rng = np.random.default_rng(0)
        x = np.where(rng.random(100_000) < share, rng.normal(0, 1, 100_000), rng.normal(3, 2, 100_000))
        middle = median(np.array(share), (np.array(0.0), np.array(1.0)), (np.array(3.0), np.array(2.0)))
        assert (x < middle).mean() == pytest.approx(0.5, abs=0.006)

    def test_does_not_mind_the_order(self):
        one, other = (np.array([4.0]), np.array([1.0])), (np.array([-2.0]), np.array([0.5]))
        assert median(np.array([0.3]), one, other) == pytest.approx(median(np.array([0.7]), other, one), abs=1e-3)
