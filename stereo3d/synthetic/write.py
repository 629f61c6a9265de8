"""A simulation as a recording: pictures, rig, truth and detections in one file."""

from __future__ import annotations

import os
from collections.abc import Callable

from stereo3d import storage
from stereo3d.recording.hdf5_writer import RecordingWriter
from stereo3d.synthetic.render import Renderer
from stereo3d.synthetic.scene import Simulation


def write_sample(
    path: str | os.PathLike[str], simulation: Simulation, *, quality: int | None = 50,
    on_progress: Callable[[int], object] = lambda _: None,
) -> None:
    """Writes raw pictures, rig, truth and detections to `path`; the same simulation gives the same bytes.

    `quality` is that of the JPEGs, None stores the pictures as they are; `on_progress` is told how many more pairs are
    done. Raises RecordingError where the file cannot be written.
    """
    scene, renderer = simulation, Renderer(simulation)
    size = scene.rig.cameras.left.size
    with RecordingWriter(
        path, size, fps=scene.fps, rectified=False, rig=scene.rig, quality=quality
    ) as writer:
        for index, time in enumerate(scene.truth.time.tolist()):
            writer.append(renderer.pair(index), time)
            on_progress(1)
        writer.annotate(truth=scene.truth, joints=scene.detections)


def write_joints(path: str | os.PathLike[str], simulation: Simulation) -> None:
    """Writes rig, truth and the detections (`left`, `right`, raw px) to `path`, without pictures.

    Raises InputError where the file cannot be written.
    """
    seen = simulation.detections
    storage.write(path, left=seen.left, right=seen.right, rig=simulation.rig, truth=simulation.truth)
