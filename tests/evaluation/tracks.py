"""Poses and truths that lie a known distance apart."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.spatial.transform import Rotation

from stereo3d.cameras import RectifiedCamera
from stereo3d.poses import Poses3D
from stereo3d.skeleton import COCO_17, Skeleton
from stereo3d.stereo import Stereo

TURN = Rotation.from_euler("xyz", [0.01, -0.02, 0.005]).as_matrix()
CAMERA = RectifiedCamera((1280, 720), 530.0, Stereo(640.0, 640.0), 360.0, 0.12, TURN)


def poses_at(xyz, *, skeleton: Skeleton = COCO_17, camera=CAMERA, frame=None, time=None) -> Poses3D:
    xyz = np.asarray(xyz, float)
    t, k = xyz.shape[:2]
    frame = np.arange(t) if frame is None else np.asarray(frame)
    time = np.asarray(frame) / 30 if time is None else time
    return Poses3D(
        xyz, np.ones((t, k)), np.ones((t, k, 3)), np.zeros((t, k)), np.zeros((t, k)), time, frame, skeleton, camera
    )


def truth_poses(n: int = 6, skeleton: Skeleton = COCO_17) -> Poses3D:
    rng = np.random.default_rng(0)
    return poses_at(rng.uniform([-0.3, -0.3, 0.5], [0.3, 0.3, 0.9], (n, len(skeleton), 3)), skeleton=skeleton)


def off_by(poses: Poses3D, metres) -> Poses3D:
    """The same poses, each joint that far away from where it was; NaN: not found."""
    rng = np.random.default_rng(1)
    way = rng.normal(size=poses.xyz.shape)
    way /= np.linalg.norm(way, axis=-1, keepdims=True)
    return dataclasses.replace(poses, xyz=poses.xyz + way * np.broadcast_to(metres, poses.score.shape)[..., None])


def rows(poses: Poses3D, which) -> Poses3D:
    """Some of the frames."""
    return dataclasses.replace(
        poses, **{n: getattr(poses, n)[which] for n in ("xyz", "score", "sigma", "residual", "status", "time", "frame")}
    )
