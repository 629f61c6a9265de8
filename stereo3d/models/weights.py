"""Checkpoints: whose weights a file holds, of which network, and how to use it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from torch import Tensor, nn

from stereo3d.errors import CheckpointError, InvalidValue, MissingWeights, unknown_name
from stereo3d.models.contents import Contents, read_contents
from stereo3d.models.efficientpose import HEAD, VARIANTS, EfficientPose, variant_of
from stereo3d.models.families import USES, Decoder, Family, family_named, size_named, use_of
from stereo3d.models.hrnet import HRNet
from stereo3d.skeleton import COCO_17, MPII_16, skeleton_named
from stereo3d.values import array

HRNETS = {f"hrnet_w{width}": width for width in (32, 48)}
EFFICIENTPOSES = {f"efficientpose_{variant.lower()}": variant for variant in VARIANTS}
SHOWN = 3
"""Names in an error's list."""


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """A network's weights, and how the network is to be fed and read."""

    name: str
    """The file's name."""
    sha256: str
    """Of the whole file."""
    state: Mapping[str, Tensor]
    """Tensors by the names that this package's network has for them."""
    architecture: str
    """`hrnet_w32`, `hrnet_w48`, `efficientpose_rt`, `efficientpose_i` and so on."""
    n_joints: int
    """Maps that the network gives."""
    wrapper: str
    """What the weights lay in: contents.py."""
    family: Family
    """Whose training made them: families.py."""
    convention: str
    """How the crop is laid: `hrnet`, `dark`, `udp` or `letterbox`."""
    flip_shift: bool
    """Whether the maps of the mirrored image are moved by one px before they are averaged in."""
    decoder: Decoder
    """`argmax`, `quarter` or `dark`."""
    skeleton: str | None
    """Name of the joints' skeleton, None where their number does not tell."""
    input_size: tuple[int, int] | None
    """(w, h) px, None where nothing tells."""
    inferred: tuple[str, ...]
    """What rests on the file's name or on counts, not on what the file says, in sentences."""


def read_checkpoint(
    path: Path | str, *, family: Family | None = None, input_size: tuple[int, int] | None = None,
    skeleton: str | None = None,
) -> Checkpoint:
    """Whose weights a file holds and how to use them. Nothing in the file is run.

    Reads state dicts of HRNet, DarkPose, FiDIP, MMPose (HRNet) and EfficientPose from torch.save, alone or within a
    training run's file, as safetensors, and EfficientPose as pickled whole or from Keras.
    `family`, `input_size` (w, h) px and `skeleton` overrule what the file's name tells.
    Raises CheckpointError for a file that is torn or of another network, MissingWeights where there is none,
    MissingPackage for safetensors without that package, UsageError and InvalidValue for wrong arguments.
    """
    path = Path(path)
    if family is not None and family not in USES:
        raise unknown_name("family of checkpoints", family, USES)
    if not path.is_file():
        raise MissingWeights(f"{path}: no such file of weights")
    contents = read_contents(path)
    architecture, n_joints = _architecture(path, contents.tensors)
    inferred: list[str] = []
    family = family or _family(path.stem, contents, architecture, inferred)
    if (family == "efficientpose") != (architecture in EFFICIENTPOSES):
        raise InvalidValue(f"family: {family} does not go with {path.name}, which holds {architecture}")
    use = use_of(family, path.stem)
    return Checkpoint(
        path.name, _sha256(path), MappingProxyType(contents.tensors), architecture, n_joints, contents.wrapper,
        family, use.convention, use.flip_shift, use.decoder,
        skeleton=_skeleton(skeleton, n_joints, architecture, inferred),
        input_size=_input_size(input_size, path.stem, architecture, inferred),
        inferred=tuple(inferred),
    )


def build_network(checkpoint: Checkpoint) -> nn.Module:
    """The checkpoint's network with its weights in it, on the CPU, ready for inference.

    Raises CheckpointError as `load_into` does.
    """
    net: nn.Module
    if checkpoint.architecture in EFFICIENTPOSES:
        net = EfficientPose(EFFICIENTPOSES[checkpoint.architecture])
    else:
        net = HRNet(HRNETS[checkpoint.architecture], checkpoint.n_joints)
    load_into(net, checkpoint)
    return net.eval()


