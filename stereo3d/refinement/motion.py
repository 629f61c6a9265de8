"""Places that a joint cannot have had because of where it was before and after: jumps, and joints that froze."""

from __future__ import annotations

import dataclasses

import numpy as np

from stereo3d.poses import Status
from stereo3d.refinement.bones import bones_of
from stereo3d.refinement.evidence import Evidence
from stereo3d.refinement.medians import median
from stereo3d.refinement.settings import SPEED
from stereo3d.skeleton import Skeleton
from stereo3d.values import Bools, Floats, Ints

_AROUND = 3
"""Frames on either side that a spike is compared with."""
_SPIKE = 4.0
_FEWEST = 4
_BLOCK = 4096
"""Frames worked on at once."""
_SURE = 6.0
"""Standard deviations that noise never makes."""
_SETTLED = 1.0
"""s: a track that stays that long where it leapt to is believed."""
_STILL, _STILL_FOR = 0.05, 0.25
"""Part of its usual step that a frozen joint moves at most, and s for how long."""
_MOVING = 0.25
"""Part of their usual step that its neighbours move at least meanwhile."""


def without_leaps(evidence: Evidence, speed: float = SPEED) -> tuple[Evidence, Bools]:
    """The evidence without places that are spikes of the track or leaps faster than `speed` m/s, and (T, K) which."""
    wrong = _spikes(evidence)
    wrong |= _leaps(np.where(wrong[..., None], np.nan, evidence.place), evidence, speed)
    return _refused(evidence, wrong, Status.JUMP), wrong


def without_frozen(evidence: Evidence) -> tuple[Evidence, Bools]:
    """The evidence without joints that stood still to a twentieth of their usual jitter for a quarter of a second,
    while a joint at the other end of a bone moved on as usual; and (T, K) which those are."""
    wrong = np.zeros(evidence.score.shape, bool)
    if len(evidence) > 2:
        wrong = _frozen(evidence)
    return _refused(evidence, wrong, Status.FROZEN), wrong


def _refused(evidence: Evidence, wrong: Bools, why: Status) -> Evidence:
    if not wrong.any():
        return evidence
    gone = wrong[..., None]
    return dataclasses.replace(
        evidence, place=np.where(gone, np.nan, evidence.place), sigma=np.where(gone, np.nan, evidence.sigma),
        matched=np.where(wrong, np.nan, evidence.matched),
        matched_sigma=np.where(wrong, np.nan, evidence.matched_sigma), status=evidence.status | int(why) * wrong,
    )


def _spikes(evidence: Evidence) -> Bools:
    """(T, K) places far from the median of the frames around (F. R. Hampel's test, with the noise's own sigma)."""
    out = np.zeros(evidence.score.shape, bool)
    if len(evidence) < 2 * _AROUND + 1:
        return out
    place = np.pad(evidence.place, ((_AROUND, _AROUND), (0, 0), (0, 0)), constant_values=np.nan)
    for start in range(0, len(out), _BLOCK):
        stop = min(start + _BLOCK, len(out))
        out[start:stop] = _far_off(place[start:stop + 2 * _AROUND], evidence.sigma[start:stop])
    return out


def _far_off(place: Floats, sigma: Floats) -> Bools:
    """(N, K) of places (N + 6, K, 3), the first and last three for comparison alone."""
    known = np.where(np.isnan(place), np.inf, place)
    around = np.stack([known[i:i + len(sigma)] for i in range(2 * _AROUND + 1)])
    n = np.isfinite(around).sum(0)
    with np.errstate(invalid="ignore"):
        middle = _middle(around, n)
        spread = 1.4826 * _middle(np.abs(around - middle), n)
        far = np.abs(place[_AROUND:-_AROUND] - middle) > _SPIKE * (sigma + spread)
    return np.asarray((far & (n >= _FEWEST)).any(-1))


