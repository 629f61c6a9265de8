"""What the pictures' disparity is worth beside the detectors': depth below the skin, spread, and what may be hidden."""

from __future__ import annotations

import dataclasses

import numpy as np

from stereo3d.poses import Status
from stereo3d.refinement.body import anatomy, body_length
from stereo3d.refinement.evidence import Evidence, Prepared
from stereo3d.refinement.explain import Compared, Shares
from stereo3d.refinement.lasting import explained_lastingly
from stereo3d.refinement.learned import Learned, Shipped, learn, more_hidden
from stereo3d.refinement.offsets import Offsets
from stereo3d.refinement.shape import covered
from stereo3d.refinement.surface import Surface
from stereo3d.refinement.testify import hidden_by_bones
from stereo3d.refinement.turned import seen_aslant
from stereo3d.values import Floats

_HIDDEN = {"ear": 0.45}
_HIDDEN_ELSE, _HIDDEN_BEHIND = 0.10, 0.80
"""Probability beforehand that a joint is hidden, of most kinds and where another limb lies before it."""
_LIMB_BEFORE = 2.0
"""px of disparity."""
_WRONG, _UNLIKE_WRONG, _UNLIKE_HIDDEN = 0.02, 0.25, 0.6
"""Probability of a wrong match at the recording's usual likeness, and how it and that of a hidden joint grow to 0."""
_LEAST_USUAL = 0.1
_ROUNDS = 8


def weigh(prepared: Prepared, surface: Surface, offsets: Offsets | None = None) -> Evidence:
    """The evidence with the pictures' part: `matched`, `matched_sigma` and `hidden`; joints rescued by one view in.

    Whole recordings or parts of them; the longer, the better this infant's own joint depths are known.
    """
    found = _with_rescued(prepared, surface)
    length = body_length(found.place, found.sigma, skeleton=found.skeleton, camera=found.camera)[:, None]
    depth, spread, sway = (offsets or Offsets.default()).of(found.skeleton)
    spread = np.hypot(spread, seen_aslant(found, length[:, 0]))
    shipped, learned = Shipped(depth, spread, length), Learned.nothing(len(depth))
    compared = _compare(found, surface, shipped, sway, learned)
    usual = before = _beforehand(found, surface, compared, length[:, 0])
    for _ in range(_ROUNDS if np.isfinite(compared.off).any() else 0):
        learned = learn(
            found, compared, before=before, usual=usual, shipped=shipped, sofar=learned, noise=prepared.noise
        )
        compared, before = _compare(found, surface, shipped, sway, learned), more_hidden(usual, learned.hiding)
    shares = explained_lastingly(
        compared, before, time=found.time, noise=prepared.noise,
        told=lambda c, sofar: hidden_by_bones(found, c, sofar, length=length[:, 0]),
    )
    there = np.isfinite(compared.joint)
    matched = np.sign(found.camera.baseline) * compared.joint
    spread_of = np.where(there, compared.spread, np.nan)
    place, sigma = _of_one_view(prepared, surface, found, matched, spread_of)
    return dataclasses.replace(
        found, place=place, sigma=sigma, matched=matched, matched_sigma=spread_of,
        hidden=np.where(there, shares.hidden + shares.wrong, 0.0),
    )


def _with_rescued(prepared: Prepared, surface: Surface) -> Evidence:
    """The evidence where joints seen by one view alone have xc and v, and their flag."""
    found = prepared.evidence
    rescued = surface.source > 0
    place = np.array(found.place)
    place[rescued, :2], place[rescued, 2] = surface.place[rescued], np.nan
    return dataclasses.replace(found, place=place, status=found.status | int(Status.RESCUED) * rescued)


def _of_one_view(
    prepared: Prepared, surface: Surface, found: Evidence, matched: Floats, spread: Floats
) -> tuple[Floats, Floats]:
    """Places and their standard deviations, rescued joints on their view's ray at the disparity that is matched."""
    place, sigma = np.array(found.place), np.array(found.sigma)
    half = (matched + found.camera.cx.left - found.camera.cx.right) / 2
    views = zip(prepared.joints, prepared.noise.of_views(prepared.joints), (-1, 1))
    for source, (view, one, way) in enumerate(views, start=1):
        those = surface.source == source
        place[those, 0] = view.xy[those, 0] + way * half[those]
        sigma[those] = np.stack([np.hypot(one, spread / 2), one, np.full_like(one, np.nan)], -1)[those]
    return place, sigma


def _compare(found: Evidence, surface: Surface, shipped: Shipped, sway: Floats, learned: Learned) -> Compared:
    """Pictures and detectors beside each other, joints as deep below the skin as was learned."""
    camera = found.camera
    reach = abs(camera.baseline) * camera.focal
    joint = reach / (reach / surface.skin + (shipped.depth + learned.deeper) * shipped.length)
    per_metre = joint * joint / reach
    middle = found.sigma[..., 0]
    beside = np.where(np.isfinite(middle), middle, np.nanmedian(middle) if np.isfinite(middle).any() else 0.0)
    beside = np.where(surface.source > 0, np.sqrt(2.0), 1.0) * beside
    usual = np.hypot(shipped.spread * shipped.length * per_metre, sway * beside) * learned.scale
    spread = np.sqrt(usual**2 + (learned.unsure * shipped.length * per_metre) ** 2 + surface.vague**2)
    off = np.sign(camera.baseline) * found.place[..., 2] - joint
    return Compared(joint, spread, off, found.sigma[..., 2], per_metre)


def _beforehand(found: Evidence, surface: Surface, compared: Compared, length: Floats) -> Shares:
    """What is likely before the two disparities are compared."""
    body = anatomy(found.skeleton)
    d = np.abs(found.place[..., 2])
    place = np.concatenate([found.place[..., :2], np.where(np.isfinite(d), d, compared.joint)[..., None]], -1)
    camera = dataclasses.replace(found.camera, baseline=abs(found.camera.baseline))
    behind = covered(place, length=length, body=body, camera=camera) > _LIMB_BEFORE
    hidden = np.where(behind, _HIDDEN_BEHIND, [_HIDDEN.get(kind, _HIDDEN_ELSE) for kind in body.kinds])
    usual = float(np.nanmedian(surface.likeness)) if np.isfinite(surface.likeness).any() else 1.0
    unlike = np.clip(1 - np.nan_to_num(surface.likeness) / max(usual, _LEAST_USUAL), 0, 1)
    hidden, wrong = hidden + (1 - hidden) * _UNLIKE_HIDDEN * unlike, _WRONG + _UNLIKE_WRONG * unlike
    return Shares((1 - hidden) * (1 - wrong), hidden * (1 - wrong), wrong)
