"""ONNX models used as a TOML file says, on models made for it: they find coloured dots."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dots
import numpy as np
import pytest

from stereo3d.detectors.base import Detector, build
from stereo3d.detectors.crops import CropRule
from stereo3d.detectors.described import Described, Description, read_description
from stereo3d.errors import CheckpointError, InputError, InvalidValue, MissingPackage, MissingWeights, UsageError
from stereo3d.skeleton import BABYPOSE_12

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
W, H = 96, 128


def dots_model(path: Path, output: str, *, batch: int | str = "n", stride: int = 4, layout: str = "NCHW") -> Path:
    """A model whose joints are where the picture has the joints' own colours; pictures come as 0..255."""
    from onnx import TensorProto, helper, numpy_helper

    hues = np.ascontiguousarray(dots.HUES[:, :, None, None], np.float32)
    constants = {"hues": hues, "least": np.float32([20.0]), "sharp": np.float32([300.0]), "whole": np.float32([255.0])}
    nodes = [
        helper.make_node("ReduceL2", ["planes"], ["bright"], axes=[1], keepdims=1),
        helper.make_node("Max", ["bright", "least"], ["norm"]),
        helper.make_node("Div", ["planes", "norm"], ["hue"]),
        helper.make_node("Conv", ["hue", "hues"], ["likeness"]),
        helper.make_node("Relu", ["likeness"], ["positive"]),
        helper.make_node("Pow", ["positive", "sharp"], ["sure"]),
        helper.make_node("Div", ["bright", "whole"], ["share"]),
        helper.make_node("Mul", ["sure", "share"], ["found"]),
    ]
    first = helper.make_node("Transpose", ["images"], ["planes"], perm=[0, 3, 1, 2])
    if layout == "NCHW":
        first = helper.make_node("Identity", ["images"], ["planes"])
    if output == "heatmap":
        nodes.append(helper.make_node("AveragePool", ["found"], ["maps"], kernel_shape=[stride] * 2, strides=[stride] * 2))
        outputs = [("maps", [batch, 12, H // stride, W // stride])]
    else:
        nodes.append(helper.make_node("ReduceMax", ["found"], ["x"], axes=[2], keepdims=0))
        nodes.append(helper.make_node("ReduceMax", ["found"], ["y"], axes=[3], keepdims=0))
        outputs = [("x", [batch, 12, W]), ("y", [batch, 12, H])]
    shape = [batch, 3, H, W] if layout == "NCHW" else [batch, H, W, 3]
    graph = helper.make_graph(
        [first, *nodes], "dots", [helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, s) for name, s in outputs],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def described(folder: Path, *, output: str = "heatmap", more: str = "", **how: Any) -> Path:
    dots_model(folder / "dots.onnx", output, **how)
    (folder / "dots.toml").write_text(
        f'model = "dots.onnx"\nskeleton = "BabyPose-12"\noutput = "{output}"\nmean = [0, 0, 0]\n'
        f'deviation = [1, 1, 1]\n{more}', "utf-8",
    )
    return folder / "dots.toml"


PLACES = [dots.figure(48, 62, scale=0.75), dots.figure(45, 66, scale=0.7)]
PICTURES = np.stack([dots.picture(p, (W, H)) for p in PLACES])
LETTERBOX = 'convention = "letterbox"\n'


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("batch", ["n", 1, 4])
def test_heat_maps_of_a_described_model(tmp_path: Path, flip: bool, batch: int | str) -> None:
    """Mirrored or not: the dots have no sides, so the mirrored picture's joints are told by their colours."""
    detector = build("onnx", described(tmp_path, batch=batch, more=LETTERBOX), flip=False)
    assert isinstance(detector, Detector) and detector.skeleton == BABYPOSE_12
    assert detector.crop == CropRule((W, H), 1.25, "letterbox")
    detector.flip = False  # type: ignore[attr-defined]
    found = detector(PICTURES)
    assert np.abs(found.xy - PLACES).max() < 2 and np.abs((found.xy - PLACES).mean((0, 1))).max() < 0.5
    assert (found.score > 0.1).all()
    if flip:
        detector.flip = True  # type: ignore[attr-defined]
        np.testing.assert_array_equal(detector.glance(PICTURES).xy, found.xy)  # type: ignore[attr-defined]
        assert detector(PICTURES).score.max() <= 1


def test_lines_of_a_described_model(tmp_path: Path) -> None:
    detector = build("onnx", described(tmp_path, output="simcc", more="split = 1\n"), flip=False)
    found = detector(PICTURES)  # type: ignore[operator]
    assert np.abs(found.xy - PLACES).max() < 1.5
    assert np.isnan(found.sigma).all()


def test_other_layouts_and_colours(tmp_path: Path) -> None:
    plain = build("onnx", described(tmp_path, more=LETTERBOX), flip=False)(PICTURES)  # type: ignore[operator]
    more = LETTERBOX + 'layout = "NHWC"\ncolour = "BGR"\n'
    turned = build("onnx", described(tmp_path, layout="NHWC", more=more), flip=False)
    np.testing.assert_allclose(turned(PICTURES[..., ::-1].copy()).xy, plain.xy)  # type: ignore[operator]


def test_mean_and_deviation_are_taken_off(tmp_path: Path) -> None:
    seen: list[np.ndarray] = []

    class Session:
        shape = (None, 3, 4, 6)

        def __call__(self, inputs: np.ndarray) -> list[np.ndarray]:
            seen.append(inputs)
            return [np.zeros((len(inputs), 12, 2, 3))]

    from stereo3d.detectors.described import Described

    about = Description("m.onnx", "BabyPose-12", mean=(10, 20, 30), deviation=(1, 2, 4))
    Described(Session(), about, flip=False)(np.full((1, 4, 6, 3), 50, np.uint8))
    assert seen[0].dtype == np.float32 and seen[0][0, :, 0, 0].tolist() == [40, 15, 5]


def test_no_pictures_give_no_joints(tmp_path: Path) -> None:
    detector = build("onnx", described(tmp_path))
    assert detector(np.zeros((0, H, W, 3), np.uint8)).xy.shape == (0, 12, 2)  # type: ignore[operator]
    with pytest.raises(InvalidValue, match="images: expected"):
        detector(np.zeros((1, H, H, 3), np.uint8))  # type: ignore[operator]


def test_rtmpose_needs_no_description(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"17 joints \(COCO-17, simcc\), got shapes \[\(1, 12, 96\), \(1, 12, 128\)\]"):
        rtmpose = build("rtmpose", dots_model(tmp_path / "r.onnx", "simcc"))
        assert rtmpose.crop == CropRule((W, H), 1.25, "hrnet")  # type: ignore[union-attr]
        rtmpose(PICTURES[:1])  # type: ignore[operator]


def test_another_output_than_described(tmp_path: Path) -> None:
    described(tmp_path, output="heatmap")
    dots_model(tmp_path / "dots.onnx", "simcc")
    with pytest.raises(CheckpointError, match="expected 1 output of 4 axes with 12 joints"):
        build("onnx", tmp_path / "dots.toml")(PICTURES)  # type: ignore[operator]


@pytest.mark.parametrize(("text", "error", "told"), [
    ('model = "m.onnx"\nskeleton = "BabyPose-12"\noutptu = "simcc"', UsageError, "did you mean 'output'"),
    ('model = "m.onnx"\nskeleton = "BabyPose"', UsageError, "did you mean 'BabyPose-12'"),
    ('model = "m.onnx"\nskeleton = "COCO-17"\nconvention = "udb"', UsageError, "did you mean 'udp'"),
    ('skeleton = "COCO-17"', InputError, 'expected model = "..."'),
    ('model = "../m.onnx"\nskeleton = "COCO-17"', InputError, "the name of a file beside this one"),
    ('model = "m.onnx"\nskeleton = "COCO-17"\nmean = [1]', InvalidValue, "mean: expected shape"),
    ('model = "m.onnx"\nskeleton = "COCO-17"\npadding = "wide"', InvalidValue, "padding: expected a number"),
    ('model = "m.onnx"\nskeleton = "COCO-17"\ndeviation = [1, 0, 1]', InvalidValue, "deviation: expected no 0"),
    ("model = ", InputError, "expected a TOML file"),
    ('model = "gone.onnx"\nskeleton = "COCO-17"', MissingWeights, "gone.onnx: no such file"),
])
def test_descriptions_that_are_none(text: str, error: type[Exception], told: str, tmp_path: Path) -> None:
    (tmp_path / "d.toml").write_text(text, "utf-8")
    with pytest.raises(error) as caught:
        build("onnx", tmp_path / "d.toml")
    assert told in str(caught.value)


def test_a_description_names_its_model_beside_it(tmp_path: Path) -> None:
    about = read_description(described(tmp_path, more="size = [96, 128]\npadding = 1\n"))
    assert about.model == str(tmp_path / "dots.onnx") and about.size == (96, 128) and about.padding == 1.0
    with pytest.raises(MissingWeights, match="no such description"):
        read_description(tmp_path / "gone.toml")


def test_a_check_sum_holds_the_model_to_its_description(tmp_path: Path) -> None:
    digest = hashlib.sha256(dots_model(tmp_path / "dots.onnx", "heatmap").read_bytes()).hexdigest()
    build("onnx", described(tmp_path, more=f'sha256 = "{digest[:8]}"\n'))
    with pytest.raises(CheckpointError, match="expected sha256 00000000"):
        build("onnx", described(tmp_path, more='sha256 = "00000000"\n'))


@pytest.mark.parametrize("content", [b"", b"no model at all", bytes(1000)])
def test_a_file_that_is_no_model(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"m.onnx: expected an ONNX model"):
        build("rtmpose", tmp_path / "m.onnx")


def test_without_weights_and_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("onnx", "rtmpose"):
        with pytest.raises(MissingWeights, match=f"detector '{name}' needs weights"):
            build(name)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingPackage, match=r"onnxruntime.*stereo3d\[onnx\]"):
        build("rtmpose", tmp_path / "m.onnx")


@pytest.mark.parametrize(("line", "sentence"), [
    ('flip_shift = "no"', "expected true or false"), ("sha256 = 3", "hexadecimal digits in quotes"), ("size = [0, 5]", "from 1 to 4096"),
    ("size = [99999999999, 2]", "from 1 to 4096"), ("mean = [nan, 1, 1]", "mean: expected a number"), ("deviation = [inf, 1, 1]", "deviation: expected"),
])
def test_values_of_another_kind_are_refused(tmp_path: Path, line: str, sentence: str) -> None:
    path = tmp_path / "a.toml"
    path.write_text(f'model = "a.onnx"\nskeleton = "COCO-17"\n{line}\n')
    with pytest.raises((InputError, InvalidValue), match=sentence):
        read_description(path)


@pytest.mark.parametrize(("shape", "told"), [((1, 3, 4096, 4096), "got 1 of 4096x4096 px"), ((9999, 3, 128, 96), "got 9999 of 96x128 px")])
def test_inputs_that_no_memory_holds_are_refused(shape: tuple[int, ...], told: str) -> None:
    with pytest.raises(CheckpointError, match=f"m.onnx: expected inputs of up to 4194304 px, {told}"):
        Described(SimpleNamespace(shape=shape), Description("a/m.onnx", "BabyPose-12"))  # type: ignore[arg-type]


def test_large_inputs_go_through_fewer_at_a_time() -> None:
    batches = [
        Described(SimpleNamespace(shape=(None, 3, side, side)), Description("m.onnx", "BabyPose-12"))._batch  # type: ignore[arg-type]
        for side in (256, 1024, 2048)
    ]
    assert batches == [8, 4, 1]


def test_a_model_that_fails_when_it_is_run_is_told(tmp_path: Path) -> None:
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        [helper.make_node("Reshape", ["images", "seven"], ["maps"])], "torn",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 3, H, W])],
        [helper.make_tensor_value_info("maps", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.array([7]), "seven")],
    )
    path = described(tmp_path)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), tmp_path / "dots.onnx")
    with pytest.raises(CheckpointError, match="dots.onnx: expected an ONNX model, got a file that cannot be run"):
        build("onnx", path)(PICTURES)  # type: ignore[operator]