def _middle(x: Floats, n: Ints) -> Floats:
    """Medians of the n (...) finite ones of few numbers x (M, ...), all others infinite: put in order by exchanging
    neighbours, of all places at once."""
    ordered = list(x)
    for i in range(len(x)):
        for j in range(i % 2, len(x) - 1, 2):
            ordered[j:j + 2] = np.minimum(*ordered[j:j + 2]), np.maximum(*ordered[j:j + 2])
    out, few = ordered[len(x) // 2], n < len(x)
    if few.any():
        rest, n = np.stack([one[few] for one in ordered]), n[few]
        out[few] = (np.choose(np.maximum(n - 1, 0) // 2, rest) + np.choose(n // 2, rest)) / 2
    return np.asarray(out)


def _leaps(place: Floats, evidence: Evidence, speed: float) -> Bools:
    """(T, K) stretches of a track that it leaps to and back from, shorter than those it is believed in."""
    out = np.zeros(place.shape[:2], bool)
    base, focal = abs(evidence.camera.baseline), evidence.camera.focal
    d = median(np.abs(place[..., 2]), np.nan)
    fastest = speed * np.stack([d / base, d / base, d**2 / (base * focal)], -1)
    for joint in np.flatnonzero(_leap_anywhere(place, evidence, fastest)):
        there = np.flatnonzero(np.isfinite(place[:, joint]).all(-1))
        track = _Track(place[there, joint], evidence.time[there], evidence.sigma[there, joint], fastest[joint])
        out[there, joint] = track.wrong()
    return out


def _leap_anywhere(place: Floats, evidence: Evidence, fastest: Floats) -> Bools:
    """(K,) joints that leap from one known place to the next; the others need no closer look."""
    known: Bools = np.asarray(np.isfinite(place).all(-1))
    last = np.maximum.accumulate(np.where(known, np.arange(len(known))[:, None], 0), axis=0)
    moved, sigma = (np.take_along_axis(x, last[..., None], 0) for x in (place, evidence.sigma))
    most = fastest * np.diff(evidence.time[last], axis=0)[..., None] + _SURE * np.hypot(sigma[1:], sigma[:-1])
    with np.errstate(invalid="ignore"):
        return np.asarray((np.abs(np.diff(moved, axis=0)) > most).any((0, 2)))


class _Track:
    """The known places of one joint."""

    def __init__(self, x: Floats, time: Floats, sigma: Floats, fastest: Floats) -> None:
        self.x, self.time, self.sigma, self.fastest = x, time, sigma, fastest

    def reached(self, a: int, b: int) -> bool:
        """Whether the joint can have gone from its place a to its place b."""
        most = self.fastest * abs(self.time[b] - self.time[a]) + _SURE * np.hypot(self.sigma[a], self.sigma[b])
        return bool((np.abs(self.x[b] - self.x[a]) <= most).all())

    def wrong(self) -> Bools:
        """Stretches between leaps that are short and cannot be reached from the one believed before."""
        step = np.abs(np.diff(self.x, axis=0))
        most = self.fastest * np.diff(self.time)[:, None] + _SURE * np.hypot(self.sigma[1:], self.sigma[:-1])
        cuts = np.flatnonzero((step > most).any(-1)) + 1
        out = np.zeros(len(self.x), bool)
        if not len(cuts):
            return out
        firsts, ends = np.concatenate([[0], cuts]), np.concatenate([cuts, [len(self.x)]])
        anchor = int(np.argmax(self.time[ends - 1] - self.time[firsts]))
        forwards = [(f, e - 1) for f, e in zip(firsts[anchor + 1:], ends[anchor + 1:])]
        backwards = [(e - 1, f) for f, e in zip(firsts[:anchor][::-1], ends[:anchor][::-1])]
        for stretches, last in ((forwards, ends[anchor] - 1), (backwards, firsts[anchor])):
            for near, far in stretches:
                if abs(self.time[far] - self.time[near]) >= _SETTLED or self.reached(last, near):
                    last = far
                else:
                    out[min(near, far):max(near, far) + 1] = True
        return out


def _frozen(evidence: Evidence) -> Bools:
    step = np.abs(np.diff(evidence.place[..., :2], axis=0)).max(-1)
    known = np.isfinite(step)
    usual = median(step)
    length = float(np.median(np.diff(evidence.time)))
    n = max(2, int(np.ceil(_STILL_FOR / length)))
    if len(step) < n:
        return np.zeros(evidence.score.shape, bool)
    with np.errstate(invalid="ignore"):
        still = np.where(known, step <= _STILL * usual, False)
        moving = np.where(known, step >= _MOVING * usual, False)
    run = _runs(still, n)
    return _at_both_ends(run & _neighbours_move(moving, n, evidence.skeleton))


def _runs(still: Bools, n: int) -> Bools:
    """Where one of n steps in a row that are all still lies."""
    whole: Bools = np.asarray(np.lib.stride_tricks.sliding_window_view(still, n, axis=0).all(-1))
    out = np.zeros_like(still)
    for i in range(n):
        out[i:i + len(whole)] |= whole
    return out


def _neighbours_move(moving: Bools, n: int, skeleton: Skeleton) -> Bools:
    """Where most steps around of one joint at the other end of a bone are as large as usual."""
    sums = np.cumsum(np.pad(moving.astype(float), ((n + 1, n), (0, 0))), axis=0)
    often = (sums[2 * n + 1:] - sums[:-2 * n - 1]) > 0.5 * (2 * n + 1)
    out = np.zeros_like(moving)
    for i, j in bones_of(skeleton).ends.tolist():
        out[:, i] |= often[:, j]
        out[:, j] |= often[:, i]
    return out


def _at_both_ends(steps: Bools) -> Bools:
    out = np.zeros((len(steps) + 1, *steps.shape[1:]), bool)
    out[1:] |= steps
    out[:-1] |= steps
    return out
