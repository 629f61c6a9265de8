"""The lens: from ideal directions to the pixels they fall on, and back exactly.

The model is OpenCV's (docs.opencv.org, calib3d, "Detailed Description"): radial k1 k2 k3 over k4 k5 k6, tangential
p1 p2, thin prism s1..s4, tilted sensor tx ty. Such a polynomial turns back beyond some angle, so that a second ring of
directions falls on pixels that are already taken. Only the inner side of this fold is a lens: what lies beyond it, and
pixels that nothing inside it reaches, are NaN both ways.

Ideal directions are given as normalised points (x / z, y / z) of the camera.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import ArrayLike

from stereo3d.cameras import Intrinsics
from stereo3d.errors import CalibrationError
from stereo3d.values import Bools, Floats

_WIDEST = float(np.tan(np.deg2rad(89.0)))
_LARGEST_COEFFICIENT = 1e8
_STEPS = 60
_CONVERGED = 1e-13
_ACCEPTED = 1e-10


def distort(xy: ArrayLike, camera: Intrinsics) -> Floats:
    """(..., 2) px where normalised points (..., 2) appear; NaN for those beyond the lens's fold."""
    ideal = np.asarray(xy, float)
    if camera.distortion.any():
        lens = _lens(camera.distortion.tobytes())
        with np.errstate(all="ignore"):
            bent, _, inside = lens.bend(ideal)
            ideal = np.where(inside[..., None], _homography(lens.tilt, bent), np.nan)
    return ideal * (camera.fx, camera.fy) + (camera.cx, camera.cy)


def undistort(xy: ArrayLike, camera: Intrinsics) -> Floats:
    """(..., 2) normalised points that appear at pixels (..., 2): the inverse of `distort` to under 1e-6 px.

    NaN where the lens sends nothing to that pixel. Newton's method from the radial part's own inverse; OpenCV's default
    of five fixed-point steps is off by up to tens of pixels in a ZED 2's corners.
    """
    seen = (np.asarray(xy, float) - (camera.cx, camera.cy)) / (camera.fx, camera.fy)
    if not camera.distortion.any():
        return seen
    lens = _lens(camera.distortion.tobytes())
    with np.errstate(all="ignore"):
        flat = _homography(np.asarray(np.linalg.inv(lens.tilt), float), seen).reshape(-1, 2)
        return lens.unbend(flat).reshape(seen.shape)


@lru_cache(64)
def _lens(distortion: bytes) -> _Lens:
    """The lens of those coefficients; to find its folds takes longer than to bend a hundred points."""
    return _Lens(np.frombuffer(distortion))


def _homography(matrix: Floats, xy: Floats) -> Floats:
    if np.array_equal(matrix, np.eye(3)):
        return xy
    turned: Floats = xy @ matrix[:, :2].T + matrix[:, 2]
    return turned[..., :2] / turned[..., 2:]


def _tilt(tx: float, ty: float) -> Floats:
    """(3, 3) homography of a sensor tilted by tx about x and ty about y (Louhichi et al. 2007, as in OpenCV)."""
    about_x = np.array([[1, 0, 0], [0, np.cos(tx), np.sin(tx)], [0, -np.sin(tx), np.cos(tx)]])
    about_y = np.array([[np.cos(ty), 0, -np.sin(ty)], [0, 1, 0], [np.sin(ty), 0, np.cos(ty)]])
    turn = about_y @ about_x
    onto = np.array([[turn[2, 2], 0, -turn[0, 2]], [0, turn[2, 2], -turn[1, 2]], [0, 0, 1]])
    return np.asarray(onto @ turn)


