"""Results refined: the last stage of `reconstruct`, `stereo3d refine`, and depths below the skin learned."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

import stereo3d
from stereo3d import storage
from stereo3d.calibration.rectify import Rectifier
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import CalibrationError, InputError, UsageError
from stereo3d.evaluation.evaluate import shared_frames
from stereo3d.evaluation.points import Points
from stereo3d.evaluation.truth import read_truth
from stereo3d.journal import sha256
from stereo3d.poses import Poses2D, Poses3D
from stereo3d.provenance import read_provenance
from stereo3d.recording.base import FramePair, Recording
from stereo3d.recording.rig import Rig, rectifier_for
from stereo3d.refinement.evidence import prepare
from stereo3d.refinement.looking import Looking, joined
from stereo3d.refinement.offset_file import read_offsets, write_offsets
from stereo3d.refinement.offsets import Annotated, Offsets, fit_offsets
from stereo3d.refinement.refine import refine
from stereo3d.refinement.settings import Refine
from stereo3d.refinement.stretches import in_stretches, summed_up
from stereo3d.refinement.surface import Surface
from stereo3d.refinement.systematic_file import systematic_by
from stereo3d.refinement.weigh import weigh
from stereo3d.stereo import Stereo
from stereo3d.triangulation import Gates, triangulate
from stereo3d.values import Floats, Ints, rows_of

PathLike = str | os.PathLike[str]
_BATCH = 64
"""Pairs looked at together."""


UNRECTIFIED = "the pair cannot be rectified: its joints are as triangulated, the refinement wants rows that agree"


def put_refined(
    file: h5py.File, camera: RectifiedCamera, settings: Refine, *, gates: Gates, origin: Mapping[str, Any]
) -> None:
    """Adds `poses` to a file that holds `left`, `right` and perhaps `surface`, joints and skin in that camera's px.

    Read and written in stretches of minutes, so that memory does not grow with the recording.
    """
    offsets, systematic = offsets_of(settings), systematic_by(origin)

    def refined(rows: slice) -> Poses3D:
        joints = Stereo(*(storage.get(file, side, rows) for side in ("left", "right")))
        surface = storage.get(file, "surface", rows) if "surface" in file else None
        if settings.mode == "none":
            return triangulate(joints, camera, gates)
        return refine(joints, camera, settings, gates=gates, surface=surface, offsets=offsets, systematic=systematic)

    learned: list[dict[str, Any]] = []
    for piece in in_stretches(len(file["left/time"]), refined):
        found = dict(piece.origin).get("refine")
        if found and found not in learned:
            learned.append(found)
        if "poses" in file:
            storage.extend(file, "poses", piece)
        else:
            storage.put(file, "poses", dataclasses.replace(piece, origin={}), growing=True)
    storage.amend(file["poses"], "origin", {**origin, **({"refined": summed_up(learned)} if learned else {})})


def refine_file(
    poses: PathLike, output: PathLike, *, recording: Recording | None = None, rig: Rig | PathLike | None = None,
    settings: Refine | None = None, gates: Gates | None = None, on_progress: Callable[[int], None] = lambda _: None,
) -> Path:
    """The path of a result refined anew from the joints of both views that another one holds.

    With the recording that it comes from its pictures are matched; without, what the result holds of them is used,
    and where it holds nothing the detectors stand alone. Raises InputError for a file without joints of both views in
    rectified pixels, CalibrationError and UsageError where the recording does not go with them.
    """
    settings, gates = settings or Refine(), gates or Gates()
    values = _joints_in(poses)
    joints: Stereo[Poses2D] = Stereo(values["left"], values["right"])
    camera: RectifiedCamera = values["camera"]
    origin = _origin(poses, values.pop("poses", None))
    if recording is not None and settings.pictures:
        looking = Looking(
            _same_camera(rectifier_for(recording, rig), camera), offsets_of(settings), systematic_by(origin))
        values["surface"] = _looked(recording, looking, joints, on_progress)
    elif not settings.pictures:
        values.pop("surface", None)
    told = dataclasses.asdict(settings) | {"offsets": sha256(settings.offsets) if settings.offsets else None}
    about = {"stereo3d": stereo3d.__version__, "joints_sha256": sha256(poses), "settings": told}
    with storage.new_file(output) as file:
        for name, value in values.items():
            storage.put(file, name, value, growing=storage.grows(value))
        put_refined(file, camera, settings, gates=gates, origin=origin | {"refine": about})
    return Path(output)


def _origin(path: PathLike, poses: Poses3D | None) -> dict[str, Any]:
    """Where a result's joints come from; of joints without poses what was written beside them says who found them."""
    if isinstance(poses, Poses3D):
        return dict(poses.origin)
    told = read_provenance(path) or {}
    return {name: told[name] for name in ("config", "weights_sha256") if name in told}


