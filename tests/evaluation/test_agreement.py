"""Intraclass correlation against pingouin and published tables, Bland-Altman against its authors, raters by law."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from stereo3d.errors import InvalidValue, UsageError
from stereo3d.evaluation import agreement as a
from stereo3d.evaluation.comparison.published import IN_MOTION_TABLE_2

SHROUT_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float)
H = IN_MOTION_TABLE_2.column("H")
IN_MOTION = np.stack([1.1 * H + 0.008, H], 1)
ratings = arrays(float, st.tuples(st.integers(2, 8), st.integers(2, 5)), elements=st.integers(-20, 20))
WRIGHT = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]


def made_up(seed: int):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(9, 1)) + 0.5 * rng.normal(size=4) + 0.7 * rng.normal(size=(9, 4))


class TestIntraclassCorrelation:
    @pytest.mark.parametrize("table, form, expected", [
        (SHROUT_FLEISS, "A,1", 0.289764), (SHROUT_FLEISS, "C,1", 0.714841), (SHROUT_FLEISS, "1,1", 0.165742),
        (IN_MOTION, "A,1", 0.730122), (IN_MOTION, "C,1", 0.995475),
    ])  # fmt: skip
    def test_reference(self, table, form, expected):
        assert a.intraclass_correlation(table, form).value == pytest.approx(expected, abs=5e-7)

    @pytest.mark.parametrize("form, low, high", [("A,1", 0.019, 0.761), ("C,1", 0.342, 0.946), ("1,1", -0.133, 0.723)])
    def test_published_intervals(self, form, low, high):
        """Those that R's irr and psych print for Shrout and Fleiss' table."""
        found = a.intraclass_correlation(SHROUT_FLEISS, form)
        assert (found.low, found.high) == pytest.approx((low, high), abs=6e-4)

    @pytest.mark.parametrize("table", [SHROUT_FLEISS, IN_MOTION, *map(made_up, range(3))],
                             ids=["Shrout-Fleiss", "In-Motion", "0", "1", "2"])  # fmt: skip
    def test_against_pingouin(self, table):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pingouin = pytest.importorskip("pingouin", reason="pingouin, the independent side, is not installed")
            long = pd.DataFrame([(i, j, x) for (i, j), x in np.ndenumerate(table)], columns=["t", "r", "x"])
            theirs = pingouin.intraclass_corr(long, "t", "r", "x").set_index("Type")
        for form in ("A,1", "C,1", "1,1"):
            ours, row = a.intraclass_correlation(table, form), theirs.loc[f"ICC({form})"]
            assert ours.value == pytest.approx(row["ICC"], abs=1e-9)
            np.testing.assert_allclose(ours[1:], row["CI95"], atol=0.0051)  # it rounds to two digits

    def test_the_interval_of_the_average_of_f(self):
        """C,1 is a function of F = MSR / MSE, whose quantiles bound it: at the bound the F test has p = tail."""
        found = a.intraclass_correlation(SHROUT_FLEISS, "C,1")
        f = [(1 + 3 * x) / (1 - x) for x in found]
        assert stats.f.sf(f[0] / f[1], 5, 15) == pytest.approx(0.025)
        assert stats.f.sf(f[2] / f[0], 15, 5) == pytest.approx(0.025)

    @given(ratings)
    def test_bounds(self, table):
        k = table.shape[1]
        for form, least in (("A,1", -np.inf), ("C,1", -1 / (k - 1)), ("1,1", -1 / (k - 1))):
            found = a.intraclass_correlation(table, form)
            if np.isfinite(found.value):
                assert least - 1e-9 <= found.value <= 1 + 1e-9
            if np.isfinite(found).all() and form != "A,1":
                assert found.low - 1e-9 <= found.value <= found.high + 1e-9

    @given(ratings, st.floats(-50, 50), st.sampled_from([0.5, 2.0, 8.0]))
    def test_units_do_not_matter(self, table, offset, times):
        table = table + np.random.default_rng(0).normal(size=table.shape)
        for form in ("A,1", "C,1", "1,1"):
            moved = a.intraclass_correlation(times * table + offset, form)
            np.testing.assert_allclose(moved, a.intraclass_correlation(table, form), rtol=1e-6, atol=1e-6)

    @given(ratings, st.floats(1, 50))
    def test_a_rater_who_marks_higher_is_consistent_and_does_not_agree(self, table, offset):
        table = table + np.random.default_rng(0).normal(size=table.shape)
        biased = table - table.mean(0) + offset * np.arange(table.shape[1])
        level = table - table.mean(0)
        consistent = [a.intraclass_correlation(x, "C,1").value for x in (biased, level)]
        assert consistent[0] == pytest.approx(consistent[1], abs=1e-6)
        agreed = [abs(a.intraclass_correlation(x, "A,1").value) for x in (biased, level)]
        assert agreed[0] < agreed[1] + 1e-9

    @pytest.mark.parametrize("form", ["A,1", "C,1", "1,1"])
    def test_perfect_agreement_is_one(self, form):
        assert a.intraclass_correlation([[1, 1], [4, 4], [16, 16]], form) == pytest.approx((1, 1, 1))

    def test_raters_who_rank_the_other_way_round(self):
        """No variance between targets: -1 / (k - 1), the least that consistency can be."""
        assert a.intraclass_correlation([[1, -1], [-1, 1], [2, -2]], "C,1").value == pytest.approx(-1)

    def test_raters_who_contradict_each_other(self):
        """Neither targets nor raters vary: there is nothing that agreement could be a share of."""
        assert np.isnan(a.intraclass_correlation([[1, -1], [-1, 1]], "A,1")).all()

    def test_targets_with_a_missing_rating_are_left_out(self):
        holed = np.vstack([SHROUT_FLEISS, [5, np.nan, 5, 5]])
        assert a.intraclass_correlation(holed) == a.intraclass_correlation(SHROUT_FLEISS)

    @pytest.mark.parametrize("table", [np.zeros((0, 3)), np.zeros((3, 0)), np.ones((1, 3)), np.ones((3, 1)),
                                       np.ones((4, 3)), np.full((4, 3), np.nan)], ids=lambda t: f"{t.shape}")
    @pytest.mark.parametrize("form", ["A,1", "C,1", "1,1"])
    def test_nothing_to_compare_is_unknown(self, table, form):
        assert np.isnan(a.intraclass_correlation(table, form)).all()

    def test_more_confidence_is_wider(self):
        wide, narrow = (a.intraclass_correlation(SHROUT_FLEISS, confidence=c) for c in (0.99, 0.5))
        assert wide.low < narrow.low < narrow.value < narrow.high < wide.high

    def test_bad_arguments(self):
        with pytest.raises(UsageError, match="form: expected one of A,1, C,1, 1,1, got 'A,k'"):
            a.intraclass_correlation(SHROUT_FLEISS, "A,k")
        with pytest.raises(InvalidValue, match=r"ratings: expected shape \(n, k\), got \(3,\)"):
            a.intraclass_correlation([1, 2, 3])
        with pytest.raises(InvalidValue, match="confidence: expected a number from 0 to 1"):
            a.intraclass_correlation(SHROUT_FLEISS, confidence=95)


class TestRaters:
    def marks(self, n_raters: int = 4, noise: float = 3.0, frames: int = 2000):
        rng = np.random.default_rng(0)
        truth = rng.uniform(0, 500, (frames, 5, 2))
        return truth, truth + noise * rng.normal(size=(n_raters, *truth.shape))

    def test_two_raters_two_pixels_apart(self):
        xy = np.array([[[[0.0, 0.0]]], [[[0.0, 2.0]]]])
        np.testing.assert_allclose(a.rater_distances(xy, np.array([10.0])), [[[0.1]], [[0.1]]])

    def test_one_rater_agrees_with_himself(self):
        np.testing.assert_array_equal(a.rater_distances(np.ones((1, 2, 3, 2)), np.ones(2)), np.zeros((1, 2, 3)))

    @pytest.mark.parametrize("n_raters", [2, 3, 10])
    def test_the_mean_includes_the_rater(self, n_raters):
        """Distances are sqrt((N - 1) / N) of those from the truth."""
        truth, marks = self.marks(n_raters)
        size = np.full(len(truth), 50.0)
        from_truth = np.linalg.norm(marks - truth, axis=-1).mean() / 50
        spread = a.spread(a.rater_distances(marks, size)).mean()
        assert spread / from_truth == pytest.approx(np.sqrt((n_raters - 1) / n_raters), rel=0.01)

    def test_the_papers_19_average(self):
        assert H.mean() == pytest.approx(0.05338, abs=5e-6)
        assert len(H) == 19

    def test_the_limit_is_the_95th_percentile(self):
        """Of Rayleigh distances: sqrt(-2 ln .05) of the noise that is left after taking the mean off."""
        truth, marks = self.marks(10, frames=4000)
        limit = a.human_limit(a.rater_distances(marks, np.ones(len(truth))))
        np.testing.assert_allclose(limit, 3 * np.sqrt(0.9) * np.sqrt(-2 * np.log(0.05)), rtol=0.02)

    def test_a_joint_that_a_rater_did_not_mark_is_left_out(self):
        _, marks = self.marks(3, frames=4)
        holed = marks.copy()
        holed[2, 1, 0] = np.nan
        holed[:, :, 4] = np.nan
        distances = a.rater_distances(holed, np.ones(4))
        np.testing.assert_allclose(distances[:2, 1, 0], np.linalg.norm(marks[0, 1, 0] - marks[1, 1, 0]) / 2)
        assert np.isnan(distances[2, 1, 0])
        np.testing.assert_array_equal(np.isnan(a.spread(distances)), np.arange(5) == 4)
        np.testing.assert_array_equal(np.isnan(a.human_limit(distances)), np.arange(5) == 4)

    def test_frames_without_a_head_length_are_left_out(self):
        distances = a.rater_distances(self.marks(frames=2)[1], np.array([10.0, np.nan]))
        assert np.isnan(distances[:, 1]).all() and np.isfinite(distances[:, 0]).all()

    def test_nothing_is_unknown(self):
        distances = a.rater_distances(np.zeros((3, 0, 5, 2)), np.zeros(0))
        assert np.isnan(a.spread(distances)).all() and np.isnan(a.human_limit(distances)).all()


class TestPckHuman:
    def test_each_joint_has_its_own_limit(self):
        error = np.array([[1.0, 1.0], [2.0, 2.0], [np.nan, 0.0]])
        share = a.pck_human(error, np.ones((3, 2), bool), np.array([10.0, 10.0, 10.0]), np.array([0.1, 0.2]))
        np.testing.assert_allclose(share, [1 / 3, 1])
        share = a.pck_human(error, np.ones((3, 2), bool), np.full(3, 10.0), np.array([0.1, 0.2]), "left out")
        np.testing.assert_allclose(share, [1 / 2, 1])

    def test_people_score_95_percent_of_themselves(self):
        distances = np.random.default_rng(0).rayleigh(size=(1, 5000, 3)) * [1.0, 2.0, 5.0]
        share = a.pck_human(distances[0], np.ones((5000, 3), bool), np.ones(5000), a.human_limit(distances))
        np.testing.assert_allclose(share, 0.95, atol=1e-3)

    def test_what_has_no_limit_or_no_size_does_not_count(self):
        labelled = np.ones((2, 2), bool)
        share = a.pck_human(np.ones((2, 2)), labelled, np.array([10.0, np.nan]), np.array([0.1, np.nan]))
        np.testing.assert_array_equal(share, [1, np.nan])
        share = a.pck_human(np.ones((2, 1)), np.ones((2, 1), bool), np.array([10.0, 0.0]), np.array([0.1]))
        np.testing.assert_array_equal(share, [1])

    def test_a_share_that_is_none(self):
        with pytest.raises(InvalidValue, match="share: expected a number from 0 to 1, got 1.5"):
            a.human_limit(np.ones((2, 3, 4)), 1.5)

    def test_equals_pckh_at_that_threshold(self):
        from stereo3d.evaluation.pixels import pck

        error = np.random.default_rng(0).exponential(10, (50, 1))
        labelled, size = np.ones((50, 1), bool), np.full(50, 60.0)
        human = a.pck_human(error, labelled, size, np.array([0.12]))
        np.testing.assert_allclose(human, pck(error, labelled, size, [0.12]))


class TestBlandAltman:
    def test_peak_flow_of_bland_and_altman(self):
        """Two meters, 17 people: bias -2.1 (-22.0 to 17.8), SD 38.8, limits -79.7 (-114.3 to -45.1), 75.5 (40.9 to
        110.1) in their Lancet paper of 1986, which took 2 for 1.96 and 3 / n for the
        variance of a limit."""
        found = a.bland_altman(WRIGHT, MINI)
        assert found.n == 17
        assert found.bias == pytest.approx((-2.1, -22.0, 17.8), abs=0.05)
        assert found.std == pytest.approx(38.8, abs=0.05)
        assert found.low == pytest.approx((-79.7, -114.3, -45.1), abs=1.8)
        assert found.high == pytest.approx((75.5, 40.9, 110.1), abs=1.8)

    def test_limits_by_hand(self):
        found = a.bland_altman([1.0, 2.0, 3.0, 4.0], [0.0, 0.0, 0.0, 0.0])
        std, t, z = np.std([1, 2, 3, 4], ddof=1), stats.t.ppf(0.975, 3), stats.norm.ppf(0.975)
        wide = t * std * np.sqrt(1 / 4 + z**2 / 6)
        assert found.bias == pytest.approx((2.5, 2.5 - t * std / 2, 2.5 + t * std / 2))
        assert found.low == pytest.approx((2.5 - z * std, 2.5 - z * std - wide, 2.5 - z * std + wide))
        assert found.high == pytest.approx((2.5 + z * std, 2.5 + z * std - wide, 2.5 + z * std + wide))

    @given(arrays(float, (6, 2), elements=st.floats(-100, 100)), st.floats(-10, 10))
    def test_an_offset_moves_bias_and_limits_alone(self, pairs, offset):
        plain, moved = (a.bland_altman(pairs[:, 0] + o, pairs[:, 1]) for o in (0, offset))
        assert moved.std == pytest.approx(plain.std, abs=1e-6)
        for one, other in zip((moved.bias, moved.low, moved.high), (plain.bias, plain.low, plain.high)):
            np.testing.assert_allclose(np.subtract(one, other), offset, atol=1e-6)

    def test_the_bias_has_the_interval_of_a_t_test(self):
        expected = stats.ttest_rel(WRIGHT, MINI).confidence_interval(0.9)
        assert a.bland_altman(WRIGHT, MINI, 0.9).bias[1:] == pytest.approx(tuple(expected))

    def test_unknown_pairs_are_left_out(self):
        assert a.bland_altman([*WRIGHT, np.nan, 1.0], [*MINI, 2.0, np.nan]) == a.bland_altman(WRIGHT, MINI)

    def test_small_integers_do_not_wrap(self):
        low, high = np.array([1, 2, 3], np.uint8), np.array([4, 5, 7], np.uint8)
        assert a.bland_altman(low, high).bias.value == pytest.approx(-10 / 3)
        assert a.bland_altman(high, low).bias.value == pytest.approx(10 / 3)

    def test_two_pairs_are_enough(self):
        found = a.bland_altman([1.0, 3.0], [0.0, 0.0])
        assert found.std == pytest.approx(np.sqrt(2)) and np.isfinite([*found.bias, *found.low, *found.high]).all()

    def test_a_confidence_that_is_none(self):
        with pytest.raises(InvalidValue, match="confidence: expected a number from 0 to 1, got 1.5"):
            a.bland_altman(WRIGHT, MINI, 1.5)

    @pytest.mark.parametrize("values, bias", [([], np.nan), ([3.0], 3.0)])
    def test_too_few_are_unknown(self, values, bias):
        found = a.bland_altman(values, np.zeros(len(values)))
        np.testing.assert_equal([found.n, found.bias.value], [len(values), bias])
        assert np.isnan([found.std, *found.bias[1:], *found.low, *found.high]).all()
