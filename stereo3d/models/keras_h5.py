"""EfficientPose's weights from the HDF5 file that Keras wrote (github.com/daniegr/EfficientPose, models/keras).

Each layer is a group `model_weights/<layer>/<its name in the graph>` that holds `kernel:0`, `gamma:0` and so on; the
layers carry the names that the PyTorch files derive theirs from.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from torch import Tensor

from stereo3d.errors import CheckpointError, InputError
from stereo3d.hdf5_gate import open_hdf5, read_array
from stereo3d.models.efficientpose import HEAD, VARIANTS, EfficientPose, variant_of

NORM = {"weight": "gamma:0", "bias": "beta:0", "running_mean": "moving_mean:0", "running_var": "moving_variance:0"}
DATASETS = {
    "convolution": {"weight": "kernel:0", "bias": "bias:0"},
    "depthwise": {"weight": "depthwise_kernel:0"},
    "FusedBatchNorm_1": NORM,
}
"""What Keras calls a tensor, by the end of the PyTorch layer's name and the tensor's own."""
AXES = {"convolution": (3, 2, 0, 1), "depthwise": (2, 3, 0, 1)}
"""From (h, w, in, out), or (h, w, in, 1), to PyTorch's order."""


def read_keras(path: Path) -> dict[str, Tensor]:
    """The state dict of the EfficientPose that the file holds, in that network's order.

    Raises CheckpointError for a file that holds no EfficientPose RT, I, II, III or IV, or not as Keras writes it.
    """
    try:
        with open_hdf5(path) as file:
            return _state(path, file)
    except CheckpointError:
        raise
    except InputError as error:
        raise CheckpointError(f"{error}; it may be torn: fetch it again") from error


def _state(path: Path, file: h5py.File) -> dict[str, Tensor]:
    head = _dataset(path, file, HEAD)
    variant = variant_of(head.shape[-2] if head.ndim == 4 else 0)
    if variant is None:
        raise CheckpointError(
            f"{path.name}: expected EfficientPose {', '.join(VARIANTS)}, got a head of shape {head.shape}"
        )
    with torch.device("meta"):
        wanted = EfficientPose(variant).state_dict()
    return {key: _tensor(path, file, key, tensor) for key, tensor in wanted.items()}


def _tensor(path: Path, file: h5py.File, key: str, wanted: Tensor) -> Tensor:
    """One tensor in PyTorch's order of axes; its size is known to fit before it is read."""
    if key.endswith("num_batches_tracked"):
        return torch.zeros((), dtype=torch.int64)
    dataset = _dataset(path, file, key)
    order = _order(key, dataset.ndim)
    if tuple(dataset.shape[axis] for axis in order) != tuple(wanted.shape) or dataset.dtype != np.float32:
        raise CheckpointError(
            f"{path.name}: {dataset.name}: expected float32 for {key} {tuple(wanted.shape)}, "
            f"got {dataset.dtype} {dataset.shape}; EfficientPose Lite is another network, which stereo3d has not"
        )
    return torch.from_numpy(read_array(dataset).transpose(order).copy())


def _order(key: str, n_axes: int) -> tuple[int, ...]:
    kind = _parts(key)[1]
    return AXES[kind] if kind in AXES and n_axes == 4 else tuple(range(n_axes))


def _parts(key: str) -> tuple[str, str, str]:
    """(Keras layer, kind, tensor) of a PyTorch key."""
    match = re.fullmatch(rf"(\w+)_({'|'.join(DATASETS)})\.(\w+)", key)
    if match is None:
        raise ValueError(f"{key}: no layer of EfficientPose")
    return match[1], match[2], match[3]


def _dataset(path: Path, file: h5py.File, key: str) -> h5py.Dataset:
    """The data set behind a PyTorch key, which must lie plainly in this file, without chunks."""
    layer, kind, tensor = _parts(key)
    group = _child(_child(file, "model_weights"), layer)
    inner = _child(group, next(iter(group), "")) if isinstance(group, h5py.Group) else None
    found = _child(inner, DATASETS[kind][tensor])
    if not isinstance(found, h5py.Dataset):
        raise CheckpointError(
            f"{path.name}: expected EfficientPose from Keras, got no layer {layer} with {DATASETS[kind][tensor]}; "
            "EfficientPose Lite is another network, which stereo3d has not"
        )
    if found.chunks:
        raise CheckpointError(f"{path.name}: {found.name} does not lie in the file as Keras writes it; refused")
    return found


def _child(group: Any, name: str) -> Any:
    """What lies under that name in the group, or None."""
    return group.get(name) if isinstance(group, h5py.Group) else None
