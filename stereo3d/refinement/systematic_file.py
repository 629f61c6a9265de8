"""Whose systematic error is known: what ships of detectors, by their names and the check sums of their weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from stereo3d.refinement.systematic import JOINTS, SystematicError
from stereo3d.refinement.offsets import Offsets

FILE = Path(__file__).with_name("systematic.json")
_COLUMNS = (*JOINTS, "depth", "spread", "sway")
_NUMBERS = ("doubt", "stays", "memory", "unseen_across", "unseen_along", "sure")
_HANDED_ON = frozenset({"replay"})
"""Detectors that hand on joints from elsewhere, of which nothing is supposed."""


def systematic_of(detector: str | None, weights_sha256: str | None = None) -> SystematicError | None:
    """What ships of a detector with those weights; of one that nothing was learned of, what is supposed after that of
    the weights in the box, as every network has some. None for joints that no network found, or
    nobody knows which."""
    if detector is None or detector in _HANDED_ON:
        return None
    held = _shipped()
    own = held.get(f"{detector} {weights_sha256}")
    return own or next((other.of_another() for other in held.values()), None)


def systematic_by(origin: Mapping[str, Any]) -> SystematicError | None:
    """That of the detector which a result's `origin` names."""
    config = origin.get("config")
    detect = config.get("detect") if isinstance(config, Mapping) else None
    detector = detect.get("detector") if isinstance(detect, Mapping) else None
    return systematic_of(detector, origin.get("weights_sha256"))


def to_dict(systematic: SystematicError) -> dict[str, Any]:
    """As JSON holds it."""
    own, offsets = (getattr(systematic, name) for name in JOINTS), systematic.offsets
    columns = (*own, offsets.depth, offsets.spread, offsets.sway)
    rows = zip(systematic.kinds, *(np.round(x, 5).tolist() for x in columns))
    joints = {kind: dict(zip(_COLUMNS, numbers)) for kind, *numbers in rows}
    return {n: round(getattr(systematic, n), 5) for n in _NUMBERS} | {"joints": joints}


def from_dict(held: Mapping[str, Any]) -> SystematicError:
    """What `to_dict` made. Raises KeyError and InvalidValue for something else."""
    joints = held["joints"]
    columns = (np.array([row[name] for row in joints.values()]) for name in _COLUMNS)
    across, along, nearer, left, depth, spread, sway = columns
    offsets, numbers = Offsets(tuple(joints), depth, spread, sway), {name: held[name] for name in _NUMBERS}
    return SystematicError(tuple(joints), across, along, nearer, left, offsets=offsets, **numbers)


@cache
def _shipped() -> dict[str, SystematicError]:
    """By detector and check sum of its weights; the first is that of the weights in the box."""
    if not FILE.is_file():
        return {}
    detectors = json.loads(FILE.read_text(encoding="utf-8"))["detectors"]
    return {name: from_dict(held) for name, held in detectors.items()}
