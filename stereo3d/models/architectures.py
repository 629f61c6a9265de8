"""The networks that checkpoints can be of, and how a checkpoint's tensors tell which."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from stereo3d.models.dekr import DEKR
from stereo3d.models.efficientpose import HEAD, VARIANTS, EfficientPose, variant_of
from stereo3d.models.higherhrnet import HigherHRNet
from stereo3d.models.hrnet import HRNet
from stereo3d.models.light import LightHRNet
from stereo3d.models.openpose import OpenPose
from stereo3d.skeleton import COCO_17, CROWDPOSE_14, MPII_16, OPENPOSE_18

WIDTHS = [32, 48]
"""Of the published networks with HRNet's trunk."""


class Kind(NamedTuple):
    """A sort of networks."""

    name: str
    """The first part of the names of its networks."""
    head: str
    """The tensor by which it is told, whose first axis goes with the number of joints."""
    width: str
    """The tensor whose first axis (HRNets) or second (EfficientPose) tells which of the sort it is."""
    joints: Callable[[int], int]
    """The number of joints from the head's first axis."""
    skeletons: tuple[str, ...]
    """What its joints are, by their number."""
    step: int
    """px of which the sides of its input are multiples."""


_BRANCH = "stage2.0.branches.0.0.conv1.weight"
KINDS = (
    Kind("efficientpose", HEAD, HEAD, lambda n: n, (MPII_16.name,), 8),
    Kind("higherhrnet", "final_layers.1.weight", _BRANCH, lambda n: n, (COCO_17.name, CROWDPOSE_14.name), 32),
    Kind("dekr", "head_heatmap.1.weight", _BRANCH, lambda n: n - 1, (COCO_17.name, CROWDPOSE_14.name), 32),
    Kind("openpose", "model6_2.Mconv7_stage6_L2.weight", "", lambda n: n - 1, (OPENPOSE_18.name,), 8),
    Kind("hrnet", "final_layer.weight", _BRANCH, lambda n: n, (COCO_17.name,), 32),
    Kind("hrnet", "head.weight", _BRANCH, lambda n: n, (COCO_17.name,), 32),
)
_TRUNKS: dict[str, Callable[[int, int], nn.Module]] = {"hrnet": HRNet, "higherhrnet": HigherHRNet, "dekr": DEKR}
_LIGHT = "hrnet_w16"
"""The small network that stereo3d trains itself: light.py."""
_SIDES = {"higherhrnet_w32": 512, "dekr_w32": 512, "higherhrnet_w48": 640, "dekr_w48": 640, "openpose": 368}
"""px, as published."""


class Likeness(NamedTuple):
    """How near a file's tensors are to a network's."""

    architecture: str
    n_joints: int
    agreeing: int
    """Tensors whose name and shape agree."""
    wanted: int
    """Tensors that the network has."""
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    """Names that only the file has."""
    misfits: tuple[str, ...]
    """Names whose shapes differ."""


def names() -> list[str]:
    """All networks that can be built."""
    trunks = [f"{kind}_w{width}" for kind in _TRUNKS for width in WIDTHS]
    return [*trunks, _LIGHT, "openpose", *(f"efficientpose_{variant.lower()}" for variant in VARIANTS)]


def kind_of(architecture: str) -> Kind:
    """The sort that a network is of."""
    return next(kind for kind in KINDS if architecture.partition("_")[0] == kind.name)


def side_of(architecture: str) -> int | None:
    """px of the published input of a network for square inputs, None where there is none such."""
    if architecture.startswith("efficientpose_"):
        return VARIANTS[architecture.partition("_")[2].upper()].size
    return _SIDES.get(architecture)


def build(architecture: str, n_joints: int) -> nn.Module:
    """The network of that name, with weights of no use yet. EfficientPose and OpenPose have their own joints."""
    kind, _, size = architecture.partition("_")
    if kind == "openpose":
        return OpenPose()
    if architecture == _LIGHT:
        return LightHRNet(n_joints=n_joints)
    if kind == "efficientpose":
        return EfficientPose(size.upper())
    return _TRUNKS[kind](int(size.removeprefix("w")), n_joints)


def recognise(tensors: Mapping[str, Tensor]) -> tuple[str, int] | None:
    """(name of the network, number of its joints) that the tensors belong to, None for none that is known."""
    for kind in KINDS:
        head = tensors.get(kind.head)
        if head is None:
            continue
        if head.ndim != 4:
            return None
        name = f"{kind.name}{_size(kind, tensors)}"
        return (name, kind.joints(len(head))) if name in names() else None
    return None


def nearest(tensors: Mapping[str, Tensor]) -> Likeness | None:
    """The network with which most of the tensors agree, None where none agrees in any."""
    likes = [like for name in names() for like in _likenesses(name, tensors)]
    best = max(likes, key=lambda like: (like.agreeing, -like.wanted))
    return best if best.agreeing else None


def _size(kind: Kind, tensors: Mapping[str, Tensor]) -> str:
    """The second part of the name."""
    told = tensors.get(kind.width)
    if kind.name == "openpose":
        return ""
    if told is None or told.ndim != 4:
        return "_unknown"
    return f"_{variant_of(told.shape[1])}".lower() if kind.name == "efficientpose" else f"_w{told.shape[0]}"


def _likenesses(name: str, tensors: Mapping[str, Tensor]) -> Iterator[Likeness]:
    """With as many joints as the head tells, else as published."""
    kind = kind_of(name)
    head = tensors.get(kind.head)
    n_joints = max(1, kind.joints(len(head))) if head is not None and head.ndim else len(COCO_17)
    wanted = _shapes(name, n_joints)
    there = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
    both = [key for key in wanted if key in there]
    misfits = tuple(key for key in both if wanted[key] != there[key])
    missing = tuple(key for key in wanted if key not in there and not key.endswith(".num_batches_tracked"))
    unexpected = tuple(key for key in there if key not in wanted)
    yield Likeness(name, n_joints, len(both) - len(misfits), len(wanted), missing, unexpected, misfits)


@functools.cache
def _shapes(name: str, n_joints: int) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        return {key: tuple(tensor.shape) for key, tensor in build(name, n_joints).state_dict().items()}
