"""The smoother against dense least squares over all frames at once, and against what the likelihood's slope must be."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.linalg import expm

from stereo3d.refinement.kalman import Tracks, smooth, tell

REACTION = 0.05


def everything(tracks: Tracks) -> SimpleNamespace:
    return SimpleNamespace(**smooth(tracks)._asdict(), **tell(tracks)._asdict())


def drawn(sensors: int = 2, length: int = 9, groups: int = 2, windows: int = 2, *, seed: int = 0) -> Tracks:
    """Tracks with uneven steps, uneven noise and holes."""
    rng = np.random.default_rng(seed)
    shape = (sensors, length, windows, groups)
    seen = 300 + 5 * rng.standard_normal(shape)
    seen[rng.random(shape) < 0.25] = np.nan
    step = rng.uniform(0.02, 0.05, (length - 1, windows))
    slow = np.repeat(rng.uniform(0.2, 2, (sensors, 1, windows, groups)), length, 1)
    drive = rng.uniform(50, 500, (length - 1, windows, groups))
    return Tracks(seen, rng.uniform(0.5, 2, shape), slow, tuple(rng.uniform(0.2, 1, sensors)), step, drive, REACTION)


def _transition(step: float) -> np.ndarray:
    return expm(step * np.array([[0, 1, 0], [0, 0, 1], [0, 0, -1 / REACTION]]))


def _process_noise(step: float) -> np.ndarray:
    """Van Loan's integral, the acceleration drawn to a white one: independent of Singer's closed forms."""
    a, q = np.array([[0, 1, 0], [0, 0, 1], [0, 0, -1 / REACTION]]), np.diag([0, 0, 1 / REACTION**2])
    block = expm(step * np.block([[-a, q], [np.zeros((3, 3)), a.T]]))
    return block[3:, 3:].T @ block[:3, 3:]


def dense(tracks: Tracks, g: int, w: int) -> tuple[np.ndarray, np.ndarray]:
    """(L, S + 1) mean of position and drifts, and (L,) variance of the position, from the whole prior covariance."""
    sensors, length = tracks.seen.shape[:2]
    n = 3 + sensors
    blocks = np.zeros((length, n, length, n))
    now = np.diag([1e5, 2.5e5, tracks.drive[:, w, g].mean() / (2 * REACTION), *tracks.slow[:, 0, w, g]])
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


def test_windows_of_one_clock_are_as_good_as_one_by_one() -> None:
    tracks = drawn()
    alike = tracks._replace(step=np.repeat(tracks.step[:, :1], 2, 1))
    both = everything(alike)
    for w in range(2):
        one = slice(w, w + 1)
        alone = everything(alike._replace(
            step=alike.step[:, one], **{n: getattr(alike, n)[..., one, :] for n in ("seen", "white", "slow", "drive")}))
        for name, x in vars(alone).items():
            np.testing.assert_allclose(getattr(both, name)[..., one, :], x, atol=1e-9)


@pytest.mark.parametrize("sensors", [1, 2])
def test_smoothing_is_the_dense_solution(sensors: int) -> None:
    tracks = drawn(sensors)
    found = everything(tracks)
    for g in range(2):
        for w in range(2):
            mean, variance = dense(tracks, g, w)
            np.testing.assert_allclose(found.place[:, w, g], mean[:, 0], atol=1e-6)
            np.testing.assert_allclose(found.variance[:, w, g], variance, rtol=1e-5)


def test_the_match_has_a_slow_bias_of_its_own() -> None:
    """Two sensors that differ by a drift: the place lies nearer to the one whose drift is small."""
    tracks = drawn(2, 60, 1, 1)
    steady, drifting = np.full((60, 1, 1), 300.0), 300 + 3 * np.sin(np.arange(60) / 20)[:, None, None]
    slow = np.stack([np.full((60, 1, 1), 0.01), np.full((60, 1, 1), 9.0)])
    white = np.full((2, 60, 1, 1), 0.25)
    found = smooth(tracks._replace(seen=np.stack([steady, drifting]), slow=slow, white=white, memory=(0.5, 1.0)))
    assert np.abs(found.place - 300).max() < 0.1
    blind = smooth(tracks._replace(seen=np.stack([steady, drifting]), slow=0.01 * np.ones_like(slow), white=white))
    assert np.abs(blind.place - 300).max() > 1.0, "without that state it would be drawn half way"


def test_what_was_missed_is_what_all_others_make_of_it() -> None:
    """miss / weight is the place less the smoothed one when that place is left out: leave-one-out without leaving out."""
    tracks = drawn(2, 9, 1, 1)
    found = everything(tracks)
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
    tracks = Tracks(seen, one, 1e-12 * one, (0.5,), np.full((length - 1, 1), h), np.full((length - 1, 1, n), drive), REACTION)
    found = everything(tracks)
    assert found.pull.sum() / found.slack.sum() == pytest.approx(1, abs=0.05)
    still = tell(tracks._replace(drive=tracks.drive / 10))
    assert still.pull.sum() / still.slack.sum() > 2
    off = (found.place[:, 0] - np.array(path)) ** 2 / found.variance[:, 0]
    assert off.mean() == pytest.approx(1, abs=0.05), "the variance is that of the error"


def test_a_hole_only_lets_the_variance_grow() -> None:
    tracks = drawn(1, 30, 1, 1)
    seen = np.full((1, 30, 1, 1), 300.0)
    seen[:, 10:20] = np.nan
    found = everything(tracks._replace(seen=seen, white=np.ones_like(seen)))
    variance = found.variance[:, 0, 0]
    assert np.allclose(found.place, 300, atol=1e-6)
    assert variance[14] > variance[11] > variance[9] and variance[15] > variance[18] > variance[20]
    assert (found.miss[0, 10:20] == 0).all() and (found.weight[0, 10:20] == 0).all()


def test_nothing_seen_and_one_frame() -> None:
    tracks = drawn(2, 5, 1, 1)
    nothing = smooth(tracks._replace(seen=np.full((2, 5, 1, 1), np.nan)))
    assert np.isfinite(nothing.place).all() and (nothing.variance > 1e4).all()
    one = smooth(Tracks(
        tracks.seen[:, :1] * 0 + 7.0, tracks.white[:, :1], tracks.slow[:, :1], tracks.memory, tracks.step[:0], tracks.drive[:0],
        REACTION,
    ))
    assert np.allclose(one.place[np.isfinite(one.place)], 7.0)
