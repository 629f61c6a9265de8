"""A batch of scalar tracks smoothed at once: Kalman filter forwards, disturbance smoother backwards.

A track's state is position, velocity and acceleration, the last one a Gauss-Markov process (Singer 1970), and what each
sensor would see without noise: position + its drift, one too. So a sensor sees one of the n = 3 + S states and white
noise. Sources: R. A. Singer, "Estimating optimal tracking filter performance for manned maneuvering targets", IEEE
Trans. AES 6 (1970); J. Durbin and S. J. Koopman, Time Series Analysis by State Space Methods, 2nd ed., 4.5-4.6 and 6.4
(one sensor after the other).

The axes of arrays are S sensors, L frames, W windows with a clock each, then G tracks. What is known of a state is one
array (W, n + 1, n, G): its covariance, and below it its mean as one more row, since both go the same ways. On the way
back it is the information matrix and minus the score.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from stereo3d.values import Floats

_POSITION = 1e5
"""px^2, the variance of the first position about the track's mean: as good as unknown."""
_VELOCITY = 2.5e5
"""(px/s)^2: at 0.7 m half a metre a second."""
_ALIKE = 1e-7
"""s, by what clocks may differ that are taken for one: far less than cameras know of theirs."""
_MOTION = 3
"""States of the motion; what the sensors would see follows."""


class Tracks(NamedTuple):
    """What is seen, and what is supposed of it."""

    seen: Floats
    """(S, L, W, G) px, NaN where a sensor sees nothing."""
    white: Floats
    """(S, L, W, G) px^2, variance of what is new in each frame; more than 0."""
    slow: Floats
    """(S, L, W, G) px^2, variance of the drift."""
    memory: tuple[float, ...]
    """(S,) s, in which each sensor's drift forgets."""
    step: Floats
    """(L - 1, W) s from each frame to the next."""
    drive: Floats
    """(L - 1, W, G) px^2/s^3, spectral density of the white noise behind the accelerations."""
    reaction: float
    """s, in which an acceleration forgets."""


class Smoothed(NamedTuple):
    """What is then known of each track."""

    place: Floats
    """(L, W, G) px."""
    variance: Floats
    """(L, W, G) px^2."""


class Told(NamedTuple):
    """What the tracks tell of what was supposed of them."""

    miss: Floats
    """(S, L, W, G) what was seen less what all the others make of it, over the variance of that: u of Durbin and
    Koopman. 0 where nothing was seen."""
    weight: Floats
    """(S, L, W, G) 1 / the variance of that difference: D of Durbin and Koopman."""
    pull: Floats
    """(L - 1, W, G) r' Q r / q: how much motion the track shows in each step, in units of the drive."""
    slack: Floats
    """(L - 1, W, G) tr(Q N) / q: how much it would show, on average, if the drive were right."""


class _Clock(NamedTuple):
    change: Floats
    """(L - 1, W, n, n): how the state changes in a step."""
    noise: Floats
    """(L - 1, W, n, n): the covariance that a drive of 1 adds to it."""
    driven: Floats
    """(L - 1, W, n + 1, n, n + 1): for each row of what is known the change, and beside it that row of the noise."""


class _Filtered(NamedTuple):
    """What the way forwards leaves for the way back."""

    row: Floats
    """(L, W, n + 1, G): the position's covariance with the predicted state, and the predicted position."""
    gain: Floats
    """(S, L, W, n + 1, G), and minus the innovation over its variance."""
    certainty: Floats
    """(S, L, W, G) 1 / the innovation's variance."""


def smooth(tracks: Tracks) -> Smoothed:
    """The tracks as all their frames together make them, with variances.

    A sensor that sees nothing for a while only lets the variance grow; so does a long step. Time is linear in L.
    """
    one = _of_one_clock(tracks)
    clock = _clock(one)
    filtered = _forwards(one, clock)
    n = len(filtered.row[0, 0]) - 1
    toward = np.empty(filtered.row.shape)
    for t, left in _backwards(clock, filtered, *_unknown(filtered)):
        toward[t] = _times(left, filtered.row[t, :, :n])
    variance = filtered.row[:, :, 0] - np.einsum("twig,twig->twg", filtered.row[:, :, :n], toward[:, :, :n])
    shape = tracks.seen.shape[1:]
    return Smoothed((filtered.row[:, :, n] - toward[:, :, n]).reshape(shape), variance.reshape(shape))


