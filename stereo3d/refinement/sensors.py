"""The evidence as the smoother takes it: what detectors and match say of each coordinate, and how noisy they are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stereo3d.refinement.constant import Noises
from stereo3d.refinement.evidence import Evidence
from stereo3d.refinement.medians import median
from stereo3d.refinement.parts import Parts
from stereo3d.values import Bools, Floats, Ints

_LEAST = 1e-4
"""px^2, the least white noise."""
_OCCLUDER = 2.0
"""px, by how much the match is off where it sees something else, as far as the track does not tell: what lies before a
joint is nearer by 4 px (32 mm at 0.7 m), but where the match contradicts the detectors it loses its weight besides."""
_MAY_BE_HIDDEN = 0.25
"""Probability from which on the match of a joint is left out: time has better to go by."""


class Sensors(NamedTuple):
    """What S sensors say of A coordinates that as many of them see: the detectors, and of d the match as well."""

    seen: Floats
    """(S, L, W, A, K) px."""
    white: Floats
    """(S, L, W, A, K) px^2."""
    slow: Floats
    """(S, L, W, A, K) px^2."""
    memory: tuple[float, ...]
    """(S,) s."""
    stretch: Floats
    """(A, K) px^2 along each axis that a square metre makes."""


class View(NamedTuple):
    """W windows of L frames of the evidence: frames first, then windows, axes and joints."""

    sensors: tuple[Sensors, ...]
    """All of xc, v and d, in that order."""
    step: Floats
    """(L, W) s, a window's last one to the first frame of the next."""
    usual: float
    """s, the usual step."""


def view(evidence: Evidence, noises: Noises, cut: Ints, stretch: Floats) -> View:
    """The frames `cut` (L, W) of the evidence, as noisy as it says; what is repeated in a window is not seen twice."""
    usual = usual_step(evidence)
    again = np.diff(cut, axis=0, prepend=-1)[..., None] == 0
    place, own = (x[cut].transpose(0, 1, 3, 2)[None] for x in (evidence.place, evidence.sigma))
    place = np.where(again[..., None], np.nan, place)
    parts = noises.detector
    all_of_it = Sensors(place, _known(parts.white * own**2), _known(parts.slow * own**2), (parts.memory,), stretch)
    sensors: tuple[Sensors, ...] = (all_of_it,)
    if noises.match is not None:
        across, depth = _axes(all_of_it, slice(2)), _axes(all_of_it, slice(2, 3))
        sensors = across, _both(depth, _matched(evidence, noises.match, cut, again), noises.match.memory)
    after = np.concatenate([cut[1:], np.roll(cut[:1], -1, axis=1)])
    step = np.where(after > cut, evidence.time[after] - evidence.time[cut], usual)
    return View(sensors, _usable(step, usual), usual)


def usual_step(evidence: Evidence) -> float:
    """s."""
    return float(np.median(np.diff(evidence.time))) if len(evidence) > 1 else 1.0


def stretches(evidence: Evidence) -> Floats:
    """(3, K) px^2 to a m^2 at each joint's usual distance: d / B in the picture, d^2 / B f in disparity."""
    base, focal, d = abs(evidence.camera.baseline), evidence.camera.focal, np.abs(evidence.place[..., 2])
    middle = median(d, median(d.ravel(), base * focal))
    return np.stack([middle / base, middle / base, middle**2 / (base * focal)]) ** 2


def scaled(given: View, scale: Floats) -> View:
    """With detectors whose variances are `scale` (3, K) times as large."""
    sensors, first = [], 0
    for one in given.sensors:
        last = first + len(one.stretch)
        white, slow = (np.concatenate([scale[first:last] * x[:1], x[1:]]) for x in (one.white, one.slow))
        sensors.append(one._replace(white=white, slow=slow))
        first = last
    return given._replace(sensors=tuple(sensors))


def _axes(sensors: Sensors, which: slice) -> Sensors:
    seen, white, slow = (x[:, :, :, which] for x in sensors[:3])
    return Sensors(seen, white, slow, sensors.memory, sensors.stretch[which])


def _known(variance: Floats) -> Floats:
    return np.where(np.isfinite(variance), np.maximum(variance, _LEAST), 1.0)


def _usable(step: Floats, usual: float) -> Floats:
    """Steps of the clock that neither stand still nor, at a break, take the variance beyond what can be reckoned."""
    return np.clip(step, 0.01 * usual, max(2.0, usual))


def _matched(evidence: Evidence, parts: Parts, cut: Ints, again: Bools) -> tuple[Floats, Floats, Floats]:
    """(L, W, K) the match, its white and its slow variance, which is great where it may see something else."""
    seen, sigma, hidden = (x[cut] for x in (evidence.matched, evidence.matched_sigma, evidence.hidden))
    lost = np.where(np.isfinite(hidden), hidden, 0.0)
    seen = np.where(np.isfinite(sigma) & (lost < _MAY_BE_HIDDEN) & ~again, seen, np.nan)
    return seen, _known(parts.white * sigma**2 / (1 - np.minimum(lost, 0.9))), _known(
        parts.slow * sigma**2 + lost * _OCCLUDER**2)


def _both(detectors: Sensors, match: tuple[Floats, Floats, Floats], memory: float) -> Sensors:
    seen, white, slow = (np.concatenate([a, b[None, :, :, None]]) for a, b in zip(detectors[:3], match))
    return Sensors(seen, white, slow, (*detectors.memory, memory), detectors.stretch)
