"""Tracks corrected so that bones keep their length: what smoothing leaves is slow or constant, and mostly depth.

Each coordinate of each joint has an unknown error, a Gauss-Markov process as large as smoothing left it plus a constant
as large as the noise's own; each kind of bone has an unknown length. The bones' lengths in all nodes of a window are
fitted by Gauss-Newton with weights of Student's t. A bone that turns tells the constants of its ends: a joint that
is always too near makes it too long in one attitude and too short in another.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import zip_longest
from typing import NamedTuple

import numpy as np
from scipy.interpolate import make_interp_spline

from stereo3d.cameras import RectifiedCamera
from stereo3d.refinement import arrow
from stereo3d.refinement.body import LENGTH
from stereo3d.refinement.bones import Bones
from stereo3d.refinement.windows import windows
from stereo3d.values import Bools, Floats, Ints

SPACING = 0.2
"""s between nodes: errors change more slowly."""
WOBBLE, TRUNK_WOBBLE = 0.02, 0.06
"""By what part limbs' bones, and distances in trunk and face, differ from their length at any time: soft flesh, joints
that roll, a spine that bends, a detector that marks them a little elsewhere, a match whose error has longer tails than
a normal one's."""
_WINDOW, _OVERLAP = 300, 50
"""Nodes."""
_BATCH = 4
_FEW, _ROUNDS = 3, 2
"""A first round on every third node, then two on all: each with weights of where it begins. With those of where the
one before began, five were needed to come as near."""
_TAIL = 4.0
"""Degrees of freedom of Student's t."""
_LEAST, _MOST = 1e-3, 30.0
"""px, the least and the most that an error is taken for."""
_LEAST_SHARE = 1e-6
_NEAREST = 0.25
"""Part of its disparity below which a joint's is never corrected."""


class Corrected(NamedTuple):
    place: Floats
    """(T, K, 3) px."""
    sigma: Floats
    """(T, K, 3) px, the constant error in it."""
    length: Floats
    """(N,) m, of each kind of bone, NaN for those never seen."""
    length_sigma: Floats
    """(N,) m."""


class _Nodes(NamedTuple):
    """W windows of N nodes of one part of the body; M = 3 J coordinates of its joints, axis by axis."""

    place: Floats
    """(N, W, M) px."""
    sigma: Floats
    """(N, W, M) px of the slow error."""
    keep: Floats
    """(N - 1, W, M) correlation of the slow errors of a node and the next."""
    seen: Bools
    """(N, W, J)."""


class _Lengths(NamedTuple):
    """What is known of the logarithms of the lengths of the kinds of bones."""

    mean: Floats
    covariance: Floats


class _State(NamedTuple):
    """Where Gauss-Newton has come to."""

    error: Floats
    """(N, W, M) in units of sigma."""
    length: Floats
    """(W, kinds) logarithms."""
    covariance: Floats
    """(W, kinds, kinds) of these."""


class _Fit(NamedTuple):
    system: arrow.Arrow
    solution: arrow.Solution

    @property
    def state(self) -> _State:
        error, throughout, covariance = self.solution[:3]
        m = error.shape[-1]
        return _State(error, throughout[:, m:], covariance[:, m:, m:])


def corrected(
    place: Floats, sigma: Floats, time: Floats, *, constant: Floats, memory: Floats, seen: Bools, bones: Bones,
    camera: RectifiedCamera, beside: Floats | None = None,
) -> Corrected:
    """Places and lengths with what they are worth.

    place and sigma (T, K, 3) px of smoothed tracks, constant (K, 3) px, memory (3,) s of the slow errors along each
    axis, seen (T, K) where the tracks may be relied on, beside (K,) m by which joints are off across their rays though
    no track shows it: bones' lengths differ by so much more. Time is linear in T.
    """
    out, variance = place.copy(), sigma**2 + constant**2
    log_length = np.full((2, len(bones.ratio)), np.nan)
    step = float(np.median(np.diff(time))) if len(time) > 1 else SPACING
    n_nodes = 1 + math.ceil((len(time) - 1) / max(1, round(SPACING / step)))
    frames = np.linspace(0, len(time) - 1, n_nodes).round().astype(int)
    for joints in bones.bodies(place.shape[1]):
        own, kinds = bones.of_joints(joints)
        usable = seen[:, joints] & (place[:, joints, 2] * camera.baseline > 0)
        if not usable[frames][:, own.ends].all(-1).any():
            continue
        astray = np.zeros(len(joints)) if beside is None else beside[joints]
        part = _Part(own, camera, np.maximum(constant[joints], 1e-3).T.ravel(), astray)
        shift, share, lengths = part.solve(
            _by_axis(place[frames][:, joints]), np.clip(_by_axis(sigma[frames][:, joints]), _LEAST, _MOST),
            np.exp(-np.diff(time[frames])[:, None] / np.repeat(memory, len(joints))), usable[frames],
        )
        moved, left = _between(np.stack([shift, share], 1), frames, len(time))
        out[:, joints] += moved
        variance[:, joints] *= np.clip(left, _LEAST_SHARE, 1.0)
        log_length[:, kinds] = lengths
    length = np.exp(log_length[0])
    return Corrected(out, np.sqrt(variance), length, length * log_length[1])


