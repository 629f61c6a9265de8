"""What the refinement is worth: 3D error by noise, condition and method, on infants that nothing was tuned on.

Seeds below 30,000 are for tuning and tests. Detectors are simulated: their errors are normal, half of the variance
white, a quarter slow, a quarter a constant bias (`mixed`), shared by both views in part, with gross errors added; they
say nothing of their own sigma. Each noise is drawn by itself, as often as asked: a constant bias is the same in all
frames, so one draw tells little of error bars. The infants are rendered by `stereo3d.synthetic`: all figures are
synthetic.
"""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stereo3d.benchmark.conditions import covered, faint, rows_off
from stereo3d.benchmark.movement import tracks
from stereo3d.benchmark.scenes import Scene, recorded_scene, synthetic_scene
from stereo3d.benchmark.tally import Row, Tally
from stereo3d.detectors.base import Detector, Replayer
from stereo3d.detectors.detect import detect
from stereo3d.errors import unknown_name
from stereo3d.poses import Poses2D, Poses3D
from stereo3d.recording.base import open_recording
from stereo3d.refinement.clip import clip
from stereo3d.refinement.evidence import prepare
from stereo3d.refinement.frame import refine_frames
from stereo3d.refinement.refine import gated
from stereo3d.refinement.surface import look
from stereo3d.refinement.systematic import SystematicError
from stereo3d.refinement.weigh import weigh
from stereo3d.stereo import Stereo
from stereo3d.synthetic.noise import DetectorNoise
from stereo3d.triangulation import OPEN, Gates, triangulate
from stereo3d.values import Bools

FIRST_SEED = 30_000
PLAIN, RECORDED = "plain", "recorded"
_FACE = ("eye", "ear")
"""What the 13 joints do without."""


class Found(NamedTuple):
    """How joints came about."""

    gates: Gates
    """What is refused beforehand."""
    systematic: SystematicError | None
    """The detector's; None where all of its noise is drawn."""


_SIMULATED = Found(OPEN, None)
Finder = Callable[[Path], Detector | Replayer]
"""What finds the joints of the recording at that path."""


class Cell(NamedTuple):
    """An infant in one kind of recording before one kind of detector."""

    condition: str
    noise: str
    infant: str


def _mixed(sigma: float, correlation: float, outliers: float = 0.0) -> DetectorNoise:
    return DetectorNoise.mixed(sigma, correlation=correlation, outliers=outliers)


NOISES = {
    **{f"{s} px, rho .5, 3 % outliers": _mixed(s, 0.5, 0.03) for s in (3, 2, 1)},
    **{f"{s} px, rho .5": _mixed(s, 0.5) for s in (3, 2, 1)},
    "2 px, rho 0": _mixed(2, 0.0),
    "2 px, white, rho 0": DetectorNoise(white=2.0),
    "0.4 px, rho 0": _mixed(0.4, 0.0),
}
_HARD = ("3 px, rho .5", "1 px, rho .5")
CONDITIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "usual": ("usual", tuple(NOISES)), "faint": ("usual", _HARD), "rows 1 px off": ("usual", _HARD),
    "40 % covered": ("usual", _HARD), "thick limbs": ("thick", _HARD), "thin limbs": ("thin", _HARD),
    "still": ("still", _HARD), "startle": ("startle", _HARD),
}
"""Each condition, the kind of scene that it is made of, and the noises it is tried with."""


@dataclass(frozen=True)
class Plan:
    """What to run."""

    infants: int
    first: int = FIRST_SEED
    every: int = 8
    """Of how many frames the pictures of one are looked at; over time the pictures of all are wanted."""
    conditions: tuple[str, ...] = tuple(CONDITIONS)
    renderer: str = "quick"
    draws: int = 1
    """Of each noise, and of what covers joints."""

    def __post_init__(self) -> None:
        for name in self.conditions:
            if name not in CONDITIONS:
                raise unknown_name("condition", name, CONDITIONS)


def measure(
    plan: Plan, *, scene: Callable[[int, str, int], Scene] | None = None, on_scene: Callable[[str], object] = print
) -> Tally:
    """The errors of all methods in all cells; `scene` (seed, kind, every) makes the infants, else `synthetic_scene`."""
    made = scene or (lambda seed, kind, every: synthetic_scene(seed, kind, every=every, renderer=plan.renderer))
    tally = Tally()
    for seed in range(plan.first, plan.first + plan.infants):
        for kind in dict.fromkeys(CONDITIONS[name][0] for name in plan.conditions):
            here = made(seed, kind, plan.every)
            on_scene(f"infant {seed}, {kind}")
            for draw in range(plan.draws):
                for name in plan.conditions:
                    if CONDITIONS[name][0] == kind:
                        changed = _changed(here, name, seed_of(seed, draw))
                        for noise in CONDITIONS[name][1]:
                            _measure(tally, Cell(name, noise, str(seed)), changed, _drawn(changed, noise, seed, draw))
    return tally


