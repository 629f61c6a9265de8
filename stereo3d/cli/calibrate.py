"""calibrate: a rig from pictures of a board; whether one still fits; how two differ."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from stereo3d.cli import options as o
from stereo3d.errors import UsageError

if TYPE_CHECKING:
    from stereo3d.calibration.board import Board
    from stereo3d.calibration.check import Check
    from stereo3d.calibration.compare import Comparison
    from stereo3d.calibration.sighting import Sight

_SOLVE = "solve"


class _Group(TyperGroup):
    """`calibrate RECORDING` is short for `calibrate solve RECORDING`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "--help"):
            args = [_SOLVE, *args]
        return list(super().parse_args(ctx, args))


Film = Annotated[
    Path | None, typer.Argument(help="The board filmed: HDF5, a side-by-side or left video, a folder.")
]
BoardFile = Annotated[
    Path | None, typer.Option("--board", help="What the board is: a TOML file, see calibration/boards.")
]
RigFile = Annotated[Path | None, typer.Option("--output", "-o", help="The rig to write: .json, .conf, .yml, ...")]
Mode = Annotated[str, typer.Option(help="full; extrinsics: keep the lenses of --start; refine: adjust them a little.")]
Start = Annotated[Path | None, typer.Option(help="The factory calibration to begin with.")]
Baseline = Annotated[float | None, typer.Option(help="The nominal baseline in m, to hold the result against.")]
Coefficients = Annotated[
    int | None, typer.Option(help="Of the lens's distortion: 0, 2, 4, 5 or 8; by default what predicts best.")
]
Report = Annotated[
    list[Path] | None, typer.Option(help="Write the report: .html, .md or .json; may be repeated.")
]
PrintBoard = Annotated[
    Path | None, typer.Option("--print-board", help="Only draw the board to scale: .pdf or .svg.")
]

app = typer.Typer(
    cls=_Group, no_args_is_help=True, rich_markup_mode=None,
    help="A rig from pictures of a board: stereo3d calibrate RECORDING --board BOARD.toml -o rig.json",
)


def solve(
    recording: Film = None, right: o.Right = None, board: BoardFile = None, output: RigFile = None, mode: Mode = "full",
    start: Start = None, baseline: Baseline = None, coefficients: Coefficients = None, report: Report = None,
    print_board: PrintBoard = None, json: o.Json = False,
) -> None:
    """Calibrate both cameras from pictures of a board, and say in mm how far to trust the result."""
    if board is None:
        raise UsageError("--board: missing; give the board's file, there are examples in calibration/boards")
    if print_board is not None:
        _print(board, print_board)
        return
    if recording is None:
        raise UsageError("RECORDING: missing; give the pictures of the board, or --print-board to draw one")
    if mode not in ("full", "extrinsics", "refine"):
        raise UsageError(f"--mode: expected full, extrinsics or refine, got {mode!r}")
    _solve(locals())


