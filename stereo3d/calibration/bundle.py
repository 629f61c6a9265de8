"""Joint bundle adjustment of two cameras, their pose, a board's bend and its pose in every view.

Levenberg and Marquardt's method on the normal equations, each view's pose eliminated first (Schur complement; Triggs et
al. 2000, section 6), so that the work grows with the number of views alone. All views at once, by whole arrays.

The shared numbers, 32: the left lens (12), the right lens (12), the rotation right_from_left (3, as a small turn), the
translation (3, m), the board's bend along x and y (2, m). A bent board is a paraboloid: its middle stands out by the
bend (mrcal.secretsauce.net, "Board deformation").
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TypeVar

import numpy as np
from scipy.spatial.transform import Rotation

from stereo3d.calibration.projection import LENS, project
from stereo3d.values import Bools, Floats

NAMES = (
    *(f"left {n}" for n in LENS), *(f"right {n}" for n in LENS),
    "turn x", "turn y", "turn z", "translation x", "translation y", "translation z", "bend x", "bend y",
)
LEFT, RIGHT, TURN, TRANSLATION, BEND = slice(0, 12), slice(12, 24), slice(24, 27), slice(27, 30), slice(30, 32)
SHARED = ("lenses", "rotation", "translation", "bend")
"""The fields of a State that are the same for all views."""
NOTHING = np.zeros(len(NAMES), bool)
"""Moves no shared number: for poses alone."""
_BEHIND = 1e4
"""px, what a corner behind its camera is taken to be off."""
_SLOW = 1e-9
_STIFFEST = 1e9


@dataclass(frozen=True, slots=True)
class Corners:
    """What was seen: corners of V views of a board with M corners in both eyes."""

    points: Floats
    """(M, 3) m, the flat board."""
    xy: Floats
    """(V, 2, M, 2) px, left and right; NaN where not seen or not to be used."""

    def only(self, views: Bools | Floats) -> Corners:
        """The same of some views."""
        return replace(self, xy=self.xy[views])

    @property
    def arched(self) -> Floats:
        """(M, 2) how far each corner stands out for a bend of 1 along x and along y."""
        low, high = self.points[:, :2].min(0), self.points[:, :2].max(0)
        return np.asarray(1 - ((2 * self.points[:, :2] - low - high) / (high - low)) ** 2)


@dataclass(frozen=True, slots=True)
class State:
    """All that an adjustment moves."""

    lenses: Floats
    """(2, 12)."""
    rotation: Floats
    """(3, 3) right_from_left."""
    translation: Floats
    """(3,) m."""
    bend: Floats
    """(2,) m."""
    turns: Floats
    """(V, 3, 3) left camera from board."""
    places: Floats
    """(V, 3) m, the board's origin in the left camera."""

    def moved(self, shared: Floats, poses: Floats) -> State:
        """Moved by (32,) shared numbers and (V, 6) poses: small turns, then lengths in m."""
        return State(
            self.lenses + shared[:24].reshape(2, 12),
            Rotation.from_rotvec(shared[TURN]).as_matrix() @ self.rotation,
            self.translation + shared[TRANSLATION],
            self.bend + shared[BEND],
            Rotation.from_rotvec(poses[:, :3]).as_matrix() @ self.turns,
            self.places + poses[:, 3:],
        )

    def only(self, views: Bools | Floats) -> State:
        """The same of some views."""
        return replace(self, turns=self.turns[views], places=self.places[views])


@dataclass(frozen=True, slots=True)
class Prior:
    """What was known before: where the shared numbers were, and how surely."""

    start: State
    sigma: Floats
    """(32,) standard deviations over that of a corner in px; infinite where nothing was known."""

    def pull(self, state: State) -> tuple[Floats, Floats]:
        """(32,) weights and (32,) distances from what was known."""
        turn = Rotation.from_matrix(state.rotation @ self.start.rotation.T).as_rotvec()
        moved = [state.lenses - self.start.lenses, turn, state.translation - self.start.translation]
        away = np.concatenate([*(m.ravel() for m in moved), state.bend - self.start.bend])
        return self.sigma ** -2.0, away


@dataclass(frozen=True, slots=True)
class Normals:
    """The normal equations at a state, poses eliminated, view by view."""

    residual: Floats
    """(V, 2, M, 2) px, seen minus projected; zero where not seen."""
    shares: Floats
    """(V, S, S) what each view says of the free shared numbers."""
    slopes: Floats
    """(V, S) the way each view pulls them."""
    back: Floats
    """(V, 6, S) how the poses follow the shared numbers."""
    own: Floats
    """(V, 6) how the poses move by themselves."""


