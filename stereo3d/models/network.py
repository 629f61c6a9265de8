"""Networks of heat maps ready to run: pictures as bytes in, maps out, in batches of few fixed shapes.

Pictures go to the device as bytes and are normalised there. A batch that is not full is filled up, so that every
picture goes through the same arithmetic whatever stands beside it: results do not depend on how pictures are batched.
"""

from __future__ import annotations

import contextlib
import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, Literal

import torch
from torch import Tensor, nn

MEAN = (123.675, 116.28, 103.53)
"""Of the colours red, green and blue, 0 to 255: what networks trained from ImageNet have taken off."""
DEVIATION = (58.395, 57.12, 57.375)
"""What they are divided by then."""
Precision = Literal["fp32", "bf16", "fp16"]
_TYPES: dict[Precision, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
WARM_UP = 3
"""Runs before a graph is recorded, in which libraries choose their kernels."""


class Network(ABC):
    """A network of heat maps on a device."""

    device: torch.device
    batches: tuple[int, ...]
    """Numbers of pictures that go through together, ascending; a smaller batch is filled up with black ones."""

    def __call__(self, pictures: Tensor) -> Tensor:
        """Heat maps (N, K, h, w) float32 of N pictures (N, H, W, 3) uint8, RGB; both on the device."""
        most = self.batches[-1]
        parts = [self._filled_up(pictures[i:i + most]) for i in range(0, len(pictures), most)]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _filled_up(self, pictures: Tensor) -> Tensor:
        n = len(pictures)
        batch = next(b for b in self.batches if b >= n)
        if batch > n:
            pictures = torch.cat((pictures, pictures.new_zeros((batch - n, *pictures.shape[1:]))))
        return self.maps(pictures)[:n]

    @abstractmethod
    def maps(self, pictures: Tensor) -> Tensor:
        """The same for exactly as many pictures as one of `batches` says."""


class TorchNetwork(Network):
    """A network in torch: weights lie channels last; on CUDA a recorded graph is replayed.

    In bf16 and fp16 all numbers between the layers are of that type, and only one batch size is used: kernels for
    different sizes round differently.
    """

    def __init__(self, net: nn.Module, device: str = "cpu", precision: Precision = "fp32") -> None:
        self.device = torch.device(device)
        self._type = _TYPES[precision]
        own = net.eval() if precision == "fp32" else copy.deepcopy(net).eval().to(self._type)
        self._net = own.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._mean, self._deviation = (torch.tensor(x, device=self.device)[:, None, None] for x in (MEAN, DEVIATION))
        self._graph: Graph | None = None
        if self.device.type == "cuda":
            self.batches = (32,)
        else:
            # On a CPU larger batches fall out of its cache and cost more each.
            self.batches = (1, 2, 4, 8) if precision == "fp32" else (2,)

    def maps(self, pictures: Tensor) -> Tensor:
        if self.device.type != "cuda":
            return self._eager(pictures)
        if self._graph is None or self._graph.shape != pictures.shape:
            self._graph = Graph(self._eager, pictures)
        return self._graph(pictures)

    def _eager(self, pictures: Tensor) -> Tensor:
        # Seen as (N, 3, H, W) these bytes lie channels last, as the network likes it.
        x = (pictures.permute(0, 3, 1, 2) - self._mean) / self._deviation
        with _exact(self.device):
            maps: Tensor = self._net(x.to(self._type))
        return maps.float()


def normalised(images: Tensor) -> Tensor:
    """(N, 3, h, w) what a network is fed, of pictures (N, 3, h, w) of 0 to 255."""
    mean, deviation = (images.new_tensor(x, dtype=torch.float32)[:, None, None] for x in (MEAN, DEVIATION))
    return (images - mean) / deviation


class Rounded(nn.Module):
    """A network of several outputs whose numbers between the layers have 16 bits; what goes in and comes out has 32."""

    def __init__(self, net: nn.Module, precision: Precision) -> None:
        super().__init__()
        self._type = _TYPES[precision]
        self.net = net.to(self._type)

    def forward(self, x: Tensor) -> Any:
        """The network's outputs, a named tuple, for x."""
        given = self.net(x.to(self._type))
        return type(given)(*(part.float() for part in given))


class Graph:
    """A function of one tensor on CUDA, recorded once and replayed: its hundreds of kernels start as one.

    What is replayed lies in memory of its own; inputs are copied in, and results copied out.
    """

    def __init__(self, function: Callable[[Tensor], Tensor], example: Tensor) -> None:
        self.shape = example.shape
        self._input = example.clone()
        with _beside(example.device):
            for _ in range(WARM_UP):
                function(self._input)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._output = function(self._input)

    def __call__(self, x: Tensor) -> Tensor:
        """The function's result."""
        self._input.copy_(x, non_blocking=True)
        self._graph.replay()
        return self._output.clone()


@contextlib.contextmanager
def _beside(device: torch.device) -> Iterator[None]:
    """On a stream of its own, as a recording wants its first runs to be."""
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        yield
    torch.cuda.current_stream(device).wait_stream(stream)


@contextlib.contextmanager
def _exact(device: torch.device) -> Iterator[None]:
    """Convolutions of float32 in float32: without this CUDA takes TF32, whose numbers have 10 bits."""
    if device.type == "cuda":
        with torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=False):
            yield
    else:
        yield
