"""Keeps limbs out of the head, the trunk and each other: joint angles as near as can be to those that were asked for.

Flesh stands as balls. Where balls of a limb sink into others, its angles take damped Gauss-Newton steps that push them
apart (each limb on its own, two limbs half each). A moment's result depends on that moment alone, so a recording can
be made in pieces.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from stereo3d.synthetic.body import InfantBody
from stereo3d.synthetic.kinematics import Posture, pose, turn
from stereo3d.synthetic.posture import Angles, limits
from stereo3d.values import Bools, Floats, Ints

_STEPS = 12
_DAMPING = 2e-4
"""m2 / rad2: a step is cut where it would take more than 1.4 cm a radian."""
_ALLOWED = 0.0005
"""m that balls may overlap by: flesh gives way."""
_SIDES = np.array([1.0, -1.0])
_ANGLES = ("trunk", "head", "arms", "legs")
_PLACES = ("joints", "tips", "head_centre", "trunk", "head", "arms", "legs")


@dataclass(frozen=True, slots=True)
class _Balls:
    """Flesh as balls over time."""

    centre: Floats
    """(T, N, 3) m."""
    radius: Floats
    """(N,) m."""
    limb: Floats
    """(N,) 0 and 1 the arms, 2 and 3 the legs, -1 what does not yield."""
    bone: Floats
    """(N,) of a limb: 0 the upper one, 1 the lower, 2 hand or foot."""


def apart(
    body: InfantBody, angles: Angles, *, heading: float = 0.0, place: tuple[float, float] = (0.0, 0.0)
) -> Posture:
    """The posture that those angles ask for, with limbs moved out of whatever they would sink into."""
    posture = pose(body, angles, heading=heading, place=place)
    low, high = limits()
    arms, legs = angles.arms.copy(), angles.legs.copy()
    busy = np.arange(len(arms))
    for _ in range(_STEPS):
        part = _at(posture, busy)
        balls = _balls(body, part)
        change, sunk = _push(part, balls)
        some = sunk.nonzero()[0]
        if not len(some):
            break
        busy = busy[some]
        arms[busy, :, :4] += change[some][:, :2]
        legs[busy, :, :4] += change[some][:, 2:]
        arms[busy] = np.clip(arms[busy], low[5:15].reshape(2, 5), high[5:15].reshape(2, 5))
        legs[busy] = np.clip(legs[busy], low[15:].reshape(2, 5), high[15:].reshape(2, 5))
        moved = Angles(angles.trunk[busy], angles.head[busy], arms[busy], legs[busy])
        posture = _put(posture, busy, pose(body, moved, heading=heading, place=place))
    return posture


def _at(posture: Posture, rows: Ints) -> Posture:
    a = posture.angles
    return dataclasses.replace(
        posture, angles=Angles(*(getattr(a, n)[rows] for n in _ANGLES)),
        **{n: getattr(posture, n)[rows] for n in _PLACES})


def _put(posture: Posture, rows: Ints, part: Posture) -> Posture:
    """The same with those moments replaced."""

    def merged(old: Floats, new: Floats) -> Floats:
        out = old.copy()
        out[rows] = new
        return out

    return dataclasses.replace(
        posture, angles=Angles(*(merged(getattr(posture.angles, n), getattr(part.angles, n)) for n in _ANGLES)),
        **{n: merged(getattr(posture, n), getattr(part, n)) for n in _PLACES})


def _balls(body: InfantBody, posture: Posture) -> _Balls:
    """The flesh as balls: fixed ones of head and trunk first, then those of the limbs."""
    fixed, sizes = _fixed(body, posture)
    centres, radii, limb, bone = [fixed], [sizes], [np.full(len(sizes), -1)], [np.zeros(len(sizes))]
    j = posture.joints
    upper, fore, wrist, thigh, calf, ankle = map(
        body.radius, ("upper_arm", "forearm", "wrist", "thigh", "calf", "ankle"))
    for side in (0, 1):
        s, e, w = j[:, 5 + side], j[:, 7 + side], j[:, 9 + side]
        hand, size = posture.arms[:, side, 2], body.hand
        ends = [w - reach * size * hand[:, :, 1] + out * size * hand[:, :, 2] for reach, out in
                ((0.32, 0.0), (0.62, 0.10), (0.85, 0.18))]
        here = [0.25 * s + 0.75 * e, e, 0.7 * e + 0.3 * w, 0.35 * e + 0.65 * w, w, *ends]
        centres.append(np.stack(here, 1))
        palm = np.array([0.20, 0.18, 0.16]) * size
        radii.append(np.array([0.9 * upper, 0.9 * upper, 0.95 * fore, 0.9 * fore, 0.9 * wrist, *palm]))
        limb.append(np.full(8, side))
        bone.append(np.array([0, 0, 1, 1, 1, 2, 2, 2]))
    for side in (0, 1):
        h, k, a = j[:, 11 + side], j[:, 13 + side], j[:, 15 + side]
        foot, size = posture.legs[:, side, 2], body.foot
        ends = [a - y * size * foot[:, :, 1] - 0.12 * size * foot[:, :, 2] for y in (-0.08, 0.22, 0.50)]
        here = [0.45 * h + 0.55 * k, k, 0.7 * k + 0.3 * a, 0.4 * k + 0.6 * a, a, *ends]
        centres.append(np.stack(here, 1))
        sole = np.array([0.17, 0.17, 0.18]) * size
        radii.append(np.array([0.92 * thigh, 0.80 * thigh, 0.95 * calf, 0.9 * calf, 0.9 * ankle, *sole]))
        limb.append(np.full(8, 2 + side))
        bone.append(np.array([0, 0, 1, 1, 1, 2, 2, 2]))
    return _Balls(np.concatenate(centres, 1), *(np.concatenate(x) for x in (radii, limb, bone)))


def _fixed(body: InfantBody, posture: Posture) -> tuple[Floats, Floats]:
    """(T, N, 3) m and (N,) m, the balls of head and trunk."""
    size, chest, belly = body.head, body.radius("chest"), body.radius("abdomen")
    wide = body.head_axes[0] / size
    skull = np.array([(0, 0.03, 0.05), (0, 0.03, -0.05), (0, 0.05, 0), (0, -0.06, 0.075), (0, -0.02, 0.03),
                      (0.035, -0.01, 0.0), (-0.035, -0.01, 0.0)])
    skull_radius = np.array([wide * 0.93, wide * 0.93, wide * 0.97, 0.092, 0.115, wide * 0.78, wide * 0.78]) * size
    head = posture.head_centre[:, None] + size * skull @ np.swapaxes(posture.head, 1, 2)
    hips, shoulders = posture.joints[:, 11:13].mean(1), posture.joints[:, 5:7].mean(1)
    up = (shoulders - hips)[:, None]
    rows = np.repeat([0.10, 0.32, 0.55, 0.78], 2)
    across = np.tile([1.0, -1.0], 4) * 0.26 * chest
    trunk = hips[:, None] + rows[:, None] * up + across[:, None] * posture.trunk[:, None, :, 0]
    trunk_radius = np.where(rows < 0.5, 0.80 * belly, 0.76 * chest)
    return np.concatenate([head, trunk], 1), np.concatenate([skull_radius, trunk_radius])


def _push(posture: Posture, balls: _Balls) -> tuple[Floats, Bools]:
    """(T, 4, 4) rad, the step of each limb's azimuth, elevation, rotation and hinge; (T,) whether anything is sunk."""
    own = (balls.limb >= 0).nonzero()[0]
    gap = balls.centre[:, own, None] - balls.centre[:, None]
    far = np.maximum(np.linalg.norm(gap, axis=-1), 1e-6)
    depth = balls.radius[own, None] + balls.radius - far - _ALLOWED
    depth[:, _exempt(balls, own)] = 0
    depth = np.maximum(depth, 0)
    share = np.where(balls.limb < 0, 1.0, 0.5)
    way = gap / far[..., None]
    jacobian = _jacobian(posture, balls, own)  # (T, own, 3, 4)
    step = np.zeros((len(gap), 4, 4))
    for limb in range(4):
        those = balls.limb[own] == limb
        pushed = np.einsum("tnmi,tnij->tnmj", way[:, those], jacobian[:, those])
        weight = (depth[:, those] > 0).astype(float)
        normal = np.einsum("tnmi,tnmj,tnm->tij", pushed, pushed, weight) + _DAMPING * np.eye(4)
        wanted = np.einsum("tnmi,tnm->ti", pushed, depth[:, those] * share)
        step[:, limb] = np.linalg.solve(normal, wanted[..., None])[..., 0]
    return np.clip(step, -0.25, 0.25), (depth > 0).any((1, 2))


