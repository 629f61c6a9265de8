"""The pictures' part as joints come in batch by batch, so that no pair is read twice nor kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from stereo3d.calibration.rectify import Rectifier
from stereo3d.cameras import RectifiedCamera
from stereo3d.errors import CalibrationError
from stereo3d.poses import Poses2D, concatenate
from stereo3d.recording.base import FramePair
from stereo3d.refinement.evidence import Prepared, prepare
from stereo3d.refinement.offsets import Offsets
from stereo3d.refinement.surface import Surface, look
from stereo3d.refinement.systematic import SystematicError
from stereo3d.stereo import Stereo
from stereo3d.values import rows_of

CONTEXT = 64
"""Frames before those of a batch that tell with them how noisy the detector is, and so how far to search."""


class Looking:
    """Looks at one stretch of a recording, from its beginning on."""

    def __init__(
        self, rectifier: Rectifier, offsets: Offsets | None = None, systematic: SystematicError | None = None
    ) -> None:
        """Raises CalibrationError for a pair that cannot be rectified: no row of the one is a row of the other."""
        if not isinstance(rectifier.camera, RectifiedCamera):
            raise CalibrationError("the pair cannot be rectified: expected rows that agree to match along them")
        self._rectifier, self._camera, self._systematic = rectifier, rectifier.camera, systematic
        self._offsets = offsets or (systematic.offsets if systematic else None)
        self._before: Stereo[Poses2D] | None = None

    def see(self, joints: Stereo[Poses2D], pairs: Iterable[FramePair]) -> Surface:
        """The skin at the joints of the next frames, NaN in pairs whose pictures are missing or damaged."""
        n = len(joints.left)
        known = joints if self._before is None else _one_after_the_other(self._before, joints)
        prepared = _last(prepare(known, self._camera, systematic=self._systematic), n)
        self._before = known.map(lambda view: rows_of(view, slice(max(len(view) - CONTEXT, 0), None)))
        damaged: list[int] = []
        seen = look(prepared, _noting(pairs, damaged), self._rectifier, self._offsets)
        return _without(seen, damaged) if damaged else seen


def joined(parts: Sequence[Surface]) -> Surface:
    """The parts one after the other."""
    arrays = [f.name for f in dataclasses.fields(Surface) if isinstance(getattr(parts[0], f.name), np.ndarray)]
    whole: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in arrays}
    return dataclasses.replace(parts[0], **whole)


def _noting(pairs: Iterable[FramePair], damaged: list[int]) -> Iterator[FramePair]:
    for row, pair in enumerate(pairs):
        if not pair.valid:
            damaged.append(row)
        yield pair


def _without(seen: Surface, rows: list[int]) -> Surface:
    gone = np.isin(np.arange(len(seen)), rows)[:, None]
    skin, vague, likeness = (np.where(gone, np.nan, x) for x in (seen.skin, seen.vague, seen.likeness))
    source = np.where(gone, np.minimum(seen.source, 0), seen.source)
    return dataclasses.replace(seen, skin=skin, vague=vague, likeness=likeness, source=source)


def _one_after_the_other(before: Stereo[Poses2D], after: Stereo[Poses2D]) -> Stereo[Poses2D]:
    return before.map(lambda a, b: concatenate([a, b]), after)


def _last(prepared: Prepared, n: int) -> Prepared:
    """The last n frames of what was prepared."""
    rows = slice(len(prepared.evidence) - n, None)
    return dataclasses.replace(
        prepared, joints=prepared.joints.map(lambda view: rows_of(view, rows)),
        evidence=rows_of(prepared.evidence, rows),
    )
