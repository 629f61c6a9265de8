"""A batch of scalar tracks smoothed at once: Kalman filter forwards, disturbance smoother backwards.

A track's state is position, velocity and acceleration, the last one a Gauss-Markov process (Singer 1970), and what each
sensor would see without noise: position + its drift, one too. So a sensor sees one of the n = 3 + S states and white
noise. Sources: that of `singer`; J. Durbin and S. J. Koopman, Time Series Analysis by State Space Methods, 2nd ed.,
4.5-4.6 and 6.4 (one sensor after the other).

Windows of L frames go side by side. Each one comes after the one before it and tells its neighbours how it ends for the
next round, of which learning the noise takes some anyway: so what costs is the length of a window, not that of the
recording.

The axes of arrays are S sensors, L frames, W windows, G tracks; inside, N = W G. What is known of a state is one array
(n + 1, n, N): its covariance, and below it its mean as one more row, since both go the same ways. On the way back it is
the information matrix and minus the score.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stereo3d.refinement.singer import MOTION, Clock, clocks
from stereo3d.values import Floats

_POSITION = 1e5
"""px^2, the variance of the first position about the track's mean: as good as unknown."""
_VELOCITY = 2.5e5
"""(px/s)^2: at 0.7 m half a metre a second."""


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
    """(L, W) s from each frame to the next; from a window's last to the first one of the next window."""
    drive: Floats
    """(L, W, G) px^2/s^3, spectral density of the white noise behind the accelerations, in each step."""
    reaction: float
    """s, in which an acceleration forgets."""


class Ends(NamedTuple):
    """What the windows of one round tell their neighbours in the next."""

    before: Floats
    """(n + 1, n, N) of each window's first state, what the windows before it predict."""
    after: Floats
    """(n + 1, n, N) of each window's first state, what it and the windows after it tell..."""
    about: Floats
    """(n + 1, n, N) ...about what was predicted then."""


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
    """(L, W, G) r' Q r / q: how much motion the track shows in each step, in units of the drive."""
    slack: Floats
    """(L, W, G) tr(Q N) / q: how much it would show, on average, if the drive were right."""


class _Filtered(NamedTuple):
    """What the way forwards leaves for the way back."""

    row: Floats
    """(L, n + 1, N): the position's covariance with the state, and the position, before the step to the next frame."""
    gain: Floats
    """(S, L, n + 1, N), and minus the innovation over its variance."""
    certainty: Floats
    """(S, L, N) 1 / the innovation's variance."""
    onward: Floats
    """(n + 1, n, N) what is predicted for the next window's first state."""


class _Known:
    """What is known of the states, and room to take it from frame to frame."""

    def __init__(self, state: Floats, n_clocks: int, *, driven: bool = False) -> None:
        n, n_tracks = state.shape[1:]
        self.state, self.room = state, np.empty((n + 1, n + driven, n_tracks))
        self._mean, self._mean_there = state[n], self.room[n, :n]
        self._covariance, self._half, self._there, self._here = (
            x.reshape(*x.shape[:2], n_clocks, -1).transpose(2, 0, 1, 3)
            for x in (state[:n], self.room[:n, :n], self.room, state))
        self._half = self._half.swapaxes(1, 2)
        self._elements = state[:n].reshape(n * n, n_clocks, -1).swapaxes(0, 1)

    def move(self, change: Floats, of_rows: Floats) -> None:
        """F C F' of the upper rows and F x of the last one: F (C, 1, n, n), then what is for each row."""
        np.matmul(change, self._covariance, out=self._half)
        self._mean_there[:] = self._mean
        np.matmul(of_rows, self._there, out=self._here)

    def trace(self, noise: Floats) -> Floats:
        """(C, 1, N / C) tr(Q C) of Q (C, 1, n^2)."""
        return np.asarray(noise @ self._elements)


