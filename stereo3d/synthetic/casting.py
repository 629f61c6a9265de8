"""Scenes drawn by chance: an infant of some age and shape at some moment, what it wears, what lies on it, its bed.

Seeds from HELD_OUT on are for testing alone: nothing is ever trained on them.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from stereo3d.errors import InvalidValue
from stereo3d.synthetic.body import InfantBody, infant_body
from stereo3d.synthetic.contacts import apart
from stereo3d.synthetic.garments import dressed, outfit
from stereo3d.synthetic.kinematics import Posture
from stereo3d.synthetic.looks import Look, look
from stereo3d.synthetic.motion import writhing
from stereo3d.synthetic.occluders import Visitors, visitors
from stereo3d.synthetic.picture.bed import Map, make_bed
from stereo3d.synthetic.posture import on_the_side
from stereo3d.synthetic.flesh import Flesh

HELD_OUT = 1 << 30
"""The first seed that nothing is trained on."""
INTERVAL = 1 / 60
"""s, between the two moments of a scene that tell how it moves."""
_BEDS = 40


@dataclass(frozen=True, slots=True)
class Kind:
    """What scenes of one kind have in them; shares are of scenes."""

    weeks: tuple[float, float] = (27.0, 62.0)
    side: float = 0.15
    """On the side."""
    occluded: float = 0.25
    """With a hand, a blanket or a hose in the way."""
    cropped: float = 0.15
    """With the picture's border through the infant."""
    nest: float = 0.4
    """With rolled cloths around."""


KINDS = {
    "any": Kind(),
    "clean": Kind(weeks=(32.0, 46.0), side=0.0, occluded=0.0, cropped=0.0, nest=0.0),
    "hard": Kind(side=0.4, occluded=0.6, cropped=0.35),
}


@dataclass(frozen=True, slots=True)
class Cast:
    """One infant at two moments INTERVAL apart."""

    seed: int
    body: InfantBody
    posture: Posture
    flesh: Flesh
    look: Look
    bed: tuple[Map, Map]
    heading: float
    visitors: Visitors
    cropped: bool


def cast(seed: int, kind: str = "any") -> Cast:
    """The scene of that seed, the same each time. Raises InvalidValue for a kind that is none of KINDS."""
    if kind not in KINDS:
        raise InvalidValue(f"kind: expected one of {', '.join(KINDS)}, got {kind!r}")
    rules, rng = KINDS[kind], np.random.default_rng([seed, 24])
    weeks, heading = rng.uniform(*rules.weeks), rng.uniform(-np.pi, np.pi)
    side, hidden, cropped, nest = (rng.random(4) < (rules.side, rules.occluded, rules.cropped, rules.nest)).tolist()
    body = infant_body(weeks, seed=seed)
    angles = writhing(body, np.array([0.5, 0.5 + INTERVAL]), seed=seed)
    if side:
        angles = on_the_side(angles, rng.choice([-1.0, 1.0]) * rng.uniform(np.radians(40), np.radians(95)))
    posture = apart(body, angles, heading=heading)
    shown = look(seed)
    bed = _bed(int(rng.integers(_BEDS)), nest)
    tint = rng.uniform(0.75, 1.1, 3).astype(np.float32)
    others = visitors(body, posture, seed) if hidden else Visitors()
    flesh = dressed(body, posture, outfit(seed), visitors=others)
    return Cast(seed, body, posture, flesh, shown, (bed[0], bed[1] * tint), heading, others, cropped)


@functools.lru_cache(maxsize=2 * _BEDS)
def _bed(number: int, nest: bool) -> tuple[Map, Map]:
    return make_bed(look(number).palette, number, room=(0.17, 0.27) if nest else None)
