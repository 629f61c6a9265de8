"""Disparity is found to a part of a pixel on textured planes and cylinders, and doubt is said where there is cause."""

from __future__ import annotations

import numpy as np
import pytest
from textured import lattice, seen, softened, texture

from stereo3d.refinement.match import Cutout, Spots, best_matches, grid, soft_weights
from stereo3d.stereo import Stereo

HALF = 10
FLAT = soft_weights(HALF, np.array([5.0]))


def spots(xc, v, d) -> Spots:
    xc, v, d = (np.broadcast_to(np.asarray(x, float), np.shape(xc)) for x in (xc, v, d))
    return Spots(xc + d / 2, xc - d / 2, v, np.full(len(xc), 0.5))


def found(cutout: Cutout, xc, v, d, *, reach=8, relief=None, weights=FLAT):
    many = np.broadcast_to(weights, (len(xc), weights.shape[1]))
    return best_matches(cutout, spots(xc, v, d), reach=reach, weights=many, relief=relief)


AT = np.repeat(np.arange(60.0, 180.0, 10.0), 8), np.tile(np.arange(40.0, 140.0, 12.5), 12)


class TestPlanes:
    @pytest.mark.parametrize("fraction", [0.0, 0.25, 0.5, 0.9])
    def test_are_found_to_a_part_of_a_pixel(self, fraction):
        d = 30 + fraction
        pictures = seen(texture(), np.full((180, 240), d))
        match = found(softened(pictures), *AT, 28.0)
        assert np.abs(28 + match.step - d).max() < 0.12
        assert np.sqrt(np.mean((28 + match.step - d) ** 2)) < 0.05
        assert match.likeness.min() > 0.95

    def test_sloping_ones_are_right_in_the_middle(self):
        xc, v = lattice()
        d = 30 + 0.05 * (xc - 120) + 0.03 * (v - 90)
        match = found(softened(seen(texture(), d)), *AT, 30.0)
        truth = 30 + 0.05 * (AT[0] - 120) + 0.03 * (AT[1] - 90)
        assert np.median(np.abs(30 + match.step - truth)) < 0.08

    def test_gain_and_brightness_do_not_count(self):
        pictures = seen(texture(), np.full((180, 240), 30.3))
        other = Stereo(pictures.left, 0.7 * pictures.right + 25)
        match = found(softened(other), *AT, 30.0)
        assert np.abs(match.step - 0.3).max() < 0.12 and match.likeness.min() > 0.95

    @pytest.mark.parametrize("offset", [-1.5, 1.5])
    def test_rows_that_are_off_are_allowed_for(self, offset):
        pattern = texture((240, 200))
        pictures = seen(pattern, np.full(pattern.shape, 30.0))
        _, v = lattice()
        rows = np.arange(200.0)
        left = np.array([np.interp(v[:, 0] + 10 - offset, rows, c) for c in pictures.left.T]).T
        shifted = Stereo(left, pictures.right[10:190])
        assert np.abs(found(softened(shifted, row_offset=offset), *AT, 30.0).step).max() < 0.15
        unlike = found(softened(shifted), *AT, 30.0).likeness
        assert np.median(unlike) < np.median(found(softened(shifted, row_offset=offset), *AT, 30.0).likeness) - 0.1


class TestCylinders:
    def bent(self):
        """A limb 24 px wide along the rows' normal, its skin 6 px of disparity before its edge, and its relief."""
        xc, _ = lattice()
        rise = np.sqrt(np.maximum(24.0**2 - (xc - 120) ** 2, 0)) / 4
        x, _ = grid(HALF)
        relief = np.sqrt(24.0**2 - x**2) / 4 - 6.0
        return 30 + rise, relief

    def test_are_found_best_by_patches_that_bend(self):
        d, relief = self.bent()
        at = np.full(10, 120.0), np.linspace(40, 140, 10)
        off = {"flat": [], "bent": []}
        for seed in range(4):
            cutout = softened(seen(texture(seed=seed), d))
            off["flat"] += list(found(cutout, *at, 36.0).step)
            off["bent"] += list(found(cutout, *at, 36.0, relief=np.tile(relief, (10, 1))).step)
        assert np.abs(off["bent"]).max() < 0.15
        assert np.abs(np.mean(off["flat"])) > 3 * np.abs(np.mean(off["bent"]))


class TestDoubt:
    @pytest.mark.parametrize("noise", [2.0, 6.0])
    def test_is_as_large_as_the_grain_makes_it(self, noise):
        """`vague` is the error that the pictures' own noise makes, within a factor of two."""
        pictures = seen(texture(), np.full((180, 240), 30.0))
        off, vague = [], []
        for seed in range(6):
            match = found(softened(pictures, noise=noise, seed=seed), *AT, 30.0)
            off.append(match.step), vague.append(match.vague)
        measured = np.sqrt(np.nanmean(np.square(off)))
        assert 0.5 < np.sqrt(np.mean(np.square(vague))) / measured < 2.0

    def test_grows_where_texture_is_faint(self):
        cutouts = [softened(seen(texture(contrast=c), np.full((180, 240), 30.0)), noise=2.0) for c in (30.0, 3.0)]
        strong, faint = (found(c, *AT, 30.0) for c in cutouts)
        assert np.median(faint.vague) > 5 * np.median(strong.vague)
        assert np.median(faint.likeness) < np.median(strong.likeness)

    def test_of_what_has_no_texture_is_great_and_likeness_none(self):
        plain = Stereo(np.full((180, 240), 90.0), np.full((180, 240), 90.0))
        match = found(softened(plain), *AT, 30.0)
        assert np.abs(match.likeness).max() < 0.01
        assert np.nan_to_num(match.vague, nan=99.0).min() > 2

    def test_a_best_at_the_end_of_the_range_is_none(self):
        match = found(softened(seen(texture(), np.full((180, 240), 40.0))), *AT, 32.0, reach=8)
        assert np.isnan(match.step).mean() > 0.5


class TestOneView:
    @pytest.mark.parametrize("share", [0.0, 1.0])
    def test_alone_may_be_held(self, share):
        """From the left place (share 0) or the right one (share 1) the other view's is found."""
        d = 33.4
        cutout = softened(seen(texture(), np.full((180, 240), d)))
        left, right = AT[0] + d / 2, AT[0] - d / 2
        start = Spots(left, left - 30, AT[1], np.zeros(96)) if share == 0 else Spots(
            right + 30, right, AT[1], np.ones(96))
        match = best_matches(cutout, start, reach=8, weights=np.broadcast_to(FLAT, (96, FLAT.shape[1])))
        assert np.abs(match.step - 3.4).max() < 0.12


def test_patches_by_the_border_are_matched_too():
    cutout = softened(seen(texture(), np.full((180, 240), 30.0)))
    match = found(cutout, np.array([20.0, 222.0, 120.0]), np.array([90.0, 90.0, 2.0]), 30.0)
    assert np.isfinite(match.likeness).all()
    assert np.abs(match.step[2]) < 0.3


def test_soft_weights_fall_from_the_middle():
    one, two = soft_weights(3, np.array([1.0, 4.0])).reshape(2, 7, 7)
    assert one[3, 3] == two[3, 3] == 1 and one[0, 0] < two[0, 0] < 1
    assert (one == one.T).all() and (one == one[::-1, ::-1]).all()
