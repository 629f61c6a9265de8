"""Frames that belong together: by number, by time where numbers count different things, in order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stereo3d.errors import InputError
from stereo3d.evaluation.pairing import Pairs, Timeline, pair


def line(n: int, rate: float | None = None, *, numbered: bool = True, start: float = 0.0) -> Timeline:
    return Timeline(n, np.arange(n) if numbered else None, None if rate is None else start + np.arange(n) / rate)


def listed(pairs: Pairs) -> list[tuple[int, int]]:
    return list(zip(pairs.rows.tolist(), pairs.truth_rows.tolist()))


@pytest.mark.parametrize("poses, truth", [
    (line(9, 30), line(6, 30)), (line(9), line(6, 30)), (line(9, 30), line(6)), (line(9, 30), line(6, 29.97)),
    (line(9, 30), line(6, 30, start=1e9)), (line(1, 30), line(6, 100)),
])
def test_by_number(poses: Timeline, truth: Timeline) -> None:
    """Also where a clock drifts a little or begins elsewhere, or one frame does not tell a rate."""
    found = pair(poses, truth)
    n = min(poses.n, truth.n)
    assert listed(found) == [(i, i) for i in range(n)] and found.by == "frame" and found.apart is None


@pytest.mark.parametrize("numbered", [True, False])
@pytest.mark.parametrize("rate, expected, apart", [
    (100, [(0, 0), (1, 3), (2, 7), (3, 10)], 1 / 300), (15, [(0, 0), (2, 1)], 0), (60, [(0, 0), (1, 2), (2, 4), (3, 6)], 0),
    (50, [(0, 0), (1, 2), (2, 3), (3, 5)], 1 / 150),
])
def test_by_time_at_another_rate(numbered: bool, rate: float, expected: list[tuple[int, int]], apart: float) -> None:
    """Frame 3 of a laboratory's 100 Hz is not frame 3 of the recording; a truth is taken once, by the nearest."""
    n = expected[-1][1] + 1
    found = pair(line(4, 30), line(n, rate, numbered=numbered))
    assert listed(found) == expected and found.by == "time" and found.apart == pytest.approx(apart, abs=1e-9)


def test_rates_are_told_apart_where_it_matters() -> None:
    """2 % are a drifting clock; and a rate 5 % off is not yet half a frame away after 9 frames."""
    assert pair(line(1000, 30), line(1000, 30.5)).by == "frame"
    assert pair(line(10, 30), line(10, 31.5)).by == "frame"
    assert pair(line(40, 30), line(40, 31.5)).by == "time"


def test_numbers_that_share_nothing_but_times_that_do() -> None:
    """Numbered from another beginning and at another rate: the times decide."""
    far = line(50, 100)._replace(frame=np.arange(1000, 1050))
    assert pair(line(10, 30), far).by == "time"


@given(st.floats(5, 120), st.floats(5, 120), st.integers(0, 30), st.integers(0, 30))
def test_every_pair_lies_within_half_a_frame_and_no_truth_twice(a: float, b: float, n: int, m: int) -> None:
    poses, truth = line(n, a), line(m, b, numbered=False)
    found = pair(poses, truth)
    apart = np.abs(poses.time[found.rows] - truth.time[found.truth_rows])
    assert n < 2 or (apart <= 0.5 / a + 1e-5).all()
    assert len(set(found.truth_rows.tolist())) == len(found.truth_rows) and (np.diff(found.rows) > 0).all()


def test_unknown_times_have_no_partner() -> None:
    holes = line(6, 30, numbered=False)
    holes.time[[1, 4]] = np.nan
    assert listed(pair(line(6, 30), holes)) == [(0, 0), (2, 2), (3, 3), (5, 5)]
    assert listed(pair(holes, line(6, 30))) == [(0, 0), (2, 2), (3, 3), (5, 5)]


def test_in_order() -> None:
    found = pair(line(3, numbered=False), line(3, 30))
    assert listed(found) == [(0, 0), (1, 1), (2, 2)] and found.by == "order"
    with pytest.raises(InputError, match="as many frames as the poses have, 3, got 4"):
        pair(line(3, numbered=False), line(4, 30))


@pytest.mark.parametrize("poses, truth, sentence", [
    (line(3, 30), line(3, 30, start=9, numbered=False), "times 0 to 0.0666667 and 9 to 9.06667 s"),
    (line(3), Timeline(2, np.array([7, 9]), None), "frames 0 to 2 and 7 to 9"),
    (line(3, 30), Timeline(2, None, np.full(2, np.nan)), "and none s"),
])
def test_nothing_shared_is_told(poses: Timeline, truth: Timeline, sentence: str) -> None:
    with pytest.raises(InputError, match=f"expected frames that the poses share, got .*{sentence}"):
        pair(poses, truth)


def test_nothing_at_all_is_nothing() -> None:
    for truth in (line(5, 30), line(5, 30, numbered=False), line(0)):
        assert not len(pair(line(0, 30), truth).rows)
