"""Joints in metres from the joints of two views: Z = B f / d on a rectified pair, least squares on any other.

Each joint keeps its error bar, how far its two rays miss each other, and the reason where it was refused.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import CalibrationError, InvalidValue
from stereo3d.poses import Poses2D, Poses3D, Status
from stereo3d.stereo import Stereo
from stereo3d.values import Floats, Ints, Value, number, same

Singles = NDArray[np.float32]
GATE_HEIGHT = 720
"""px, the picture height that `Gates.row` is given for."""
_BLOCK = 8192
"""Joints worked on at once: what their intermediate arrays need stays within a core's cache."""
_FEWEST_TO_JUDGE = 30
_LEAST_SHARE = 0.2
_MISSING = int(Status.MISSING_LEFT | Status.MISSING_RIGHT)
_NEWTON_STEPS = 3
"""They converge quadratically: at 0.7 m with noise of 3 px two leave 5 um at worst, three less than a nanometre."""
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
        if len(self.depth) != 2 or not 0 < self.depth[0] < self.depth[1]:
            raise InvalidValue(f"depth: expected (nearest, farthest) in metres, got {self.depth}")
        near, far = (number("depth", z) for z in self.depth)
        self._set(score=number("score", self.score), row=number("row", self.row, 0.0), depth=(near, far))


OPEN = Gates(score=0.0, row=1e6, depth=(0.1, 10.0))
"""For joints that something else judges: refuses none but those far from any crib."""


class _Located(NamedTuple):
    """N points with what is known of them."""

    xyz: Sequence[Floats]
    """Three (N,) m."""
    sigma: Sequence[Floats | Singles]
    """Three (N,) m."""
    residual: Floats
    """(N,) px."""
    depths: Sequence[Floats]
    """(N,) m, Z in each camera; one array where it is the same."""


def triangulate(joints: Stereo[Poses2D], camera: RectifiedCamera | StereoRig, gates: Gates = Gates()) -> Poses3D:
    """The joints in metres, in the frame of `camera`'s left view; one that fails a gate is NaN with its status.

    joints: both views' (T, K) joints in px of `camera`, undistorted. A RectifiedCamera takes Z = B f / D (AGMA, eq. 1)
    with both rows averaged, a StereoRig the point of least squares in both views' pixels (DLT, then Gauss-Newton).
    Raises InvalidValue where the views do not belong together, CalibrationError for a rig with lens distortion.
    """
    _check_distortion_free(camera)
    left, right = _matched(joints)
    shape, n, row_limit = left.score.shape, left.score.size, _row_limit(gates, camera)
    xyz, sigma = np.empty((*shape, 3)), np.empty((*shape, 3))
    score, residual, status = np.fmin(left.score, right.score), np.empty(shape), np.zeros(shape, np.int64)
    uv, noise = joints.map(lambda p: p.xy.reshape(n, 2).T), joints.map(lambda p: p.sigma.reshape(n))
    with np.errstate(all="ignore"):
        for start in range(0, n, _BLOCK):
            part = slice(start, start + _BLOCK)
            seen = Stereo(uv.left[:, part], uv.right[:, part])
            found = _locate(seen, Stereo(noise.left[part], noise.right[part]), camera)
            which, why = _refused(seen, score.reshape(n)[part], found, gates, row_limit)
            _put(xyz.reshape(n, 3)[part], found.xyz, which)
            _put(sigma.reshape(n, 3)[part], found.sigma, which)
            found.residual[which[why & _MISSING != 0]] = np.nan
            residual.reshape(n)[part] = found.residual
            status.reshape(n)[part][which] = why
    for out in (xyz, sigma, score, residual, status):
        out.flags.writeable = False
    origin = {"triangulate": {"score": gates.score, "row": gates.row, "depth": list(gates.depth)}}
    return Poses3D(xyz, score, sigma, residual, status, left.time, left.frame, left.skeleton, camera, origin)


def _put(out: Floats, columns: Sequence[Floats | Singles], refused: Ints) -> None:
    for i, column in enumerate(columns):
        out[:, i] = column
    out[refused] = np.nan


def _matched(joints: Stereo[Poses2D]) -> Stereo[Poses2D]:
    """The same pair, when both views hold the same joints of the same frames."""
    left, right = joints
    if left.skeleton.joints != right.skeleton.joints:
        names = f"{left.skeleton.name} on the left, {right.skeleton.name} on the right"
        raise InvalidValue(f"joints: expected one skeleton in both views, got {names}")
    if len(left) != len(right):
        raise InvalidValue(f"joints: expected as many frames in both views, got {len(left)} and {len(right)}")
    for name in ("frame", "time"):
        a, b = getattr(left, name), getattr(right, name)
        if not (np.array_equal(a, b) or same(a, b)):
            i = np.flatnonzero(a != b)[0]
            raise InvalidValue(f"joints: expected the same {name} in both views, got {a[i]} and {b[i]} in row {i}")
    return joints


