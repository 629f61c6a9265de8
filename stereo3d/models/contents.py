"""The tensors in a file of weights, freed from what training runs and other toolkits put around them.

    plain             HRNet, DarkPose: a state dict and nothing else; safetensors
    state_dict        a training run: {'epoch', 'state_dict', 'optimizer', ...}; MMPose: {'meta', 'state_dict', ...}
    best_state_dict   a training run that keeps its best beside its last
    module            EfficientPose for PyTorch: the whole network pickled
    keras             EfficientPose for Keras: HDF5
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from stereo3d.errors import CheckpointError, MissingPackage
from stereo3d.models.keras_h5 import read_keras
from stereo3d.models.mmpose_dekr import from_mmpose_dekr, is_mmpose_dekr
from stereo3d.models.openpose import full_name
from stereo3d.models.shelf import Card, read_card
from stereo3d.models.unpickle import Stand, module_tensors, read_torch

HDF5 = b"\x89HDF\r\n\x1a\n"
_MMPOSE = {"backbone.": "", "head.final_layer.": "final_layer.", "keypoint_head.final_layer.": "final_layer."}
"""What MMPose 1 and 0 put before HRNet's names, and what stands there without it."""


class Contents(NamedTuple):
    """What a file of weights holds."""

    tensors: dict[str, Tensor]
    """By the names of the published networks themselves."""
    wrapper: str
    """What they lay in: one of the list above."""
    model: str
    """The network's name that training runs write beside the weights, or nothing."""
    is_mmpose: bool
    """Whether they carried MMPose's names."""
    card: Card | None = None
    """What the file says of itself, where it comes from the shelf."""


def read_contents(path: Path) -> Contents:
    """The tensors in a file of weights.

    Raises CheckpointError for a file that is torn or holds no weights, MissingPackage for safetensors without that
    package.
    """
    with path.open("rb") as file:
        is_hdf5 = file.read(len(HDF5)) == HDF5
    if is_hdf5:
        return Contents(read_keras(path), "keras", "", False)
    if path.suffix == ".safetensors":
        return _named(_read_safetensors(path), "plain", "")._replace(card=read_card(path))
    found = read_torch(path)
    if isinstance(found, Stand):
        return _named(module_tensors(found), "module", "")
    if not isinstance(found, dict):
        raise CheckpointError(f"{path.name}: expected a dict of weights, got {type(found).__name__}")
    wrapper = next((k for k in ("best_state_dict", "state_dict") if isinstance(found.get(k), dict)), "plain")
    tensors = {k: v for k, v in found.get(wrapper, found).items() if isinstance(k, str) and isinstance(v, Tensor)}
    model = found.get("model")
    return _named(tensors, wrapper, model if isinstance(model, str) else "")


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError as error:
        raise MissingPackage("safetensors", "safetensors", f"reading {path.name}") from error
    try:
        return load_file(path)
    except (SafetensorError, OSError, RuntimeError, ValueError, TypeError, LookupError) as error:
        raise CheckpointError(
            f"{path.name}: expected safetensors, got a file that cannot be read as such ({ascii(error)[:160]})"
        ) from error


def _named(tensors: dict[str, Tensor], wrapper: str, model: str) -> Contents:
    """Without DataParallel's `module.` and MMPose's parts, and OpenPose's layers behind the names of its stages."""
    if all(key.startswith("module.") for key in tensors):
        tensors = {key.removeprefix("module."): tensor for key, tensor in tensors.items()}
    is_mmpose = any(key.startswith("backbone.") for key in tensors)
    if is_mmpose:
        tensors = {_from_mmpose(key): tensor for key, tensor in tensors.items()}
        tensors = from_mmpose_dekr(tensors) if is_mmpose_dekr(tensors) else tensors
    if "Mconv7_stage6_L1.weight" in tensors:
        tensors = {full_name(key): tensor for key, tensor in tensors.items()}
    return Contents(tensors, wrapper, model, is_mmpose)


def _from_mmpose(key: str) -> str:
    return next((new + key.removeprefix(old) for old, new in _MMPOSE.items() if key.startswith(old)), key)
