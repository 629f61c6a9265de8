"""benchmark runtimes: what this machine does with a detector's network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stereo3d.cli import options as o
from stereo3d.errors import UsageError

if TYPE_CHECKING:
    from stereo3d.detectors.speed import Speed
    from stereo3d.detectors.topdown import TopDown
    from stereo3d.detectors.tuning import Tuning

Shown = Annotated[
    Path | None, typer.Argument(help="A recording of an infant; without one the joints' moves cannot be told.")
]
Fps = Annotated[float, typer.Option(min=0.1, help="Pairs a second of the recordings that hours are told for.")]
Flip = Annotated[bool, typer.Option("--flip/--no-flip", help="Whether the mirrored picture is looked at too.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Of the CPU; by default as many as it has.")]
Device = Annotated[str, typer.Option(help="cpu, cuda or auto.")]


def runtimes(
    recording: Shown = None, right: o.Right = None, detector: o.Detector = None, weights: o.Weights = None,
    roi: o.Roi = None, fps: Fps = 30.0, flip: Flip = True, threads: Threads = None, device: Device = "auto",
    json: o.Json = False,
) -> None:
    """Pairs a second and hours for a recorded hour, by what runs the network, and how far it moves the joints.

    On a recording the best is remembered for --runtime auto; without weights those in the box are measured there.
    Without either it is HRNet W32 at 288x384 before its training, which takes as long. Reading and cropping pictures
    comes on top."""
    from stereo3d.detectors import speed
    from stereo3d.detectors.bundled import bundled

    if weights is None and recording is not None:
        weights = bundled(detector or "darkpose")
    made = _tuning(detector, weights, flip=flip, device=device, threads=threads)
    trials, model = made.trials(_pictures(made, recording, right, roi))
    chosen = made.choice(trials, model).runtime if recording is not None and weights is not None else None
    rows = speed.speeds(trials, fps)
    if json:
        o.show({"runtimes": [_plain(row) for row in rows], "fps": fps, "auto": chosen}, True)
        return
    print(f"{'RUNTIME':<15}{'PAIRS/S':>9}{'HOURS/HOUR':>12}  JOINTS MOVE")
    for row in rows:
        print(f"{row.runtime:<15}{row.pairs:9.2f}{row.hours:12.2f}  {row.why or _moved(row.shift)}")
    print(f"--runtime auto takes {chosen} here" if chosen else "give a recording to have one chosen")


def _tuning(name: str | None, weights: Path | None, **options: Any) -> Tuning[TopDown]:
    from stereo3d.detectors import published, speed

    if weights is None:
        if name is not None:
            raise UsageError("--detector: needs --weights to be measured; without both HRNet W32 is")
        return speed.untrained(**options)
    factory = getattr(published, name or "darkpose", None)
    if not isinstance(factory, published.Published):
        raise UsageError(f"--detector: expected darkpose, hrnet, fidip or efficientpose, got {name}; others have one "
                         "runtime")
    return factory.tuning(str(weights), **options)


def _pictures(made: Tuning[TopDown], recording: Path | None, right: Path | None, roi: str | None) -> Any:
    from stereo3d.detectors.samples import samples
    from stereo3d.detectors.speed import noise
    from stereo3d.recording.base import open_recording

    if recording is None:
        return noise(made.detector)
    with open_recording(recording, right) as opened:
        return samples(opened, made.detector, o.parse_roi(roi))  # type: ignore[arg-type]


def _plain(row: Speed) -> dict[str, Any]:
    """As JSON can hold it."""
    return {name: None if value != value else value for name, value in row._asdict().items()}


def _moved(shift: float) -> str:
    return "unknown: too few sure joints" if shift != shift else f"{shift:.3f} px"
