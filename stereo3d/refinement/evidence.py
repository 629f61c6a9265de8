"""What is known of each joint before time is used: from the detectors in both views, and from the pictures themselves.

A joint's place is cyclopean: seen from half way between the cameras, which makes the noise of its three numbers
independent where both views err alike.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from stereo3d.cameras import RectifiedCamera
from stereo3d.errors import InvalidValue
from stereo3d.poses import Poses2D, Status
from stereo3d.refinement.threads import one_thread
from stereo3d.skeleton import Skeleton
from stereo3d.stereo import Stereo
from stereo3d.values import Floats, Ints, Value, array

if TYPE_CHECKING:
    from stereo3d.refinement.gates import Bounds
    from stereo3d.refinement.noise import Noise
    from stereo3d.refinement.systematic import SystematicError


@dataclass(frozen=True, slots=True, eq=False)
class Evidence(Value):
    """T frames of K joints, each with what the detectors and the pictures say of it and how sure that is."""

    place: Floats
    """(T, K, 3) px (xc, v, d): xc = (u_left + u_right) / 2, v the mean row, d = u_left - u_right less its value at
    infinity, cx.left - cx.right. NaN where the joint is missing or was refused; a RESCUED one has xc and v from the
    view that can be trusted and no d: that is `matched` alone."""
    sigma: Floats
    """(T, K, 3) px, standard deviations of xc, v and d from the detectors; NaN where the place is."""
    matched: Floats
    """(T, K) px, d of the joint as the pictures match, its depth below the skin allowed for; NaN for none."""
    matched_sigma: Floats
    """(T, K) px, its standard deviation where the joint is not hidden."""
    hidden: Floats
    """(T, K) 0..1, probability that something lies before the joint, so that `matched` is of another thing."""
    score: Floats
    """(T, K) 0..1, the lower of the two views'."""
    residual: Floats
    """(T, K) px, v_left - v_right."""
    status: Ints
    """(T, K) flags of Status."""
    time: Floats
    """(T,) s."""
    frame: Ints
    """(T,) index of the pair in the recording."""
    skeleton: Skeleton
    camera: RectifiedCamera
    lasting: Floats | None = None
    """(T, K, 3) px, the part of sigma that is the detector's systematic error; None where nothing is known of it."""
    systematic: SystematicError | None = None
    """Which that is."""

    def __post_init__(self) -> None:
        place = array("place", self.place, ("T", len(self.skeleton), 3))
        if self.lasting is not None:
            self._set(lasting=array("lasting", self.lasting, place.shape))
        self._set(place=place, sigma=array("sigma", self.sigma, place.shape))
        flat = ("matched", "matched_sigma", "hidden", "score", "residual")
        self._set(**{n: array(n, getattr(self, n), place.shape[:2]) for n in flat})
        self._set(status=array("status", self.status, place.shape[:2], np.int64))
        self._set(time=array("time", self.time, place.shape[:1]))
        self._set(frame=array("frame", self.frame, place.shape[:1], np.int64))

    def __len__(self) -> int:
        return len(self.time)


def cyclopean(uv: Stereo[Floats], camera: RectifiedCamera) -> Floats:
    """(..., 3) px (xc, v, d) of points (..., 2) px in both rectified views."""
    left, right = uv
    middle = (left + right) / 2
    d = left[..., 0] - right[..., 0] - (camera.cx.left - camera.cx.right)
    return np.stack([middle[..., 0], middle[..., 1], d], -1)


def views_of(place: ArrayLike, camera: RectifiedCamera) -> Stereo[Floats]:
    """(..., 2) px in both rectified views of places (..., 3) px: the inverse of `cyclopean`."""
    xc, v, d = np.moveaxis(np.asarray(place, float), -1, 0)
    half = (d + camera.cx.left - camera.cx.right) / 2
    return Stereo(np.stack([xc + half, v], -1), np.stack([xc - half, v], -1))


def placed(xyz: ArrayLike, camera: RectifiedCamera) -> Floats:
    """(..., 3) px (xc, v, d) of points (..., 3) m in the rectified left camera: the inverse of `located`."""
    return cyclopean(camera.project(xyz), camera)


def located(place: ArrayLike, sigma: ArrayLike, camera: RectifiedCamera) -> tuple[Floats, Floats]:
    """(..., 3) m and its standard deviations (..., 3) m of places (xc, v, d) (..., 3) px with theirs.

    To first order, the noise of the three numbers independent: with B the baseline, f the focal length and c the mean
    of both principal points, Z = B f / d, X = B (1/2 + (xc - c) / d), Y = B (v - cy) / d.
    """
    xyz, across, along = _noise(place, sigma, camera)
    variance = along * along
    variance[..., :2] += across * across
    return xyz, np.sqrt(variance)


