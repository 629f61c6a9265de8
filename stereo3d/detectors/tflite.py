"""MoveNet and BlazePose from TFLite files: small networks that run anywhere.

Bazarevsky et al., "BlazePose: On-device Real-time Body Pose tracking", 2020; MoveNet (single pose) is described on its
model card. Both look at a square; the joints are given as COCO-17, of BlazePose's 33 those that COCO has too.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from stereo3d.detectors.base import missing_weights
from stereo3d.detectors.crops import CropRule
from stereo3d.errors import CheckpointError, InvalidValue, MissingPackage, MissingWeights
from stereo3d.poses import Detections
from stereo3d.skeleton import COCO_17
from stereo3d.values import Bytes, Floats

PADDING = 1.25
BLAZEPOSE = [0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28]
"""COCO's joints among BlazePose's landmarks."""
LANDMARKS = 39
"""Of BlazePose: 33, and 6 that its tracker uses."""
MOST_PIXELS = 1 << 20
"""Of an input: sixteen times as many as the largest of these networks look at."""
KINDS = (np.uint8, np.int32, np.float32)
"""Of numbers that pictures are shown as."""
PATIENCE, MOST_MEMORY = 60, 1 << 30
"""Seconds and bytes that a model is tried in: a hundred times what these take."""
REFUSED = 4
"""The exit code of a process that has refused a model in a sentence."""


class Tflite:
    """A TFLite model of one person as a detector, one picture at a time."""

    skeleton = COCO_17

    def __init__(self, interpreter: Any, name: str) -> None:
        """Raises CheckpointError for a model that is neither MoveNet's nor BlazePose's."""
        self._interpreter, self._name = interpreter, name
        with refusing(name):
            (self._input, *_), outputs = interpreter.get_input_details(), interpreter.get_output_details()
        shape = tuple(int(n) for n in self._input["shape"])
        sizes = {int(np.prod(out["shape"])): out["index"] for out in outputs}
        self._is_movenet = 3 * len(COCO_17) in sizes
        if len(shape) != 4 or shape[0] != 1 or shape[3] != 3 or not (self._is_movenet or 5 * LANDMARKS in sizes):
            raise CheckpointError(
                f"{name}: expected MoveNet for one person or BlazePose's landmarks, got a model of inputs {shape} and "
                f"outputs {[tuple(out['shape'].tolist()) for out in outputs]}"
            )
        _check_input(name, (shape[2], shape[1]), self._input["dtype"])
        self._n_numbers = 3 * len(COCO_17) if self._is_movenet else 5 * LANDMARKS
        self._output = sizes[self._n_numbers]
        self.crop = CropRule((shape[2], shape[1]), PADDING, "letterbox")
        with refusing(name):
            if _is_held(interpreter, self._input["index"]):
                raise ValueError("its input is among its weights")
            interpreter.allocate_tensors()

    def __call__(self, images: Bytes) -> Detections:
        """The joints in px of each of N pictures (N, h, w, 3), RGB, of `crop.size`. Raises InvalidValue."""
        w, h = self.crop.size
        if images.ndim != 4 or images.shape[1:] != (h, w, 3) or images.dtype != np.uint8:
            raise InvalidValue(f"images: expected (N, {h}, {w}, 3) uint8, got {images.shape} {images.dtype}")
        read = from_movenet if self._is_movenet else from_blazepose
        found = np.array([read(self._run(image), (w, h)) for image in images]).reshape(-1, len(COCO_17), 3)
        return Detections(found[..., :2], np.clip(found[..., 2], 0, 1), np.full(found.shape[:2], np.nan))

    def _run(self, image: Bytes) -> Floats:
        kind = self._input["dtype"]
        x = image[None].astype(kind) if self._is_movenet or kind == np.uint8 else (image[None] / 255).astype(kind)
        with refusing(self._name):
            self._interpreter.set_tensor(self._input["index"], x)
            self._interpreter.invoke()
            found = np.asarray(self._interpreter.get_tensor(self._output))
            if found.size != self._n_numbers or found.dtype.kind not in "fiu":
                raise ValueError(f"gave {found.size} numbers of type {found.dtype} instead of {self._n_numbers}")
        return found.astype(np.float64)


def _is_held(interpreter: Any, index: int) -> bool:
    """Whether a tensor lies in the model's file, where nothing can be written: it has numbers before any memory was
    taken for others."""
    try:
        interpreter.get_tensor(index)
    except ValueError:
        return False
    return True


def _check_input(name: str, size: tuple[int, int], kind: type) -> None:
    """Raises CheckpointError for pictures that nobody shows to a small network, or of numbers that are none's."""
    w, h = size
    if min(size) < 2 or w * h > MOST_PIXELS or kind not in KINDS:
        raise CheckpointError(
            f"{name}: expected inputs of 2x2 to {MOST_PIXELS} px as {', '.join(k.__name__ for k in KINDS)}, got "
            f"{w}x{h} px as {np.dtype(kind).name}"
        )


