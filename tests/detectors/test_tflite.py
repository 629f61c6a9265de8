"""MoveNet on a photograph against its makers' own joints; BlazePose's numbers read as they are laid out."""

from __future__ import annotations

import csv
import re
import sys
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tflite_files import write_tflite

from stereo3d.detectors import crops, tflite
from stereo3d.detectors.base import Detector, build
from stereo3d.detectors.crops import Box, CropRule
from stereo3d.detectors.look import look
from stereo3d.detectors.tflite import LANDMARKS, Tflite, from_blazepose
from stereo3d.errors import CheckpointError, MissingPackage, MissingWeights
from stereo3d.skeleton import COCO_17


@pytest.fixture(scope="module")
def movenet_folder(shared: Path) -> Path:
    pytest.importorskip("ai_edge_litert")
    return shared / "data/movenet"


def test_movenet_finds_the_joints_that_its_makers_found(movenet_folder: Path) -> None:
    detector = build("movenet", movenet_folder / "movenet_single_pose_lightning_ptq.tflite", threads=1)
    assert isinstance(detector, Detector) and detector.crop == CropRule((192, 192), 1.25, "letterbox")
    picture = cv2.cvtColor(cv2.imread(str(movenet_folder / "squat.bmp")), cv2.COLOR_BGR2RGB)
    squeezed = cv2.resize(picture, (192, 192), interpolation=cv2.INTER_AREA)
    with (movenet_folder / "movenet_single_pose_lightning_ptq_reference.csv").open() as file:
        rows = list(csv.DictReader(file))
    wanted = np.array([[float(row["keypoint_x"]), float(row["keypoint_y"])] for row in rows]) * 192 - 0.5
    found = detector(squeezed[None])
    away = np.linalg.norm(found.xy[0] - wanted, axis=1)
    assert np.median(away) < 3 and away.max() < 8
    assert (found.score[0] > 0.2).all() and np.isnan(found.others).all()


def test_movenet_through_a_crop(movenet_folder: Path) -> None:
    """Shown the whole picture unsqueezed, it finds the same person in the picture's own px."""
    detector = build("movenet", movenet_folder / "movenet_single_pose_lightning_ptq.tflite", threads=1)
    picture = cv2.cvtColor(cv2.imread(str(movenet_folder / "squat.bmp")), cv2.COLOR_BGR2RGB)
    h, w = picture.shape[:2]
    box = Box(np.array([[(w - 1) / 2, (h - 1) / 2]]), np.array([[w / 1.25, h / 1.25]]))
    found = look(detector, [partial(crops.warp, picture)], crops.affine(box, detector.crop))
    nose, ankle = found.xy[0][COCO_17.index("nose")], found.xy[0][COCO_17.index("left_ankle")]
    np.testing.assert_allclose(nose / (w, h), [0.589, 0.332], atol=0.04)
    np.testing.assert_allclose(ankle / (w, h), [0.526, 0.826], atol=0.04)


class Interpreter:
    """A model of given shapes that gives given numbers, or what it was shown."""

    def __init__(self, shape: tuple[int, ...], outputs: list[np.ndarray], kind: type = np.float32) -> None:
        self.shape, self.outputs, self.kind = shape, outputs, kind
        self.ready = False

    def allocate_tensors(self) -> None:
        self.ready = True

    def get_input_details(self) -> list[dict[str, Any]]:
        return [{"shape": np.array(self.shape), "index": 0, "dtype": self.kind}]

    def get_output_details(self) -> list[dict[str, Any]]:
        return [{"shape": np.array(o.shape), "index": i} for i, o in enumerate(self.outputs)]

    def set_tensor(self, index: int, x: np.ndarray) -> None:
        self.shown = x

    def invoke(self) -> None:
        """Nothing to do."""

    def get_tensor(self, index: int) -> np.ndarray:
        if not self.ready:
            raise ValueError("Tensor data is null. Run allocate_tensors() first")
        return self.outputs[index]


def test_blazeposes_landmarks_are_cocos_joints() -> None:
    landmarks = np.zeros((LANDMARKS, 5))
    landmarks[:, 0], landmarks[:, 1] = np.arange(LANDMARKS), 2 * np.arange(LANDMARKS)
    landmarks[16, 3] = 5.0
    model = Interpreter((1, 256, 256, 3), [np.zeros((1, 1)), landmarks.reshape(1, -1)])
    detector = Tflite(model, "blaze.tflite")
    found = detector(np.full((1, 256, 256, 3), 51, np.uint8))
    assert model.shown.dtype == np.float32 and np.allclose(model.shown, 0.2)
    right_wrist, left_hip = COCO_17.index("right_wrist"), COCO_17.index("left_hip")
    assert found.xy[0, right_wrist].tolist() == [15.5, 31.5] and found.xy[0, left_hip].tolist() == [22.5, 45.5]
    assert found.score[0, right_wrist] == pytest.approx(1 / (1 + np.exp(-5))) and found.score[0, 0] == 0.5


def test_logits_of_any_size_are_scores() -> None:
    landmarks = np.zeros((LANDMARKS, 5))
    landmarks[:, 3] = 1e30
    assert (from_blazepose(landmarks, (256, 256))[:, 2] == pytest.approx(1)) is not False