def _check_distortion_free(camera: RectifiedCamera | StereoRig) -> None:
    lenses = camera.cameras if isinstance(camera, StereoRig) else ()
    if any(lens.distortion.any() for lens in lenses):
        raise CalibrationError(
            "camera: expected a rig without lens distortion, got one with; undistort pictures or points first and "
            "triangulate with the camera that belongs to them (Rectifier(rig).camera)"
        )


def _row_limit(gates: Gates, camera: RectifiedCamera | StereoRig) -> float:
    size = camera.size if isinstance(camera, RectifiedCamera) else camera.cameras.left.size
    return gates.row * size[1] / GATE_HEIGHT


def _refused(
    uv: Stereo[Floats], score: Floats, found: _Located, gates: Gates, row_limit: float
) -> tuple[Ints, Ints]:
    """Which of the N joints fail, most often few, and their flags of Status."""
    near, far = gates.depth
    low = score < gates.score
    row_fits = np.abs(found.residual) <= row_limit
    inside = [(z >= near) & (z <= far) for z in found.depths]
    depth_fits = inside[0] if len(inside) == 1 else inside[0] & inside[1]
    which = np.flatnonzero(low | ~(row_fits & depth_fits))
    left, right = (np.isfinite(u[which]) & np.isfinite(v[which]) for u, v in uv)
    seen = left & right
    why = int(Status.MISSING_LEFT) * ~left + int(Status.MISSING_RIGHT) * ~right
    why += int(Status.LOW_SCORE) * low[which]
    why += int(Status.ROW_MISMATCH) * (seen & ~row_fits[which])
    why += int(Status.DEPTH_RANGE) * (seen & ~depth_fits[which])
    return which, why


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
    x = u - camera.cx.left
    x *= per_px
    y = v + v_right
    y *= 0.5
    y -= camera.cy
    y *= per_px
    z = per_px * camera.focal
    return _Located((x, y, z), _rectified_noise(x, y, shift, sigma, camera), v - v_right, (z,))


def _rectified_noise(
    x: Floats, y: Floats, shift: Floats, sigma: Stereo[Floats], camera: RectifiedCamera
) -> tuple[Singles, Singles, Singles]:
    """m, standard deviations of x, y, z to first order in independent noise of sigma px along both axes of each view.

    With D = shift: dx/du = (B - x) / D and x / D for the right view, dy/du = -+ y / D, dy/dv = B / 2D each,
    dz/du = -+ z / D. In single precision: seven digits are enough for an error bar, and twice as fast.
    """
    left, right = (s.astype(np.float32) for s in sigma)
    x, y = x.astype(np.float32), y.astype(np.float32)
    per_px = 1.0 / np.abs(shift.astype(np.float32))
    left *= left
    right *= right
    relative = np.sqrt(left + right)
    relative *= per_px
    away = relative * per_px
    away *= np.float32(abs(camera.baseline) * camera.focal)
    y *= y
    y += np.float32(camera.baseline**2 / 4)
    down = np.sqrt(y)
    down *= relative
    left *= (x - np.float32(camera.baseline)) ** 2
    right *= x * x
    left += right
    across = np.sqrt(left)
    across *= per_px
    return across, down, away


def _locate_by_rays(uv: Stereo[Floats], sigma: Stereo[Floats], rig: StereoRig) -> _Located:
    """Points that project nearest to where the joints were seen, each view weighed by 1 / sigma^2.

    The direct linear transform gives a start. Its rows count metres, not pixels, which with a short baseline draws
    points towards the cameras (a ZED 2 at 0.7 m, 3 px of noise: 0.7 mm, 1 in 100 by 13 mm); Gauss-Newton steps on
    the pixels take that away (Hartley and Zisserman, Multiple View Geometry, 12.2 and appendix 6). Rows stay in
    normalised coordinates: made unit vectors they would weigh the cameras by the length of the translation, and so
    by its unit.
    """
    known = np.isfinite(sigma.left + sigma.right)
    noise = sigma.map(lambda s: np.where(known, np.maximum(s, _LEAST_SIGMA), 1.0))
    focal = np.array([[f] for lens in rig.cameras for f in (lens.fx, lens.fy)])
    centre = np.array([[c] for lens in rig.cameras for c in (lens.cx, lens.cy)])
    rays = (np.concatenate([*uv]) - centre) / focal
    weights = focal / np.stack([noise.left, noise.left, noise.right, noise.right])
    across, along = _projections(rig)
    equations, constants = _ray_equations(rays, across, along)
    xyz, covariance = _least_squares(equations, constants, weights)
    for _ in range(_NEWTON_STEPS):
        depths = _apply(along, xyz)
        predicted = _apply(across, xyz) / depths
        equations, _ = _ray_equations(predicted, across, along)
        step, covariance = _least_squares(equations, (predicted - rays) * depths, weights / depths)
        xyz += step
    deviations = [np.where(known, np.sqrt(covariance[i, i]), np.nan) for i in range(3)]
    depths = _apply(along, xyz)
    return _Located(tuple(xyz), deviations, _epipolar_distance(uv, rig), (depths[0], depths[2]))


