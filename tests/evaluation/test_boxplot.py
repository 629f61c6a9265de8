"""Boxes against matplotlib's own, and pictures that appear whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.cbook import boxplot_stats
from test_compared import errors_of

from stereo3d.errors import UsageError
from stereo3d.evaluation.comparison.boxplot import box, draw_boxes

KINDS = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml"}


@given(arrays(float, st.integers(1, 40), elements=st.floats(0, 100)))
def test_box_is_matplotlibs(errors):
    expected = boxplot_stats(errors)[0]
    for name, x in box(np.append(errors, np.nan)).items():
        assert x == pytest.approx(expected[name]), name


def test_box_of_nothing_is_unknown():
    assert np.isnan(list(box(np.full(3, np.nan)).values())).all()


@pytest.mark.parametrize("ending", list(KINDS))
def test_a_picture_in_each_format(ending, tmp_path):
    compared = errors_of([0.01, 0.03], size=np.ones((2, 210)))
    path = draw_boxes(compared, tmp_path / f"errors{ending}")
    assert path.read_bytes().startswith(KINDS[ending])
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("in_pictures, unit", [(True, "px"), (False, "cm")])
def test_names_rates_and_units_are_written(in_pictures, unit, tmp_path):
    size = np.ones((2, 210)) if in_pictures else None
    compared = errors_of([0.01, 0.03], size=size)
    rate = np.isfinite(compared.error[0])[compared.labelled].mean()
    text = draw_boxes(compared, tmp_path / "errors.svg").read_text()
    for words in ("net 0", f"DR {rate:.0%}", f"joints, {unit}"):
        assert words in text


def test_of_a_prediction_that_found_nothing(tmp_path):
    compared = errors_of([0.01, 0.03])
    error = compared.error.copy()
    error[1] = np.nan
    assert "DR 0%" in draw_boxes(errors_of([0.01, 0.03], error=error), tmp_path / "a.svg").read_text()


def test_another_ending(tmp_path):
    with pytest.raises(UsageError, match="expected a name that ends in .png, .pdf, .svg"):
        draw_boxes(errors_of([0.01]), tmp_path / "a.gif")
