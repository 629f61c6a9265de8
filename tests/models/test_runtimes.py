"""Runtimes by name: which there are, and that all give the same network."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import nameseed
import numpy as np
import pytest
import torch
from torch import nn

from stereo3d.errors import MissingPackage, UsageError
from stereo3d.models import hrnet, other_runtimes, runtimes
from stereo3d.models.folding import fold_batchnorm
from stereo3d.models.hrnet import HRNet
from stereo3d.models.runtimes import RUNTIMES, Workshop, digest, machine, offered, runtime_named
from stereo3d.models.quantise import quantise

SIZE = (32, 64)
FULL = all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime", "openvino"))
needs_all = pytest.mark.skipif(not FULL, reason="onnxruntime, onnx or openvino is not installed")


@pytest.fixture(scope="module")
def workshop() -> Workshop:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hrnet, "MODULES", (1, 1, 1))
        patch.setattr(hrnet, "DEPTH", 1)
        net = nameseed.fill(HRNet(8), bn_gain=0.4).eval()
    return Workshop(fold_batchnorm(net), SIZE, threads=1)


def pictures(n: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, SIZE[1], SIZE[0], 3), dtype=np.uint8)


@needs_all
@pytest.mark.parametrize(("name", "near"), [
    ("torch-bf16", 0.05), ("onnx", 1e-4), ("openvino", 1e-4), ("openvino-bf16", 0.05), ("onnx-int8", 0.15),
    ("openvino-int8", 0.15),
])
def test_all_runtimes_give_the_same_network(workshop: Workshop, name: str, near: float) -> None:
    x = torch.from_numpy(pictures(5))
    model = workshop.in_bytes(pictures(8)) if name.endswith("int8") else None
    made = workshop.network(name, model)
    with torch.inference_mode():
        wanted, found = workshop.network("torch")(x), made(x)
        alone = torch.cat([made(x[i:i + 1]) for i in range(5)])
    assert found.dtype == torch.float32 and found.shape == wanted.shape
    off = float((found - wanted).abs().max() / wanted.abs().max())
    assert off < near and (off > 0 or near > 1e-3)
    assert torch.equal(alone, found), "what stands beside a picture changes nothing"


@needs_all
def test_a_network_in_bytes_is_smaller_and_its_last_layer_is_not(workshop: Workshop) -> None:
    import onnx

    model = quantise(workshop._onnx(), pictures(4))
    assert len(model) < 0.5 * len(workshop._onnx())
    *_, last = [n for n in onnx.load_model_from_string(model).graph.node if n.op_type == "Conv"]
    assert "quantized" not in last.input[1]
    assert digest(model) == digest(model) != digest(workshop._onnx())


def test_int8_needs_pictures(workshop: Workshop) -> None:
    with pytest.raises(UsageError, match="runtime onnx-int8: needs pictures to take its ranges from"):
        workshop.network("onnx-int8")


def test_a_network_that_cannot_be_traced_runs_in_torch_only() -> None:
    with pytest.raises(UsageError, match="Conv2d runs in torch only"):
        Workshop(nn.Conv2d(3, 2, 1), SIZE).network("onnx")


@pytest.mark.parametrize(("name", "device", "sentence"), [
    ("openvino-bf61", "cpu", "unknown runtime 'openvino-bf61': did you mean 'openvino-bf16'"),
    ("torch-fp16", "cpu", "runtime torch-fp16: is for cuda, got device cpu"),
    ("openvino", "cuda", "runtime openvino: is for cpu, got device cuda"),
])
def test_wrong_runtimes_are_told(name: str, device: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        runtime_named(name, device)


def test_what_is_offered_depends_on_packages_device_and_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtimes, "has_bf16", lambda: True)
    monkeypatch.setattr(runtimes.importlib.util, "find_spec", lambda name: name != "openvino" or None)
    assert offered("cpu") == ["torch", "torch-bf16", "onnx", "onnx-int8"]
    assert offered("cuda") == ["torch", "torch-bf16", "torch-fp16"]
    monkeypatch.setattr(runtimes.importlib.util, "find_spec", lambda name: True)
    monkeypatch.setattr(runtimes, "has_bf16", lambda: False)
    assert set(offered("cpu")) == {n for n, r in RUNTIMES.items() if "cpu" in r.devices and n != "torch-bf16"} - {
        "openvino-bf16"}


@pytest.mark.parametrize(("said", "there"), [
    ("flags : fpu avx512_bf16 amx", True), ("flags : fpu avx2", False), ("Features : asimd bf16", True), ("", True),
])
def test_the_processor_is_asked_for_bf16(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str, there: bool
) -> None:
    (tmp_path / "cpuinfo").write_text(said)
    monkeypatch.setattr(runtimes, "Path", lambda _: tmp_path / "cpuinfo")
    assert runtimes._flag("avx512_bf16", "bf16") is there


def test_a_machine_is_its_processors_and_versions() -> None:
    about = machine("cpu")
    assert about["torch"] == torch.__version__ and about["cpu"] and about["gpu"] == ""
    assert about == machine("cpu")
    assert runtimes._version("no-such-package-anywhere") == ""


@pytest.mark.parametrize(("made", "package"), [
    (lambda: other_runtimes.OnnxNetwork(b""), "onnxruntime"), (lambda: other_runtimes.OpenVinoNetwork(b""), "openvino"),
    (lambda: quantise(b"", pictures(2)), "onnxruntime and onnx"),
    (lambda: Workshop(fold_batchnorm(nn.Sequential(nn.ReLU())), SIZE).network("onnx"), "onnx"),
])
def test_packages_that_are_not_there_are_named(monkeypatch: pytest.MonkeyPatch, made: Any, package: str) -> None:
    for name in ("onnx", "onnxruntime", "onnxruntime.quantization", "openvino"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    with pytest.raises(MissingPackage, match=f"needs the package {package}"):
        made()
