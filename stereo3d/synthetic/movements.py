"""The kinds of movement that infants show, each a function of time alone: seeded, smooth, minutes long.

After Einspieler 2005 (writhing, fidgety, cramped-synchronised), Sokoloff 2021 (twitches) and newborn startles; the
figures are design targets drawn from reports of speeds, not a model of any clinical class. Segments of a recording
can be made on their own: a moment's posture depends on the seed and its time.
"""

from __future__ import annotations

import numpy as np

from stereo3d.errors import unknown_name
from stereo3d.synthetic.body import InfantBody
from stereo3d.synthetic.motion import _waves, writhing
from stereo3d.synthetic.posture import ANGLES, Angles, limits, rest
from stereo3d.values import Floats

_FIDGETS = (1.0, 2.6)
"""Hz."""
_FIDGET = np.radians(4.2)
_CRAMP = (0.10, 0.55)
"""Hz."""
_EVERY = 9.0
"""s, between two startles on average."""
_NAMES = list(ANGLES)


def movement(kind: str, body: InfantBody, time: Floats, *, seed: int) -> Angles:
    """Joint angles at each time (T,) s from 0 on, within limits, of one of MOVEMENTS.

    Raises UsageError for another kind.
    """
    if kind not in MOVEMENTS:
        raise unknown_name("movement", kind, MOVEMENTS)
    return MOVEMENTS[kind](body, np.asarray(time, float), seed)


def _within(base: Floats, shift: Floats) -> Angles:
    """(T, 25) moved from base by about `shift` rad, and never past a limit."""
    low, high = limits()
    middle, half = (low + high) / 2, (high - low) / 2
    start = np.arctanh(np.clip((base - middle) / half, -0.97, 0.97))
    return Angles.split(middle + half * np.tanh(start + shift / half))


def _columns(time: Floats, count: int) -> Floats:
    return np.repeat(time[:, None], count, 1)


def _writhing(body: InfantBody, time: Floats, seed: int) -> Angles:
    return writhing(body, time, seed=seed)


def _fidgety(body: InfantBody, time: Floats, seed: int) -> Angles:
    """Small movements of 1 to 3 Hz in all directions and of all parts, with pauses of a second or two, over a posture
    that drifts slowly."""
    rng = np.random.default_rng([seed, 31])
    count = len(_NAMES)
    small = _waves(rng, _columns(time, count), band=_FIDGETS)
    awake = 1 / (1 + np.exp(-4 * (_waves(rng, _columns(time, 7), band=(0.06, 0.4)) + 0.9)))
    clock = [next(i for i, c in enumerate(_PARTS) if n.startswith(c)) for n in _NAMES]
    drift = _waves(rng, _columns(time, count), band=(0.015, 0.10))
    shift = _FIDGET * _share() * small * awake[:, clock] + 0.30 * _spread() * drift
    return _within(rest(body.weeks, seed=seed), shift)


def _cramped(body: InfantBody, time: Floats, seed: int) -> Angles:
    """All limbs and the trunk tighten and let go at nearly the same time, over and over alike."""
    rng = np.random.default_rng([seed, 32])
    shared = _waves(rng, time[:, None], band=_CRAMP)
    tight = np.tanh(1.6 * shared)
    own = _waves(rng, _columns(time, len(_NAMES)), band=(0.05, 0.4))
    signs = np.array([{"hinge": -1.0, "elevation": 1.0, "azimuth": -0.6, "rotation": -0.4, "end": 0.5}.get(
        n.rsplit("_", 1)[-1], 0.3) for n in _NAMES])
    return _within(rest(body.weeks, seed=seed), _spread() * (1.2 * signs * tight + 0.14 * own))


def _startles(body: InfantBody, time: Floats, seed: int) -> Angles:
    """Rest, broken now and then by a start of the whole body: arms fly out by 60 to 90 degrees within half a second
    and come back."""
    calm = _rest(body, time, seed).joined()
    arms = np.array([("arm_azimuth" in n) * 1.0 for n in _NAMES])
    others = np.array([{"elevation": 0.45, "hinge": -0.5, "rotation": 0.2}.get(n.rsplit("_", 1)[-1], 0.0)
                       if "arm" in n or "leg" in n else 0.05 for n in _NAMES])
    shift = np.zeros_like(calm)
    for index in range(int((time.max() if len(time) else 0.0) / _EVERY) + 1):
        rng = np.random.default_rng([seed, 33, index])
        start, size = (index + rng.uniform(0.15, 0.8)) * _EVERY, np.radians(rng.uniform(60, 90))
        rise, fall = rng.uniform(0.25, 0.4), rng.uniform(0.6, 1.2)
        since = time - start
        pulse = _eased(since / rise) - _eased((since - rise) / fall)
        shift += pulse[:, None] * (size * arms + rng.uniform(0.8, 1.2) * others)
    return _within(calm, shift)


def _eased(x: Floats) -> Floats:
    """From 0 to 1 with the least jerk (Flash & Hogan 1985)."""
    t = np.clip(x, 0, 1)
    return np.asarray(t**3 * (10 - 15 * t + 6 * t**2), float)


def _rest(body: InfantBody, time: Floats, seed: int) -> Angles:
    """Quiet sleep: hardly anything moves, all parts below about a centimetre a second."""
    rng = np.random.default_rng([seed, 34])
    slow = _waves(rng, _columns(time, len(_NAMES)), band=(0.02, 0.25))
    return _within(rest(body.weeks, seed=seed), 0.035 * _spread() * slow)


def _spread() -> Floats:
    return np.radians([r.motion for r in ANGLES.values()])


def _share() -> Floats:
    """(25,) how much each angle fidgets: hands and feet more than trunk and head."""
    return np.array([0.25 if n.startswith(("trunk", "head")) else 1.6 if n.endswith("end") else 1.0 for n in _NAMES])


_PARTS = ("trunk", "head", "left_arm", "right_arm", "left_leg", "right_leg")
MOVEMENTS = {
    "writhing": _writhing, "fidgety": _fidgety, "cramped-synchronised": _cramped, "startles": _startles, "rest": _rest,
}
"""The kinds of movement by name."""