def _solve(told: dict[str, Any]) -> None:
    from stereo3d import rigs
    from stereo3d.calibration.board import read_board
    from stereo3d.calibration.files import kind_of, write_rig
    from stereo3d.calibration.report import form_of, to_markdown, write_report
    from stereo3d.recording.base import open_recording

    board = read_board(told["board"])
    for path in told["report"] or ():
        form_of(path)
    if told["output"]:
        kind_of(told["output"])
    with open_recording(told["recording"], told["right"]) as opened:
        watch = _Watch(board, opened.size, -(-len(opened) // max(1, rigs.stretches(opened))))
        found = rigs.calibrate(
            opened, board, mode=told["mode"], start=told["start"], baseline=told["baseline"],
            coefficients=told["coefficients"], on_sight=watch,
        )
        pictures = rigs.best_pair(found, opened) if told["report"] else None
    if told["output"]:
        write_rig(told["output"], found.rig)
    for path in told["report"] or ():
        write_report(found, path, pictures)
    if told["json"]:
        o.show(found.to_dict(), True)
    else:
        print(to_markdown(found), end="")


def check(
    rig: Annotated[Path, typer.Argument(help="The rig to check.")],
    recording: o.Recording, right: o.Right = None, rectified: o.Rectified = None,
    pairs: Annotated[int, typer.Option(help="How many pairs of the recording to look at.")] = 12, json: o.Json = False,
) -> None:
    """Whether a rig still fits a recording: do rows agree on whatever it shows. No board is needed."""
    from stereo3d import rigs
    from stereo3d.recording.base import open_recording

    with open_recording(recording, right, rectified=rectified) as opened:
        found = rigs.check_rig(rig, opened, pairs=pairs)
    _tell(found, json)


def compare(
    a: Annotated[Path, typer.Argument(help="A rig.")],
    b: Annotated[Path, typer.Argument(help="Another of the same cameras.")],
    json: o.Json = False,
) -> None:
    """How far two rigs of the same cameras put places apart, in m over the volume 0.4 to 1.2 m away."""
    from stereo3d.calibration.compare import compare_rigs
    from stereo3d.calibration.files import read_rig

    _tell(compare_rigs(read_rig(a), read_rig(b)), json)


def _tell(found: Check | Comparison, json: bool) -> None:
    if json:
        o.show(found.to_dict(), True)
    else:
        print(found)


def convert(
    rig: Annotated[Path, typer.Argument(help="The rig to read: any kind of file.")], output: o.Output,
    kind: Annotated[
        str | None, typer.Option("--as", help="json, zed, sdk, opencv, kalibr or qualisys; by default the file's name.")
    ] = None,
    size: Annotated[str | None, typer.Option(help="Of a picture, as 1280x720, where the file leaves it open.")] = None,
) -> None:
    """A rig in another program's form: .json (ours), .conf (ZED), .yml (SDK or OpenCV), camchain.yaml, .qca.txt."""
    from stereo3d.calibration.files import read_rig, write_rig

    found = re.fullmatch(r"(\d+)x(\d+)", size) if size else None
    if size and not found:
        raise UsageError(f"--size: expected WIDTHxHEIGHT such as 1280x720, got {size!r}")
    write_rig(output, read_rig(rig, (int(found[1]), int(found[2])) if found else None), kind)


def _print(board: Path, path: Path) -> None:
    from stereo3d.calibration.board import read_board
    from stereo3d.calibration.drawing import print_board

    width, height = print_board(read_board(board), path)
    print(f"{path}: {1000 * width:.0f} x {1000 * height:.0f} mm; print at 100 % and measure its ruler")


COMMANDS: dict[str, Callable[..., None]] = {_SOLVE: solve, "check": check, "compare": compare, "convert": convert}


class _Watch:
    """Says, about once a second, in how many pairs the board was found and what to film next."""

    def __init__(self, board: Board, size: tuple[int, int], total: int) -> None:
        self.board, self.size, self.total = board, size, total
        self.done, self.seen, self.said = 0, [], time.monotonic()  # type: ignore[var-annotated]

    def __call__(self, sight: Sight) -> None:
        self.done += 1
        if sight.xy is not None:
            self.seen.append(sight.xy)
        if time.monotonic() - self.said > 1 or self.done == self.total:
            self.said = time.monotonic()
            print(f"{self.done}/{self.total} pairs, board in {len(self.seen)}{self._covered()}", file=sys.stderr)

    def _covered(self) -> str:
        import numpy as np

        from stereo3d.calibration.coverage import TARGETS, coverage

        if not self.seen:
            return ""
        found = coverage(np.stack(self.seen), self.size, self.board)
        reached = ", ".join(f"{name} {value:.2f}/{TARGETS[name]:g}" for name, value in found.reached.items())
        return f"; covers {reached}; film next: {found.hints[0] if found.hints else 'nothing more is needed'}"
