"""The `stereo3d` command itself: its sub-commands, and what becomes of errors.

Exit codes: 0 ok, 1 a bug, 2 usage, 3 partly done, 4 bad input, 5 missing package or weights, 130 interrupted.
Results go to standard output, everything else to standard error.
"""

from __future__ import annotations

import functools
import os
import shlex
import sys
from collections.abc import Callable
from typing import Any

import typer

from stereo3d.cli import (
    benchmark, calibrate, convert, evaluation, report, results, sources, stages, train, weights,
)
from stereo3d.errors import Stereo3DError

app = typer.Typer(
    name="stereo3d", no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="Stereo recordings of infants into 3D joint tracks. Research use only; not a medical device.",
)
_COMMANDS: dict[str, Callable[..., None]] = {
    "reconstruct": stages.reconstruct, "detect": stages.detect, "triangulate": stages.triangulate,
    "refine": stages.refine,
    "evaluate": evaluation.evaluate, "export": results.export_poses, "view": results.view, "report": report.report,
    "info": sources.info, "convert": convert.convert, "simulate": sources.simulate, "train": train.train,
}


def _guarded(command: Callable[..., None]) -> Callable[..., None]:
    """The command, whose errors become one sentence and an exit code."""

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> None:
        try:
            command(*args, **options)
        except Stereo3DError as error:
            _say(str(error))
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt as error:
            _say("interrupted" + _how_to_go_on())
            raise typer.Exit(130) from error
        except BrokenPipeError as error:
            sys.stdout = open(os.devnull, "w", encoding="utf-8")
            raise typer.Exit(0) from error

    return run


for _name, _command in _COMMANDS.items():
    app.command(_name)(_guarded(_command))
for _group in (benchmark, calibrate, weights):
    for _name, _command in _group.COMMANDS.items():
        _group.app.command(_name)(_guarded(_command))
    app.add_typer(_group.app, name=_group.__name__.rpartition(".")[2])


def main() -> None:
    """Run the command line and leave with its exit code."""
    app()


def _how_to_go_on() -> str:
    words = [word for word in sys.argv[1:] if word not in ("--resume", "--restart")]
    in_parts = words[0] in ("reconstruct", "detect") or (words[0] == "convert" and _kept_parts(words))
    return f"; to go on: stereo3d {shlex.join([*words, '--resume'])}" if in_parts else ""


def _kept_parts(words: list[str]) -> bool:
    """Whether one of the words is an output of which finished parts were kept."""
    return any(os.path.isdir(f"{word.removeprefix('--output=')}.parts") for word in words)


def _say(sentence: str) -> None:
    print(f"stereo3d: {sentence}", file=sys.stderr)
