"""Tracks smoothed in (xc, v, d), their noise and their liveliness learned from the recording itself.

Each joint has one liveliness, the same in all directions of space, which changes as the infant rests, writhes or
startles; what a joint shows in the picture's plane, where it is seen best, so tells how much its disparity may move.
It is learned by making the disturbances that the smoother finds as large as they ought to be (the condition that the
likelihood is greatest: S. J. Koopman, "Disturbance smoother for state space models", Biometrika 80 (1993)).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
from scipy.ndimage import gaussian_filter1d

from stereo3d.refinement import kalman
from stereo3d.refinement.constant import Noises
from stereo3d.refinement.evidence import Evidence
from stereo3d.refinement.parts import Parts
from stereo3d.refinement.windows import Windows, windows
from stereo3d.values import Floats, Ints

REACTION = 0.06
"""s, how long an acceleration lasts. Against truth of 2.5 and 10 s: 0.05 to 0.07 keep path length alike; the longer,
the truer is jerk, but the later a startle is followed."""
LIVELIER = 2.0
"""By what the learned liveliness is raised in the end: the best guess of a track is smoother than the track."""
_LENGTH, _OVERLAP = 640, 128
_BATCH = 48
_LEARNING = 12
"""Windows that noise and usual liveliness are learned on."""
_ROUNDS, _LOCAL_ROUNDS = 4, 2
_POOL = 0.27
"""s, over which liveliness is even."""
_FIRST = 0.02
"""m^2/s^3 to begin with."""
_DOUBT, _LOCAL_DOUBT = 20.0, 0.3
"""Disturbances as expected that are added to those found, for all of a joint and around one frame."""
_LEAST = 1e-4
"""px^2, the least white noise; as many times a joint's usual liveliness is the least at any time."""
_OCCLUDER = 4.0
"""px, by how much the match is off where it sees what lies before the joint (AGMA-like: 32 mm at 0.7 m)."""
_SURELY_HIDDEN = 0.8
_GROSS = {1: 7.0, 3: 11.5}
"""Chi-squared of one and of three numbers that one in a hundred passes: beyond it weights fall."""


class Sure(NamedTuple):
    """What smoothing makes of T frames of K joints; the constant part of the noise is not in it."""

    place: Floats
    """(T, K, 3) px, xc, v, d; also where nothing was seen."""
    sigma: Floats
    """(T, K, 3) px."""
    scale: Floats
    """(K, 3) by what the evidence's sigma had to be multiplied."""


@dataclass(slots=True)
class _Model:
    drive: Floats
    """(K,) m^2/s^3, usual liveliness."""
    scale: Floats
    """(K, 3) variance over that of the evidence's sigma."""


class _View(NamedTuple):
    """W windows of the evidence; frames first, then windows, then joints."""

    sensors: tuple[_Sensors, _Sensors, _Sensors]
    """Of xc, v and d."""
    step: Floats
    """(L - 1, W) s."""
    stretch: Floats
    """(3, W, K) px^2 along each axis that a square metre makes."""
    pool: float
    """Frames over which liveliness is even."""


class _Sensors(NamedTuple):
    """What S sensors say of one coordinate: the detectors, and of d the match as well."""

    seen: Floats
    """(S, L, W, K) px."""
    white: Floats
    """(S, L, W, K) px^2."""
    slow: Floats
    """(S, L, W, K) px^2."""
    memory: tuple[float, ...]
    """(S,) s."""


_Outcome = TypeVar("_Outcome", kalman.Smoothed, kalman.Told)
Told = tuple[kalman.Told, ...]
"""Of xc, v and d."""


def smoothed(evidence: Evidence, noises: Noises) -> Sure:
    """The tracks without jitter, sigma without the noise's constant part. Frames in which nothing was seen are
    guessed from those around, and their sigma grows with the distance."""
    t, k = evidence.score.shape
    parts = windows(t, _LENGTH, _OVERLAP)
    model = _learned(evidence, noises, parts.some(_LEARNING))
    place, variance = np.zeros((t, k, 3)), np.zeros((t, k, 3))
    for batch in parts.batches(_BATCH):
        found = _settled(_view(evidence, noises, model, parts.rows(batch)), model)
        shares = parts.shares(batch)
        for w, rows in enumerate(parts.rows(batch).T):
            for axis, one in enumerate(found):
                place[rows, :, axis] += shares[:, w, None] * one.place[:, w]
                variance[rows, :, axis] += shares[:, w, None] * one.variance[:, w]
    return Sure(place, np.sqrt(np.maximum(variance, 0.0)), np.sqrt(model.scale))