def tell(tracks: Tracks) -> Told:
    """What is needed to learn the noise and the drive from."""
    one = _of_one_clock(tracks)
    clock = _clock(one)
    filtered = _forwards(one, clock)
    steps, w, n = clock.change.shape[:3]
    score, slack = np.empty((steps, w, n, filtered.row.shape[-1])), np.empty((steps, w, 1, filtered.row.shape[-1]))
    trace = clock.noise.reshape(steps, w, 1, n * n)
    miss, weight = _unknown(filtered)
    for t, left in _backwards(clock, filtered, miss, weight):
        if t:
            score[t - 1] = left[:, n]
            np.matmul(trace[t - 1], left[:, :n].reshape(w, n * n, -1), out=slack[t - 1])
    pull = np.einsum("twig,twig->twg", score, clock.noise @ score)
    seen, drive = tracks.seen.shape, tracks.drive.shape
    return Told(miss.reshape(seen), weight.reshape(seen), pull.reshape(drive), slack.reshape(drive))


def _of_one_clock(tracks: Tracks) -> Tracks:
    """The same tracks as those of one window, where all windows' clocks are alike: fewer, larger products."""
    if (np.abs(tracks.step - tracks.step[:, :1]) > _ALIKE).any():
        return tracks
    w, g = tracks.seen.shape[2:]
    seen, white, slow, drive = (
        x.reshape(*x.shape[:-2], 1, w * g) for x in (tracks.seen, tracks.white, tracks.slow, tracks.drive))
    return tracks._replace(seen=seen, white=white, slow=slow, drive=drive, step=tracks.step[:, :1])


def _clock(tracks: Tracks) -> _Clock:
    """Singer's transition and process noise, carried over to what the sensors see."""
    step, reaction, n = tracks.step, tracks.reaction, _MOTION + len(tracks.seen)
    x = step / reaction
    keep = np.exp(-x)
    gain, reach = reaction * (1 - keep), reaction**2 * (x - 1 + keep)
    pp = (1 - keep**2 + 2 * x + 2 * x**3 / 3 - 2 * x**2 - 4 * x * keep) / 2 * reaction**3
    pv = (keep**2 + 1 - 2 * keep + 2 * x * keep - 2 * x + x**2) / 2 * reaction**2
    pa = (1 - keep**2 - 2 * x * keep) / 2 * reaction
    vv = (4 * keep - 3 - keep**2 + 2 * x) / 2 * reaction
    va = (keep**2 + 1 - 2 * keep) / 2
    aa = (1 - keep**2) / 2 / reaction
    noise = np.moveaxis(np.array([[pp, pv, pa], [pv, vv, va], [pa, va, aa]]), (0, 1), (2, 3))
    change = np.zeros((*step.shape, n, n))
    for state, row in enumerate(((1, step, reach), (0, 1, gain), (0, 0, keep))):
        for i, part in enumerate(row):
            change[..., state, i] = part
    for state, memory in enumerate(tracks.memory, _MOTION):
        kept = np.exp(-step / memory)
        change[..., state, :] = change[..., 0, :]
        change[..., state, 0] -= kept
        change[..., state, state] = kept
    moved = [*range(_MOTION), *[0] * (n - _MOTION)]
    noise = noise[:, :, moved][..., moved]
    driven = np.zeros((*step.shape, n + 1, n, n + 1))
    driven[..., :n], driven[:, :, :n, :, n] = change[:, :, None], noise
    return _Clock(change, noise, driven)


