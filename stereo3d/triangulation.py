"""Joints in metres from the joints of two views: Z = B f / d on a rectified pair, weighted least squares on any other.

Each joint keeps its error bar, how far its two rays miss each other, and the reason where it was refused.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from stereo3d.cameras import Intrinsics, RectifiedCamera, StereoRig
from stereo3d.errors import CalibrationError, InvalidValue
from stereo3d.poses import Poses2D, Poses3D, Status
from stereo3d.stereo import Stereo
from stereo3d.values import Bytes, Floats, Value, number, same

GATE_HEIGHT = 720
"""px, the picture height that `Gates.row` is given for."""
_BLOCK = 4096
"""Joints worked on at once: what their intermediate arrays need stays within a core's cache."""
_FEWEST_TO_JUDGE = 30
_LEAST_SHARE = 0.2
_MISSING = int(Status.MISSING_LEFT | Status.MISSING_RIGHT)
_LEAST_SIGMA = 1e-3
"""px. Weights are 1 / sigma^2, so a detector that claims less is taken at this."""


@dataclass(frozen=True, slots=True, eq=False)
class Gates(Value):
    """What a joint has to pass; one that does not loses its place, and its status says why."""

    score: float = 0.05
    """The lower score of the two views. Detectors' scales differ, so this only drops what is no peak at all (heat
    maps are trained to peak at 1); a score that is unknown (NaN) passes."""
    row: float = 20.0
    """px of row mismatch in a picture 720 px high, more in a higher one in proportion. Independent noise of 3 px an
    axis (AGMA's networks) mismatches by 4.2 px rms, so this drops gross errors alone."""
    depth: tuple[float, float] = (0.1, 10.0)
    """m, nearest and farthest Z, in both cameras."""

    def __post_init__(self) -> None:
        if len(self.depth) != 2 or not 0 <= self.depth[0] < self.depth[1]:
            raise InvalidValue(f"depth: expected (nearest, farthest) in metres, got {self.depth}")
        near, far = (number("depth", z) for z in self.depth)
        self._set(score=number("score", self.score), row=number("row", self.row, 0.0), depth=(near, far))


class _Located(NamedTuple):
    """Points with what is known of them; arrays over (n frames, K joints)."""

    xyz: Floats
    """(3, n, K) m."""
    sigma: Floats
    """(3, n, K) m."""
    residual: Floats
    """(n, K) px."""
    depths: tuple[Floats, ...]
    """(n, K) m, the Z in each camera (one array where both are the same)."""


