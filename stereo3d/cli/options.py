"""Options that several commands share, and progress for a person to watch."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from stereo3d.errors import UsageError, unknown_name

if TYPE_CHECKING:
    from stereo3d.config import Config
    from stereo3d.recording import base

V = TypeVar("V")
Recording = Annotated[Path, typer.Argument(help="HDF5, one side-by-side video, a left video, or a folder of pictures.")]
Right = Annotated[Path | None, typer.Argument(help="The right video or folder, where the views are apart.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="The file to write.")]
Rig = Annotated[Path | None, typer.Option(help="Calibration: SN*.conf, stereo3d or OpenCV file, .qca.txt.")]
Rectified = Annotated[
    bool | None, typer.Option("--rectified/--raw", help="What the pictures are, where the file does not say.")
]
Fps = Annotated[float | None, typer.Option(help="Frames a second, where the file does not say.")]
Offset = Annotated[
    float | None, typer.Option(help="s by which the right video began after the left one, where the files do not say.")
]
Swap = Annotated[bool, typer.Option("--swap", help="Left and right are the wrong way round in the files.")]
Start = Annotated[float | None, typer.Option(help="Begin at this time, in s.")]
Stop = Annotated[float | None, typer.Option(help="End before this time, in s.")]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="Settings as a TOML file.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="One setting, as stage.key=value; may be repeated.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")]
Restart = Annotated[bool, typer.Option("--restart", help="Throw an interrupted run away and begin anew.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything, say what would be done, write nothing.")]
Detector = Annotated[
    str | None,
    typer.Option(
        help="darkpose (default), hrnet, fidip, efficientpose, higherhrnet, dekr, openpose, replay, or a plug-in."
    ),
]
Weights = Annotated[
    Path | None, typer.Option(help="The detector's weights: a file, or a name of `weights list`; or joints to replay.")
]
Runtime = Annotated[
    str | None,
    typer.Option(help="What runs the network: torch (default), torch-bf16, openvino-bf16, ...; auto: the fastest that "
                 "keeps the joints within 0.1 px, measured once (`stereo3d benchmark runtimes`)."),
]
Refine = Annotated[
    str | None, typer.Option(help="none, frame (each by itself, bones too) or clip (default: the seconds around too).")
]
Roi = Annotated[
    str | None, typer.Option(help="Where the infant is: CX,CY,SIDE in px of the recorded pictures; else it is found.")
]


def settings(
    file: Path | None, assignments: list[str] | None, detector: str | None, weights: Path | None, roi: str | None,
    runtime: str | None = None, refine: str | None = None,
) -> Config:
    """The configuration that the options ask for. Raises UsageError, InputError."""
    from stereo3d import config

    chosen = config.resolve(file, assignments or ())
    given = {"detector": detector, "weights": str(weights) if weights else None, "roi": parse_roi(roi),
             "runtime": runtime}
    chosen = config.update(chosen, "detect", {k: v for k, v in given.items() if v is not None})
    return config.update(chosen, "refine", {"mode": refine}) if refine else chosen


def parse_roi(roi: str | None) -> tuple[float, ...] | None:
    """`CX,CY,SIDE` as three numbers. Raises UsageError."""
    if roi is None:
        return None
    try:
        numbers = tuple(float(x) for x in roi.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != 3 or not numbers[2] > 0:
        raise UsageError(f"--roi: expected CX,CY,SIDE in px such as 540,780,1100, got {roi!r}")
    return numbers


def changed(value: V, option: str, assignments: list[str]) -> V:
    """A value with some of its numbers changed by `name=number` each. Raises UsageError."""
    known = [f.name for f in dataclasses.fields(value)]  # type: ignore[arg-type]
    numbers: dict[str, Any] = {}
    for assignment in assignments:
        name, _, number = assignment.partition("=")
        if name not in known:
            raise unknown_name(f"setting of {option}", name, known)
        try:
            numbers[name] = float(number)
        except ValueError as error:
            raise UsageError(f"{option} {assignment}: expected {name}=number") from error
    return dataclasses.replace(value, **numbers)  # type: ignore[type-var]


def unfinished(resume: bool, restart: bool) -> Any:
    """What becomes of an interrupted run. Raises UsageError where both are asked for."""
    if resume and restart:
        raise UsageError("--resume and --restart: expected one of them, got both")
    return "resume" if resume else "restart" if restart else "refuse"


def tell_of_weights(config: Config) -> None:
    """Says that weights were not given and those in the box are used, where they are."""
    from stereo3d.detectors.bundled import NOTE, bundled

    if config.detect.weights is None and bundled(config.detect.detector):
        print(f"stereo3d: {NOTE}", file=sys.stderr)


def warn_of_swapped(recording: base.Recording) -> None:
    """Says where the pictures show that left and right are the wrong way round."""
    from stereo3d.recording.eyes import look_at_eyes

    seen = look_at_eyes(recording)
    if seen.swapped:
        print(f"stereo3d: {recording.sources[0]}: {seen}", file=sys.stderr)


def show(values: dict[str, Any], as_json: bool) -> None:
    """Print values: JSON, or a line each."""
    if as_json:
        print(json.dumps(values, indent=1))
        return
    width = max(map(len, values), default=0)
    for name, value in values.items():
        sentences = value if isinstance(value, (list, tuple)) and _are_texts(value) else [_words(value)]
        print("\n".join(f"{'' if i else name:<{width}}  {text}" for i, text in enumerate(sentences)))


def _are_texts(values: Sequence[Any]) -> bool:
    return bool(values) and all(isinstance(value, str) for value in values)


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {_words(v)}" for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return " x ".join(map(_words, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else "unknown" if value is None else str(value)


@contextlib.contextmanager
def progress(total: int, unit: str = "pairs", *, shown: bool = True) -> Iterator[Callable[[int], None]]:
    """A function to be told how many more are done: a bar with rate and time left on a terminal, else plain lines."""
    if not shown:
        yield lambda _: None
    elif sys.stderr.isatty():
        with _bar(total, unit) as advance:
            yield advance
    else:
        yield _Lines(total, unit).advance


@contextlib.contextmanager
def _bar(total: int, unit: str) -> Iterator[Callable[[int], None]]:
    from rich import progress as rich
    from rich.console import Console

    columns = (
        rich.BarColumn(), rich.MofNCompleteColumn(), rich.TextColumn(unit),
        rich.TextColumn("{task.fields[rate]}"), rich.TimeRemainingColumn(),
    )
    with rich.Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=total, rate="")
        began = time.monotonic()

        def advance(n: int) -> None:
            bar.update(task, advance=n)
            done = bar.tasks[0].completed
            bar.update(task, rate=f"{done / max(time.monotonic() - began, 1e-9):.1f}/s")

        yield advance


class _Lines:
    """Progress as lines of text, at most one a second."""

    def __init__(self, total: int, unit: str) -> None:
        self.total, self.unit, self.done = total, unit, 0
        self.began = self.said = time.monotonic()

    def advance(self, n: int) -> None:
        self.done += n
        now = time.monotonic()
        if now - self.said < 1 and self.done < self.total:
            return
        self.said = now
        rate = self.done / max(now - self.began, 1e-9)
        left = (self.total - self.done) / rate
        print(f"{self.done}/{self.total} {self.unit}  {rate:.1f}/s  {left:.0f} s left", file=sys.stderr)