def load_into(net: nn.Module, checkpoint: Checkpoint) -> None:
    """Puts the checkpoint's weights into a network: all of them, or none.

    Raises CheckpointError, which names what is missing, unexpected or does not fit.
    """
    wanted, state = net.state_dict(), checkpoint.state
    faults = {
        "missing": [k for k in wanted if k not in state and not k.endswith(".num_batches_tracked")],
        "that do not fit": [
            f"{k}: {_kind(wanted[k])} wanted, {_kind(state[k])} there"
            for k in wanted if k in state and _kind(state[k]) != _kind(wanted[k])
        ],
        "unexpected": [k for k in state if k not in wanted],
    }
    told = [f"{len(names)} {what} ({_some(names)})" for what, names in faults.items() if names]
    if told:
        raise CheckpointError(
            f"{checkpoint.name}: expected the {len(wanted)} tensors of {type(net).__name__}, "
            f"got {len(state)}: {'; '.join(told)}"
        )
    net.load_state_dict(state, strict=False)


def _kind(tensor: Tensor) -> str:
    """What must agree: floats of any width are as good as each other, whole numbers are not weights."""
    return f"{tuple(tensor.shape)} of {'floats' if tensor.is_floating_point() else 'whole numbers'}"


def _architecture(path: Path, tensors: dict[str, Tensor]) -> tuple[str, int]:
    """(name of the network, number of its maps)."""
    head, branch = tensors.get("final_layer.weight"), tensors.get("stage2.0.branches.0.0.conv1.weight")
    name = f"hrnet_w{branch.shape[0]}" if branch is not None and branch.ndim == 4 else ""
    if HEAD in tensors:
        head = tensors[HEAD]
        name = f"efficientpose_{variant_of(head.shape[1]) if head.ndim == 4 else None}".lower()
    if head is None or head.ndim != 4 or name not in {**HRNETS, **EFFICIENTPOSES}:
        raise CheckpointError(
            f"{path.name}: expected weights of {', '.join([*HRNETS, *EFFICIENTPOSES])}, got {len(tensors)} tensors "
            f"of something else ({_some(list(tensors))})"
        )
    return name, head.shape[0]


def _family(stem: str, contents: Contents, architecture: str, inferred: list[str]) -> Family:
    if architecture in EFFICIENTPOSES:
        return "efficientpose"
    if contents.model.startswith("adaptive_pose"):
        return "fidip"
    named = "mmpose" if contents.is_mmpose else family_named(stem)
    if named is None:
        inferred.append("family plain: nothing tells it, so crop and decoder are taken as HRNet's")
        return "plain"
    inferred.append(f"family {named}: from the file's {'tensors' if contents.is_mmpose else 'name'}; crop and decoder "
                    f"from its name")
    return named


def _input_size(
    given: tuple[int, int] | None, stem: str, architecture: str, inferred: list[str]
) -> tuple[int, int] | None:
    """(w, h) px. HRNet halves its input five times, EfficientPose three times."""
    step = 8 if architecture in EFFICIENTPOSES else 32
    if given is not None:
        size = array("input_size", given, (2,), np.int64)
        if (size < step).any() or (size % step).any():
            raise InvalidValue(f"input_size: expected multiples of {step} px for {architecture}, got {given}")
        return int(size[0]), int(size[1])
    if architecture in EFFICIENTPOSES:
        side = VARIANTS[EFFICIENTPOSES[architecture]].size
        return side, side
    named = size_named(stem)
    if named is None or named[0] % step or named[1] % step:
        return None
    inferred.append(f"input {named[0]} px wide and {named[1]} px high: from the file's name")
    return named


def _skeleton(given: str | None, n_joints: int, architecture: str, inferred: list[str]) -> str | None:
    if given is not None:
        joints = skeleton_named(given).joints
        if len(joints) != n_joints:
            raise InvalidValue(f"skeleton: {given} has {len(joints)} joints, but the weights give {n_joints}")
        return given
    if architecture in EFFICIENTPOSES:
        return MPII_16.name
    if n_joints != len(COCO_17):
        return None
    inferred.append(f"skeleton {COCO_17.name}: from the number of joints")
    return COCO_17.name


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _some(names: list[str]) -> str:
    return ", ".join(ascii(name[:120]) for name in names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
