"""The papers' figures hold together, and the few that the toolkit's reference page repeats are the same."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.errors import InvalidValue
from stereo3d.evaluation.comparison import published
from stereo3d.evaluation.metrics import AGMA_GROUPS
from stereo3d.evaluation.comparison.published import TABLES, Table
from stereo3d.skeleton import INMOTION_19


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.title)
def test_every_table_is_whole(table):
    assert table.source and table.rows
    for column in table.columns:
        x = table.column(column)
        assert np.isfinite(x).all()
        if "PCK" in column:
            assert ((x > 1) & (x <= 100)).all()
        if "LOS" in column:
            assert ((x > 0) & (x <= 1)).all()


@pytest.mark.parametrize("table", [t for t in TABLES if sum("PCK" in c for c in t.columns) > 2], ids=lambda t: t.title)
def test_pck_grows_with_the_threshold(table):
    names = [c for c in table.columns if "PCK" in c]
    shares = np.array([table.column(c) for c in sorted(names, key=lambda c: float(c.partition("@")[2].strip("cm")))])
    assert (np.diff(shares, axis=0) >= 0).all()


def test_the_figure_to_stand_beside():
    assert published.AGMA_TABLE_4.rows["DarkPose32 retrained"] == (40.49, 83.11, 97.29, 99.45, 1.72, 2.31)
    np.testing.assert_array_equal(published.AGMA_TABLE_5.column("mean cm"), [0.94, 1.72, 1.45, 1.42, 2.24, 1.39, 1.71])
    assert tuple(published.AGMA_TABLE_5.rows) == AGMA_GROUPS


def test_the_parts_of_table_5_make_the_whole_of_table_4_but_for_eyes_and_ears():
    """Seven groups weighted by their joints: 1.58 cm; with eyes and ears the paper has 1.72."""
    weights = [1, 2, 2, 2, 2, 2, 2]
    assert np.average(published.AGMA_TABLE_5.column("mean cm"), weights=weights) == pytest.approx(1.60, abs=0.03)


def test_in_motion_averages_over_19_parts():
    """But for EfficientPose III, where the paper prints 81.59 %, its first row's figure: its parts average 83.69."""
    table = published.IN_MOTION_TABLE_2
    assert tuple(table.rows) == INMOTION_19.joints
    printed = {"H": 0.0534, "H 0.95": 0.1161, "OpenPose": 62.03, "CIMA-Pose": 66.58, "EfficientPose III": 83.69,
               "EfficientHourglass B4": 86.71}  # fmt: skip
    for column, mean in printed.items():
        assert table.column(column).mean() == pytest.approx(mean, rel=0.001)


def test_intervals_hold_their_values():
    table = published.IN_MOTION_TABLE_3
    for form, letter in (("ICC(A,1)", "A"), ("ICC(C,1)", "C")):
        low, value, high = (table.column(c) for c in (f"{letter} low", form, f"{letter} high"))
        assert ((low < value) & (value < high)).all()


def test_limb_scores_average_to_the_papers():
    los = published.HRNET_DEKR_TABLE_2.column("LOS")
    assert los[:4].mean() == pytest.approx(los[4], abs=5e-4)


def test_rows_of_different_lengths():
    with pytest.raises(InvalidValue, match=r"odd: expected 2 numbers in each row, not so in \['b'\]"):
        Table("odd", ("x", "y"), {"a": (1.0, 2.0), "b": (1.0,)})


def test_two_tables_beside_each_other():
    both = published.beside(published.AGMA_TABLE_3, published.AGMA_FIGURE_6)
    assert both.columns == ("PCK@0.05", "PCK@0.1", "PCK@0.2", "mean px", "found %")
    assert both.rows["Higher32 retrained"] == (65.90, 89.47, 97.44, 3.7, 100)
    np.testing.assert_array_equal(both.rows["FiDIP"], [55.93, 84.29, 95.35, np.nan, np.nan])
    assert both.source == published.AGMA


def test_a_dash_is_unknown():
    table = published._table("someone", "t", "x | y", "a | 1 -\nb | - 2")
    np.testing.assert_array_equal(table.column("y"), [np.nan, 2])
