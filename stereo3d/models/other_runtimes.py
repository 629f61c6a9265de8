"""Networks in ONNX Runtime and OpenVINO, on the CPU."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx, nn

from stereo3d.errors import MissingPackage
from stereo3d.models.network import Network
from stereo3d.models.onnx_graph import to_onnx
from stereo3d.values import Floats

BATCH = 2
"""Pictures that a model is made for: both views. Larger batches gain nothing on a CPU."""


Run = Callable[[NDArray[Any]], list[NDArray[Any]]]
"""What a model gives for its one input."""


def onnx_run(model: bytes, threads: int | None = None) -> Run:
    """A model in ONNX Runtime. Raises MissingPackage."""
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingPackage("onnxruntime", "onnx", "runtime onnx") from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads or 0
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda pictures: list(session.run(None, {"pictures": pictures}))


def openvino_run(
    model: bytes, precision: str = "f32", threads: int | None = None, cache: str | os.PathLike[str] | None = None
) -> Run:
    """A model in OpenVINO, all cores on one batch. precision, cache: as for OpenVinoNetwork. Raises MissingPackage."""
    compiled = _compiled(model, {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}, threads, cache)
    request = compiled.create_infer_request()

    def run(pictures: NDArray[Any]) -> list[NDArray[Any]]:
        found = request.infer({0: pictures})
        return [np.array(found[i], np.float32) for i in range(len(compiled.outputs))]

    return run


def _compiled(model: bytes, settings: dict[str, Any], threads: int | None, cache: str | os.PathLike[str] | None) -> Any:
    try:
        import openvino
    except ImportError as error:
        raise MissingPackage("openvino", "openvino", "runtime openvino") from error
    if threads:
        settings["INFERENCE_NUM_THREADS"] = threads
    if cache is not None:
        settings["CACHE_DIR"] = os.fspath(cache)
    core = openvino.Core()
    return core.compile_model(core.read_model(model), "CPU", settings)


class OnnxNetwork(Network):
    """A network in ONNX Runtime."""

    def __init__(self, model: bytes, threads: int | None = None) -> None:
        """Raises MissingPackage."""
        self._run = onnx_run(model, threads)
        self.device, self.batches = torch.device("cpu"), (BATCH,)

    def maps(self, pictures: Tensor) -> Tensor:
        return torch.from_numpy(self._run(pictures.numpy())[0])


class Ported(nn.Module):
    """A network of several outputs in another runtime: its named tuple for numbers (N, 3, h, w).

    A model is made for each size of pictures when the first of them come; so many go through together, whatever N is.
    """

    def __init__(self, net: fx.GraphModule, load: Callable[[bytes], Run]) -> None:
        """Raises UsageError for a layer that has no counterpart in ONNX."""
        super().__init__()
        self._load, self._runs = load, dict[tuple[int, ...], Run]()
        self._traced = [net]  # in a list, it is no part of this one, to be moved with it
        (output,) = (node for node in net.graph.nodes if node.op == "output")
        self._kind: Any = output.args[0].target

    def forward(self, x: Tensor) -> Any:
        """The network's outputs, a named tuple of tensors."""
        parts = [self._batch(x[i:i + BATCH]) for i in range(0, len(x), BATCH)]
        return self._kind(*(torch.from_numpy(np.concatenate(outputs)) for outputs in zip(*parts, strict=True)))

    def _batch(self, x: Tensor) -> list[NDArray[Any]]:
        shape = (BATCH, *x.shape[1:])
        if shape not in self._runs:
            self._runs[shape] = self._load(to_onnx(self._traced[0], shape))
        filled = np.zeros(shape, np.float32)
        filled[:len(x)] = x.numpy()
        return [found[:len(x)] for found in self._runs[shape](filled)]


class OpenVinoNetwork(Network):
    """A network in OpenVINO: batches side by side on the cores, each in few threads."""

    def __init__(
        self, model: bytes, precision: str = "f32", threads: int | None = None,
        cache: str | os.PathLike[str] | None = None,
    ) -> None:
        """precision: `f32` or `bf16`. cache: a folder for what was compiled. Raises MissingPackage."""
        settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "THROUGHPUT"}
        compiled = _compiled(model, settings, threads, cache)
        import openvino

        self.device, self.batches = torch.device("cpu"), (BATCH,)
        self._queue = openvino.AsyncInferQueue(compiled)
        self._queue.set_callback(self._keep)
        self._found: dict[int, Floats] = {}

    def __call__(self, pictures: Tensor) -> Tensor:
        """Heat maps of any number of pictures: all batches are under way at once."""
        n = len(pictures)
        missing = -n % BATCH
        if missing:
            pictures = torch.cat((pictures, pictures.new_zeros((missing, *pictures.shape[1:]))))
        self._found.clear()
        for start in range(0, n, BATCH):
            self._queue.start_async({0: pictures[start:start + BATCH].numpy()}, start)
        self._queue.wait_all()
        return torch.from_numpy(np.concatenate([self._found[i] for i in range(0, n, BATCH)])[:n])

    def maps(self, pictures: Tensor) -> Tensor:
        return self(pictures)

    def _keep(self, request: Any, start: int) -> None:
        self._found[start] = np.array(request.get_output_tensor(0).data, np.float32)
