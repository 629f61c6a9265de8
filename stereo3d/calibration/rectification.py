"""Two ideal cameras for a rig: what is sensible, and the way there for each side.

Rectification is OpenCV's stereoRectify with equal centres and alpha 0 (Bouguet's method), as ZED's maker does it. Its
turns are right to 1e-5 rad and are made exact here. Its focal length and centre come from the pictures' corners,
undone by too few steps: where a lens has no inverse there (a ZED 2 at VGA) they are nonsense, and the middle of the
pictures gives better ones.

A pair is sensibly rectified where neither camera is turned by more than 20 degrees for it and the ideal pictures still
show the middle of each recorded one (half its width and height): lens distortion costs the rim alone. One that stands
wide apart, turned, or one above the other keeps its own geometry, loses only its lens distortion, and is triangulated
as two rays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import ArrayLike

from stereo3d.calibration.lens import distort, undistort
from stereo3d.cameras import Intrinsics, RectifiedCamera, StereoRig
from stereo3d.stereo import Stereo
from stereo3d.values import Floats

MOST_TURNED = 20.0
"""Degrees by which sensible rectification turns a camera; at 20 a picture's edge is stretched by a third or more."""
LEAST_KEPT = 0.8
"""The share of the middle of each recorded picture that sensible rectification keeps in view."""


@dataclass(frozen=True, slots=True)
class View:
    """One camera as it is, and the ideal one that the pipeline sees instead."""

    raw: Intrinsics
    turn: Floats
    """(3, 3) ideal_from_raw."""
    ideal: Intrinsics

    def points(self, xy: ArrayLike) -> Floats:
        return distort(_turned(undistort(xy, self.raw), self.turn), self.ideal)

    def raw_points(self, xy: ArrayLike) -> Floats:
        return distort(_turned(undistort(xy, self.ideal), self.turn.T), self.raw)


def _turned(xy: Floats, turn: Floats) -> Floats:
    """Normalised points (..., 2) seen from a turned camera; NaN where they come to lie behind it."""
    with np.errstate(all="ignore"):
        x, y, z = np.moveaxis(xy @ turn[:, :2].T + turn[:, 2], -1, 0)
        scale = np.where(z > 0, 1 / z, np.nan)
        return np.stack([x * scale, y * scale], -1)


@dataclass(frozen=True, slots=True)
class Rectification:
    """The ideal camera of a rig, the way to it for each side, and why it is that one."""

    camera: RectifiedCamera | StereoRig
    views: Stereo[View]
    reason: str


def rectification(rig: StereoRig, *, as_maker: bool = False) -> Rectification:
    """A RectifiedCamera for the rig where that is sensible, else the rig itself without distortion.

    `as_maker`: take stereoRectify's focal length and centre or none, since pictures were made with these.
    """
    left, right = rig.cameras
    if left.size != right.size:
        return _undistorted(rig, f"the pictures have two sizes, {left.size} and {right.size}")
    turns, p_left, p_right = _stereo_rectify(rig)
    if p_right[1, 3] != 0:
        return _undistorted(rig, "one camera stands above or before the other")
    angles = turns.map(_angle)
    asked = f"turn the cameras by {angles.left:.1f} and {angles.right:.1f} degrees"
    if max(angles) > MOST_TURNED:
        apart = f"they stand {abs(rig.baseline):.3g} m apart"
        return _undistorted(rig, f"it would {asked}, expected {MOST_TURNED:g} at most; {apart}")
    best = Stereo(0.0, 0.0)
    for ideal in _ideals(rig.cameras, turns, p_left, as_maker):
        views = rig.cameras.map(lambda raw, turn, pin=ideal: View(raw, turn, pin), turns)
        best = max(best, views.map(_kept), key=min)
        if min(best) >= LEAST_KEPT:
            baseline = -float((turns.right @ rig.translation)[0])
            centres = Stereo(ideal.cx, ideal.cx)
            camera = RectifiedCamera(ideal.size, ideal.fx, centres, ideal.cy, baseline, turns.left.T)
            return Rectification(camera, views, f"rectified: to {asked} keeps {_shares(best)} in view")
    return _undistorted(rig, f"only {_shares(best)} would stay in view, expected {LEAST_KEPT:.0%}")


