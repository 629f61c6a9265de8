"""Learns a detector's systematic error where the joints are known: on rendered infants, or on annotated frames."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from stereo3d.cameras import RectifiedCamera
from stereo3d.errors import InvalidValue
from stereo3d.poses import Poses2D, Poses3D
from stereo3d.refinement.body import rows_of_kinds
from stereo3d.refinement.evidence import Evidence, evidence, placed
from stereo3d.refinement.offsets import Annotated, Offsets, fit_offsets
from stereo3d.refinement.refine import evidence_of, refine
from stereo3d.refinement.surface import Surface
from stereo3d.refinement.systematic import SystematicError, length_of
from stereo3d.stereo import Stereo
from stereo3d.triangulation import OPEN
from stereo3d.values import Bools, Floats, Ints

MEMORY = 0.4
"""s, of what drifts, where frames lie too far apart to tell: 0.1 to 0.9 in clips of the weights in the box."""
_SHRINK = 6
"""Joints that the usual of all kinds counts for."""
_FEWEST = 8
"""Joints of a kind that tell anything."""
_DOUBTS = np.linspace(0.0, 8.0, 33)
_STAYS = 0.5
"""Share that is supposed to stay of what is too little to be split."""


class Known(NamedTuple):
    """One recording whose joints are known."""

    joints: Stereo[Poses2D]
    """Of both views in rectified px, as the detector found them."""
    camera: RectifiedCamera
    surface: Surface
    """What `look` saw of their skin."""
    truth: Floats
    """(T, K, 3) m in the rectified left camera, NaN where not known."""
    hidden: Bools
    """(T, K) where something else lies before the joint."""


class _Errors(NamedTuple):
    """Of N joints of all recordings in parts of the body's length; a joint of a recording is a track."""

    infant: Ints
    kind: Ints
    track: Ints
    across: Floats
    """(N, 2)."""
    along: Floats
    """(N,) NaN of hidden joints."""
    rows: Floats
    """(N,) v_left - v_right."""
    score: Floats
    sigma: Floats
    """(N,) standard deviation of `along` that is claimed."""


def fit_systematic(recordings: Sequence[Known]) -> SystematicError:
    """That of the detector which found these joints, best of 10 infants or more, each in some frames far apart.

    Half the widths that hold 68 and 95 % of the errors tell standard deviations: gross errors bend neither. Raises
    InvalidValue where too few joints are known.
    """
    kinds = Offsets.default().kinds
    found = [evidence_of(r.joints, r.camera, OPEN, surface=r.surface) for r in recordings]
    errors = _together(_observe(r, e, i, kinds) for i, (r, e) in enumerate(zip(recordings, found)))
    if len(errors.kind) < _FEWEST:
        raise InvalidValue(f"recordings: expected {_FEWEST} known joints or more, got {len(errors.kind)}")
    doubt, n = _doubt(errors), len(kinds)
    across = errors.across / (1 + doubt * (1 - errors.score))[:, None]
    nearer = _means(errors, n)
    along = errors.along - nearer[errors.kind]
    seen = [Annotated(e, r.surface, _visible(r)) for r, e in zip(recordings, found)]
    systematic = SystematicError(
        kinds, _spreads(errors, across, errors.rows / 2, n), _spreads(errors, along[:, None], errors.rows, n), nearer,
        left=np.zeros(n), doubt=doubt, stays=_stays(errors, along), memory=MEMORY, offsets=fit_offsets(seen),
    )
    return dataclasses.replace(systematic, left=_left(recordings, systematic))


def _left(recordings: Sequence[Known], systematic: SystematicError) -> Floats:
    """(J,) standard deviations of the disparity beyond those that the refinement that knows of it claims."""
    refined = (refine(r.joints, r.camera, gates=OPEN, surface=r.surface, systematic=systematic) for r in recordings)
    errors = _together(_remaining(r, p, i, systematic.kinds) for i, (r, p) in enumerate(zip(recordings, refined)))
    return _spreads(errors, errors.along[:, None], errors.sigma, len(systematic.kinds), size=_root_mean_square)


def _together(parts: Iterable[_Errors]) -> _Errors:
    return _Errors(*(np.concatenate(x) for x in zip(*parts)))


def _visible(known: Known) -> Floats:
    return np.where(known.hidden[..., None], np.nan, known.truth)


def _observe(known: Known, found: Evidence, infant: int, kinds: Sequence[str]) -> _Errors:
    unit = length_of(found)
    off = (found.place - placed(known.truth, found.camera)) / unit
    return _counted(known, off, infant, kinds, rows=found.residual / unit, sigma=found.sigma[..., 2] / unit)


