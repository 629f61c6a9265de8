"""A batch of scalar tracks smoothed at once: Kalman filter forwards, disturbance smoother backwards.

A track's state is position, velocity and acceleration, the last one a Gauss-Markov process (Singer 1970), and for each
sensor its drift, one too. A sensor sees position + its drift + white noise. Sources: R. A. Singer, "Estimating optimal
tracking filter performance for manned maneuvering targets", IEEE Trans. AES 6 (1970); J. Durbin and S. J. Koopman,
Time Series Analysis by State Space Methods, 2nd ed., 4.5-4.6 and 6.4 (one sensor after the other).

The axes of arrays are S sensors, L frames, then G tracks of W windows: the windows share their clock.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stereo3d.values import Floats

_POSITION = 1e5
"""px^2, the variance of the first position about the track's median: as good as unknown."""
_VELOCITY = 2.5e5
"""(px/s)^2: at 0.7 m half a metre a second."""
_MOTION = 3
"""States of the motion; the sensors' drifts follow."""


class Tracks(NamedTuple):
    """What is seen, and what is supposed of it."""

    seen: Floats
    """(S, L, G, W) px, NaN where a sensor sees nothing."""
    white: Floats
    """(S, L, G, W) px^2, variance of what is new in each frame; more than 0."""
    slow: Floats
    """(S, L, G, W) px^2, variance of the drift."""
    memory: tuple[float, ...]
    """(S,) s, in which each sensor's drift forgets."""
    step: Floats
    """(L - 1, W) s from each frame to the next."""
    drive: Floats
    """(L - 1, G, W) px^2/s^3, spectral density of the white noise behind the accelerations."""
    reaction: float
    """s, in which an acceleration forgets."""


class Smoothed(NamedTuple):
    """What is then known of each track."""

    place: Floats
    """(L, G, W) px."""
    variance: Floats
    """(L, G, W) px^2."""
    miss: Floats
    """(S, L, G, W) what was seen less what all the others make of it, over the variance of that: u of Durbin and
    Koopman. 0 where nothing was seen."""
    weight: Floats
    """(S, L, G, W) 1 / the variance of that difference: D of Durbin and Koopman."""
    pull: Floats
    """(L - 1, G, W) r' Q r / q: how much motion the track shows in each step, in units of the drive."""
    slack: Floats
    """(L - 1, G, W) tr(Q N) / q: how much it would show, on average, if the drive were right."""


class _Clock(NamedTuple):
    """(L - 1, W) each: how the state changes in a step, and the covariance that a drive of 1 adds."""

    step: Floats
    reach: Floats
    gain: Floats
    keep: Floats
    noise: Floats
    """(L - 1, 3, 3, W)."""


class _Filtered(NamedTuple):
    """What the way forwards leaves for the way back."""

    place: Floats
    row: Floats
    """(L, n, G, W): the position's row of the predicted covariance."""
    gain: Floats
    """(S, L, n, G, W)."""
    surprise: Floats
    """(S, L, G, W) innovation over its variance."""
    certainty: Floats
    """(S, L, G, W) 1 / the innovation's variance."""


def smooth(tracks: Tracks) -> Smoothed:
    """The tracks as all their frames together make them, with variances and what is needed to learn the noise from.

    A sensor that sees nothing for a while only lets the variance grow; so does a long step. Time is linear in L.
    """
    clock = _clock(tracks.step, tracks.reaction)
    decay = np.exp(-tracks.step / np.reshape(tracks.memory, (-1, 1, 1)))
    return _backwards(tracks, clock, decay, _forwards(tracks, clock, decay))


def _clock(step: Floats, reaction: float) -> _Clock:
    """Singer's transition and process noise for steps (L - 1, W), the drive's spectral density 1."""
    x = step / reaction
    keep = np.exp(-x)
    gain, reach = reaction * (1 - keep), reaction**2 * (x - 1 + keep)
    pp = (1 - keep**2 + 2 * x + 2 * x**3 / 3 - 2 * x**2 - 4 * x * keep) / 2 * reaction**3
    pv = (keep**2 + 1 - 2 * keep + 2 * x * keep - 2 * x + x**2) / 2 * reaction**2
    pa = (1 - keep**2 - 2 * x * keep) / 2 * reaction
    vv = (4 * keep - 3 - keep**2 + 2 * x) / 2 * reaction
    va = (keep**2 + 1 - 2 * keep) / 2
    aa = (1 - keep**2) / 2 / reaction
    noise = np.array([[pp, pv, pa], [pv, vv, va], [pa, va, aa]])
    return _Clock(step, reach, gain, keep, np.ascontiguousarray(np.moveaxis(noise, 2, 0)))


def _start(tracks: Tracks) -> tuple[Floats, Floats]:
    """The first state (n, G, W) and its covariance (n, n, G, W)."""
    sensors, length, *shape = tracks.seen.shape
    n = _MOTION + sensors
    state, covariance = np.zeros((n, *shape)), np.zeros((n, n, *shape))
    known = np.isfinite(tracks.seen)
    some = np.where(known.any((0, 1)), tracks.seen, 0.0).reshape(sensors * length, *shape)
    state[0] = np.nanmedian(some, axis=0)
    drive = tracks.drive.mean(0) if length > 1 else np.ones(shape)
    covariance[0, 0], covariance[1, 1], covariance[2, 2] = _POSITION, _VELOCITY, drive / (2 * tracks.reaction)
    for s in range(sensors):
        covariance[_MOTION + s, _MOTION + s] = tracks.slow[s, 0]
    return state, covariance