def coefficients(camera: Intrinsics) -> Floats:
    """A copy of the distortion that OpenCV takes: five zeros for none."""
    return np.array(camera.distortion) if len(camera.distortion) else np.zeros(5)


def _angle(turn: Floats) -> float:
    return float(np.rad2deg(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))))


def _shares(kept: Stereo[float]) -> str:
    return f"{kept.left:.0%} of the left and {kept.right:.0%} of the right picture's middle"


def _undistorted(rig: StereoRig, why: str) -> Rectification:
    ideal = rig.cameras.map(lambda camera: replace(camera, distortion=np.zeros(0)))
    views = rig.cameras.map(lambda raw, pin: View(raw, np.eye(3), pin), ideal)
    return Rectification(replace(rig, cameras=ideal), views, f"not rectified: {why}")


def _stereo_rectify(rig: StereoRig) -> tuple[Stereo[Floats], Floats, Floats]:
    """The (3, 3) turns ideal_from_raw and the (3, 4) projections left and right."""
    left, right = rig.cameras
    r_left, _, p_left, p_right = cv2.stereoRectify(
        left.matrix,
        coefficients(left),
        right.matrix,
        coefficients(right),
        left.size,
        np.array(rig.rotation),
        rig.translation.reshape(3, 1),
        flags=cv2.CALIB_ZERO_DISPARITY,
        alpha=0,
    )[:4]
    turns = _aligned(np.asarray(r_left, np.float64), rig)
    return turns, np.asarray(p_left, np.float64), np.asarray(p_right, np.float64)


def _aligned(left: Floats, rig: StereoRig) -> Stereo[Floats]:
    """The turns near to stereoRectify's that bring the right camera onto the x axis exactly, both alike.

    stereoRectify takes a rotation under 1e-5 rad for none, which costs up to 0.01 px in the rows.
    """
    right = left @ rig.rotation.T
    x = right @ rig.translation
    x = x / (np.linalg.norm(x) * np.copysign(1.0, x[0]))
    z = np.array([0.0, 0.0, 1.0]) - x[2] * x
    z = z / np.linalg.norm(z)
    onto = np.stack([x, np.cross(z, x), z])
    return Stereo(onto @ left, onto @ right)


def _ideals(
    cameras: Stereo[Intrinsics], turns: Stereo[Floats], projection: Floats, as_maker: bool
) -> Iterator[Intrinsics]:
    """Ideal cameras to try: stereoRectify's, then one that keeps the scale and the middle of the pictures."""
    size = cameras.left.size
    if np.isfinite(projection).all() and projection[0, 0] > 0:
        yield Intrinsics(size, projection[0, 0], projection[0, 0], projection[0, 2], projection[1, 2])
    if not as_maker:
        focal = float(np.mean([length for camera in cameras for length in (camera.fx, camera.fy)]))
        middle = (np.array(size) - 1) / 2
        rays = cameras.map(lambda camera, turn: _turned(undistort(middle, camera), turn), turns)
        centre = middle - focal * (rays.left + rays.right) / 2
        if np.isfinite(centre).all():
            yield Intrinsics(size, focal, focal, *centre.tolist())


def _kept(view: View) -> float:
    """The share of the recorded picture's middle that is in the ideal one, by a grid of 17 x 17 points."""
    far = np.array(view.raw.size) - 1.0
    grid = np.stack(np.meshgrid(*(np.linspace(side / 4, side * 3 / 4, 17) for side in far)), -1)
    seen = view.points(grid)
    return float(((seen >= -0.5) & (seen <= far + 0.5)).all(-1).mean())
