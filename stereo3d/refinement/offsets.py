"""How deep below the skin each joint lies, and how well that is known: defaults, and learning them anew."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from stereo3d.errors import InvalidValue
from stereo3d.refinement.body import body_length, kind_of, rows_of_kinds
from stereo3d.refinement.evidence import Evidence
from stereo3d.refinement.turned import seen_aslant
from stereo3d.skeleton import Skeleton
from stereo3d.values import Bools, Floats, Value, array

if TYPE_CHECKING:
    from stereo3d.refinement.surface import Surface

_DEFAULTS = Path(__file__).with_name("offsets.json")
UNKNOWN, UNKNOWN_SPREAD, UNKNOWN_SWAY = 0.03, 0.03, 0.15
"""Of the body's length: for joints of other names."""
_MAD = 1.4826
_GROSS = 3.0
"""Standard deviations beyond which a match is of another thing."""
_LEAST_NOISE = 0.1
"""px."""
_LEAST_SPREAD = 0.002
_SHRINK = 8
"""Joints that the values to start from count for."""
_ROUNDS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Offsets(Value):
    """The depths of J kinds of joints below the skin, in parts of the body's length."""

    kinds: tuple[str, ...]
    """J names without their sides."""
    depth: Floats
    """(J,)."""
    spread: Floats
    """(J,) standard deviation from joint to joint."""
    sway: Floats
    """(J,) px of disparity by which the skin rises within a px: what a place that is a little off costs."""

    def __post_init__(self) -> None:
        shape = (len(self.kinds),)
        self._set(kinds=tuple(self.kinds), depth=array("depth", self.depth, shape))
        self._set(spread=array("spread", self.spread, shape), sway=array("sway", self.sway, shape))

    @classmethod
    def default(cls) -> Offsets:
        """Those that ship with the toolkit, learned on synthetic infants (`learned_by` in their file says how)."""
        return _load()

    def of(self, skeleton: Skeleton) -> tuple[Floats, Floats, Floats]:
        """(K,) depth, (K,) spread and (K,) sway of a skeleton's joints."""
        which = rows_of_kinds(self.kinds, skeleton.joints)
        usual = {"depth": UNKNOWN, "spread": UNKNOWN_SPREAD, "sway": UNKNOWN_SWAY}
        depth, spread, sway = (np.append(getattr(self, n), x)[which] for n, x in usual.items())
        return depth, spread, sway


class Annotated(NamedTuple):
    """One recording, or part of one, whose joints are known."""

    evidence: Evidence
    """As `weigh` gives it."""
    surface: Surface
    truth: Floats
    """(T, K, 3) m in the rectified left camera, NaN where not known."""


def fit_offsets(recordings: Sequence[Annotated], start: Offsets | None = None, *, sway: bool = False) -> Offsets:
    """Depths and spreads as these recordings have them, drawn to `start` (the defaults) where they have little to say.

    Joints whose match is far off (something lies before them) are left out. At least 8 infants are wanted. `sway` is
    learned only when asked for: it needs detectors of different noise. Raises InvalidValue where no joint of a known
    kind is there.
    """
    start = start or Offsets.default()
    rows = _by_kind([_observe(recording) for recording in recordings], start.kinds)
    if not rows:
        raise InvalidValue(f"recordings: expected known joints among {', '.join(start.kinds)}, got none")
    table = {
        kind: _fit(rows[kind], old, sway=sway) if kind in rows else old
        for kind, old in zip(start.kinds, zip(start.depth, start.spread, start.sway))
    }
    return Offsets(start.kinds, *(np.array(column) for column in zip(*table.values())))


class _Observed(NamedTuple):
    """N joints of one kind."""

    deep: Floats
    """(N,) of the body's length, below the skin that was matched."""
    unit: Floats
    """(N,) px of disparity for that length."""
    beside: Floats
    """(N,) px, standard deviation of where the patch lies."""
    vague: Floats
    """(N,) px."""


def _by_kind(seen: Sequence[tuple[NDArray[np.str_], _Observed]], kinds: Sequence[str]) -> dict[str, _Observed]:
    """What all recordings show of each kind that any of them has."""
    out = {}
    for kind in kinds:
        parts = [[x[of == kind] for x in observed] for of, observed in seen if (of == kind).any()]
        if parts:
            out[kind] = _Observed(*(np.concatenate(x) for x in zip(*parts)))
    return out


def _observe(recording: Annotated) -> tuple[NDArray[np.str_], _Observed]:
    """The kinds of a recording's known joints, and what is seen of each."""
    found, surface, truth = recording
    camera = found.camera
    fb = abs(camera.baseline) * camera.focal
    length = body_length(found.place, found.sigma, skeleton=found.skeleton, camera=camera)[:, None]
    deep = (truth[..., 2] - fb / surface.skin) / length
    known = np.isfinite(deep) & (surface.source >= 0)
    kinds = np.array([kind_of(joint) for joint in found.skeleton.joints])
    unit = length * surface.skin**2 / fb
    vague = np.hypot(surface.vague, seen_aslant(found, length[:, 0]) * unit)
    columns = (deep, unit, found.sigma[..., 0], vague)
    return np.broadcast_to(kinds, deep.shape)[known], _Observed(*(x[known] for x in columns))


def _fit(seen: _Observed, old: tuple[float, float, float], *, sway: bool) -> tuple[float, float, float]:
    """Depth, spread and sway of one kind: a trimmed mean, then what its residuals are made of."""
    depth, spread, slope = old
    middle = float(np.median(seen.deep))
    off, kept = _trimmed(seen, middle)
    for _ in range(_ROUNDS):
        middle = float(np.mean(seen.deep[kept]))
        off, kept = _trimmed(seen, middle)
    n = int(kept.sum())
    vague = np.asarray(seen.vague[kept]) ** 2
    square = np.maximum(off[kept] ** 2 - vague, 0.0)
    unit, beside = seen.unit[kept] ** 2, seen.beside[kept] ** 2
    if sway:
        weight = 1 / np.maximum(spread**2 * unit + slope**2 * beside + vague, _LEAST_NOISE**2)
        found, _ = nnls(np.stack([unit * weight, beside * weight], 1), square * weight)
        wide, slope = float(found[0]), float(np.sqrt(found[1]))
    else:
        wide = float(np.mean(square - slope**2 * beside) / np.mean(unit))
    wide = max(np.sqrt(max(wide, 0.0)), _LEAST_SPREAD)
    share = n / (n + _SHRINK)
    return depth + share * (middle - depth), spread + share * (wide - spread), slope


def _trimmed(seen: _Observed, middle: float) -> tuple[Floats, Bools]:
    """(N,) px off a depth, and (N,) where that is no gross error."""
    off = (seen.deep - middle) * seen.unit
    noise = _MAD * float(np.median(np.abs(off)))
    return off, np.abs(off) <= _GROSS * max(noise, _LEAST_NOISE)


@cache
def _load() -> Offsets:
    held = json.loads(_DEFAULTS.read_text(encoding="utf-8"))
    table = held["joints"]
    return Offsets(tuple(table), *(np.array([row[n] for row in table.values()]) for n in ("depth", "spread", "sway")))
