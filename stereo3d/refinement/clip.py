"""The refinement over time: seconds before and after, the noise's own course, and bones that keep their length.

    repaired   swaps in both views undone, leaps and frozen joints out
    noise      split into white, slow and constant from the recording itself
    smoothed   each coordinate, with the match's and the detectors' drifts as states
    bones      what is left is slow or constant: found where it bends bones out of length
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from stereo3d.poses import Poses3D, Status
from stereo3d.refinement.bones import bones_of
from stereo3d.refinement.constant import Noises, agreed, noises_of
from stereo3d.refinement.evidence import Evidence, located
from stereo3d.refinement.gaps import holes
from stereo3d.refinement.medians import median
from stereo3d.refinement.motion import without_frozen, without_leaps
from stereo3d.refinement.parts import Parts
from stereo3d.refinement.rigid import Corrected, corrected
from stereo3d.refinement.settings import SPEED
from stereo3d.refinement.smooth import Sure, smoothed
from stereo3d.refinement.swaps import straightened
from stereo3d.refinement.systematic import by_rows, drifting, in_common, lengthened
from stereo3d.refinement.threads import one_thread
from stereo3d.values import Bools, Floats, Ints, Value, number

_LOOSENESS = 2.0
"""By how much more than tables say infants' proportions may differ: detectors mean joints of their own."""
_LEAST_MEMORY = 0.3
"""s: what smoothing leaves of white noise lasts about as long."""
SHORT = 75
"""Frames below which little can be learned of a recording."""
_LASTING = 0.6
"""Share of the noise that stays throughout above which time helps little."""


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


@one_thread()
def clip(evidence: Evidence, settings: OverTime = OverTime()) -> Poses3D:
    """The joints in metres, each frame from all of them, with standard deviations that hold.

    Joints that were missing or refused are FILLED where the hole is no longer than `settings.gap`. `origin` holds what
    was learned of the noise and of the bones, and notes on what could not be helped. Any steps of the clock are
    allowed, growing ones; time and memory are linear in the recording's length.
    """
    if not len(evidence):
        none = np.zeros((0, len(evidence.skeleton), 3))
        return _poses(evidence, none, none, {"refine": {"method": "clip"}})
    found, common = in_common(_repaired(evidence, settings))
    noises = noises_of(found)
    found, constant = agreed(found, noises)
    sure = smoothed(_followed(found), noises)
    seen = np.isfinite(found.place[..., :2]).all(-1) & (np.isfinite(found.place[..., 2]) | np.isfinite(found.matched))
    near = holes(seen, found.time) <= settings.gap
    place, sigma, lengths = sure.place, np.hypot(sure.sigma, constant), None
    if settings.bones:
        lengths = _with_bones(found, sure, constant=constant, noises=noises, near=near, common=common)
        place, sigma = lengths.place, lengths.sigma
    sigma = lengthened(found, np.hypot(sigma, common))
    place, sigma = (np.where(near[..., None], x, np.nan) for x in (place, sigma))
    xyz, deviation = located(place, sigma, found.camera)
    behind = ~(xyz[..., 2] > 0)
    xyz[behind], deviation[behind] = np.nan, np.nan
    given = np.isfinite(xyz).all(-1)
    status = found.status | int(Status.FILLED) * (given & ~seen)
    origin = {"method": "clip", "gap": settings.gap, "speed": settings.speed, "bones": settings.bones}
    origin |= {"systematic": found.systematic is not None}
    origin |= _learned(found, noises, sure, lengths)
    return _poses(found, xyz, deviation, {"refine": origin}, status)


def _poses(
    evidence: Evidence, xyz: Floats, sigma: Floats, origin: dict[str, Any], status: Ints | None = None
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


def _followed(found: Evidence) -> Evidence:
    """As smoothing takes it: what stays throughout is none of its matter."""
    if found.systematic is None:
        return found
    d = np.hypot(by_rows(found), drifting(found))
    return dataclasses.replace(found, sigma=np.concatenate([found.sigma[..., :2], d[..., None]], -1))


def _with_bones(
    found: Evidence, sure: Sure, *, constant: Floats, noises: Noises, near: Bools, common: Floats
) -> Corrected:
    memory = np.full(3, noises.detector.memory)
    if noises.match is not None:
        memory[2] = _memory_of_both(found, noises.detector, noises.match)
    return corrected(
        sure.place, sure.sigma, found.time, constant=constant, memory=np.maximum(memory, _LEAST_MEMORY), seen=near,
        bones=bones_of(found.skeleton, looseness=_LOOSENESS), camera=found.camera,
        beside=abs(found.camera.baseline) * median(common[..., 0] / np.maximum(np.abs(sure.place[..., 2]), 1.0), 0.0),
    )


def _memory_of_both(found: Evidence, detector: Parts, match: Parts) -> float:
    """s, that of what drifts are left where detectors and match are weighed by variance."""
    variances = (detector.slow * found.sigma[..., 2] ** 2, match.slow * found.matched_sigma**2)
    own, theirs = (1 / max(float(np.nanmedian(v)) if np.isfinite(v).any() else 1.0, 1e-3) for v in variances)
    return (own * detector.memory + theirs * match.memory) / (own + theirs)


def _learned(found: Evidence, noises: Noises, sure: Sure, lengths: Corrected | None) -> dict[str, Any]:
    """What the recording told of itself, as JSON can hold it; lengths in m, the noise in shares of its variance."""
    out: dict[str, Any] = {"detector": _shares(noises.detector)}
    if noises.match is not None:
        out["match"] = _shares(noises.match)
    out["sigma_scale"] = round(float(np.median(sure.scale)), 4)
    if lengths is not None:
        names = bones_of(found.skeleton).names
        known = [(n, x, s) for n, x, s in zip(names, lengths.length, lengths.length_sigma) if np.isfinite(x)]
        out["lengths"] = {name: {"length": round(float(x), 5), "sigma": round(float(s), 5)} for name, x, s in known}
    return out | {"notes": _notes(found, noises)}


def _shares(parts: Parts) -> dict[str, float]:
    total = max(parts.total, 1e-12)
    shares = {n: round(getattr(parts, n) / total, 4) for n in ("white", "slow", "constant")}
    return shares | {"memory": round(parts.memory, 4)}


def _notes(found: Evidence, noises: Noises) -> list[str]:
    """What could not be helped, or not well, and why."""
    notes = []
    if len(found) < SHORT:
        notes.append(f"{len(found)} frames: too few to learn much of noise and bones; at least {SHORT} are wanted")
    if noises.detector.constant > _LASTING * noises.detector.total:
        notes.append("most of the detector's error stays the same throughout: time cannot tell it, bones only in part")
    if found.systematic is not None and found.systematic.supposed:
        notes.append("how far this detector is off in both views alike is not known: supposed after another's")
    if noises.match is None:
        notes.append("without the pictures: the detectors' disparity alone")
    seen = np.isfinite(found.place[..., 0])
    never = [joint for k, joint in enumerate(found.skeleton.joints) if not seen[:, k].any()]
    if never:
        notes.append(f"never seen: {', '.join(never)}")
    return notes
