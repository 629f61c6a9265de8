"""A network in whole numbers of 8 bits: a quarter of the memory and several times the speed, and a little less exact.

Ranges of what flows between the layers are taken from pictures that the network is shown. Source: Jacob et al.,
"Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", CVPR 2018.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stereo3d.errors import MissingPackage
from stereo3d.models.other_runtimes import BATCH
from stereo3d.values import Bytes

OPERATIONS = ["Conv", "Add", "Relu", "Resize"]
"""What is done in whole numbers; in between, nothing has to be turned to and fro."""


def quantise(model: bytes, pictures: Bytes) -> bytes:
    """The ONNX model in 8 bits, its ranges those of the pictures (N, h, w, 3) uint8. Its last layer stays as it is.

    Raises MissingPackage.
    """
    try:
        import onnx
        from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
    except ImportError as error:
        raise MissingPackage("onnxruntime and onnx", "onnx", "a network in 8 bits") from error

    class Shown(CalibrationDataReader):  # type: ignore[misc]
        """The pictures, a batch at a time."""

        def __init__(self) -> None:
            self._parts = _batches(pictures)

        def get_next(self) -> Any:
            """The next batch, None after the last."""
            return next(self._parts, None)

    proto = onnx.load_model_from_string(model)
    last = [node.name for node in proto.graph.node if node.op_type == "Conv"][-1]
    with tempfile.TemporaryDirectory() as folder, _quiet():
        target = Path(folder) / "quantised.onnx"
        quantize_static(
            proto, target, Shown(), op_types_to_quantize=OPERATIONS, per_channel=True, nodes_to_exclude=[last],
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        )
        return target.read_bytes()


def _batches(pictures: Bytes) -> Iterator[dict[str, Bytes]]:
    whole = len(pictures) // BATCH * BATCH
    return ({"pictures": pictures[i:i + BATCH]} for i in range(0, whole, BATCH))


class _quiet:
    """Without the advice that the quantiser writes to the log."""

    def __enter__(self) -> None:
        self._before = logging.root.manager.disable
        logging.disable(logging.WARNING)

    def __exit__(self, *_: object) -> None:
        logging.disable(self._before)
