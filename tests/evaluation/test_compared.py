"""Errors beside each other: what they come to, and paired tests by subject against scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from stereo3d.errors import InvalidValue
from stereo3d.evaluation import metrics, pixels
from stereo3d.evaluation.bootstrap import interval_of_rows
from stereo3d.evaluation.comparison.compared import Compared, intervals, paired_tests, rows_of
from stereo3d.evaluation.evaluate import THRESHOLDS


def errors_of(levels, n_subjects: int = 7, frames: int = 30, seed: int = 0, **more) -> Compared:
    """Predictions whose errors have those means, of subjects who differ."""
    rng = np.random.default_rng(seed)
    subject = np.repeat(np.arange(n_subjects), frames)
    hard = rng.uniform(0.5, 2.0, n_subjects)[subject, None]
    error = np.stack([level * hard * rng.exponential(size=(len(subject), 3)) for level in levels])
    error[rng.random(error.shape) < 0.1] = np.nan
    fields = {
        "names": tuple(f"net {i}" for i in range(len(levels))), "error": error,
        "labelled": rng.random(error.shape[1:]) < 0.9,
        "joints": ("nose", "left_knee", "right_knee"), "subject": subject,
        "subjects": tuple(f"infant {i}" for i in range(n_subjects)), "thresholds": THRESHOLDS,
    }  # fmt: skip
    return Compared(**(fields | more))


def subject_means(compared: Compared, which: int) -> np.ndarray:
    """Of the joints that both found, slowly."""
    both = compared.found(0) & compared.found(which)
    n = len(compared.subjects)
    return np.array([
        np.mean((compared.error[which] - compared.error[0])[both & (compared.subject == s)[:, None]]) for s in range(n)
    ])


class TestCompared:
    def test_pck_in_space_and_in_pictures(self):
        space = errors_of([0.01, 0.03])
        expected = metrics.pck3d(space.error[1], space.labelled, THRESHOLDS, "left out", "frames")
        np.testing.assert_array_equal(space.pck(1, "left out", "frames"), expected)
        size = np.random.default_rng(0).uniform(1, 2, space.error.shape[:2])
        pictures = errors_of([0.01, 0.03], size=size)
        expected = pixels.pck(space.error[1], space.labelled, size[1], THRESHOLDS)
        np.testing.assert_array_equal(pictures.pck(1), expected)
        assert (pictures.pck(1) >= space.pck(1)).all()

        over_frames = pixels.pck(space.error[1], space.labelled, size[1], THRESHOLDS, "left out", "frames")
        np.testing.assert_array_equal(pictures.pck(1, "left out", "frames"), over_frames)

    def test_plain_lists_and_numbers_become_arrays(self):
        """And are checked at the door: labels are yes or no, subjects whole numbers."""
        made = errors_of([0.01], labelled=np.ones((210, 3), int).tolist(), error=errors_of([0.01]).error.tolist())
        assert made.labelled.dtype == bool and made.error.dtype == float and not made.error.flags.writeable
        with pytest.raises(InvalidValue, match="subject: expected whole numbers"):
            errors_of([0.01], subject=np.full(210, 0.5))

    def test_mean_is_of_found_joints(self):
        compared = errors_of([0.01, 0.03])
        found = np.where(compared.labelled, compared.error[1], np.nan)
        mean = compared.mean(1)
        assert mean.value == pytest.approx(np.nanmean(found))
        assert mean.low < mean.value < mean.high

    def test_some_joints(self):
        knees = errors_of([0.01]).of_joints(np.array([1, 2]))
        assert knees.joints == ("left_knee", "right_knee")
        assert knees.mean(0).value == pytest.approx(
            np.nanmean(np.where(knees.labelled, errors_of([0.01]).error[0, :, 1:], np.nan))
        )

    @pytest.mark.parametrize("fields, sentence", [
        ({"names": ("a",)}, r"error: expected shape \(1, T, 3\), got \(2, 210, 3\)"),
        ({"joints": ("nose",)}, r"error: expected shape \(2, T, 1\), got \(2, 210, 3\)"),
        ({"labelled": np.ones((5, 3), bool)}, r"labelled: expected shape \(210, 3\), got \(5, 3\)"),
        ({"subject": np.zeros(5, int)}, r"subject: expected shape \(210,\), got \(5,\)"),
        ({"size": np.ones(5)}, r"size: expected shape \(2, 210\), got \(5,\)"),
    ])
    def test_wrong_shapes(self, fields, sentence):
        with pytest.raises(InvalidValue, match=sentence):
            errors_of([0.01, 0.03], **fields)


def test_rows_are_places_in_the_first_of_two_lists():
    np.testing.assert_array_equal(rows_of(np.array([3, 5, 7, 9]), np.array([5, 9])), [1, 3])


class TestIntervals:
    """Against the metrics themselves on every draw."""

    @pytest.mark.parametrize("sized", [False, True])
    def test_are_those_of_the_metrics(self, sized):
        size = np.random.default_rng(0).uniform(0.1, 0.4, (2, 210))
        size[:, ::9], size[:, 1::9] = np.nan, 0.0
        compared = errors_of([0.01, 0.03], size=size if sized else None)
        held, error, labelled = intervals(compared, 1), compared.error[1], compared.labelled

        def share(i, rows):
            if sized:
                return pixels.pck(error[rows], labelled[rows], size[1, rows], THRESHOLDS)[i]
            return metrics.pck3d(error[rows], labelled[rows], THRESHOLDS)[i]

        def spread(which, rows):
            return metrics.spread(np.where(labelled[rows], error[rows], np.nan))[which]

        figures = [*(lambda rows, i=i: share(i, rows) for i in range(4)), *(lambda rows, i=i: spread(i, rows) for i in (0, 1)),
                   lambda rows: metrics.detection_rate(error[rows], labelled[rows])]  # fmt: skip
        for ours, figure in zip([*held.pck, held.mean, held.std, held.detection_rate], figures):
            np.testing.assert_allclose(ours, interval_of_rows(figure, compared.subject), rtol=1e-9, atol=1e-12)

    def test_of_one_subject_have_no_ends(self):
        held = intervals(errors_of([0.01], 1), 0)
        assert np.isfinite(held.mean.value) and np.isnan([held.mean.low, held.std.high, held.pck[0].low]).all()

    def test_of_nothing_are_unknown(self):
        held = intervals(errors_of([0.01], 0), 0)
        assert np.isnan([*held.mean, *held.std, *held.detection_rate, *held.pck[0]]).all()


class TestPairedTests:
    def test_against_scipy(self):
        compared = errors_of([0.02, 0.022, 0.01])
        for i, test in enumerate(paired_tests(compared), 1):
            means = subject_means(compared, i)
            assert (test.name, test.baseline, test.subjects) == (f"net {i}", "net 0", 7)
            assert test.difference.value == pytest.approx(means.mean())
            assert test.p_t == pytest.approx(stats.ttest_rel(means, np.zeros(7)).pvalue)
            assert test.p_wilcoxon == pytest.approx(stats.wilcoxon(means).pvalue)
        better = paired_tests(compared)[1]
        assert better.difference.high < 0 and better.p_wilcoxon == pytest.approx(2 ** (1 - 7))

    def test_of_one_prediction_there_is_none(self):
        assert paired_tests(errors_of([0.01])) == ()

    def test_a_subject_weighs_as_one_however_long(self):
        """Hundred frames of the one and a single frame of the other."""
        error = np.zeros((2, 101, 1))
        error[1, :100], error[1, 100] = 0.01, 0.03
        subject = np.array([0] * 100 + [1])
        compared = Compared(("a", "b"), error, np.ones((101, 1), bool), ("nose",), subject, ("x", "y"), THRESHOLDS)
        assert paired_tests(compared)[0].difference.value == pytest.approx(0.02)

    def test_only_joints_that_both_found_count(self):
        """The one that leaves out a hard joint is not the better for it."""
        error = np.array([[[0.01, 0.10]] * 2, [[0.01, np.nan]] * 2])
        compared = Compared(("a", "b"), error, np.ones((2, 2), bool), ("j", "k"), np.arange(2), ("x", "y"), THRESHOLDS)
        assert paired_tests(compared)[0].difference.value == 0
        assert compared.mean(1).value < compared.mean(0).value

    def test_the_same_twice_is_no_difference(self):
        compared = errors_of([0.01])
        twice = errors_of([0.01, 0.01], error=np.repeat(compared.error, 2, 0))
        test = paired_tests(twice)[0]
        assert (test.difference.value, test.p_t, test.p_wilcoxon) == (0, 1, 1)

    def test_the_same_difference_everywhere_is_certain(self):
        error = np.stack([np.zeros((4, 1)), np.full((4, 1), 0.25)])
        compared = Compared(("a", "b"), error, np.ones((4, 1), bool), ("j",), np.arange(4), tuple("wxyz"), THRESHOLDS)
        test = paired_tests(compared)[0]
        assert (test.p_t, test.p_wilcoxon) == (0, pytest.approx(2**-3))

    @pytest.mark.parametrize("n_subjects, value", [(1, True), (0, False)])
    def test_too_few_subjects_are_unknown(self, n_subjects, value):
        test = paired_tests(errors_of([0.01, 0.02], n_subjects))[0]
        assert test.subjects == n_subjects
        assert np.isnan([test.p_t, test.p_wilcoxon, test.difference.low]).all()
        assert np.isfinite(test.difference.value) == value

    def test_two_subjects_are_enough(self):
        test = paired_tests(errors_of([0.01, 0.02], 2))[0]
        means = subject_means(errors_of([0.01, 0.02], 2), 1)
        assert test.p_t == pytest.approx(stats.ttest_1samp(means, 0).pvalue)
        assert test.p_wilcoxon == pytest.approx(0.5) and np.isfinite(test.difference.low)

    def test_ranks_are_exact_of_many_subjects_too(self):
        """scipy itself would take the normal approximation beyond 50."""
        means = np.random.default_rng(0).normal(0.01, 0.05, 60)
        error = np.stack([np.full((60, 1), 1.0), 1 + means[:, None]])
        names = tuple(map(str, range(60)))
        compared = Compared(("a", "b"), error, np.ones((60, 1), bool), ("j",), np.arange(60), names, THRESHOLDS)
        expected = stats.wilcoxon(error[1, :, 0] - 1, method="exact").pvalue
        assert paired_tests(compared)[0].p_wilcoxon == pytest.approx(expected, rel=1e-9)

    def test_subjects_without_a_difference_have_no_rank(self):
        error = np.stack([np.zeros((6, 1)), np.array([[0.0], [0.0], [0.1], [0.2], [0.3], [0.4]])])
        compared = Compared(("a", "b"), error, np.ones((6, 1), bool), ("j",), np.arange(6), tuple("uvwxyz"), THRESHOLDS)
        assert paired_tests(compared)[0].p_wilcoxon == pytest.approx(2 * 2**-4)

    def test_a_subject_of_whom_nothing_is_found_is_left_out(self):
        compared = errors_of([0.01, 0.02])
        error = compared.error.copy()
        error[1, compared.subject == 3] = np.nan
        test = paired_tests(errors_of([0.01, 0.02], error=error))[0]
        assert test.subjects == 6 and np.isfinite(test.p_t)

    @given(st.integers(0, 50))
    def test_the_other_way_round_is_the_negative(self, seed):
        compared = errors_of([0.02, 0.022], seed=seed, frames=3)
        turned = errors_of([0.02, 0.022], seed=seed, frames=3, error=compared.error[::-1])
        one, other = paired_tests(compared)[0], paired_tests(turned)[0]
        assert one.difference.value == pytest.approx(-other.difference.value)
        assert (one.p_t, one.p_wilcoxon) == pytest.approx((other.p_t, other.p_wilcoxon))
