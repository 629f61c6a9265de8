"""Which left picture goes with which right one: by time, with gaps where one is missing, never shifted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stereo3d.recording.pairing import NONE, Beginning, begins_later, matched
from stereo3d.stereo import Stereo

STEP = 1 / 30


def pairs(left: Any, right: Any, offset: float = 0.0) -> list[tuple[int, int]]:
    """What is paired of pictures with these numbers of a common clock, by those numbers."""
    a, b = np.array(left, float) * STEP, np.array(right, float) * STEP + offset
    found = matched(Stereo(a, b), STEP)
    assert (np.diff(found.time) >= 0).all()
    return [
        (NONE if i == NONE else left[i], NONE if j == NONE else right[j])
        for i, j in zip(found.left.tolist(), found.right.tolist(), strict=True)
    ]


@pytest.mark.parametrize(("left", "right", "wanted"), [
    ([0, 1, 2], [0, 1, 2], [(0, 0), (1, 1), (2, 2)]),
    ([0, 1, 2, 3], [0, 1], [(0, 0), (1, 1)]),
    ([0, 1, 2, 3], [2, 3, 4], [(2, 2), (3, 3)]),
    ([0, 1, 3, 4], [0, 1, 2, 3, 4], [(0, 0), (1, 1), (NONE, 2), (3, 3), (4, 4)]),
    ([0, 1, 2, 3, 4], [0, 4], [(0, 0), (1, NONE), (2, NONE), (3, NONE), (4, 4)]),
    ([0, 2, 3, 5], [0, 1, 3, 5], [(0, 0), (NONE, 1), (2, NONE), (3, 3), (5, 5)]),
    ([5], [5], [(5, 5)]),
    ([0, 1], [8, 9], []),
])
def test_pictures_of_one_moment_are_paired(left: Any, right: Any, wanted: Any) -> None:
    assert pairs(left, right) == wanted
    assert pairs(right, left) == [(b, a) for a, b in wanted]


@given(
    st.sets(st.integers(0, 60), max_size=20), st.sets(st.integers(0, 60), max_size=20),
    st.floats(-0.3, 0.3), st.integers(0, 2**31),
)
def test_dropped_pictures_leave_gaps_and_shift_nothing(
    without_left: set[int], without_right: set[int], lag: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    held = [sorted(set(range(62)) - gone) for gone in (without_left, without_right)]
    times = [np.array(numbers) * STEP + rng.uniform(-0.05, 0.05, len(numbers)) * STEP for numbers in held]
    found = matched(Stereo(times[0], times[1] + lag * STEP), STEP)
    for i, j in zip(found.left.tolist(), found.right.tolist(), strict=True):
        numbers = {held[side][k] for side, k in enumerate((i, j)) if k != NONE}
        assert len(numbers) == 1
    whole = {held[0][i] for i, ok in zip(found.left.tolist(), found.valid.tolist(), strict=True) if ok}
    assert whole == set(held[0]) & set(held[1])


def test_a_constant_lag_is_told() -> None:
    a = np.arange(20) * STEP
    assert matched(Stereo(a, a + 0.004), STEP).apart == pytest.approx(0.004)
    assert np.isnan(matched(Stereo(a, a + 9), STEP).apart)


def begin(fps: float = 30.0, start: float = 0.0, seconds: float = 100.0, **metadata: str) -> Beginning:
    return Beginning(metadata, start, fps, seconds)


@pytest.mark.parametrize(("left", "right", "offset", "words"), [
    (begin(), begin(), 0.0, ""),
    (begin(timecode="10:00:00:00"), begin(timecode="10:00:02:15"), 2.5, "begins +2.500 s after the left one by their timecodes"),
    (begin(timecode="10:00:02:15"), begin(timecode="10:00:00:00"), -2.5, "begins -2.500 s"),
    (begin(30000 / 1001, timecode="00:00:59;28"), begin(30000 / 1001, timecode="00:01:00;02"), 2 * 1001 / 30000, "timecodes"),
    (begin(30000 / 1001, timecode="00:09:59;29"), begin(30000 / 1001, timecode="00:10:00;00"), 1001 / 30000, "timecodes"),
    (begin(timecode="10:00:00:00"), begin(), 0.0, ""),
    (begin(timecode="10:00:00:77"), begin(timecode="10:00:01:00"), 0.0, ""),
    (begin(timecode="10:00:00:00"), begin(timecode="11:00:00:00"), 0.0, "the timecodes lie 3600 s apart"),
    (begin(creation_time="2026-01-01T10:00:00.250000Z"), begin(creation_time="2026-01-01T10:00:01Z"), 0.75, "times of creation"),
    (begin(creation_time="2026-01-01T10:00:00Z"), begin(creation_time="2026-01-01T10:00:03Z"), 0.0, "to the second, too roughly"),
    (begin(creation_time="2026-01-01T10:00:00.5"), begin(creation_time="soon"), 0.0, ""),
    (begin(start=5000.0), begin(start=5000.4), 0.4, "by their time stamps"),
    (begin(start=1.4), begin(start=1.433), 0.0, ""),
])
def test_when_the_right_one_begins(left: Beginning, right: Beginning, offset: float, words: str) -> None:
    got, told = begins_later(Stereo(left, right), None)
    assert got == pytest.approx(offset, abs=1e-6) and words in told and bool(told) == bool(words)


def test_what_the_caller_says_goes_first() -> None:
    assert begins_later(Stereo(begin(timecode="10:00:00:00"), begin(timecode="10:00:01:00")), 0.2) == (0.2, "")
