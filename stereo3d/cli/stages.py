"""reconstruct, detect, triangulate: the recipe, whole and in parts."""

from __future__ import annotations

from pathlib import Path

from stereo3d.cli import options as o


def reconstruct(
    recording: o.Recording, output: o.Output, right: o.Right = None, rig: o.Rig = None, detector: o.Detector = None,
    weights: o.Weights = None, roi: o.Roi = None, rectified: o.Rectified = None, fps: o.Fps = None,
    offset: o.Offset = None, swap: o.Swap = False, start: o.Start = None, stop: o.Stop = None,
    config: o.ConfigFile = None, set_: o.Set = None, resume: o.Resume = False, restart: o.Restart = False,
    dry_run: o.DryRun = False, json: o.Json = False, runtime: o.Runtime = None,
) -> None:
    """A recording into 3D joints in metres: rectify, find joints in both views, triangulate."""
    _recipe("reconstruct", **locals())


def detect(
    recording: o.Recording, output: o.Output, right: o.Right = None, rig: o.Rig = None, detector: o.Detector = None,
    weights: o.Weights = None, roi: o.Roi = None, rectified: o.Rectified = None, fps: o.Fps = None,
    offset: o.Offset = None, swap: o.Swap = False, start: o.Start = None, stop: o.Stop = None,
    config: o.ConfigFile = None, set_: o.Set = None, resume: o.Resume = False, restart: o.Restart = False,
    dry_run: o.DryRun = False, json: o.Json = False, runtime: o.Runtime = None,
) -> None:
    """Find the joints in both views of a recording, in rectified pixels."""
    _recipe("detect", **locals())


def _recipe(
    command: str, recording: Path, output: Path, right: Path | None, rig: Path | None, detector: str | None,
    weights: Path | None, roi: str | None, rectified: bool | None, fps: float | None, offset: float | None,
    swap: bool, start: float | None, stop: float | None, config: Path | None,
    set_: list[str] | None, resume: bool, restart: bool, dry_run: bool, json: bool, runtime: str | None,
) -> None:
    from stereo3d import pipeline
    from stereo3d.recording.base import open_recording

    chosen = o.settings(config, set_, detector, weights, roi, runtime)
    unfinished = o.unfinished(resume, restart)
    with open_recording(recording, right, rectified=rectified, fps=fps, offset=offset, swap=swap) as opened:
        o.warn_of_swapped(opened)
        frames = pipeline.frames_between(opened, start, stop)
        if dry_run:
            o.show(pipeline.plan(opened, rig, chosen, frames), json)
            return
        work = pipeline.reconstruct if command == "reconstruct" else pipeline.detect_joints
        with o.progress(len(frames)) as advance:
            work(opened, output, rig=rig, config=chosen, frames=frames, unfinished=unfinished, on_progress=advance)
    o.show(pipeline.summary(output), json)


def triangulate(
    joints: o.Recording, output: o.Output, rig: o.Rig = None, config: o.ConfigFile = None, set_: o.Set = None,
    json: o.Json = False,
) -> None:
    """Joints of both views into 3D joints in metres."""
    from stereo3d import pipeline
    from stereo3d.config import resolve

    pipeline.triangulate_file(joints, output, rig=rig, config=resolve(config, set_ or ()))
    o.show(pipeline.summary(output), json)
