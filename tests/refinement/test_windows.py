"""Windows cover all frames, overlap, and their shares add up to one."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.refinement.windows import in_order, side_by_side, windows


@pytest.mark.parametrize("size", [1, 5, 10, 11, 17, 29, 100])
def test_shares_add_up_to_one_in_every_frame(size: int) -> None:
    parts = windows(size, 10, 4)
    total = np.zeros(size)
    for batch in parts.batches(3):
        rows, shares = parts.rows(batch), parts.shares(batch)
        assert rows.shape == shares.shape
        np.add.at(total, rows, shares)
    np.testing.assert_allclose(total, 1)
    assert (np.diff(parts.starts) > 0).all() and parts.starts[-1] + parts.length == size


def test_neighbours_overlap_and_what_fits_is_one_window() -> None:
    parts = windows(100, 10, 4)
    ends = parts.starts + parts.length
    assert (ends[:-1] - parts.starts[1:] >= 4).all()
    assert len(windows(10, 10, 4)) == 1 and windows(3, 10, 4).length == 3


def test_shares_go_over_without_a_step() -> None:
    shares = windows(30, 20, 10).shares()
    assert np.abs(np.diff(shares, axis=0)).max() < 0.11


def test_some_are_spread_evenly() -> None:
    parts = windows(1000, 10, 4)
    some = parts.some(5)
    assert len(some) == 5 and some.starts[0] == 0 and some.starts[-1] == parts.starts[-1]
    assert len(parts.some(10_000)) == len(parts)


@pytest.mark.parametrize(("size", "length"), [(1, 1), (7, 3), (9, 3), (10, 4)])
def test_side_by_side_and_in_order_again(size: int, length: int) -> None:
    x = np.arange(2.0 * size).reshape(size, 2)
    beside = side_by_side(x, length)
    assert beside.shape == (length, -(-size // length), 2)
    np.testing.assert_array_equal(in_order(beside, size), x)
    rest = in_order(beside, beside.shape[0] * beside.shape[1])[size:]
    np.testing.assert_array_equal(rest, np.broadcast_to(x[-1], rest.shape))
