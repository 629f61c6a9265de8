"""Colours of the infant and of what it lies on, in linear light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stereo3d.synthetic.solids import Floats32
from stereo3d.values import Floats, Value, array

_MONK = "f6ede4 f3e7db f7ead0 eadaba d7bd96 a07e56 825c43 604134 3a312a 292420"
MONK = np.array([list(bytes.fromhex(tone)) for tone in _MONK.split()]) / 255
"""(10, 3) sRGB of the Monk scale of skin tones."""
_REDDER = np.array([1.0, 0.90, 0.86])


def linear(srgb: Floats) -> Floats:
    """Linear light 0..1 of sRGB 0..1 (IEC 61966-2-1)."""
    steep = ((np.maximum(srgb, 0) + 0.055) / 1.055) ** 2.4
    return np.where(srgb <= 0.04045, srgb / 12.92, steep)


def srgb(light: Floats32) -> Floats32:
    """sRGB 0..1 of linear light, cut to 0..1: the inverse of `linear`."""
    cut = np.clip(light, 0, 1)
    steep = 1.055 * cut ** np.float32(1 / 2.4) - 0.055
    return np.where(cut <= 0.0031308, 12.92 * cut, steep).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Palette(Value):
    """What one scene is painted with: (3,) linear RGB reflectances."""

    skin: Floats
    hair: Floats
    iris: Floats
    print: Floats
    towel: Floats
    sheet: Floats

    def __post_init__(self) -> None:
        self._set(**{n: array(n, getattr(self, n), (3,)) for n in self.__slots__})


_HAIR = ((0.20, 0.14, 0.10), (0.33, 0.23, 0.15), (0.10, 0.08, 0.07), (0.52, 0.40, 0.25))
_IRIS = ((0.26, 0.32, 0.38), (0.22, 0.15, 0.10))
"""Under the fairest and under the darkest skin."""
_PRINT = ((0.45, 0.62, 0.78), (0.88, 0.60, 0.55), (0.52, 0.70, 0.52), (0.90, 0.75, 0.45))
_TOWEL = ((0.93, 0.92, 0.88), (0.80, 0.88, 0.90), (0.93, 0.86, 0.80), (0.84, 0.90, 0.82))
_SHEET = ((0.62, 0.74, 0.80), (0.80, 0.78, 0.72), (0.66, 0.76, 0.68), (0.76, 0.72, 0.80))


def palette(seed: int) -> Palette:
    """Colours drawn for that seed: skin from the whole Monk scale but its ends."""
    rng = np.random.default_rng([seed, 8])
    tone = rng.uniform(0.5, 7)
    skin = np.array([np.interp(tone, np.arange(10), MONK[:, i]) for i in range(3)])
    hair, spots, towel, sheet = (
        linear(np.array(table[rng.integers(len(table))])) for table in (_HAIR, _PRINT, _TOWEL, _SHEET)
    )
    iris = linear(np.array(_IRIS[0]) + np.clip((tone - 1.5) / 3, 0, 1) * np.subtract(_IRIS[1], _IRIS[0]))
    return Palette(linear(skin) * _REDDER, np.minimum(hair, linear(skin) * 0.5), iris, spots, towel, sheet)


def _layered(base: Floats32, layers: list[tuple[Floats, Floats32]]) -> Floats32:
    """(N, 3) reflectance with colours (3,) laid on, each as thick as its weight (N,) 0..1."""
    for colour, weight in layers:
        base = base + weight[:, None] * (colour.astype(np.float32) - base)
    return base


def _step(x: Floats32, *, low: float, high: float) -> Floats32:
    """From 0 at `low` to 1 at `high`, smoothly."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def _spot(x: Floats32, y: Floats32, *, half: tuple[float, float], soft: float) -> Floats32:
    """1 inside an ellipse about 0 with those half axes, 0 outside; `soft` is the edge's part of them."""
    return 1 - _step(np.hypot(x / half[0], y / half[1]), low=1 - soft, high=1 + soft)


