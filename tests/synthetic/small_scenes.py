"""Scenes filmed with fewer pixels, so that drawing them costs a test little."""

from __future__ import annotations

import dataclasses

from stereo3d.cameras import Intrinsics
from stereo3d.synthetic.scene import Simulation


def shrunk(camera: Intrinsics, by: int) -> Intrinsics:
    """The same lens over a picture of fewer pixels."""
    w, h = camera.size
    f, c = 1 / by, 0.5 / by - 0.5
    return dataclasses.replace(
        camera, size=(w // by, h // by), fx=camera.fx * f, fy=camera.fy * f, cx=camera.cx * f + c, cy=camera.cy * f + c
    )


def small(scene: Simulation, by: int = 2) -> Simulation:
    """The same scene filmed with fewer pixels."""
    cameras = scene.rig.cameras.map(lambda c: shrunk(c, by))
    return dataclasses.replace(scene, rig=dataclasses.replace(scene.rig, cameras=cameras))
