"""Joints in one view: what a detector found, what people marked, and how places in space are seen there."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stereo3d.calibration.rectify import Rectifier
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import UsageError
from stereo3d.evaluation.oks import People, box_area
from stereo3d.evaluation.points import Points, turned
from stereo3d.limits import check_joints
from stereo3d.poses import Poses2D
from stereo3d.skeleton import SKELETONS, Skeleton, joint_name
from stereo3d.stereo import Side, Stereo
from stereo3d.values import Bools, Floats, Ints, Value, array

_HIPS = ("right_hip", "right_pelvis")


@dataclass(frozen=True, slots=True, eq=False)
class Pictured(Value):
    """What a detector found in the pictures of one view."""

    joints: Poses2D
    """Of the surest person of each picture, who is taken for the infant."""
    everyone: Floats
    """(T, D, K, 2) px of up to D people in each picture, as COCO counts them: NaN where there is none."""
    score: Floats
    """(T, D) 0..1 each person's score."""
    sparse: bool = False
    """Whether the file leaves out pictures in which nobody was found, as COCO's results do."""

    def __post_init__(self) -> None:
        everyone = array("everyone", self.everyone, (len(self.joints), "D", len(self.joints.skeleton), 2))
        self._set(everyone=everyone, score=array("score", self.score, everyone.shape[:2]))


@dataclass(frozen=True, slots=True, eq=False)
class PictureTruth(Value):
    """What is known of the pictures of one view."""

    joints: Poses2D
    """Of the infant: of several people the one with the largest area. NaN where a joint was not marked."""
    visible: Bools
    """(T, K) the joints that could be seen; others were marked where they must be."""
    people: People
    """Everyone who was marked, in the same pictures."""
    area_from: str
    """Where the areas come from that OKS measures by, in words."""
    size: tuple[int, int] | None = None
    """(width, height) px of the pictures, where it is known and one."""

    def __post_init__(self) -> None:
        shape = len(self.joints), len(self.joints.skeleton)
        self._set(visible=array("visible", self.visible, shape, np.bool_))


def pictured(joints: Poses2D) -> Pictured:
    """Joints of one person as what a detector found; the person's score is the mean of the joints found."""
    found = np.isfinite(joints.xy).all(-1)
    n = found.sum(1)
    mean = np.divide(np.where(found, joints.score, 0.0).sum(1), n, out=np.full(len(n), np.nan), where=n > 0)
    return Pictured(joints, joints.xy[:, None], mean[:, None])


def truth_of_joints(joints: Poses2D, size: tuple[int, int] | None = None) -> PictureTruth:
    """Joints of one person as the truth: each that has a place was seen, the area is that of the box round them."""
    labelled = np.asarray(np.isfinite(joints.xy).all(-1))
    area = np.where(labelled.any(1), box_area(joints.xy, labelled), np.nan)
    people = People(joints.xy[:, None], labelled[:, None], area[:, None])
    return PictureTruth(joints, labelled, people, "boxes round the marked joints, smaller than the infant", size)


def pictured_at(seen: Pictured, frame: Ints) -> Pictured:
    """The same in the pictures of these numbers (F,); nobody was found in those that it lacks."""
    joints = seen.joints
    xy, score, sigma, time = (_at(x, joints.frame, frame) for x in (joints.xy, joints.score, joints.sigma, joints.time))
    known = Poses2D(xy, np.nan_to_num(score), sigma, time, frame, joints.skeleton)
    everyone, scores = (_at(x, joints.frame, frame) for x in (seen.everyone, seen.score))
    return Pictured(known, everyone, scores, seen.sparse)


def truth_at(truth: PictureTruth, frame: Ints) -> PictureTruth:
    """The same in the pictures of these numbers, which it must have."""
    rows = np.searchsorted(truth.joints.frame, frame)
    arrays: dict[str, Any] = {n: x[rows] for n, x in _fields(truth.joints).items() if isinstance(x, np.ndarray)}
    people: dict[str, Any] = {n: None if x is None else x[rows] for n, x in _fields(truth.people).items()}
    joints = dataclasses.replace(truth.joints, **arrays)
    return dataclasses.replace(truth, joints=joints, visible=truth.visible[rows], people=People(**people))


