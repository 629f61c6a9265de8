"""Which joints and frames can be trusted, judged without a truth, and why not the others."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stereo3d.evaluation import limbs, metrics
from stereo3d.poses import Poses3D, Status
from stereo3d.values import Bools, Floats, Ints, Value, array, number

_NEIGHBOURS = 2
_LONGEST_WINDOW = 0.25
"""s. Over more, a fast movement may come and go between frames and looks like a jump."""
_BLOCK = 8192
"""Frames sorted at once."""


class Doubt(enum.IntEnum):
    """The one reason why a joint is not trusted; the first that holds, in this order."""

    NONE = 0
    UNSEEN = 1
    VIEWS_DISAGREE = 2
    DEPTH = 3
    OUTLIER = 4
    FROZEN = 5
    FILLED = 6
    JUMP = 7
    LENGTH = 8
    WIDE = 9


SHORT: Mapping[Doubt, str] = {
    Doubt.NONE: "trusted", Doubt.UNSEEN: "not seen", Doubt.VIEWS_DISAGREE: "views disagree",
    Doubt.DEPTH: "impossible depth", Doubt.OUTLIER: "not with the body", Doubt.FROZEN: "stuck",
    Doubt.FILLED: "filled in", Doubt.JUMP: "jumps", Doubt.LENGTH: "limb length off", Doubt.WIDE: "wide error bar",
}  # fmt: skip
_REFUSED = (
    (Status.JUMP, Doubt.JUMP), (Status.BONE, Doubt.LENGTH), (Status.FROZEN, Doubt.FROZEN),
    (Status.OUTLIER, Doubt.OUTLIER), (Status.DEPTH_RANGE, Doubt.DEPTH), (Status.ROW_MISMATCH, Doubt.VIEWS_DISAGREE),
)  # fmt: skip
"""Why a joint without a place has none, the reason that counts first last; any other is UNSEEN."""


@dataclass(frozen=True, slots=True, eq=False)
class Limits(Value):
    """What makes a joint doubtful, and how many doubtful ones a frame can bear."""

    jump: float = 0.08
    """m from the median of five frames. On simulated infants (3 px of noise) 99 % of errors beyond 10 cm lie over it,
    and noise alone does not."""
    length: float = 0.5
    """Share of a limb segment's own median length. Noise in depth changes short segments by up to as much."""
    spread: float = 0.10
    """m, the length of sigma."""
    joints: float = 0.8
    """Share of the joints that a trusted frame needs: 14 of 17."""

    def __post_init__(self) -> None:
        checked = {name: number(name, getattr(self, name), 0.0) for name in ("jump", "length", "spread")}
        self._set(**checked, joints=number("joints", self.joints, 0.0, 1.0))


@dataclass(frozen=True, slots=True, eq=False)
class Trust(Value):
    """The judgement of T frames and K joints."""

    doubt: Ints
    """(T, K) members of Doubt."""
    trusted: Bools
    """(T,)."""
    cause: Ints
    """(T,) the commonest Doubt of a frame that is not trusted, NONE for the others."""

    def __post_init__(self) -> None:
        doubt = array("doubt", self.doubt, ("T", "K"), np.int64)
        self._set(doubt=doubt, trusted=array("trusted", self.trusted, doubt.shape[:1], np.bool_))
        self._set(cause=array("cause", self.cause, doubt.shape[:1], np.int64))

    @property
    def share(self) -> float:
        """The share of frames that are trusted, NaN where there is none."""
        return float(self.trusted.mean()) if self.trusted.size else np.nan

    def counts(self) -> Ints:
        """(T, 10) how many joints of each frame have each Doubt."""
        return _counts(self.doubt)


def judge(poses: Poses3D, limits: Limits = Limits()) -> Trust:
    """Which joints have a place that agrees with both views, its neighbours in time and the limbs it ends.

    A joint whose status holds a reason against it but that has a place was mended since: its place is what is judged.
    """
    status, found = poses.status, poses.found
    doubt = np.where(found, 0, int(Doubt.UNSEEN))
    for flag, reason in _REFUSED:
        doubt[~found & ((status & flag) != 0)] = reason
    with np.errstate(invalid="ignore"):
        wide = np.sqrt((poses.sigma * poses.sigma).sum(-1)) > limits.spread
        jump = jumps(poses) > limits.jump
    for reason, holds in (
        (Doubt.WIDE, wide), (Doubt.LENGTH, wrong_length(poses, limits.length)), (Doubt.JUMP, jump),
        (Doubt.FILLED, (status & Status.FILLED) != 0),
    ):  # fmt: skip
        doubt[found & holds] = reason
    counts = _counts(doubt)
    trusted = counts[:, 0] >= limits.joints * max(len(poses.skeleton), 1)
    cause = np.where(trusted, 0, counts[:, 1:].argmax(1) + 1)
    return Trust(doubt, trusted, cause)


def _counts(doubt: Ints) -> Ints:
    return np.stack([(doubt == d).sum(1) for d in Doubt], 1)


def jumps(poses: Poses3D) -> Floats:
    """(T, K) m from the median of each joint's five frames about it; NaN where fewer than three are known.

    All NaN where five frames take longer than a quarter of a second.
    """
    out = np.full(poses.score.shape, np.nan)
    step = np.diff(poses.time)
    if step.size < 2 * _NEIGHBOURS or not float(np.median(step)) * 2 * _NEIGHBOURS <= _LONGEST_WINDOW:
        return out
    padded = np.pad(poses.xyz, ((_NEIGHBOURS, _NEIGHBOURS), (0, 0), (0, 0)), constant_values=np.nan)
    for start in range(0, len(poses), _BLOCK):
        part = padded[start:start + _BLOCK + 2 * _NEIGHBOURS]
        out[start:start + _BLOCK] = _from_median(part)
    return out


def _from_median(padded: Floats) -> Floats:
    n = len(padded) - 2 * _NEIGHBOURS
    around = np.sort(np.stack([padded[i:i + n] for i in range(2 * _NEIGHBOURS + 1)]), axis=0)
    known = np.isfinite(around[..., 0]).sum(0)
    middle = (_pick(around, np.maximum(known - 1, 0) // 2) + _pick(around, known // 2)) / 2
    here = padded[_NEIGHBOURS:_NEIGHBOURS + n]
    return np.where(known >= _NEIGHBOURS + 1, metrics.distance(here, middle), np.nan)


def _pick(around: Floats, which: Ints) -> Floats:
    where = np.broadcast_to(which[None, ..., None], (1, *around.shape[1:]))
    return np.asarray(np.take_along_axis(around, where, 0)[0])


def wrong_length(poses: Poses3D, share: float) -> Bools:
    """(T, K) joints all of whose limb segments are off their own median length by more than `share`.

    Where both segments of an elbow or a knee are off it alone is to blame, not what lies at their other ends.
    """
    ends = list(limbs.segments(poses.skeleton.joints).values())
    lengths = metrics.bone_lengths(poses.xyz, ends)
    usual = metrics.length_statistics(lengths).median
    off, known = np.zeros(poses.score.shape, np.int64), np.zeros(poses.score.shape, np.int64)
    with np.errstate(invalid="ignore"):
        wrong = np.abs(lengths / usual - 1) > share
    for i, bone in enumerate(ends):
        off[:, bone] += wrong[:, i, None]
        known[:, bone] += np.isfinite(lengths[:, i, None])
    to_blame = (off > 0) & (off == known)
    middle = to_blame & (known > 1)
    for a, b in ends:
        to_blame[:, a] &= ~middle[:, b]
        to_blame[:, b] &= ~middle[:, a]
    return np.asarray(to_blame)