def _projections(rig: StereoRig) -> tuple[Floats, Floats]:
    """(4, 4) twice: the rows x, y of both cameras' [R | t], and for each the row z it is divided by."""
    both = np.stack([np.eye(3, 4), np.column_stack([rig.rotation, rig.translation])])
    return both[:, :2].reshape(4, 4), np.repeat(both[:, 2], 2, axis=0)


def _apply(projection: Floats, xyz: Floats) -> Floats:
    out: Floats = np.tensordot(projection[:, :3], xyz, 1) + projection[:, 3, None]
    return out


def _ray_equations(rays: Floats, across: Floats, along: Floats) -> tuple[Floats, Floats]:
    """Rows (4, 3, N) and constants (4, N) of what a point on both rays fulfils: ray * along X = across X."""
    rows = rays[:, None] * along[:, :3, None] - across[:, :3, None]
    return rows, across[:, 3, None] - rays * along[:, 3, None]


def _least_squares(rows: Floats, constants: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """x (3, N) that minimises |weights (rows x - constants)|^2, and its covariance (3, 3, N)."""
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
    """(N,) px, the mean of both points' distances from each other's epipolar line.

    Signed so that on a rectified pair it is v_left - v_right (Hartley and Zisserman, Multiple View Geometry, 11.4.3).
    """
    essential = np.cross(rig.translation, rig.rotation, axisb=0, axisc=0)
    left, right = rig.cameras.map(lambda lens: np.linalg.inv(lens.matrix))
    fundamental = right.T @ essential @ left
    in_right = np.tensordot(fundamental[:, :2], uv.left, 1) + fundamental[:, 2, None]
    in_left = np.tensordot(fundamental[:2].T, uv.right, 1) + fundamental[2, :, None]
    miss = in_right[0] * uv.right[0] + in_right[1] * uv.right[1] + in_right[2]
    each: Floats = 1.0 / np.hypot(in_right[0], in_right[1]) + 1.0 / np.hypot(in_left[0], in_left[1])
    each *= miss * math.copysign(0.5, -rig.baseline)
    return each


def misfit(poses: Poses3D, gates: Gates = Gates()) -> str | None:
    """A sentence on why these joints cannot come from this camera, or None where they can.

    They cannot where of at least 30 joints that both views saw fewer than a fifth passed the gates on rows and depth,
    or where half of them miss by more than half the row gate: two cameras turned towards each other can see swapped
    joints before them and on rows not far off. Noise of 10 px an axis and calibrations a degree off pass.
    """
    seen = (poses.status & (_MISSING | Status.LOW_SCORE)) == 0
    n = int(seen.sum())
    off_row, off_depth = ((poses.status[seen] & flag) != 0 for flag in (Status.ROW_MISMATCH, Status.DEPTH_RANGE))
    passed = int((~off_row & ~off_depth).sum())
    if n < _FEWEST_TO_JUDGE:
        return None
    median = float(np.median(np.abs(poses.residual[seen])))
    if passed >= _LEAST_SHARE * n and median <= _row_limit(gates, poses.camera) / 2:
        return None
    causes = []
    if off_depth.mean() > 0.5:
        causes.append("left and right are swapped, in the recording or in the rig")
    if off_row.mean() > 0.5 or not causes:
        causes.append("the rig belongs to another camera, resolution or rectification")
    return (
        f"camera: expected most joints to fit it, got {passed} of {n} seen in both views: median row mismatch "
        f"{median:.1f} px, {off_row.mean():.0%} beyond the row gate, {off_depth.mean():.0%} behind the cameras or out "
        f"of the depth range; probably {', or '.join(causes)}"
    )
