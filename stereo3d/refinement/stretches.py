"""Recordings of any length refined in stretches of minutes, so that memory does not grow with their length."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from stereo3d.poses import Poses3D
from stereo3d.values import Floats, rows_of

LENGTH = 18_000
"""Frames, 10 minutes at 30 a second: longer ones tell no more of the noise and of the bones."""
MARGIN = 150
"""Frames on either side that go over from one stretch to the next."""


def in_stretches(n_frames: int, refined: Callable[[slice], Poses3D]) -> Iterator[Poses3D]:
    """The poses of n frames, a piece after the other; `refined` gives those of a stretch, which overlap a little."""
    edges = np.linspace(0, n_frames, max(1, round(n_frames / LENGTH)) + 1).round().astype(int).tolist()
    before: Poses3D | None = None
    for first, last in zip(edges, edges[1:]):
        start, stop = max(first - MARGIN, 0), min(last + MARGIN, n_frames)
        found = refined(slice(start, stop))
        body = 0
        if before is not None:
            body = 2 * MARGIN
            yield _blended(before, rows_of(found, slice(0, body)))
        end = len(found) if last == n_frames else len(found) - 2 * MARGIN
        yield rows_of(found, slice(body, end))
        before = rows_of(found, slice(end, None))


def _blended(before: Poses3D, after: Poses3D) -> Poses3D:
    """The same frames twice, going over smoothly from one to the other; what one of them lacks, as the other has it."""
    x = (np.arange(len(before)) + 0.5)[:, None] / max(len(before), 1)
    share = x * x * (3 - 2 * x) * after.found
    share = np.where(before.found, share, after.found.astype(float))
    xyz, sigma = (_mixed(getattr(before, n), getattr(after, n), share[..., None]) for n in ("xyz", "sigma"))
    status = np.where(share > 0.5, after.status, before.status)
    return dataclasses.replace(after, xyz=xyz, sigma=sigma, status=status)


def _mixed(a: Floats, b: Floats, share: Floats) -> Floats:
    return np.where(share == 0, a, np.where(share == 1, b, a + share * (b - a)))


def summed_up(origins: list[dict[str, Any]]) -> dict[str, Any]:
    """What several stretches learned, as one: means of numbers, each note once, `stretches` how many they were."""
    out: dict[str, Any] = _together(origins)
    return out | ({"stretches": len(origins)} if len(origins) > 1 else {})


def _together(values: list[Any]) -> Any:
    first = values[0]
    if isinstance(first, dict):
        names = dict.fromkeys(name for value in values for name in value)
        return {name: _together([value[name] for value in values if name in value]) for name in names}
    if isinstance(first, list):
        return list(dict.fromkeys(item for value in values for item in value))
    if isinstance(first, float):
        return round(float(np.mean(values)), 5)
    return first if all(value == first for value in values) else " and ".join(map(str, dict.fromkeys(values)))
