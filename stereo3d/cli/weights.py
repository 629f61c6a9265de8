"""weights: which checkpoints there are, which are here, and how more of them come here."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stereo3d.cli import options as o
from stereo3d.errors import PartialResult, Stereo3DError, UsageError

if TYPE_CHECKING:
    from stereo3d.models.registry import Entry

File = Annotated[Path, typer.Argument(help="A checkpoint: .pth, .pt, .h5, .safetensors, ...")]
Published = Annotated[str, typer.Argument(help="A published checkpoint; `stereo3d weights list` names them.")]
Name = Annotated[str | None, typer.Option(help="What to call it: --weights NAME finds it then.")]
Family = Annotated[
    str | None, typer.Option(help="Whose it is, where the file does not tell: hrnet, darkpose, fidip, mmpose, ...")
]
Size = Annotated[str | None, typer.Option("--input-size", help="Of its input, WxH px, if the file does not tell.")]
Skeleton = Annotated[str | None, typer.Option(help="Of its joints, such as BabyPose-12, if the file does not tell.")]
Names = Annotated[list[str] | None, typer.Argument(help="Some of those that are here; by default all.")]
Replace = Annotated[bool, typer.Option("--replace", help="Take the place of weights of that name.")]

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None,
    help="Weights of networks: what is published, what is here. Nothing is fetched but by `stereo3d weights fetch`.",
)


def list_(json: o.Json = False) -> None:
    """Published checkpoints, and those that are here."""
    from stereo3d.models import shelf
    from stereo3d.models.registry import ENTRIES

    here = shelf.kept()
    if json:
        o.show({"folder": str(shelf.folder()), "published": [_row(e) for e in ENTRIES], "here": _cards()}, True)
        return
    print(f"{'NAME':<30}{'HERE':<6}{'DETECTOR':<15}{'INPUT':<10}{'AP':<7}{'MB':<6}TRAINED ON; LICENCE")
    for entry in ENTRIES:
        there = "yes" if shelf.place_of(entry.name).is_file() else "" if entry.fetchable else "bring"
        size = "x".join(map(str, entry.input_size)) if entry.input_size else ""
        score = f"{entry.score:.3f}" if entry.score else ""
        mass = f"{entry.megabytes:.0f}" if entry.megabytes else ""
        detector = entry.detector or "(training)"
        print(f"{entry.name:<30}{there:<6}{detector:<15}{size:<10}{score:<7}{mass:<6}{entry.data}; {entry.licence}")
    for name, card in here.items():
        if name not in {entry.name for entry in ENTRIES}:
            size = "x".join(map(str, card.input_size)) if card.input_size else ""
            print(f"{name:<30}{'yes':<6}{card.family:<15}{size:<10}{'':<13}your own, {card.architecture}")
    print(
        f"\nkept in {shelf.folder()}\n'bring': `stereo3d weights list --json` has its page; then `weights add FILE`",
        file=sys.stderr,
    )


def add(
    file: File, name: Name = None, family: Family = None, input_size: Size = None, skeleton: Skeleton = None,
    replace: Replace = False, json: o.Json = False,
) -> None:
    """Keep a checkpoint that you have, converted once, so that --weights NAME finds it."""
    from stereo3d.models import keep

    size = _size(input_size) if input_size else None
    options: dict[str, Any] = {"family": family, "input_size": size, "skeleton": skeleton, "replace": replace}
    path = keep.add(file, name, **options)
    o.show(_told(path), json)


def fetch(name: Published, replace: Replace = False, json: o.Json = False) -> None:
    """Fetch a published checkpoint from its makers, check it, and keep it. It goes on where it was interrupted."""
    from stereo3d.models import fetch as line
    from stereo3d.models import keep, shelf
    from stereo3d.models.registry import entry_named

    entry = entry_named(name)
    if shelf.place_of(name).exists() and not replace:
        raise UsageError(f"weights {name!r} are here already; --replace fetches them again")
    size = f"about {entry.megabytes:.0f} MB" if entry.megabytes else "size unknown"
    print(f"{entry.address}\n{size}; trained on {entry.data}; licence {entry.licence}", file=sys.stderr)
    arrived = line.fetch(entry, shelf.folder() / "arriving" / entry.file, on_progress=_said())
    path = keep.add(arrived, name, replace=replace)
    arrived.unlink()
    o.show(_told(path), json)


def check(names: Names = None) -> None:
    """Whether the weights that are here are whole, fit their networks and are what was put there."""
    from stereo3d.models import keep, shelf

    broken = 0
    for name in names or shelf.kept():
        try:
            checkpoint = keep.check(name)
        except Stereo3DError as error:
            broken += 1
            print(f"{name}: {error}")
        else:
            print(f"{name}: whole; {checkpoint.architecture}, {checkpoint.n_joints} joints, {checkpoint.family}")
    if broken:
        raise PartialResult(f"{broken} of the weights cannot be used; add them again with --replace")


def _row(entry: Entry) -> dict[str, Any]:
    return dataclasses.asdict(entry) | {"crop": entry.convention}


def _cards() -> dict[str, Any]:
    from stereo3d.models import shelf

    return {name: dataclasses.asdict(card) for name, card in shelf.kept().items()}


def _told(path: Path) -> dict[str, Any]:
    """What was put on the shelf, and what of that is a guess."""
    from stereo3d.models import shelf

    if path.suffix != shelf.ENDING:
        return {"weights": path.name, "file": str(path)}
    card = shelf.read_card(path)
    told: dict[str, Any] = {"weights": path.stem, "file": str(path)}
    if card is not None:
        size = "x".join(map(str, card.input_size)) if card.input_size else None
        told |= {
            "network": card.architecture, "family": card.family, "input": size, "joints": card.n_joints,
            "skeleton": card.skeleton, "sha256": card.sha256,
        }
    return told


def _said() -> Any:
    """Progress in MB, at most one line a second."""
    last = [0.0]

    def say(done: int, total: int | None) -> None:
        now = time.monotonic()
        if now - last[0] >= 1 or done == total:
            last[0] = now
            print(f"{done / 1e6:.1f}{f' of {total / 1e6:.1f}' if total else ''} MB", file=sys.stderr)

    return say


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise UsageError(f"--input-size: expected WxH px such as 288x384, got {text!r}")
    return int(width), int(height)


COMMANDS: dict[str, Callable[..., None]] = {"list": list_, "add": add, "fetch": fetch, "check": check}