def _start(tracks: Tracks) -> tuple[Floats, Floats]:
    """What is known at first (W, n + 1, n, G), and the mean (W, G) that places are counted from."""
    sensors, length, w, g = tracks.seen.shape
    n = _MOTION + sensors
    known = np.isfinite(tracks.seen)
    some = np.where(known.any((0, 1)), tracks.seen, 0.0)
    state = np.zeros((w, n + 1, n, g))
    for i in (0, *range(_MOTION, n)):
        state[:, i, [0, *range(_MOTION, n)]] = _POSITION
    state[:, 1, 1] = _VELOCITY
    state[:, 2, 2] = (tracks.drive.mean(0) if length > 1 else 1.0) / (2 * tracks.reaction)
    for s in range(sensors):
        state[:, _MOTION + s, _MOTION + s] += tracks.slow[s, 0]
    return state, np.nanmean(some, axis=(0, 1))


def _forwards(tracks: Tracks, clock: _Clock) -> _Filtered:
    sensors, length, w, g = tracks.seen.shape
    state, middle = _start(tracks)
    n = state.shape[2]
    seen = np.where(np.isfinite(tracks.seen), tracks.seen - middle, 0.0)
    white = np.where(np.isfinite(tracks.seen), tracks.white, np.inf)
    kept = clock.change[:, :, range(_MOTION, n), range(_MOTION, n)].transpose(2, 0, 1)[..., None]
    drifted = np.maximum(tracks.slow[:, 1:] - kept**2 * tracks.slow[:, :-1], 0.0)
    out = _Filtered(
        np.empty((length, w, n + 1, g)), np.empty((sensors, length, w, n + 1, g)), np.empty(tracks.seen.shape))
    room, outer = np.empty((w, n + 1, n + 1, g)), np.empty_like(state)
    for t in range(length):
        if t:
            room[:, :, n] = tracks.drive[t - 1][:, None]
            _move(state, clock.change[t - 1], clock.driven[t - 1], room)
            for s in range(sensors):
                state[:, _MOTION + s, _MOTION + s] += drifted[s, t - 1]
        out.row[t] = state[:, :, 0]
        for s in range(sensors):
            across = state[:, :, _MOTION + s].copy()
            across[:, n] -= seen[s, t]
            out.certainty[s, t] = 1 / (across[:, _MOTION + s] + white[s, t])
            gain = np.multiply(across, out.certainty[s, t][:, None], out=out.gain[s, t])
            state -= np.multiply(gain[:, :, None], across[:, None, :n], out=outer)
    out.row[:, :, n] += middle
    return out


def _move(state: Floats, first: Floats, then: Floats, room: Floats) -> None:
    """F C F' of the upper rows and F x of the last one, in place: `first` (W, n, n) from the left, `then` each row."""
    w, _, n, g = state.shape
    np.matmul(first, state[:, :n].reshape(w, n, n * g), out=room[:, :n, :n].reshape(w, n, n * g))
    room[:, n, :n] = state[:, n]
    np.matmul(then, room, out=state)


def _unknown(filtered: _Filtered) -> tuple[Floats, Floats]:
    """Room for what the way back finds: misses, and their weights."""
    return np.empty(filtered.certainty.shape), np.empty(filtered.certainty.shape)


def _backwards(clock: _Clock, filtered: _Filtered, miss: Floats, weight: Floats) -> Iterator[tuple[int, Floats]]:
    """Each frame from the last to the first, with what it and all after it tell of the state predicted for it."""
    length, w, m, g = filtered.row.shape
    n, state = m - 1, np.zeros((w, m, m - 1, g))
    back, room = np.ascontiguousarray(clock.change.swapaxes(-1, -2)), np.empty_like(state)
    for t in reversed(range(length)):
        if t + 1 < length:
            _move(state, back[t], back[t][:, None], room)
        for s in reversed(range(len(miss))):
            gain, here = filtered.gain[s, t], _MOTION + s
            along = _times(state, gain[:, :n])
            along[:, n] -= gain[:, n]
            miss[s, t] = along[:, n]
            weight[s, t] = filtered.certainty[s, t] + np.einsum("wig,wig->wg", gain[:, :n], along[:, :n])
            along[:, here] -= weight[s, t] / 2
            state[:, :, here] -= along
            state[:, here] -= along[:, :n]
        yield t, state


def _times(state: Floats, x: Floats) -> Floats:
    """(W, n + 1, G) the rows of what is known times x (W, n, G)."""
    return np.asarray(np.einsum("wijg,wjg->wig", state, x))
