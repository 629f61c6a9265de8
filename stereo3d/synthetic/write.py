"""A simulation as a recording: pictures, rig, truth, detections and labels in one file."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stereo3d import storage
from stereo3d.errors import InputError, MissingPackage
from stereo3d.poses import Poses2D, Poses3D
from stereo3d.recording.hdf5_writer import RecordingWriter
from stereo3d.stereo import SIDES, Stereo
from stereo3d.synthetic.scene import Simulation
from stereo3d.values import Bools, Floats

if TYPE_CHECKING:
    from stereo3d.synthetic.picture.pairs import Photographer


@dataclass(frozen=True, slots=True)
class Labels:
    """What the pictures of a simulation show of its joints."""

    views: Stereo[Poses2D]
    """Raw px; score 1 where the camera sees the joint, 0 where something hides it or it is out of the picture."""
    skin: Poses3D
    """The skin towards each joint from the middle between the cameras, in the left camera."""


def write_sample(
    path: str | os.PathLike[str], simulation: Simulation, *, quality: int | None = 50,
    on_progress: Callable[[int], object] = lambda _: None,
) -> None:
    """Writes raw pictures, rig, truth, detections and labels to `path`; the same simulation gives the same bytes.

    `quality` is that of the JPEGs, None stores the pictures as they are; `on_progress` is told how many more pairs are
    done. Raises RecordingError where the file cannot be written and MissingPackage without torch.
    """
    scene, drawn = simulation, photographer(simulation)
    size = scene.rig.cameras.left.size
    seen: list[Stereo[Bools]] = []
    skin: list[Floats] = []
    with RecordingWriter(
        path, size, fps=scene.fps, rectified=False, rig=scene.rig, quality=quality
    ) as writer:
        for index, time in enumerate(scene.truth.time.tolist()):
            sight = drawn.sight(index)
            writer.append(sight.images, time)
            seen.append(sight.visible)
            skin.append(sight.skin)
            on_progress(1)
        writer.annotate(truth=scene.truth, joints=scene.detections)
        found = labels(scene, Stereo(*(np.stack([s[side] for s in seen]) for side in SIDES)), np.stack(skin))
        writer.add("labels", left=found.views.left, right=found.views.right, skin=found.skin)


def photographer(simulation: Simulation) -> Photographer:
    """What draws the simulation's pictures. Raises MissingPackage, with the pip line, where there is no torch."""
    try:
        from stereo3d.synthetic.picture.pairs import Photographer
    except ModuleNotFoundError as error:
        if not _is_torch(error):
            raise
        raise MissingPackage("torch", "detect", "drawing pictures (--no-pictures writes joints alone)") from error
    return Photographer(simulation)


def _is_torch(error: ModuleNotFoundError) -> bool:
    return error.name == "torch"


def labels(simulation: Simulation, seen: Stereo[Bools], skin: Floats) -> Labels:
    """The labels of a simulation whose joints were seen (T, K) in each view, and whose skin (T, K, 3) m towards them
    is known."""
    views = simulation.pixels.map(
        lambda poses, visible: dataclasses.replace(poses, score=poses.score * visible), seen)
    return Labels(views, dataclasses.replace(simulation.truth, xyz=skin))


def read_labels(path: str | os.PathLike[str]) -> Labels:
    """The labels of a recording that `write_sample` wrote. Raises InputError where it has none."""
    with storage.open_hdf5(path) as file:
        if "labels" not in file:
            raise InputError(f"{path}: expected a simulated recording with labels, got one without")
        left, right, skin = (storage.get(file, f"labels/{n}") for n in ("left", "right", "skin"))
    return Labels(Stereo(left, right), skin)


def write_joints(path: str | os.PathLike[str], simulation: Simulation) -> None:
    """Writes rig, truth and the detections (`left`, `right`, raw px) to `path`, without pictures.

    Raises InputError where the file cannot be written.
    """
    seen = simulation.detections
    storage.write(path, left=seen.left, right=seen.right, rig=simulation.rig, truth=simulation.truth)