def joined_people(parts: Sequence[People]) -> People:
    """The people of several series of pictures, one behind the other."""
    most = max(part.area.shape[1] for part in parts)
    boxed = all(part.box is not None for part in parts)
    held = [{n: x for n, x in _fields(part).items() if n != "box" or boxed} for part in parts]
    crowd = [np.zeros(part.area.shape, bool) if part.crowd is None else part.crowd for part in parts]
    made = {n: joined([h[n] for h in held], most) for n in held[0] if n != "crowd" and held[0][n] is not None}
    return People(**{**made, "labelled": made["labelled"] == 1, "crowd": joined(crowd, most) == 1})


def joined(parts: Sequence[Floats | Bools], most: int) -> Floats:
    """(N, most, ...) arrays (n, m, ...) one behind the other, NaN where one has fewer than `most`."""
    rooms = [np.full((len(x), most - x.shape[1], *x.shape[2:]), np.nan) for x in parts]
    return np.concatenate([np.concatenate([x.astype(float), room], 1) for x, room in zip(parts, rooms)])


def of_joints(xy: Floats, skeleton: Skeleton, wanted: Sequence[str]) -> Floats:
    """(..., J, 2) the wanted joints of xy (..., K, 2), NaN for those that the skeleton has not."""
    out = np.full((*xy.shape[:-2], len(wanted), 2), np.nan)
    for i, joint in enumerate(wanted):
        if joint in skeleton.joints:
            out[..., i, :] = xy[..., skeleton.joints.index(joint), :]
    return out


def _fields(value: People | Poses2D) -> dict[str, Any]:
    return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}


def _at(x: Floats, frame: Ints, wanted: Ints) -> Floats:
    """(F, ...) the rows of x (T, ...) at the wanted frames, NaN for those that are not there."""
    out = np.full((len(wanted), *x.shape[1:]), np.nan)
    _, rows, places = np.intersect1d(frame, wanted, return_indices=True)
    out[places] = x[rows]
    return out


def in_rectified_pictures(points: Points, camera: RectifiedCamera) -> Stereo[Poses2D]:
    """Both views' joints in px of the rectified pictures. Raises UsageError for points without frame numbers."""
    places = camera.project(turned(points, "rectified", camera).xyz)
    return places.map(lambda xy: _poses(points, xy))


def in_recorded_picture(points: Points, rectifier: Rectifier, side: Side) -> Poses2D:
    """One view's joints in px of the picture as it was recorded. Raises UsageError as `in_rectified_pictures` does."""
    camera = rectifier.camera
    if isinstance(camera, RectifiedCamera):
        xy = camera.project(turned(points, "rectified", camera).xyz)[side]
    else:
        xy = _through_lens(points, camera, side)
    return _poses(points, rectifier.raw_points(xy, side))


def _through_lens(points: Points, rig: StereoRig, side: Side) -> Floats:
    """(T, J, 2) px in the undistorted picture of a rig that cannot be rectified."""
    if points.camera != "left":
        raise UsageError("frame: this rig cannot be rectified; give the joints in the left camera as it was mounted")
    xyz = points.xyz if side == "left" else points.xyz @ rig.rotation.T + rig.translation
    seen = xyz @ rig.cameras[side].matrix.T
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(seen[..., :2] / np.where(seen[..., 2:] > 0, seen[..., 2:], np.nan))


def _poses(points: Points, xy: Floats) -> Poses2D:
    if points.frame is None:
        raise UsageError("truth: has no video_frame, so its joints cannot be found in the pictures")
    shape = xy.shape[:2]
    time = np.full(shape[0], np.nan) if points.time is None else points.time
    skeleton = skeleton_of("truth", points.joints)
    return Poses2D(xy, np.ones(shape), np.full(shape, np.nan), time, points.frame, skeleton)


def skeleton_of(name: str, joints: Iterable[str]) -> Skeleton:
    """The known skeleton of exactly these joints, else one called `name` with every bone that known ones draw.

    Joints may be written as others write them. Raises InvalidValue for one that comes twice or lacks its other side.
    """
    given = tuple(joints)
    check_joints(0, len(given), 0)
    names = tuple(map(joint_name, given))
    for known in SKELETONS.values():
        if known.joints == names:
            return known
    pairs = {(s.joints[a], s.joints[b]) for s in SKELETONS.values() for a, b in s.bones}
    bones = sorted((names.index(a), names.index(b)) for a, b in pairs if a in names and b in names)
    return Skeleton(name, names, tuple(bones), _torso(names))


def _torso(joints: Sequence[str]) -> tuple[int, int] | None:
    """Right hip and right shoulder, None where one of them is not there."""
    hips = [joints.index(hip) for hip in _HIPS if hip in joints]
    return (hips[0], joints.index("right_shoulder")) if hips and "right_shoulder" in joints else None
