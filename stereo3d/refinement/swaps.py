"""Left and right exchanged in both views at once: the rows cannot tell, but a limb does not leap across the body.

For each pair of mirror joints the sequence of `as found` and `exchanged` that moves least is found by dynamic
programming (A. J. Viterbi 1967). Which of the two is the right one, a slow median of each joint's place says: most of
the time left is left.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from stereo3d.poses import Status
from stereo3d.refinement.evidence import Evidence
from stereo3d.refinement.medians import median
from stereo3d.refinement.windows import windows
from stereo3d.values import Bools, Floats, Ints

_CHANGE = 12.0
"""Cost of an exchange, in units of half a squared deviation: a limb that leaps costs `_MOST`, two of them do."""
_MOST = 12.5
_SPEED = 0.4
"""m/s, standard deviation of a joint's velocity: that of wrists and ankles, which are fastest, is 0.1 to 0.3."""
_AT_HOME, _HOME = 0.02, 0.05
"""Weight of lying near the own median, and m, how near."""
_HOME_MOST = 2.0
_BLOCK, _BLOCKS = 1.0, 11
"""s of a block, and how many blocks' medians the slow median goes over."""
_ANY = 1.0
"""For joints never seen, which are compared with nothing."""
_LENGTH, _OVERLAP = 640, 128


def straightened(evidence: Evidence) -> tuple[Evidence, Bools]:
    """The evidence with left and right put back where both views had exchanged them, and (T, K) which those are."""
    mirror = evidence.skeleton.mirror
    seen: Bools = np.asarray(np.isfinite(evidence.place).all(-1).any(0))
    both = [(i, j) for i, j in enumerate(mirror.tolist()) if i < j and seen[i] and seen[j]]
    pairs = np.array(both, int).reshape(-1, 2)
    swapped = np.zeros(evidence.score.shape, bool)
    if len(pairs) and len(evidence) > 1:
        found = _exchanged(evidence, pairs)
        swapped[:, pairs[:, 0]] = swapped[:, pairs[:, 1]] = found
    if not swapped.any():
        return evidence, swapped
    names = ("place", "sigma", "matched", "matched_sigma", "hidden", "score", "residual", "status")
    moved = {}
    for name in names:
        x = getattr(evidence, name)
        moved[name] = np.where(swapped.reshape(*swapped.shape, *[1] * (x.ndim - 2)), x[:, mirror], x)
    moved["status"] = moved["status"] | int(Status.SWAPPED) * swapped
    return dataclasses.replace(evidence, **moved), swapped


def _exchanged(evidence: Evidence, pairs: Ints) -> Bools:
    """(T, P) where a pair is exchanged."""
    place = _filled(evidence.place)[:, pairs]
    variance = median(evidence.sigma**2, _ANY)[pairs]
    scale = _per_metre(evidence)
    stay, cross = _moves(place, evidence.time, variance=variance, scale=scale)
    home = _home(evidence, pairs)
    tight = (_HOME * scale) ** 2 + variance
    here = _AT_HOME * (_deviation(place - home, tight, _HOME_MOST).sum(-1))
    there = _AT_HOME * (_deviation(place - home[:, :, ::-1], tight, _HOME_MOST).sum(-1))
    out = np.zeros(stay.shape, bool)
    parts = windows(len(evidence), _LENGTH, _OVERLAP)
    rows = parts.rows()
    costs = stay[rows], cross[rows], np.stack([here[rows], there[rows]])
    path, may = np.zeros(costs[0].shape, bool), _may_pay(*costs)
    if may.any():
        path[:, may] = _cheapest(*(x[..., may] for x in costs))
    for w in range(len(parts)):
        first = 0 if w == 0 else _OVERLAP // 2
        out[rows[first:, w]] = path[first:, w]
    return out


