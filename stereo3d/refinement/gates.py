"""What cannot be: rows that disagree, depths outside the body, bones of impossible length, sides that changed places.

Each refusal and each change has its flag of Status; nothing is dropped silently. Gates look at one frame at a time;
what only time can tell lies elsewhere.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from stereo3d.cameras import RectifiedCamera
from stereo3d.poses import Poses2D, Status
from stereo3d.refinement.body import Anatomy, anatomy, body_length
from stereo3d.refinement.evidence import cyclopean, of_frames, with_covariance
from stereo3d.refinement.medians import median
from stereo3d.refinement.noise import Noise
from stereo3d.stereo import Stereo
from stereo3d.values import Bools, Floats, Ints, Value, number

_FEWEST = 5
"""Joints that a frame's median depth needs."""
_DISPARITY_SPREAD = 10.0
"""px, how far joints of one body differ in disparity: 8 cm at 0.7 m."""
_SWAP_GAIN = 20.0
"""By how much the misfit (sums of squares over variances) has to fall for a swap to be undone."""
_WORST = 50.0
"""One joint's misfit counts up to this."""
_ORDER = ("shoulder", "hip", "elbow", "knee", "wrist", "ankle", "ear", "eye")
"""Pairs that tell sides apart for those after them come first."""
_LARGEST_BLAME = 4
"""Joints of one frame that bones may refuse."""


@dataclass(frozen=True, slots=True, eq=False)
class Bounds(Value):
    """How far a joint may be off before it counts as a gross error."""

    row: float = 4.0
    """px of v_left - v_right that are always allowed."""
    rows: float = 4.0
    """Standard deviations of it that are."""
    deeper: float = 0.20
    """m behind the median depth of the frame's joints."""
    nearer: float = 0.25
    """m before it."""
    bone: float = 4.5
    """Standard deviations by which a bone's length may differ from what the body's length makes likely."""

    def __post_init__(self) -> None:
        self._set(**{n: number(n, getattr(self, n), 0.0) for n in ("row", "rows", "deeper", "nearer", "bone")})


def missing(joints: Stereo[Poses2D]) -> Ints:
    """(T, K) MISSING_LEFT and MISSING_RIGHT where a view has no joint."""
    left, right = (np.isfinite(view.xy).all(-1) for view in joints)
    return np.asarray(int(Status.MISSING_LEFT) * ~left + int(Status.MISSING_RIGHT) * ~right, np.int64)


def outliers(
    place: Floats, sigma: Floats, residual: Floats, *, joints: Stereo[Poses2D], camera: RectifiedCamera, bounds: Bounds
) -> Ints:
    """(T, K) why joints at places (T, K, 3) px cannot be: OUTLIER for rows and depth, BONE for lengths.

    `residual` (T, K) px is v_left - v_right less what all joints share.
    """
    with np.errstate(invalid="ignore"):
        off_row = np.abs(residual) > np.maximum(bounds.row, bounds.rows * sigma[..., 2])
        off_depth = _off_depth(np.where(off_row, np.nan, camera.baseline * camera.focal / place[..., 2]), bounds)
    wrong: Bools = off_row | off_depth
    kept = np.where(wrong[..., None], np.nan, place)
    skeleton = joints.left.skeleton
    length = body_length(kept, sigma, skeleton=skeleton, camera=camera)
    bent = wrong_bones(*with_covariance(kept, sigma, camera), length=length, body=anatomy(skeleton), limit=bounds.bone)
    return np.asarray(int(Status.OUTLIER) * wrong + int(Status.BONE) * bent, np.int64)


def _off_depth(z: Floats, bounds: Bounds) -> Bools:
    """(T, K) where z (T, K) m lies too far from the frame's median, or the recording's where a frame has few joints."""
    if not np.isfinite(z).any():
        return np.zeros(z.shape, bool)
    middle = np.full((len(z), 1), np.nanmedian(z))
    many = np.isfinite(z).sum(1) >= _FEWEST
    middle[many, 0] = median(z[many].T)
    return np.asarray((z > middle + bounds.deeper) | (z < middle - bounds.nearer) | (z <= 0))


