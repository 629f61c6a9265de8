"""A left and a right of anything."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stereo3d.stereo import SIDES, Stereo

pairs = st.builds(Stereo, st.integers(), st.integers())


@given(pairs)
def test_goes_left_then_right(pair):
    assert list(pair) == [pair.left, pair.right] == [pair[side] for side in SIDES]


@given(pairs, pairs)
def test_map_reaches_both_with_their_own_arguments(pair, other):
    assert pair.map(lambda x: -x) == Stereo(-pair.left, -pair.right)
    assert pair.map(lambda a, b: a - b, other) == Stereo(pair.left - other.left, pair.right - other.right)
    assert pair.map(lambda x: x) == pair


def test_is_equal_by_what_it_holds():
    assert Stereo(np.array([1, np.nan]), "a") == Stereo(np.array([1, np.nan]), "a")
    assert Stereo(1, 2) != Stereo(2, 1)
    with pytest.raises(AttributeError):
        Stereo(1, 2).left = 3
