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
    """Poses in another format, or with --keypoints-only a result without provenance, serial numbers and time of day.

    \b
    csv, parquet  tidy tables, units and axes in the columns' names
    trc           OpenSim
    c3d           motion laboratories; in parts beyond 65,535 frames
    nc            the `movement` package, netCDF
    nwb           Neurodata Without Borders, ndx-pose
    bids          Motion-BIDS: --kind bids -o STUDY/sub-LABEL
    coco          COCO results of one view: --kind coco -o NAME.json

    Times count from the recording's start; no names, paths or serial numbers
    are told. A joint without a place is empty, `status` says why.
    """
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
    """See a result; the ending of -o says how.

    \b
    .png   with a recording: both views of a moment, joints drawn in;
           without one: a figure of the pose in space, or of tracks
    .pdf   such a figure for print
    .svg   the same, to be edited
    .mp4   with a recording: both views as a video, joints drawn in;
           without one: the joints alone on black, which shows nobody
    .glb   the skeleton moving in space, for any viewer of 3D scenes
    .ply   one moment in space as points and bones, in m

    Orange is the infant's left, blue its right; circles are one sigma of
    the detector, lines across join the two places of a joint and are level
    where the views agree. What is made with a recording shows the infant:
    mind where it goes.
    """
    from stereo3d.recording.base import open_recording
    from stereo3d.visual import look

    if output is None and not window:
        raise UsageError("--output: missing; say what to write, or --window to look now")
    if output is not None:
        with contextlib.ExitStack() as stack:
            opened = stack.enter_context(open_recording(recording, right, rectified=rectified)) if recording else None
            advance = stack.enter_context(_frames(poses, output, start, stop))
            kind: Any = figure
            what = look.What(kind, joint, time, start, stop)
            drawn = look.look(poses, output, opened, what, rig=rig, on_progress=advance)
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
