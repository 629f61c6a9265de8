"""The smoother against dense least squares over all frames at once, and against what the likelihood's slope must be."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import expm

from stereo3d.refinement.kalman import Tracks, smooth, tell

REACTION = 0.05


def drawn(sensors: int = 2, length: int = 9, windows: int = 2, groups: int = 2, *, seed: int = 0) -> Tracks:
    """Tracks with uneven steps, uneven noise and holes."""
    rng = np.random.default_rng(seed)
    shape = (sensors, length, windows, groups)
    seen = 300 + 5 * rng.standard_normal(shape)
    seen[rng.random(shape) < 0.25] = np.nan
    step = rng.uniform(0.02, 0.05, (length, windows))
    slow = np.broadcast_to(rng.uniform(0.2, 2, (sensors, 1, 1, groups)), shape)
    drive = rng.uniform(50, 500, shape[1:])
    return Tracks(seen, rng.uniform(0.5, 2, shape), slow, tuple(rng.uniform(0.2, 1, sensors)), step, drive, REACTION)


def of_window(tracks: Tracks, w: int) -> Tracks:
    at = slice(w, w + 1)
    parts = {n: getattr(tracks, n)[..., at, :] for n in ("seen", "white", "slow", "drive")}
    return tracks._replace(step=tracks.step[:, at], **parts)


def as_one(tracks: Tracks) -> Tracks:
    """All windows in one."""
    parts = {n: as_one_window(getattr(tracks, n)) for n in ("seen", "white", "slow", "drive")}
    return tracks._replace(step=tracks.step.T.reshape(-1, 1), **parts)


def as_one_window(x: np.ndarray) -> np.ndarray:
    return x.swapaxes(-3, -2).reshape(*x.shape[:-3], -1, 1, x.shape[-1])


def _transition(step: float) -> np.ndarray:
    return expm(step * np.array([[0, 1, 0], [0, 0, 1], [0, 0, -1 / REACTION]]))


def _process_noise(step: float) -> np.ndarray:
    """Van Loan's integral, the acceleration drawn to a white one: independent of Singer's closed forms."""
    a, q = np.array([[0, 1, 0], [0, 0, 1], [0, 0, -1 / REACTION]]), np.diag([0, 0, 1 / REACTION**2])
    block = expm(step * np.block([[-a, q], [np.zeros((3, 3)), a.T]]))
    return block[3:, 3:].T @ block[:3, 3:]


def dense(tracks: Tracks, w: int, g: int) -> tuple[np.ndarray, np.ndarray]:
    """(L, S + 1) mean of position and drifts, and (L,) variance of the position, from the whole prior covariance."""
    sensors, length = tracks.seen.shape[:2]
    n = 3 + sensors
    blocks = np.zeros((length, n, length, n))
    now = np.diag([1e5, 2.5e5, tracks.drive[0, w, g] / (2 * REACTION), *tracks.slow[:, 0, w, g]])
    steps = []
    for t in range(length):
        if t:
            h = tracks.step[t - 1, w]
            f = np.diag([0, 0, 0, *np.exp(-h / np.array(tracks.memory))])
            f[:3, :3] = _transition(h)
            q = np.zeros((n, n))
            q[:3, :3] = _process_noise(h) * tracks.drive[t - 1, w, g]
            for s in range(sensors):
                q[3 + s, 3 + s] = tracks.slow[s, t, w, g] * (1 - f[3 + s, 3 + s] ** 2)
            now = f @ now @ f.T + q
            steps.append(f)
        across = now
        for s in range(t, length):
            blocks[s, :, t], blocks[t, :, s] = across, across.T
            across = _step_matrix(tracks, s, w) @ across if s + 1 < length else across
    prior = blocks.reshape(length * n, length * n)
    rows, y, white = [], [], []
    for s in range(sensors):
        for t in range(length):
            if np.isfinite(tracks.seen[s, t, w, g]):
                row = np.zeros((length, n))
                row[t, 0] = row[t, 3 + s] = 1
                rows.append(row.ravel())
                y.append(tracks.seen[s, t, w, g])
                white.append(tracks.white[s, t, w, g])
    h, middle = np.array(rows), np.nanmean(tracks.seen[:, :, w, g])
    mean = np.zeros((length, n))
    mean[:, 0] = middle
    gain = prior @ h.T @ np.linalg.inv(h @ prior @ h.T + np.diag(white))
    mean += (gain @ (np.array(y) - middle)).reshape(length, n)
    left = np.diagonal(prior - gain @ h @ prior).reshape(length, n)
    return mean[:, [0, *range(3, n)]], left[:, 0]


def _step_matrix(tracks: Tracks, t: int, w: int) -> np.ndarray:
    h = tracks.step[t, w]
    f = np.diag([0.0, 0, 0, *np.exp(-h / np.array(tracks.memory))])
    f[:3, :3] = _transition(h)
    return f


@pytest.mark.parametrize("sensors", [1, 2])
def test_smoothing_is_the_dense_solution(sensors: int) -> None:
    tracks = drawn(sensors)
    found, _ = smooth(tracks)
    for w, g in np.ndindex(2, 2):
        mean, variance = dense(tracks, w, g)
        np.testing.assert_allclose(found.place[:, w, g], mean[:, 0], atol=1e-6)
        np.testing.assert_allclose(found.variance[:, w, g], variance, rtol=3e-5)


def test_windows_of_one_clock_are_as_good_as_one_by_one() -> None:
    tracks = drawn()
    alike = tracks._replace(step=np.repeat(tracks.step[:, :1], 2, 1))
    both, _ = smooth(alike)
    for w in range(2):
        alone, _ = smooth(of_window(alike, w))
        np.testing.assert_allclose(both.place[:, w], alone.place[:, 0], atol=1e-6)
        np.testing.assert_allclose(both.variance[:, w], alone.variance[:, 0], rtol=1e-6)


def test_windows_that_tell_each_other_how_they_end_are_as_good_as_one() -> None:
    """Round by round what goes over to the neighbours is truer; alone they know less."""
    tracks = drawn(2, 30, 4, 3)
    for how, least in ((tell, 0.02), (smooth, 0.001)):
        whole, _ = how(as_one(tracks))
        ends, off = None, []
        for _ in range(6):
            found, ends = how(tracks, ends)
            off.append([np.abs(as_one_window(x) - y).max() / np.abs(y).max() for x, y in zip(found, whole)])
        assert min(off[0]) > least and max(off[-1]) < 1e-3 * least / 0.02
        assert (np.array(off[3]) < 0.1 * np.array(off[0])).all()


def test_the_match_has_a_slow_bias_of_its_own() -> None:
    """Two sensors that differ by a drift: the place lies nearer to the one whose drift is small."""
    tracks = drawn(2, 60, 1, 1)
    steady, drifting = np.full((60, 1, 1), 300.0), 300 + 3 * np.sin(np.arange(60) / 20)[:, None, None]
    slow = np.stack([np.full((60, 1, 1), 0.01), np.full((60, 1, 1), 9.0)])
    white = np.full((2, 60, 1, 1), 0.25)
    found, _ = smooth(tracks._replace(seen=np.stack([steady, drifting]), slow=slow, white=white, memory=(0.5, 1.0)))
    assert np.abs(found.place - 300).max() < 0.1
    blind, _ = smooth(tracks._replace(seen=np.stack([steady, drifting]), slow=0.01 * np.ones_like(slow), white=white))
    assert np.abs(blind.place - 300).max() > 1.0, "without that state it would be drawn half way"


def test_what_was_missed_is_what_all_others_make_of_it() -> None:
    """miss / weight is the place less the smoothed one when that place is left out: leave-one-out without leaving out."""
    tracks = drawn(2, 9, 1, 1)
    found, _ = tell(tracks)
    for s, t in np.argwhere(np.isfinite(tracks.seen[..., 0, 0])).tolist():
        without = tracks.seen.copy()
        without[s, t] = np.nan
        mean, _ = dense(tracks._replace(seen=without), 0, 0)
        shift = np.nanmean(without) - np.nanmean(tracks.seen)  # the first place is known about the mean
        off = found.miss[s, t, 0, 0] / found.weight[s, t, 0, 0]
        assert off == pytest.approx(tracks.seen[s, t, 0, 0] - mean[t, 0] - mean[t, 1 + s], abs=abs(shift) * 1e-2 + 1e-6)


def test_disturbances_are_as_large_as_the_drive_says() -> None:
    """On tracks made with a drive, pull equals slack on average; with a tenth of it pull is far above."""
    rng = np.random.default_rng(1)
    n, length, h, drive = 200, 60, 1 / 30, 300.0
    root = np.linalg.cholesky(_process_noise(h) * drive)
    state = np.zeros((3, n))
    state[2] = rng.standard_normal(n) * np.sqrt(drive / (2 * REACTION))
    path = []
    for _ in range(length):
        path.append(state[0].copy())
        state = _transition(h) @ state + root @ rng.standard_normal((3, n))
    seen = (np.array(path) + rng.standard_normal((length, n)))[None, :, None]
    one = np.ones((1, length, 1, n))
    tracks = Tracks(seen, one, 1e-12 * one, (0.5,), np.full((length, 1), h), np.full((length, 1, n), drive), REACTION)
    told, _ = tell(tracks)
    assert told.pull.sum() / told.slack.sum() == pytest.approx(1, abs=0.05)
    still, _ = tell(tracks._replace(drive=tracks.drive / 10))
    assert still.pull.sum() / still.slack.sum() > 2
    found, _ = smooth(tracks)
    off = (found.place[:, 0] - np.array(path)) ** 2 / found.variance[:, 0]
    assert off.mean() == pytest.approx(1, abs=0.05), "the variance is that of the error"


def test_a_hole_only_lets_the_variance_grow() -> None:
    tracks = drawn(1, 30, 1, 1)
    seen = np.full((1, 30, 1, 1), 300.0)
    seen[:, 10:20] = np.nan
    hollow = tracks._replace(seen=seen, white=np.ones_like(seen))
    (found, _), (told, _) = smooth(hollow), tell(hollow)
    variance = found.variance[:, 0, 0]
    assert np.allclose(found.place, 300, atol=1e-6)
    assert variance[14] > variance[11] > variance[9] and variance[15] > variance[18] > variance[20]
    assert (told.miss[0, 10:20] == 0).all() and (told.weight[0, 10:20] == 0).all()


def test_nothing_seen_and_one_frame() -> None:
    tracks = drawn(2, 5, 1, 1)
    nothing, _ = smooth(tracks._replace(seen=np.full((2, 5, 1, 1), np.nan)))
    assert np.isfinite(nothing.place).all() and (nothing.variance > 1e4).all()
    one, _ = smooth(Tracks(
        tracks.seen[:, :1] * 0 + 7.0, tracks.white[:, :1], tracks.slow[:, :1], tracks.memory, tracks.step[:1], tracks.drive[:1],
        REACTION,
    ))
    assert np.allclose(one.place[np.isfinite(one.place)], 7.0)
