"""A pose as a thing in space: a .ply of one moment, and a window to turn it in.

The file is written here, without a graphics package; the window needs open3d. Scenes have y up and z towards the
viewer, the toolkit y down and z away: points are turned half around x, which keeps them right-handed.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from stereo3d import atomic
from stereo3d.errors import MissingPackage, UsageError
from stereo3d.poses import Poses3D
from stereo3d.values import Floats, Ints

_LEFT, _RIGHT, _MIDDLE = (255, 140, 0), (0, 170, 255), (90, 190, 90)
UPRIGHT = np.array([1.0, -1.0, -1.0])
"""Half a turn around x."""


def write_ply(poses: Poses3D, path: str | os.PathLike[str], at: int) -> Path:
    """The path of a .ply with the joints found in one frame as coloured points, in m, and the bones as edges.

    Raises UsageError where there is no such frame.
    """
    points, bones, colours = _moment(poses, at)
    lines = [f"{x:.6f} {y:.6f} {z:.6f} {r} {g} {b}" for (x, y, z), (r, g, b) in zip(points, colours)]
    lines += [f"{a} {b}" for a, b in bones]
    head = ["ply", "format ascii 1.0", f"element vertex {len(points)}"]
    head += [f"property float {axis}" for axis in "xyz"] + [f"property uchar {c}" for c in ("red", "green", "blue")]
    head += [f"element edge {len(bones)}", "property int vertex1", "property int vertex2", "end_header"]
    return atomic.write_text(path, "\n".join([*head, *lines, ""]))


def show(poses: Poses3D, at: int) -> None:
    """A window with one frame to turn and look at. Raises MissingPackage where open3d is not installed."""
    try:
        import open3d
    except ModuleNotFoundError as error:
        raise MissingPackage("open3d", "view", "the viewer") from error
    points, bones, colours = _moment(poses, at)
    drawn = open3d.geometry.LineSet()
    drawn.points = open3d.utility.Vector3dVector(points)
    drawn.lines = open3d.utility.Vector2iVector(bones)
    cloud = open3d.geometry.PointCloud(drawn.points)
    cloud.colors = open3d.utility.Vector3dVector(colours / 255.0)
    open3d.visualization.draw_geometries([drawn, cloud])


def _moment(poses: Poses3D, at: int) -> tuple[Floats, Ints, Ints]:
    """(N, 3) m of the joints found, (B, 2) the bones between them, (N, 3) colours 0..255."""
    if not -len(poses) <= at < len(poses):
        raise UsageError(f"at: expected a place from 0 to {len(poses) - 1}, got {at}")
    found = poses.found[at]
    number = np.cumsum(found) - 1
    bones = np.array([(number[a], number[b]) for a, b in poses.skeleton.bones if found[a] and found[b]], int)
    colours = np.array([colour_of(name) for name, there in zip(poses.skeleton.joints, found) if there], int)
    return poses.xyz[at, found] * UPRIGHT, bones.reshape(-1, 2), colours.reshape(-1, 3)


def colour_of(joint: str) -> tuple[int, int, int]:
    """Red, green and blue, 0..255, of the infant's left, its right or the middle."""
    return _LEFT if joint.startswith("left") else _RIGHT if joint.startswith("right") else _MIDDLE
