"""Scenes filmed with fewer pixels, so that drawing them costs a test little."""

from __future__ import annotations

import dataclasses

import numpy as np

from stereo3d.cameras import Intrinsics
from stereo3d.synthetic.rig import project
from stereo3d.synthetic.scene import Simulation


def shrunk(camera: Intrinsics, by: int) -> Intrinsics:
    """The same lens over a picture of fewer pixels."""
    w, h = camera.size
    f, c = 1 / by, 0.5 / by - 0.5
    return dataclasses.replace(
        camera, size=(w // by, h // by), fx=camera.fx * f, fy=camera.fy * f, cx=camera.cx * f + c, cy=camera.cy * f + c
    )


def small(scene: Simulation, by: int = 2) -> Simulation:
    """The same scene filmed with fewer pixels, its joints found there without error."""
    rig = dataclasses.replace(scene.rig, cameras=scene.rig.cameras.map(lambda c: shrunk(c, by)))
    limit = np.array(rig.cameras.left.size) - 0.5
    pixels = scene.pixels.map(lambda view, xy: dataclasses.replace(
        view, xy=xy, score=((xy >= -0.5) & (xy < limit)).all(-1).astype(float)), project(rig, scene.truth.xyz))
    truth = dataclasses.replace(scene.truth, camera=rig)
    return dataclasses.replace(scene, rig=rig, pixels=pixels, detections=pixels, truth=truth)