def bone_misfit(xyz: Floats, spread: Floats, *, length: Floats, body: Anatomy) -> Floats:
    """(T, B) by how many standard deviations bones between xyz (T, K, 3) differ from their likely lengths.

    spread: (T, K, 3, 3) m^2, covariance of each joint; length: (T,) m of the body.
    """
    a, b = body.bones.T
    way = xyz[:, a] - xyz[:, b]
    long = np.sqrt(np.einsum("tbi,tbi->tb", way, way))
    with np.errstate(invalid="ignore", divide="ignore"):
        along = way / long[..., None]
        noise = np.einsum("tbi,tbij,tbj->tb", along, spread[:, a] + spread[:, b], along)
        usual = length[:, None] * body.ratio
        return np.asarray((long - usual) / np.sqrt(noise + (body.spread * usual) ** 2))


def wrong_bones(xyz: Floats, spread: Floats, *, length: Floats, body: Anatomy, limit: float) -> Bools:
    """(T, K) joints that are to blame for bones beyond `limit` standard deviations.

    Of a frame's joints the one with most wrong bones and fewest right ones goes first, then what is left is judged.
    """
    out = np.zeros(xyz.shape[:2], bool)
    if not len(body.bones):
        return out
    misfit = bone_misfit(xyz, spread, length=length, body=body)
    with np.errstate(invalid="ignore"):
        rows = np.flatnonzero((np.abs(misfit) > limit).any(1))
    for _ in range(_LARGEST_BLAME):
        if not rows.size:
            return out
        size = np.abs(misfit[rows])
        with np.errstate(invalid="ignore"):
            vote = np.where(size > limit, 1.0 + np.minimum(size, 1e3) * 1e-4, -1.0) * np.isfinite(size)
        tally = _per_joint(vote, body, xyz.shape[1])
        worst = np.where(_per_joint(size > limit, body, xyz.shape[1]) > 0, tally, -np.inf).argmax(1)
        out[rows, worst] = True
        misfit[rows] = np.where((body.bones == worst[:, None, None]).any(-1), np.nan, misfit[rows])
        with np.errstate(invalid="ignore"):
            rows = rows[(np.abs(misfit[rows]) > limit).any(1)]
    return out


def _per_joint(x: Floats | Bools, body: Anatomy, n_joints: int) -> Floats:
    """(T, K) the sum of what the bones that each joint ends have, (T, B)."""
    ends = np.zeros((len(body.bones), n_joints))
    ends[np.arange(len(ends))[:, None], body.bones] = 1.0
    return np.asarray(x @ ends, float)


def unswapped(joints: Stereo[Poses2D], noise: Noise, camera: RectifiedCamera) -> tuple[Stereo[Poses2D], Bools]:
    """The joints with left and right put back where one view exchanged them, and (T, K) where that was done.

    A swap shows where both joints of a pair miss each other's rows or lie at impossible depths as they are, and
    neither does once exchanged (270 mm of error become 11). Which view was wrong, the bones around tell, else the
    scores; a swap in both views leaves no trace here.
    """
    swapped = _suspects(joints, noise, camera)
    if not swapped.any():
        return joints, swapped
    rows = np.flatnonzero(swapped.any(1))
    part = joints.map(lambda view: of_frames(view, rows))
    order = _exchange_views(part, swapped[rows], noise, camera)
    return joints.map(lambda view, index: _put(view, rows, index), order), swapped


