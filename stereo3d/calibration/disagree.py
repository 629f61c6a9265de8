"""Why a view does not go with the others, in words."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from stereo3d.calibration.bundle import Corners, State, posed, residuals
from stereo3d.calibration.initial import Eye, agreed, relative, spread, view_rms
from stereo3d.calibration.order import turns
from stereo3d.calibration.views import LeftOut, Views
from stereo3d.stereo import SIDES
from stereo3d.values import Bools, Floats, Ints

_MOST_SHIFT = 5
_MOST = 0.7
"""The share of the pairs that another pairing must make agree."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What most views agree on, and where each eye by itself sees the board."""

    corners: Corners
    state: State
    left: Eye
    right: Eye
    limit: float
    """px, the error up to which a view agrees."""


def named(views: Views, settled: Settled, used: Bools) -> tuple[LeftOut, ...]:
    """What is said of each of the views that are not used (V,)."""
    return tuple(_why(views, settled, v) for v in np.flatnonzero(~used).tolist())


def shifted(left: Eye, right: Eye) -> int | None:
    """By how many pairs the right pictures are late, where another pairing fits far better than the given one."""
    found = {}
    for shift in range(-_MOST_SHIFT, _MOST_SHIFT + 1):
        between = relative(left, right, shift)
        if len(between[0]) >= 4:
            found[shift] = float(np.quantile(spread(*between)[agreed(*between)], _MOST))
    best = min(found, key=lambda k: found[k], default=0)
    return best if best and found[best] < 0.3 * found[0] else None


def _why(views: Views, settled: Settled, v: int) -> LeftOut:
    frame, limit = int(views.frame[v]), settled.limit
    for eye, side in enumerate(SIDES):
        alone = np.full_like(settled.corners.xy[v], np.nan)
        alone[eye] = settled.corners.xy[v, eye]
        rms = _at_best(settled, v, alone)
        if rms > limit:
            reason = f"the corners do not fit a flat board ({rms:.2g} px, limit {limit:.2g})"
            return LeftOut(frame, reason, side)
    xy = settled.corners.xy[v]
    if _at_best(settled, v, xy[::-1]) <= limit:
        return LeftOut(frame, "the left and the right picture are exchanged")
    if any(_at_best(settled, v, _relabelled(xy, turn)) <= limit for turn in turns(views.board)):
        return LeftOut(frame, "the corners have another order in the right picture than in the left", "right")
    return LeftOut(
        frame,
        f"each eye fits by itself but not both together ({_at_best(settled, v, xy):.2g} px, limit {limit:.2g}): "
        "the pictures are not of one moment, or the board moved",
    )


def _at_best(settled: Settled, v: int, xy: Floats) -> float:
    """px, the error of one view's corners (2, M, 2) at their best pose, sought from where either eye sees the board."""
    state, left, right = settled.state, settled.left, settled.right
    one = replace(settled.corners, xy=xy[None])
    starts = [
        (left.turns[v], left.places[v]),
        (right.turns[v], right.places[v]),
        (state.rotation.T @ right.turns[v], (right.places[v] - state.translation) @ state.rotation),
    ]
    return min(_rms_from(one, replace(state, turns=turn[None], places=place[None])) for turn, place in starts)


def _rms_from(one: Corners, start: State) -> float:
    return float(view_rms(residuals(one, posed(one, start)))[0])


def _relabelled(xy: Floats, turn: Ints) -> Floats:
    return np.stack([xy[0], xy[1, turn]])
