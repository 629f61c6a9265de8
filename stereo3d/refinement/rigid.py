"""Tracks corrected so that bones keep their length: what smoothing leaves is slow or constant, and mostly depth.

Each coordinate of each joint has an unknown error, a Gauss-Markov process as large as smoothing left it plus a constant
as large as the noise's own; each kind of bone has an unknown length. The bones' lengths in all nodes of a window are
fitted by Gauss-Newton with weights of Student's t. A bone that turns tells the constants of its ends: a joint that
is always too near makes it too long in one attitude and too short in another.
"""

from __future__ import annotations

import math
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
_LEARNING = 5
"""Windows that the lengths are found in before all are fitted."""
_ROUNDS = 5
_TAIL = 4.0
"""Degrees of freedom of Student's t."""
_MOST = 30.0
"""px, the most that an error is taken for."""
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


class _Fit(NamedTuple):
    system: arrow.Arrow
    solution: arrow.Solution


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
            _by_axis(place[frames][:, joints]), np.minimum(_by_axis(sigma[frames][:, joints]), _MOST),
            np.exp(-np.diff(time[frames])[:, None] / np.repeat(memory, len(joints))), usable[frames],
        )
        out[:, joints] += _between(shift, frames, len(time))
        variance[:, joints] *= np.clip(_between(share, frames, len(time)), _LEAST_SHARE, 1.0)
        log_length[:, kinds] = lengths
    length = np.exp(log_length[0])
    return Corrected(out, np.sqrt(variance), length, length * log_length[1])


def _by_axis(x: Floats) -> Floats:
    return np.ascontiguousarray(x.transpose(0, 2, 1)).reshape(len(x), -1)


