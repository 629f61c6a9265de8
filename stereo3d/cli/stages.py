"""reconstruct, detect, triangulate, refine: the recipe, whole and in parts."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from stereo3d.cli import options as o
from stereo3d.errors import UsageError


def reconstruct(
    recording: o.Recording, output: o.Output, right: o.Right = None, rig: o.Rig = None, detector: o.Detector = None,
    weights: o.Weights = None, roi: o.Roi = None, refine: o.Refine = None, rectified: o.Rectified = None,
    fps: o.Fps = None, offset: o.Offset = None, swap: o.Swap = False, start: o.Start = None, stop: o.Stop = None,
    config: o.ConfigFile = None, set_: o.Set = None, resume: o.Resume = False, restart: o.Restart = False,
    dry_run: o.DryRun = False, json: o.Json = False, runtime: o.Runtime = None,
) -> None:
    """A recording into 3D joints in metres: rectify, find joints in both views, triangulate, refine."""
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
    refine: str | None = None,
) -> None:
    from stereo3d import pipeline
    from stereo3d.recording.base import open_recording

    chosen = o.settings(config, set_, detector, weights, roi, runtime, refine)
    unfinished = o.unfinished(resume, restart)
    o.tell_of_weights(chosen)
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


def refine(
    poses: Annotated[Path, typer.Argument(help="A result of `reconstruct` or `detect`.")], output: o.Output,
    recording: Annotated[Path | None, typer.Option(help="The recording it is of: its pictures are matched.")] = None,
    rig: o.Rig = None,
    mode: Annotated[str | None, typer.Option("--refine", help="none, frame or clip (default).")] = None,
    fit_offsets: Annotated[
        Path | None, typer.Option(help="Annotated frames of the recording, of which joints' depths below the skin are "
                                  "learned, written as OUTPUT.offsets.json and used.")
    ] = None,
    config: o.ConfigFile = None, set_: o.Set = None, json: o.Json = False,
) -> None:
    """The joints of a result refined anew: by frame or over time, with the pictures where the recording is given."""
    from stereo3d import pipeline, refining
    from stereo3d.config import update
    from stereo3d.recording.base import open_recording

    chosen = o.settings(config, set_, None, None, None, refine=mode)
    if fit_offsets is not None and recording is None:
        raise UsageError("--fit-offsets: expected --recording too: the depths are learned from its pictures")
    with contextlib.ExitStack() as stack:
        opened = stack.enter_context(open_recording(recording)) if recording else None
        if fit_offsets is not None and opened is not None:
            depths = refining.fit_offsets_to(
                poses, fit_offsets, output.with_suffix(".offsets.json"), recording=opened, rig=rig,
                start=refining.offsets_of(chosen.refine),
            )
            chosen = update(chosen, "refine", {"offsets": str(depths)})
        refining.refine_file(
            poses, output, recording=opened, rig=rig, settings=chosen.refine, gates=chosen.triangulate
        )
    o.show(pipeline.summary(output), json)
