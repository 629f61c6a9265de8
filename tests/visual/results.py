"""Results to show: a simulated infant as the toolkit finds it, and its truth."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from stereo3d import storage
from stereo3d.calibration.rectify import Rectifier
from stereo3d.poses import Poses3D
from stereo3d.stereo import SIDES, Stereo
from stereo3d.synthetic.scene import simulate
from stereo3d.triangulation import triangulate


def result(frames: int = 90, path: Path | None = None) -> tuple[Poses3D, Poses3D]:
    """The poses and their truth; with a path all is stored there as well."""
    scene = simulate(3, frames / 30)
    rectifier = Rectifier(scene.rig)
    seen = Stereo(*(dataclasses.replace(scene.detections[s], xy=rectifier.points(scene.detections[s].xy, s)) for s in SIDES))
    poses = triangulate(seen, rectifier.camera)
    if path:
        storage.write(path, left=seen.left, right=seen.right, camera=rectifier.camera, poses=poses, truth=scene.truth)
    return poses, scene.truth


def changed(poses: Poses3D, at: Any, **fields: Any) -> Poses3D:
    """The same poses with other numbers at some places of some arrays."""
    arrays = {name: np.array(getattr(poses, name)) for name in fields}
    for name, value in fields.items():
        arrays[name][at] = value
    return dataclasses.replace(poses, **arrays)


def part(poses: Poses3D, rows: Any) -> Poses3D:
    """Some frames."""
    names = ("xyz", "score", "sigma", "residual", "status", "time", "frame")
    return dataclasses.replace(poses, **{name: getattr(poses, name)[rows] for name in names})
