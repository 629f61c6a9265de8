"""A picture is only as good as those it is drawn from, in whatever order they are shown."""

from __future__ import annotations

from typing import Any

import pytest

from stereo3d.recording.stream.coded import Sent, _Decoded


def judged(coding: list[int], bad: list[int]) -> list[int]:
    """Which pictures are marked when those in `bad` are, of a run that is coded in that order."""
    sent, waiting, marked = Sent(), [], []
    given = sorted(coding)
    for index in coding:
        sent.add(index)
    for index in given:
        sent.are_bad([index] if index in bad else [])
        waiting.append(_frame(index, "is damaged" if index in bad else ""))
        while waiting and sent.last_needed(waiting[0].place) <= index:
            marked.append(sent.judge(waiting.pop(0)))
    assert not waiting and [m.place for m in marked] == given
    return [m.place for m in marked if m.fault]


def _frame(index: int, fault: str) -> _Decoded:
    nothing: Any = None
    return _Decoded(index, nothing, fault)


@pytest.mark.parametrize(("coding", "bad", "marked"), [
    ([0, 1, 2, 3], [2], [2]),
    ([0, 3, 1, 2, 6, 4, 5], [3], [1, 2, 3]),
    ([0, 3, 1, 2, 6, 4, 5], [6], [4, 5, 6]),
    ([0, 3, 1, 2, 6, 4, 5], [1], [1]),
    ([0, 4, 2, 1, 3, 8, 6, 5, 7], [2], [1, 2]),
    ([0, 4, 2, 1, 3, 8, 6, 5, 7], [3], [3]),
    ([0, 4, 2, 1, 3, 8, 6, 5, 7], [8], [5, 6, 7, 8]),
])
def test_what_is_coded_after_a_bad_picture_and_shown_before_it_is_marked(
    coding: list[int], bad: list[int], marked: list[int]
) -> None:
    assert judged(coding, bad) == marked


def test_those_that_never_come_are_known_at_the_end() -> None:
    sent = Sent()
    for index in (0, 3, 1, 2):
        sent.add(index)
    assert sent.never_given(3) == [3] and sent.last_needed(1) == 3
    sent.are_bad(sent.never_given(3))
    assert [sent.judge(_frame(i, "")).fault != "" for i in (0, 1, 2)] == [False, True, True]


def test_one_of_another_run_changes_nothing() -> None:
    sent = Sent()
    sent.add(5)
    sent.are_bad(range(4))
    assert sent.judge(_frame(5, "")).fault == ""
