"""Writhing-like movement: smooth, never twice the same, waxing and waning.

Each angle follows a fixed random path of low frequencies; each limb runs along its paths by a clock of its own, which
hurries and tarries (Einspieler 2005: general movements wax and wane in intensity, force and speed). So a pause
leaves the limb where it is, limits hold whatever the speed, and the frame rate does not change the movement.
Aimed at: wrist and ankle speeds of median .05-.10, 95 % below .3-.5, maximum 1-1.5 m/s; 95 % of the position's
power below 2 Hz; hip and knee coupled (r about .7 at term); speeds of two limbs correlated by .1-.4.
"""

from __future__ import annotations

import numpy as np
from scipy.interpolate import CubicHermiteSpline

from stereo3d.synthetic.body import InfantBody
from stereo3d.synthetic.posture import ANGLES, Angles, limits, rest
from stereo3d.values import Floats

_WAVES = 24
_PATH = (0.10, 1.2)
"""Cycles per unit of a limb's clock."""
_WAXING = (0.02, 0.30)
"""Hz, of the clocks' hurry."""
_UNEVEN = 1.05
"""Standard deviation of the logarithm of the hurry."""
_SHARED = 0.3
"""Part of the hurry's variance that all limbs have in common."""
_FASTEST = 4.2
"""The hurry never passes this."""
_TICK = 1 / 50
_CLOCKS = ("trunk", "head", "left_arm", "right_arm", "left_leg", "right_leg")


def _waves(rng: np.random.Generator, at: Floats, *, band: tuple[float, float]) -> Floats:
    """(T, D) noise of unit variance and a spectrum of 1/f within the band, each column at its times `at` (T, D)."""
    shape = (_WAVES, at.shape[1])
    frequency = np.exp(rng.uniform(np.log(band[0]), np.log(band[1]), shape))
    phase = rng.uniform(0, 2 * np.pi, shape)
    out = np.zeros_like(at)
    for f, p in zip(frequency, phase):  # over waves, so that memory stays that of the result
        out += np.cos(2 * np.pi * f * at + p)
    return np.asarray(out * np.sqrt(2 / _WAVES), float)


def _clocks(time: Floats, *, seed: int) -> Floats:
    """(T, 6) how far each of _CLOCKS has run at each time, on average one unit a second."""
    ticks = np.arange(0.0, (time[-1] if len(time) else 0.0) + 2 * _TICK, _TICK)
    rng = np.random.default_rng([seed, 3])
    waxing = _waves(rng, np.repeat(ticks[:, None], 1 + len(_CLOCKS), 1), band=_WAXING)
    hurry = np.sqrt(_SHARED) * waxing[:, :1] + np.sqrt(1 - _SHARED) * waxing[:, 1:]
    speed = _FASTEST * np.tanh(np.exp(_UNEVEN * hurry - _UNEVEN**2 / 2) / _FASTEST)
    run = np.zeros_like(speed)
    np.cumsum((speed[1:] + speed[:-1]) * _TICK / 2, axis=0, out=run[1:])
    return np.asarray(CubicHermiteSpline(ticks, run, speed)(time), float)


def _pace(weeks: float) -> float:
    """Speed over that of an infant at term: .7 up to 32 weeks."""
    return float(np.interp(weeks, (32, 40), (0.7, 1.0)))


def writhing(body: InfantBody, time: Floats, *, seed: int) -> Angles:
    """Joint angles at each time (T,) s from 0 on, within limits; the same seed moves alike at any frame rate."""
    names = list(ANGLES)
    clock = [next(i for i, c in enumerate(_CLOCKS) if n.startswith(c)) for n in names]
    rng = np.random.default_rng([seed, 4])
    path = _waves(rng, _pace(body.weeks) * _clocks(time, seed=seed)[:, clock], band=_PATH)
    for side in ("left", "right"):  # a leg bends and stretches as one
        hip, knee = (names.index(f"{side}_leg_{a}") for a in ("elevation", "hinge"))
        path[:, knee] = 0.75 * path[:, hip] + 0.66 * path[:, knee]
    low, high = limits()
    middle, half = (low + high) / 2, (high - low) / 2
    motion = np.radians([r.motion for r in ANGLES.values()])
    start = np.arctanh((rest(body.weeks, seed=seed) - middle) / half)
    return Angles.split(middle + half * np.tanh(start + motion * path / half))
