"""Sums by infant give means, shares and intervals, whether made in one run or in parts."""

from __future__ import annotations

import json

import numpy as np
import pytest

from stereo3d.benchmark.figure import by_noise, draw
from stereo3d.benchmark.table import to_markdown
from stereo3d.benchmark.tally import Row, Tally
from stereo3d.errors import InputError, UsageError

PLAIN, FRAME = (Row("usual", "3 px", "13", "all", m) for m in ("plain", "frame"))


def filled(infants=("1", "2"), scale=1.0) -> Tally:
    tally = Tally()
    for infant in infants:
        rng = np.random.default_rng(int(infant))
        off = rng.normal(0, 0.01, (200, 17, 3))
        off[0, 0] = np.nan
        for row, size in ((PLAIN, 1.0), (FRAME, 0.5 * scale)):
            tally.add(row, infant, off=size * off, sigma=np.full_like(off, 0.01), counted=np.ones(off.shape[:2], bool))
    return tally


def test_figures_are_those_of_the_errors():
    found = filled().figures(PLAIN)
    assert found.mean.value == pytest.approx(0.01 * np.sqrt(8 / np.pi), rel=0.02)
    assert found.mean.low < found.mean.value < found.mean.high
    assert found.given == pytest.approx(1 - 1 / 3400)
    assert found.one_sigma == pytest.approx(0.683, abs=0.01) and found.two_sigma == pytest.approx(0.95, abs=0.01)
    assert found.pck[1] == pytest.approx(0.90, abs=0.01) and found.pck[3] == pytest.approx(found.given)
    assert list(found.pck) == sorted(found.pck)


def test_a_method_is_held_against_the_plain_one_of_its_cell():
    ratio = filled().versus(FRAME, "plain")
    assert ratio.value == pytest.approx(0.5) and ratio.low == pytest.approx(0.5) == ratio.high


def test_only_what_is_counted_counts():
    tally, off = Tally(), np.ones((3, 2, 3))
    tally.add(PLAIN, "1", off=off, sigma=off, counted=np.array([[True, False], [False, False], [False, True]]))
    assert tally.sums[PLAIN]["1"][0] == 2 and tally.figures(PLAIN).mean.value == pytest.approx(np.sqrt(3))


def test_parts_add_up():
    one, two, both = filled(("1",)), filled(("2",)), filled()
    parts = [json.loads(json.dumps(t.to_dict())) for t in (one, two)]
    for row in (PLAIN, FRAME):
        assert Tally.merged(parts).figures(row) == both.figures(row)
    assert Tally.merged([*parts, parts[0]]).figures(PLAIN) == both.figures(PLAIN)


def test_an_infant_without_tracks_is_read_back():
    tally = Tally()
    tally.moves[FRAME] = {"1": np.zeros((0, 2)), "2": np.zeros((3, 2))}
    again = Tally.merged([json.loads(json.dumps(tally.to_dict()))])
    assert again.movement(FRAME).tracks == 3 == tally.movement(FRAME).tracks


@pytest.mark.parametrize("part", [{}, {"columns": [], "rows": []}, []])
def test_what_is_no_part_is_refused(part):
    with pytest.raises(InputError, match="make it anew"):
        Tally.merged([part])


def test_error_bars_of_several_noises_are_counted_together():
    tally, off = Tally(), np.ones((3, 2, 3))
    for noise, sigma in (("3 px", 2.0), ("1 px", 0.6)):
        for seen, which in (("visible", [True, False]), ("hidden", [False, True])):
            row = Row("usual", noise, "wrist", seen, "frame")
            size = sigma if seen == "visible" else 0.1
            tally.add(row, "1", off=off, sigma=np.full_like(off, size), counted=np.tile(which, (3, 1)))
    rows = [Row("usual", noise, "wrist", "visible", "frame") for noise in ("3 px", "1 px", "none")]
    found = tally.bars(rows)
    assert (found.joints, found.one_sigma.value, found.two_sigma.value) == (6, 0.5, 1.0)
    assert np.isnan(found.one_sigma.low), "one infant tells of no others"
    assert tally.bars([rows[2]]).joints == 0
    assert "| usual | wrist | frame | 6 | 50.0 | 100.0 | 6 | 0.0 | 0.0 |" in to_markdown(tally)


def test_error_bars_that_hold_in_one_infant_only_say_so():
    tally, off = Tally(), np.ones((3, 2, 3))
    row = Row("usual", "3 px", "wrist", "visible", "frame")
    for infant, sigma in (("1", 2.0), ("2", 0.1)):
        tally.add(row, infant, off=off, sigma=np.full_like(off, sigma), counted=np.ones((3, 2), bool))
    assert "| usual | wrist | frame | 12 | 50.0 (0-100) | 50.0 (0-100) | 0 |" in to_markdown(tally)


def test_draws_add_up():
    tally, other = filled(), filled(("2", "1"))
    once = tally.figures(PLAIN)
    rng = np.random.default_rng(3)
    tally.add(PLAIN, "1", off=rng.normal(0, 0.1, (200, 17, 3)), sigma=np.ones((200, 17, 3)), counted=np.ones((200, 17), bool))
    assert tally.sums[PLAIN]["1"][0] == 2 * other.sums[PLAIN]["1"][0] and tally.figures(PLAIN).mean.value > once.mean.value
    for found in (np.zeros((1, 2)), np.ones((2, 2))):
        tally.move(FRAME, "1", found)
    assert tally.moves[FRAME]["1"].sum() == 4 and tally.movement(FRAME).tracks == 3


def test_the_table_says_what_is_worse():
    assert "WORSE" not in to_markdown(filled())
    table = to_markdown(filled(scale=2.2))
    assert "| 1.10 (1.10-1.10) WORSE |" in table and "Synthetic: 2 rendered infants" in table
    assert "| 3 px | 13 | all | frame |" in table.rpartition("Error bars")[2]


def test_the_figure_has_a_dot_for_each_method_and_noise(tmp_path):
    axes = by_noise(filled()).axes[0]
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert [line.get_label() for line in dots] == ["plain", "frame"]
    assert dots[1].get_xdata()[0] == pytest.approx(0.5 * dots[0].get_xdata()[0])
    assert draw(filled(), tmp_path / "errors.svg").read_text().startswith("<?xml")
    with pytest.raises(UsageError, match="errors.txt"):
        draw(filled(), tmp_path / "errors.txt")