def _suspects(joints: Stereo[Poses2D], noise: Noise, camera: RectifiedCamera) -> Bools:
    mirror = joints.left.skeleton.mirror
    uv = joints.map(lambda view: view.xy)
    given = cyclopean(uv, camera)
    spread = noise.of_places(joints)[..., 2]
    given_misfit, middle = _misfit(given, uv.left - uv.right, spread, noise)
    crossed = Stereo(uv.left, uv.right[:, mirror])
    there = cyclopean(crossed, camera)
    crossed_misfit, _ = _misfit(there, crossed.left - crossed.right, spread, noise, middle)
    both_given, both_crossed = (m + m[:, mirror] for m in (given_misfit, crossed_misfit))
    with np.errstate(invalid="ignore"):
        better = both_given - both_crossed > _SWAP_GAIN
        fits = np.maximum(crossed_misfit, crossed_misfit[:, mirror]) < _SWAP_GAIN
    return np.asarray(better & fits & (mirror != np.arange(len(mirror))))


def _misfit(
    place: Floats, apart: Floats, spread: Floats, noise: Noise, middle: Floats | None = None
) -> tuple[Floats, Floats]:
    """(T, K) of rows and of disparities about the frame's median, and that median (T, 1); NaN where unknown."""
    row = (apart[..., 1] - noise.row_offset) / spread
    if middle is None:
        with np.errstate(invalid="ignore"):
            good = np.where((np.abs(row) < 4) & (place[..., 2] > 0), place[..., 2], np.nan)
        usual = np.nanmedian(good) if np.isfinite(good).any() else np.nan
        middle = np.full((len(place), 1), usual)
        many = np.isfinite(good).sum(1) >= _FEWEST
        middle[many, 0] = median(good[many].T)
    depth = (place[..., 2] - middle) ** 2 / (_DISPARITY_SPREAD**2 + spread**2)
    return np.minimum(row**2, _WORST) + np.minimum(depth, _WORST), middle


def _exchange_views(
    joints: Stereo[Poses2D], swapped: Bools, noise: Noise, camera: RectifiedCamera
) -> Stereo[Ints]:
    """(R, K) for each view, the joint of it that each joint should have been."""
    skeleton, mirror = joints.left.skeleton, joints.left.skeleton.mirror
    sigma, uv = noise.of_places(joints), joints.map(lambda view: view.xy)
    body, none = anatomy(skeleton), np.arange(len(mirror))
    known = np.where(swapped[..., None], np.nan, cyclopean(uv, camera))
    length = body_length(known, sigma, skeleton=skeleton, camera=camera)
    options = [
        cyclopean(Stereo(uv.left[:, mirror], uv.right), camera), cyclopean(Stereo(uv.left, uv.right[:, mirror]), camera)
    ]
    unsure = [np.nan_to_num(view.score).sum(1) * 1e-3 for view in joints]
    rank = {kind: i for i, kind in enumerate(_ORDER)}
    order = tuple(np.broadcast_to(none, swapped.shape).copy() for _ in range(2))
    for a in sorted(np.flatnonzero(mirror > none), key=lambda k: rank.get(body.kinds[k], 99)):
        rows = np.flatnonzero(swapped[:, a])
        pair = [a, mirror[a]]
        cost = []
        for option, doubt in zip(options, unsure):
            trial = known[rows]
            trial[:, pair] = option[np.ix_(rows, pair)]
            misfit = bone_misfit(*with_covariance(trial, sigma[rows], camera), length=length[rows], body=body)
            ends = np.isin(body.bones, pair).any(1)
            cost.append(np.nansum(np.minimum(misfit[:, ends] ** 2, _WORST), 1) + doubt[rows])
        right = cost[1] < cost[0]
        for view, those in enumerate((rows[~right], rows[right])):
            order[view][np.ix_(those, pair)] = pair[::-1]
            known[np.ix_(those, pair)] = options[view][np.ix_(those, pair)]
    return Stereo(*order)


def _put(view: Poses2D, rows: Ints, index: Ints) -> Poses2D:
    """The view with the joints of some rows in another order."""
    changed: dict[str, Any] = {}
    for name in ("xy", "score", "sigma"):
        x = np.array(getattr(view, name))
        x[rows] = x[rows[:, None], index]
        changed[name] = x
    return dataclasses.replace(view, **changed)
