"""Poses held against a truth: which frames and joints they share, and how far apart they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from stereo3d.cameras import RectifiedCamera
from stereo3d.errors import InputError, InvalidValue
from stereo3d.evaluation import metrics
from stereo3d.evaluation.truth import Truth, truth_of
from stereo3d.poses import Poses3D
from stereo3d.values import Bools, Floats, Ints, Value, array, number

if TYPE_CHECKING:
    import pandas as pd

THRESHOLDS = (0.01, 0.025, 0.05, 0.10)
"""m, those of AGMA, 3.3."""
_CLOCK_ROUNDING = 1e-6
"""s."""
Pairing = Literal["frame", "time", "order"]


@dataclass(frozen=True, slots=True, eq=False)
class Summary(Value):
    """What the errors of some joints come to."""

    labelled: int
    """How many there were to find."""
    found: int
    mean: float
    """m, of the found ones, as `std` and `median`; NaN where none was found."""
    std: float
    median: float
    pck: tuple[float, ...]
    """3DPCK at each threshold, misses wrong."""
    pck_found: tuple[float, ...]
    """3DPCK at each threshold, misses left out."""

    @property
    def detection_rate(self) -> float:
        """The share that was found, NaN where there was nothing to find."""
        return self.found / self.labelled if self.labelled else np.nan


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation(Value):
    """The errors of T frames and J joints that poses and truth share, and what they come to (AGMA, 3.3)."""

    error: Floats
    """(T, J) m from the truth, absolute, unaligned; NaN where either is not there."""
    labelled: Bools
    """(T, J) where there is a truth."""
    joints: tuple[str, ...]
    frame: Ints
    """(T,) index of the pair in the recording."""
    thresholds: tuple[float, ...]
    """m."""
    paired_by: Pairing
    """What told which frames belong together."""
    frames_given: tuple[int, int]
    """How many frames the poses and the truth had, shared or not."""
    left_out: tuple[str, ...]
    """Joints that only one of the two has."""

    def __post_init__(self) -> None:
        error = array("error", self.error, ("T", len(self.joints)))
        labelled = array("labelled", self.labelled, error.shape, np.bool_)
        self._set(error=error, labelled=labelled, frame=array("frame", self.frame, error.shape[:1], np.int64))
        self._set(joints=tuple(self.joints), left_out=tuple(self.left_out), frames_given=tuple(self.frames_given))
        self._set(thresholds=tuple(number("thresholds", t, 0.0) for t in self.thresholds))

    @property
    def detected(self) -> Bools:
        """(T, J) where there is a truth and the joint was found."""
        return self.labelled & np.isfinite(self.error)

    @property
    def mean(self) -> float:
        """m, mean error of the found joints."""
        return metrics.spread(self.error)[0]

    @property
    def std(self) -> float:
        """m, standard deviation of the found joints' errors."""
        return metrics.spread(self.error)[1]

    @property
    def median(self) -> float:
        """m, median error of the found joints."""
        return metrics.spread(self.error)[2]

    @property
    def detection_rate(self) -> float:
        """The share of labelled joints that was found."""
        return metrics.detection_rate(self.error, self.labelled)

    def pck(self, threshold: float, misses: metrics.Misses = "wrong", over: metrics.Over = "joints") -> float:
        """3DPCK at a threshold in m; see `metrics.pck3d`."""
        return float(metrics.pck3d(self.error, self.labelled, [threshold], misses, over)[0])

    def summary(self, joints: Sequence[int] | Ints | None = None) -> Summary:
        """All joints together, or those of the given numbers."""
        which = np.arange(len(self.joints)) if joints is None else np.asarray(joints, int)
        error, labelled = self.error[:, which], self.labelled[:, which]
        shares = [
            tuple(metrics.pck3d(error, labelled, self.thresholds, misses).tolist()) for misses in ("wrong", "left out")
        ]
        return Summary(int(labelled.sum()), int(np.isfinite(error).sum()), *metrics.spread(error), *shares)

    def per_joint(self) -> dict[str, Summary]:
        """Each joint by itself."""
        return {joint: self.summary([i]) for i, joint in enumerate(self.joints)}

    def per_group(self) -> dict[str, Summary]:
        """AGMA's groups, left and right together: nose, shoulders, elbows, wrists, hips, knees, ankles (table 5)."""
        return {group: self.summary(which) for group, which in metrics.joint_groups(self.joints).items()}

    def to_frame(self) -> pd.DataFrame:
        """A table in metres and shares: a row for all joints, each of AGMA's groups and each joint."""
        import pandas as pd

        parts = [("all", "all", self.summary())]
        parts += [("group", name, part) for name, part in self.per_group().items()]
        parts += [("joint", name, part) for name, part in self.per_joint().items()]
        return pd.DataFrame([{"kind": kind, "name": name, **self._row(part)} for kind, name, part in parts])

    def _row(self, part: Summary) -> dict[str, Any]:
        columns = ("labelled", "found", "detection_rate", "mean", "std", "median")
        row = {name: getattr(part, name) for name in columns}
        row |= {f"pck@{t:g}": share for t, share in zip(self.thresholds, part.pck)}
        return row | {f"pck_found@{t:g}": share for t, share in zip(self.thresholds, part.pck_found)}


