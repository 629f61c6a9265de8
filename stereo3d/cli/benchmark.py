"""benchmark: what this machine does, and the figures that the documents state, made anew here."""

from __future__ import annotations

import json as text
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stereo3d.cli import options as o
from stereo3d.cli.accuracy import accuracy, finder_of
from stereo3d.cli.speed import runtimes
from stereo3d.errors import InputError, UsageError

if TYPE_CHECKING:
    from stereo3d.benchmark.tally import Tally
    from stereo3d.refinement.systematic import SystematicError

Parts = Annotated[list[Path] | None, typer.Argument(help="Parts that were written before, to be added.")]
Infants = Annotated[
    int | None, typer.Option(min=0, help="How many to render: 8, or none where recordings are given; 0 adds up parts.")
]
First = Annotated[int | None, typer.Option(help="The first one's seed; by default of those that nothing was tuned on.")]
Every = Annotated[
    int | None,
    typer.Option(min=1, help="Look at the pictures of one in so many frames: 8, of recordings 1; 1 for clips."),
]
Draws = Annotated[int, typer.Option(min=1, help="Draw each noise so many times: error bars are judged by many.")]
Renderer = Annotated[str, typer.Option(help="quick, or traced, that of `simulate`: 4 s a pair.")]
Recordings = Annotated[
    list[Path] | None, typer.Option("--recording", help="Take this one, made by `stereo3d simulate`; may be repeated.")
]
Conditions = Annotated[str | None, typer.Option(help="Some of the conditions, split by commas; by default all.")]
Picture = Annotated[Path | None, typer.Option("--figure", help="Draw the mean errors by noise: .png, .pdf or .svg.")]
Part = Annotated[Path | None, typer.Option("--output", "-o", help="Write the sums, to be added to others: .json.")]

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="What this machine does; the documents' figures.")


def refinement(
    parts: Parts = None, infants: Infants = None, first: First = None, every: Every = None,
    conditions: Conditions = None, renderer: Renderer = "quick", draws: Draws = 1, recording: Recordings = None,
    detector: o.Detector = None, weights: o.Weights = None, output: Part = None, figure: Picture = None,
    json: o.Json = False,
) -> None:
    """3D error before and after refinement, by noise, condition and method, on rendered infants that nothing was tuned
    on: about a minute an infant. Run it in parts and add them up. On recordings that `stereo3d simulate` made also with
    a detector's joints, where one is named."""
    from stereo3d.benchmark.refinement import CONDITIONS, FIRST_SEED, Plan, measure
    from stereo3d.benchmark.tally import Tally

    if infants == 0 and not parts and not recording:
        raise UsageError("--infants: expected some, or recordings, or parts to add up, got neither")
    if (detector or weights) and not recording:
        raise UsageError("--detector, --weights: expected --recording, where it finds joints, got none")
    count = (0 if recording else 8) if infants is None else infants
    begin = FIRST_SEED if first is None else first
    plan = Plan(count, begin, every or 8, _split(conditions) or tuple(CONDITIONS), renderer, draws)
    made = [measure(plan, on_scene=_say)]
    if recording:
        made.append(_on_recordings(recording, detector, weights, every=every or 1, draws=draws))
    tally = Tally.merged([*map(_read, parts or []), *(part.to_dict() for part in made)])
    if output:
        output.write_text(text.dumps(tally.to_dict()), encoding="utf-8")
    _show(tally, figure, json)


def _split(names: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in names.split(",")) if names else ()


def _show(tally: Tally, figure: Path | None, json: bool) -> None:
    from stereo3d.benchmark.table import to_markdown

    if figure:
        from stereo3d.benchmark.figure import draw

        draw(tally, figure)
    if json:
        o.show(tally.to_dict(), True)
    else:
        print(to_markdown(tally), end="")


def _on_recordings(
    recordings: list[Path], detector: str | None, weights: Path | None, *, every: int, draws: int
) -> Tally:
    from stereo3d.benchmark.refinement import measure_recorded

    if not (detector or weights):
        return measure_recorded(recordings, every=every, draws=draws, on_scene=_say)
    which = detector or "darkpose"
    name, finder, _ = finder_of(which, weights)
    return measure_recorded(
        recordings, finder, every=every, draws=draws, named=name, systematic=_systematic(which, weights), on_scene=_say)


def _systematic(detector: str, weights: Path | None) -> SystematicError | None:
    from stereo3d.detectors.bundled import bundled
    from stereo3d.journal import sha256
    from stereo3d.models.shelf import located
    from stereo3d.refinement.systematic_file import systematic_of

    given = weights or bundled(detector)
    return systematic_of(detector, sha256(located(given)) if given else None)


def _say(scene: str) -> None:
    print(scene, file=sys.stderr)


def _read(path: Path) -> dict[str, object]:
    try:
        held = text.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: expected a part of a benchmark, got {error}") from error
    if not isinstance(held, dict):
        raise InputError(f"{path}: expected a part of a benchmark, got {type(held).__name__}")
    return held


COMMANDS = {"accuracy": accuracy, "refinement": refinement, "runtimes": runtimes}
