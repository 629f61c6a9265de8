"""info, convert, simulate: recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stereo3d.cli import options as o


def info(
    path: Annotated[Path | None, typer.Argument(help="A recording, a result or a calibration.")] = None,
    right: o.Right = None, json: o.Json = False,
) -> None:
    """What a file holds; without one, versions, plug-ins and what is missing here."""
    from stereo3d import describe

    o.show(describe.installation() if path is None else describe.file(path, right), json)


def convert(
    recording: o.Recording, output: o.Output, right: o.Right = None, rig: o.Rig = None, rectified: o.Rectified = None,
    fps: o.Fps = None, start: o.Start = None, stop: o.Stop = None,
    every: Annotated[int, typer.Option(help="Keep every n-th pair.")] = 1,
    quality: Annotated[int, typer.Option(help="JPEG quality, 1 to 100.")] = 95,
) -> None:
    """A recording in another form: stereo3d HDF5 (.h5), a side-by-side video (.mp4), or a folder of PNG pictures."""
    from stereo3d import pipeline
    from stereo3d.calibration.files import read_rig
    from stereo3d.recording.base import open_recording
    from stereo3d.recording.convert import convert as rewrite

    with open_recording(recording, right, rectified=rectified, fps=fps) as opened:
        frames = pipeline.frames_between(opened, start, stop)[::every]
        found = read_rig(rig, opened.size) if rig else opened.rig
        with o.progress(len(frames)) as advance:
            print(rewrite(opened, output, frames=frames, quality=quality, rig=found, on_progress=advance))


def simulate(
    output: o.Output,
    seed: Annotated[int, typer.Option(help="The same seed gives the same file.")] = 0,
    seconds: Annotated[float, typer.Option(help="Length in s.")] = 3.0,
    fps: Annotated[float, typer.Option(help="Pairs a second.")] = 30.0,
    distance: Annotated[float, typer.Option(help="From the camera to the mattress, m.")] = 0.7,
    noise: Annotated[
        list[str] | None, typer.Option(help="The detector's errors: white=2, bias=1, outliers=0.03, ...; repeatable.")
    ] = None,
    pictures: Annotated[bool, typer.Option(help="Draw pictures; else write rig, truth and joints alone.")] = True,
    quality: Annotated[int, typer.Option(help="JPEG quality, 1 to 100.")] = 50,
) -> None:
    """A synthetic recording: pictures of a jointed figure, its true 3D joints, and a detector's noisy 2D joints."""
    from stereo3d.synthetic.scene import AGMA_LIKE
    from stereo3d.synthetic.scene import simulate as imagine
    from stereo3d.synthetic.write import write_joints, write_sample

    errors = o.changed(AGMA_LIKE, "--noise", noise or [])
    simulation = imagine(seed, seconds, fps=fps, distance=distance, noise=errors)
    if pictures:
        with o.progress(len(simulation)) as advance:
            write_sample(output, simulation, quality=quality, on_progress=advance)
    else:
        write_joints(output, simulation)
    print(output)
