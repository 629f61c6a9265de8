"""evaluate, export, view: what to do with poses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from stereo3d.cli import options as o
from stereo3d.errors import UsageError

Poses = Annotated[Path, typer.Argument(help="A file with `poses`, made by reconstruct or triangulate.")]
Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="POSES... TRUTH",
        help="Results, then the truth: a stereo3d file or recording, .npz with xyz (m) and joints, .csv, .trc or .c3d.",
    ),
]
Boxes = Annotated[Path | None, typer.Option(help="Also draw the errors as boxes: .png, .pdf or .svg.")]
Frame = Annotated[
    str | None, typer.Option(help="The camera the truth is in, where its file does not say: left or rectified.")
]
Table = Annotated[Path | None, typer.Option("--output", "-o", help="Write a table: .md, .json or .csv.")]


def evaluate(
    files: Files, frame: Frame = None, output: Table = None, boxes: Boxes = None, json: o.Json = False
) -> None:
    """3D error against a truth: 3DPCK at 1, 2.5, 5 and 10 cm, mean, STD, median, by joint. Several results against one
    truth are set beside each other and beside the paper's tables."""
    from stereo3d import storage
    from stereo3d.evaluation import report, tables
    from stereo3d.evaluation.boxplot import draw_boxes
    from stereo3d.evaluation.compare import compare, read_prediction
    from stereo3d.evaluation.evaluate import evaluate as hold_against
    from stereo3d.evaluation.truth import read_truth

    *results, last = files
    if not results:
        raise UsageError(f"expected results and then the truth, got {last} alone")
    truth = read_truth(last, frame)
    if len(results) == 1 and boxes is None:
        _tell(report, hold_against(storage.read(results[0], "poses"), truth), output, json)
        return
    names = [path.stem for path in results] if len({p.stem for p in results}) == len(results) else map(str, results)
    compared = compare(
        {name: {"recording": read_prediction(path)} for name, path in zip(names, results)}, {"recording": truth}
    )
    if boxes:
        draw_boxes(compared.space, boxes)
    _tell(tables, compared, output, json)


def _tell(form: Any, result: Any, output: Path | None, as_json: bool) -> None:
    """Print a result in the words of `form`, a module that has to_markdown, to_dict and write."""
    if output:
        form.write(result, output)
    if as_json:
        o.show(form.to_dict(result), True)
    else:
        print(form.to_markdown(result), end="")


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
