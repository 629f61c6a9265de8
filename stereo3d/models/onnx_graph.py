"""A network as an ONNX model, for runtimes other than torch: pictures as bytes in, its outputs in float32 out.

Written operation by operation for the layers that the networks here are made of, so that no exporter of torch is
needed, whose versions come and go. Source of the operators: the ONNX specification, operator set 17.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from stereo3d.errors import MissingPackage, UsageError

OPSET, FORMAT = 17, 8
"""Of operators, and of the file's own format: what runtimes of 2022 and later read."""


def to_onnx(
    net: fx.GraphModule, shape: Sequence[int], mean: Sequence[float] | None = None,
    deviation: Sequence[float] | None = None,
) -> bytes:
    """The ONNX model of a traced network, for pictures (N, h, w, 3) uint8 of that shape.

    Pictures less the mean over the deviation, by colour and of 0 to 255, are what the network gets; without these the
    model takes what the network takes, numbers (N, 3, h, w). Raises MissingPackage, UsageError for a layer that has no
    counterpart here.
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingPackage("onnx", "onnx", "a runtime other than torch") from error
    writer = _Writer(net, onnx)
    writer.write(mean, deviation)
    kind = onnx.TensorProto.FLOAT if mean is None else onnx.TensorProto.UINT8
    pictures = onnx.helper.make_tensor_value_info("pictures", kind, list(shape))
    results = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in writer.results]
    graph = onnx.helper.make_graph(writer.nodes, "network", [pictures], results, writer.constants)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=FORMAT)
    content: bytes = onnx.shape_inference.infer_shapes(model).SerializeToString()
    return content


class _Writer:
    """The nodes and constants of a model, as they are written."""

    def __init__(self, net: fx.GraphModule, onnx: Any) -> None:
        self.net, self.onnx = net, onnx
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.results: list[str] = []
        self._names: dict[fx.Node, str] = {}

    def write(self, mean: Sequence[float] | None, deviation: Sequence[float] | None) -> None:
        """The whole network, its pictures normalised where told how."""
        layers = dict(self.net.named_modules())
        for node in self.net.graph.nodes:
            if node.op == "placeholder":
                given = mean is not None and deviation is not None
                self._names[node] = self._normalised(mean, deviation) if given else "pictures"  # type: ignore[arg-type]
            elif node.op == "get_attr":
                self._names[node] = self.constant(node.name, _attribute(self.net, str(node.target)))
            elif node.op == "output":
                self._finish(node.args[0])
            else:
                kind = layers[str(node.target)] if node.op == "call_module" else node.target
                self._write_call(node, kind)

    def add(self, kind: str, inputs: Sequence[str], **settings: Any) -> str:
        """The name of what a new node gives."""
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(kind, list(inputs), [name], name=name, **settings))
        return name

    def constant(self, name: str, value: Any) -> str:
        """The name of a new constant."""
        numbers = value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)
        name = f"{name}_{len(self.constants)}"
        self.constants.append(self.onnx.numpy_helper.from_array(np.ascontiguousarray(numbers), name))
        return name

    def named(self, value: Any) -> str:
        """The name of a node's result, or of a number as a constant."""
        if isinstance(value, fx.Node):
            return self._names[value]
        return self.constant("number", np.float32(value))

    def _normalised(self, mean: Sequence[float], deviation: Sequence[float]) -> str:
        x = self.add("Cast", ["pictures"], to=self.onnx.TensorProto.FLOAT)
        x = self.add("Sub", [x, self.constant("mean", np.asarray(mean, np.float32))])
        x = self.add("Div", [x, self.constant("deviation", np.asarray(deviation, np.float32))])
        return self.add("Transpose", [x], perm=[0, 3, 1, 2])

    def _write_call(self, node: fx.Node, kind: Any) -> None:
        if isinstance(kind, nn.Identity):
            self._names[node] = self.named(node.args[0])
            return
        writes = _LAYERS.get(type(kind)) if isinstance(kind, nn.Module) else _FUNCTIONS.get(kind)
        if writes is not None:
            self._names[node] = writes(self, node, kind)
        elif not (isinstance(kind, type) and issubclass(kind, tuple)):
            raise UsageError(f"runtime: {_called(kind)} has no counterpart in ONNX here; use torch")

    def _finish(self, result: Any) -> None:
        """The outputs, of which a tuple of results has several."""
        given = result.args if isinstance(result, fx.Node) and result not in self._names else [result]
        self.results = [self.add("Identity", [self.named(x)]) for x in given]


def _called(kind: Any) -> str:
    return type(kind).__name__ if isinstance(kind, nn.Module) else str(getattr(kind, "__name__", kind))


def _attribute(net: nn.Module, path: str) -> Any:
    value: Any = net
    for part in path.split("."):
        value = getattr(value, part)
    return value


def _pair(value: Any) -> list[int]:
    return list(value) if isinstance(value, (tuple, list)) else [int(value)] * 2


