"""convert: a recording in another form, or for sharing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stereo3d.cli import options as o
from stereo3d.errors import PartialResult, UsageError

if TYPE_CHECKING:
    from stereo3d.recording.base import Recording
    from stereo3d.recording.form import Form

_QUALITY = 95
Every = Annotated[int, typer.Option(help="Keep every n-th pair.")]
Quality = Annotated[
    int | None,
    typer.Option(help=f"JPEG quality, 1 to 100; by default JPEGs are copied as they are and others get {_QUALITY}."),
]
Identity = Annotated[
    bool, typer.Option("--keep-identity", help="Keep serial numbers, provenance, time of day and what JPEGs say.")
]
BlurFace = Annotated[
    Path | None,
    typer.Option("--blur-face", metavar="POSES", help="Make heads unrecognisable, by the joints in a result of it."),
]


def convert(
    recording: o.Recording, output: o.Output, right: o.Right = None, rig: o.Rig = None, rectified: o.Rectified = None,
    fps: o.Fps = None, offset: o.Offset = None, swap: o.Swap = False, start: o.Start = None, stop: o.Stop = None,
    every: Every = 1, quality: Quality = None, blur_face: BlurFace = None, keep_identity: Identity = False,
    resume: o.Resume = False, restart: o.Restart = False,
) -> None:
    """A recording in another form: stereo3d HDF5 (.h5), a side-by-side video (.mp4), or a folder of PNG pictures.

    It ends with 3 where pictures turned out to be lost on the way: they keep their place, marked.
    """
    from stereo3d import pipeline
    from stereo3d.calibration.files import read_rig
    from stereo3d.recording.base import open_recording
    from stereo3d.recording.convert import convert as rewrite
    from stereo3d.recording.form import Form

    unfinished = o.unfinished(resume, restart)
    with open_recording(recording, right, rectified=rectified, fps=fps, offset=offset, swap=swap) as opened:
        o.warn_of_swapped(opened)
        frames = pipeline.frames_between(opened, start, stop)[::_step(every)]
        found = read_rig(rig, opened.size) if rig else opened.rig
        form = Form(
            _QUALITY if quality is None else quality, reencode=quality is not None, keep_identity=keep_identity
        )
        form = _blurred(form, opened, blur_face, rig)
        with o.progress(len(frames)) as advance:
            made = rewrite(
                opened, output, frames=frames, rig=found, form=form, unfinished=unfinished, on_progress=advance
            )
        print(made)
        _tell_lost(opened, frames, made)


def _step(every: int) -> int:
    if every < 1:
        raise UsageError(f"--every: expected 1 or more, got {every}")
    return every


def _blurred(form: Form, recording: Recording, joints: Path | None, rig: Path | None) -> Form:
    """The form with the heads to hide; says where the whole picture will be hidden."""
    if joints is None:
        return form
    import dataclasses

    from stereo3d.sharing import heads_in

    heads = heads_in(recording, joints, rig)
    unknown = int(heads.unknown().sum())
    print(f"stereo3d: no head is known near {unknown} of {len(recording)} pairs: there the whole picture is blurred; "
          "look at what comes out before it leaves", file=sys.stderr)
    return dataclasses.replace(form, heads=heads)


def _tell_lost(recording: Recording, frames: range, made: Path) -> None:
    """Says which pairs the new file marks as lost; raises PartialResult where the old one did not."""
    from stereo3d.recording.base import open_recording
    from stereo3d.recording.verify import ranges

    if made.suffix.lower() not in (".h5", ".hdf5"):
        return
    with open_recording(made) as written:
        lost = [i for i, valid in enumerate(written.valid) if not valid]
    if not lost:
        return
    sentence = f"{made}: {len(lost)} of {len(frames)} pairs have a lost picture and are marked so: {ranges(lost)}"
    if any(recording.valid[frames[i]] for i in lost):
        raise PartialResult(f"{sentence}; `stereo3d info --verify` on the recording says why")
    print(f"stereo3d: {sentence}", file=sys.stderr)
