"""Recordings that carry joints: both views' pictures, with the labels of a simulation or annotated joints."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stereo3d import storage
from stereo3d.datasets.annotated import Annotated
from stereo3d.errors import InputError
from stereo3d.poses import Poses2D
from stereo3d.recording.base import open_recording
from stereo3d.stereo import SIDES, Stereo
from stereo3d.values import Bytes


def read(path: Path) -> Annotated:
    """The left pictures and then the right ones of a recording with labels, else with joints in its own pictures.

    All are of one infant, the recording's. Raises InputError where it has neither.
    """
    views = _views(path)
    recording = open_recording(path)
    marks = [views[side] for side in SIDES]
    n = len(marks[0])

    def picture(row: int) -> Bytes:
        pair = recording[int(marks[row // n].frame[row % n])]
        return pair.images.left if row < n else pair.images.right

    xy, score = np.concatenate([m.xy for m in marks]), np.concatenate([m.score for m in marks])
    known = np.isfinite(xy).all(-1)
    subject = (path.stem,) * len(xy)
    return Annotated(picture, xy, known.astype(float), (score > 0) & known, subject, marks[0].skeleton)


def _views(path: Path) -> Stereo[Poses2D]:
    with storage.open_hdf5(path) as file:
        for group in ("labels", "joints"):
            if group in file and f"{group}/left" in file and f"{group}/camera" not in file:
                return Stereo(*(storage.get(file, f"{group}/{side}") for side in SIDES))
    raise InputError(f"{path}: expected a recording with labels or with joints in its own pictures, got one without")
