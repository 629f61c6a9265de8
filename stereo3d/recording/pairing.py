"""Which picture of the left video belongs to which of the right one: by when they were taken, never by count alone.

Two cameras begin at different moments and drop pictures, each its own. A picture without a partner leaves a gap in
its pair; it never shifts the pairs after it.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stereo3d.stereo import Stereo
from stereo3d.values import Bools, Floats, Ints

NONE = -1
"""Stands for a picture that a pair lacks."""
_COMMON_CLOCK = 60.0
"""s; times that begin later than this are taken for those of a clock that goes on, not of a file."""
_TIMECODE = re.compile(r"(\d+):(\d\d):(\d\d)([:;.])(\d+)")


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a video says of when it began."""

    metadata: Mapping[str, str]
    start_time: float
    """s, the time of its first picture by its own stamps."""
    fps: float
    seconds: float
    """How long it is."""


@dataclass(frozen=True, slots=True)
class Matched:
    """T pairs of pictures."""

    left: Ints
    """(T,) index of the left picture, -1 where there is none."""
    right: Ints
    """(T,)"""
    time: Floats
    """(T,) s on the left video's clock."""
    apart: float
    """s between the pictures of a pair, the median."""

    @property
    def valid(self) -> Bools:
        """(T,) whether both are there."""
        return np.asarray((self.left != NONE) & (self.right != NONE))


def matched(time: Stereo[Floats], step: float) -> Matched:
    """The pairs of pictures taken at `time` s (rising, of one clock), from when both are there until one ends.

    Two make a pair where each is the other's nearest and they are less than half a `step` (s from one picture to the
    next) apart. No pair comes out where the two do not overlap.
    """
    left, right = time
    to_right, to_left = _nearest(right, left), _nearest(left, right)
    mutual = (to_left[to_right] == np.arange(len(left))) & (np.abs(right[to_right] - left) <= step / 2)
    lonely = np.ones(len(right), bool)
    lonely[to_right[mutual]] = False
    alone = np.flatnonzero(lonely)
    a = np.concatenate([np.arange(len(left)), np.full(len(alone), NONE)])
    b = np.concatenate([np.where(mutual, to_right, NONE), alone])
    when = np.concatenate([left, right[alone]])
    both = (when >= max(left[0], right[0]) - step / 2) & (when <= min(left[-1], right[-1]) + step / 2)
    order = np.flatnonzero(both)[np.argsort(when[both], kind="stable")]
    apart = float(np.median(np.abs(right[to_right] - left)[mutual])) if mutual.any() else np.nan
    return Matched(a[order], b[order], when[order], apart)


def _nearest(times: Floats, wanted: Floats) -> Ints:
    """Index of the nearest of `times` to each of those wanted."""
    after = np.clip(np.searchsorted(times, wanted), 1, max(1, len(times) - 1))
    before = after - 1
    after = np.minimum(after, len(times) - 1)
    return np.where(wanted - times[before] <= times[after] - wanted, before, after)


def begins_later(begins: Stereo[Beginning], told: float | None) -> tuple[float, str]:
    """By how many s the right video begins after the left one, and a sentence on how that is known; empty where the
    two are taken to begin together."""
    if told is not None:
        return told, ""
    hint = ""
    for what, clock in (("timecodes", _timecode), ("times of creation", _creation), ("time stamps", _running_clock)):
        left, right = begins.map(clock)
        if left is None or right is None or left == right:
            continue
        offset = right - left
        if not -begins.right.seconds < offset < begins.left.seconds:
            hint = f"the {what} lie {offset:.6g} s apart, so that the videos would not overlap: they are left aside"
        elif what == "times of creation" and not (left % 1 or right % 1):
            hint = f"the {what} lie {offset:.0f} s apart to the second, too roughly to pair by: give offset"
        else:
            return offset, f"the right video begins {offset:+.3f} s after the left one by their {what}"
    return 0.0, hint


def _timecode(begin: Beginning) -> float | None:
    """s of the day by the timecode of the first picture (SMPTE 12M; `;` drops the numbers, not the pictures)."""
    found = _TIMECODE.fullmatch(begin.metadata.get("timecode", ""))
    if found is None:
        return None
    hours, minutes, seconds, frames = (int(found[i]) for i in (1, 2, 3, 5))
    rate = round(begin.fps)
    if not 0 <= frames < max(rate, 1):
        return None
    number = ((hours * 60 + minutes) * 60 + seconds) * rate + frames
    if found[4] == ";":
        number -= rate // 15 * (60 * hours + minutes - (60 * hours + minutes) // 10)
    return number / begin.fps


def _creation(begin: Beginning) -> float | None:
    """s of the epoch."""
    try:
        moment = datetime.datetime.fromisoformat(begin.metadata.get("creation_time", ""))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).timestamp()


def _running_clock(begin: Beginning) -> float | None:
    return begin.start_time if begin.start_time > _COMMON_CLOCK else None
