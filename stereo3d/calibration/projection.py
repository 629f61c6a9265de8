"""From points in front of a camera to pixels, with the slopes that an adjustment needs.

The lens is OpenCV's with up to eight coefficients, as twelve numbers: fx fy cx cy k1 k2 p1 p2 k3 k4 k5 k6.
"""

from __future__ import annotations

import numpy as np

from stereo3d.cameras import Intrinsics
from stereo3d.errors import CalibrationError
from stereo3d.values import Floats

LENS = ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")


def lens_of(camera: Intrinsics) -> Floats:
    """(12,) numbers of a camera. Raises CalibrationError for one with 14 coefficients."""
    if len(camera.distortion) > 8:
        raise CalibrationError(
            f"distortion: expected up to 8 coefficients to start from, got {len(camera.distortion)} "
            "(thin prism or tilted sensor); calibrate in full instead"
        )
    out = np.zeros(12)
    out[:4] = camera.fx, camera.fy, camera.cx, camera.cy
    out[4:4 + len(camera.distortion)] = camera.distortion
    return out


def camera_of(lens: Floats, size: tuple[int, int]) -> Intrinsics:
    """The camera of twelve numbers, with eight coefficients where any of the last three is used, else five."""
    fx, fy, cx, cy = lens[:4].tolist()
    return Intrinsics(size, fx, fy, cx, cy, lens[4:12] if lens[9:].any() else lens[4:9])


def project(xyz: Floats, lens: Floats, *, by_lens: bool = True) -> tuple[Floats, Floats, Floats]:
    """px (..., 2) of points (..., 3) m, and their slopes by the points (..., 2, 3) and by the lens (..., 2, 12).

    One lens (12,) for all points, or lenses (..., 12) that go with them. Without `by_lens` its slopes are (..., 2, 0).
    """
    near = 1 / np.maximum(xyz[..., 2], 1e-6)
    x, y = xyz[..., 0] * near, xyz[..., 1] * near
    s = x * x + y * y
    k1, k2, p1, p2, k3, k4, k5, k6 = np.moveaxis(lens[..., 4:], -1, 0)
    below = 1 / (1 + s * (k4 + s * (k5 + s * k6)))
    gain = (1 + s * (k1 + s * (k2 + s * k3))) * below
    rise = 2 * ((k1 + s * (2 * k2 + 3 * s * k3)) - gain * (k4 + s * (2 * k5 + 3 * s * k6))) * below
    sway = 2 * (p1 * y + p2 * x)
    bent = np.empty((*x.shape, 2))
    bent[..., 0], bent[..., 1] = x * (gain + sway) + p2 * s, y * (gain + sway) + p1 * s
    focal, by_point = lens[..., :2], np.empty((*x.shape, 2, 3))
    by_point[..., 0, 0] = (gain + x * x * rise + sway + 4 * p2 * x) * near
    by_point[..., 1, 1] = (gain + y * y * rise + sway + 4 * p1 * y) * near
    by_point[..., 0, 1] = by_point[..., 1, 0] = (x * y * rise + 2 * (p1 * x + p2 * y)) * near
    by_point[..., 2] = -by_point[..., 0] * x[..., None] - by_point[..., 1] * y[..., None]
    by_point *= focal[..., None]
    slopes = np.zeros((*x.shape, 2, 12 if by_lens else 0))
    if by_lens:
        slopes[..., 0, 0], slopes[..., 1, 1] = bent[..., 0], bent[..., 1]
        slopes[..., 0, 2] = slopes[..., 1, 3] = 1.0
        power = s * below
        for i, term in enumerate((power, power * s, power * s * s)):
            at = (4, 5, 8)[i]
            slopes[..., 0, at], slopes[..., 1, at] = x * term, y * term
            slopes[..., 9 + i] = slopes[..., at] * -gain[..., None]
        slopes[..., 0, 6] = slopes[..., 1, 7] = 2 * x * y
        slopes[..., 1, 6], slopes[..., 0, 7] = s + 2 * y * y, s + 2 * x * x
        slopes[..., 4:] *= focal[..., None]
    return bent * focal + lens[..., 2:4], by_point, slopes