def _exempt(balls: _Balls, own: Ints) -> Bools:
    """(own, N) True for balls that belong together: of one limb, and where a limb begins at the trunk."""
    same = balls.limb[own, None] == balls.limb
    root = (balls.bone[own, None] == 0) & (balls.limb < 0)
    bent = (balls.bone[own, None] == 0) & (balls.bone == 0) & (balls.limb[own, None] >= 2) & (balls.limb >= 2)
    return np.asarray(same | (root & (np.arange(len(balls.limb)) >= 7)) | bent)


def _jacobian(posture: Posture, balls: _Balls, own: Ints) -> Floats:
    """(T, own, 3, 4) m/rad, how each limb's balls move with its azimuth, elevation, rotation and hinge."""
    out = np.zeros((len(posture.joints), len(own), 3, 4))
    for limb in range(4):
        side, leg = limb % 2, limb // 2
        frames = (posture.legs if leg else posture.arms)[:, side]
        angles = (posture.angles.legs if leg else posture.angles.arms)[:, side]
        root, hinge = posture.joints[:, (11 if leg else 5) + side], posture.joints[:, (13 if leg else 7) + side]
        sign = _SIDES[side]
        across = (frames[:, 0] @ turn("y", -sign * angles[:, 2]))[..., 0]
        axes = np.stack([sign * posture.trunk[..., 2], -across, sign * frames[:, 0, :, 1],
                         (1.0 if leg else -1.0) * frames[:, 0, :, 0]], 1)
        those = (balls.limb[own] == limb).nonzero()[0]
        centre = balls.centre[:, own[those]]
        for k in range(4):
            pivot = hinge if k == 3 else root
            moved = np.cross(axes[:, None, k], centre - pivot[:, None])
            if k == 3:
                moved = moved * (balls.bone[own[those]] > 0)[:, None]
            out[..., k][:, those] = moved
    return out