def _forwards(tracks: Tracks, clock: _Clock, decay: Floats) -> _Filtered:
    sensors, length, *shape = tracks.seen.shape
    state, covariance = _start(tracks)
    n = len(state)
    known = np.isfinite(tracks.seen)
    out = _Filtered(
        np.empty((length, *shape)), np.empty((length, n, *shape)), np.empty((sensors, length, n, *shape)),
        np.empty(tracks.seen.shape), np.empty(tracks.seen.shape),
    )
    for t in range(length):
        out.place[t], out.row[t] = state[0], covariance[0]
        for s in range(sensors):
            across = covariance[0] + covariance[_MOTION + s]
            total = across[0] + across[_MOTION + s] + tracks.white[s, t]
            certainty = np.where(known[s, t], 1 / total, 0.0)
            innovation = np.where(known[s, t], tracks.seen[s, t] - state[0] - state[_MOTION + s], 0.0)
            gain = across * certainty
            state += gain * innovation
            covariance -= gain[:, None] * across
            out.gain[s, t], out.certainty[s, t], out.surprise[s, t] = gain, certainty, innovation * certainty
        if t + 1 < length:
            _predict(tracks, clock, decay, t, state, covariance)
    return out


def _predict(tracks: Tracks, clock: _Clock, decay: Floats, t: int, state: Floats, covariance: Floats) -> None:
    """Takes the state and its covariance from frame t to the next, in place."""
    step, reach, gain, keep, noise = (part[t] for part in clock)
    for x in (state, covariance, covariance.swapaxes(0, 1)):
        x[0] += step * x[1] + reach * x[2]
        x[1] += gain * x[2]
        x[2] *= keep
        for s, kept in enumerate(decay[:, t]):
            x[_MOTION + s] *= kept
    covariance[:_MOTION, :_MOTION] += noise[:, :, None] * tracks.drive[t]
    for s, kept in enumerate(decay[:, t]):
        added = np.maximum(tracks.slow[s, t + 1] - kept**2 * tracks.slow[s, t], 0.0)
        covariance[_MOTION + s, _MOTION + s] += added


def _backwards(tracks: Tracks, clock: _Clock, decay: Floats, filtered: _Filtered) -> Smoothed:
    sensors, length, *shape = tracks.seen.shape
    n = _MOTION + sensors
    score, information = np.zeros((n, *shape)), np.zeros((n, n, *shape))
    frames, steps = (length, *shape), (max(length - 1, 0), *shape)
    out = Smoothed(
        np.empty(frames), np.empty(frames), np.empty(tracks.seen.shape), np.empty(tracks.seen.shape),
        np.empty(steps), np.empty(steps),
    )
    for t in reversed(range(length)):
        if t + 1 < length:
            _learn(out, clock.noise[t], t, score, information)
            _retreat(clock, decay, t, score, information)
        for s in reversed(range(sensors)):
            _take_back(out, filtered, s, t, score, information)
        row = filtered.row[t]
        out.place[t] = filtered.place[t] + (row * score).sum(0)
        out.variance[t] = row[0] - (row * (information * row).sum(1)).sum(0)
    return out


def _learn(out: Smoothed, noise: Floats, t: int, score: Floats, information: Floats) -> None:
    """What the step after frame t tells of the drive."""
    motion, noise = score[:_MOTION], noise[:, :, None]
    out.pull[t] = (motion * (noise * motion).sum(1)).sum(0)
    out.slack[t] = (noise * information[:_MOTION, :_MOTION]).sum((0, 1))


def _retreat(clock: _Clock, decay: Floats, t: int, score: Floats, information: Floats) -> None:
    """Takes score and information from the frame after t to t, in place: `_predict` transposed."""
    step, reach, gain, keep, _ = (part[t] for part in clock)
    for x in (score, information, information.swapaxes(0, 1)):
        x[2] *= keep
        x[2] += reach * x[0] + gain * x[1]
        x[1] += step * x[0]
        for s, kept in enumerate(decay[:, t]):
            x[_MOTION + s] *= kept


def _take_back(out: Smoothed, filtered: _Filtered, s: int, t: int, score: Floats, information: Floats) -> None:
    """Adds what sensor s saw in frame t to score and information, in place."""
    gain = filtered.gain[s, t]
    along = (information * gain).sum(1)
    miss = filtered.surprise[s, t] - (gain * score).sum(0)
    weight = filtered.certainty[s, t] + (gain * along).sum(0)
    out.miss[s, t], out.weight[s, t] = miss, weight
    both = (0, _MOTION + s)
    for i in both:
        score[i] += miss
        information[i] -= along
    for i in both:
        information[:, i] -= along
        for j in both:
            information[i, j] += weight