@pytest.mark.parametrize("kind", [np.uint8, np.int32, np.float32])
def test_movenet_is_shown_whole_numbers_of_its_type(kind: type) -> None:
    model = Interpreter((1, 64, 48, 3), [np.full((1, 1, 17, 3), 0.5)], kind)
    found = Tflite(model, "move.tflite")(np.full((2, 64, 48, 3), 200, np.uint8))
    assert model.shown.dtype == kind and (model.shown == 200).all()
    assert found.xy.shape == (2, 17, 2) and (found.xy == (23.5, 31.5)).all()


@pytest.mark.parametrize(("shape", "output"), [
    ((1, 192, 192, 3), (1, 6, 56)), ((1, 192, 192), (1, 1, 17, 3)), ((1, 3, 192, 192), (1, 1, 17, 3)),
])
def test_other_models_are_told(shape: tuple[int, ...], output: tuple[int, ...]) -> None:
    with pytest.raises(CheckpointError, match="expected MoveNet for one person or BlazePose's landmarks"):
        Tflite(Interpreter(shape, [np.zeros(output)]), "other.tflite")


def test_files_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingWeights, match="detector 'movenet' needs weights"):
        build("movenet")
    with pytest.raises(MissingWeights, match="no such file"):
        build("movenet", tmp_path / "gone.tflite")
    (tmp_path / "torn.tflite").write_bytes(b"TFL3 torn")
    pytest.importorskip("ai_edge_litert")
    with pytest.raises(CheckpointError, match="torn.tflite: expected a TFLite model"):
        build("movenet", tmp_path / "torn.tflite")
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(MissingPackage, match=r"ai-edge-litert.*stereo3d\[tflite\]"):
        tflite.movenet(tmp_path / "torn.tflite")


def test_a_model_from_a_file_is_run(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    for n_numbers in (3 * len(COCO_17), 5 * LANDMARKS):
        detector = build("movenet", write_tflite(tmp_path / "small.tflite", n_numbers), threads=1)
        found = detector(np.full((2, 16, 16, 3), 90, np.uint8))  # type: ignore[operator]
        assert found.xy.shape == (2, 17, 2) and np.isfinite(found.xy).all()


@pytest.mark.parametrize(("how", "told"), [
    ({"side": 4096}, "expected inputs of 2x2 to 1048576 px as uint8, int32, float32, got 4096x4096 px as float32"),
    ({"side": 1}, "got 1x1 px as float32"),
    ({"whole": True}, "got 16x16 px as int64"),
    ({"side": 8}, "expected a TFLite model, got a file that cannot be run"),
])
def test_pictures_that_no_such_model_is_shown_are_refused(how: dict[str, Any], told: str, tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    with pytest.raises(CheckpointError, match=f"small.tflite: .*{re.escape(told)}"):
        build("movenet", write_tflite(tmp_path / "small.tflite", **how))


def test_a_model_that_would_write_into_its_weights_is_refused() -> None:
    model = Interpreter((1, 64, 48, 3), [np.zeros((1, 1, 17, 3))])
    model.ready = True
    with pytest.raises(CheckpointError, match="own.tflite: .*its input is among its weights"):
        Tflite(model, "own.tflite")


class Failing(Interpreter):
    """A model that fails when it is run, or gives other numbers than it says."""

    def __init__(self, given: np.ndarray | Exception) -> None:
        super().__init__((1, 64, 48, 3), [np.zeros((1, 1, 17, 3))])
        self.given = given

    def get_tensor(self, index: int) -> np.ndarray:
        super().get_tensor(index)
        if isinstance(self.given, Exception):
            raise self.given
        return self.given


@pytest.mark.parametrize(("given", "told"), [
    (RuntimeError("Input tensor 2 lacks data"), "Input tensor 2 lacks data"), (MemoryError(), "MemoryError"),
    (np.zeros(50), "gave 50 numbers of type float64 instead of 51"), (np.zeros(51, "S4"), "gave 51 numbers of type .S4"),
])
def test_a_model_that_fails_when_it_is_run_is_told(given: np.ndarray | Exception, told: str) -> None:
    detector = Tflite(Failing(given), "bad.tflite")
    with pytest.raises(CheckpointError, match=f"bad.tflite: expected a TFLite model.*{told}") as found:
        detector(np.zeros((1, 64, 48, 3), np.uint8))
    assert found.value.exit_code == 4 and "\n" not in str(found.value)


@pytest.mark.skipif(sys.platform == "win32", reason="stands in for Python by a script of the shell")
@pytest.mark.parametrize(("script", "told"), [
    ("kill -SEGV $$", r"got a file that ends the program that runs it \(exit code -11\)"),
    ("exec sleep 20", r"got one that runs on for 0.5 s"),
    ("echo 'a.tflite: no model' >&2; exit 4", "a.tflite: no model"),
])
def test_a_model_that_ends_the_process_ends_another(
    script: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ai_edge_litert")
    (tmp_path / "python").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "python").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(tflite, "PATIENCE", 0.5)
    with pytest.raises(CheckpointError, match=told):
        build("movenet", write_tflite(tmp_path / "small.tflite"))
