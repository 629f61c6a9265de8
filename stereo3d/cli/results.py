"""evaluate, export, view: what to do with poses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stereo3d.cli import options as o
from stereo3d.errors import UsageError

Poses = Annotated[Path, typer.Argument(help="A file with `poses`, made by reconstruct or triangulate.")]
Truth = Annotated[Path, typer.Argument(help="A stereo3d file or recording with truth, or .npz with xyz (m), joints.")]
Frame = Annotated[
    str | None, typer.Option(help="The camera the truth is in, where its file does not say: left or rectified.")
]
Table = Annotated[Path | None, typer.Option("--output", "-o", help="Write a table: .md, .json or .csv.")]


def evaluate(
    poses: Poses, truth: Truth, frame: Frame = None, output: Table = None, json: o.Json = False
) -> None:
    """3D error against a truth: 3DPCK at 1, 2.5, 5 and 10 cm, mean, STD, median, by joint."""
    from stereo3d import storage
    from stereo3d.evaluation import report
    from stereo3d.evaluation.evaluate import evaluate as compare
    from stereo3d.evaluation.truth import read_truth

    result = compare(storage.read(poses, "poses"), read_truth(truth, frame))
    if output:
        report.write(result, output)
    if json:
        o.show(report.to_dict(result), True)
    else:
        print(report.to_markdown(result), end="")


def export_poses(
    poses: Poses, output: o.Output,
    kind: Annotated[
        str | None, typer.Option(help="csv, parquet, trc, c3d, nc, nwb, bids or coco; by default the file's ending.")
    ] = None,
    view_: Annotated[str, typer.Option("--view", help="For coco, which view's 2D joints: left or right.")] = "left",
) -> None:
    """Poses in another format: a tidy table (csv, parquet), TRC, C3D, movement netCDF, NWB, Motion-BIDS, COCO JSON."""
    from stereo3d import storage
    from stereo3d.export import export

    if view_ not in ("left", "right"):
        raise UsageError(f"--view: expected left or right, got {view_!r}")
    print(export(storage.read(poses, view_ if kind == "coco" else "poses"), output, kind))


def view(
    poses: Poses, recording: o.Recording, output: o.Output, right: o.Right = None,
    time: Annotated[float | None, typer.Option(help="Which moment, in s; by default the middle.")] = None,
    rig: o.Rig = None, rectified: o.Rectified = None,
) -> None:
    """A picture of both views with their joints drawn in. It shows the infant: mind where it goes."""
    from stereo3d.recording.base import open_recording
    from stereo3d.visual.overlay import draw

    with open_recording(recording, right, rectified=rectified) as opened:
        print(draw(poses, opened, output, rig=rig, time=time))
