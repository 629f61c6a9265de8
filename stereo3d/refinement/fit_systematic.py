"""Learns a detector's systematic error where the joints are known: on rendered infants, or on annotated frames."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from stereo3d.cameras import RectifiedCamera
from stereo3d.errors import InvalidValue
from stereo3d.poses import Poses2D
from stereo3d.refinement.body import rows_of_kinds
from stereo3d.refinement.evidence import Evidence, evidence, placed
from stereo3d.refinement.mixture import bisected
from stereo3d.refinement.offsets import Annotated, Offsets, fit_offsets
from stereo3d.refinement.refine import evidence_of, refine
from stereo3d.refinement.settings import MODES, Refine
from stereo3d.refinement.surface import Surface
from stereo3d.refinement.systematic import LOWEST, SystematicError, length_of, unseen_in
from stereo3d.stereo import Stereo
from stereo3d.triangulation import OPEN
from stereo3d.values import Bools, Floats, Ints

MEMORY = 0.4
"""s, of what drifts, where frames lie too far apart to tell: 0.1 to 0.9 in clips of the weights in the box."""
_SHRINK = 6
"""Joints that the usual of all kinds counts for."""
_FEWEST = 8
"""Joints of a kind that tell anything."""
_GROWTHS = np.linspace(0.0, 8.0, 33)
_MOST = 0.05
"""Of the body's length, that any error is thought to be."""
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
    hidden: Bools
    """(N,)."""
    score: Floats
    claimed: Floats
    """(N, 2) standard deviations of both numbers of `across`, and of `along`, that are claimed."""
    unseen: Floats
    """(N,) probability that pictures do not show the joint."""


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
    doubt, n = _growth(errors, np.abs(errors.across).mean(1), 1 - errors.score), len(kinds)
    nearer = _means(errors, n)
    along = np.where(errors.hidden, np.nan, errors.along - nearer[errors.kind])
    seen = [Annotated(e, r.surface, _visible(r)) for r, e in zip(recordings, found)]
    systematic = SystematicError(
        kinds, _spreads(errors, errors.across, errors.claimed[:, 0], n, times=1 + doubt * (1 - errors.score)),
        _spreads(errors, along[:, None], errors.claimed[:, 1], n), nearer,
        left=np.zeros(n), doubt=doubt, stays=_stays(errors, along), memory=MEMORY, offsets=fit_offsets(seen),
    )
    return _fitting(recordings, systematic)


def _fitting(recordings: Sequence[Known], systematic: SystematicError) -> SystematicError:
    """The same with error bars that fit the errors of refinement that knows of it, by frame and over time."""
    errors = _together(
        _remaining(known, infant, systematic, mode) for infant, known in enumerate(recordings) for mode in MODES[1:])
    unseen, (across, along) = np.sqrt(errors.unseen), errors.claimed.T
    doubted = 1 + systematic.doubt * (1 - errors.score)  # which is in what is claimed of depth already
    beside = _growth(errors, np.abs(errors.across).mean(1) / across, unseen)
    ahead = _growth(errors, np.abs(errors.along) / along, unseen)
    sure = _width(_known(errors.along / along / (1 + ahead * unseen)))
    left = _spreads(
        errors, errors.along[:, None], along / doubted, len(systematic.kinds),
        times=sure * doubted * (1 + ahead * unseen), whole=True)
    return dataclasses.replace(systematic, left=left, unseen_across=beside, unseen_along=ahead, sure=sure)


def _known(x: Floats) -> Floats:
    return x[np.isfinite(x)]


def _together(parts: Iterable[_Errors]) -> _Errors:
    return _Errors(*(np.concatenate(x) for x in zip(*parts)))


def _visible(known: Known) -> Floats:
    return np.where(known.hidden[..., None], np.nan, known.truth)


def _observe(known: Known, found: Evidence, infant: int, kinds: Sequence[str]) -> _Errors:
    unit = length_of(found)
    off = (found.place - placed(known.truth, found.camera)) / unit
    return _counted(known, off, infant, kinds, claimed=found.sigma[..., 1:] / unit, unseen=unseen_in(found))


