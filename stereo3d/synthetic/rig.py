"""A stereo camera that was never built, but could have been, and pictures' pixels through its lenses."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.interpolate import RectBivariateSpline

from stereo3d.calibration.lens import distort, undistort
from stereo3d.cameras import Intrinsics, StereoRig
from stereo3d.stereo import Side, Stereo
from stereo3d.values import Floats

HD720 = (1280, 720)


def _lens(rng: np.random.Generator) -> Intrinsics:
    k1 = rng.uniform(-0.064, -0.037)
    k2, k3 = -0.45 * k1, rng.uniform(-0.006, -0.003)  # together they leave no pixel without its ray
    p1, p2 = rng.uniform(-5e-4, 5e-4, 2)
    focal = rng.uniform(528, 534)
    return Intrinsics(
        HD720, fx=focal, fy=focal + rng.uniform(-0.5, 0.5), cx=rng.uniform(618, 655), cy=rng.uniform(358, 373),
        distortion=np.array([k1, k2, p1, p2, k3]),
    )


def zed2_like(seed: int = 0) -> StereoRig:
    """A made-up rig of 1280 x 720 px, its values drawn from what factory calibrations of ZED 2 cameras show.

    Baseline 119.7-120.14 mm, |TY| < 0.2 and |TZ| < 0.6 mm, angles up to 0.009 rad, five distortion coefficients.
    """
    rng = np.random.default_rng([seed, 5])
    cameras = Stereo(_lens(rng), _lens(rng))
    baseline, y, z = rng.uniform((0.1197, -0.0002, -0.0006), (0.12014, 0.0002, 0.0006))
    rotation, _ = cv2.Rodrigues(rng.uniform(-0.009, 0.009, 3))
    return StereoRig(cameras, np.asarray(rotation, float), np.array([-baseline, y, z]))


def pose_of(rig: StereoRig, side: Side) -> tuple[Floats, Floats]:
    """(3, 3) rotation and (3,) m translation that take points of the left camera into the one of that side."""
    return (np.eye(3), np.zeros(3)) if side == "left" else (rig.rotation, rig.translation)


def project(rig: StereoRig, xyz: Floats) -> Stereo[Floats]:
    """(..., 2) px in the raw pictures of both cameras of points (..., 3) m in the left camera, NaN behind them."""
    return Stereo(_project(rig, xyz, side="left"), _project(rig, xyz, side="right"))


def _project(rig: StereoRig, xyz: Floats, *, side: Side) -> Floats:
    rotation, translation = pose_of(rig, side)
    seen = xyz @ rotation.T + translation
    depth = np.where(seen[..., 2:] > 0, seen[..., 2:], np.nan)
    return distort(seen[..., :2] / depth, rig.cameras[side])


def rays(camera: Intrinsics, *, per_pixel: int = 1) -> Floats:
    """(h n, w n, 2) x and y at depth 1 of what the raw pixels see, n to a pixel along each axis; NaN for nothing.

    A lens that reaches every pixel is undone on a lattice and interpolated by a cubic spline: right to 1e-4 px.
    """
    u, v = ((np.arange(size * per_pixel) + 0.5) / per_pixel - 0.5 for size in camera.size)
    across, down = (np.linspace(-0.5, size - 0.5, max(90, size // 8)) for size in camera.size)
    lattice = undistort(np.stack(np.meshgrid(across, down), -1), camera)
    if np.isnan(lattice).any():
        return undistort(np.stack(np.meshgrid(u, v), -1), camera)
    return np.stack([RectBivariateSpline(down, across, lattice[..., i])(v, u) for i in (0, 1)], -1)
