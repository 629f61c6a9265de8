"""export, view: what to do with poses."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from stereo3d.cli import options as o
from stereo3d.errors import UsageError

Poses = Annotated[Path, typer.Argument(help="A file with `poses`, made by reconstruct or triangulate.")]


def export_poses(
    poses: Poses, output: o.Output,
    kind: Annotated[
        str | None, typer.Option(help="csv, parquet, trc, c3d, nc, nwb, bids or coco; by default the file's ending.")
    ] = None,
    view_: Annotated[str, typer.Option("--view", help="For coco, which view's 2D joints: left or right.")] = "left",
    keypoints_only: Annotated[
        bool, typer.Option("--keypoints-only", help="A result (.h5) of joints and cameras alone, to be shared.")
    ] = False,
    clock: Annotated[bool, typer.Option("--clock", help="Keep the time of day, where the result tells it.")] = False,
) -> None:
    """Poses in another format: a tidy table (csv, parquet), TRC, C3D, movement netCDF, NWB, Motion-BIDS, COCO JSON; or
    with --keypoints-only a result without provenance, serial numbers and time of day."""
    from stereo3d import storage
    from stereo3d.export import export_all
    from stereo3d.sharing import write_keypoints

    if keypoints_only:
        if kind or output.suffix.lower() not in (".h5", ".hdf5"):
            raise UsageError(f"--keypoints-only: expected an output with .h5 and no --kind, got {output}")
        print(write_keypoints(poses, output))
        return
    if view_ not in ("left", "right"):
        raise UsageError(f"--view: expected left or right, got {view_!r}")
    print(*export_all(storage.read(poses, view_ if kind == "coco" else "poses"), output, kind, clock=clock), sep="\n")


def view(
    poses: Poses,
    recording: Annotated[
        Path | None, typer.Argument(help="The recording, for its pictures; without it nothing shows the infant.")
    ] = None,
    right: o.Right = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="What to write: .png, .pdf, .svg, .mp4 (video), .glb or .ply (scenes)."),
    ] = None,
    time: Annotated[float | None, typer.Option(help="Which moment, in s; by default the middle.")] = None,
    start: o.Start = None, stop: o.Stop = None,
    figure: Annotated[str, typer.Option(help="What a figure shows: pose, in space, or tracks, over time.")] = "pose",
    joint: Annotated[list[str] | None, typer.Option(help="Whose track; may be repeated.")] = None,
    window: Annotated[bool, typer.Option("--window", help="Open a window to turn the pose in; needs open3d.")] = False,
    rig: o.Rig = None, rectified: o.Rectified = None,
) -> None:
    """See a result; the ending of -o says how. With a recording its pictures with the joints drawn in, as .png or .mp4:
    they show the infant, mind where they go. Without one joints alone: a video (.mp4), figures, scenes in space."""
    from stereo3d.recording.base import open_recording
    from stereo3d.visual import look

    if output is None and not window:
        raise UsageError("--output: missing; say what to write, or --window to look now")
    if output is not None:
        with contextlib.ExitStack() as stack:
            opened = stack.enter_context(open_recording(recording, right, rectified=rectified)) if recording else None
            advance = stack.enter_context(_frames(poses, output, start, stop))
            kind: Any = figure
            drawn = look.look(
                poses, output, opened, rig=rig, figure=kind, joints=joint, time=time, start=start, stop=stop,
                on_progress=advance,
            )
        print(drawn)
    if window:
        look.show(poses, time)


@contextlib.contextmanager
def _frames(poses: Path, output: Path, start: float | None, stop: float | None) -> Iterator[Callable[[int], object]]:
    """Progress over the frames of a video; other things are drawn at once."""
    if output.suffix.lower() != ".mp4":
        yield lambda _: None
        return
    from stereo3d.visual.video import read_views

    with o.progress(len(read_views(poses, (start, stop)).left), "frames") as advance:
        yield advance
