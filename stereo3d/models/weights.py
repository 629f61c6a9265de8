"""Checkpoints: whose weights a file holds, of which network, and how to use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from torch import Tensor, nn

from stereo3d.errors import CheckpointError, InvalidValue, MissingWeights, unknown_name
from stereo3d.journal import sha256
from stereo3d.models import architectures
from stereo3d.models.architectures import kind_of
from stereo3d.models.contents import Contents, read_contents
from stereo3d.models.families import USES, Decoder, Family, family_named, size_named, use_of
from stereo3d.models.shelf import Card
from stereo3d.skeleton import SKELETONS, skeleton_named
from stereo3d.values import array

CONSTANT = (".num_batches_tracked", ".regular_matrix")
"""The ends of names of tensors that a network has itself: a file may lack them."""
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
    """`hrnet_w32`, `higherhrnet_w48`, `dekr_w32`, `openpose`, `efficientpose_rt` and so on."""
    n_joints: int
    """Joints that the network gives."""
    wrapper: str
    """What the weights lay in: contents.py."""
    family: Family
    """Whose training made them: families.py."""
    convention: str
    """How the crop is laid: `hrnet`, `dark`, `udp` or `letterbox`."""
    flip_shift: bool
    """Whether the maps of the mirrored image are moved by one px before they are averaged in."""
    decoder: Decoder
    """`argmax`, `quarter` or `dark`; `tags`, `centres` or `limbs` for networks that find everyone in a picture."""
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

    Reads state dicts of HRNet, DarkPose, FiDIP, HigherHRNet, DEKR, OpenPose, MMPose (HRNet, DEKR) and EfficientPose
    from torch.save, alone or within a training run's file, as safetensors, and EfficientPose as pickled whole or from
    Keras.
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
    stem = path.stem
    if contents.card is not None:
        stem = Path(contents.card.file).stem
        family = family or _family_of(contents.card, path)
        input_size, skeleton = input_size or contents.card.input_size, skeleton or contents.card.skeleton
    family = family or _family(stem, contents, architecture, inferred)
    if _kind(family) != kind_of(architecture).name:
        raise InvalidValue(f"family: {family} does not go with {path.name}, which holds {architecture}")
    use = use_of(family, stem)
    return Checkpoint(
        path.name, sha256(path), MappingProxyType(contents.tensors), architecture, n_joints, contents.wrapper,
        family, use.convention, use.flip_shift, use.decoder,
        skeleton=_skeleton(skeleton, n_joints, architecture, inferred),
        input_size=_input_size(input_size, stem, architecture, inferred),
        inferred=tuple(inferred),
    )


def build_network(checkpoint: Checkpoint) -> nn.Module:
    """The checkpoint's network with its weights in it, on the CPU, ready for inference.

    Raises CheckpointError as `load_into` does.
    """
    net = architectures.build(checkpoint.architecture, checkpoint.n_joints)
    load_into(net, checkpoint)
    return net.eval()


def load_into(net: nn.Module, checkpoint: Checkpoint) -> None:
    """Puts the checkpoint's weights into a network: all of them, or none.

    Raises CheckpointError, which names what is missing, unexpected or does not fit.
    """
    wanted, state = net.state_dict(), checkpoint.state
    faults = {
        "missing": [k for k in wanted if k not in state and not k.endswith(CONSTANT)],
        "that do not fit": [
            f"{k}: {_form(wanted[k])} wanted, {_form(state[k])} there"
            for k in wanted if k in state and _form(state[k]) != _form(wanted[k])
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


def _form(tensor: Tensor) -> str:
    """What must agree: floats of any width are as good as each other, whole numbers are not weights."""
    return f"{tuple(tensor.shape)} of {'floats' if tensor.is_floating_point() else 'whole numbers'}"


def _architecture(path: Path, tensors: dict[str, Tensor]) -> tuple[str, int]:
    """(name of the network, number of its maps)."""
    found = architectures.recognise(tensors)
    if found is None or found[1] < 1:
        raise CheckpointError(
            f"{path.name}: expected weights of {', '.join(architectures.names())}, got {len(tensors)} tensors "
            f"of something else ({_some(list(tensors))}){_nearest(tensors)}"
        )
    return found


def _family_of(card: Card, path: Path) -> Family:
    if card.family not in USES:
        raise CheckpointError(f"{path.name}: its card names a family {ascii(card.family)[:60]} that is not known here")
    return card.family


def _nearest(tensors: dict[str, Tensor]) -> str:
    """What the file is most like, in words, where it is like anything."""
    like = architectures.nearest(tensors)
    if like is None:
        return ""
    parts = {"missing": like.missing, "unexpected": like.unexpected, "of another shape": like.misfits}
    told = "; ".join(f"{len(names)} {what} ({_some(list(names))})" for what, names in parts.items() if names)
    return f"; nearest is {like.architecture}, with which {like.agreeing} of {like.wanted} agree: {told}"


def _kind(family: Family) -> str:
    """The sort of networks that a family is of."""
    return family if family in ("efficientpose", "higherhrnet", "dekr", "openpose") else "hrnet"


def _family(stem: str, contents: Contents, architecture: str, inferred: list[str]) -> Family:
    own = kind_of(architecture).name
    if own != "hrnet":
        return own  # type: ignore[return-value]
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
    """(w, h) px."""
    step, side = kind_of(architecture).step, architectures.side_of(architecture)
    if given is not None:
        size = array("input_size", given, (2,), np.int64)
        if (size < step).any() or (size % step).any():
            raise InvalidValue(f"input_size: expected multiples of {step} px for {architecture}, got {given}")
        return int(size[0]), int(size[1])
    if architecture.startswith("efficientpose_"):
        return (side, side) if side else None
    named = size_named(stem)
    if named is None or named[0] % step or named[1] % step:
        if side is None:
            return None
        inferred.append(f"input {side} px wide and high: as {architecture} was published")
        return side, side
    inferred.append(f"input {named[0]} px wide and {named[1]} px high: from the file's name")
    return named


def _skeleton(given: str | None, n_joints: int, architecture: str, inferred: list[str]) -> str | None:
    if given is not None:
        joints = skeleton_named(given).joints
        if len(joints) != n_joints:
            raise InvalidValue(f"skeleton: {given} has {len(joints)} joints, but the weights give {n_joints}")
        return given
    kind = kind_of(architecture)
    name = next((name for name in kind.skeletons if len(SKELETONS[name]) == n_joints), None)
    if name is not None and kind.name not in ("efficientpose", "openpose"):
        inferred.append(f"skeleton {name}: from the number of joints")
    return name


def _some(names: list[str]) -> str:
    return ", ".join(ascii(name[:120]) for name in names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
