"""Joints that one view missed or got wrong: which view to believe, by the pictures and by the bones around.

A joint is looked for from a view alone where the other has none, where gates refused it, and where pictures and
detectors contradict each other. What is believed is the explanation that costs least: sums of squares over variances,
and for a gross error in one view what its rarity is worth.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from stereo3d.cameras import RectifiedCamera
from stereo3d.poses import Status
from stereo3d.refinement.body import Anatomy
from stereo3d.refinement.evidence import with_covariance
from stereo3d.refinement.gates import bone_misfit
from stereo3d.stereo import Stereo
from stereo3d.values import Bools, Floats, Ints

_SUSPECT = 4.0
"""Standard deviations between pictures and detectors from which on a joint is looked at again."""
_GROSS_ODDS, _GROSS_SIZE = 0.03, 40.0
"""How common a gross error is in a view, and its standard deviation in px."""
_HIDDEN_COST = 4.0
"""The same for pictures that show something before the joint."""
_UNLIKE_COST = 6.0
"""The same for a wrong match, or for a disparity about which the pictures show nothing alike."""
_WORST_BONE = 25.0
_WORST_BONES = 20.0
"""A place whose bones cost more is no joint's."""
_SCORE_WEIGHT = 2.0
_LEAST_ALIKE = 0.3
_NEVER = int(Status.MISSING_LEFT | Status.MISSING_RIGHT)


class Frame(NamedTuple):
    """One frame of K joints as the detectors and a first look at the pictures have it."""

    place: Floats
    """(K, 3) px (xc, v, d), NaN where refused."""
    sigma: Floats
    """(K, 3) px, its standard deviations, also of refused ones."""
    matched: Floats
    """(K,) px, d of the joints as the pictures match."""
    matched_sigma: Floats
    """(K,) px."""
    views: Stereo[Floats]
    """(K, 2) px in each view."""
    score: Stereo[Floats]
    """(K,) in each view."""
    status: Ints
    """(K,)."""
    length: float
    """m, of the body."""


class Candidates(NamedTuple):
    """C places in one view where a doubtful joint may be."""

    joint: Ints
    view: Ints
    """0 left, 1 right."""
    xy: Floats
    """(C, 2) px in that view."""


def suspects(frame: Frame) -> Bools:
    """(K,) joints that one view alone may know better: refused, missing, unlike in both views, or torn between them."""
    with np.errstate(invalid="ignore"):
        torn = np.abs(frame.place[:, 2] - frame.matched) > _SUSPECT * np.hypot(frame.sigma[:, 2], frame.matched_sigma)
    return np.asarray(torn | ~np.isfinite(frame.matched))


def candidates(frame: Frame) -> Candidates:
    """Each view's own place of each suspect."""
    doubtful = suspects(frame)
    seen = [np.flatnonzero(doubtful & np.isfinite(xy).all(1)) for xy in frame.views]
    joint = np.concatenate(seen)
    view = np.repeat([0, 1], [len(s) for s in seen])
    return Candidates(joint, view, np.concatenate([xy[s] for xy, s in zip(frame.views, seen)]))


def chosen(
    frame: Frame, trial: Candidates, there: Floats, likeness: Floats, *, body: Anatomy, camera: RectifiedCamera
) -> Iterator[tuple[int, int]]:
    """Joints whose place is better taken from one view alone, each with the number of that candidate.

    there: (C, 3) px, the candidates' places with the disparity that the pictures give them; likeness: (C,).
    """
    settled = _settled(frame)
    bones = _Bones(frame, settled, body, camera)
    for joint in np.unique(trial.joint):
        those = np.flatnonzero((trial.joint == joint) & np.isfinite(there).all(1) & (likeness > _LEAST_ALIKE))
        if not those.size:
            continue
        costs = np.array([bones.cost(joint, there[c], frame.matched_sigma[joint]) for c in those])
        costs[costs > _WORST_BONES] = np.inf
        costs += _doubt(frame, trial, those)
        best = int(costs.argmin())
        if costs[best] + _gross_cost(frame, joint) < _cost_of_both(frame, joint, bones):
            yield int(joint), int(those[best])


