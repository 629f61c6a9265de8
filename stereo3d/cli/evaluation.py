"""evaluate: results against a truth, in space or in pictures, one recording or a folder of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stereo3d.cli import options as o
from stereo3d.errors import UsageError

if TYPE_CHECKING:
    from stereo3d.evaluation.comparison.account import Account

Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="POSES... TRUTH",
        help="Results, then the truth. Joints in space: stereo3d files and recordings, .npz with xyz and joints, .csv, "
        ".trc, .c3d. Joints of one view: COCO .json, DeepLabCut .csv and .h5, folders of OpenPose's .json. Or folders "
        "of such files, of the same names, one for each subject.",
    ),
]
Boxes = Annotated[Path | None, typer.Option(help="Also draw the errors as boxes: .png, .pdf or .svg.")]
Frame = Annotated[
    str | None, typer.Option(help="The camera the truth is in, where its file does not say: left or rectified.")
]
PosesFrame = Annotated[
    str | None, typer.Option(help="The camera the results are in, where they do not say; else that of the truth.")
]
Unit = Annotated[str | None, typer.Option(help="The unit of files that name none: m (default), cm or mm.")]
View = Annotated[str, typer.Option("--view", help="In pictures, which view's: left or right.")]
Table = Annotated[Path | None, typer.Option("--output", "-o", help="Write a table: .md, .json or .csv.")]


def evaluate(
    files: Files, frame: Frame = None, poses_frame: PosesFrame = None, unit: Unit = None, rig: o.Rig = None,
    rectified: o.Rectified = None, view: View = "left", output: Table = None, boxes: Boxes = None, json: o.Json = False,
) -> None:
    """3D error against a truth: 3DPCK at 1, 2.5, 5 and 10 cm, mean, STD, median, by joint. Joints of one view: pixels,
    PCK, OKS, LOS, RMSD. Several results against one truth are set beside each other and beside the papers' tables."""
    from stereo3d.evaluation import report
    from stereo3d.evaluation.comparison import account
    from stereo3d.evaluation.comparison.boxplot import draw_boxes
    from stereo3d.evaluation.comparison.sources import Reader, compared, subjects_of

    *results, truth = files
    if not results:
        raise UsageError(f"expected results and then the truth, got {truth} alone")
    if view not in ("left", "right"):
        raise UsageError(f"--view: expected left or right, got {view!r}")
    side: Any = view
    reader = Reader(frame=frame, poses_frame=poses_frame, unit=unit, rig=rig, rectified=rectified, view=side)
    truths = subjects_of(truth)
    single = len(results) == 1 and boxes is None and len(truths) == 1
    if single and not reader.in_pictures(results, truth):
        _tell(report, reader.evaluation(results[0], truth), output, json)
        return
    names = [path.stem for path in results] if len({p.stem for p in results}) == len(results) else map(str, results)
    found = compared(reader, dict(zip(names, results)), truths)
    if boxes:
        draw_boxes(found.errors, boxes)
    _tell(account, found.account, output, json)


def _tell(form: Any, result: Account | Any, output: Path | None, as_json: bool) -> None:
    """Print a result in the words of `form`, a module that has to_markdown, to_dict and write."""
    if output:
        form.write(result, output)
    if as_json:
        o.show(form.to_dict(result), True)
    else:
        print(form.to_markdown(result), end="")