def with_covariance(place: ArrayLike, sigma: ArrayLike, camera: RectifiedCamera) -> tuple[Floats, Floats]:
    """(..., 3) m and (..., 3, 3) m^2, as `located` but with the whole covariance of x, y, z: depth and what goes with
    it along the ray are one error."""
    xyz, across, along = _noise(place, sigma, camera)
    out = along[..., :, None] * along[..., None, :]
    out[..., range(2), range(2)] += across * across
    return xyz, out


def _noise(place: ArrayLike, sigma: ArrayLike, camera: RectifiedCamera) -> tuple[Floats, Floats, Floats]:
    """(..., 3) m of places, and by how much a standard deviation moves them: (..., 2) m along x and y by xc and v, and
    (..., 3) m along the ray by d."""
    place, sigma = np.asarray(place, float), np.asarray(sigma, float)
    d = place[..., 2]
    per_px = np.divide(camera.baseline, d, out=np.full_like(d, np.nan), where=d != 0)
    ray = place - np.array([(camera.cx.left + camera.cx.right) / 2, camera.cy, 0.0])
    ray[..., 2] = camera.focal
    xyz = ray * per_px[..., None]
    along = xyz * (-per_px * sigma[..., 2] / camera.baseline)[..., None]
    xyz[..., 0] += camera.baseline / 2
    return xyz, per_px[..., None] * sigma[..., :2], along


Timed = TypeVar("Timed", Poses2D, Evidence)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Joints ready for a look at the pictures."""

    joints: Stereo[Poses2D]
    """As found, left and right put back where a view had exchanged them."""
    noise: Noise
    evidence: Evidence

    def of_frames(self, rows: ArrayLike) -> Prepared:
        """The same for some of the frames (N,), with the noise that all of them told: to look at fewer pictures."""
        index = np.asarray(rows, np.int64)
        joints = self.joints.map(lambda view: of_frames(view, index))
        return Prepared(joints, self.noise, of_frames(self.evidence, index))


def of_frames(whole: Timed, rows: Ints) -> Timed:
    """Those frames (N,) of joints or evidence, in that order."""
    names = [f.name for f in dataclasses.fields(whole) if isinstance(getattr(whole, f.name), np.ndarray)]
    taken: dict[str, Any] = {name: getattr(whole, name)[rows] for name in names}
    return dataclasses.replace(whole, **taken)


def evidence(joints: Stereo[Poses2D], camera: RectifiedCamera, bounds: Bounds | None = None) -> Evidence:
    """What both views' detectors say, without a look at the pictures: gross errors refused, swaps undone.

    joints: both views' (T, K) joints in rectified px. Raises InvalidValue where the views do not belong together.
    """
    return prepare(joints, camera, bounds).evidence


@one_thread()
def prepare(
    joints: Stereo[Poses2D], camera: RectifiedCamera, bounds: Bounds | None = None, *,
    systematic: SystematicError | None = None,
) -> Prepared:
    """`evidence`, and the joints and the noise that it stands on; `systematic`: the detector's error."""
    from stereo3d.refinement import gates
    from stereo3d.refinement.noise import noise_of
    from stereo3d.refinement.systematic import allowed_for

    noise = noise_of(_together(joints))
    joints, swapped = gates.unswapped(joints, noise, camera)
    left, right = joints
    place, sigma = cyclopean(joints.map(lambda view: view.xy), camera), noise.of_places(joints)
    residual = left.xy[..., 1] - right.xy[..., 1] - noise.row_offset
    refused = gates.outliers(
        place, sigma, residual, joints=joints, camera=camera, bounds=bounds or gates.Bounds()
    )
    gone = (refused > 0)[..., None]
    none = np.full(residual.shape, np.nan)
    found = Evidence(
        place=np.where(gone, np.nan, place), sigma=np.where(gone, np.nan, sigma), matched=none, matched_sigma=none,
        hidden=np.zeros(residual.shape), score=np.fmin(left.score, right.score), residual=residual,
        status=gates.missing(joints) + refused + int(Status.SWAPPED) * swapped, time=left.time, frame=left.frame,
        skeleton=left.skeleton, camera=camera,
    )
    if systematic is not None:
        noise, found = allowed_for(systematic, noise, found)
    return Prepared(joints, noise, found)


def _together(joints: Stereo[Poses2D]) -> Stereo[Poses2D]:
    left, right = joints
    if left.skeleton.joints != right.skeleton.joints or not np.array_equal(left.frame, right.frame):
        raise InvalidValue(
            "joints: expected the same joints of the same frames in both views, got "
            f"{left.skeleton.name} in {len(left)} and {right.skeleton.name} in {len(right)} frames"
        )
    return joints
