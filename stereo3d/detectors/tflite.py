"""MoveNet and BlazePose from TFLite files: small networks that run anywhere.

Bazarevsky et al., "BlazePose: On-device Real-time Body Pose tracking", 2020; MoveNet (single pose) is described on its
model card. Both look at a square; the joints are given as COCO-17, of BlazePose's 33 those that COCO has too.
"""

from __future__ import annotations

import os
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


class Tflite:
    """A TFLite model of one person as a detector, one picture at a time."""

    skeleton = COCO_17

    def __init__(self, interpreter: Any, name: str) -> None:
        """Raises CheckpointError for a model that is neither MoveNet's nor BlazePose's."""
        interpreter.allocate_tensors()
        (self._input, *_), outputs = interpreter.get_input_details(), interpreter.get_output_details()
        shape = tuple(int(n) for n in self._input["shape"])
        sizes = {int(np.prod(out["shape"])): out["index"] for out in outputs}
        self._is_movenet = 3 * len(COCO_17) in sizes
        if len(shape) != 4 or shape[0] != 1 or shape[3] != 3 or not (self._is_movenet or 5 * LANDMARKS in sizes):
            raise CheckpointError(
                f"{name}: expected MoveNet for one person or BlazePose's landmarks, got a model of inputs {shape} and "
                f"outputs {[tuple(out['shape'].tolist()) for out in outputs]}"
            )
        self._output = sizes[3 * len(COCO_17) if self._is_movenet else 5 * LANDMARKS]
        self.crop = CropRule((shape[2], shape[1]), PADDING, "letterbox")
        self._interpreter = interpreter

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
        self._interpreter.set_tensor(self._input["index"], x)
        self._interpreter.invoke()
        return np.asarray(self._interpreter.get_tensor(self._output), np.float64)


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
    """MoveNet for one person, or BlazePose's landmarks, from a TFLite file.

    Raises MissingWeights, MissingPackage, CheckpointError.
    """
    if weights is None:
        what, source = "MoveNet for one person as .tflite", "https://www.kaggle.com/models/google/movenet"
        raise missing_weights("movenet", what, source)
    path = Path(weights)
    if not path.is_file():
        raise MissingWeights(f"{path}: no such file of weights")
    interpreter = _interpreter()
    try:
        return Tflite(interpreter(model_path=str(path), num_threads=threads), path.name)
    except (ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"{path.name}: expected a TFLite model, got a file that cannot be run ({ascii(error)[:160]})"
        ) from error


def _interpreter() -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise MissingPackage("ai-edge-litert", "tflite", "running a TFLite model") from error
    return Interpreter
