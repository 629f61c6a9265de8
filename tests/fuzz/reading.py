"""Every reader, as a person's command would use it: open the files, and go through all that they say they hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from stereo3d import config, describe, storage
from stereo3d.calibration.board import read_board
from stereo3d.calibration.files import read_rig
from stereo3d.datasets.reading import read_annotated
from stereo3d.datasets.stereo_marks import read_stereo
from stereo3d.detectors import described, tflite
from stereo3d.detectors.described import read_description
from stereo3d.detectors.replay import replay
from stereo3d.evaluation.comparison.space import read_prediction
from stereo3d.evaluation.files.pictures import is_picture_file, read_picture_truth, read_pictured
from stereo3d.evaluation.truth import read_truth
from stereo3d.models.contents import read_contents
from stereo3d.models.weights import read_checkpoint
from stereo3d.recording import pictures
from stereo3d.recording.base import describe as describe_recording
from stereo3d.recording.base import open_recording
from stereo3d.recording.verify import verify


def recording(left: Path, right: Path | None = None) -> None:
    with open_recording(left, right) as opened:
        describe_recording(opened)
        verify(opened)
        for pair in opened.frames(0, None, 2):
            assert pair.images.left.shape == pair.images.right.shape


def result(path: Path) -> None:
    describe.file(path)
    storage.read(path)
    read_prediction(path)


def anything(path: Path) -> None:
    """What may be a recording or a result."""
    if describe.is_recording(path):
        recording(path)
    else:
        result(path)


def picture(path: Path) -> None:
    data = np.frombuffer(path.read_bytes(), np.uint8)
    pictures.decode(data, path.name)
    pictures.decode_grey(data, path.name)


def rig(path: Path) -> None:
    describe.file(path)
    read_rig(path)


def rig_of_kitti(path: Path) -> None:
    read_rig(path, (1242, 375))


def pictured(path: Path) -> None:
    is_picture_file(path)
    read_picture_truth(path)
    read_pictured(path)


def annotated(path: Path) -> None:
    """The marks, and every picture that the file leads to."""
    found = read_annotated(path)
    for row in range(len(found)):
        assert found.picture(row).ndim == 3
    if path.is_file() and b"side-by-side" in path.read_bytes():
        read_stereo(path)


def weights(path: Path) -> None:
    """Of a real network to the end; the small ones are none."""
    if len(read_contents(path).tensors) > 20:
        read_checkpoint(path)


def network(path: Path) -> None:
    """Described in words beside it; it is run, since much of a model is looked at only then."""
    found = described.onnx(path, flip=False, threads=1)
    w, h = found.crop.size
    found(np.full((1, h, w, 3), 90, np.uint8))


def tflite_network(path: Path) -> None:
    found = tflite.movenet(path, threads=1)
    w, h = found.crop.size
    found(np.full((1, h, w, 3), 90, np.uint8))


def settings(path: Path) -> None:
    config.resolve(path)


READERS: dict[str, Callable[..., object]] = {
    "recording": recording, "result": result, "anything": anything, "picture": picture, "rig": rig, "rig of KITTI": rig_of_kitti, "pictured": pictured,
    "settings": settings, "replay": replay, "truth": read_truth, "board": read_board, "description": read_description,
    "weights": weights, "marked": read_picture_truth, "annotated": annotated,
    "network": network, "TFLite network": tflite_network,
}