@dataclass(frozen=True, slots=True)
class Fit:
    """An adjusted state."""

    state: State
    free: Bools
    """(32,) which shared numbers were moved."""
    normals: Normals
    prior: Prior | None
    converged: bool

    def information(self) -> Floats:
        """(S, S) of the free shared numbers, for corners known to 1 px."""
        total = self.normals.shares.sum(0)
        if self.prior:
            total = total + np.diag(self.prior.pull(self.state)[0][self.free])
        return np.asarray(total)

    def step_without(self, view: int) -> Floats:
        """(32,) by how much the other views ask for other shared numbers.

        One Newton step, so exact to second order in what the view changes.
        """
        step = np.zeros(len(NAMES))
        step[self.free] = _solved(self.information() - self.normals.shares[view], -self.normals.slopes[view])
        return step

    def without_each(self) -> State:
        """What the other views ask for, as a state whose shared numbers have an axis of V views before theirs."""
        nothing = np.zeros((len(self.state.places), 6))
        states = [self.state.moved(self.step_without(v), nothing) for v in range(len(nothing))]
        return replace(self.state, **{name: np.stack([getattr(s, name) for s in states]) for name in SHARED})


def residuals(corners: Corners, state: State) -> Floats:
    """(V, 2, M, 2) px, seen minus projected; NaN where not seen, 10000 where it should be behind the camera."""
    return _linearised(corners, state, NOTHING)[0]


def fit(
    corners: Corners, start: State, free: Bools, *, prior: Prior | None = None, most_steps: int = 60
) -> Fit:
    """The state of least squares from `start`, moving the shared numbers `free` (32,) and every pose."""
    state, damping, converged = start, 1e-4, False
    with np.errstate(all="ignore"):
        blocks = _blocks(corners, state, free)
        cost = _cost(blocks, prior, state)
        for _ in range(most_steps):
            trial = _stepped(state, free, _eliminated(blocks, damping), damping, prior)
            tried = _blocks(corners, trial, free)
            new_cost = _cost(tried, prior, trial)
            converged = abs(cost - new_cost) <= _SLOW * cost
            if new_cost <= cost:
                state, blocks, cost, damping = trial, tried, new_cost, max(damping / 10, 1e-12)
            else:
                damping *= 10
            if converged or damping > _STIFFEST:
                break
        return Fit(state, free, _eliminated(blocks, 0.0), prior, converged)


def posed(corners: Corners, start: State, *, most_steps: int = 30) -> State:
    """The state with every view's pose at its best from `start`, each for itself, and nothing else moved."""
    state, still = start, np.zeros(len(NAMES))
    with np.errstate(all="ignore"):
        blocks = _blocks(corners, state, NOTHING)
        cost, damping = _costs(blocks), np.full(len(corners.xy), 1e-4)
        for _ in range(most_steps):
            trial = state.moved(still, _eliminated(blocks, damping[:, None, None]).own)
            tried = _blocks(corners, trial, NOTHING)
            new_cost = _costs(tried)
            better = new_cost <= cost
            done = np.abs(cost - new_cost) <= _SLOW * cost
            state, blocks = _mixed(better, trial, state), _mixed(better, tried, blocks)
            cost, damping = np.where(better, new_cost, cost), np.where(better, damping / 10, damping * 10)
            if (done | (damping > _STIFFEST)).all():
                break
    return state


def _costs(blocks: _Blocks) -> Floats:
    cost = (blocks.residual**2).sum((1, 2, 3))
    return np.where(np.isfinite(cost), cost, np.inf)


def _mixed(first: Bools, a: _PerView, b: _PerView) -> _PerView:
    """a in the views (V,) where `first`, else b; what they share is the same in both."""
    own = {f.name: (getattr(a, f.name), getattr(b, f.name)) for f in fields(a) if f.name not in SHARED}
    return replace(a, **{k: np.where(first.reshape(-1, *[1] * (x.ndim - 1)), x, y) for k, (x, y) in own.items()})


def _stepped(state: State, free: Bools, normals: Normals, damping: float, prior: Prior | None) -> State:
    information, slope = normals.shares.sum(0), normals.slopes.sum(0)
    if prior:
        weight, away = prior.pull(state)
        information = information + np.diag(weight[free])
        slope = slope - (weight * away)[free]
    shared = np.zeros(len(NAMES))
    shared[free] = _solved(information + np.diag(damping * np.diag(information)), slope)
    return state.moved(shared, normals.own - (normals.back @ shared[free][:, None])[..., 0])


def _solved(matrix: Floats, vector: Floats) -> Floats:
    """x of matrix x = vector, each unknown in a unit of its own; the least one where many do."""
    if not len(vector):
        return vector
    unit = 1 / np.sqrt(np.maximum(np.diag(matrix), 1e-300))
    return np.asarray(unit * np.linalg.lstsq(matrix * np.outer(unit, unit), unit * vector, rcond=1e-14)[0])