def _remaining(known: Known, poses: Poses3D, infant: int, kinds: Sequence[str]) -> _Errors:
    place = placed(poses.xyz, known.camera)
    unit = length_of(evidence(known.joints, known.camera))
    sigma = poses.sigma[..., 2] * np.abs(place[..., 2]) / poses.xyz[..., 2] / unit
    off = (place - placed(known.truth, known.camera)) / unit
    return _counted(known, off, infant, kinds, rows=poses.residual / unit, sigma=sigma)


def _counted(
    known: Known, off: Floats, infant: int, kinds: Sequence[str], *, rows: Floats, sigma: Floats
) -> _Errors:
    """The errors `off` (T, K, 3) of the joints of those kinds that have a place."""
    which = rows_of_kinds(kinds, known.joints.left.skeleton.joints)
    use = np.isfinite(off[..., :2]).all(-1) & (which >= 0)
    along = np.sign(known.camera.baseline) * np.where(known.hidden, np.nan, off[..., 2])
    kind, track = (np.broadcast_to(x, use.shape)[use] for x in (which, infant * len(which) + np.arange(len(which))))
    score = np.clip(np.fmin(known.joints.left.score, known.joints.right.score), 0.0, 1.0)
    return _Errors(
        np.full(len(kind), infant), kind, track, off[..., :2][use], along[use], rows[use], score[use], sigma[use])


def _width(x: Floats) -> float:
    """The standard deviation about 0 by the widths that hold 68 and 95 %."""
    one, two = np.quantile(np.abs(x), (0.683, 0.95))
    return float((one + two / 1.96) / 2)


def _doubt(errors: _Errors) -> float:
    """By how much errors grow with a falling score, best for double-exponential ones of a scale for each kind."""
    size = np.abs(errors.across).mean(1)
    cost = []
    for doubt in _DOUBTS:
        grown = 1 + doubt * (1 - errors.score)
        parts = [(size / grown)[errors.kind == k] for k in np.unique(errors.kind)]
        cost.append(sum(len(p) * np.log(p.mean()) for p in parts) + float(np.log(grown).sum()))
    return float(_DOUBTS[int(np.argmin(cost))])


def _root_mean_square(x: Floats) -> float:
    return float(np.sqrt(np.mean(x * x)))


def _spreads(
    errors: _Errors, x: Floats, known: Floats, n_kinds: int, size: Callable[[Floats], float] = _width
) -> Floats:
    """(J,) standard deviations of x (N, 2 or 1) beyond the `size` of `known` (N,), drawn to that of all kinds."""
    all_of_them, out = _beyond(x, known, size), np.empty(n_kinds)
    for k in range(n_kinds):
        those = errors.kind == k
        tracks = len(np.unique(errors.track[those & np.isfinite(x).all(1)]))
        own = _beyond(x[those], known[those], size) if tracks >= _FEWEST else all_of_them
        out[k] = (tracks * own + _SHRINK * all_of_them) / (tracks + _SHRINK)
    return np.sqrt(np.maximum(out, 0.0))


def _beyond(x: Floats, known: Floats, size: Callable[[Floats], float]) -> float:
    use = np.isfinite(x).all(1) & np.isfinite(known)
    return _width(x[use]) ** 2 - size(known[use]) ** 2 if use.any() else 0.0


def _means(errors: _Errors, n_kinds: int) -> Floats:
    """(J,) mean disparity errors, medians over tracks, drawn to 0 by how unsure they are."""
    out = np.zeros(n_kinds)
    for k in range(n_kinds):
        means = _by_track(errors, errors.along, errors.kind == k)
        if len(means) >= _FEWEST:
            out[k] = np.median(means) * len(means) / (len(means) + _SHRINK)
    return out


def _by_track(errors: _Errors, x: Floats, among: Bools) -> Floats:
    """Means of the known x of each track."""
    use = among & np.isfinite(x)
    number, row = np.unique(errors.track[use], return_inverse=True)
    return np.bincount(row, x[use], len(number)) / np.maximum(np.bincount(row, minlength=len(number)), 1)


def _stays(errors: _Errors, left: Floats) -> float:
    """Share of the disparity's error (N,) that the frames of a track have in common."""
    known = np.isfinite(left)
    limit = 3 * _width(left[known])
    x, track = np.clip(left[known], -limit, limit), errors.track[known]
    row = np.unique(track, return_inverse=True)[1]
    n, total, square = (np.bincount(row, w) for w in (np.ones(len(x)), x, x * x))
    pairs = (n * (n - 1)).sum()
    if not pairs or not square.sum():
        return _STAYS
    return float(np.clip((total**2 - square).sum() / pairs / (square.sum() / n.sum()), 0.0, 1.0))