def _by_axis(x: Floats) -> Floats:
    return np.ascontiguousarray(x.transpose(0, 2, 1)).reshape(len(x), -1)


def _between(x: Floats, frames: Ints, n_frames: int) -> Floats:
    """(C, T, J, 3) in all frames what x (N, C, M) is at the nodes' frames, as a curve: jerk would see every kink."""
    return _curve(x, frames, n_frames).reshape(n_frames, x.shape[1], 3, -1).transpose(1, 0, 3, 2)


def _curve(x: Floats, at: Ints, size: int) -> Floats:
    """(size, ...) from x (N, ...) at some of the rows, first and last among them."""
    rows = np.arange(size)
    return np.asarray(make_interp_spline(at, x, k=min(3, len(at) - 1))(rows) if len(at) > 1 else x[rows * 0])


class _Part:
    """Joints that bones hold together."""

    def __init__(self, bones: Bones, camera: RectifiedCamera, constant: Floats, beside: Floats) -> None:
        self.bones, self.camera, self.constant = bones, camera, constant
        of_ends = np.hypot(*beside[bones.ends.T]) / (bones.ratio[bones.kind] * LENGTH)
        self.wobble = np.hypot(np.where(bones.limb[bones.kind] > 0, WOBBLE, TRUNK_WOBBLE), of_ends)
        self.known = _Lengths(np.log(bones.ratio) + np.log(LENGTH), bones.prior)

    def solve(self, place: Floats, sigma: Floats, keep: Floats, seen: Bools) -> tuple[Floats, Floats, Floats]:
        """(N, M) px by which places move, (N, M) by what their variances shrink, (2, kinds) log lengths and sigma."""
        parts = windows(len(place), _WINDOW, _OVERLAP)
        shift, share = np.zeros(place.shape), np.zeros(place.shape)

        def nodes(batch: slice) -> _Nodes:
            rows = parts.rows(batch)
            return _Nodes(place[rows], sigma[rows], keep[rows[:-1]], seen[rows])

        batches = list(parts.batches(_BATCH))
        starts = [self._fit(nodes(batch)).state for batch in batches] if len(parts) > 1 else []
        if starts:
            self.known = self._common(starts)
        for batch, start in zip_longest(batches, starts):
            part = nodes(batch)
            fit = self._fit(part, start)
            moved, left = self._outcome(part, fit)
            weight = parts.shares(batch)[..., None]
            for w, rows in enumerate(parts.rows(batch).T):
                shift[rows] += weight[:, w] * moved[:, w]
                share[rows] += weight[:, w] * left[:, w]
        lengths = self.known if starts else self._common([fit.state])
        return shift, share, np.stack([lengths.mean, np.sqrt(np.diagonal(lengths.covariance))])

    def _fit(self, nodes: _Nodes, start: _State | None = None) -> _Fit:
        """Gauss-Newton from tracks as they are, or one step of it from `start`; errors in units of the slow ones'
        standard deviations."""
        state, before = start or self._first(nodes), self._before(nodes)
        for _ in range(1 if start else _ROUNDS):
            system = self._system(nodes, state, before=before, weighed=True)
            fit = _Fit(system, arrow.solve(system))
            state = fit.state
        return fit

    def _first(self, nodes: _Nodes) -> _State:
        """Where a first step from tracks as they are leads to, with a few of the nodes for all."""
        n, w, _ = nodes.place.shape
        rows = np.linspace(0, n - 1, 1 + math.ceil((n - 1) / _FEW)).round().astype(int)
        keep = np.multiply.reduceat(nodes.keep, rows[:-1])
        few = _Nodes(nodes.place[rows], nodes.sigma[rows], keep, nodes.seen[rows])
        still = _State(np.zeros(few.place.shape), np.tile(self.known.mean, (w, 1)), np.zeros(0))
        system = self._system(few, still, before=self._before(few), weighed=False)
        state = _Fit(system, arrow.solve(system)).state
        return state._replace(error=_curve(state.error, rows, n))

    def _before(self, nodes: _Nodes) -> arrow.Arrow:
        """What is known before any bone is measured: errors of a standard deviation, of which those that hold
        throughout are a part, and what is left of a node's goes over to the next as `keep` says. No blocks yet."""
        n, w, m = nodes.place.shape
        p = m + len(self.known.mean)
        own, fresh, constant = np.ones((n, w, m)), 1 / np.maximum(1 - nodes.keep**2, 1e-6), self.constant / nodes.sigma
        own[1:], coupling = fresh, nodes.keep * fresh
        own[:-1] += nodes.keep * coupling
        lasting, corner = own * constant, np.zeros((w, p, p))
        lasting[1:] -= coupling * constant[:-1]
        lasting[:-1] -= coupling * constant[1:]
        corner[:, range(m), range(m)] = 1 + (constant * lasting).sum(0)
        corner[:, m:, m:] = np.linalg.inv(self.known.covariance)
        right_corner = corner @ np.append(np.zeros(m), self.known.mean)
        return arrow.Arrow(own, coupling, lasting, np.zeros(0), corner, np.zeros(0), right_corner)

    def _system(
        self, nodes: _Nodes, state: _State, *, before: arrow.Arrow, weighed: bool
    ) -> arrow.Arrow:
        """The equations linear about a state, bones that miss their lengths there by much `weighed` less."""
        error, known = state.error, state.length
        m = error.shape[-1]
        length, slope = self._measured(nodes.place, nodes.sigma * error)
        wanted = np.exp(known)[:, self.bones.kind]
        spread = self.wobble * wanted
        both = nodes.seen[..., self.bones.ends].all(-1)
        miss = np.where(both, (length - wanted) / spread, 0.0)
        weight = (_TAIL + 1) / (_TAIL + miss**2) if weighed else 1.0
        root = np.where(both, np.sqrt(weight), 0.0) / spread
        rows = np.zeros((*length.shape, m + known.shape[1] + 1))
        rows[..., :m] = slope * nodes.sigma[..., None, :] * root[..., None]
        # The spread goes with the length but is not differentiated: else a bone would grow to be let off.
        rows[..., range(len(self.bones)), m + self.bones.kind] = -root * wanted
        there = np.concatenate([error, np.broadcast_to(known, (*error.shape[:2], known.shape[1]))], -1)
        rows[..., -1] = (rows[..., :-1] @ there[..., None])[..., 0] - root * spread * miss
        of_nodes = rows[..., :m].swapaxes(-1, -2) @ rows
        of_all = (rows[..., m:].swapaxes(-1, -2) @ rows[..., m:]).sum(0)
        blocks, corner, right_corner = of_nodes[..., :m], before.corner.copy(), before.right_corner.copy()
        blocks[..., range(m), range(m)] += before.blocks
        corner[:, m:, m:] += of_all[:, :-1, :-1]
        right_corner[:, m:] += of_all[:, :-1, -1]
        return arrow.Arrow(
            blocks, before.coupling, before.lasting, of_nodes[..., m:-1], corner, of_nodes[..., -1], right_corner)

    def _measured(self, place: Floats, change: Floats) -> tuple[Floats, Floats]:
        """(N, W, B) m lengths of the bones between places moved by `change`, and (N, W, B, M) how they change."""
        camera, shape = self.camera, (*place.shape[:2], 3, -1)
        moved, d = (place + change).reshape(shape), place.reshape(shape)[:, :, 2]
        moved[:, :, 2] = np.where(moved[:, :, 2] * d < _NEAREST * d * d, _NEAREST * d, moved[:, :, 2])
        per_px = camera.baseline / np.where(d == 0, 1.0, moved[:, :, 2])
        moved[:, :, 2] = camera.focal
        moved -= np.array([(camera.cx.left + camera.cx.right) / 2, camera.cy, 0.0])[:, None]
        xyz, (a, b) = moved * per_px[:, :, None], self.bones.ends.T
        bone = xyz[..., a] - xyz[..., b]
        length = np.maximum(np.sqrt((bone * bone).sum(2)), 1e-4)
        unit = bone / length[:, :, None]
        slope, which = np.zeros((*length.shape, 3, d.shape[-1])), np.arange(len(a))
        for end, sign in ((a, 1.0), (b, -1.0)):
            scale = sign * per_px[..., end]
            slope[..., which, 0, end], slope[..., which, 1, end] = scale * unit[:, :, 0], scale * unit[:, :, 1]
            slope[..., which, 2, end] = -scale / camera.baseline * (unit * xyz[..., end]).sum(2)
        return length, slope.reshape(*length.shape, -1)

    def _outcome(self, nodes: _Nodes, fit: _Fit) -> tuple[Floats, Floats]:
        """(N, W, M) px of all errors together, and what is left of their variance."""
        variance = nodes.sigma**2 * arrow.node_variances(*fit)
        left = variance / (nodes.sigma**2 + self.constant**2)
        return nodes.sigma * fit.solution.nodes, np.clip(left, _LEAST_SHARE, 1.0)

    def _common(self, states: Iterable[_State]) -> _Lengths:
        """The lengths from all windows together; where these disagree more than they say, less sure."""
        before = np.linalg.inv(self.known.covariance)
        own = [(mean, np.linalg.inv(spread)) for state in states for mean, spread in zip(*state[1:])]
        total = before + sum(precision - before for _, precision in own)
        covariance = np.linalg.inv(total)
        mean = covariance @ (before @ self.known.mean + sum(p @ x - before @ self.known.mean for x, p in own))
        apart = float(np.mean([(x - mean) @ (p - before) @ (x - mean) for x, p in own])) / len(mean)
        return _Lengths(mean, covariance * max(1.0, apart))
