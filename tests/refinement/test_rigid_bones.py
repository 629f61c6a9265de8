"""Bones that keep their length: against a dense optimiser, and what that does to errors that last."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import least_squares

from stereo3d.cameras import RectifiedCamera
from stereo3d.refinement import rigid
from stereo3d.refinement.body import LENGTH
from stereo3d.refinement.bones import Bones, bones_of
from stereo3d.refinement.evidence import located, placed
from stereo3d.refinement.rigid import corrected
from stereo3d.skeleton import COCO_17
from stereo3d.stereo import Stereo

CAMERA = RectifiedCamera((1280, 720), 530.0, Stereo(640.0, 630.0), 360.0, 0.12, np.eye(3))
ARM = np.array([5, 7, 9])
SPACING = 0.2


def swinging(n: int, *, lengths: tuple[float, float] = (0.09, 0.07), seed: int = 0) -> np.ndarray:
    """(n, 3, 3) m of a shoulder, elbow and wrist whose bones turn all over."""
    rng = np.random.default_rng(seed)
    out = np.zeros((n, 3, 3))
    out[:, 0] = [0.05, 0.0, 0.7]
    angle = np.cumsum(rng.normal(0, 0.5, (n, 2, 2)), 0)
    for bone, length in enumerate(lengths):
        a, b = angle[:, bone].T
        way = np.stack([np.cos(a) * np.cos(b), np.sin(a) * np.cos(b), np.sin(b)], -1)
        out[:, bone + 1] = out[:, bone] + length * way
    return out


def arm() -> Bones:
    return bones_of(COCO_17, looseness=2.0).of_joints(ARM)[0]


def settings(n: int, *, sigma: float = 1.0, constant: float = 1.5) -> dict:
    return {
        "sigma": np.full((n, 3, 3), sigma), "time": SPACING * np.arange(n), "constant": np.full((3, 3), constant),
        "memory": np.full(3, 0.5), "seen": np.ones((n, 3), bool), "bones": arm(), "camera": CAMERA,
    }


def test_it_is_the_least_squares_solution_of_a_dense_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    n, rng = 8, np.random.default_rng(3)
    given = settings(n)
    place = placed(swinging(n), CAMERA) + rng.normal(0, 1, (n, 3, 3)) + rng.normal(0, 1.5, (3, 3))
    bones, keep = arm(), np.exp(-SPACING / 0.5)
    prior = np.linalg.cholesky(np.linalg.inv(bones.prior)).T
    middle = np.log(bones.ratio) + np.log(LENGTH)
    tail = 4.0
    monkeypatch.setattr(rigid, "_ROUNDS", 100)
    found = corrected(place, **given)
    scale = found.length[bones.kind]  # how far a bone may differ goes with its length, and is no way to be longer

    def split(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return x[:n * 9].reshape(n, 3, 3), x[n * 9:n * 9 + 9].reshape(3, 3), x[n * 9 + 9:]

    def misses(x: np.ndarray) -> np.ndarray:
        slow, constant, log_length = split(x)
        xyz = located(place + slow + 1.5 * constant, np.ones(place.shape), CAMERA)[0]
        a, b = bones.ends.T
        length = np.exp(log_length)[bones.kind]
        miss = ((np.linalg.norm(xyz[:, a] - xyz[:, b], axis=-1) - length) / (rigid.WOBBLE * scale)).ravel()
        t = np.sign(miss) * np.sqrt((tail + 1) * np.log1p(miss**2 / tail))
        steps = (slow[1:] - keep * slow[:-1]) / np.sqrt(1 - keep**2)
        return np.concatenate([t, slow[0].ravel(), steps.ravel(), constant.ravel(), prior @ (log_length - middle)])

    start = np.concatenate([np.zeros(n * 9 + 9), middle])
    best = least_squares(misses, start, xtol=1e-12, ftol=1e-12, gtol=1e-12)
    slow, constant, log_length = split(best.x)
    np.testing.assert_allclose(found.place, place + slow + 1.5 * constant, atol=0.01)
    np.testing.assert_allclose(np.log(found.length), log_length, atol=1e-3)
    inside = np.linalg.inv(best.jac.T @ best.jac)
    own = np.diagonal(inside)[:n * 9].reshape(n, 3, 3)
    wide = inside[n * 9:n * 9 + 9, n * 9:n * 9 + 9].diagonal().reshape(3, 3)
    shared = np.stack([inside[t * 9:t * 9 + 9, n * 9:n * 9 + 9].diagonal().reshape(3, 3) for t in range(n)])
    variance = own + 1.5**2 * wide + 2 * 1.5 * shared
    np.testing.assert_allclose(found.sigma, np.sqrt(variance), rtol=0.1)


def test_errors_that_last_fall_and_lengths_are_found() -> None:
    n, before, after = 100, [], []
    for seed in range(6):
        truth = placed(swinging(n, seed=seed), CAMERA)
        off = np.random.default_rng(seed).normal(0, 1.5, (3, 3))
        found = corrected(truth + off, **settings(n, sigma=0.3))
        before.append(np.abs(off).mean(0))
        after.append(np.abs(found.place - truth).mean((0, 1)))
        assert found.length == pytest.approx([0.09, 0.07], rel=0.08)
        assert (np.abs(found.length - [0.09, 0.07]) < 4 * found.length_sigma).all()
    assert np.mean(after, 0)[2] < 0.55 * np.mean(before, 0)[2], "disparity above all"


def test_joints_astray_across_their_rays_are_not_taken_for_depth() -> None:
    n, apart, wide = 60, [], []
    truth = placed(swinging(n, seed=2), CAMERA)
    off = np.zeros((n, 3, 3))
    off[..., :2] = np.random.default_rng(2).normal(0, 2.0, (3, 2))
    per_px = CAMERA.baseline / truth[..., 2].mean()
    for beside in (None, np.full(3, 2.0 * per_px)):
        given = settings(n, sigma=0.3) | {"constant": np.tile([0.3, 0.3, 1.5], (3, 1)), "beside": beside}
        found = corrected(truth + off, **given)
        apart.append(np.abs(found.place - truth)[..., 2].mean())
        wide.append(found.sigma[..., 2].mean())
    assert apart[1] < 0.9 * apart[0] and wide[1] > 1.1 * wide[0]


def test_a_frame_that_is_far_off_does_not_bend_the_others() -> None:
    n = 60
    truth = placed(swinging(n, seed=1), CAMERA)
    spoilt = truth.copy()
    spoilt[30, 2, 2] += 40
    calm, torn = (corrected(x, **settings(n, sigma=0.5, constant=0.5)) for x in (truth, spoilt))
    away = np.abs(calm.place - torn.place).max((1, 2))
    assert away[[*range(20), *range(40, n)]].max() < 0.3
    np.testing.assert_allclose(torn.length, calm.length, rtol=0.02)


def test_nothing_seen_nothing_moved() -> None:
    n = 20
    place = placed(swinging(n), CAMERA) + 3.0
    given = settings(n) | {"seen": np.zeros((n, 3), bool)}
    found = corrected(place, **given)
    np.testing.assert_array_equal(found.place, place)
    np.testing.assert_allclose(found.sigma, np.hypot(1.0, 1.5))
    assert np.isnan(found.length).all()


def test_windows_are_as_good_as_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    n, rng = 400, np.random.default_rng(4)
    truth = placed(swinging(n, seed=2), CAMERA)
    place = truth + rng.normal(0, 0.7, (3, 3)) + 0.7 * np.sin(np.arange(n) / 15)[:, None, None]
    given = settings(n, sigma=0.5, constant=0.7)
    monkeypatch.setattr(rigid, "_WINDOW", 1000)
    whole = corrected(place, **given)
    monkeypatch.setattr(rigid, "_WINDOW", 150)
    parts = corrected(place, **given)
    error = [np.abs(x - truth).mean() for x in (place, whole.place, parts.place)]
    assert error[1] < 0.8 * error[0] and error[2] < 1.1 * error[1]
    assert np.abs(parts.place - whole.place).mean() < 0.3 * np.mean(whole.sigma)
    np.testing.assert_allclose(parts.length, whole.length, rtol=0.02)


def test_between_nodes_there_is_no_kink() -> None:
    """Third differences of what is added stay small: jerk would be full of a broken line's corners."""
    n, fine = 40, 6
    truth = placed(swinging(n, seed=5), CAMERA)
    time = np.arange((n - 1) * fine + 1) * SPACING / fine
    whole = np.stack([np.interp(time, SPACING * np.arange(n), truth[:, j, c]) for j in range(3) for c in range(3)], -1)
    given = settings(len(time)) | {"time": time}
    added = corrected(whole.reshape(-1, 3, 3), **given).place - whole.reshape(-1, 3, 3)
    at_nodes = np.abs(np.diff(added[::fine], 3, axis=0)).max()
    assert at_nodes > 0 and np.abs(np.diff(added, 3, axis=0)).max() < 4 * at_nodes / fine**3 * 6


def test_one_frame_and_joints_without_disparity() -> None:
    truth = placed(swinging(1), CAMERA)
    found = corrected(truth, **settings(1))
    assert np.isfinite(found.place).all() and (found.sigma <= np.hypot(1.0, 1.5) + 1e-9).all()
    behind = truth.copy()
    behind[:, 2, 2] = -1.0
    assert np.isfinite(corrected(behind, **settings(1)).place).all()
