"""Everything that the sections of the page are made from, worked out once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stereo3d.evaluation.evaluate import Evaluation, evaluate
from stereo3d.evaluation.points import Points
from stereo3d.poses import Poses3D
from stereo3d.recording.identity import clock_of, counted_from
from stereo3d.values import Floats, Ints, Value
from stereo3d.visual.page import words
from stereo3d.visual.page.bins import Bins, bins
from stereo3d.visual.page.svg import Axis, timeline
from stereo3d.visual.page.trust import Trust, judge

_WORST = 10
_APART = 1.0
"""s between two of the worst frames, so that they are not one and the same bad moment."""
_CANDIDATES = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Findings(Value):
    """A result in the order of time, and what was found out about it."""

    poses: Poses3D
    trust: Trust
    seconds: bool
    """Whether the clock is in s; else it counts frames, because a time was not known."""
    clock: Floats
    """(T,) rising."""
    bins: Bins
    evaluation: Evaluation | None
    error: Floats
    """(T, K) m from the truth, NaN where there is none."""
    worst: Ints
    """Some of the least trustworthy frames, as places in `poses`, the worst first."""
    run: Mapping[str, Any] = field(default_factory=dict)
    """Provenance."""
    recording: Mapping[str, Any] = field(default_factory=dict)
    """What the recording holds, as recording.base.describe says it; empty where it is not at hand."""

    @property
    def axis(self) -> Axis:
        """The timeline."""
        ends = self.clock[[0, -1]] if len(self.clock) else np.zeros(2)
        return timeline(float(ends[0]), float(ends[1]), seconds=self.seconds)

    @property
    def duration(self) -> float:
        """s from the first frame's beginning to the last one's end; frames where there is no clock."""
        if len(self.clock) < 2:
            return 0.0
        return float(self.clock[-1] - self.clock[0]) + self.step

    @property
    def step(self) -> float:
        """From one frame to the next, usually, on the clock; 0 where it cannot be told."""
        return float(np.median(np.diff(self.clock))) if len(self.clock) > 1 else 0.0

    def moment(self, at: int) -> str:
        """The time of a frame, in words."""
        return words.clock(float(self.clock[at]), 2) if self.seconds else f"frame {self.poses.frame[at]}"


def find(
    poses: Poses3D, truth: Points | Poses3D | None = None, run: Mapping[str, Any] | None = None,
    recording: Mapping[str, Any] | None = None,
) -> Findings:
    """The findings on a result; with a truth also its errors. Times of a clock count from the first.

    Raises what `evaluate` does.
    """
    seconds = bool(np.isfinite(poses.time).all())
    poses = in_order(poses, poses.time if seconds else poses.frame)
    evaluation = None if truth is None else evaluate(poses, truth)
    poses = counted_from(poses, clock_of(poses.time))
    clock = poses.time if seconds else poses.frame.astype(float)
    trust = judge(poses)
    error = _aligned(evaluation, poses)
    worst = _worst(trust, error, clock)
    origin = {**poses.origin, **(run or {})}
    return Findings(poses, trust, seconds, clock, bins(clock), evaluation, error, worst, origin, recording or {})


def in_order(poses: Poses3D, clock: Floats | Ints) -> Poses3D:
    """The same poses with `clock` (T,) rising."""
    if not (np.diff(clock) < 0).any():
        return poses
    rows = np.argsort(clock, kind="stable")
    arrays = [f.name for f in dataclasses.fields(poses) if isinstance(getattr(poses, f.name), np.ndarray)]
    changed: dict[str, Any] = {name: getattr(poses, name)[rows] for name in arrays}
    return dataclasses.replace(poses, **changed)


def _aligned(evaluation: Evaluation | None, poses: Poses3D) -> Floats:
    """(T, K) the errors in the rows and columns of the poses."""
    out = np.full(poses.score.shape, np.nan)
    if evaluation is None or not evaluation.frame.size:
        return out
    frames, first = np.unique(evaluation.frame, return_index=True)
    rows = np.minimum(np.searchsorted(frames, poses.frame), len(frames) - 1)
    there = np.flatnonzero(frames[rows] == poses.frame)
    columns = [poses.skeleton.joints.index(joint) for joint in evaluation.joints]
    out[np.ix_(there, np.array(columns, int))] = evaluation.error[first[rows[there]]]
    return out


def _worst(trust: Trust, error: Floats, clock: Floats) -> Ints:
    """Frames with the fewest trusted joints, among equals those with the largest error, not too near each other."""
    good = (trust.doubt == 0).sum(1)
    largest = np.fmax.reduce(error, axis=1, initial=-1.0)
    order = np.lexsort((-largest, good))[:_CANDIDATES]
    order = order[(good[order] < trust.doubt.shape[1]) | (largest[order] > 0)]
    chosen: list[int] = []
    for at in order.tolist():
        if all(abs(clock[at] - clock[other]) >= _APART for other in chosen):
            chosen.append(at)
        if len(chosen) == _WORST:
            break
    return np.array(chosen, np.int64)
