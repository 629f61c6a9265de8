"""Intervals by subject: against scipy's bootstrap, against theory, and laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from stereo3d.errors import InvalidValue
from stereo3d.evaluation import agreement, metrics, pixels
from stereo3d.evaluation.bootstrap import (
    Interval,
    deviation,
    draw,
    interval_of_rows,
    interval_of_sums,
    mean_interval,
    numbered,
    ratio,
    sums_by_subject,
)
from stereo3d.evaluation.limbs import limb_overlap, median_iqr, rmsd
from stereo3d.evaluation.oks import People, keypoint_scores
from stereo3d.skeleton import COCO_17


def several(n_subjects: int = 8, frames: int = 50, seed: int = 0):
    """(T, K) errors of subjects who differ, some of them unknown, and (T,) their subject, in no order."""
    rng = np.random.default_rng(seed)
    subject = rng.permutation(np.repeat(np.arange(n_subjects), frames))
    level = rng.uniform(0.01, 0.03, n_subjects)
    error = level[subject, None] * rng.exponential(size=(n_subjects * frames, 3))
    return np.where(rng.random(error.shape) < 0.1, np.nan, error), subject


class TestDraw:
    def test_every_draw_has_as_many_subjects(self):
        counts = draw(7, 500)
        assert counts.shape == (500, 7) and (counts.sum(1) == 7).all()
        assert counts.mean(0) == pytest.approx(1, abs=0.15)

    def test_the_seed_decides(self):
        np.testing.assert_array_equal(draw(5, seed=3), draw(5, seed=3))
        assert (draw(5, seed=3) != draw(5, seed=4)).any()

    def test_of_nobody(self):
        assert draw(0, 4).shape == (4, 0)


def test_subjects_are_numbered_by_name():
    numbers, names = numbered(["b", "a", "b", "c"])
    np.testing.assert_array_equal(numbers, [1, 0, 1, 2])
    assert names == ["a", "b", "c"]


def test_sums_by_subject():
    columns = np.array([[1.0, 1.0], [2.0, 1.0], [4.0, 1.0]])
    np.testing.assert_array_equal(sums_by_subject(columns, np.array([1, 0, 1])), [[2, 1], [5, 2]])
    assert sums_by_subject(np.zeros((0, 2)), np.zeros(0, int)).shape == (0, 2)


class TestIntervals:
    def test_one_frame_each_is_scipys_percentile_bootstrap(self):
        x = np.random.default_rng(1).exponential(size=40)
        ours = interval_of_sums(np.stack([x, np.ones(40)], 1), ratio, n=20_000)
        theirs = stats.bootstrap((x,), np.mean, n_resamples=20_000, method="percentile", rng=0).confidence_interval
        assert ours.value == pytest.approx(x.mean())
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.01)

    def test_sums_and_rows_draw_the_same(self):
        error, subject = several()
        found = np.isfinite(error)
        by_sums = mean_interval(error, found, subject, n=300)
        by_rows = interval_of_rows(lambda rows: np.nanmean(error[rows]), subject, n=300)
        assert by_sums == pytest.approx(by_rows, rel=1e-9)

    def test_std_from_sums(self):
        error, subject = several()
        known = np.nan_to_num(error)
        columns = np.stack([known.sum(1), np.square(known).sum(1), np.isfinite(error).sum(1)], 1)
        by_sums = interval_of_sums(sums_by_subject(columns, subject), deviation, n=200)
        by_rows = interval_of_rows(lambda rows: np.nanstd(error[rows]), subject, n=200)
        assert by_sums == pytest.approx(by_rows, rel=1e-6)

    def test_any_statistic_of_rows(self):
        error, subject = several()
        found = interval_of_rows(lambda rows: np.nanmedian(error[rows]), subject, n=200)
        assert found.low < found.value == np.nanmedian(error) < found.high

    def test_is_wider_than_that_of_frames_where_subjects_differ(self):
        """An hour of one infant is one observation."""
        error, subject = several(frames=200)
        widths = [
            np.ptp(mean_interval(error, np.isfinite(error), who)[1:]) for who in (subject, np.arange(len(subject)))
        ]
        assert widths[0] > 3 * widths[1]

    def test_covers_as_often_as_it_says(self):
        rng = np.random.default_rng(0)
        hits = 0
        for _ in range(300):
            x = rng.normal(size=(40, 1))
            found = interval_of_sums(np.column_stack([x, np.ones(40)]), ratio, n=400, confidence=0.9)
            hits += found.low <= 0 <= found.high
        assert 0.83 < hits / 300 < 0.95

    @settings(deadline=None)
    @given(st.integers(0, 99), st.floats(0.1, 0.98))
    def test_grows_with_confidence_and_holds_the_value(self, seed, confidence):
        error, subject = several(frames=5, seed=seed)
        low, high = (mean_interval(error, np.isfinite(error), subject, confidence=c) for c in (confidence, 0.99))
        assert high.low <= low.low <= low.high <= high.high
        assert high.low <= high.value <= high.high

    @pytest.mark.parametrize("interval", [
        interval_of_sums(np.zeros((0, 2)), ratio),
        interval_of_rows(lambda rows: np.nan, np.zeros(0, int)),
        mean_interval(np.zeros((0, 3)), np.zeros((0, 3), bool), np.zeros(0, int)),
        mean_interval(np.full((4, 1), np.nan), np.zeros((4, 1), bool), np.array([0, 0, 1, 1])),
        interval_of_rows(lambda rows: np.nan, np.array([0, 1])),
    ], ids=["no sums", "no rows", "no frames", "nothing counted", "never known"])
    def test_nothing_is_unknown(self, interval):
        assert np.isnan(interval).all()

    def test_one_subject_has_no_interval(self):
        found = mean_interval(np.array([[1.0], [3.0]]), np.ones((2, 1), bool), np.zeros(2, int))
        assert found.value == 2 and np.isnan([found.low, found.high]).all()
        found = interval_of_rows(lambda rows: float(len(rows)), np.zeros(5, int))
        assert found.value == 5 and np.isnan([found.low, found.high]).all()

    def test_two_subjects_have_one(self):
        """Both the one, both the other or one of each."""
        found = mean_interval(np.array([[1.0], [3.0]]), np.ones((2, 1), bool), np.arange(2))
        assert found == Interval(2.0, 1.0, 3.0)
        found = interval_of_rows(lambda rows: float(np.sum(rows)), np.array([0, 1]), n=100)
        assert found == Interval(1.0, 0.0, 2.0)

    def test_two_thousand_draws_of_seed_zero_by_default(self):
        assert draw(3).shape == (2000, 3)
        np.testing.assert_array_equal(draw(3), draw(3, 2000, 0))

    def test_draws_in_which_nothing_is_known_are_left_out(self):
        """One subject of three was never found."""
        error = np.array([[1.0], [2.0], [np.nan]])
        found = mean_interval(error, np.isfinite(error), np.arange(3))
        assert found == Interval(1.5, 1.0, 2.0)

    @pytest.mark.parametrize("confidence", [-0.1, 1.5, np.nan])
    def test_a_confidence_that_is_none(self, confidence):
        with pytest.raises(InvalidValue, match="confidence: expected a number from 0 to 1"):
            interval_of_sums(np.ones((3, 2)), ratio, confidence=confidence)

    def test_seed_and_confidence_reach_the_draws(self):
        error, subject = several()
        found, columns = np.isfinite(error), np.stack([np.nansum(error, 1), np.isfinite(error).sum(1)], 1)
        sums = sums_by_subject(columns, subject)
        drawn = ratio(draw(len(sums), 50, 7) @ sums)
        expected = tuple(np.quantile(drawn, [0.1, 0.9]))
        assert interval_of_sums(sums, ratio, confidence=0.8, n=50, seed=7)[1:] == pytest.approx(expected)
        assert mean_interval(error, found, subject, confidence=0.8, n=50, seed=7)[1:] == pytest.approx(expected)
        by_rows = interval_of_rows(lambda rows: np.nanmean(error[rows]), subject, confidence=0.8, n=50, seed=7)
        assert by_rows[1:] == pytest.approx(expected)

    def test_a_count_of_none_neither_warns_nor_counts(self):
        """Something over nothing, as where an error was summed that was not to be counted."""
        found = interval_of_sums(np.array([[1.0, 0.0], [1.0, 0.0]]), ratio)
        assert found.value == np.inf and np.isnan(found[1:]).all()

    def test_bad_shapes(self):
        with pytest.raises(InvalidValue, match=r"subject: expected shape \(T,\), got \(2, 1\)"):
            interval_of_rows(lambda rows: 1.0, np.zeros((2, 1), int))
        with pytest.raises(InvalidValue, match="subject: expected whole numbers, got"):
            interval_of_rows(lambda rows: 1.0, np.array([0.5, 1.5]))
        with pytest.raises(InvalidValue, match=r"counted: expected shape \(2, 1\) to go with x, got \(2, 2\)"):
            mean_interval(np.ones((2, 1)), np.ones((2, 2), bool), np.zeros(2, int))
        with pytest.raises(InvalidValue, match=r"sums: expected shape \(S, M\), got \(3,\)"):
            interval_of_sums(np.ones(3), ratio)


ERRORS, SUBJECT = several(frames=12)
ALL, SIZE = np.ones(ERRORS.shape, bool), np.full(len(ERRORS), 0.2)
OFF = np.nan_to_num(ERRORS)[..., None] * [0.6, 0.8]
MARKS = np.stack([OFF, -OFF, 0.5 * OFF])
LIMB = {"limb": np.arange(3)}
BODY = np.random.default_rng(5).uniform(0, 100, (1, 1, 17, 2)) + np.zeros((len(ERRORS), 1, 1, 1))
SEEN = BODY + 400 * OFF[:, None, :1]
SCORE = np.linspace(0, 1, len(ERRORS))[:, None]


def average_precision(rows):
    return keypoint_scores(SEEN[rows], SCORE[rows], People(BODY[rows], np.ones(BODY[rows].shape[:3], bool), np.full((len(rows), 1), 4e3)), COCO_17).ap


@pytest.mark.parametrize("statistic", [
    pytest.param(lambda r: metrics.pck3d(ERRORS[r], ALL[r], [0.02])[0], id="3DPCK"),
    pytest.param(lambda r: metrics.spread(ERRORS[r])[2], id="median"),
    pytest.param(lambda r: metrics.detection_rate(ERRORS[r], ALL[r], "frames"), id="detection rate"),
    pytest.param(lambda r: pixels.pck(ERRORS[r], ALL[r], SIZE[r], [0.1])[0], id="PCK"),
    pytest.param(lambda r: pixels.mean_error(ERRORS[r], ALL[r], SIZE[r]).mean(), id="ME"),
    pytest.param(lambda r: pixels.row_noise(OFF[r, :, 0]), id="row noise"),
    pytest.param(lambda r: limb_overlap(ERRORS[r], ALL[r], LIMB, (3, 4)).mean_score, id="LOS"),
    pytest.param(lambda r: median_iqr(rmsd(OFF[r], LIMB))[0, 0], id="RMSD"),
    pytest.param(lambda r: agreement.spread(agreement.rater_distances(MARKS[:, r], SIZE[r])).mean(), id="H"),
    pytest.param(lambda r: agreement.pck_human(ERRORS[r], ALL[r], SIZE[r], np.full(3, 0.2)).mean(), id="PCKh@Human"),
    pytest.param(lambda r: agreement.intraclass_correlation(MARKS[::2, r, 0, 0].T, "A,1").value, id="ICC"),
    pytest.param(lambda r: agreement.bland_altman(ERRORS[r, 0], ERRORS[r, 1]).high.value, id="limit of agreement"),
    pytest.param(lambda r: metrics.length_statistics(0.1 + ERRORS[r]).variation.mean(), id="length variation"),
    pytest.param(average_precision, id="AP"),
])  # fmt: skip
def test_every_metric_has_an_interval_by_subject(statistic):
    found = interval_of_rows(statistic, SUBJECT, n=60)
    assert found.value == statistic(np.arange(len(SUBJECT)))
    assert found.low < found.high and found.low <= found.value <= found.high
