"""info, simulate: what a file holds, and one made up."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stereo3d.cli import options as o
from stereo3d.errors import PartialResult, RecordingError

if TYPE_CHECKING:
    from stereo3d.recording.verify import Verdict


def info(
    path: Annotated[Path | None, typer.Argument(help="A recording, a result or a calibration.")] = None,
    right: o.Right = None,
    rectified: o.Rectified = None,
    fps: o.Fps = None,
    offset: o.Offset = None,
    swap: o.Swap = False,
    verify: Annotated[bool, typer.Option("--verify", help="Read and decode every frame, name the bad ones.")] = False,
    json: o.Json = False,
) -> None:
    """What a file holds; without one, versions, plug-ins and what is missing here.

    With --verify it ends with 0 where every frame is good, with 3 where some are not, with 4 where none is.
    """
    from stereo3d import describe

    told = {"rectified": rectified, "fps": fps, "offset": offset, "swap": swap}
    facts = describe.installation() if path is None else describe.file(path, right, **told)
    if path is None or not verify or not describe.is_recording(path):
        o.show(facts, json)
        return
    verdict = _verdict(path, right, told)
    o.show(facts | {"verified": verdict.to_dict() if json else verdict.words}, json)
    _judge(path, verdict)


def _verdict(path: Path, right: Path | None, told: dict[str, Any]) -> Verdict:
    from stereo3d.recording.base import open_recording
    from stereo3d.recording.verify import verify

    with open_recording(path, right, **told) as opened, o.progress(len(opened), "frames") as advance:
        return verify(opened, advance)


def _judge(path: Path, verdict: Verdict) -> None:
    """Raises PartialResult where something cannot be read, RecordingError where no frame can."""
    if verdict.faults and not verdict.n_good:
        raise RecordingError(f"{path}: no frame of it can be read ({verdict.faults[0]})")
    if verdict.faults:
        raise PartialResult(f"{path}: {verdict.words} ({verdict.faults[0]}); `stereo3d convert` saves the others")


def simulate(
    output: o.Output,
    seed: Annotated[int, typer.Option(help="The same seed gives the same file.")] = 0,
    seconds: Annotated[float, typer.Option(help="Length in s.")] = 3.0,
    fps: Annotated[float, typer.Option(help="Pairs a second.")] = 30.0,
    distance: Annotated[float, typer.Option(help="From the camera to the mattress, m.")] = 0.7,
    noise: Annotated[
        list[str] | None, typer.Option(help="The detector's errors: white=2, bias=1, outliers=0.03, ...; repeatable.")
    ] = None,
    movement: Annotated[
        str, typer.Option(help="writhing, fidgety, cramped-synchronised, startles or rest.")
    ] = "writhing",
    roll: Annotated[float, typer.Option(help="Degrees by which the infant is turned to its left side.")] = 0.0,
    occluders: Annotated[bool, typer.Option(help="A hand, a cloth or a hose in the way.")] = False,
    skeleton: Annotated[str, typer.Option(help="Whose joints are told, such as CrowdPose-14.")] = "COCO-17",
    pictures: Annotated[bool, typer.Option(help="Draw pictures; else write rig, truth and joints alone.")] = True,
    quality: Annotated[int, typer.Option(help="JPEG quality, 1 to 100.")] = 50,
) -> None:
    """A synthetic recording: pictures of an infant, true joints and skin points, what each view shows, noisy joints."""
    from stereo3d.skeleton import skeleton_named
    from stereo3d.synthetic.scene import AGMA_LIKE, Setting, simulate_in
    from stereo3d.synthetic.write import write_joints, write_sample

    errors = o.changed(AGMA_LIKE, "--noise", noise or [])
    setting = Setting(distance, movement=movement, roll=math.radians(roll), occluders=occluders)
    simulation = simulate_in(
        setting, seed=seed, seconds=seconds, fps=fps, noise=errors, skeleton=skeleton_named(skeleton))
    if pictures:
        with o.progress(len(simulation)) as advance:
            write_sample(output, simulation, quality=quality, on_progress=advance)
    else:
        write_joints(output, simulation)
    print(output)
