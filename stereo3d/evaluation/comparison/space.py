"""Many predictions against one truth, or against one for each subject, on the frames and joints that all share.

`compared` holds what comes of it, `tables` makes AGMA's tables 3, 4 and 5 of it and `boxplot` its figure 6.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from stereo3d import storage
from stereo3d.cameras import RectifiedCamera
from stereo3d.errors import InputError
from stereo3d.evaluation import limbs, metrics, pixels
from stereo3d.evaluation.comparison.compared import (
    Compared,
    Views,
    check_subjects,
    columns_of,
    compare_in_pictures,
    frames_of_all,
    joints_of_all,
    rows_of,
)
from stereo3d.evaluation.evaluate import (
    THRESHOLDS,
    Evaluation,
    evaluate_pairs,
    in_camera_of,
    joints_of,
    shared_frames,
)
from stereo3d.evaluation.pairing import Pairs
from stereo3d.evaluation.points import Frame, Points, points_of
from stereo3d.evaluation.truth import read_joints
from stereo3d.evaluation.views import in_rectified_pictures
from stereo3d.poses import Poses2D, Poses3D
from stereo3d.stereo import SIDES, Stereo
from stereo3d.values import Value


@dataclass(frozen=True, slots=True, eq=False)
class Prediction(Value):
    """What one detector or refinement says of one recording."""

    poses: Poses3D | Points
    joints: Stereo[Poses2D] | None = None
    """The joints in both pictures, in the rectified pixels of `poses.camera`; None where they are not at hand."""


class Steadiness(NamedTuple):
    """How much a prediction shakes, the mean over subjects."""

    acceleration_error: float
    """m/s^2; NaN where the truth does not say which frames it is of."""
    length_variation: float
    """Median coefficient of variation of forearms, upper arms, shanks and thighs; needs no truth."""
    row_noise: float
    """px, STD of the detector's rows, from v_left - v_right of joints that have a place; needs no truth."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparison(Value):
    """N predictions beside each other."""

    space: Compared
    pictures: Compared | None
    """None where a prediction brings no joints in rectified pictures, or the truth not the numbers of its frames."""
    steadiness: Mapping[str, Steadiness]


def read_prediction(
    path: str | os.PathLike[str], frame: Frame | str | None = None, unit: str | None = None
) -> Prediction:
    """What `reconstruct` or `triangulate` wrote, or joints in space from an .npz, .csv, .trc or .c3d.

    `frame` and `unit` are those of a file that does not say them. Raises InputError for a file without poses.
    """
    if not storage.is_ours(path):
        return Prediction(read_joints(path, frame, unit))
    values = storage.read(path)
    poses, left, right = (values.get(name) for name in ("poses", *SIDES))
    if not isinstance(poses, Poses3D):
        raise InputError(f"{path}: expected poses, got {', '.join(values) or 'nothing'}")
    seen = "camera" in values and isinstance(left, Poses2D) and isinstance(right, Poses2D)
    return Prediction(poses, Stereo(left, right) if seen else None)


def compare(
    predictions: Mapping[str, Mapping[str, Prediction]], truths: Mapping[str, Points | Poses3D], *,
    thresholds: Sequence[float] = THRESHOLDS, shares: Sequence[float] = pixels.PCK_SHARES,
) -> Comparison:
    """Predictions by name and then subject, each against the truth of that subject.

    `thresholds` are 3DPCK's, in m, `shares` of the torso height PCK's. Raises UsageError where there is no prediction
    or one lacks a subject, InputError where they do not share frames or joints, and what `evaluate` raises.
    """
    check_subjects(predictions, truths)
    known = {s: points_of(t) if isinstance(t, Poses3D) else t for s, t in truths.items()}
    held = {name: {s: _held(p[s], known[s], thresholds) for s in known} for name, p in predictions.items()}
    steadiness = {name: _mean_steadiness([_steadiness(h) for h in of.values()]) for name, of in held.items()}
    evaluations = {name: {s: h.evaluation for s, h in of.items()} for name, of in held.items()}
    return Comparison(_in_space(evaluations), _pictures(held, shares), steadiness)


class _Held(NamedTuple):
    """A prediction against its truth."""

    prediction: Prediction
    truth: Points
    pairs: Pairs
    evaluation: Evaluation
    """Its frames are the places in the truth, which all predictions share, whatever their own numbers."""


def _held(prediction: Prediction, truth: Points, thresholds: Sequence[float]) -> _Held:
    pairs = shared_frames(prediction.poses, truth)
    found = evaluate_pairs(prediction.poses, truth, pairs, thresholds)
    return _Held(prediction, truth, pairs, dataclasses.replace(found, frame=pairs.truth_rows))


def _in_space(evaluations: Mapping[str, Mapping[str, Evaluation]]) -> Compared:
    """Evaluations by name and then subject, on the frames and joints that all predictions of a subject share."""
    names, subjects = tuple(evaluations), tuple(next(iter(evaluations.values())))
    everything = [e for of_subjects in evaluations.values() for e in of_subjects.values()]
    joints = joints_of_all(e.joints for e in everything)
    error, labelled, subject = [], [], []
    for i, s in enumerate(subjects):
        takes = [of_subjects[s] for of_subjects in evaluations.values()]
        frames = frames_of_all([e.frame for e in takes], s)
        where = [np.ix_(rows_of(e.frame, frames), columns_of(e.joints, joints)) for e in takes]
        error.append(np.stack([e.error[at] for e, at in zip(takes, where)]))
        labelled.append(np.logical_and.reduce([e.labelled[at] for e, at in zip(takes, where)]))
        subject.append(np.full(len(frames), i))
    return Compared(
        names, np.concatenate(error, 1), np.concatenate(labelled), joints, np.concatenate(subject), subjects,
        everything[0].thresholds,
    )


def _pictures(held: Mapping[str, Mapping[str, _Held]], shares: Sequence[float]) -> Compared | None:
    views: dict[str, dict[str, Views]] = {name: {} for name in held}
    for name, of_subjects in held.items():
        for s, (prediction, truth, pairs, _) in of_subjects.items():
            poses, joints = prediction.poses, prediction.joints
            if joints is None or isinstance(poses, Points) or pairs.by != "frame":
                return None
            if not isinstance(poses.camera, RectifiedCamera):
                return None
            views[name][s] = tuple(zip(joints, in_rectified_pictures(truth, poses.camera)))
    return compare_in_pictures(views, shares)


def _steadiness(held: _Held) -> Steadiness:
    prediction, truth, pairs, _ = held
    poses, names = prediction.poses, joints_of(prediction.poses)
    xyz = in_camera_of(truth, poses)
    variation = metrics.length_statistics(metrics.bone_lengths(xyz, list(limbs.segments(names).values()))).variation
    noise = pixels.row_noise(poses.residual[poses.found]) if isinstance(poses, Poses3D) else np.nan
    time = poses.time if poses.time is not None else truth.time
    if time is None or pairs.by == "order":
        return Steadiness(np.nan, metrics.spread(variation)[2], noise)
    joints = joints_of_all([names, truth.joints])
    error = metrics.acceleration_error(
        xyz[np.ix_(pairs.rows, columns_of(names, joints))],
        truth.xyz[np.ix_(pairs.truth_rows, columns_of(truth.joints, joints))],
        time[pairs.rows] if poses.time is not None else time[pairs.truth_rows],
    )
    return Steadiness(metrics.spread(error)[0], metrics.spread(variation)[2], noise)


def _mean_steadiness(of_subjects: Sequence[Steadiness]) -> Steadiness:
    return Steadiness(*(metrics.spread(np.array(column))[0] for column in zip(*of_subjects)))