def _joints_in(path: PathLike) -> dict[str, Any]:
    values: dict[str, Any] = storage.read(path)
    missing = {"left", "right", "camera"} - values.keys()
    if missing:
        raise InputError(
            f"{path}: expected a result with left, right and camera, as `stereo3d reconstruct` or `detect` write it, "
            f"got {', '.join(values) or 'nothing'}"
        )
    if not isinstance(values["camera"], RectifiedCamera):
        raise InputError(f"{path}: expected joints in rectified pixels, got those of {type(values['camera']).__name__}")
    known = ("left", "right", "camera", "surface", "poses")
    return {name: values[name] for name in known if name in values}


def _same_camera(rectifier: Rectifier, camera: RectifiedCamera) -> Rectifier:
    """The rectifier, if it makes the pixels that the joints are in."""
    ours = rectifier.camera
    same = isinstance(ours, RectifiedCamera) and ours.size == camera.size
    if not same or not np.allclose(_numbers(ours), _numbers(camera), rtol=1e-6):
        raise CalibrationError(
            "the joints were found through another calibration than the recording's: give --rig the one that they were "
            "found with, or reconstruct anew"
        )
    return rectifier


def _numbers(camera: RectifiedCamera | StereoRig) -> list[float]:
    return [camera.focal, *camera.cx, camera.cy, camera.baseline] if isinstance(camera, RectifiedCamera) else []


def _looked(
    recording: Recording, looking: Looking, joints: Stereo[Poses2D], on_progress: Callable[[int], None]
) -> Surface:
    """What the pictures of the joints' frames show."""
    frames = joints.left.frame.tolist()
    if not frames or frames[-1] >= len(recording) or frames != sorted(set(frames)):
        raise UsageError(f"the recording has {len(recording)} pairs, the result frames up to {max(frames, default=-1)}")
    pairs, seen = _pairs_of(recording, frames), []
    for first in range(0, len(frames), _BATCH):
        part = joints.map(lambda view: rows_of(view, slice(first, first + _BATCH)))
        seen.append(looking.see(part, (pair for pair, _ in zip(pairs, part.left.frame))))
        on_progress(len(part.left))
    return joined(seen)


def _pairs_of(recording: Recording, frames: list[int]) -> Iterator[FramePair]:
    wanted = set(frames)
    return (pair for pair in recording.frames(frames[0], frames[-1] + 1) if pair.index in wanted)


def offsets_of(settings: Refine) -> Offsets | None:
    """The depths below the skin that the settings name, None for those that ship."""
    return None if settings.offsets is None else read_offsets(settings.offsets)


def fit_offsets_to(
    poses: PathLike, truth: PathLike, output: PathLike, *, recording: Recording, rig: Rig | PathLike | None = None,
    start: Offsets | None = None, on_progress: Callable[[int], None] = lambda _: None,
) -> Path:
    """The path of a file of depths below the skin, as the annotated frames `truth` of a recording have them.

    poses: a result of that recording. Raises what `refine_file` and `evaluation.truth.read_truth` do, InputError where
    the truth shares no frame with it.
    """
    values, known = _joints_in(poses), read_truth(truth)
    joints: Stereo[Poses2D] = Stereo(values["left"], values["right"])
    rectifier = _same_camera(rectifier_for(recording, rig), values["camera"])
    plain = triangulate(joints, values["camera"])
    pairs = shared_frames(plain, known)
    part = joints.map(lambda view: rows_of(view, pairs.rows))
    surface = _looked(recording, Looking(rectifier, start), part, on_progress)
    prepared = prepare(part, values["camera"])
    xyz = _truth_at(known, plain, pairs.truth_rows)
    fitted = fit_offsets([Annotated(weigh(prepared, surface, start), surface, xyz)], start)
    return write_offsets(output, fitted)


def _truth_at(truth: Points, poses: Poses3D, rows: Ints) -> Floats:
    """(P, K, 3) m of the poses' joints in their rectified camera, NaN for those that the truth does not have."""
    out = np.full((len(rows), len(poses.skeleton), 3), np.nan)
    for k, joint in enumerate(poses.skeleton.joints):
        if joint in truth.joints:
            out[:, k] = truth.xyz[rows, truth.joints.index(joint)]
    if truth.camera == "left" and isinstance(poses.camera, RectifiedCamera):
        return np.asarray(out @ poses.camera.left_from_rectified)
    return out