def _learned(evidence: Evidence, noises: Noises, parts: Windows) -> _Model:
    """Usual liveliness and the scale of the noise, from some of the windows."""
    k = evidence.score.shape[1]
    model = _Model(np.full(k, _FIRST), np.ones((k, 3)))
    weight, share = None, noises.detector.white / max(noises.detector.total, 1e-12)
    for _ in range(_ROUNDS):
        view = _view(evidence, noises, model, parts.rows())
        drive = np.broadcast_to(model.drive, (*view.step.shape, k))
        found = _through(kalman.tell, view, drive, weight)
        pull, slack = (x.sum((0, 1)) for x in _motion(view, found, drive))
        model.drive *= np.clip((pull + _DOUBT) / (slack + _DOUBT), 0.1, 10) ** 1.5
        model.scale *= _misjudged(view, found, weight) ** share
        weight = _weights(view, found, weight)
    return model


def _settled(view: _View, model: _Model) -> tuple[kalman.Smoothed, ...]:
    """The windows smoothed, each joint as lively as it is at the time, gross errors out of weight."""
    drive, weight = np.broadcast_to(model.drive, (*view.step.shape, len(model.drive))), None
    for _ in range(_LOCAL_ROUNDS):
        found = _through(kalman.tell, view, drive, weight)
        pull, slack = (_pooled(x, view.pool) + _LOCAL_DOUBT for x in _motion(view, found, drive))
        drive = np.maximum(drive * (pull / slack) ** 2, _LEAST * model.drive)
        weight = _weights(view, found, weight)
    return _through(kalman.smooth, view, LIVELIER * drive, weight)


def _through(
    smoother: Callable[[kalman.Tracks], _Outcome], view: _View, drive: Floats, weight: list[Floats] | None
) -> tuple[_Outcome, ...]:
    """What the smoother makes of xc, v and d at that liveliness (L - 1, W, K); coordinates that as many sensors see go
    through together, as what a short recording costs is the number of steps and not what is in them."""
    white = [sensors.white / (1 if weight is None else weight[axis]) for axis, sensors in enumerate(view.sensors)]
    out: dict[int, _Outcome] = {}
    for memory in dict.fromkeys(sensors.memory for sensors in view.sensors):
        axes = [axis for axis, sensors in enumerate(view.sensors) if sensors.memory == memory]
        seen, slow, noise = (
            np.concatenate(x, -1) for x in zip(*((view.sensors[i].seen, view.sensors[i].slow, white[i]) for i in axes)))
        driven = np.concatenate([drive * view.stretch[axis] for axis in axes], -1)
        found = smoother(kalman.Tracks(seen, noise, slow, memory, view.step, driven, REACTION))
        parts = zip(*(np.split(x, len(axes), -1) for x in found))
        out |= {axis: type(found)(*part) for axis, part in zip(axes, parts)}
    return tuple(out[axis] for axis in range(len(view.sensors)))


def _motion(view: _View, found: Told, drive: Floats) -> tuple[Floats, Floats]:
    """(L - 1, W, K) disturbances as found and as expected, of all three coordinates together."""
    pull, slack = np.zeros(drive.shape), np.zeros(drive.shape)
    for stretch, one in zip(view.stretch, found):
        pull += drive * stretch * one.pull
        slack += drive * stretch * one.slack
    return pull, slack


def _pooled(x: Floats, frames: float) -> Floats:
    """Sums over about 2.5 times as many frames."""
    if len(x) == 0:
        return x
    return np.asarray(gaussian_filter1d(x, frames, axis=0, mode="nearest") * np.sqrt(2 * np.pi) * frames)


def _misjudged(view: _View, found: Told, weight: list[Floats] | None) -> Floats:
    """(K, 3) by what the variance of the detectors' white noise ought to be multiplied."""
    out = []
    for axis, (sensors, one) in enumerate(zip(view.sensors, found)):
        white = sensors.white[0] if weight is None else sensors.white[0] / weight[axis][0]
        pull, slack = (white * one.miss[0] ** 2).sum((0, 1)), (white * one.weight[0]).sum((0, 1))
        out.append((pull + _DOUBT) / (slack + _DOUBT))
    return np.asarray(np.clip(np.stack(out, -1), 0.25, 4.0))


