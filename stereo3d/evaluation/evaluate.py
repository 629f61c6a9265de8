"""Poses held against a truth: which frames and joints they share, and how far apart they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from stereo3d.cameras import RectifiedCamera
from stereo3d.errors import InputError, InvalidValue
from stereo3d.evaluation import metrics
from stereo3d.evaluation.pairing import Pairing, Pairs, Timeline, pair
from stereo3d.evaluation.points import Points, points_of
from stereo3d.poses import Poses3D
from stereo3d.values import Bools, Floats, Ints, Value, array, number

if TYPE_CHECKING:
    import pandas as pd

THRESHOLDS = (0.01, 0.025, 0.05, 0.10)
"""m, those of AGMA, 3.3."""


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
    """(T,) index of the pair in the recording; the place in the poses where these have no numbers."""
    thresholds: tuple[float, ...]
    """m."""
    paired_by: Pairing
    """What told which frames belong together."""
    frames_given: tuple[int, int]
    """How many frames the poses and the truth had, shared or not."""
    left_out: tuple[str, ...]
    """Joints that only one of the two has."""
    apart: float | None = None
    """s, the largest difference of the times of frames that were paired by them."""

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


def evaluate(
    poses: Poses3D | Points, truth: Points | Poses3D, *, thresholds: Sequence[float] = THRESHOLDS
) -> Evaluation:
    """The errors of the frames and joints that poses and truth share, both brought into one camera.

    Frames belong together as `pairing.pair` says, joints by their names.
    Raises InputError where they share no frame or no joint, InvalidValue where the camera of the truth is not known.
    """
    return evaluate_pairs(poses, truth, shared_frames(poses, truth), thresholds)


def shared_frames(poses: Poses3D | Points, truth: Points | Poses3D) -> Pairs:
    """The frames that poses and truth share. Raises InputError where there are none."""
    return pair(*(Timeline(len(track), track.frame, track.time) for track in (poses, truth)))


def evaluate_pairs(
    poses: Poses3D | Points, truth: Points | Poses3D, pairs: Pairs, thresholds: Sequence[float] = THRESHOLDS
) -> Evaluation:
    """The errors of frames that belong together; raises what `evaluate` does."""
    truth = points_of(truth) if isinstance(truth, Poses3D) else truth
    xyz, joints = in_camera_of(truth, poses), joints_of(poses)
    shared = [joint for joint in joints if joint in truth.joints]
    if not shared:
        given, known = (", ".join(names) or "none" for names in (joints, truth.joints))
        raise InputError(f"joints: expected some that poses and truth share, got {given} and {known}")
    columns = np.array([joints.index(joint) for joint in shared])
    truth_columns = np.array([truth.joints.index(joint) for joint in shared])
    there = truth.xyz[np.ix_(pairs.truth_rows, truth_columns)]
    labelled = np.asarray(np.isfinite(there).all(-1))
    error = metrics.distance(xyz[np.ix_(pairs.rows, columns)], there)
    return Evaluation(
        error=np.where(labelled & np.isfinite(error), error, np.nan),
        labelled=labelled,
        joints=tuple(shared),
        frame=pairs.rows if poses.frame is None else poses.frame[pairs.rows],
        thresholds=tuple(thresholds),
        paired_by=pairs.by,
        frames_given=(len(poses), len(truth)),
        left_out=tuple(sorted(set(joints) ^ set(truth.joints))),
        apart=pairs.apart,
    )


def joints_of(poses: Poses3D | Points) -> tuple[str, ...]:
    """The names of the joints."""
    return poses.joints if isinstance(poses, Points) else poses.skeleton.joints


def in_camera_of(truth: Points, poses: Poses3D | Points) -> Floats:
    """(T, K, 3) m, the poses in the camera that the truth is in. Raises InvalidValue where that is not known."""
    if isinstance(poses, Points):
        if poses.camera != truth.camera:
            raise InvalidValue(
                f"frame: the truth is in the {truth.camera} camera, these joints in the {poses.camera} one; give the "
                "rig, which tells how the one is turned against the other"
            )
        return poses.xyz
    if truth.camera == "left":
        return poses.in_left_camera()
    if not isinstance(poses.camera, RectifiedCamera):
        raise InvalidValue(
            "frame: the truth is in the rectified left camera, and these poses were triangulated without "
            "rectification; give the truth in the left camera as it was mounted"
        )
    return poses.xyz
