"""What one scene looks like: the infant's skin, hair and eyes, the colours of things, the light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stereo3d.synthetic.paint import MONK, Palette, linear, palette
from stereo3d.values import Floats, Value, array, number

_REDDER = np.array([1.0, 0.88, 0.84])
_CLOTH = ((0.96, 0.95, 0.92), (0.70, 0.82, 0.92), (0.95, 0.76, 0.78), (0.85, 0.88, 0.70), (0.93, 0.83, 0.62))
_GLOVE = ((0.36, 0.52, 0.80), (0.93, 0.92, 0.88), (0.52, 0.42, 0.74))


@dataclass(frozen=True, slots=True, eq=False)
class Look(Value):
    """One scene's colours, (3,) linear RGB, and its light."""

    palette: Palette
    skin: Floats
    hair: Floats
    iris: Floats
    print: Floats
    cloth: Floats
    glove: Floats
    panel: Floats
    """(3,) unit, in the bed's frame towards the brightest part of the ceiling."""
    warm: Floats
    """The panel's colour."""
    cool: Floats
    """The sky's."""
    bounce: Floats
    """What the bed throws back."""
    lids: float
    """How far the eyes are closed, 0..1."""
    redness: float
    thatch: float
    """How thick the hair is, 0..1."""
    pattern: float
    """The nappy's: 0 dots, 1 stripes, 2 plain."""
    strength: float
    """The panel's part of the light."""
    hard: float
    gloss: float

    def __post_init__(self) -> None:
        colours = ("skin", "hair", "iris", "print", "cloth", "glove", "panel", "warm", "cool", "bounce")
        self._set(**{n: array(n, getattr(self, n), (3,)) for n in colours})
        rest = ("lids", "redness", "thatch", "pattern", "strength", "hard", "gloss")
        self._set(**{n: number(n, getattr(self, n), 0, 10) for n in rest})


def look(seed: int, *, tone: float | None = None) -> Look:
    """Colours and light of that seed; `tone` 0..9 is the skin's on the Monk scale, else drawn from all of it.

    Light between 2700 and 6500 K, warm from the heater above; eyes are closed in half of the scenes.
    """
    rng = np.random.default_rng([seed, 23])
    drawn = rng.uniform(0, 9)
    tone = drawn if tone is None else number("tone", tone, 0, 9)
    skin = linear(np.array([np.interp(tone, np.arange(10), MONK[:, i]) for i in range(3)])) * _REDDER
    skin *= [1, 1, rng.choice([1, 1, 1, 0.8])]  # jaundice takes the blue
    colours = palette(seed)
    azimuth, height = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(45, 80))
    panel = np.array([np.cos(azimuth) * np.cos(height), np.sin(azimuth) * np.cos(height), np.sin(height)])
    heat, clear = rng.uniform(-0.04, 0.12, 2)
    cloth, glove = (linear(np.array(t[rng.integers(len(t))])) for t in (_CLOTH, _GLOVE))
    lids = 1.0 if rng.random() < 0.5 else rng.uniform(0.0, 0.75)
    return Look(
        palette=colours, skin=skin, hair=np.minimum(colours.hair, skin * 0.5), iris=colours.iris,
        print=colours.print, cloth=cloth, glove=glove, panel=panel,
        warm=np.array([1 + heat, 1.0, 1 - 1.2 * heat]), cool=np.array([1 - clear / 2, 1.0, 1 + clear]),
        bounce=0.55 * colours.towel + 0.15, lids=lids, redness=rng.uniform(0.2, 1.0),
        thatch=rng.uniform(0.15, 1.0), pattern=float(rng.integers(3)), strength=rng.uniform(0.35, 0.68),
        hard=rng.uniform(1.6, 5.0), gloss=rng.uniform(0.01, 0.07),
    )
