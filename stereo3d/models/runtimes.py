"""The ways of running a network, by name, and which of them this machine has.

    torch            float32; on a GPU as a recorded graph
    torch-bf16       numbers of 16 bits: half the memory; CPUs and GPUs of recent years are twice as fast with them
    torch-fp16       on a GPU only
    onnx             ONNX Runtime, float32
    onnx-int8        whole numbers of 8 bits
    openvino         OpenVINO, float32; also on processors that are not Intel's
    openvino-bf16
    openvino-int8

int8 needs pictures to take its ranges from.
"""

from __future__ import annotations

import copy
import hashlib
import importlib.metadata
import importlib.util
import os
import platform
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import fx, nn

from stereo3d.errors import UsageError, unknown_name
from stereo3d.models.network import DEVIATION, MEAN, Network, Precision, Rounded, TorchNetwork
from stereo3d.models.onnx_graph import to_onnx
from stereo3d.models.other_runtimes import BATCH, OnnxNetwork, OpenVinoNetwork, Ported, onnx_run, openvino_run
from stereo3d.models.quantise import quantise
from stereo3d.values import Bytes

PACKAGES = ("torch", "onnx", "onnxruntime", "openvino")
"""Whose versions a measurement depends on."""


class Runtime(NamedTuple):
    """A way of running networks."""

    name: str
    needs: tuple[str, ...]
    """Packages."""
    precision: str
    devices: tuple[str, ...] = ("cpu",)


RUNTIMES = {
    runtime.name: runtime for runtime in (
        Runtime("torch", ("torch",), "fp32", ("cpu", "cuda")),
        Runtime("torch-bf16", ("torch",), "bf16", ("cpu", "cuda")),
        Runtime("torch-fp16", ("torch",), "fp16", ("cuda",)),
        Runtime("onnx", ("onnx", "onnxruntime"), "fp32"),
        Runtime("onnx-int8", ("onnx", "onnxruntime"), "int8"),
        Runtime("openvino", ("onnx", "openvino"), "fp32"),
        Runtime("openvino-bf16", ("onnx", "openvino"), "bf16"),
        Runtime("openvino-int8", ("onnx", "onnxruntime", "openvino"), "int8"),
    )
}


def runtime_named(name: str, device: str) -> Runtime:
    """The runtime. Raises UsageError for an unknown one and for one that is not for the device."""
    if name not in RUNTIMES:
        raise unknown_name("runtime", name, [*RUNTIMES, "auto"])
    if device not in RUNTIMES[name].devices:
        raise UsageError(f"runtime {name}: is for {' and '.join(RUNTIMES[name].devices)}, got device {device}")
    return RUNTIMES[name]


def offered(device: str) -> list[str]:
    """The runtimes whose packages are here and which are worth trying on the device."""
    return [
        name for name, runtime in RUNTIMES.items()
        if device in runtime.devices and all(map(importlib.util.find_spec, runtime.needs))
        and (runtime.precision != "bf16" or device == "cuda" or has_bf16())
    ]


def has_bf16() -> bool:
    """Whether this CPU multiplies numbers of type bf16 itself."""
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()) and _flag("avx512_bf16", "bf16", "amx_bf16")


def machine(device: str) -> dict[str, str]:
    """What the speed of runtimes depends on: processors, and the versions of the packages that are here."""
    versions = {name: _version(name) for name in PACKAGES}
    gpu = torch.cuda.get_device_name() if device == "cuda" else ""
    return {"cpu": _cpu_name(), "cores": str(os.cpu_count()), "gpu": gpu, **versions}


class Workshop:
    """Makes the forms of one network, each when it is asked for."""

    def __init__(
        self, net: nn.Module, size: Sequence[int], *, device: str = "cpu", threads: int | None = None,
        cache: Path | None = None,
    ) -> None:
        """net: traced and in evaluation mode, for pictures of (w, h) size. cache: a folder for what was compiled."""
        self._net, self._size, self._device, self._threads, self._cache = net, tuple(size), device, threads, cache
        self._model: bytes | None = None

    def network(self, name: str, quantised: bytes | None = None) -> Network:
        """The network in that runtime, `quantised` being what `in_bytes` gave.

        Raises UsageError, MissingPackage.
        """
        runtime = runtime_named(name, self._device)
        if name.startswith("torch"):
            precision: Precision = runtime.precision  # type: ignore[assignment]
            return TorchNetwork(self._net, self._device, precision)
        if runtime.precision == "int8" and quantised is None:
            raise UsageError(f"runtime {name}: needs pictures to take its ranges from, got none")
        model = quantised if runtime.precision == "int8" and quantised is not None else self._onnx()
        if name.startswith("onnx"):
            return OnnxNetwork(model, self._threads)
        return OpenVinoNetwork(model, "bf16" if runtime.precision == "bf16" else "f32", self._threads, self._cache)

    def in_bytes(self, pictures: Bytes) -> bytes:
        """The network in whole numbers of 8 bits, its ranges from pictures (N, h, w, 3)."""
        return quantise(self._onnx(), pictures)

    def _onnx(self) -> bytes:
        if self._model is None:
            if not isinstance(self._net, fx.GraphModule):
                raise UsageError(f"runtime: {type(self._net).__name__} runs in torch only")
            width, height = self._size
            self._model = to_onnx(self._net, (BATCH, height, width, 3), MEAN, DEVIATION)
        return self._model


class Port:
    """Makes the forms of a network of several outputs, for pictures of any size, each when it is asked for."""

    def __init__(
        self, net: nn.Module, *, device: str = "cpu", threads: int | None = None, cache: Path | None = None
    ) -> None:
        """net: traced and in evaluation mode. cache: a folder for what was compiled."""
        self._net, self._device, self._threads, self._cache = net, device, threads, cache

    def network(self, name: str, quantised: bytes | None = None) -> nn.Module:
        """The network in that runtime. Raises UsageError, MissingPackage."""
        runtime = runtime_named(name, self._device)
        if runtime.precision == "int8":
            raise UsageError(f"runtime {name}: networks of several outputs are not made in 8 bits; take another")
        if name.startswith("torch"):
            precision: Precision = runtime.precision  # type: ignore[assignment]
            return self._net if precision == "fp32" else Rounded(copy.deepcopy(self._net), precision)
        if not isinstance(self._net, fx.GraphModule):
            raise UsageError(f"runtime: {type(self._net).__name__} runs in torch only")
        if name == "onnx":
            return Ported(self._net, partial(onnx_run, threads=self._threads))
        precision_there = "bf16" if runtime.precision == "bf16" else "f32"
        return Ported(self._net, partial(
            openvino_run, precision=precision_there, threads=self._threads, cache=self._cache
        ))

    def in_bytes(self, pictures: Bytes) -> bytes:
        """Raises UsageError: there is no such form."""
        raise UsageError("networks of several outputs are not made in 8 bits")


def digest(model: bytes) -> str:
    """The first digits of a model's check sum."""
    return hashlib.sha256(model).hexdigest()[:16]


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _cpu_lines(key: str) -> list[str]:
    """What Linux says of the processors; nothing elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return []
    return [line.partition(":")[2].strip() for line in lines if line.startswith(key)][:1]


def _cpu_name() -> str:
    return next(iter(_cpu_lines("model name")), "") or platform.processor() or platform.machine()


def _flag(*names: str) -> bool:
    """Whether the processor names one of these abilities; taken for granted where nothing is said of them."""
    said = _cpu_lines("flags") or _cpu_lines("Features")
    return not said or bool(set(names) & set(said[0].split()))
