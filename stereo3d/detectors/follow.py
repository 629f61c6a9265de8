"""The infant's box in every frame, from a survey and one look a second.

What comes out for a frame depends on nothing but its place in the recording: segments can be done in any order, on
any machine, and give the same. Boxes are those of `search`: (..., 5), px of the recorded pictures.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from stereo3d.detectors.base import Detector
from stereo3d.detectors.search import Survey, median, search, settle, widened
from stereo3d.recording.base import Recording
from stereo3d.values import Floats, Ints

LOST = 0.5
"""Where the score falls under this share of the survey's, the infant is searched for again."""
SEARCH_EVERY = 10
"""Seconds between the frames that are searched then."""


def boxes(recording: Recording, detector: Detector, frames: range, seen: Survey) -> Floats:
    """(T, 2, 5) the infant's box in each of the frames, left and right; it is the same for a second each time.

    Its place is the median of three looks, the second's own and its neighbours'; its size is the largest of theirs.
    """
    looks = _looks(recording)
    second = np.searchsorted((looks[1:] + looks[:-1]) / 2, np.asarray(frames))
    seconds, mine = np.unique(second, return_inverse=True)
    around = np.clip(seconds + np.array([[-1], [0], [1]]), 0, len(looks) - 1)
    needed, rows = np.unique(around, return_inverse=True)
    found = _follow(recording, detector, looks[needed], looks[needed - needed % SEARCH_EVERY], seen)
    three = found[rows.reshape(around.shape)]
    smooth = median(three)
    smooth[..., 2:4] = three[..., 2:4].max(0)
    return smooth[mine]


def _looks(recording: Recording) -> Ints:
    """The frames that are looked at: one a second, and the last."""
    period = max(1, round(recording.fps))
    return np.unique(np.append(np.arange(0, len(recording), period), len(recording) - 1))


def _follow(recording: Recording, detector: Detector, looks: Ints, searches: Ints, seen: Survey) -> Floats:
    """(S, 2, 5) the box in each of these frames; where the infant is lost, after a search of the frame that goes with
    it; where it is lost there too, the survey's."""

    @cache
    def searched(frame: int) -> Floats:
        return widened(search(detector, recording[frame].images).box)

    def box_in(frame: int, fallback: int) -> Floats:
        pair = [recording[frame].images]
        box, score = (x[0] for x in settle(detector, pair, widened(seen.box)))
        lost = (score < LOST * seen.score)[:, None]
        if not lost.any():
            return np.asarray(box)
        again, score = (x[0] for x in settle(detector, pair, searched(fallback)))
        there = (score >= LOST * seen.score)[:, None]
        return np.where(lost, np.where(there, again, seen.box), box)

    return np.stack([box_in(*frames) for frames in zip(looks.tolist(), searches.tolist())])