def _between(x: Floats, frames: Ints, n_frames: int) -> Floats:
    """(T, J, 3) in all frames what x (N, M) is at the nodes' frames, as a curve: jerk would see every kink."""
    every = np.arange(n_frames)
    out = make_interp_spline(frames, x, k=min(3, len(frames) - 1))(every) if len(frames) > 1 else x[every * 0]
    return np.asarray(out.reshape(n_frames, 3, -1).transpose(0, 2, 1))


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

        def nodes(rows: Ints) -> _Nodes:
            return _Nodes(place[rows], sigma[rows], keep[rows[:-1]], seen[rows])

        if len(parts) > 1:
            some = parts.some(_LEARNING)
            self.known = self._common([self._fit(nodes(some.rows(b))).solution for b in some.batches(_BATCH)])
        lengths = self.known
        for batch in parts.batches(_BATCH):
            part = nodes(parts.rows(batch))
            fit = self._fit(part)
            moved, left = self._outcome(part, fit)
            for w, rows in enumerate(parts.rows(batch).T):
                weight = parts.shares(batch)[:, w, None]
                shift[rows] += weight * moved[:, w]
                share[rows] += weight * left[:, w]
            if len(parts) == 1:
                lengths = self._common([fit.solution])
        return shift, share, np.stack([lengths.mean, np.sqrt(np.diagonal(lengths.covariance))])

    def _fit(self, nodes: _Nodes) -> _Fit:
        """Gauss-Newton from tracks as they are; errors in units of their standard deviations."""
        n, w, m = nodes.place.shape
        slow, throughout = np.zeros((n, w, m)), np.zeros((w, m + len(self.known.mean)))
        throughout[:, m:] = self.known.mean
        weight: Floats | None = None
        for _ in range(_ROUNDS):
            system, miss = self._system(nodes, slow, throughout, weight)
            solution = arrow.solve(system)
            slow, throughout = solution.nodes, solution.throughout
            weight = (_TAIL + 1) / (_TAIL + miss**2)
        return _Fit(system, solution)

    def _system(
        self, nodes: _Nodes, slow: Floats, throughout: Floats, weight: Floats | None
    ) -> tuple[arrow.Arrow, Floats]:
        """The equations linear about a state, and the bones' misfits (N, W, B) there in units of their wobble."""
        m = slow.shape[-1]
        change = nodes.sigma * slow + self.constant * throughout[:, :m]
        length, slope = self._measured(nodes.place, change)
        wanted = np.exp(throughout[:, m:])[:, self.bones.kind]
        spread = self.wobble * wanted
        both = nodes.seen[..., self.bones.ends].all(-1)
        miss = np.where(both, (length - wanted) / spread, 0.0)
        root = np.where(both, np.sqrt(weight) if weight is not None else 1.0, 0.0) / spread
        rows = np.zeros((*slope.shape[:-1], m + throughout.shape[1] + 1))
        slope *= root[..., None]
        rows[..., :m], rows[..., m:2 * m] = slope * nodes.sigma[..., None, :], slope * self.constant
        # The spread goes with the length but is not differentiated: else a bone would grow to be let off.
        rows[..., np.arange(len(self.bones)), 2 * m + self.bones.kind] = -root * wanted
        known = np.concatenate([slow, np.broadcast_to(throughout, (*slow.shape[:2], throughout.shape[1]))], -1)
        rows[..., -1] = (rows[..., :-1] @ known[..., None])[..., 0] - root * spread * miss
        return self._normal(rows, nodes.keep), miss

    def _measured(self, place: Floats, change: Floats) -> tuple[Floats, Floats]:
        """(N, W, B) m lengths of the bones between places moved by `change`, and (N, W, B, M) how they change."""
        camera, j = self.camera, place.shape[-1] // 3
        xc, v, d = (place[..., i * j:(i + 1) * j] for i in range(3))
        moved = [x + change[..., i * j:(i + 1) * j] for i, x in enumerate((xc, v, d))]
        moved[2] = np.where(moved[2] * d < _NEAREST * d * d, _NEAREST * d, moved[2])
        per_px = camera.baseline / np.where(d == 0, 1.0, moved[2])
        middle = np.array([(camera.cx.left + camera.cx.right) / 2, camera.cy])
        ray = np.stack([moved[0] - middle[0], moved[1] - middle[1], np.full(d.shape, camera.focal)], -1)
        xyz = ray * per_px[..., None]
        a, b = self.bones.ends.T
        bone = xyz[..., a, :] - xyz[..., b, :]
        length = np.maximum(np.linalg.norm(bone, axis=-1), 1e-4)
        unit = bone / length[..., None]
        slope, which = np.zeros((*length.shape, 3 * j)), np.arange(len(a))
        for end, sign in ((a, 1.0), (b, -1.0)):
            scale = sign * per_px[..., end]
            slope[..., which, end] = scale * unit[..., 0]
            slope[..., which, j + end] = scale * unit[..., 1]
            along = (unit * xyz[..., end, :]).sum(-1)
            slope[..., which, 2 * j + end] = -scale / camera.baseline * along
        return length, slope

    def _normal(self, rows: Floats, keep: Floats) -> arrow.Arrow:
        """The normal equations of `rows` (N, W, B, M + P + 1), of which the last column is the right side, with what is
        known beforehand: errors of unit variance, slow ones as `keep` says."""
        n, w, b, _ = rows.shape
        m = keep.shape[-1]
        of_nodes = rows[..., :m].swapaxes(-1, -2) @ rows
        shared = rows[..., m:].swapaxes(0, 1).reshape(w, n * b, -1)
        of_all = shared.swapaxes(1, 2) @ shared
        blocks, corner, right_corner = of_nodes[..., :m], of_all[:, :-1, :-1], of_all[:, :-1, -1]
        fresh = 1 / np.maximum(1 - keep**2, 1e-6)
        own = np.ones((n, w, m))
        own[1:] = fresh
        own[:-1] += keep**2 * fresh
        blocks[..., np.arange(m), np.arange(m)] += own
        precision = np.linalg.inv(self.known.covariance)
        corner[:, np.arange(m), np.arange(m)] += 1.0
        corner[:, m:, m:] += precision
        right_corner[:, m:] += precision @ self.known.mean
        return arrow.Arrow(blocks, keep * fresh, of_nodes[..., m:-1], corner, of_nodes[..., -1], right_corner)

    def _outcome(self, nodes: _Nodes, fit: _Fit) -> tuple[Floats, Floats]:
        """(N, W, M) px of all errors together, and what is left of their variance."""
        m = nodes.place.shape[-1]
        own, shared = arrow.node_variances(*fit)
        of_all = np.diagonal(fit.solution.covariance, axis1=-2, axis2=-1)[:, :m]
        both = np.diagonal(shared[..., :m], axis1=-2, axis2=-1)
        variance = nodes.sigma**2 * own + self.constant**2 * of_all + 2 * nodes.sigma * self.constant * both
        moved = nodes.sigma * fit.solution.nodes + self.constant * fit.solution.throughout[:, :m]
        return moved, np.clip(variance / (nodes.sigma**2 + self.constant**2), _LEAST_SHARE, 1.0)

    def _common(self, solutions: list[arrow.Solution]) -> _Lengths:
        """The lengths from all windows together; where these disagree more than they say, less sure."""
        n = len(self.known.mean)
        before = np.linalg.inv(self.known.covariance)
        own = [(s.throughout[w, -n:], np.linalg.inv(s.covariance[w, -n:, -n:])) for s in solutions
               for w in range(len(s.covariance))]
        total = before + sum(precision - before for _, precision in own)
        covariance = np.linalg.inv(total)
        mean = covariance @ (before @ self.known.mean + sum(p @ x - before @ self.known.mean for x, p in own))
        apart = float(np.mean([(x - mean) @ (p - before) @ (x - mean) for x, p in own])) / n
        return _Lengths(mean, covariance * max(1.0, apart))
