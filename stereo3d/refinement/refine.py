"""Joints of both views into joints in space, refined: by frame or over time, with the pictures' part or without."""

from __future__ import annotations

import dataclasses

import numpy as np

from stereo3d.cameras import RectifiedCamera
from stereo3d.poses import Poses2D, Poses3D, Status
from stereo3d.refinement.clip import OverTime, clip
from stereo3d.refinement.evidence import Evidence, prepare
from stereo3d.refinement.frame import refine_frames
from stereo3d.refinement.offsets import Offsets
from stereo3d.refinement.settings import Refine
from stereo3d.refinement.surface import Surface
from stereo3d.refinement.systematic import SystematicError
from stereo3d.refinement.weigh import weigh
from stereo3d.stereo import Stereo
from stereo3d.triangulation import Gates

FEWEST = 5
"""Frames with joints from which on time helps: of two or three nobody can tell movement from noise."""


def refine(
    joints: Stereo[Poses2D], camera: RectifiedCamera, settings: Refine = Refine(mode="clip"), *, gates: Gates = Gates(),
    surface: Surface | None = None, offsets: Offsets | None = None, systematic: SystematicError | None = None,
) -> Poses3D:
    """The joints in metres, in the rectified left camera, with standard deviations that hold.

    joints: both views' in rectified px. `surface`: what `look` saw of their skin. `systematic`: error of the detector
    that found them; None: all of its noise shows in rows. Too few frames for `clip` are refined one by one, and
    `origin` says so.
    `settings.mode` none is taken for frame: `triangulate` gives joints as they are. Raises InvalidValue where the views
    do not belong together.
    """
    found = evidence_of(joints, camera, gates, surface=surface, offsets=offsets, systematic=systematic)
    if settings.mode != "clip":
        return refine_frames(found, bones=settings.bones)
    n_seen = int(np.isfinite(found.place[..., 0]).any(1).sum())
    if n_seen < FEWEST:
        note = f"{n_seen} frames with joints: too few for refinement over time, which wants {FEWEST}; each by itself"
        frames = refine_frames(found, bones=settings.bones)
        return dataclasses.replace(frames, origin={"refine": {"method": "frame", "notes": [note]}})
    return clip(found, OverTime(settings.gap, settings.speed, settings.bones))


def evidence_of(
    joints: Stereo[Poses2D], camera: RectifiedCamera, gates: Gates = Gates(), *, surface: Surface | None = None,
    offsets: Offsets | None = None, systematic: SystematicError | None = None,
) -> Evidence:
    """What detectors and pictures say of the joints, those that `gates` refuse left out. Offsets are those given, else
    those of the detector's `systematic` error, else those that ship."""
    prepared = prepare(joints, camera, systematic=systematic)
    offsets = offsets or (systematic.offsets if systematic else None)
    found = prepared.evidence if surface is None else weigh(prepared, surface, offsets)
    return gated(found, gates)


def gated(found: Evidence, gates: Gates) -> Evidence:
    """Without joints of too low a score or out of the depth allowed; a rescued one has the score of one view alone."""
    d = np.where(np.isfinite(found.place[..., 2]), found.place[..., 2], found.matched)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = found.camera.baseline * found.camera.focal / d
        low = (found.score < gates.score) & ((found.status & int(Status.RESCUED)) == 0)
        far = np.isfinite(d) & ~((z >= gates.depth[0]) & (z <= gates.depth[1]))
    gone = low | far
    if not gone.any():
        return found
    status = found.status | int(Status.LOW_SCORE) * low | int(Status.DEPTH_RANGE) * far
    place, sigma = (np.where(gone[..., None], np.nan, x) for x in (found.place, found.sigma))
    matched, spread = (np.where(gone, np.nan, x) for x in (found.matched, found.matched_sigma))
    return dataclasses.replace(found, place=place, sigma=sigma, matched=matched, matched_sigma=spread, status=status)
