"""The two held-out sets on which accuracy is stated: scenes by name, from seeds that nothing is trained on.

*clean*: on its back, nothing in the way, any direction, 32 to 46 weeks. *hard*: any age, two in five on the side, most
with a hand, a cloth or a hose in the way, one in three cut off by the picture's border.
"""

from __future__ import annotations

import numpy as np

from stereo3d.errors import unknown_name
from stereo3d.synthetic.casting import HELD_OUT
from stereo3d.synthetic.scene import Setting, Simulation, simulate_in
from stereo3d.values import number

SETS = {"clean": HELD_OUT, "hard": HELD_OUT + (1 << 20)}
"""The first seed of each."""
MOST = 1 << 20


def held_out_seeds(name: str, count: int) -> list[int]:
    """The first `count` seeds of a set. Raises UsageError for an unknown set."""
    if name not in SETS:
        raise unknown_name("held-out set", name, SETS)
    return [SETS[name] + i for i in range(int(number("count", count, 0, MOST)))]


def held_out_setting(name: str, number_: int) -> Setting:
    """What is in front of the cameras in that scene of a set."""
    seed = held_out_seeds(name, number_ + 1)[-1]
    rng = np.random.default_rng([seed, 29])
    distance, kinds = rng.uniform(0.55, 0.9), ("writhing", "fidgety", "writhing", "cramped-synchronised", "startles")
    weeks = rng.uniform(32, 46) if name == "clean" else rng.uniform(27, 62)
    movement = kinds[int(rng.integers(len(kinds)))]
    if name == "clean":
        return Setting(distance, weeks=weeks, movement=movement)
    side, occluded, cropped = (rng.random(3) < (0.40, 0.65, 0.33)).tolist()
    roll = rng.choice([-1.0, 1.0]) * rng.uniform(np.radians(45), np.radians(95))
    reach = distance * 640 / 531
    aside = rng.choice([-1.0, 1.0]) * (reach - rng.uniform(0.02, 0.14))
    return Setting(
        distance, weeks=weeks, movement=movement, roll=roll * side, occluders=occluded, aside=aside * cropped)


def held_out(name: str, number_: int, *, seconds: float = 0.5, fps: float = 4.0) -> Simulation:
    """The recording of that scene of a set, the same each time."""
    seed = held_out_seeds(name, number_ + 1)[-1]
    return simulate_in(held_out_setting(name, number_), seed=seed, seconds=seconds, fps=fps)
