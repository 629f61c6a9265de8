"""What a rig makes of corners seen in both eyes: places in space, rows that should agree, lengths that are known."""

from __future__ import annotations

import numpy as np

from stereo3d.calibration.board import Board
from stereo3d.calibration.lens import distort, undistort
from stereo3d.calibration.rectification import rectification
from stereo3d.cameras import Intrinsics, RectifiedCamera, StereoRig
from stereo3d.values import Bools, Floats

WORKING_RADIUS = 0.35
"""m, a little more than half an infant's length."""


def both_ways(rig: StereoRig | RectifiedCamera) -> StereoRig:
    """The rig as two cameras, also where it is a rectified one."""
    if isinstance(rig, StereoRig):
        return rig
    cameras = rig.cx.map(lambda cx: Intrinsics(rig.size, rig.focal, rig.focal, cx, rig.cy))
    return StereoRig(cameras, np.eye(3), np.array([-rig.baseline, 0.0, 0.0]))


def seen(rig: StereoRig, xyz: Floats) -> Floats:
    """(2, ..., 2) px in both recorded pictures of points (..., 3) m in the left camera; NaN where not seen at all."""
    sides = []
    for camera, points in zip(rig.cameras, (xyz, xyz @ rig.rotation.T + rig.translation), strict=True):
        depth = np.where(points[..., 2:] > 0, points[..., 2:], np.nan)
        sides.append(distort(points[..., :2] / depth, camera))
    return np.stack(sides)


def in_space(rig: StereoRig, left: Floats, right: Floats) -> Floats:
    """(..., 3) m in the left camera of what is seen at recorded px (..., 2): the middle between the two rays."""
    ways = [np.pad(undistort(xy, c), [*[(0, 0)] * (xy.ndim - 1), (0, 1)], constant_values=1.0)
            for xy, c in zip((left, right), rig.cameras, strict=True)]
    a, b = ways[0], ways[1] @ rig.rotation
    start = -rig.translation @ rig.rotation
    aa, ab, bb = (a * a).sum(-1), (a * b).sum(-1), (b * b).sum(-1)
    ac, bc = a @ start, b @ start
    with np.errstate(all="ignore"):
        across = aa * bb - ab * ab
        near, far = (bb * ac - ab * bc) / across, (ab * ac - aa * bc) / across
    return np.asarray((near[..., None] * a + far[..., None] * b + start) / 2)


def row_errors(rig: StereoRig, left: Floats, right: Floats) -> Floats:
    """(...) px by which rows differ after rectification, left less right, of what is seen at recorded px (..., 2).

    For a pair that is not sensibly rectified the distance in the right picture from the line that the left one allows.
    """
    found = rectification(rig)
    if isinstance(found.camera, RectifiedCamera):
        return np.asarray(found.views.left.points(left)[..., 1] - found.views.right.points(right)[..., 1])
    a, b = (np.pad(undistort(xy, c), [*[(0, 0)] * (xy.ndim - 1), (0, 1)], constant_values=1.0)
            for xy, c in zip((left, right), rig.cameras, strict=True))
    line = np.cross(rig.translation, a @ rig.rotation.T)
    focal = (rig.cameras.right.fx + rig.cameras.right.fy) / 2
    return np.asarray((line * b).sum(-1) / np.linalg.norm(line[..., :2], axis=-1) * focal)


def edge_errors(rig: StereoRig, xy: Floats, board: Board) -> Floats:
    """(V, E) m by which the sides of squares come out too long, from corners (V, 2, M, 2) px."""
    xyz = in_space(rig, xy[:, 0], xy[:, 1])
    return np.asarray(np.linalg.norm(np.diff(xyz[:, board.edges], axis=2)[:, :, 0], axis=-1) - board.square)


def volume(rig: StereoRig, depths: Floats, cells: tuple[int, int] = (25, 17)) -> Floats:
    """(D, rows, columns, 3) m, points that both eyes see at each depth (D,) m, on a lattice of the left picture.

    NaN where the right eye does not see them.
    """
    left, right = rig.cameras
    u, v = (np.linspace(0, size - 1, n) for size, n in zip(left.size, cells, strict=True))
    rays = undistort(np.stack(np.meshgrid(u, v), -1), left)
    xyz = np.pad(rays, ((0, 0), (0, 0), (0, 1)), constant_values=1.0) * np.asarray(depths)[:, None, None, None]
    place = seen(rig, xyz)[1]
    with np.errstate(invalid="ignore"):
        inside = ((place >= 0) & (place <= np.array(right.size) - 1.0)).all(-1)
    return np.where(inside[..., None], xyz, np.nan)


def working(rig: StereoRig, xyz: Floats) -> Bools:
    """(...) which of the points (..., 3) m lie where an infant does: seen by both eyes and within WORKING_RADIUS of the
    line half way between the cameras."""
    middle = -(rig.translation @ rig.rotation) / 2
    with np.errstate(invalid="ignore"):
        return np.asarray(np.hypot(xyz[..., 0] - middle[0], xyz[..., 1] - middle[1]) <= WORKING_RADIUS)