def expected(frame: Frame, trial: Candidates, *, body: Anatomy) -> Floats:
    """(C,) px, about what disparity each candidate's joint has: that of its settled neighbours, else of the body."""
    d = _settled(frame)[:, 2]
    usual = float(np.nanmedian(d)) if np.isfinite(d).any() else np.nan
    out = np.full(len(trial.joint), usual)
    for i, joint in enumerate(trial.joint):
        around = d[body.bones[(body.bones == joint).any(1)].sum(1) - joint]
        if np.isfinite(around).any():
            out[i] = np.nanmean(around)
    return out


def _doubt(frame: Frame, trial: Candidates, those: Ints) -> Floats:
    """What the scores say against each candidate: the view that is left out should have the lower one."""
    left, right = (np.maximum(np.nan_to_num(s[trial.joint[those]]), 1e-2) for s in frame.score)
    ratio = np.log(left / right)
    return np.where(trial.view[those] == 0, -ratio, ratio) * _SCORE_WEIGHT


def _gross_cost(frame: Frame, joint: int) -> float:
    """2 ln of how much rarer the rows and disparities of a gross error are than usual ones: 17 at 3 px of noise."""
    usual = float(frame.sigma[joint, 2] * np.hypot(frame.sigma[joint, 2], frame.matched_sigma[joint]))
    return 2 * float(np.log(_GROSS_SIZE**2 / usual / _GROSS_ODDS)) if np.isfinite(usual) else 0.0


def _cost_of_both(frame: Frame, joint: int, bones: _Bones) -> float:
    """That of believing both views; infinite where gates refused it."""
    place = frame.place[joint]
    if not np.isfinite(place).all():
        return np.inf
    apart = frame.views.left[joint, 1] - frame.views.right[joint, 1]
    off = place[2] - frame.matched[joint]
    torn = off**2 / (frame.sigma[joint, 2] ** 2 + frame.matched_sigma[joint] ** 2)
    torn = min(torn, _HIDDEN_COST if off < 0 else _UNLIKE_COST) if np.isfinite(torn) else _UNLIKE_COST
    return float((apart / frame.sigma[joint, 2]) ** 2 + torn + bones.cost(joint, place, frame.sigma[joint, 2]))


def _settled(frame: Frame) -> Floats:
    """(K, 3) px, places of the joints that nothing speaks against, NaN for suspects."""
    own, other = frame.sigma[:, 2] ** 2, frame.matched_sigma**2
    mixed = (frame.matched * own + frame.place[:, 2] * other) / (own + other)
    d = np.where(np.isfinite(mixed), mixed, frame.place[:, 2])
    return np.where(suspects(frame)[:, None], np.nan, np.column_stack([frame.place[:, :2], d]))


class _Bones:
    """What a frame's bones think of a joint's place."""

    def __init__(self, frame: Frame, settled: Floats, body: Anatomy, camera: RectifiedCamera) -> None:
        self._frame, self._body, self._camera = frame, body, camera
        self._sigma = np.column_stack([frame.sigma[:, :2], np.fmin(frame.sigma[:, 2], 2 * frame.matched_sigma)])
        self._settled = settled

    def cost(self, joint: int, place: Floats, d_sigma: float) -> float:
        """The sum over the joint's bones to settled ones."""
        mine = (self._body.bones == joint).any(1)
        ends = self._body.bones[mine]
        others = ends.sum(1) - joint
        known = np.isfinite(self._settled[others]).all(1)
        if not known.any():
            return 0.0
        part = self._body._replace(
            bones=np.stack([np.arange(1, known.sum() + 1), np.zeros(known.sum(), int)], 1),
            ratio=self._body.ratio[mine][known], spread=self._body.spread[mine][known],
        )
        sigma = np.append(self._frame.sigma[joint, :2], d_sigma)
        if not np.isfinite(sigma).all():
            sigma = np.append(np.nanmean(self._frame.sigma[:, :2], 0), d_sigma)
        at = np.vstack([place, self._settled[others[known]]])[None]
        spread = np.vstack([sigma, self._sigma[others[known]]])[None]
        misfit = bone_misfit(
            *with_covariance(at, spread, self._camera), length=np.array([self._frame.length]), body=part)
        return float(np.minimum(misfit**2, _WORST_BONE).sum())
