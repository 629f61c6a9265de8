"""benchmark: what this machine does, and the figures that the documents state, made anew here."""

from __future__ import annotations

import json as text
import sys
from pathlib import Path
from typing import Annotated

import typer

from stereo3d.cli import options as o
from stereo3d.cli.accuracy import accuracy
from stereo3d.cli.speed import runtimes
from stereo3d.errors import InputError, UsageError

Parts = Annotated[list[Path] | None, typer.Argument(help="Parts that were written before, to be added.")]
Infants = Annotated[int, typer.Option(min=0, help="How many to render; 0 adds up parts alone.")]
First = Annotated[int | None, typer.Option(help="The first one's seed; by default of those that nothing was tuned on.")]
Every = Annotated[int, typer.Option(min=1, help="Look at the pictures of one in so many of 75 frames; 1 for clips.")]
Conditions = Annotated[str | None, typer.Option(help="Some of the conditions, split by commas; by default all.")]
Picture = Annotated[Path | None, typer.Option("--figure", help="Draw the mean errors by noise: .png, .pdf or .svg.")]
Part = Annotated[Path | None, typer.Option("--output", "-o", help="Write the sums, to be added to others: .json.")]

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="What this machine does; the documents' figures.")


def refinement(
    parts: Parts = None, infants: Infants = 8, first: First = None, every: Every = 8, conditions: Conditions = None,
    output: Part = None, figure: Picture = None, json: o.Json = False,
) -> None:
    """3D error before and after refinement, by noise, condition and method, on rendered infants that nothing was tuned
    on: about a minute an infant. Run it in parts and add them up."""
    from stereo3d.benchmark.refinement import CONDITIONS, FIRST_SEED, Plan, measure
    from stereo3d.benchmark.table import to_markdown
    from stereo3d.benchmark.tally import Tally

    if not infants and not parts:
        raise UsageError("--infants: expected some, or parts to add up, got neither")
    begin = FIRST_SEED if first is None else first
    names = tuple(name.strip() for name in conditions.split(",")) if conditions else tuple(CONDITIONS)
    plan = Plan(infants, begin, every, names)
    made = measure(plan, on_scene=lambda scene: print(scene, file=sys.stderr)).to_dict()
    tally = Tally.merged([*map(_read, parts or []), made])
    if output:
        output.write_text(text.dumps(tally.to_dict()), encoding="utf-8")
    if figure:
        from stereo3d.benchmark.figure import draw

        draw(tally, figure)
    if json:
        o.show(tally.to_dict(), True)
    else:
        print(to_markdown(tally), end="")


def _read(path: Path) -> dict[str, object]:
    try:
        held = text.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: expected a part of a benchmark, got {error}") from error
    if not isinstance(held, dict):
        raise InputError(f"{path}: expected a part of a benchmark, got {type(held).__name__}")
    return held


COMMANDS = {"accuracy": accuracy, "refinement": refinement, "runtimes": runtimes}