def _weights(view: _View, found: Told, weight: list[Floats] | None) -> list[Floats]:
    """(S, L, W, K) of each coordinate: below 1 where it lies far from what all else makes of it.

    One weight for what the detectors say of a joint in a frame, and one for the match.
    """
    squares = []
    for axis, (sensors, one) in enumerate(zip(view.sensors, found)):
        extra = 0 if weight is None else sensors.white * (1 - 1 / weight[axis])
        with np.errstate(divide="ignore", invalid="ignore"):
            squares.append(np.where(one.weight > 0, (one.miss / one.weight) ** 2 / (1 / one.weight + extra), 0.0))
    detectors = _falling(squares[0][0] + squares[1][0] + squares[2][0], _GROSS[3])
    out = [np.stack([detectors, *(_falling(s, _GROSS[1]) for s in square[1:])]) for square in squares]
    return out


def _falling(square: Floats, limit: float) -> Floats:
    return np.asarray(np.minimum(1.0, (limit / np.maximum(square, limit)) ** 2) + 1e-6)


def _view(evidence: Evidence, noises: Noises, model: _Model, rows: Ints) -> _View:
    """The windows' frames `rows` (L, W) of the evidence, as the smoother takes them."""
    step = np.diff(evidence.time[rows], axis=0)
    usual = float(np.median(np.diff(evidence.time))) if len(evidence) > 1 else 1.0
    place, own = (x[rows].transpose(3, 0, 1, 2) for x in (evidence.place, evidence.sigma))
    variance = own**2 * model.scale.T[:, None, None]
    parts = noises.detector
    flat = [
        _Sensors(seen[None], _known(parts.white * v)[None], _known(parts.slow * v)[None], (parts.memory,))
        for seen, v in zip(place, variance)
    ]
    if noises.match is not None:
        flat[2] = _both(flat[2], _matched(evidence, noises.match, rows), noises.match.memory)
    return _View((flat[0], flat[1], flat[2]), _usable(step, usual), _stretch(evidence, place), _POOL / usual)


def _known(variance: Floats) -> Floats:
    return np.where(np.isfinite(variance), np.maximum(variance, _LEAST), 1.0)


def _usable(step: Floats, usual: float) -> Floats:
    """Steps of the clock that neither stand still nor, at a break, take the variance beyond what can be reckoned."""
    return np.clip(step, 0.01 * usual, max(2.0, usual))


def _matched(evidence: Evidence, parts: Parts, rows: Ints) -> tuple[Floats, Floats, Floats]:
    """(L, W, K) the match, its white and its slow variance, which is great where it may see something else."""
    seen, sigma, hidden = (x[rows] for x in (evidence.matched, evidence.matched_sigma, evidence.hidden))
    lost = np.where(np.isfinite(hidden), hidden, 0.0)
    seen = np.where(np.isfinite(sigma) & (lost < _SURELY_HIDDEN), seen, np.nan)
    return seen, _known(parts.white * sigma**2 / (1 - np.minimum(lost, 0.9))), _known(
        parts.slow * sigma**2 + lost * _OCCLUDER**2)


def _both(detectors: _Sensors, match: tuple[Floats, Floats, Floats], memory: float) -> _Sensors:
    seen, white, slow = (np.concatenate([a, b[None]]) for a, b in zip(detectors[:3], match))
    return _Sensors(seen, white, slow, (*detectors.memory, memory))


def _stretch(evidence: Evidence, place: Floats) -> Floats:
    """(3, W, K) px^2 to a m^2 at each joint's usual distance: d / B in the picture, d^2 / B f in disparity."""
    d, camera = np.abs(place[2]), evidence.camera
    all_of_them = np.nanmedian(d) if np.isfinite(d).any() else abs(camera.baseline) * camera.focal
    known = np.isfinite(d).any(0)
    middle = np.nanmedian(np.where(known, d, all_of_them), axis=0)
    across = middle / abs(camera.baseline)
    along = middle**2 / (abs(camera.baseline) * camera.focal)
    return np.stack([across, across, along]) ** 2
