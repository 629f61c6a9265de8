"""What comes between an infant and the camera: a carer's gloved hand, a blanket's corner, a hose."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from stereo3d.synthetic.body import InfantBody
from stereo3d.synthetic.flesh import FleshBuilder
from stereo3d.synthetic.kinematics import Posture
from stereo3d.values import Floats

_NONE = np.zeros((0, 3))
_CUFF, _UPPER_ARM = 0.046, 0.062
"""m, half the width of a sleeve at the elbow and at the shoulder."""
_FAR = 1.2
"""m, from the elbow to beyond any picture."""
_RISE = 0.30
"""m, by which the shoulder is higher."""


@dataclass(frozen=True, slots=True)
class Visitors:
    """Where things stand in the way; empty where there are none."""

    hand: Floats = field(default_factory=lambda: _NONE)
    """(4, 3) m, wrist, knuckles, and where the arm comes from; then (0, 0, curl)."""
    blanket: Floats = field(default_factory=lambda: _NONE)
    """(N, 3) m, the middles of its swells."""
    hose: Floats = field(default_factory=lambda: _NONE)
    """(N, 3) m, along its middle."""


def visitors(body: InfantBody, posture: Posture, seed: int) -> Visitors:
    """One or two things in the way of the infant, drawn for that seed."""
    rng = np.random.default_rng([seed, 25])
    joints, which = posture.joints[0], rng.random(3)
    hand = _hand(joints, rng) if which[0] < 0.5 else _NONE
    blanket = _blanket(body, joints, rng) if which[1] < 0.4 else _NONE
    hose = _hose(joints, rng) if which[2] < 0.35 or not (len(hand) or len(blanket)) else _NONE
    return Visitors(hand, blanket, hose)


def sleeve(these: Visitors) -> Floats:
    """(2, 4) m, the arm from where the flesh ends it to beyond any picture: x, y, z and half its width at either end;
    0 without a hand. It is no part of the flesh, whose lattice would grow by it.
    """
    if not len(these.hand):
        return np.zeros((2, 4))
    wrist, _, elbow, _ = these.hand
    way = (elbow - wrist) * [1, 1, 0]
    shoulder = elbow + _FAR * way / np.linalg.norm(way) + [0, 0, _RISE]
    return np.stack([[*elbow, _CUFF], [*shoulder, _UPPER_ARM]])


def _hand(joints: Floats, rng: np.random.Generator) -> Floats:
    """A hand over a joint, its arm from outside the bed."""
    goal = joints[rng.integers(5, 17)] + rng.uniform(-0.02, 0.02, 3)
    knuckles = np.array([goal[0], goal[1], max(goal[2], 0.03) + rng.uniform(0.030, 0.055)])
    angle = rng.uniform(0, 2 * np.pi)
    way = np.array([np.cos(angle), np.sin(angle), 0.0])
    wrist = knuckles + 0.095 * way + [0, 0, rng.uniform(0.005, 0.03)]
    return np.stack([wrist, knuckles, wrist + 0.30 * way + [0, 0, 0.07], np.array([0, 0, rng.uniform(0.1, 0.5)])])


def _blanket(body: InfantBody, joints: Floats, rng: np.random.Generator) -> Floats:
    """A cloth's swells along a line over the legs, an arm or the belly."""
    ends = joints[rng.choice([[13, 14], [15, 16], [13, 15], [14, 16], [7, 9], [8, 10]])]
    steps = np.linspace(-0.35, 1.35, 6)[:, None]
    along = ends[0] + steps * (ends[1] - ends[0]) + rng.normal(0, 0.008, (6, 3))
    along[:, 2] = np.maximum(ends[:, 2].mean() * np.exp(-1.5 * (steps[:, 0] - 0.5) ** 2), 0.01)
    return np.asarray(along, float)


def _hose(joints: Floats, rng: np.random.Generator) -> Floats:
    """A breathing hose from the face over the chest or away to the side."""
    nose, hips = joints[0], joints[11:13].mean(0)
    aside = rng.choice([-1.0, 1.0]) * rng.uniform(0.05, 0.25)
    down = hips - joints[5:7].mean(0)
    across = np.cross(down, [0, 0, 1.0])
    across /= np.linalg.norm(across)
    t = np.linspace(0, 1, 7)[:, None]
    way = nose + [0, 0, 0.015] + t * (1.2 * down + aside * across) + 0.04 * np.sin(np.pi * t) * [0, 0, 1.0]
    return np.asarray(way, float)


def add_visitors(build: FleshBuilder, these: Visitors) -> None:
    """Adds what stands in the way to the parts; it stands still."""
    if len(these.hand):
        _add_hand(build, these.hand)
    if len(these.blanket):
        build.soften("blanket", 0.010)
        for i, point in enumerate(these.blanket):
            frame = np.eye(3)[None].repeat(build.n_frames, 0)
            turn = 0.6 * i
            frame = frame @ np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
            build.ellipsoid("blanket", point, (0.050, 0.034, 0.028), frame=frame)
    if len(these.hose):
        build.soften("tape", 0.001)
        build.chain("cuff", list(these.hose), [0.006] * len(these.hose))


def _add_hand(build: FleshBuilder, hand: Floats) -> None:
    """An adult's hand of 19 cm with the back up, fingers bent by its curl, and a sleeve."""
    wrist, knuckles, elbow, (_, _, curl) = hand
    build.soften("glove", 0.005)
    along = (knuckles - wrist) / np.linalg.norm(knuckles - wrist)
    across = np.cross(along, [0, 0, 1.0])
    across /= np.linalg.norm(across)
    below = np.cross(across, along) * -1
    frame = np.stack([across, -along, np.cross(across, -along)], -1)[None].repeat(build.n_frames, 0)
    build.cone("glove", (wrist + 0.02 * along, knuckles - 0.01 * along), (0.017, 0.016), frame=frame, flat=(1.9, 1.0))
    for x, length in ((-0.030, 0.078), (-0.010, 0.088), (0.011, 0.083), (0.031, 0.066)):
        joint, bend = knuckles + x * across, 0.0
        for bone, share in ((0.46, 0.7), (0.30, 1.0), (0.24, 0.7)):
            bend += curl * share + 0.08
            following = joint + bone * length * (np.cos(bend) * along + np.sin(bend) * below)
            build.cone("glove", (joint, following), (0.0092, 0.0086))
            joint = following
    thumb = [wrist + 0.03 * along - 0.022 * across, wrist + 0.065 * along - 0.052 * across + 0.01 * below,
             wrist + 0.100 * along - 0.058 * across + 0.02 * below]
    build.chain("glove", thumb, [0.013, 0.011, 0.0095])
    build.chain("cuff", [elbow, 0.35 * elbow + 0.65 * wrist], [_CUFF, 0.036])
    build.chain("glove", [0.45 * elbow + 0.55 * wrist, wrist + 0.02 * along], [0.031, 0.025])
