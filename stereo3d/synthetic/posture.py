"""How an infant on its back may bend: the joint angles, their limits, where they rest and how far they move.

Bed frame: x to the right and y to the top of a picture taken from above, z up from the mattress. Body frame: x to the
infant's left, y to its head, z out of its chest. A limb hangs straight along -y of its frame where all angles are 0.

An upper arm or thigh points by two angles: `azimuth`, in the plane of the bed, from the feet outwards, and
`elevation`, above that plane; `rotation` about its own axis is outward, `hinge` bends the elbow to the front and the
knee to the back, `end` bends the wrist to the palm and points the foot.

Limits and rest: Coon 1975 and Haas 1973 (hip), Broughton 1993 (knee), Waugh 1983 (ankle), the Ballard score and
Cioni & Prechtl 1990 (rest posture by age: legs flex first, then arms, wide spread between infants).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from stereo3d.values import Floats, Value, array

LIMB = ("azimuth", "elevation", "rotation", "hinge", "end")


class Range(NamedTuple):
    """Degrees: the limits of one angle, where it rests at 30 and at 40 weeks, and how it varies."""

    low: float
    high: float
    preterm: float
    term: float
    spread: float
    """Standard deviation of the rest between infants."""
    motion: float
    """Standard deviation of the movement about the rest."""


TRUNK = {"roll": Range(-20, 20, 0, 0, 4, 5), "yaw": Range(-15, 15, 0, 0, 3, 4)}
HEAD = {
    "turn": Range(-80, 80, -20, -25, 25, 12),
    "nod": Range(-15, 25, 4, 6, 4, 4),
    "tilt": Range(-25, 25, 0, 0, 5, 5),
}
ARM = {
    "azimuth": Range(15, 115, 62, 66, 14, 16),
    "elevation": Range(-25, 80, 2, 12, 6, 16),
    "rotation": Range(-30, 85, 40, 45, 18, 20),
    "hinge": Range(15, 145, 50, 90, 15, 23),
    "end": Range(-50, 70, 15, 25, 8, 10),
}
LEG = {
    "azimuth": Range(14, 80, 44, 40, 9, 12),
    "elevation": Range(-10, 95, 12, 38, 9, 16),
    "rotation": Range(-5, 85, 55, 40, 12, 14),
    "hinge": Range(15, 135, 60, 85, 12, 22),
    "end": Range(-35, 40, 10, 5, 8, 10),
}
_STRAIGHTER = 0.6
"""The part of their bend that elbows lose on the side, so that the lower arm lies before the face, not under it."""
_TURNED = {"arms": ((0.60, 1.0), 0.6), "legs": ((0.40, 0.75), 0.35)}
"""Of limbs on the side: how azimuths shrink (upper limb, lower limb), and rad by which they reach to the front."""
ANGLES: dict[str, Range] = {
    **{f"trunk_{n}": r for n, r in TRUNK.items()},
    **{f"head_{n}": r for n, r in HEAD.items()},
    **{f"{side}_{limb}_{n}": r for limb, table in (("arm", ARM), ("leg", LEG)) for side in ("left", "right")
       for n, r in table.items()},
}
"""The 25 angles by name, in the order in which `Angles.split` takes them."""


@dataclass(frozen=True, slots=True, eq=False)
class Angles(Value):
    """Joint angles over time, in radians."""

    trunk: Floats
    """(T, 2) roll to the infant's left, yaw of its head to its right."""
    head: Floats
    """(T, 3) turn to the infant's left, nod to the chest, tilt to its right shoulder."""
    arms: Floats
    """(T, 2, 5) left and right, in the order of LIMB."""
    legs: Floats
    """(T, 2, 5) likewise."""

    def __post_init__(self) -> None:
        trunk = array("trunk", self.trunk, ("T", 2))
        t = len(trunk)
        self._set(trunk=trunk, head=array("head", self.head, (t, 3)))
        self._set(arms=array("arms", self.arms, (t, 2, 5)), legs=array("legs", self.legs, (t, 2, 5)))

    @classmethod
    def split(cls, angles: Floats) -> Angles:
        """From (T, 25) in the order of ANGLES."""
        trunk, head, arms, legs = np.split(angles, (2, 5, 15), axis=1)
        return cls(trunk, head, arms.reshape(-1, 2, 5), legs.reshape(-1, 2, 5))

    def joined(self) -> Floats:
        """(T, 25) in the order of ANGLES."""
        t = len(self.trunk)
        return np.concatenate([self.trunk, self.head, *(a.reshape(t, 10) for a in (self.arms, self.legs))], 1)


def limits() -> tuple[Floats, Floats]:
    """(25,) lowest and (25,) highest of each angle, rad."""
    table = np.radians([r[:2] for r in ANGLES.values()])
    return table[:, 0], table[:, 1]


def rest(weeks: float, *, seed: int) -> Floats:
    """(25,) rad, where one infant of that postmenstrual age rests: within the limits, different for every seed."""
    table = np.array(list(ANGLES.values()))
    low, high, preterm, term, spread, _ = table.T
    older = np.clip((weeks - 30) / 10, 0, 1)
    mean = preterm + older * (term - preterm)
    drawn = mean + spread * np.random.default_rng([seed, 2]).standard_normal(len(mean))
    margin = 0.15 * (high - low)
    return np.asarray(np.radians(np.clip(drawn, low + margin, high - margin)), float)


def on_the_side(angles: Angles, roll: float) -> Angles:
    """The same movement by an infant turned about its long axis by `roll` rad, to its left where positive: the head
    goes with the trunk, arms and legs come to the front."""
    part = min(1.0, abs(roll) / np.radians(80))
    trunk, head = angles.trunk.copy(), angles.head.copy()
    trunk[:, 0] = np.clip(trunk[:, 0] + roll, -1.75, 1.75)
    head[:, 0] = np.clip(0.5 * head[:, 0] + 0.95 * roll, -1.9, 1.9)
    limbs = {}
    lower = 0 if roll > 0 else 1
    for name, ((of_upper, of_lower), forward) in _TURNED.items():
        limb = getattr(angles, name).copy()
        for side in (0, 1):
            limb[:, side, 0] *= 1 - part * (1 - (of_lower if side == lower else of_upper))
            limb[:, side, 1] += part * forward
            if name == "arms":
                limb[:, side, 3] *= 1 - part * _STRAIGHTER
        limbs[name] = limb
    return Angles(trunk, head, **limbs)
