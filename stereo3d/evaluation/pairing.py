"""Which frames of two tracks belong together: by their numbers, by their times, or in their order."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from stereo3d.errors import InputError
from stereo3d.values import Floats, Ints

Pairing = Literal["frame", "time", "order"]
_CLOCK_ROUNDING = 1e-6
"""s."""
_SAME_RATE = 0.02
"""Clocks drift by less than this share; beyond it frame numbers count different things."""


class Timeline(NamedTuple):
    """T frames of a track."""

    n: int
    frame: Ints | None
    """(T,) or None where they have no numbers."""
    time: Floats | None
    """(T,) s or None where no time is known."""


class Pairs(NamedTuple):
    """P frames that belong together."""

    rows: Ints
    """(P,) of the poses."""
    truth_rows: Ints
    """(P,) of the truth, none of them twice where they are paired by time."""
    by: Pairing
    apart: float | None
    """s, the largest difference of their times where those paired them."""


def pair(poses: Timeline, truth: Timeline) -> Pairs:
    """The frames that poses and truth share.

    Frames belong together that carry the same number, unless their times say that they are numbered at another rate;
    without numbers, or then, those that lie within half a frame of the poses in time, each with the nearest; without
    times either, in their order if both have as many. Raises InputError where they share none.
    """
    if poses.frame is not None and truth.frame is not None and not _other_rate(poses, truth):
        return _by_frame(poses.frame, truth.frame)
    if poses.time is not None and truth.time is not None:
        return _by_time(poses, poses.time, truth.time)
    if poses.n == truth.n:
        return Pairs(np.arange(poses.n), np.arange(poses.n), "order", None)
    raise InputError(
        "truth: poses and truth have neither frame numbers (video_frame) nor times in common, so expected as many "
        f"frames as the poses have, {poses.n}, got {truth.n}"
    )


def _by_frame(frame: Ints, truth_frame: Ints) -> Pairs:
    _, rows, truth_rows = np.intersect1d(frame, truth_frame, return_indices=True)
    _check(rows, frame, truth_frame, f"frames {_span(frame)} and {_span(truth_frame)}")
    return Pairs(rows, truth_rows, "frame", None)


def _by_time(poses: Timeline, time: Floats, truth_time: Floats) -> Pairs:
    rows, truth_rows, apart = _nearest(time, truth_time, _half_a_frame(poses, time, truth_time))
    _check(rows, time, truth_time, f"times {_span(time)} and {_span(truth_time)} s")
    return Pairs(rows, truth_rows, "time", float(apart.max(initial=0.0)))


def _check(rows: Ints, x: Floats | Ints, truth_x: Floats | Ints, spans: str) -> None:
    if not rows.size and len(x) and len(truth_x):
        raise InputError(f"truth: expected frames that the poses share, got {spans}")


def _other_rate(poses: Timeline, truth: Timeline) -> bool:
    """Whether frames are numbered at clearly different rates, so that by the last one they are half a frame apart."""
    period, other = _period(poses), _period(truth)
    if not (np.isfinite(period) and np.isfinite(other)):
        return False
    shared = np.intersect1d(poses.frame, truth.frame)  # type: ignore[arg-type]
    span = float(np.ptp(shared)) if shared.size else np.inf
    return abs(period - other) > _SAME_RATE * period and abs(period - other) * span > period / 2


def _period(track: Timeline) -> float:
    """s from one frame number to the next, NaN where it is not known."""
    if track.frame is None or track.time is None:
        return np.nan
    known = np.isfinite(track.time)
    counted = np.ptp(track.frame[known]) if known.any() else 0
    return float(np.ptp(track.time[known]) / counted) if counted else np.nan


def _nearest(time: Floats, truth_time: Floats, reach: float) -> tuple[Ints, Ints, Floats]:
    """Rows of either whose times lie within reach (s), each with what is nearest to it, and how far (s)."""
    rows, candidates = np.flatnonzero(np.isfinite(time)), np.flatnonzero(np.isfinite(truth_time))
    if not candidates.size:
        return rows[:0], candidates, np.zeros(0)
    candidates = candidates[np.argsort(truth_time[candidates], kind="stable")]
    time, times = time[rows], truth_time[candidates]
    after = np.searchsorted(times, time).clip(0, len(times) - 1)
    before = (after - 1).clip(0)
    nearest = np.where(np.abs(times[after] - time) < np.abs(times[before] - time), after, before)
    apart = np.abs(times[nearest] - time)
    near = np.flatnonzero(apart <= reach + _CLOCK_ROUNDING)
    order = near[np.argsort(apart[near], kind="stable")]
    _, first = np.unique(nearest[order], return_index=True)
    chosen = np.sort(order[first])
    return rows[chosen], candidates[nearest[chosen]], apart[chosen]


def _half_a_frame(poses: Timeline, time: Floats, truth_time: Floats) -> float:
    """s, from the poses' own clock and counter; where these do not tell, from their or else the truth's usual step."""
    steps = [np.diff(np.sort(clock[np.isfinite(clock)])) for clock in (time, truth_time)]
    periods = [_period(poses), *(float(np.median(step)) for step in steps if step.size)]
    return next((period / 2 for period in periods if np.isfinite(period)), 0.0)


def _span(x: Floats | Ints) -> str:
    known = x[np.isfinite(x)]
    return f"{known.min():g} to {known.max():g}" if known.size else "none"
