"""Small matrices are worked on by one thread, and others' threads are as before when that is done."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from clips import MIXED, clip_of
from threadpoolctl import threadpool_info, threadpool_limits

from stereo3d.refinement import clip as over_time
from stereo3d.refinement import noise
from stereo3d.refinement.evidence import evidence
from stereo3d.refinement.threads import one_thread


@pytest.fixture(autouse=True)
def _two_threads() -> Iterator[None]:
    with threadpool_limits(2, user_api="blas"):
        if threads() != {2}:
            pytest.skip("linear algebra here has no threads that can be limited")
        yield


def threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_one_thread_within_and_as_many_as_before_after_it() -> None:
    assert threads() == {2}
    with one_thread():
        assert threads() == {1}
        with one_thread():
            assert threads() == {1}
        assert threads() == {1}
    assert threads() == {2}


def test_threads_come_back_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), one_thread():
        raise ZeroDivisionError
    assert threads() == {2}


def test_evidence_and_the_refinement_over_time_take_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    made, seen = clip_of(MIXED, 42, 1.0), []
    for where, name in ((noise, "noise_of"), (over_time, "smoothed"), (over_time, "corrected")):
        called = getattr(where, name)
        monkeypatch.setattr(where, name, lambda *a, called=called, **k: seen.append(threads()) or called(*a, **k))
    over_time.clip(evidence(made.joints, made.evidence.camera))
    assert seen == [{1}] * 3
    assert threads() == {2}