def _filled(place: Floats) -> Floats:
    """Each joint where it was last known; before that, where it is first known."""
    known = np.isfinite(place).all(-1)
    frames = np.arange(len(place))[:, None]
    last = np.maximum.accumulate(np.where(known, frames, -1), axis=0)
    source = np.where(last >= 0, last, known.argmax(0))
    return np.take_along_axis(place, source[..., None], axis=0)


def _per_metre(evidence: Evidence) -> Floats:
    """(3,) px along xc, v and d that a metre makes at the infant's usual distance."""
    camera = evidence.camera
    base = abs(camera.baseline)
    d = np.abs(evidence.place[..., 2])
    usual = float(np.nanmedian(d)) if np.isfinite(d).any() else base * camera.focal
    return np.array([usual / base, usual / base, usual**2 / (base * camera.focal)])


def _deviation(off: Floats, variance: Floats, most: float) -> Floats:
    """(...) half the squared deviation of (..., 3), at most `most`; 0 where unknown."""
    with np.errstate(invalid="ignore"):
        square = np.minimum((off**2 / variance).sum(-1) / 2, most)
    return np.where(np.isfinite(square), square, 0.0)


def _moves(place: Floats, time: Floats, *, variance: Floats, scale: Floats) -> tuple[Floats, Floats]:
    """(T, P) cost of going on as before from the frame before, and of having changed places since."""
    step = np.diff(time, prepend=time[0])[:, None, None, None]
    spread = 2 * variance + (_SPEED * step * scale) ** 2
    before = np.concatenate([place[:1], place[:-1]])
    stay = _deviation(place - before, spread, _MOST).sum(-1)
    cross = _deviation(place - before[:, :, ::-1], spread, _MOST).sum(-1)
    return stay, cross


def _home(evidence: Evidence, pairs: Ints) -> Floats:
    """(T, P, 2, 3) px, the median place of each joint over the seconds around, from medians of blocks."""
    block = np.floor((evidence.time - evidence.time[0]) / _BLOCK).astype(int)
    starts = np.flatnonzero(np.diff(block, prepend=-1))
    which = np.searchsorted(starts, np.arange(len(block)), side="right") - 1
    place, sizes = evidence.place[:, pairs], np.diff(starts, append=len(block))
    blocks = np.full((sizes.max(), len(starts), *place.shape[1:]), np.nan)
    blocks[np.arange(len(block)) - starts[which], which] = place
    medians = median(blocks, median(place, _ANY))
    half = _BLOCKS // 2
    around = np.pad(medians, ((half, half), *[(0, 0)] * (place.ndim - 1)), constant_values=np.nan)
    slow = median(np.stack([around[i:i + len(medians)] for i in range(_BLOCKS)]))
    return slow[which]


def _may_pay(stay: Floats, cross: Floats, home: Floats) -> Bools:
    """(W, P) where an exchange may make anything cheaper: not where none of its two ends can pay for itself, even with
    all that being nearer home could save, and where not all of the window is better exchanged."""
    saved = home[0] - home[1]
    one_end = (stay - cross - _CHANGE).max(0) + np.maximum(saved, 0).sum(0)
    return np.asarray((one_end > 0) | (saved.sum(0) > 0))


def _cheapest(stay: Floats, cross: Floats, home: Floats) -> Bools:
    """(L, N) where the cheapest sequence is exchanged; home (2, L, N) costs of being there, as found or not."""
    n = len(stay)
    came = np.empty((n, 2, *stay.shape[1:]), bool)
    cost = home[:, 0]
    for t in range(1, n):
        same, other = cost + stay[t], cost[::-1] + cross[t] + _CHANGE
        came[t] = other < same
        cost = np.minimum(same, other) + home[:, t]
    out = np.empty(stay.shape, bool)
    out[-1] = cost[1] < cost[0]
    for t in range(n - 1, 0, -1):
        changed = np.where(out[t], came[t, 1], came[t, 0])
        out[t - 1] = out[t] ^ changed
    return out
