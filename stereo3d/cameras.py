"""Cameras as values: one lens, a pair of them, and the ideal pair after rectification.

Pixel (0, 0) is the centre of the top-left pixel; lengths are metres, angles radians. x points right, y down, z away.
These stand below `poses`, whose 3D joints carry the camera they are seen from; what reads, writes and applies them
lives in `calibration`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from stereo3d.errors import CalibrationError, InvalidValue
from stereo3d.stereo import Stereo
from stereo3d.values import Floats, Value, array, number

LONGEST_BASELINE = 10.0
"""Metres. A baseline beyond it is taken for one written in millimetres."""
_DISTORTION_LENGTHS = (0, 5, 8, 14)


def _size(size: tuple[int, int]) -> tuple[int, int]:
    try:
        width, height = (int(number("size", s, 1, 1 << 16)) for s in size)
    except (TypeError, ValueError) as error:
        raise InvalidValue(f"size: expected (width, height) from 1 to {1 << 16} px, got {size!r}") from error
    return width, height


def _rotation(name: str, rotation: ArrayLike) -> Floats:
    out = array(name, rotation, (3, 3))
    if not np.abs(out).max() < 2:
        raise CalibrationError(f"{name}: expected a rotation matrix, its numbers from -1 to 1, got {out.tolist()}")
    off = np.abs(out @ out.T - np.eye(3)).max()
    if not (off < 1e-5 and np.linalg.det(out) > 0):
        raise CalibrationError(
            f"{name}: expected a rotation matrix (orthonormal, determinant +1), got one off by {off:.2g}, "
            f"determinant {np.linalg.det(out):.3g}"
        )
    return out


@dataclass(frozen=True, slots=True, eq=False)
class Intrinsics(Value):
    """One camera: focal lengths and principal point in pixels, and its lens distortion."""

    size: tuple[int, int]
    """(width, height) px of the pictures it is for."""
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: Floats = field(default_factory=lambda: np.zeros(0))
    """0, 5, 8 or 14 coefficients in OpenCV's order k1 k2 p1 p2 k3 k4 k5 k6 s1 s2 s3 s4 tx ty; 4 gain a k3 of zero."""

    def __post_init__(self) -> None:
        coefficients = array("distortion", self.distortion, ("D",))
        if len(coefficients) == 4:
            coefficients = array("distortion", [*coefficients, 0.0], (5,))
        if len(coefficients) not in _DISTORTION_LENGTHS or not np.isfinite(coefficients).all():
            raise InvalidValue(f"distortion: expected 0, 4, 5, 8 or 14 finite coefficients, got {self.distortion}")
        self._set(size=_size(self.size), distortion=coefficients)
        self._set(fx=number("fx", self.fx, 1e-6), fy=number("fy", self.fy, 1e-6))
        self._set(cx=number("cx", self.cx), cy=number("cy", self.cy))

    @property
    def matrix(self) -> Floats:
        """(3, 3) camera matrix K."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])


@dataclass(frozen=True, slots=True, eq=False)
class StereoRig(Value):
    """Two cameras and how the second stands to the first: X_right = rotation X_left + translation."""

    cameras: Stereo[Intrinsics]
    rotation: Floats
    """(3, 3) right_from_left."""
    translation: Floats
    """(3,) m; its x is negative where the right camera stands to the right of the left one."""
    serial: str | None = None
    rms: float | None = None
    """px, the reprojection error of the calibration where its file says so."""

    def __post_init__(self) -> None:
        translation = array("translation", self.translation, (3,))
        length = float(np.linalg.norm(translation))
        if not 1e-3 <= length <= LONGEST_BASELINE:
            raise CalibrationError(
                f"translation: expected metres, 0.001 to {LONGEST_BASELINE:g} between the cameras, got {length:g}; "
                "divide by 1000 if the calibration was made in millimetres"
            )
        self._set(rotation=_rotation("rotation", self.rotation), translation=translation)

    @property
    def baseline(self) -> float:
        """m, the distance between the cameras; negative where the left one stands to the right of the other."""
        return float(np.linalg.norm(self.translation) * (-1 if self.translation[0] > 0 else 1))


@dataclass(frozen=True, slots=True, eq=False)
class RectifiedCamera(Value):
    """The two ideal cameras after rectification: same focal length and rows, turned alike, a baseline apart."""

    size: tuple[int, int]
    """(width, height) px of the rectified pictures."""
    focal: float
    cx: Stereo[float]
    """px, one for each view: the disparity of a point at infinity is cx.left - cx.right."""
    cy: float
    baseline: float
    """m; negative where the views are the wrong way round, and then so is every disparity."""
    left_from_rectified: Floats = field(default_factory=lambda: np.eye(3))
    """(3, 3) rotation that takes points of the rectified left camera into the camera as it was mounted."""

    def __post_init__(self) -> None:
        self._set(size=_size(self.size), focal=number("focal", self.focal, 1e-6), cy=number("cy", self.cy))
        self._set(cx=Stereo(number("cx.left", self.cx.left), number("cx.right", self.cx.right)))
        baseline = number("baseline", self.baseline)
        if not 1e-3 <= abs(baseline) <= LONGEST_BASELINE:
            raise CalibrationError(
                f"baseline: expected metres, 0.001 to {LONGEST_BASELINE:g}, got {baseline:g}; "
                "divide by 1000 if the calibration was made in millimetres"
            )
        self._set(baseline=baseline, left_from_rectified=_rotation("left_from_rectified", self.left_from_rectified))

    def depth(self, disparity: ArrayLike) -> Floats:
        """m, Z = B f / (d - (cx.left - cx.right)), NaN at infinity; disparity in px (AGMA, eq. 1)."""
        shift = np.asarray(disparity, float) - (self.cx.left - self.cx.right)
        z: Floats = np.divide(self.baseline * self.focal, shift, out=np.full_like(shift, np.nan), where=shift != 0)
        return z

    def disparity(self, depth: ArrayLike) -> Floats:
        """px, u_left - u_right of a point at that depth in m: the inverse of `depth`."""
        z = np.asarray(depth, float)
        near: Floats = np.divide(self.baseline * self.focal, z, out=np.full_like(z, np.nan), where=z != 0)
        return near + (self.cx.left - self.cx.right)

    def project(self, xyz: ArrayLike) -> Stereo[Floats]:
        """(..., 2) px in both rectified views of points (..., 3) m; NaN for those not in front of the cameras."""
        x, y, z = np.moveaxis(np.asarray(xyz, float), -1, 0)
        scale = np.divide(self.focal, z, out=np.full_like(z, np.nan), where=z > 0)
        v = y * scale + self.cy
        return Stereo(
            np.stack([x * scale + self.cx.left, v], -1),
            np.stack([(x - self.baseline) * scale + self.cx.right, v], -1),
        )

    def unproject(self, uvd: ArrayLike) -> Floats:
        """(..., 3) m of points given as (u_left, v, disparity) px: the inverse of `project`."""
        u, v, d = np.moveaxis(np.asarray(uvd, float), -1, 0)
        z = self.depth(d)
        return np.stack([(u - self.cx.left) * z / self.focal, (v - self.cy) * z / self.focal, z], -1)