def seed_of(*what: object) -> int:
    """One of its own for each infant, noise and draw."""
    return zlib.crc32("/".join(map(str, what)).encode())


def _drawn(scene: Scene, noise: str, infant: object, draw: int) -> Stereo[Poses2D]:
    return scene.detected(NOISES[noise], seed=seed_of(infant, noise, draw))


def measure_recorded(
    recordings: Sequence[Path], finder: Finder | None = None, *, every: int = 1, draws: int = 1,
    named: str = "detector", systematic: SystematicError | None = None, on_scene: Callable[[str], object] = print,
) -> Tally:
    """The errors of all methods on recordings that `stereo3d simulate` wrote: with the usual noises, each drawn so many
    times, and with what a detector finds there in boxes of its own search, as `named`; `systematic` is its error.

    A detector's plain joints are those that `--refine none` gives. Raises what reading and detecting raise.
    """
    tally = Tally()
    for path in recordings:
        with open_recording(path) as recording:
            scene = recorded_scene(recording, every=every)
            on_scene(str(path))
            for noise, draw in product(NOISES, range(draws)):
                _measure(tally, Cell(RECORDED, noise, path.stem), scene, _drawn(scene, noise, path.stem, draw))
            if finder:
                joints = detect(recording, scene.rectifier, finder(path))
                _measure(tally, Cell(RECORDED, named, path.stem), scene, joints, Found(Gates(), systematic))
    return tally


def _changed(scene: Scene, condition: str, seed: int) -> Scene:
    if condition == "faint":
        return faint(scene, seed=seed)
    if condition == "rows 1 px off":
        return rows_off(scene)
    return covered(scene, seed=seed) if condition == "40 % covered" else scene


def _measure(tally: Tally, cell: Cell, scene: Scene, joints: Stereo[Poses2D], by: Found = _SIMULATED) -> None:
    truth = scene.xyz[scene.frames]
    for method, poses in results(scene, joints, by):
        off, sigma = poses.xyz - truth, poses.sigma
        for which, seen, counted in _groups(scene):
            row = Row(cell.condition, cell.noise, which, seen, method)
            counted = counted & np.isfinite(truth[..., 0])
            tally.add(row, cell.infant, off=off, sigma=sigma, counted=counted)
        if len(truth) == len(scene.xyz):
            which, those = _thirteen(scene)
            row = Row(cell.condition, cell.noise, which, "all", method)
            tally.move(row, cell.infant, tracks(poses.xyz[:, those], truth[:, those], poses.time))


def _thirteen(scene: Scene) -> tuple[str, Bools]:
    return "13", np.array([not name.endswith(_FACE) for name in scene.skeleton.joints])


def _groups(scene: Scene) -> Iterator[tuple[str, str, Bools]]:
    thirteen = _thirteen(scene)
    for name, those in (thirteen, ("17", np.ones(len(scene.skeleton), bool))):
        for seen, when in (("all", np.ones_like(scene.hidden)), ("visible", ~scene.hidden), ("hidden", scene.hidden)):
            yield name, seen, np.asarray(those & when)
    for kind in dict.fromkeys(name.rpartition("_")[2] for name in scene.skeleton.joints):
        those = np.array([name.endswith(kind) for name in scene.skeleton.joints])
        for seen, when in (("visible", ~scene.hidden), ("hidden", scene.hidden)):
            yield kind, seen, np.asarray(those & when)


def results(scene: Scene, joints: Stereo[Poses2D], by: Found = _SIMULATED) -> Iterator[tuple[str, Poses3D]]:
    """Each method's name and what it makes of the joints of all frames in those that have pictures."""
    rows = np.array(scene.frames)
    yield PLAIN, _of_rows(triangulate(joints, scene.camera, by.gates), rows)
    prepared = prepare(joints, scene.camera, systematic=by.systematic)
    offsets = by.systematic.offsets if by.systematic else None
    alone = gated(prepared.evidence, by.gates)
    yield "gates", _of_rows(refine_frames(alone), rows)
    part = prepared.of_frames(rows)
    weighed = gated(weigh(part, look(part, scene.pairs(), scene.rectifier, offsets), offsets), by.gates)
    yield "frame", refine_frames(weighed)
    if len(rows) == len(scene.xyz):
        yield "clip", clip(weighed)
    else:
        yield "clip, no pictures", _of_rows(clip(alone), rows)


def _of_rows(poses: Poses3D, rows: Sequence[int] | np.ndarray) -> Poses3D:
    names = ("xyz", "score", "sigma", "residual", "status", "time", "frame")
    return dataclasses.replace(poses, **{name: getattr(poses, name)[rows] for name in names})