@contextlib.contextmanager
def refusing(name: str) -> Iterator[None]:
    """Turns what the interpreter says of a model into one sentence, a CheckpointError."""
    try:
        yield
    except (ValueError, RuntimeError, MemoryError) as error:
        raise CheckpointError(
            f"{name}: expected a TFLite model, got a file that cannot be run ({ascii(error)[:160]})"
        ) from error


def from_movenet(output: Floats, size: tuple[int, int]) -> Floats:
    """(17, 3) x and y in px of the input of (w, h) size, and score, from y, x as shares of it, and score."""
    y, x, score = output.reshape(-1, 3).T
    return np.stack((x * size[0] - 0.5, y * size[1] - 0.5, score), -1)


def from_blazepose(output: Floats, size: tuple[int, int]) -> Floats:
    """The same from x, y, z in px and the logits of being in sight and in the picture, for each of 39 landmarks."""
    landmarks = output.reshape(LANDMARKS, 5)[BLAZEPOSE]
    shown = 1 / (1 + np.exp(-np.clip(landmarks[:, 3], -50, 50)))
    return np.concatenate((landmarks[:, :2] - 0.5, shown[:, None]), -1)


def movenet(weights: str | os.PathLike[str] | None = None, *, threads: int | None = None) -> Tflite:
    """MoveNet for one person, or BlazePose's landmarks, from a TFLite file, which is tried in another process first.

    Raises MissingWeights, MissingPackage, CheckpointError.
    """
    if weights is None:
        what, source = "MoveNet for one person as .tflite", "https://www.kaggle.com/models/google/movenet"
        raise missing_weights("movenet", what, source)
    path = Path(weights)
    if not path.is_file():
        raise MissingWeights(f"{path}: no such file of weights")
    kernels = _kernels()
    _try_beside(path)
    return _made(path, kernels.AUTO, threads)


def _kernels() -> Any:
    try:
        from ai_edge_litert.interpreter import OpResolverType
    except ImportError as error:
        raise MissingPackage("ai-edge-litert", "tflite", "running a TFLite model") from error
    return OpResolverType


def _made(path: Path, kernels: Any, threads: int | None) -> Tflite:
    from ai_edge_litert.interpreter import Interpreter

    with refusing(path.name):
        interpreter = Interpreter(str(path), num_threads=threads, experimental_op_resolver_type=kernels)
    return Tflite(interpreter, path.name)


def _try_beside(path: Path) -> None:
    """Loads and runs a model in a process of its own: the interpreter believes what a file says of its numbers, and a
    damaged one can end the process that it is in. Raises CheckpointError."""
    command = [sys.executable, "-P", "-m", __name__, os.path.abspath(path)]
    known = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    try:
        tried = subprocess.run(
            command, env=known, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise CheckpointError(f"{path.name}: expected a TFLite model, got one that runs on for {PATIENCE} s") from error
    if tried.returncode == REFUSED:
        raise CheckpointError(tried.stderr.decode(errors="replace").splitlines()[-1])
    if tried.returncode:
        raise CheckpointError(
            f"{path.name}: expected a TFLite model, got a file that ends the program that runs it "
            f"(exit code {tried.returncode})"
        )


def _try(path: Path) -> None:
    """Runs a model once by plain kernels, which refuse what is wrong more often, and once by the quick ones, in memory
    of a few such models. Raises CheckpointError."""
    with contextlib.suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
    kernels = _kernels()
    for kind in (kernels.BUILTIN_WITHOUT_DEFAULT_DELEGATES, kernels.AUTO):
        detector = _made(path, kind, 1)
        w, h = detector.crop.size
        detector(np.zeros((1, h, w, 3), np.uint8))


if __name__ == "__main__":
    try:
        _try(Path(sys.argv[1]))
    except CheckpointError as refusal:
        sys.stderr.write(f"\n{refusal}\n")
        sys.exit(REFUSED)
