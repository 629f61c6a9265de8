"""Networks in ONNX Runtime and OpenVINO, on the CPU."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stereo3d.errors import MissingPackage
from stereo3d.models.network import Network
from stereo3d.values import Floats

BATCH = 2
"""Pictures that a model is made for: both views. Larger batches gain nothing on a CPU."""


class OnnxNetwork(Network):
    """A network in ONNX Runtime."""

    def __init__(self, model: bytes, threads: int | None = None) -> None:
        """Raises MissingPackage."""
        try:
            import onnxruntime
        except ImportError as error:
            raise MissingPackage("onnxruntime", "onnx", "runtime onnx") from error
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads or 0
        self.device, self.batches = torch.device("cpu"), (BATCH,)
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def maps(self, pictures: Tensor) -> Tensor:
        return torch.from_numpy(self._session.run(None, {"pictures": pictures.numpy()})[0])


class OpenVinoNetwork(Network):
    """A network in OpenVINO: batches side by side on the cores, each in few threads."""

    def __init__(
        self, model: bytes, precision: str = "f32", threads: int | None = None,
        cache: str | os.PathLike[str] | None = None,
    ) -> None:
        """precision: `f32` or `bf16`. cache: a folder for what was compiled. Raises MissingPackage."""
        try:
            import openvino
        except ImportError as error:
            raise MissingPackage("openvino", "openvino", "runtime openvino") from error
        settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "THROUGHPUT"}
        if threads:
            settings["INFERENCE_NUM_THREADS"] = threads
        if cache is not None:
            settings["CACHE_DIR"] = os.fspath(cache)
        core = openvino.Core()
        compiled = core.compile_model(core.read_model(model), "CPU", settings)
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
