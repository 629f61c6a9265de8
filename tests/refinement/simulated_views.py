"""A simulated infant's joints in both rectified views as a detector gives them, with the truth beside."""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from stereo3d.calibration.rectify import Rectifier
from stereo3d.cameras import RectifiedCamera
from stereo3d.poses import Poses2D
from stereo3d.refinement.evidence import placed
from stereo3d.stereo import Stereo
from stereo3d.synthetic.noise import DetectorNoise, detections
from stereo3d.synthetic.scene import Simulation, simulate


class Views(NamedTuple):
    """What a detector says of a recording, and what is so."""

    joints: Stereo
    camera: RectifiedCamera
    xyz: np.ndarray
    place: np.ndarray
    scene: Simulation


@lru_cache(maxsize=4)
def scene_of(seed: int = 90, seconds: float = 10.0) -> Simulation:
    return simulate(seed, seconds)


def views(noise: DetectorNoise, *, seed: int = 90, seconds: float = 10.0, draw: int = 0) -> Views:
    """The infant `seed`, seen by a detector with that noise in rectified px."""
    scene = scene_of(seed, seconds)
    camera = Rectifier(scene.rig).camera
    xyz = scene.truth.xyz @ camera.left_from_rectified
    truth = Stereo(*(
        dataclasses.replace(scene.pixels.left, xy=xy, score=np.ones(xy.shape[:2])) for xy in camera.project(xyz)
    ))
    return Views(detections(truth, noise, seed=seed + 1000 * draw), camera, xyz, placed(xyz, camera), scene)


def changed(view: Poses2D, **fields) -> Poses2D:
    """The view with some of its arrays edited: each value is a function of a writable copy."""
    new = {}
    for name, edit in fields.items():
        new[name] = np.array(getattr(view, name))
        edit(new[name])
    return dataclasses.replace(view, **new)