def triangulate(joints: Stereo[Poses2D], camera: RectifiedCamera | StereoRig, gates: Gates = Gates()) -> Poses3D:
    """The joints in metres, in the frame of `camera`'s left view; one that fails a gate is NaN with its status.

    joints: both views' (T, K) joints in px of `camera`, undistorted. A RectifiedCamera takes Z = B f / D (AGMA, eq. 1)
    with both rows averaged, a StereoRig the least-squares point of the four ray equations.
    Raises InvalidValue where the views do not belong together, CalibrationError for a rig with lens distortion.
    """
    _check_distortion_free(camera)
    left, right = _matched(joints)
    shape = left.score.shape
    xyz, sigma = np.empty((*shape, 3)), np.empty((*shape, 3))
    residual, status = np.empty(shape), np.empty(shape, np.int64)
    score = np.fmin(left.score, right.score)
    step = max(1, _BLOCK // max(1, shape[1]))
    with np.errstate(all="ignore"):
        for start in range(0, shape[0], step):
            part = slice(start, start + step)
            uv = Stereo(left.xy[part], right.xy[part]).map(lambda xy: np.moveaxis(xy, -1, 0))
            found = _locate(uv, Stereo(left.sigma[part], right.sigma[part]), camera)
            status[part] = _status(uv, score[part], found, camera, gates)
            refused = status[part] != Status.OK
            for i in range(3):
                xyz[part, :, i] = np.where(refused, np.nan, found.xyz[i])
                sigma[part, :, i] = np.where(refused, np.nan, found.sigma[i])
            residual[part] = np.where(status[part] & _MISSING, np.nan, found.residual)
    origin = {"score": gates.score, "row": gates.row, "depth": list(gates.depth)}
    return Poses3D(
        xyz, score, sigma, residual, status, left.time, left.frame, left.skeleton, camera, {"triangulate": origin}
    )


def _matched(joints: Stereo[Poses2D]) -> Stereo[Poses2D]:
    """The same pair, when both views hold the same joints of the same frames."""
    left, right = joints
    if left.skeleton.joints != right.skeleton.joints:
        names = f"{left.skeleton.name} on the left, {right.skeleton.name} on the right"
        raise InvalidValue(f"joints: expected one skeleton in both views, got {names}")
    if len(left) != len(right):
        raise InvalidValue(f"joints: expected as many frames in both views, got {len(left)} and {len(right)}")
    for name in ("frame", "time"):
        if not same(getattr(left, name), getattr(right, name)):
            first = np.flatnonzero(getattr(left, name) != getattr(right, name))[0]
            a, b = (getattr(view, name)[first] for view in joints)
            raise InvalidValue(f"joints: expected the same {name} in both views, got {a} and {b} in row {first}")
    return joints


def _check_distortion_free(camera: RectifiedCamera | StereoRig) -> None:
    lenses = camera.cameras if isinstance(camera, StereoRig) else ()
    if any(lens.distortion.any() for lens in lenses):
        raise CalibrationError(
            "camera: expected a rig without lens distortion, got one with; undistort pictures or points first and "
            "triangulate with the camera that belongs to them (Rectifier(rig).camera)"
        )


def _status(
    uv: Stereo[Floats], score: Floats, found: _Located, camera: RectifiedCamera | StereoRig, gates: Gates
) -> Bytes:
    """(n, K) flags of Status."""
    size = camera.size if isinstance(camera, RectifiedCamera) else camera.cameras.left.size
    left, right = uv.map(lambda p: ~(np.isfinite(p[0]) & np.isfinite(p[1])))
    inside = [(z >= gates.depth[0]) & (z <= gates.depth[1]) for z in found.depths]
    outside = ~(left | right | np.logical_and.reduce(inside))
    mismatch = np.abs(found.residual) > gates.row * size[1] / GATE_HEIGHT
    flags = {
        Status.MISSING_LEFT: left,
        Status.MISSING_RIGHT: right,
        Status.LOW_SCORE: score < gates.score,
        Status.ROW_MISMATCH: mismatch,
        Status.DEPTH_RANGE: outside,
    }
    status = np.zeros(score.shape, np.uint8)
    for flag, holds in flags.items():
        status |= holds.view(np.uint8) * np.uint8(flag)
    return status


def _locate(uv: Stereo[Floats], sigma: Stereo[Floats], camera: RectifiedCamera | StereoRig) -> _Located:
    if isinstance(camera, RectifiedCamera):
        return _locate_rectified(uv, sigma, camera)
    return _locate_by_rays(uv, sigma, camera)


def _locate_rectified(uv: Stereo[Floats], sigma: Stereo[Floats], camera: RectifiedCamera) -> _Located:
    """Points from u_left, u_right and the mean of both rows, which are three numbers; their noise in first order.

    The mean of the rows, not the left one, is the least-squares answer: on real joints it lies 0.07 cm from the
    DLT's, the left row's 0.97 cm.
    """
    (u, v), (u_right, v_right) = uv
    shift = u - u_right
    shift -= camera.cx.left - camera.cx.right
    per_px = camera.baseline / shift
    x, y, z = xyz = np.empty((3, *u.shape))
    np.multiply(u - camera.cx.left, per_px, out=x)
    np.multiply((v + v_right) * 0.5 - camera.cy, per_px, out=y)
    np.multiply(camera.focal, per_px, out=z)
    left, right = sigma.left * sigma.left, sigma.right * sigma.right
    both = left + right
    deviations = np.empty_like(xyz)
    deviations[0] = (x - camera.baseline) ** 2 * left + x * x * right
    deviations[1] = (y * y + camera.baseline**2 / 4) * both
    deviations[2] = z * z * both
    np.sqrt(deviations, out=deviations)
    deviations /= np.abs(shift)
    return _Located(xyz, deviations, v - v_right, (z,))


def _locate_by_rays(uv: Stereo[Floats], sigma: Stereo[Floats], rig: StereoRig) -> _Located:
    """Points by weighted linear least squares on the four ray equations, solved twice.

    A row ray * Z - X of the direct linear transform measures metres; only divided by its camera's Z, which the
    first solution tells, does it count pixels, so that each row has its due weight 1 / sigma^2 (iterated linear
    least squares: Hartley and Sturm, Triangulation, 1997). Rows stay in normalised coordinates: made unit
    vectors they would weigh the cameras by the length of the translation, and so by its unit.
    """
    known = np.isfinite(sigma.left + sigma.right)
    noise = sigma.map(lambda s: np.where(known, np.maximum(s, _LEAST_SIGMA), 1.0))
    rows = uv.map(_ray_rows, rig.cameras, Stereo(np.eye(3), rig.rotation), Stereo(np.zeros(3), rig.translation))
    equations = np.concatenate([a for a, _ in rows])
    constants = np.concatenate([b for _, b in rows])
    per_px = np.concatenate([_focals(lens) / s for lens, s in zip(rig.cameras, noise)])
    xyz, _ = _least_squares(equations, constants, per_px)
    z, z_right = _depths(xyz, rig)
    per_px[:2] /= z
    per_px[2:] /= z_right
    step, covariance = _least_squares(equations, constants - (equations * xyz).sum(1), per_px)
    xyz += step
    deviations = np.where(known, np.sqrt(np.stack([covariance[i, i] for i in range(3)])), np.nan)
    return _Located(xyz, deviations, _epipolar_distance(uv, rig), _depths(xyz, rig))


def _focals(lens: Intrinsics) -> Floats:
    return np.array([lens.fx, lens.fy])[:, None, None]


def _depths(xyz: Floats, rig: StereoRig) -> tuple[Floats, Floats]:
    """(n, K) m, Z of points (3, n, K) in the left camera and in the right one."""
    return xyz[2], np.tensordot(rig.rotation[2], xyz, 1) + rig.translation[2]


def _ray_rows(uv: Floats, lens: Intrinsics, rotation: Floats, translation: Floats) -> tuple[Floats, Floats]:
    """Two rows (2, 3, n, K) and constants (2, n, K) of the equations that a point on this camera's ray fulfils."""
    centre = np.array([lens.cx, lens.cy])[:, None, None]
    ray = (uv - centre) / _focals(lens)
    rows = ray[:, None] * rotation[2][:, None, None] - rotation[:2, :, None, None]
    return rows, translation[:2, None, None] - ray * translation[2]


def _least_squares(rows: Floats, constants: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """x (3, n, K) that minimises |weights (rows x - constants)|^2, and its covariance (3, 3, n, K)."""
    weighted = rows * weights[:, None]
    (a, d, e), (_, b, f), (_, _, c) = [[(weighted[:, i] * weighted[:, j]).sum(0) for j in range(3)] for i in range(3)]
    cofactors = np.array([[b * c - f * f, e * f - d * c, d * f - e * b],
                          [e * f - d * c, a * c - e * e, d * e - a * f],
                          [d * f - e * b, d * e - a * f, a * b - d * d]])  # fmt: skip
    determinant = a * cofactors[0, 0] + d * cofactors[0, 1] + e * cofactors[0, 2]
    covariance = cofactors / determinant
    projected = (weighted * (constants * weights)[:, None]).sum(0)
    return (covariance * projected).sum(1), covariance


def _epipolar_distance(uv: Stereo[Floats], rig: StereoRig) -> Floats:
    """(n, K) px, the mean of both points' distances from each other's epipolar line.

    Signed so that on a rectified pair it is v_left - v_right (Hartley and Zisserman, Multiple View Geometry, 11.4.3).
    """
    essential = np.cross(rig.translation, rig.rotation, axisb=0, axisc=0)
    left, right = rig.cameras.map(lambda lens: np.linalg.inv(lens.matrix))
    fundamental = right.T @ essential @ left
    in_right = np.tensordot(fundamental[:, :2], uv.left, 1) + fundamental[:, 2, None, None]
    in_left = np.tensordot(fundamental[:2].T, uv.right, 1) + fundamental[2, :, None, None]
    miss = in_right[0] * uv.right[0] + in_right[1] * uv.right[1] + in_right[2]
    each: Floats = 1.0 / np.hypot(in_right[0], in_right[1]) + 1.0 / np.hypot(in_left[0], in_left[1])
    each *= miss * math.copysign(0.5, -rig.baseline)
    return each


def misfit(poses: Poses3D) -> str | None:
    """A sentence on why these joints cannot come from this camera, or None where they can.

    They cannot where of at least 30 joints that both views saw fewer than a fifth pass the gates on rows and depth:
    noise, wide pairs and calibrations a degree off stay well clear of that.
    """
    seen = (poses.status & (_MISSING | Status.LOW_SCORE)) == 0
    n = int(seen.sum())
    off_row, off_depth = ((poses.status[seen] & flag) != 0 for flag in (Status.ROW_MISMATCH, Status.DEPTH_RANGE))
    passed = int((~off_row & ~off_depth).sum())
    if n < _FEWEST_TO_JUDGE or passed >= _LEAST_SHARE * n:
        return None
    median = np.median(np.abs(poses.residual[seen]))
    if off_row.sum() > off_depth.sum():
        cause = "the rig belongs to another camera, resolution or rectification, or the joints are not one person's"
    else:
        cause = "left and right are swapped, in the recording or in the rig"
    return (
        f"camera: expected most joints to fit it, got {passed} of {n} seen in both views: median row mismatch "
        f"{median:.1f} px, {off_row.mean():.0%} beyond the row gate, {off_depth.mean():.0%} behind the cameras or out "
        f"of the depth range; probably {cause}"
    )
