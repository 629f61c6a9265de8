"""benchmark accuracy: a detector on rendered infants that nothing was trained on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stereo3d.cli import options as o
from stereo3d.errors import MissingPackage

if TYPE_CHECKING:
    from stereo3d.benchmark.refinement import Finder

Folder = Annotated[Path, typer.Option("--output", "-o", help="Where pictures and joints are kept.")]
Which = Annotated[str, typer.Option("--set", help="clean, hard, or both.")]
Count = Annotated[int, typer.Option(min=1, help="Infants of each set, two frames of each.")]
First = Annotated[int, typer.Option(min=0, help="The number of the first one in its set.")]


def accuracy(
    output: Folder, which: Which = "both", count: Count = 24, first: First = 0, detector: o.Detector = None,
    weights: o.Weights = None, json: o.Json = False,
) -> None:
    """2D and 3D error of a detector on held-out rendered infants, beside the AGMA paper's tables; about 20 s each.

    Boxes are found by the search, joints triangulated as they are. A run that was stopped goes on by itself. `replay`
    stands for a simulated detector."""
    try:
        from stereo3d.benchmark import accuracy as benchmark
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingPackage("torch", "detect", "drawing infants") from error
    name, finder, key = finder_of(detector or "darkpose", weights)
    told: dict[str, Any] = {}
    if not json:
        print(f"# {name[0].upper()}{name[1:]}, on rendered infants that it was not trained on\n")
    for kind in benchmark.sets_named(which):
        takes = benchmark.measure(
            kind, range(first, first + count), finder, folder=output, key=key,
            on_take=lambda infant: print(infant, file=sys.stderr))
        if json:
            told[kind] = {n: {row: dict(zip(t.columns, numbers)) for row, numbers in t.rows.items()}
                          for n, t in benchmark.tables(takes).items()}
        else:
            print(benchmark.to_markdown(kind, takes, name))
    if json:
        o.show(told, True)


def finder_of(name: str, weights: Path | None) -> tuple[str, Finder, str]:
    """What the tables say of the detector, what finds joints, and its name in the names of files."""
    from stereo3d.detectors.base import build
    from stereo3d.detectors.bundled import bundled
    from stereo3d.journal import sha256
    from stereo3d.models.shelf import located

    if name == "replay" and weights is None:
        return "a simulated detector (replay)", lambda recording: build("replay", str(recording)), "replay"
    given = weights or bundled(name)
    made = build(name, given)
    if given is None:
        return name, lambda _: made, name
    check = sha256(located(given))[:12]
    note = "the weights in the box" if weights is None else f"weights {check}"
    return f"{name}, {note}", lambda _: made, f"{name}-{check}"
