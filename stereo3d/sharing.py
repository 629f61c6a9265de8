"""What leaves the hospital: pictures without recognisable heads, or joints and nothing else (docs/privacy.md)."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np

from stereo3d import storage
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.detectors.replay import replay
from stereo3d.errors import InputError
from stereo3d.poses import Poses2D, Poses3D
from stereo3d.recording.base import Recording
from stereo3d.recording.heads import Heads, heads_of
from stereo3d.recording.identity import clock_of, counted_from, without_identity
from stereo3d.recording.rig import Rig, rectifier_for
from stereo3d.stereo import SIDES, Stereo

PathLike = str | os.PathLike[str]


def heads_in(recording: Recording, joints: PathLike, rig: Rig | PathLike | None = None) -> Heads:
    """Where the heads are in a recording's pictures, by the joints in a result of it or in a recording.

    Raises CalibrationError where the joints are in other pixels than those of this rig, InputError for a file without
    joints of both views, UsageError for joints without a head.
    """
    rectifier = rectifier_for(recording, rig)
    found = replay(joints).joints_at(range(len(recording)), rectifier)
    raw = [dataclasses.replace(found[side], xy=rectifier.raw_points(found[side].xy, side)) for side in SIDES]
    return heads_of(Stereo(*raw), np.asarray(recording.time))


def write_keypoints(poses: PathLike, output: PathLike) -> Path:
    """The path of a result that holds the joints and cameras of another and nothing else: no provenance, no check
    sums of recordings, no serial numbers, no time of day. Raises InputError for a file without joints."""
    kept = {
        name: without_identity(value) for name, value in storage.read(poses).items()
        if isinstance(value, (Poses2D, Poses3D, RectifiedCamera, StereoRig))
    }
    starts = [clock_of(value.time) for value in kept.values() if isinstance(value, (Poses2D, Poses3D))]
    if not starts:
        raise InputError(f"{poses}: expected joints, got {', '.join(kept) or 'nothing'}")
    return storage.write(output, **{name: counted_from(value, max(starts)) for name, value in kept.items()})