class _Way(NamedTuple):
    """There, and what the way back begins with."""

    clock: Clock
    middle: Floats
    """(G,) the mean that places count from."""
    first: Floats
    """(n + 1, n, N) what is known of any window's first state by itself."""
    before: Floats
    """(n + 1, n, N) what the windows begin with."""
    filtered: _Filtered
    left: _Known
    """What later frames tell; to begin with, what the windows after a window told."""

    @classmethod
    def there(cls, tracks: Tracks, ends: Ends | None) -> _Way:
        clock, first, middle = clocks(tracks.step, tracks.reaction, tracks.memory), *_start(tracks)
        before = first if ends is None else ends.before
        filtered = _forwards(tracks, clock, before, middle)
        left = _Known(_finish(filtered, ends, len(middle)), clock.noise.shape[1])
        return cls(clock, middle, first, before, filtered, left)

    def ends(self) -> Ends:
        """Once the way back is done: the first window begins with `first`, the others where those before them end."""
        g, onward = len(self.middle), self.first.copy()
        onward[..., g:] = self.filtered.onward[..., :-g]
        return Ends(onward, self.left.state, self.before)


def smooth(tracks: Tracks, ends: Ends | None = None) -> tuple[Smoothed, Ends]:
    """The tracks as all frames of each window and what others told last time make them; and what they tell next time.

    A sensor that sees nothing for a while only lets the variance grow; so does a long step. Time is linear in L W.
    """
    way = _Way.there(tracks, ends)
    clock, filtered, left = way.clock, way.filtered, way.left
    n, toward = left.state.shape[1], np.empty(filtered.row.shape)
    for t in reversed(range(len(toward))):
        left.move(clock.back[t], clock.back[t])
        toward[t] = _times(left.state, filtered.row[t, :n])
        for s in reversed(range(len(tracks.seen))):
            _take_back(left.state, filtered, s, t)
    variance = filtered.row[:, 0] - np.einsum("tig,tig->tg", filtered.row[:, :n], toward[:, :n])
    shape = tracks.seen.shape[1:]
    found = Smoothed((filtered.row[:, n] - toward[:, n]).reshape(shape) + way.middle, variance.reshape(shape))
    return found, way.ends()


