"""train: a detector from annotated pictures or rendered infants."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stereo3d.cli import options as o
from stereo3d.errors import MissingPackage

if TYPE_CHECKING:
    from stereo3d.training.loop import Report

Folder = Annotated[Path, typer.Option("--output", "-o", help="The run's folder: best weights, last state, curves.")]
Workers = Annotated[int | None, typer.Option(help="Processes that render on a CPU; by default one a core.")]
Preset = Annotated[
    str, typer.Option(help="finetune (AGMA's protocol), scratch, or bundled (the weights in the box).")]


def train(
    output: Folder,
    config: Annotated[Path | None, typer.Argument(help="The recipe as a TOML file: [network], [data], [training].")]
    = None,
    preset: Preset = "finetune", assignments: o.Set = None, resume: o.Resume = False, restart: o.Restart = False,
    workers: Workers = None,
) -> None:
    """A detector from annotated pictures (data.train) or rendered infants (data.rendered).

    Ends with OUTPUT/best.safetensors, which --weights takes. A killed run goes on with --resume. Under torchrun it
    runs on several GPUs.
    """
    try:
        from stereo3d.training.loop import train as learn
        from stereo3d.training.prepare import expected, prepare
        from stereo3d.training.recipe import recipe
        from stereo3d.training.world import World
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingPackage("torch", "detect", "training") from error

    told = recipe(preset, config, assignments or [])
    with World() as world:
        with world.in_turn(), o.progress(max(1, expected(told)), "pictures", shown=world.first) as advance:
            samples, held_out = prepare(told, output / "samples", workers=workers, on_progress=advance)
        if world.first:
            print(f"{len(samples)} pictures to learn from, {len(held_out)} held out", file=sys.stderr)
        with o.progress(len(samples) * told.training.epochs, "pictures", shown=world.first) as advance:
            best = learn(
                told, samples, held_out, output, resume=resume, restart=restart, on_epoch=_say, on_step=advance)
        if world.first:
            print(best)


def _say(report: Report) -> None:
    near, middle, far = (100 * p for p in report.score.pck)
    print(
        f"epoch {report.epoch}/{report.epochs}: loss {report.loss:.4g}; held out {report.score.mean:.2f} px mean, "
        f"{report.score.median:.2f} median, PCK@.05/.1/.2 {near:.1f}/{middle:.1f}/{far:.1f} %"
        f"{', the best so far' if report.best else ''}", file=sys.stderr)
