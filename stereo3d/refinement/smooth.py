"""Tracks smoothed in (xc, v, d), their noise and their liveliness learned from the recording itself.

Each joint has one liveliness, the same in all directions of space, which changes as the infant rests, writhes or
startles; what a joint shows in the picture's plane, where it is seen best, so tells how much its disparity may move.
It is learned by making the disturbances that the smoother finds as large as they ought to be (the condition that the
likelihood is greatest: S. J. Koopman, "Disturbance smoother for state space models", Biometrika 80 (1993)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter1d

from stereo3d.refinement import kalman
from stereo3d.refinement.constant import Noises
from stereo3d.refinement.evidence import Evidence
from stereo3d.refinement.sensors import Sensors, View, scaled, stretches, usual_step, view
from stereo3d.refinement.windows import in_order, side_by_side, windows
from stereo3d.values import Floats, Ints

REACTION = 0.06
"""s, how long an acceleration lasts. Against truth of 2.5 and 10 s: 0.05 to 0.07 keep path length alike; the longer,
the truer is jerk, but the later a startle is followed."""
LIVELIER = 2.0
"""By what the learned liveliness is raised in the end: the best guess of a track is smoother than the track."""
_PIECE, _FEWEST = 1.2, 16
"""s of the windows that tracks are cut into, which tell each other how they end, and their frames at least."""
_STRETCH, _MARGIN = 900, 90
"""Frames that are cut into such windows at once, and how many of them once more with the next ones."""
_SAMPLE, _SAMPLES = 240, 8
"""Frames of a stretch that noise and usual liveliness are learned on, and how many stretches."""
_ROUNDS, _LOCAL_ROUNDS, _LAST_ROUNDS = 4, 2, 2
"""For what holds throughout, for what changes with time, and, with all that settled, for the tracks."""
_POOL = 0.27
"""s, over which liveliness is even."""
_FIRST = 0.02
"""m^2/s^3 to begin with."""
_DOUBT, _LOCAL_DOUBT = 20.0, 0.3
"""Disturbances as expected that are added to those found, for all of a joint and around one frame."""
_LEAST = 1e-4
"""As many times a joint's usual liveliness is the least at any time."""
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
    """(3, K) variance over that of the evidence's sigma."""
    stretch: Floats
    """(3, K) px^2 along each axis that a square metre makes."""


@dataclass(slots=True)
class _Course:
    """What changes with time; L W frames, or T."""

    drive: Floats
    """(..., K) m^2/s^3, liveliness."""
    weight: Floats
    """(S, ..., K) of what the detectors say of a joint in a frame, and of the match: less than 1 for gross errors."""
    ends: list[kalman.Ends] | None = None
    """How the windows ended in the last round."""


def smoothed(evidence: Evidence, noises: Noises) -> Sure:
    """The tracks without jitter, sigma without the noise's constant part. Frames in which nothing was seen are
    guessed from those around, and their sigma grows with the distance."""
    t, k = evidence.score.shape
    model, known = _learned(evidence, noises)
    parts = windows(t, _STRETCH, _MARGIN)
    place, variance = np.zeros((t, k, 3)), np.zeros((t, k, 3))
    for rows, share in zip(parts.rows().T, parts.shares().T):
        seen = scaled(view(evidence, noises, _cut(evidence, rows), model.stretch), model.scale)
        course = _first_course(seen, model)
        if len(parts) == 1:
            course.ends = known.ends  # of the same frames
        else:
            _told(seen, course)
        _settle(seen, model, course, len(rows))
        for out, found in zip((place, variance), _finished(seen, course)):
            out[rows] += share[:, None, None] * in_order(found, len(rows))
    return Sure(place, np.sqrt(np.maximum(variance, 0.0)), np.sqrt(model.scale.T))


def _learned(evidence: Evidence, noises: Noises) -> tuple[_Model, _Course]:
    """Usual liveliness and the scale of the noise, from some of the frames, and the course of these."""
    t, k = evidence.score.shape
    rows = np.unique(windows(t, _SAMPLE, 0).some(_SAMPLES).rows())
    model = _Model(np.full(k, _FIRST), np.ones((3, k)), stretches(evidence))
    plain = view(evidence, noises, _cut(evidence, rows), model.stretch)
    course = _first_course(plain, model)
    share = noises.detector.white / max(noises.detector.total, 1e-12)
    for _ in range(_ROUNDS):
        seen = scaled(plain, model.scale)
        course.drive = np.broadcast_to(model.drive, course.drive.shape)
        found = _told(seen, course)
        pull, slack = (x.sum((0, 1)) for x in _motion(seen, found, course.drive))
        model.drive *= np.clip((pull + _DOUBT) / (slack + _DOUBT), 0.1, 10) ** 1.5
        model.scale *= _misjudged(seen, found, course.weight) ** share
        course.weight = _weights(seen, found, course.weight)
    return model, course


def _settle(seen: View, model: _Model, course: _Course, size: int) -> None:
    for _ in range(_LOCAL_ROUNDS):
        found = _told(seen, course)
        pull, slack = (_pooled(x, _POOL / seen.usual, size) + _LOCAL_DOUBT for x in _motion(seen, found, course.drive))
        course.drive = np.maximum(course.drive * (pull / slack) ** 2, _LEAST * model.drive)
        course.weight = _weights(seen, found, course.weight)