def _convolution(writer: _Writer, node: fx.Node, layer: Any) -> str:
    parts = [writer.named(node.args[0]), writer.constant("weight", layer.weight)]
    if layer.bias is not None:
        parts.append(writer.constant("bias", layer.bias))
    settings = {"strides": list(layer.stride), "pads": [*layer.padding] * 2, "group": layer.groups,
                "dilations": list(layer.dilation), "kernel_shape": list(layer.kernel_size)}
    return writer.add("ConvTranspose" if isinstance(layer, nn.ConvTranspose2d) else "Conv", parts, **settings)


def _normalisation(writer: _Writer, node: fx.Node, layer: nn.BatchNorm2d) -> str:
    numbers = (layer.weight, layer.bias, layer.running_mean, layer.running_var)
    parts = [writer.named(node.args[0]), *(writer.constant("norm", x) for x in numbers)]
    return writer.add("BatchNormalization", parts, epsilon=layer.eps)


def _enlargement(writer: _Writer, node: fx.Node, layer: nn.Upsample) -> str:
    if layer.mode != "nearest" or layer.scale_factor is None:
        raise UsageError(f"runtime: enlarging by {layer.mode} has no counterpart in ONNX here; use torch")
    scales = writer.constant("scales", np.array([1, 1, *_pair(layer.scale_factor)], np.float32))
    settings = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return writer.add("Resize", [writer.named(node.args[0]), "", scales], **settings)


def _largest(writer: _Writer, node: fx.Node, layer: nn.MaxPool2d) -> str:
    side, step, around = map(_pair, (layer.kernel_size, layer.stride, layer.padding))
    return writer.add("MaxPool", [writer.named(node.args[0])], kernel_shape=side, strides=step, pads=around * 2)


def _plain(kind: str) -> Callable[[_Writer, fx.Node, Any], str]:
    """What is written of an operation of one or two arguments."""
    return lambda writer, node, _: writer.add(kind, [writer.named(x) for x in node.args[:2]])


def _rectified(writer: _Writer, node: fx.Node, _: Any) -> str:
    return writer.add("Relu", [writer.named(node.args[0])])


def _swish(writer: _Writer, node: fx.Node, _: Any) -> str:
    x = writer.named(node.args[0])
    return writer.add("Mul", [x, writer.add("Sigmoid", [x])])


def _joined(writer: _Writer, node: fx.Node, _: Any) -> str:
    parts: Any = node.args[0]
    return writer.add("Concat", [writer.named(x) for x in parts], axis=1)


def _padded(writer: _Writer, node: fx.Node, _: Any) -> str:
    sides: Any = node.args[1]
    left, right, top, bottom = sides
    pads = writer.constant("pads", np.array([0, 0, top, left, 0, 0, bottom, right], np.int64))
    return writer.add("Pad", [writer.named(node.args[0]), pads])


def _averaged(writer: _Writer, node: fx.Node, _: Any) -> str:
    side = _pair(node.args[1])
    return writer.add("AveragePool", [writer.named(node.args[0])], kernel_shape=side, strides=side)


def _mean(writer: _Writer, node: fx.Node, _: Any) -> str:
    axes: Any = node.args[1]
    return writer.add("ReduceMean", [writer.named(node.args[0])], axes=list(axes), keepdims=1)


def _greatest(writer: _Writer, node: fx.Node, _: Any) -> str:
    axes: Any = node.args[1]
    return writer.add("ReduceMax", [writer.named(node.args[0])], axes=list(axes), keepdims=1)


def _sum(writer: _Writer, node: fx.Node, _: Any) -> str:
    axes = writer.constant("axes", np.array(node.args[1], np.int64))
    return writer.add("ReduceSum", [writer.named(node.args[0]), axes], keepdims=1)


def _enlarged(writer: _Writer, node: fx.Node, _: Any) -> str:
    settings = {"strides": _pair(node.kwargs["stride"]), "pads": _pair(node.kwargs["padding"]) * 2,
                "group": node.kwargs["groups"]}
    return writer.add("ConvTranspose", [writer.named(x) for x in node.args[:2]], **settings)


_Write = Callable[[_Writer, fx.Node, Any], str]
_LAYERS: dict[type[nn.Module], _Write] = {
    nn.Conv2d: _convolution, nn.ConvTranspose2d: _convolution, nn.BatchNorm2d: _normalisation, nn.ReLU: _rectified,
    nn.Upsample: _enlargement, nn.MaxPool2d: _largest,
}
_FUNCTIONS: dict[Any, _Write] = {
    operator.add: _plain("Add"), operator.sub: _plain("Sub"), operator.mul: _plain("Mul"),
    operator.truediv: _plain("Div"), torch.sigmoid: _plain("Sigmoid"), torch.relu: _plain("Relu"), torch.cat: _joined,
    functional.silu: _swish, functional.pad: _padded, functional.avg_pool2d: _averaged,
    functional.conv_transpose2d: _enlarged, "amax": _greatest, "exp": _plain("Exp"), "mean": _mean, "sum": _sum,
}
