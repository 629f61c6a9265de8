"""Poses with what real ones have: missing joints, an empty frame, frames that the recording lost."""

from __future__ import annotations

import dataclasses

import numpy as np
from test_storage import CAMERA, poses3d

from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.poses import Poses3D

LOST = (3, 4, 9)
"""Pairs that were lost while recording, of those from 60 on."""


def gapped(n_frames: int = 8, camera: RectifiedCamera | StereoRig = CAMERA) -> Poses3D:
    """At 30 Hz from pair 60, without three of them; the third joint of the second frame and all of the fourth NaN."""
    poses = poses3d(n_frames, camera)
    xyz = poses.xyz.copy()
    xyz[1:2, 2] = np.nan
    xyz[3:4] = np.nan
    frame = 60 + np.setdiff1d(np.arange(n_frames + len(LOST)), LOST)[:n_frames]
    origin = {"recording": "/ward/Doe_Jane.svo", "serial": "SN123"}
    return dataclasses.replace(poses, xyz=xyz, frame=frame, time=frame / 30, origin=origin)


def rows(poses: Poses3D) -> np.ndarray:
    """The row of each frame on an even time line that starts with the first."""
    return poses.frame - poses.frame[0]