@dataclass(frozen=True, slots=True)
class _Blocks:
    """Residuals (V, 2, M, 2), and the slopes (V, 4 M, S) and (V, 4 M, 6); zero where not seen."""

    residual: Floats
    by_shared: Floats
    by_pose: Floats


_PerView = TypeVar("_PerView", State, _Blocks)


def _blocks(corners: Corners, state: State, free: Bools) -> _Blocks:
    residual, by_shared, by_pose = _linearised(corners, state, free)
    hidden = ~np.isfinite(residual)
    if hidden.any():
        for part in (residual, by_shared, by_pose):
            part[hidden] = 0.0
    shape = len(residual), corners.xy[0].size
    return _Blocks(residual, by_shared.reshape(*shape, by_shared.shape[-1]), by_pose.reshape(*shape, 6))


def _cost(blocks: _Blocks, prior: Prior | None, state: State) -> float:
    cost = float((blocks.residual**2).sum())
    if prior:
        weight, away = prior.pull(state)
        cost += float((weight * away**2).sum())
    return cost if np.isfinite(cost) else np.inf


def _eliminated(blocks: _Blocks, damping: float | Floats) -> Normals:
    a, b = blocks.by_shared, blocks.by_pose
    a_t, b_t = a.swapaxes(1, 2), b.swapaxes(1, 2)
    r = blocks.residual.reshape(*b.shape[:2], 1)
    pose = b_t @ b
    largest = np.trace(pose, axis1=1, axis2=2)[:, None, None]
    pose += (damping * pose + 1e-14 * largest + 1e-12) * np.eye(6)
    pull = np.linalg.solve(pose, np.concatenate([b_t @ a, b_t @ r], -1))
    back, own = pull[..., :-1], pull[..., -1:]
    return Normals(blocks.residual, a_t @ (a - b @ back), (a_t @ (r - b @ own))[..., 0], back, own[..., 0])


def _linearised(corners: Corners, state: State, free: Bools) -> tuple[Floats, Floats, Floats]:
    """Residuals (V, 2, M, 2), and the projection's slopes by the free shared numbers (.., S) and the poses (.., 6)."""
    arched = corners.arched
    board = corners.points + (arched @ state.bend[..., None]) * (0.0, 0.0, 1.0)
    turned = board @ state.turns.swapaxes(1, 2)
    left = turned + state.places[:, None]
    swung = left @ state.rotation.swapaxes(-1, -2)
    right = swung + state.translation[..., None, :]
    by_pose = np.concatenate([-_crossed(turned), np.broadcast_to(np.eye(3), (*turned.shape, 3))], -1)
    by_bend = state.turns[:, None, :, 2:] * arched[:, None, :]
    any_lens = bool(free[:24].any())
    xy_l, slope_l, lens_l = project(left, state.lenses[..., 0, None, :], by_lens=any_lens)
    xy_r, slope_r, lens_r = project(right, state.lenses[..., 1, None, :], by_lens=any_lens)
    residual = corners.xy - np.stack([xy_l, xy_r], 1)
    behind = np.stack([left, right], 1)[..., 2:] <= 0
    residual[behind[..., 0] & np.isfinite(corners.xy[..., 0])] = _BEHIND
    through = slope_r @ state.rotation[..., None, :, :]
    by_pose = np.stack([slope_l @ by_pose, through @ by_pose], 1)
    if not free.any():
        return residual, np.zeros((*residual.shape, 0)), by_pose
    by_shared = np.zeros((*residual.shape, len(NAMES)))
    if any_lens:
        by_shared[:, 0, ..., LEFT], by_shared[:, 1, ..., RIGHT] = lens_l, lens_r
    by_shared[:, 1, ..., TURN], by_shared[:, 1, ..., TRANSLATION] = slope_r @ -_crossed(swung), slope_r
    by_shared[:, 0, ..., BEND], by_shared[:, 1, ..., BEND] = slope_l @ by_bend, through @ by_bend
    # by runs, which is 10 times faster than by a mask
    ends = np.flatnonzero(np.diff(free, prepend=False, append=False)).reshape(-1, 2).tolist()
    return residual, np.concatenate([by_shared[..., a:b] for a, b in ends], axis=-1), by_pose


def _crossed(v: Floats) -> Floats:
    """(..., 3, 3) matrices that take w to v x w."""
    out = np.zeros((*v.shape, 3))
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        out[..., k, j], out[..., j, k] = v[..., i], -v[..., i]
    return out