def tell(tracks: Tracks, ends: Ends | None = None) -> tuple[Told, Ends]:
    """What is needed to learn the noise and the drive from, and what the windows tell each other for the next round."""
    way = _Way.there(tracks, ends)
    clock, filtered, left = way.clock, way.filtered, way.left
    (length, n_clocks, n), n_tracks = clock.noise.shape[:3], left.state.shape[-1]
    miss, weight = np.empty(filtered.certainty.shape), np.empty(filtered.certainty.shape)
    score, slack = np.empty((length, n, n_tracks)), np.empty((length, n_clocks, 1, n_tracks // n_clocks))
    noise = clock.noise.reshape(length, n_clocks, 1, n * n)
    for t in reversed(range(length)):
        score[t], slack[t] = left.state[n], left.trace(noise[t])
        left.move(clock.back[t], clock.back[t])
        for s in reversed(range(len(miss))):
            miss[s, t], weight[s, t] = _take_back(left.state, filtered, s, t)
    by_clock = score.reshape(length, n, n_clocks, -1).swapaxes(1, 2)
    pull = np.einsum("tcig,tcig->tcg", by_clock, clock.noise @ by_clock)
    seen, drive = tracks.seen.shape, tracks.drive.shape
    told = Told(miss.reshape(seen), weight.reshape(seen), pull.reshape(drive), slack.reshape(drive))
    return told, way.ends()


def _start(tracks: Tracks) -> tuple[Floats, Floats]:
    """What is known of any window's first state by itself (n + 1, n, N), and the mean (G,) that places count from."""
    seen = [0, *range(MOTION, MOTION + len(tracks.seen))]
    n = MOTION + len(tracks.seen)
    state = np.zeros((n + 1, n, *tracks.seen.shape[2:]))
    state[np.ix_(seen, seen)] = _POSITION
    state[1, 1], state[2, 2] = _VELOCITY, tracks.drive[0] / (2 * tracks.reaction)
    for s, slow in enumerate(tracks.slow, MOTION):
        state[s, s] += slow[0]
    known = np.isfinite(tracks.seen)
    total, number = np.where(known, tracks.seen, 0.0).sum((0, 1)), known.sum((0, 1))
    middle = total.sum(0) / np.maximum(number.sum(0), 1)
    state[n, seen] = np.where(number > 0, total / np.maximum(number, 1) - middle, 0.0)
    return state.reshape(n + 1, n, -1), middle


def _forwards(tracks: Tracks, clock: Clock, before: Floats, middle: Floats) -> _Filtered:
    sensors, length, w, g = tracks.seen.shape
    known, n = _Known(before.copy(), clock.noise.shape[1], driven=True), before.shape[1]
    state, outer = known.state, np.empty(before.shape)
    there = np.isfinite(tracks.seen)
    seen = np.where(there, tracks.seen - middle, 0.0).reshape(sensors, length, -1)
    white = np.where(there, tracks.white, np.inf).reshape(sensors, length, -1)
    drive, drifted = tracks.drive.reshape(length, -1), _drifted(tracks)
    out = _Filtered(
        np.empty((length, n + 1, w * g)), np.empty((sensors, length, n + 1, w * g)), np.empty(seen.shape), state)
    for t in range(length):
        for s in range(sensors):
            across = state[:, MOTION + s].copy()
            across[n] -= seen[s, t]
            certainty = np.divide(1, across[MOTION + s] + white[s, t], out=out.certainty[s, t])
            gain = np.multiply(across, certainty, out=out.gain[s, t])
            state -= np.multiply(gain[:, None], across[:n], out=outer)
        out.row[t] = state[:, 0]
        known.room[:, n] = drive[t]
        known.move(clock.change[t], clock.driven[t])
        for s in range(sensors):
            state[MOTION + s, MOTION + s] += drifted[s, t]
    return out


def _drifted(tracks: Tracks) -> Floats:
    """(S, L, N) px^2, what each step adds to the drifts' variance."""
    sensors, length, w, g = tracks.seen.shape
    whole = tracks.slow.swapaxes(1, 2).reshape(sensors, -1, g)
    after = np.concatenate([whole[:, 1:], whole[:, -1:]], 1).reshape(sensors, w, length, g).swapaxes(1, 2)
    kept = np.exp(-2 * tracks.step / np.reshape(tracks.memory, (-1, 1, 1)))[..., None]
    return np.asarray(np.maximum(after - kept * tracks.slow, 0.0).reshape(sensors, length, -1))


def _finish(filtered: _Filtered, ends: Ends | None, g: int) -> Floats:
    """(n + 1, n, N) what the next window and those after it tell of the state predicted for its first frame.

    They told it about another prediction: with dC and dx what it has changed by, N' = (1 + N dC)^-1 N and
    r' = (1 + N dC)^-1 (r - N dx).
    """
    n, left = filtered.onward.shape[1], np.zeros_like(filtered.onward)
    if ends is not None and left.shape[-1] > g:
        told, changed = ends.after[..., g:].copy(), filtered.onward[..., :-g] - ends.about[..., g:]
        told[n] += _times(told[:n], changed[n])
        turn = np.eye(n) + np.einsum("ijg,jkg->gik", told[:n], changed[:n])
        left[..., :-g] = np.linalg.solve(turn, told.transpose(2, 1, 0)).transpose(2, 1, 0)
    return left


def _take_back(state: Floats, filtered: _Filtered, s: int, t: int) -> tuple[Floats, Floats]:
    """Adds what sensor s saw in frame t to what is told, in place, and gives its miss and the weight of that (N,)."""
    gain, here, n = filtered.gain[s, t], MOTION + s, state.shape[1]
    along = _times(state, gain[:n])
    along[n] -= gain[n]
    miss = along[n]
    weight: Floats = filtered.certainty[s, t] + np.einsum("ig,ig->g", gain[:n], along[:n])
    along[here] -= weight / 2
    state[:, here] -= along
    state[here] -= along[:n]
    return miss, weight


def _times(state: Floats, x: Floats) -> Floats:
    """(..., N) the rows of what is known (..., n, N) times x (n, N)."""
    return np.asarray(np.einsum("ijg,jg->ig", state, x))
