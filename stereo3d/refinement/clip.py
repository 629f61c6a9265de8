"""The refinement over time: seconds before and after, the noise's own course, and bones that keep their length.

    repaired   swaps in both views undone, leaps and frozen joints out
    noise      split into white, slow and constant from the recording itself
    smoothed   each coordinate, with the match's and the detectors' drifts as states
    bones      what is left is slow or constant: found where it bends bones out of length
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from stereo3d.poses import Poses3D, Status
from stereo3d.refinement.bones import bones_of
from stereo3d.refinement.constant import Noises, agreed, noises_of
from stereo3d.refinement.evidence import Evidence, located
from stereo3d.refinement.gaps import holes
from stereo3d.refinement.motion import SPEED, without_frozen, without_leaps
from stereo3d.refinement.rigid import Corrected, corrected
from stereo3d.refinement.smooth import Sure, smoothed
from stereo3d.refinement.swaps import straightened
from stereo3d.values import Bools, Floats, Value, number

_LEAST_MEMORY = 0.3
"""s: what smoothing leaves of white noise lasts about as long."""
_SHORT = 75
"""Frames below which little can be learned of a recording."""
_STEADY = 0.8


@dataclass(frozen=True, slots=True, eq=False)
class OverTime(Value):
    """What the refinement over time may do."""

    gap: float = 0.5
    """s, the longest hole in a joint's track that is filled; 0 fills none."""
    speed: float = SPEED
    """m/s that no joint passes."""
    bones: bool = True
    """Whether bones keep their length."""

    def __post_init__(self) -> None:
        self._set(gap=number("gap", self.gap, 0.0), speed=number("speed", self.speed, 1e-3))


def clip(evidence: Evidence, settings: OverTime = OverTime()) -> Poses3D:
    """The joints in metres, each frame from all of them, with standard deviations that hold.

    Joints that were missing or refused are FILLED where the hole is no longer than `settings.gap`. `origin` holds what
    was learned of the noise and of the bones, and notes on what could not be helped. Any steps of the clock are
    allowed, growing ones; time and memory are linear in the recording's length.
    """
    if not len(evidence):
        return _poses(evidence, np.zeros((0, len(evidence.skeleton), 3)), np.zeros((0, len(evidence.skeleton), 3)), {})
    found = _repaired(evidence, settings)
    noises = noises_of(found)
    found, constant = agreed(found, noises)
    sure = smoothed(found, noises)
    seen = np.isfinite(found.place[..., :2]).all(-1) & (np.isfinite(found.place[..., 2]) | np.isfinite(found.matched))
    near = holes(seen, found.time) <= settings.gap
    place, sigma, lengths = sure.place, np.hypot(sure.sigma, constant), None
    if settings.bones:
        lengths = _with_bones(found, sure, constant=constant, noises=noises, near=near)
        place, sigma = lengths.place, lengths.sigma
    place, sigma = (np.where(near[..., None], x, np.nan) for x in (place, sigma))
    xyz, deviation = located(place, sigma, found.camera)
    behind = ~(xyz[..., 2] > 0)
    xyz[behind], deviation[behind] = np.nan, np.nan
    given = np.isfinite(xyz).all(-1)
    status = found.status | int(Status.FILLED) * (given & ~seen)
    origin = {"method": "clip", "gap": settings.gap, "speed": settings.speed, "bones": settings.bones}
    origin |= _learned(found, noises, sure, lengths)
    return _poses(found, xyz, deviation, {"refine": origin}, status)


def _poses(
    evidence: Evidence, xyz: Floats, sigma: Floats, origin: dict[str, Any], status: Any = None
) -> Poses3D:
    return Poses3D(
        xyz, evidence.score, sigma, evidence.residual, evidence.status if status is None else status, evidence.time,
        evidence.frame, evidence.skeleton, evidence.camera, origin,
    )


def _repaired(evidence: Evidence, settings: OverTime) -> Evidence:
    """Without what time shows to be wrong."""
    found, _ = without_frozen(evidence)
    found, _ = straightened(found)
    found, _ = without_leaps(found, settings.speed)
    return found


def _with_bones(found: Evidence, sure: Sure, *, constant: Floats, noises: Noises, near: Bools) -> Corrected:
    memory = np.full(3, noises.detector.memory)
    if noises.match is not None:
        memory[2] = _memory_of_both(found, noises)
    return corrected(
        sure.place, sure.sigma, found.time, constant=constant, memory=np.maximum(memory, _LEAST_MEMORY), seen=near,
        bones=bones_of(found.skeleton, looseness=2.0), camera=found.camera,
    )


def _memory_of_both(found: Evidence, noises: Noises) -> float:
    """s, that of what drifts are left where detectors and match are weighed by variance."""
    own = 1 / max(noises.detector.slow * float(np.nanmedian(found.sigma[..., 2] ** 2)), 1e-3)
    theirs = 1 / max(noises.match.slow * float(np.nanmedian(found.matched_sigma**2)), 1e-3)
    return (own * noises.detector.memory + theirs * noises.match.memory) / (own + theirs)


def _learned(found: Evidence, noises: Noises, sure: Sure, lengths: Corrected | None) -> dict[str, Any]:
    """What the recording told of itself, as JSON can hold it."""
    return {}