class _Lens:
    """The distortion without focal length and centre; all points are normalised ones."""

    def __init__(self, distortion: Floats) -> None:
        if np.abs(distortion).max() > _LARGEST_COEFFICIENT:
            raise CalibrationError(
                f"distortion: expected coefficients up to {_LARGEST_COEFFICIENT:g}, got {distortion.tolist()}; "
                "no lens bends like that, calibrate again"
            )
        padded = np.zeros(14)
        padded[: len(distortion)] = distortion
        k1, k2, self.p1, self.p2, k3, k4, k5, k6 = padded[:8].tolist()
        self.prism = padded[8:12]
        self.tilt = _tilt(*padded[12:])
        self.top, self.bottom = Polynomial([1, k1, k2, k3]).trim(), Polynomial([1, k4, k5, k6]).trim()
        self.fold, self.limit = self._folds()

    def _folds(self) -> tuple[float, float]:
        """Squared radii: of the first fold or pole of the radial part, and half way to the next one.

        Tangential terms shift the fold a little, so a point is inside where it has not come half way to the next
        fold and the map around it still keeps its orientation.
        """
        s = Polynomial([0.0, 1.0])
        slope = (self.top + 2 * s * self.top.deriv()) * self.bottom - 2 * s * self.top * self.bottom.deriv()
        roots = np.concatenate([p.trim(1e-12).roots() for p in (slope, self.top, self.bottom)]).astype(complex)
        real = roots[(np.abs(roots.imag) <= 1e-9 * np.abs(roots.real)) & (roots.real > 0)].real
        first, second = np.append(np.sort(real), [np.inf, np.inf])[:2]
        return float(first), float((first + second) / 2)

    def bend(self, xy: Floats) -> tuple[Floats, tuple[Floats, Floats, Floats, Floats], Bools]:
        """Where points (..., 2) go before the sensor's tilt, the map's slopes xx, xy, yx, yy, and what is inside."""
        x, y = xy[..., 0], xy[..., 1]
        s = x * x + y * y
        below = self.bottom(s) if self.bottom.degree() else 1.0
        gain = self.top(s) / below
        rise = 2 * self.top.deriv()(s) / below
        if self.bottom.degree():
            rise = rise - 2 * gain * self.bottom.deriv()(s) / below
        sway_x, sway_y = 2 * self.p1 * y + 2 * self.p2 * x, 2 * self.p1 * x + 2 * self.p2 * y
        cross = x * y * rise + sway_y
        bent_x = x * (gain + sway_x) + self.p2 * s
        bent_y = y * (gain + sway_x) + self.p1 * s
        xx = gain + x * x * rise + sway_x + 4 * self.p2 * x
        yy = gain + y * y * rise + sway_x + 4 * self.p1 * y
        slopes = xx, cross, cross, yy
        if self.prism.any():
            s1, s2, s3, s4 = self.prism
            bent_x, bent_y = bent_x + s * (s1 + s2 * s), bent_y + s * (s3 + s4 * s)
            lean_x, lean_y = 2 * (s1 + 2 * s2 * s), 2 * (s3 + 2 * s4 * s)
            slopes = xx + x * lean_x, cross + y * lean_x, cross + x * lean_y, yy + y * lean_y
        inside = (slopes[0] * slopes[3] > slopes[1] * slopes[2]) & (s < self.limit)
        return np.stack([bent_x, bent_y], -1), slopes, inside

    def unbend(self, bent: Floats) -> Floats:
        """(N, 2) points inside that `bend` sends to (N, 2), NaN where there is none.

        A step that leaves the inside is halved.
        """
        out = self._unbend_radially(bent)
        safe = out.copy()
        active = np.flatnonzero(np.isfinite(bent).all(-1))
        for _ in range(_STEPS):
            got, (xx, xy, yx, yy), inside = self.bend(out[active])
            miss = bent[active] - got
            step = np.stack([yy * miss[:, 0] - xy * miss[:, 1], xx * miss[:, 1] - yx * miss[:, 0]], -1)
            back, onward = active[~inside], active[inside]
            out[back] = (out[back] + safe[back]) / 2
            safe[onward] = out[onward]
            out[onward] += (step / (xx * yy - xy * yx)[:, None])[inside]
            active = active[~inside | (np.abs(miss).max(-1) > _CONVERGED * (1 + np.abs(bent[active]).max(-1)))]
            if not len(active):
                break
        got, _, inside = self.bend(out)
        found = inside & (np.abs(got - bent).max(-1) <= _ACCEPTED * (1 + np.abs(bent).max(-1)))
        out[~found] = np.nan
        return out

    def _unbend_radially(self, bent: Floats) -> Floats:
        """The start for Newton's steps, kept clear of the fold, where the slope is zero."""
        widest = min(np.sqrt(self.fold) * 0.95, _WIDEST)
        radius = np.tan(np.linspace(0, np.arctan(widest), 512))
        reach = radius * self.top(radius**2) / self.bottom(radius**2)
        wanted = np.hypot(bent[:, 0], bent[:, 1])
        ratio = np.divide(np.interp(wanted, reach, radius), wanted, out=np.ones_like(wanted), where=wanted > 0)
        return bent * ratio[:, None]
