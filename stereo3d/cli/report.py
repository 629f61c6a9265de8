"""report: a page on a result that a person can read and hand on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stereo3d import limits
from stereo3d.cli import options as o
from stereo3d.cli.evaluation import Frame, Unit
from stereo3d.cli.results import Poses
from stereo3d.errors import InputError, UsageError

if TYPE_CHECKING:
    from stereo3d.evaluation.points import Points
    from stereo3d.poses import Poses3D

_PICTURES = 6


def report(
    poses: Poses, output: o.Output,
    truth: Annotated[
        Path | None, typer.Option(help="A stereo3d file or recording with truth, .npz, .csv, .trc or .c3d.")
    ] = None,
    frame: Frame = None, unit: Unit = None,
    recording: Annotated[Path | None, typer.Option(help="The recording, for --pictures.")] = None,
    right: Annotated[Path | None, typer.Option(help="Its right video or folder, where the views are apart.")] = None,
    pictures: Annotated[bool, typer.Option("--pictures", help="Add the worst moments' pictures. They show the infant.")]
    = False,
    rig: o.Rig = None, rectified: o.Rectified = None,
    title: Annotated[str, typer.Option(help="The heading; mind that it names nobody.")] = "Report on 3D joints",
) -> None:
    """One HTML page, readable without a network: what can be trusted and why not the rest, joint by joint, with a
    player of the movement. It holds no pictures unless asked for with --recording and --pictures."""
    from stereo3d import storage
    from stereo3d.evaluation.truth import read_truth
    from stereo3d.visual.page.build import write

    if pictures != (recording is not None):
        raise UsageError("--recording and --pictures: expected both or neither, for pictures of the infant on the page")
    result, known = storage.read(poses, "poses"), read_truth(truth, frame, unit) if truth else None
    shown = _pictures(poses, result, known, (recording, right, rig, rectified)) if recording else {}
    run = _run(poses.with_suffix(".run.json"))
    print(write(result, output, truth=known, run=run, pictures=shown, title=title))


def _pictures(path: Path, poses: Poses3D, truth: Points | None, source: tuple[Any, ...]) -> dict[int, bytes]:
    from stereo3d.recording.base import open_recording
    from stereo3d.visual.page.findings import find
    from stereo3d.visual.page.pictures import pictures

    recording, right, rig, rectified = source
    found = find(poses, truth)
    with open_recording(recording, right, rectified=rectified) as opened:
        return pictures(path, opened, found.poses.frame[found.worst[:_PICTURES]].tolist(), rig=rig)


def _run(path: Path) -> dict[str, Any] | None:
    """The provenance that lies beside a result, None where there is none. Raises InputError."""
    if not path.is_file():
        return None
    try:
        read = limits.parse_json(limits.read_text(path, limits.LONGEST_TEXT))
    except InputError as error:
        raise InputError(f"{path}: expected the provenance as JSON, got {error}; move the file away") from error
    if not isinstance(read, dict):
        raise InputError(f"{path}: expected the provenance as a JSON object, got {type(read).__name__}")
    return read
