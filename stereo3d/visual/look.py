"""One way to look at a result: the ending of the file tells whether it is a picture, a video, a figure or a scene."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np

from stereo3d import storage
from stereo3d.errors import InputError, UsageError, unknown_name
from stereo3d.poses import Poses3D
from stereo3d.recording.base import Recording
from stereo3d.recording.rig import Rig
from stereo3d.values import Floats
from stereo3d.visual import figures, gltf, scene, video
from stereo3d.visual.overlay import draw

PathLike = str | os.PathLike[str]
Kind = Literal["pose", "tracks"]
ENDINGS = {
    ".png": "picture or figure", ".pdf": "figure", ".svg": "figure", ".mp4": "video", ".glb": "moving scene",
    ".ply": "scene",
}  # fmt: skip
"""What each ending means."""


class What(NamedTuple):
    """What of a result is shown; each kind of picture takes from it what goes for it."""

    figure: Kind = "pose"
    joints: Sequence[str] | None = None
    """Whose tracks; by default those of wrists and ankles."""
    time: float | None = None
    """s, the moment; by default the middle frame's."""
    start: float | None = None
    """s, of a video."""
    stop: float | None = None
    """s, not shown any more."""


def look(
    result: PathLike, path: PathLike, recording: Recording | None = None, what: What = What(), *,
    rig: Rig | PathLike | None = None, on_progress: Callable[[int], object] = lambda _: None,
) -> Path:
    """The path of what was drawn of a result.

    .png: both pictures of one moment with their joints, which shows the infant, or without a recording a figure.
    .pdf, .svg: a figure; of the pose at one moment in space, or of tracks over time. .mp4: a video of the joints over
    the pictures, or without a recording of the joints alone, which shows nobody. .glb: the skeleton moving in space.
    .ply: one moment in space. Raises UsageError for another ending,
    InputError for a result without frames to show, CalibrationError where there is no rig for the pictures.
    """
    kind = Path(path).suffix.lower()
    if kind not in ENDINGS:
        raise UsageError(f"{path}: expected a name that ends in {', '.join(f'{e} ({w})' for e, w in ENDINGS.items())}")
    if what.figure not in get_args(Kind):
        raise unknown_name("figure", what.figure, get_args(Kind))
    if kind == ".mp4":
        between = what.start, what.stop
        return video.make_video(result, path, recording, rig=rig, between=between, on_progress=on_progress)
    if kind == ".png" and recording is not None:
        return draw(result, recording, path, rig=rig, time=what.time)
    poses = read_poses(result)
    if kind == ".glb":
        return gltf.write_glb(poses, path)
    if kind == ".ply":
        return scene.write_ply(poses, path, moment(poses.time, what.time))
    if what.figure == "tracks":
        return figures.save(figures.tracks(poses, what.joints), path)
    return figures.save(figures.pose(poses, moment(poses.time, what.time)), path)


def show(result: PathLike, time: float | None = None) -> None:
    """A window with one moment in space, to turn and look at. Raises MissingPackage where open3d is not installed."""
    poses = read_poses(result)
    scene.show(poses, moment(poses.time, time))


def read_poses(result: PathLike) -> Poses3D:
    """The joints in space of a result. Raises InputError where it has none, or no frame."""
    poses = storage.read(result, "poses")
    if not isinstance(poses, Poses3D):
        raise InputError(f"{result}: poses: expected Poses3D, got {type(poses).__name__}")
    if not len(poses):
        raise InputError(f"{result}: expected frames to show, got none")
    return poses


def moment(times: Floats, time: float | None) -> int:
    """The place of the frame nearest to `time` s, by default of the middle one."""
    known = np.isfinite(times)
    if time is None or not known.any():
        return len(times) // 2
    return int(np.where(known, np.abs(times - time), np.inf).argmin())
