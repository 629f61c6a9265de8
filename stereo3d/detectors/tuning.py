"""How a detector's network is best run on this machine: the fastest way that leaves the joints where they are.

Each runtime looks at the same pictures as plain float32 does. What counts is by how much the joints move, as the median
over those that float32 is sure of, in px of the network's input. It is measured once and remembered.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Protocol, Self, TypeVar

import numpy as np

from stereo3d.errors import Stereo3DError, UsageError
from stereo3d.models import remembered
from stereo3d.models.runtimes import RUNTIMES, digest, machine, offered
from stereo3d.poses import Detections
from stereo3d.values import Bytes

NEAR = 0.1
"""px: `auto` takes no runtime that moves the joints by more (median)."""
ALLOWED = 0.25
"""px: a network of 8 bits that moves them by more is not to be had at all."""
SURE, FAINT = 0.4, 0.1
"""A joint is sure where it scores this share of the best one in its picture, and no less than that."""
FEWEST = 24
"""Sure joints without which nothing can be said."""
TIMED, REPEATS = 4, 3
"""Pictures in a measurement of speed, and how often it is repeated; the least counts."""
Clock = Callable[[], float]


class Trial(NamedTuple):
    """One runtime on this machine."""

    runtime: str
    seconds: float
    """A picture, decoding and mirrored look included; NaN where it does not run."""
    shift: float
    """px, the median way of the sure joints from float32's places; NaN where too few are sure."""
    why: str = ""
    """Why it does not run."""


class Tunable(Protocol):
    """A detector whose network can take several forms."""

    runtime: str

    def __call__(self, images: Bytes) -> Detections:
        """The joints in pictures (N, h, w, 3)."""

    def run_by(self, network: Any) -> Self:
        """The same with its network in another form."""


class Forms(Protocol):
    """Makes the forms of a detector's network, as models.runtimes.Workshop does."""

    def network(self, name: str, quantised: bytes | None = None) -> Any:
        """What the detector is `run_by` in that runtime."""

    def in_bytes(self, pictures: Bytes) -> bytes:
        """The network in 8 bits, its ranges from pictures (N, h, w, 3)."""


D = TypeVar("D", bound=Tunable)


@dataclass(frozen=True, slots=True)
class Tuning(Generic[D]):
    """A detector whose runtime has to be chosen."""

    detector: D
    """In float32 torch."""
    workshop: Forms
    wanted: str
    """`auto`, or a runtime of 8 bits, which needs pictures."""
    key: Mapping[str, Any]
    """What the choice depends on."""

    def recalled(self) -> D | None:
        """The detector as it was chosen before, None where it was not."""
        found = remembered.recall(self._name())
        if found is None or found.get("runtime") not in RUNTIMES:
            return None
        model = remembered.recall_bytes(f"{self._name()}.onnx", str(found.get("sha256", "")))
        if RUNTIMES[found["runtime"]].precision == "int8" and model is None:
            return None
        return self._made(found["runtime"], model)

    def tuned(self, pictures: Bytes, clock: Clock = time.perf_counter) -> D:
        """The detector in the runtime of choice, after looking at pictures (N, h, w, 3) of infants.

        Half of them are for the ranges of 8 bits, half to measure with. Raises UsageError where a runtime that was
        asked for moves the joints too far.
        """
        return self.choice(*self.trials(pictures, clock))

    def choice(self, trials: Sequence[Trial], model: bytes | None) -> D:
        """The same from what `trials` gave; remembered, where the joints' moves could be told."""
        name = self.wanted if self.wanted != "auto" else fastest(trials)
        tried = {trial.runtime: trial for trial in trials}
        if name not in tried:
            raise UsageError(f"runtime {name}: its packages are not installed here; there are {', '.join(tried)}")
        if RUNTIMES[name].precision == "int8" and not tried[name].shift <= ALLOWED:
            raise UsageError(
                f"runtime {name}: expected joints within {ALLOWED} px of float32 (median), got "
                f"{tried[name].why or _px(tried[name].shift)}; use openvino-bf16, torch-bf16 or auto"
            )
        if any(np.isfinite(trial.shift) for trial in trials):
            self._remember(name, trials, model)
        return self._made(name, model)

    def trials(self, pictures: Bytes, clock: Clock = time.perf_counter) -> tuple[list[Trial], bytes | None]:
        """Every runtime that this machine has, float32 torch first, and the network in 8 bits."""
        names = offered(self.key["device"]) if self.wanted == "auto" else ["torch", self.wanted]
        shown, judged = pictures[::2], pictures[1::2]
        truth = self.detector(judged)
        model: bytes | None = None
        done = []
        for name in names:
            try:
                if RUNTIMES[name].precision == "int8" and model is None:
                    model = self.workshop.in_bytes(shown)
                done.append(_tried(name, self._made(name, model), judged, truth, clock))
            except (Stereo3DError, RuntimeError, ValueError) as error:
                done.append(Trial(name, np.nan, np.nan, str(error)[:200]))
        return done, model

    def _made(self, name: str, model: bytes | None) -> D:
        made = self.detector.run_by(self.workshop.network(name, model))
        in_bytes = RUNTIMES[name].precision == "int8" and model is not None
        made.runtime = f"{name}:{digest(model)}" if in_bytes and model is not None else name
        return made

    def _name(self) -> str:
        return remembered.name_of({**self.key, **machine(self.key["device"]), "wanted": self.wanted})

    def _remember(self, name: str, trials: Sequence[Trial], model: bytes | None) -> None:
        kept = {"runtime": name, "key": dict(self.key), "trials": [_row(trial) for trial in trials]}
        if RUNTIMES[name].precision == "int8" and model is not None:
            remembered.remember_bytes(f"{self._name()}.onnx", model)
            kept["sha256"] = digest(model)
        remembered.remember(self._name(), kept)


def fastest(trials: Iterable[Trial]) -> str:
    """The fastest of the runtimes that leave the joints within NEAR px; torch, which the others are held against, is
    always one of them."""
    near = [trial for trial in trials if trial.runtime == "torch" or trial.shift <= NEAR]
    return min(near, key=lambda trial: trial.seconds if np.isfinite(trial.seconds) else np.inf).runtime


def shift(truth: Detections, other: Detections) -> float:
    """px, the median distance of the joints that `truth` is sure of; NaN for fewer than FEWEST of them."""
    score = np.where(np.isfinite(truth.xy).all(-1), np.nan_to_num(truth.score), 0)
    sure = score >= np.maximum(SURE * score.max(-1, keepdims=True, initial=0), FAINT)
    away = np.linalg.norm(other.xy - truth.xy, axis=-1)[sure]
    return float(np.median(np.where(np.isfinite(away), away, np.inf))) if away.size >= FEWEST else float("nan")


def _tried(name: str, detector: Tunable, pictures: Bytes, truth: Detections, clock: Clock) -> Trial:
    moved = shift(truth, detector(pictures))
    seconds = []
    few = pictures[:TIMED]
    for _ in range(REPEATS):
        before = clock()
        detector(few)
        seconds.append((clock() - before) / max(len(few), 1))
    return Trial(name, min(seconds), moved)


def _px(moved: float) -> str:
    return f"{moved:.2f} px" if np.isfinite(moved) else "too few sure joints to tell"


def _row(trial: Trial) -> dict[str, Any]:
    """As JSON can hold it."""
    numbers = {"seconds": trial.seconds, "shift": trial.shift}
    return {"runtime": trial.runtime, "why": trial.why,
            **{k: float(f"{v:.6g}") if np.isfinite(v) else None for k, v in numbers.items()}}
