"""Recordings and results without what says whose they are: serial numbers, provenance, the time of day."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from stereo3d.cameras import StereoRig
from stereo3d.poses import Poses2D, Poses3D
from stereo3d.values import Floats, Value

V = TypeVar("V")
CLOCK = 1e8
"""s. Times beyond three years do not count from a recording's start: they are a clock's."""


def without_identity(value: V) -> V:
    """The same value without serial numbers and provenance, in the values inside it too."""
    if not isinstance(value, Value):
        return value
    changes: dict[str, Any] = {}
    for field in dataclasses.fields(value):  # type: ignore[arg-type]
        held = getattr(value, field.name)
        if isinstance(held, Value):
            changes[field.name] = without_identity(held)
        elif (isinstance(value, StereoRig) and field.name == "serial") or (field.name == "origin" and held):
            changes[field.name] = {} if isinstance(held, Mapping) else None
    return dataclasses.replace(value, **changes) if changes else value  # type: ignore[type-var]


def clock_of(time: Floats) -> float:
    """The moment from which times (T,) s have to be counted to say nothing of the day; 0 where they do so already."""
    known = time[np.isfinite(time)]
    return float(known[0]) if len(known) and known[0] > CLOCK else 0.0


def counted_from(value: V, start: float) -> V:
    """The same poses with their times counted from `start`; other values as they are."""
    if not start or not isinstance(value, (Poses2D, Poses3D)):
        return value
    return dataclasses.replace(value, time=value.time - start)
