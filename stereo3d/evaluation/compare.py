"""Many predictions against one truth, or against one for each subject, on the frames and joints that all share.

`compared` holds what comes of it, `tables` makes AGMA's tables 3, 4 and 5 of it and `boxplot` its figure 6.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

import numpy as np

from stereo3d import storage
from stereo3d.cameras import RectifiedCamera
from stereo3d.errors import InputError, UsageError
from stereo3d.evaluation import limbs, metrics, motion, pixels
from stereo3d.evaluation.compared import Compared
from stereo3d.evaluation.evaluate import THRESHOLDS, Evaluation, evaluate
from stereo3d.evaluation.truth import Truth, truth_of
from stereo3d.poses import Poses2D, Poses3D
from stereo3d.skeleton import Skeleton
from stereo3d.stereo import SIDES, Stereo
from stereo3d.values import Floats, Ints, Value


@dataclass(frozen=True, slots=True, eq=False)
class Prediction(Value):
    """What one detector or refinement says of one recording."""

    poses: Poses3D
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


def read_prediction(path: str | os.PathLike[str]) -> Prediction:
    """What `reconstruct` or `triangulate` wrote. Raises InputError for a file without poses."""
    values = storage.read(path)
    poses, left, right = (values.get(name) for name in ("poses", *SIDES))
    if not isinstance(poses, Poses3D):
        raise InputError(f"{path}: expected poses, got {', '.join(values) or 'nothing'}")
    seen = "camera" in values and isinstance(left, Poses2D) and isinstance(right, Poses2D)
    return Prediction(poses, Stereo(left, right) if seen else None)


def compare(
    predictions: Mapping[str, Mapping[str, Prediction]], truths: Mapping[str, Truth | Poses3D], *,
    thresholds: Sequence[float] = THRESHOLDS, shares: Sequence[float] = pixels.PCK_SHARES,
) -> Comparison:
    """Predictions by name and then subject, each against the truth of that subject.

    `thresholds` are 3DPCK's, in m, `shares` of the torso height PCK's. Raises UsageError where there is no prediction
    or one lacks a subject, InputError where they do not share frames or joints, and what `evaluate` raises.
    """
    if not predictions:
        raise UsageError("predictions: expected one at least, got none")
    for name, of_subjects in predictions.items():
        if of_subjects.keys() != truths.keys():
            raise UsageError(f"{name}: expected subjects {', '.join(truths)}, got {', '.join(of_subjects) or 'none'}")
    known = {s: truth_of(t) if isinstance(t, Poses3D) else t for s, t in truths.items()}
    pairs = {name: {s: (p[s], known[s]) for s in known} for name, p in predictions.items()}
    evaluations = {
        name: {s: evaluate(p.poses, truth, thresholds=thresholds) for s, (p, truth) in of_subjects.items()}
        for name, of_subjects in pairs.items()
    }
    steadiness = {
        name: _mean_steadiness([_steadiness(p.poses, truth) for p, truth in of_subjects.values()])
        for name, of_subjects in pairs.items()
    }
    return Comparison(compare_in_space(evaluations), _pictures(pairs, shares), steadiness)


def compare_in_space(evaluations: Mapping[str, Mapping[str, Evaluation]]) -> Compared:
    """Evaluations by name and then subject, on the frames and joints that all predictions of a subject share.

    Raises InputError where there are none.
    """
    names, subjects = tuple(evaluations), tuple(next(iter(evaluations.values())))
    everything = [e for of_subjects in evaluations.values() for e in of_subjects.values()]
    joints = _shared_joints(e.joints for e in everything)
    error, labelled, subject = [], [], []
    for i, s in enumerate(subjects):
        takes = [of_subjects[s] for of_subjects in evaluations.values()]
        frames = _shared_frames([e.frame for e in takes], s)
        where = [np.ix_(_rows(e.frame, frames), _columns(e.joints, joints)) for e in takes]
        error.append(np.stack([e.error[at] for e, at in zip(takes, where)]))
        labelled.append(np.logical_and.reduce([e.labelled[at] for e, at in zip(takes, where)]))
        subject.append(np.full(len(frames), i))
    return Compared(
        names, np.concatenate(error, 1), np.concatenate(labelled), joints, np.concatenate(subject), subjects,
        everything[0].thresholds,
    )


def compare_in_pictures(
    views: Mapping[str, Mapping[str, tuple[Stereo[Poses2D], Stereo[Poses2D]]]],
    shares: Sequence[float] = pixels.PCK_SHARES,
) -> Compared:
    """Joints in pictures and their truth, by name and then subject, as (joints, truth); both views are pictures.

    All in the same pixels; frames belong together by their index, joints by their names. The torso is the truth's.
    Raises InputError where they do not share frames or joints.
    """
    names, subjects = tuple(views), tuple(next(iter(views.values())))
    pairs = [pair for of_subjects in views.values() for pair in of_subjects.values()]
    joints = _shared_joints(view.skeleton.joints for pair in pairs for both in pair for view in both)
    error, labelled, size, subject = [], [], [], []
    for i, s in enumerate(subjects):
        for side in SIDES:
            takes = [(of_subjects[s][0][side], of_subjects[s][1][side]) for of_subjects in views.values()]
            frames = _shared_frames([view.frame for take in takes for view in take], s)
            seen, there = (np.stack([_places(take[k], frames, joints) for take in takes]) for k in (0, 1))
            known = np.isfinite(there).all((0, -1))
            error.append(np.where(known, metrics.distance(seen, there), np.nan))
            labelled.append(known)
            size.append(np.stack([_torso(truth)[_rows(truth.frame, frames)] for _, truth in takes]))
            subject.append(np.full(len(frames), i))
    return Compared(
        names, np.concatenate(error, 1), np.concatenate(labelled), joints, np.concatenate(subject), subjects,
        tuple(shares), np.concatenate(size, 1),
    )


def truth_in_pictures(truth: Truth, camera: RectifiedCamera) -> Stereo[Poses2D]:
    """A truth as the two rectified pictures show it, in px. Raises UsageError where it does not say its frames."""
    frame = truth.frame
    if frame is None:
        raise UsageError("truth: has no video_frame, so its joints cannot be found in the pictures")
    xyz = truth.xyz @ camera.left_from_rectified if truth.camera == "left" else truth.xyz
    shape = xyz.shape[:2]
    time = np.full(shape[0], np.nan) if truth.time is None else truth.time
    hips = [truth.joints.index(j) for j in ("right_hip", "right_pelvis") if j in truth.joints]
    torso = (hips[0], truth.joints.index("right_shoulder")) if hips and "right_shoulder" in truth.joints else None
    skeleton = Skeleton("truth", truth.joints, (), torso)
    score, sigma = np.ones(shape), np.full(shape, np.nan)
    return camera.project(xyz).map(lambda xy: Poses2D(xy, score, sigma, time, frame, skeleton))


Pairs = Mapping[str, Mapping[str, tuple[Prediction, Truth]]]


def _pictures(pairs: Pairs, shares: Sequence[float]) -> Compared | None:
    views: dict[str, dict[str, tuple[Stereo[Poses2D], Stereo[Poses2D]]]] = {name: {} for name in pairs}
    for name, of_subjects in pairs.items():
        for s, (prediction, truth) in of_subjects.items():
            camera = prediction.poses.camera
            if prediction.joints is None or truth.frame is None or not isinstance(camera, RectifiedCamera):
                return None
            views[name][s] = (prediction.joints, truth_in_pictures(truth, camera))
    return compare_in_pictures(views, shares)


def _steadiness(poses: Poses3D, truth: Truth) -> Steadiness:
    ends = list(limbs.segments(poses.skeleton.joints).values())
    variation = metrics.length_statistics(metrics.bone_lengths(poses.xyz, ends)).variation
    noise = pixels.row_noise(poses.residual[poses.found])
    if truth.frame is None:
        return Steadiness(np.nan, metrics.spread(variation)[2], noise)
    _, rows, truth_rows = np.intersect1d(poses.frame, truth.frame, return_indices=True)
    joints = _shared_joints([poses.skeleton.joints, truth.joints])
    xyz = poses.in_left_camera() if truth.camera == "left" else poses.xyz
    error = motion.acceleration_error(
        xyz[np.ix_(rows, _columns(poses.skeleton.joints, joints))],
        truth.xyz[np.ix_(truth_rows, _columns(truth.joints, joints))],
        poses.time[rows],
    )
    return Steadiness(metrics.spread(error)[0], metrics.spread(variation)[2], noise)


def _mean_steadiness(of_subjects: Sequence[Steadiness]) -> Steadiness:
    return Steadiness(*(metrics.spread(np.array(column))[0] for column in zip(*of_subjects)))


def _torso(truth: Poses2D) -> Floats:
    """(T,) px, NaN where the truth has no torso."""
    if truth.skeleton.torso is None:
        return np.full(len(truth), np.nan)
    return pixels.torso_height(truth.xy, truth.skeleton)


def _places(view: Poses2D, frames: Ints, joints: Sequence[str]) -> Floats:
    return view.xy[np.ix_(_rows(view.frame, frames), _columns(view.skeleton.joints, joints))]


def _shared_joints(lists: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Those in all lists, in the first one's order."""
    first, *others = lists
    shared = tuple(j for j in first if all(j in other for other in others))
    if not shared:
        raise InputError(f"joints: expected some that all predictions share, the first has {', '.join(first)}")
    return shared


def _shared_frames(frames: Sequence[Ints], subject: str) -> Ints:
    shared = reduce(np.intersect1d, frames)
    if not shared.size and max(map(len, frames)):
        raise InputError(f"frames: expected some of {subject or 'the recording'} that all predictions share, got none")
    return np.asarray(shared, np.int64)


def _rows(frame: Ints, wanted: Ints) -> Ints:
    """Where the wanted frames stand; each of them does."""
    return np.asarray(np.intersect1d(frame, wanted, return_indices=True)[1])


def _columns(joints: Sequence[str], wanted: Sequence[str]) -> Ints:
    return np.array([joints.index(j) for j in wanted])
