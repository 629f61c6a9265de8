"""What the page is made of: judgement, bins, charts, words and markup."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from results import changed, part, result

from stereo3d.errors import InvalidValue
from stereo3d.poses import Status
from stereo3d.visual.page import svg, words
from stereo3d.visual.page.bins import bins
from stereo3d.visual.page.findings import find
from stereo3d.visual.page.markup import Markup, table, tag
from stereo3d.visual.page.trust import Doubt, Limits, judge, jumps

_, TRUTH = result(60)
"""Without noise: nothing in it is in doubt until something is made so."""
WRIST, ELBOW, SHOULDER = (TRUTH.skeleton.index(f"left_{j}") for j in ("wrist", "elbow", "shoulder"))


def test_a_clean_track_is_trusted_throughout() -> None:
    trust = judge(TRUTH)
    assert trust.share == 1 and not trust.doubt.any() and not trust.cause.any()


@pytest.mark.parametrize(("fields", "reason"), [
    ({"xyz": np.nan, "status": int(Status.MISSING_LEFT)}, Doubt.UNSEEN),
    ({"xyz": np.nan, "status": int(Status.LOW_SCORE)}, Doubt.UNSEEN),
    ({"xyz": np.nan}, Doubt.UNSEEN),
    ({"xyz": np.nan, "status": int(Status.ROW_MISMATCH)}, Doubt.VIEWS_DISAGREE),
    ({"xyz": np.nan, "status": int(Status.DEPTH_RANGE)}, Doubt.DEPTH),
    ({"xyz": np.nan, "status": int(Status.ROW_MISMATCH | Status.DEPTH_RANGE)}, Doubt.VIEWS_DISAGREE),
    ({"xyz": np.nan, "status": int(Status.OUTLIER | Status.BONE)}, Doubt.OUTLIER),
    ({"xyz": np.nan, "status": int(Status.BONE)}, Doubt.LENGTH),
    ({"xyz": np.nan, "status": int(Status.JUMP)}, Doubt.JUMP),
    ({"xyz": np.nan, "status": int(Status.FROZEN)}, Doubt.FROZEN),
    ({"xyz": np.nan, "status": int(Status.SWAPPED)}, Doubt.UNSEEN),
    ({"status": int(Status.FILLED | Status.MISSING_LEFT)}, Doubt.FILLED),
    ({"status": int(Status.RESCUED | Status.ROW_MISMATCH)}, Doubt.NONE),
    ({"status": int(Status.SWAPPED | Status.JUMP)}, Doubt.NONE),
    ({"sigma": 0.06}, Doubt.WIDE),
    ({"xyz": TRUTH.xyz[20, 0] + [0, 0, 0.09]}, Doubt.JUMP),
    ({"xyz": TRUTH.xyz[20, 0] + [0, 0, 0.07]}, Doubt.NONE),
    ({"sigma": 0.057}, Doubt.NONE),
])
def test_each_reason(fields: dict[str, object], reason: Doubt) -> None:
    doubt = judge(changed(TRUTH, np.s_[20, 0], **fields)).doubt
    assert doubt[20, 0] == reason
    assert not np.delete(doubt.ravel(), 20 * 17).any()


@pytest.mark.parametrize(("joint", "blamed"), [(WRIST, [WRIST]), (ELBOW, [ELBOW]), (SHOULDER, [SHOULDER])])
def test_a_wrong_limb_length_is_blamed_on_the_right_joint(joint: int, blamed: list[int]) -> None:
    """Two frames in three: no jump from the median, but the wrong length."""
    rows = np.arange(20, 26)
    wrong = changed(TRUTH, (rows, joint), xyz=TRUTH.xyz[rows, joint] + [0, 0, 0.3])
    assert (judge(wrong).doubt[23] == Doubt.LENGTH).nonzero()[0].tolist() == blamed


def test_a_frame_needs_four_joints_of_five() -> None:
    for lost, trusted in ((3, True), (4, False)):
        trust = judge(changed(TRUTH, np.s_[10, :lost], xyz=np.nan))
        assert trust.trusted[10] == trusted and trust.cause[10] == (0 if trusted else Doubt.UNSEEN)
        assert trust.share == (1 if trusted else 59 / 60)


def test_every_joint_is_counted_once() -> None:
    counts = judge(result(30)[0]).counts()
    assert (counts.sum(1) == 17).all() and counts[:, 1:].any()


def test_jumps_are_measured_from_the_median_of_five() -> None:
    still = changed(TRUTH, ..., xyz=0.5)
    moved = changed(changed(still, np.s_[10, 2], xyz=[0.5, 0.5, 0.62]), np.s_[30:33, 4], xyz=0.7)
    measured = jumps(moved)
    np.testing.assert_allclose(measured[10, 2], 0.12)
    np.testing.assert_allclose(measured.sum(), 0.12, err_msg="three frames in five are a movement, not a jump")


def test_jumps_need_near_and_enough_neighbours() -> None:
    assert np.isnan(jumps(part(TRUTH, slice(0, 4)))).all()
    assert np.isnan(jumps(dataclasses.replace(TRUTH, time=TRUTH.time * 3))).all()
    alone = changed(TRUTH, np.s_[:, 0], xyz=np.nan)
    assert np.isnan(jumps(changed(alone, np.s_[20, 0], xyz=0.5))[20, 0])
    assert np.isfinite(jumps(TRUTH)).all()


def test_limits_are_checked() -> None:
    with pytest.raises(InvalidValue, match="joints: expected a number from 0 to 1, got 2"):
        Limits(joints=2)


@given(arrays(float, st.integers(0, 200), elements=st.floats(0, 1e4)), st.integers(1, 50))
def test_bins_keep_every_moment_its_sum_and_its_spread(time: np.ndarray, most: int) -> None:
    time = np.sort(time)
    cut = bins(time, most)
    x = np.arange(len(time), dtype=float)
    assert len(cut.first) <= most and cut.count.sum() == len(time)
    np.testing.assert_allclose(cut.sums(x).sum(), x.sum())
    np.testing.assert_allclose((cut.means(x) * cut.count).sum(), x.sum())
    spread = [x[first:first + n].std() for first, n in zip(cut.first, cut.count)]
    np.testing.assert_allclose(cut.deviations(x), spread)
    assert (np.diff(cut.middle) > 0).all()


def test_bins_leave_unknown_numbers_out() -> None:
    cut = bins(np.arange(6.0), 3)
    x = np.array([1, np.nan, np.nan, np.nan, 4, 6])
    np.testing.assert_array_equal(cut.means(x), [1, np.nan, 5])
    np.testing.assert_array_equal(cut.deviations(np.stack([x, x + 1e6], -1)), [[0, 0], [np.nan] * 2, [1, 1]])


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_an_axis_spans_what_it_is_asked_to_in_few_round_steps(low: float, span: float) -> None:
    axis = svg.scale(low, low + span)
    slack = 1e-6 * (abs(low) + span)
    assert axis.low <= low + slack and axis.high >= low + span - slack
    assert 2 <= len(axis.ticks) <= 8 and axis.ticks[0][0] == 0 and axis.ticks[-1][0] == 1


@pytest.mark.parametrize(("low", "high", "labels"), [
    (0, 9.3, ["0.0", "2.5", "5.0", "7.5", "10.0 cm"]), (-7, 7, ["−10", "−5", "0", "5", "10 cm"]),
    (0, 0.02, ["0.000", "0.005", "0.010", "0.015", "0.020 cm"]), (3, 3, ["3", "4", "5", "6 cm"]),
    (np.nan, np.nan, ["0.00", "0.25", "0.50", "0.75", "1.00 cm"]),
])
def test_axis_labels(low: float, high: float, labels: list[str]) -> None:
    assert [label for _, label in svg.scale(low, high, unit="cm").ticks] == labels


def test_a_line_breaks_where_nothing_is_known() -> None:
    y = svg.Axis(0.0, 1.0, ())
    drawn = svg.line(np.arange(5) / 4, np.array([0, 1, np.nan, 0.5, np.nan]), y, "one")
    assert 'd="M0 1000h0L250 0M750 500h0"' in drawn


def test_a_line_breaks_where_the_recording_has_a_hole() -> None:
    drawn = svg.line(np.array([0.0, 0.1, 0.9]), np.full(3, 0.5), svg.Axis(0.0, 1.0, ()), "one", step=0.1)
    assert 'd="M0 500h0L100 500M900 500h0"' in drawn


@pytest.mark.parametrize(("start", "stop", "seconds", "labels"), [
    (0, 2.93, True, ["0:00.0", "0:00.5", "0:01.0", "0:01.5", "0:02.0", "0:02.5"]),
    (0, 3600, True, ["0:00", "10:00", "20:00", "30:00", "40:00", "50:00", "1:00:00"]),
    (61, 70, True, ["1:02", "1:04", "1:06", "1:08", "1:10"]), (10, 10, True, ["0:10.0", "0:10.2", "0:10.4", "0:10.6", "0:10.8", "0:11.0"]),
    (0, 0.02, True, ["0:00.000", "0:00.005", "0:00.010", "0:00.015", "0:00.020"]),
    (0, 86400, True, ["0:00", "4:00:00", "8:00:00", "12:00:00", "16:00:00", "20:00:00", "24:00:00"]),
    (7, 9, False, ["7", "8", "9"]), (0, 108_000, False, ["0", "20000", "40000", "60000", "80000", "100000"]),
])
def test_a_timeline_has_round_labels_in_their_places(start: float, stop: float, seconds: bool, labels: list[str]) -> None:
    axis = svg.timeline(start, stop, seconds=seconds)
    assert [label for _, label in axis.ticks] == labels
    assert all(0 <= p <= 1 for p, _ in axis.ticks) and (axis.low, axis.high) == (start, max(stop, start + (stop == start)))


def test_bars_stand_where_they_should() -> None:
    drawn = svg.bars(np.array([0.0, 0.5]), 0.5, np.array([0.0, 0.2]), np.array([0.25, 0.2]), "one")
    assert re.findall(r"M[^z]*z", drawn) == ["M0 750h501v250h-501z"]


@pytest.mark.parametrize(("seconds", "digits", "said"), [
    (0, 0, "0:00"), (59.6, 0, "1:00"), (61.25, 2, "1:01.25"), (3599.999, 2, "1:00:00.00"), (7325, 0, "2:02:05"),
    (-1.5, 1, "-0:01.5"), (np.nan, 0, "–"),
])
def test_clock(seconds: float, digits: int, said: str) -> None:
    assert words.clock(seconds, digits) == said


@pytest.mark.parametrize(("show", "x", "said"), [
    (words.percent, 0.99999, "99.9 %"), (words.percent, 1e-9, "0.1 %"), (words.percent, 1.0, "100 %"),
    (words.percent, 0.0, "0 %"), (words.percent, 0.4567, "45.7 %"), (words.percent, np.nan, "–"),
    (words.centimetres, 0.0123, "1.2 cm"), (words.centimetres, np.inf, "–"), (words.pixels, np.nan, "–"),
    (words.change, -0.004, "0 %"), (words.change, 0.5, "+50 %"), (words.change, -0.3, "−30 %"),
    (words.change, np.nan, "–"), (words.duration, 0.033, "0.03 s"), (words.duration, 59.97, "1:00"),
    (words.duration, 12.0, "12.0 s"), (words.duration, np.nan, "–"),
])
def test_numbers_in_words(show: object, x: float, said: str) -> None:
    assert show(x) == said  # type: ignore[operator]


def test_markup_escapes_all_but_itself() -> None:
    assert tag("a", "<b>", Markup("<i></i>"), title='"x"', hidden=True, class_="c", data_k=None) == (
        '<a title="&quot;x&quot;" hidden class="c">&lt;b&gt;<i></i></a>'
    )
    assert '<td data-key="&quot;">&lt;</td>' in table(["a"], [[("n", "n"), ("<", '"')]])


def test_worst_frames_are_apart_and_the_worst_first() -> None:
    long = part(TRUTH, np.arange(180) % 60)
    long = dataclasses.replace(long, time=np.arange(180) / 30, frame=np.arange(180))
    bad = changed(changed(long, np.s_[50:55, :6], xyz=np.nan), np.s_[120, :9], xyz=np.nan)
    worst = find(bad).worst
    assert worst[0] == 120 and 50 <= worst[1] < 55 and len(worst) == 2
    assert not len(find(TRUTH).worst)


def test_findings_line_errors_up_with_the_poses() -> None:
    off = changed(TRUTH, np.s_[7, 3], xyz=TRUTH.xyz[7, 3] + [0, 0, 0.05])
    shuffled = part(off, np.arange(60)[::-1])
    error = find(shuffled, part(TRUTH, slice(5, 60))).error
    assert np.isnan(error[:5]).all() and error[7, 3] == pytest.approx(0.05) and np.nansum(error) == pytest.approx(0.05)
