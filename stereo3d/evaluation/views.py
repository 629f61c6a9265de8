"""Places in space as the pictures show them: the truth of a view, for joints that are known in pictures alone."""

from __future__ import annotations

import numpy as np

from stereo3d.calibration.rectify import Rectifier
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import UsageError
from stereo3d.evaluation.named_joints import skeleton_of
from stereo3d.evaluation.points import Points, turned
from stereo3d.poses import Poses2D
from stereo3d.stereo import Side, Stereo
from stereo3d.values import Floats


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