def evaluate(poses: Poses3D, truth: Truth | Poses3D, *, thresholds: Sequence[float] = THRESHOLDS) -> Evaluation:
    """The errors of the frames and joints that poses and truth share, both brought into one camera.

    Frames belong together that carry the same index in the recording; where the truth has none, that lie within half
    a frame in time; where it has no times either, in their order if both have as many. Joints by their names.
    Raises InputError where they share no frame or no joint, InvalidValue where the camera of the truth is not known.
    """
    truth = truth_of(truth) if isinstance(truth, Poses3D) else truth
    xyz = _in_camera_of(truth, poses)
    rows, truth_rows, paired_by = _shared_frames(poses, truth)
    shared = [joint for joint in poses.skeleton.joints if joint in truth.joints]
    if not shared:
        names = f"{', '.join(poses.skeleton.joints)} and {', '.join(truth.joints)}"
        raise InputError(f"joints: expected some that poses and truth share, got {names}")
    columns = np.array([poses.skeleton.joints.index(joint) for joint in shared])
    truth_columns = np.array([truth.joints.index(joint) for joint in shared])
    there = truth.xyz[np.ix_(truth_rows, truth_columns)]
    labelled = np.asarray(np.isfinite(there).all(-1))
    error = metrics.distance(xyz[np.ix_(rows, columns)], there)
    return Evaluation(
        error=np.where(labelled & np.isfinite(error), error, np.nan),
        labelled=labelled,
        joints=tuple(shared),
        frame=poses.frame[rows],
        thresholds=tuple(thresholds),
        paired_by=paired_by,
        frames_given=(len(poses), len(truth.xyz)),
        left_out=tuple(sorted(set(poses.skeleton.joints) ^ set(truth.joints))),
    )


def _in_camera_of(truth: Truth, poses: Poses3D) -> Floats:
    """(T, K, 3) m, the poses in the camera that the truth is in."""
    if truth.camera == "left":
        return poses.in_left_camera()
    if not isinstance(poses.camera, RectifiedCamera):
        raise InvalidValue(
            "frame: the truth is in the rectified left camera, and these poses were triangulated without "
            "rectification; give the truth in the left camera as it was mounted"
        )
    return poses.xyz


def _shared_frames(poses: Poses3D, truth: Truth) -> tuple[Ints, Ints, Pairing]:
    """Rows of the poses and of the truth that belong together, and what told so."""
    n, n_truth = len(poses), len(truth.xyz)
    if truth.frame is not None:
        _, rows, truth_rows = np.intersect1d(poses.frame, truth.frame, return_indices=True)
        spans = f"frames {_span(poses.frame)} and {_span(truth.frame)}"
        paired_by: Pairing = "frame"
    elif truth.time is not None:
        rows, truth_rows = _nearest(poses, truth.time)
        spans = f"times {_span(poses.time)} and {_span(truth.time)} s"
        paired_by = "time"
    elif n == n_truth:
        return np.arange(n), np.arange(n), "order"
    else:
        raise InputError(
            f"truth: has neither video_frame nor time, so expected as many frames as the poses have, {n}, "
            f"got {n_truth}"
        )
    if not rows.size and n and n_truth:
        raise InputError(f"truth: expected frames that the poses share, got {spans}")
    return rows, truth_rows, paired_by


def _nearest(poses: Poses3D, truth_time: Floats) -> tuple[Ints, Ints]:
    """Rows of either whose times lie within half a frame: each frame of the poses with what is nearest to it."""
    rows, candidates = np.flatnonzero(np.isfinite(poses.time)), np.flatnonzero(np.isfinite(truth_time))
    if not candidates.size:
        return rows[:0], candidates
    candidates = candidates[np.argsort(truth_time[candidates], kind="stable")]
    time, times = poses.time[rows], truth_time[candidates]
    after = np.searchsorted(times, time).clip(0, len(times) - 1)
    before = (after - 1).clip(0)
    nearest = np.where(np.abs(times[after] - time) < np.abs(times[before] - time), after, before)
    near = np.abs(times[nearest] - time) <= _frame_period(poses, times) / 2 + _CLOCK_ROUNDING
    return rows[near], candidates[nearest[near]]


def _frame_period(poses: Poses3D, truth_time: Floats) -> float:
    """s, from the poses' own clock and counter; a single frame has none, then it is the truth's usual step."""
    known = np.flatnonzero(np.isfinite(poses.time))
    counted = int(np.ptp(poses.frame[known])) if known.size else 0
    if counted:
        return float(np.ptp(poses.time[known])) / counted
    return float(np.median(np.diff(truth_time))) if truth_time.size > 1 else 0.0


def _span(x: Floats | Ints) -> str:
    known = x[np.isfinite(x)]
    return f"{known.min():g} to {known.max():g}" if known.size else "none"