def _remaining(known: Known, infant: int, systematic: SystematicError, mode: str) -> _Errors:
    found = evidence_of(known.joints, known.camera, OPEN, surface=known.surface, systematic=systematic)
    poses = refine(
        known.joints, known.camera, Refine(mode=mode), gates=OPEN, surface=known.surface, systematic=systematic)
    place, unit = placed(poses.xyz, known.camera), length_of(evidence(known.joints, known.camera))
    d = np.abs(place[..., 2])
    claimed = poses.sigma[..., 1:] * np.stack([d / abs(known.camera.baseline), d / poses.xyz[..., 2]], -1) / unit
    off = (place - placed(known.truth, known.camera)) / unit
    return _counted(known, off, infant, systematic.kinds, claimed=claimed, unseen=unseen_in(found))


def _counted(
    known: Known, off: Floats, infant: int, kinds: Sequence[str], *, claimed: Floats, unseen: Floats
) -> _Errors:
    """The errors `off` (T, K, 3) of the joints of those kinds that have a place."""
    which = rows_of_kinds(kinds, known.joints.left.skeleton.joints)
    use = np.isfinite(off[..., :2]).all(-1) & (which >= 0)
    along = np.sign(known.camera.baseline) * off[..., 2]
    kind, track = (np.broadcast_to(x, use.shape)[use] for x in (which, infant * len(which) + np.arange(len(which))))
    score = np.clip(np.fmin(known.joints.left.score, known.joints.right.score), LOWEST, 1.0)
    return _Errors(
        np.full(len(kind), infant), kind, track, off[..., :2][use], along[use], known.hidden[use], score[use],
        claimed[use], unseen[use])


def _width(x: Floats) -> float:
    """The standard deviation about 0 by the widths that hold 68 and 95 %."""
    one, two = np.quantile(np.abs(x), (0.683, 0.95))
    return float((one + two / 1.96) / 2)


def _growth(errors: _Errors, size: Floats, cause: Floats) -> float:
    """By how much errors of that size (N,) grow with a cause (N,), best for double-exponential ones of a scale for each
    kind."""
    known = np.isfinite(size)
    cost = []
    for growth in _GROWTHS:
        grown = (1 + growth * cause)[known]
        parts = [(size[known] / grown)[errors.kind[known] == k] for k in np.unique(errors.kind[known])]
        cost.append(sum(len(p) * np.log(p.mean()) for p in parts) + float(np.log(grown).sum()))
    return float(_GROWTHS[int(np.argmin(cost))])


def _spreads(
    errors: _Errors, x: Floats, claimed: Floats, n_kinds: int, *, times: Floats | float = 1.0, whole: bool = False
) -> Floats:
    """(J,) standard deviations that make the errors x (N, 2 or 1) as wide as they ought to be, beside those `claimed`
    (N,), drawn to that of all kinds. They, or the `whole`, grow so many `times` (N,)."""
    times = np.broadcast_to(times, claimed.shape)
    before = np.where(whole, times, 1.0) * claimed
    all_of_them, out = _beyond(x, before, times), np.empty(n_kinds)
    for k in range(n_kinds):
        those = errors.kind == k
        tracks = len(np.unique(errors.track[those & np.isfinite(x).all(1)]))
        own = _beyond(x[those], before[those], times[those]) if tracks >= _FEWEST else all_of_them
        out[k] = np.sqrt((tracks * own**2 + _SHRINK * all_of_them**2) / (tracks + _SHRINK))
    return out


def _beyond(x: Floats, claimed: Floats, times: Floats) -> float:
    """The standard deviation that, so many times, makes errors beside those claimed as wide as a normal one's."""
    use = np.isfinite(x).all(1) & np.isfinite(claimed)
    off, claimed, times = x[use], claimed[use], times[use]
    return float(bisected(np.zeros(()), np.array(_MOST), lambda size: np.array(
        _width(off / np.hypot(claimed, size * times)[:, None]) > 1))) if use.any() else 0.0


def _means(errors: _Errors, n_kinds: int) -> Floats:
    """(J,) mean disparity errors, medians over tracks, drawn to 0 by how unsure they are."""
    out = np.zeros(n_kinds)
    for k in range(n_kinds):
        means = _by_track(errors, errors.along, (errors.kind == k) & ~errors.hidden)
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
