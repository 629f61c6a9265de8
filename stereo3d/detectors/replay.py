"""Joints that are known already, from a file, in place of a detector: no network, no pictures, no torch.

A file of values holds them as `left` and `right`, with `camera` where they are in rectified px; a recording may carry
them beside its pictures. Without a camera they are px of the recorded pictures.
"""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stereo3d import storage
from stereo3d.calibration.rectify import Rectifier
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import CalibrationError, InputError, InvalidValue, UsageError
from stereo3d.poses import Poses2D
from stereo3d.recording.base import open_recording
from stereo3d.skeleton import Skeleton
from stereo3d.stereo import SIDES, Side, Stereo
from stereo3d.values import Floats, same

SAME = 1e-6
"""Numbers of two cameras may differ by this share and the cameras still be taken for one: programs round."""
Camera = StereoRig | RectifiedCamera


class Replay:
    """Known joints of a recording as a detector (base.Replayer)."""

    def __init__(self, joints: Stereo[Poses2D], camera: Camera | None = None) -> None:
        """camera: whose pixels the joints are in; None: those of the recorded pictures.

        Raises InvalidValue where the views do not hold the same joints of the same frames, or a frame twice.
        """
        left, right = joints
        if left.skeleton.joints != right.skeleton.joints or not same(left.frame, right.frame):
            raise InvalidValue("joints: expected the same joints and frames in both views, got different ones")
        if len(np.unique(left.frame)) != len(left):
            raise InvalidValue("joints: expected each frame once, got some more often")
        self.skeleton: Skeleton = left.skeleton
        self._joints, self._camera = joints, camera

    def joints_at(self, frames: range, rectifier: Rectifier) -> Stereo[Poses2D]:
        """The joints of these frames in px of `rectifier.camera`; NaN, and no time, where nothing is known of a frame.

        Raises CalibrationError for joints in the pixels of another camera.
        """
        views = self._joints.map(lambda view: _rows(view, np.asarray(frames)))
        if self._camera is None:
            return rectified(views, rectifier)
        if not _alike(self._camera, rectifier.camera):
            raise CalibrationError(
                "joints: expected px of this rig's rectified pictures, got those of another camera; "
                "give the rig that they were made with"
            )
        return views


def replay(weights: str | os.PathLike[str] | None = None) -> Replay:
    """The joints in a file of values or in a recording, which is given in place of weights.

    Raises UsageError where none is given, InputError for a file without joints of both views.
    """
    if weights is None:
        raise UsageError("detector 'replay': expected a file of joints in place of weights; give it as --weights FILE")
    left, right, camera = _values_in(weights) or _carried_by(weights)
    if not (isinstance(left, Poses2D) and isinstance(right, Poses2D)):
        raise InputError(f"{weights}: expected joints of both views, left and right, got a file without")
    return Replay(Stereo(left, right), camera)


def rectified(joints: Stereo[Poses2D], rectifier: Rectifier) -> Stereo[Poses2D]:
    """Joints in px of the recorded pictures in px of `rectifier.camera`, sigma as the picture is stretched there."""
    return Stereo(*(_rectified(joints[side], rectifier, side) for side in SIDES))


def _rectified(view: Poses2D, rectifier: Rectifier, side: Side) -> Poses2D:
    """The stretch is the root of the area that a square px takes there."""
    steps = np.array([[0.0, 0.0], [0.5, 0.0], [-0.5, 0.0], [0.0, 0.5], [0.0, -0.5]])
    there = rectifier.points(view.xy + steps[:, None, None], side)
    across, down = there[1] - there[2], there[3] - there[4]
    stretch = np.sqrt(np.abs(across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]))
    return dataclasses.replace(view, xy=there[0], sigma=view.sigma * stretch)


def _rows(view: Poses2D, frames: NDArray[Any]) -> Poses2D:
    """Those frames of a view, NaN where it lacks one."""
    order = np.append(np.argsort(view.frame), -1)
    row = order[np.searchsorted(view.frame, frames, sorter=order[:-1])]
    known = (row >= 0) & (np.append(view.frame, -1)[row] == frames)

    def taken(x: Floats) -> Floats:
        blank = np.full((1, *x.shape[1:]), np.nan)
        return np.concatenate([x, blank])[np.where(known, row, -1)]

    xy, score, sigma, time, others = map(taken, (view.xy, view.score, view.sigma, view.time, view.others))
    return Poses2D(xy, score, sigma, time, frames, view.skeleton, others)


def _values_in(path: str | os.PathLike[str]) -> list[Any] | None:
    """left, right and camera of a file of values, None each where it lacks them; None for another file."""
    if not storage.is_ours(path):
        return None
    with storage.open_hdf5(path) as file:
        return [storage.get(file, name) if name in file else None for name in (*SIDES, "camera")]


def _carried_by(path: str | os.PathLike[str]) -> list[Any]:
    with open_recording(path) as recording:
        return [*(recording.joints or (None, None)), recording.joints_camera]


def _alike(a: Camera, b: Camera) -> bool:
    """Whether two cameras are of one kind and their numbers agree."""
    x, y = _numbers(a), _numbers(b)
    return type(a) is type(b) and x.shape == y.shape and bool(np.allclose(x, y, rtol=SAME, atol=SAME))


def _numbers(camera: Camera) -> Floats:
    """All that the geometry hangs on, in one row."""
    if isinstance(camera, RectifiedCamera):
        parts = [camera.size, camera.focal, *camera.cx, camera.cy, camera.baseline, camera.left_from_rectified]
    else:
        lenses = [(*c.size, c.fx, c.fy, c.cx, c.cy, *c.distortion) for c in camera.cameras]
        parts = [*lenses, camera.rotation, camera.translation]
    return np.concatenate([np.ravel(np.asarray(part, np.float64)) for part in parts])