def _finished(seen: View, course: _Course) -> tuple[Floats, Floats]:
    """(L, W, K, 3) px and px^2, places and their variances, livelier than was found."""
    course.drive = LIVELIER * course.drive
    found = []
    for sensors, ends in zip(seen.sensors, course.ends or []):
        tracks = _tracks(sensors, seen, course)
        for _ in range(_LAST_ROUNDS):
            one, ends = kalman.smooth(tracks, ends)
        found.append([x.reshape(*seen.step.shape, *sensors.stretch.shape) for x in one])
    place, variance = (np.concatenate(x, 2).swapaxes(2, 3) for x in zip(*found))
    return place, variance


def _cut(evidence: Evidence, rows: Ints) -> Ints:
    """(L, W) those frames (N,) in windows, each after the one before."""
    n_windows = -(-len(rows) // max(_FEWEST, round(_PIECE / usual_step(evidence))))
    return side_by_side(rows, -(-len(rows) // n_windows))


def _first_course(seen: View, model: _Model) -> _Course:
    shape = (*seen.step.shape, len(model.drive))
    return _Course(np.broadcast_to(model.drive, shape), np.ones((len(seen.sensors[-1].seen), *shape)))


def _tracks(sensors: Sensors, seen: View, course: _Course) -> kalman.Tracks:
    """All coordinates that as many sensors see, beside each other: what a short recording costs is the number of steps
    and not what is in them."""
    n, *shape = sensors.seen.shape
    flat = (n, *shape[:2], -1)
    white = sensors.white / course.weight[:n, :, :, None]
    drive = course.drive[:, :, None] * sensors.stretch
    return kalman.Tracks(
        sensors.seen.reshape(flat), white.reshape(flat), sensors.slow.reshape(flat), sensors.memory, seen.step,
        drive.reshape(flat[1:]), REACTION)


def _told(seen: View, course: _Course) -> list[kalman.Told]:
    """What all coordinates tell (..., L, W, A, K)."""
    found, ends = [], []
    for i, sensors in enumerate(seen.sensors):
        one, after = kalman.tell(_tracks(sensors, seen, course), course.ends[i] if course.ends else None)
        shape = (*seen.step.shape, *sensors.stretch.shape)
        found.append(kalman.Told(*(x.reshape(*x.shape[:-3], *shape) for x in one)))
        ends.append(after)
    course.ends = ends
    return found


def _motion(seen: View, found: list[kalman.Told], drive: Floats) -> tuple[Floats, Floats]:
    """(L, W, K) disturbances as found and as expected, of all three coordinates together."""
    pull, slack = np.zeros(drive.shape), np.zeros(drive.shape)
    for sensors, one in zip(seen.sensors, found):
        pull += drive * np.einsum("twak,ak->twk", one.pull, sensors.stretch)
        slack += drive * np.einsum("twak,ak->twk", one.slack, sensors.stretch)
    return pull, slack


def _pooled(x: Floats, frames: float, size: int) -> Floats:
    """(L, W, K) sums over about 2.5 times as many frames, of which there are `size` with a step less between them."""
    steps = in_order(x, max(size - 1, 1))
    even = gaussian_filter1d(steps, frames, axis=0, mode="nearest") * np.sqrt(2 * np.pi) * frames
    return side_by_side(np.append(even, even[-1:], 0)[:size], len(x))


def _misjudged(seen: View, found: list[kalman.Told], weight: Floats) -> Floats:
    """(3, K) by what the variance of the detectors' white noise ought to be multiplied: never by more than 1, as rows
    told it already and what seems more is movement."""
    out = []
    for sensors, one in zip(seen.sensors, found):
        white = sensors.white[0] / weight[0, :, :, None]
        pull, slack = (white * one.miss[0] ** 2).sum((0, 1)), (white * one.weight[0]).sum((0, 1))
        out.append((pull + _DOUBT) / (slack + _DOUBT))
    return np.asarray(np.clip(np.concatenate(out), 0.25, 1.0))


def _weights(seen: View, found: list[kalman.Told], weight: Floats) -> Floats:
    """(S, L, W, K) below 1 where something lies far from what all else makes of it."""
    squares = []
    for sensors, one in zip(seen.sensors, found):
        extra = sensors.white * (1 - 1 / weight[:len(sensors.seen), :, :, None])
        with np.errstate(divide="ignore", invalid="ignore"):
            squares.append(np.where(one.weight > 0, (one.miss / one.weight) ** 2 / (1 / one.weight + extra), 0.0))
    detectors = _falling(sum(square[0].sum(2) for square in squares), _GROSS[3])
    match = _falling(squares[-1][1:, :, :, 0], _GROSS[1])
    return np.concatenate([detectors[None], match])


def _falling(square: Floats, limit: float) -> Floats:
    return np.asarray(np.minimum(1.0, (limit / np.maximum(square, limit)) ** 2) + 1e-6)