def face(colours: Palette, p: Floats32) -> Floats32:
    """(N, 3) reflectance of the head at points p (N, 3), in the head's axes and parts of its circumference."""
    x, y, z = p.T
    front = (z > 0.03).astype(np.float32)
    skin, hair = colours.skin, colours.hair
    crown = y + 0.6 * (0.05 - z) - 0.075 + 0.008 * np.sin(90 * x) * np.sin(70 * y)
    brow = np.abs(x) - 0.060
    upper = _spot(x, y + 0.104 - 4 * x**2, half=(0.028, 0.005), soft=0.5)
    lower = _spot(x, y + 0.114 - 3 * x**2, half=(0.021, 0.006), soft=0.5)
    layers = [
        (hair, 0.75 * _step(crown, low=0, high=0.05)),
        (skin * [1, 0.72, 0.70], 0.55 * front * _spot(np.abs(x) - 0.072, y + 0.075, half=(0.045, 0.035), soft=0.8)),
        (hair, 0.5 * front * _spot(brow, y - 0.028 + 6 * brow**2, half=(0.030, 0.005), soft=0.6)),
        (skin * [0.78, 0.42, 0.42], 0.8 * front * np.minimum(upper + lower, 1)),
        (skin * 0.3, 0.6 * front * _spot(np.abs(x) - 0.010, y + 0.080, half=(0.005, 0.004), soft=0.6)),
    ]
    base = np.tile(skin.astype(np.float32), (len(p), 1))
    return _layered(base, [*layers, *_eyes(brow, y, colours=colours, front=front)])


def _eyes(x: Floats32, y: Floats32, *, colours: Palette, front: Floats32) -> list[tuple[Floats, Floats32]]:
    """Lashes, the white, iris, pupil and a glint of both eyes; x from the middle of the nearer one."""
    opening = front * _spot(x, y + 0.0175, half=(0.0240, 0.0118), soft=0.12)
    rings = [(colours.iris, 0.0145, 0.12), (np.full(3, 0.01), 0.0068, 0.2)]
    return [
        (colours.skin * 0.35, 0.8 * front * _spot(x, y + 0.016, half=(0.0255, 0.0145), soft=0.12)),
        (np.full(3, 0.66), opening),
        *((colour, opening * _spot(x, y + 0.016, half=(r, r), soft=soft)) for colour, r, soft in rings),
        (np.ones(3), opening * _spot(x + 0.004, y + 0.0105, half=(0.003, 0.003), soft=0.4)),
    ]


def torso(colours: Palette, p: Floats32) -> Floats32:
    """(N, 3) reflectance of the trunk's skin at p (N, 3), from between the hips, in parts of the trunk's length."""
    x, y, z = p.T
    front = (z > 0).astype(np.float32)
    nipples = _spot(np.abs(x) - 0.155, y - 0.80, half=(0.020, 0.020), soft=0.5)
    navel = _spot(x, y - 0.40, half=(0.022, 0.018), soft=0.6)
    return _layered(np.tile(colours.skin.astype(np.float32), (len(p), 1)), [
        (colours.skin * [0.75, 0.5, 0.5], 0.8 * front * nipples), (colours.skin * 0.45, 0.8 * front * navel)
    ])


def diaper(colours: Palette, p: Floats32) -> Floats32:
    """(N, 3) reflectance of the diaper, p as for `torso`: printed dots, a band at the waist, two tapes."""
    x, y, z = p.T
    row = np.round(y / 0.075)
    shifted = x + 0.0375 * (row % 2)
    dots = _spot(shifted - 0.075 * np.round(shifted / 0.075), y - 0.075 * row, half=(0.018, 0.018), soft=0.35)
    tapes = _spot(np.abs(x) - 0.20, y - 0.24, half=(0.075, 0.030), soft=0.1) * (z > 0)
    band = _spot(0 * x, y - 0.295, half=(1.0, 0.012), soft=0.3)
    return _layered(np.full((len(p), 3), 0.86, np.float32), [
        (colours.print, dots * (np.abs(x) < 0.26) * (y < 0.25)), (colours.print, 0.9 * np.maximum(tapes, band))
    ])
