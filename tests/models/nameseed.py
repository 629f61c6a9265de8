"""Weights and inputs that follow from names alone, so that two builders of a network can compare what it gives.

The rule is the one behind golden_networks.json. A name's stream is PCG64 seeded with the CRC-32 of its UTF-8 bytes;
the top 53 bits of each draw make a float64 u in [0, 1), and s = sqrt(3) (2u - 1) has mean 0 and variance 1. By the
end of a tensor's name: `num_batches_tracked` 0; `running_mean` 0.1 s; `running_var` 0.5 + u; `bias` 0.1 s; `weight`
of one axis bn_gain (0.8 + 0.4 u), of more axes conv_gain sqrt(2 / fan_in) s with fan_in over all axes but the first.
"""

from __future__ import annotations

import hashlib
import math
import zlib
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Floats = NDArray[np.float64]
CONSTANTS = ".regular_matrix"
"""The ends of names of buffers that no training changes."""


def uniform(name: str, shape: tuple[int, ...]) -> Floats:
    """u of a name's stream, in C order."""
    draws = np.random.PCG64(zlib.crc32(name.encode())).random_raw(math.prod(shape))
    return np.ldexp((draws >> np.uint64(11)).astype(np.float64), -53).reshape(shape)


def centred(name: str, shape: tuple[int, ...]) -> Floats:
    """s of a name's stream."""
    return (2.0 * uniform(name, shape) - 1.0) * math.sqrt(3.0)


def tensor(name: str, shape: tuple[int, ...], *, bn_gain: float = 1.0, conv_gain: float = 1.0) -> Tensor:
    """The tensor of that name and shape."""
    end = name.rpartition(".")[2]
    if end == "num_batches_tracked":
        return torch.zeros(shape, dtype=torch.int64)
    if end == "running_var":
        values = 0.5 + uniform(name, shape)
    elif end == "weight" and len(shape) == 1:
        values = bn_gain * (0.8 + 0.4 * uniform(name, shape))
    elif end == "weight":
        values = conv_gain * math.sqrt(2.0 / math.prod(shape[1:])) * centred(name, shape)
    else:
        values = 0.1 * centred(name, shape)
    return torch.from_numpy(np.asarray(values, np.float32))


def fill(net: nn.Module, *, bn_gain: float = 1.0, conv_gain: float = 1.0) -> nn.Module:
    """The network itself, its state from names but for constants, in evaluation mode."""
    names = {k: tuple(v.shape) for k, v in net.state_dict().items() if not k.endswith(CONSTANTS)}
    state = {k: tensor(k, shape, bn_gain=bn_gain, conv_gain=conv_gain) for k, shape in names.items()}
    net.load_state_dict(state, strict=False)
    return net.eval()


def images(seed: str, shape: tuple[int, ...]) -> Tensor:
    """(N, C, H, W) of mean 0 and variance 1: half white noise, half blocks of 16 px."""
    n, c, h, w = shape
    blocks = centred(f"{seed}/coarse", (n, c, -(-h // 16), -(-w // 16)))
    blocks = blocks.repeat(16, axis=2).repeat(16, axis=3)[:, :, :h, :w]
    return torch.from_numpy(((centred(f"{seed}/fine", shape) + blocks) * math.sqrt(0.5)).astype(np.float32))


def digest(state: Mapping[str, Tensor]) -> str:
    """sha256 over a state dict sorted by name: name, zero byte, shape, zero byte, little-endian numbers.

    A scalar counts as an array of one.
    """
    sha = hashlib.sha256()
    for name in sorted(state):
        values = np.atleast_1d(state[name].numpy())
        sha.update(f"{name}\0{tuple(values.shape)!r}\0".encode())
        sha.update(np.ascontiguousarray(values, "<i8" if values.dtype.kind == "i" else "<f4").tobytes())
    return sha.hexdigest()


def key_digest(state: Mapping[str, Tensor]) -> str:
    """sha256 over names and shapes in the state dict's own order."""
    lines = (f"{name} {tuple(value.shape)}\n" for name, value in state.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()
