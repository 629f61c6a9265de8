"""Pairs that one has read are there for another, each decoded once."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stereo3d.recording.base import open_recording
from stereo3d.recording.watched import Watched

SAMPLE = Path(__file__).parents[2] / "sample_data" / "infant.h5"


def test_pairs_are_read_once() -> None:
    with open_recording(SAMPLE) as recording:
        watched = Watched(recording)
        stream = watched.recording.frames(4, 10, 2)
        read = [next(stream), next(stream)]
        given = list(watched.pairs(np.array([4, 6])))
        assert [a is b for a, b in zip(given, read)] == [True, True]
        assert [p.index for p in watched.pairs(np.array([4, 6]))] == [4, 6], "given out once; then it is read again"
        assert len(watched.recording) == 45 and watched.recording[3].index == 3 and watched.recording.fps == recording.fps


def test_pairs_nobody_has_read_are_read_in_order() -> None:
    with open_recording(SAMPLE) as recording:
        watched = Watched(recording)
        assert [p.index for p in watched.pairs(np.array([3, 5, 9]))] == [3, 5, 9]
        assert [p.index for p in watched.pairs(np.array([7]))] == [7]
        assert list(watched.pairs(np.array([], int))) == []
