"""DEKR as MMPose stores it: all joints' branches in one layer of groups, and vectors the other way round.

MMPose 1.x, `dekr_head.py`; 0.x calls the same layers otherwise, has the centre's map first and the vectors as DEKR's
authors have them. Weights are rearranged and none is changed but by its sign and the affine map's own identity, so
that what comes out is the published network's to rounding.
"""

from __future__ import annotations

import torch
from torch import Tensor

from stereo3d.models.dekr import PER_JOINT

_LAYERS = ("head.displacement_conv_layers.", "keypoint_head.offset_conv_layers.")
"""Of MMPose 1 and 0."""
_HEAT = ("head.heatmap_conv_layers.", "keypoint_head.heatmap_conv_layers.")
_SQUEEZED = {"0.conv.": "0.", "0.bn.": "1."}
_HEAT_LAYERS = {"1.": "head_heatmap.0.0.", "2.": "head_heatmap.1."}
_IDENTITY = torch.tensor([1.0, 0.0, 0.0, 1.0])
_CONV, _MOVE = [0, 1, 3, 4], [2, 5]
"""Of the six numbers of a joint's affine map, row by row: the matrix and the translation."""


def is_mmpose_dekr(tensors: dict[str, Tensor]) -> bool:
    """Whether there is a head of MMPose's DEKR among them."""
    return any(key.startswith(_LAYERS) for key in tensors)


def from_mmpose_dekr(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same by the names of DEKR's authors; what belongs to neither is left out."""
    old = not any(key.startswith(_LAYERS[0]) for key in tensors)
    layers, heat = _LAYERS[old], _HEAT[old]
    out: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        if key.startswith(heat):
            out |= _heat(key.removeprefix(heat), tensor, centre_first=old)
        elif key.startswith(layers):
            out |= _offset(key.removeprefix(layers), tensor, towards_joint=not old)
        elif "rescore_net." not in key and "loss_module." not in key:
            out[key] = tensor
    return out


def _heat(key: str, tensor: Tensor, *, centre_first: bool) -> dict[str, Tensor]:
    for old, new in _SQUEEZED.items():
        if key.startswith(old):
            return {f"transition_heatmap.{new}{key.removeprefix(old)}": tensor}
    if key.startswith("2.") and centre_first:
        tensor = torch.cat((tensor[1:], tensor[:1]))
    return {_HEAT_LAYERS.get(key[:2], key[:2]) + key[2:]: tensor}


def _offset(key: str, tensor: Tensor, *, towards_joint: bool) -> dict[str, Tensor]:
    """One layer of all joints as a layer of each. The affine map's identity is added: MMPose leaves it out twice."""
    for old, new in _SQUEEZED.items():
        if key.startswith(old):
            return {f"transition_offset.{new}{key.removeprefix(old)}": tensor}
    number, _, name = key.partition(".")
    if number == "3":
        parts = torch.split(-tensor if towards_joint else tensor, 2)
        return {f"offset_final_layer.{joint}.{name}": part for joint, part in enumerate(parts)}
    return {
        f"offset_feature_layers.{joint}.{int(number) - 1}.{end}": part
        for end, parts in _block(name, tensor) for joint, part in enumerate(parts)
    }


def _block(name: str, tensor: Tensor) -> list[tuple[str, list[Tensor]]]:
    """(name, a tensor a joint) of one tensor of an adaptive block. The matrix of taps is a constant and left out."""
    layer, _, end = name.partition(".")
    if layer == "transform_matrix_conv":
        groups = torch.split(tensor, 6)
        base = _IDENTITY.to(tensor) if end == "bias" else torch.zeros((), dtype=tensor.dtype)
        matrices, moves = [group[_CONV] + base for group in groups], [group[_MOVE] for group in groups]
        return [(f"transform_matrix_conv.{end}", matrices), (f"translation_conv.{end}", moves)]
    if layer == "regular_matrix":
        return []
    own = f"bn.{end}" if layer == "norm" else name
    return [(own, list(torch.split(tensor, PER_JOINT)) if tensor.ndim else [])]
