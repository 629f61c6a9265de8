"""Several infants, what several detectors say of them, and what is true."""

from __future__ import annotations

import dataclasses

import numpy as np
from tracks import CAMERA, off_by, poses_at, truth_poses

from stereo3d.evaluation.comparison.space import Prediction
from stereo3d.poses import Poses2D, Poses3D
from stereo3d.stereo import Stereo

LEVELS = {"good": 0.01, "bad": 0.03}


def infants(n: int = 3, frames: int = 20) -> dict[str, Poses3D]:
    """The truth of n infants who lie in different places."""
    return {f"infant {i}": poses_at(truth_poses(frames).xyz + 0.01 * i) for i in range(n)}


def seen_by(poses: Poses3D, shift: float = 0.0) -> Stereo[Poses2D]:
    """The joints as the rectified pictures show them, px, moved along x."""
    ones = np.ones(poses.score.shape)
    views = CAMERA.project(poses.xyz)
    return views.map(lambda xy: Poses2D(xy + [shift, 0.0], ones, ones, poses.time, poses.frame, poses.skeleton))


def predicted(truths: dict[str, Poses3D], metres: float, pixels: float | None = None) -> dict[str, Prediction]:
    """Each infant's poses that far off, and the joints in pictures, where asked for; every infant a bit worse."""
    return {
        name: Prediction(
            off_by(truth, metres * (1 + 0.1 * i)), None if pixels is None else seen_by(truth, pixels * (1 + 0.1 * i))
        )
        for i, (name, truth) in enumerate(truths.items())
    }


def without(prediction: Prediction, joint: int) -> Prediction:
    """The same, that joint never found in space."""
    xyz = prediction.poses.xyz.copy()
    xyz[:, joint] = np.nan
    return dataclasses.replace(prediction, poses=dataclasses.replace(prediction.poses, xyz=xyz))
