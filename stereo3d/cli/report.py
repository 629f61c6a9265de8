"""report: a page on a result that a person can read and hand on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stereo3d.cli import options as o
from stereo3d.cli.evaluation import Frame, Unit
from stereo3d.cli.results import Poses
from stereo3d.errors import InputError, UsageError
from stereo3d.provenance import read_provenance

if TYPE_CHECKING:
    from stereo3d.evaluation.points import Points
    from stereo3d.poses import Poses3D
    from stereo3d.recording.base import Recording

_PICTURES = 6
Truth = Annotated[
    Path | None, typer.Option(help="A stereo3d file or recording with truth, .npz, .csv, .trc or .c3d.")
]
OfRecording = Annotated[
    Path | None, typer.Option("--recording", help="The recording: the page tells how much of it was judged.")
]
OfRight = Annotated[Path | None, typer.Option(help="Its right video or folder, where the views are apart.")]
Pictures = Annotated[
    bool,
    typer.Option("--pictures", help="Add pictures of the worst moments from the recording. They show the infant."),
]
Title = Annotated[str, typer.Option(help="The heading; mind that it names nobody.")]


def report(
    poses: Poses, output: o.Output, truth: Truth = None, frame: Frame = None, unit: Unit = None,
    recording: OfRecording = None, right: OfRight = None, pictures: Pictures = False, rig: o.Rig = None,
    rectified: o.Rectified = None, title: Title = "Report on 3D joints",
) -> None:
    """One HTML page, readable without a network: what can be trusted and why not the rest, joint by joint, with a
    player of the movement. It shows no pictures of the infant unless --pictures asks for them, and tells neither file
    names nor serial numbers."""
    from stereo3d import storage
    from stereo3d.evaluation.truth import read_truth
    from stereo3d.recording.base import describe, open_recording
    from stereo3d.visual.page.build import write
    from stereo3d.visual.page.pictures import pictures as of_moments

    if pictures and recording is None:
        raise UsageError("--pictures: needs the recording that they are in; give --recording")
    result, known = storage.read(poses, "poses"), read_truth(truth, frame, unit) if truth else None
    about, shown = None, {}
    if recording:
        with open_recording(recording, right, rectified=rectified) as opened:
            _check_same(result, opened)
            about = describe(opened)
            shown = of_moments(poses, opened, _worst(result, known), rig=rig) if pictures else {}
    print(write(result, output, truth=known, run=read_provenance(poses), recording=about, pictures=shown, title=title))


def _check_same(poses: Poses3D, recording: Recording) -> None:
    """Raise InputError where the result is of another recording."""
    last = int(poses.frame.max()) if len(poses) else -1
    if last >= len(recording):
        raise InputError(f"the result has frame {last}, the recording ends at {len(recording) - 1}: is it another one?")


def _worst(poses: Poses3D, truth: Points | None) -> list[int]:
    """The frames of the worst moments, as the recording counts them."""
    from stereo3d.visual.page.findings import find

    found = find(poses, truth)
    return [int(frame) for frame in found.poses.frame[found.worst[:_PICTURES]]]
