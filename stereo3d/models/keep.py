"""Puts weights on the shelf, converted once, and looks whether what is there is still what it was."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from stereo3d.atomic import replacing
from stereo3d.errors import CheckpointError, MissingPackage, UsageError
from stereo3d.models import shelf
from stereo3d.models.families import Family
from stereo3d.models.fetch import check_sum
from stereo3d.models.registry import REGISTRY, Entry, entry_of
from stereo3d.models.shelf import Card, place_of
from stereo3d.models.weights import Checkpoint, build_network, read_checkpoint


def add(
    path: Path | str, name: str | None = None, *, family: Family | None = None,
    input_size: tuple[int, int] | None = None, skeleton: str | None = None, replace: bool = False,
) -> Path:
    """The path of a file's weights on the shelf, as safetensors under `name`.

    The name is by default that of the published checkpoint which the file is, else made of the file's. The network is
    built to see that the weights fit. Raises what read_checkpoint raises, UsageError for a name that is taken,
    CheckpointError for a file that is called like a published one and is another.
    """
    path = Path(path)
    entry = _entry(path, name)
    if name is None:
        name = entry.name if entry else _name_from(path)
    target = place_of(name)
    if target.exists() and not replace:
        raise UsageError(f"weights {name!r} are here already; give another --name, or --replace")
    if entry is not None and not entry.detector:
        return _copied(path, target)
    checkpoint = _read(path, entry, family=family, input_size=input_size, skeleton=skeleton)
    build_network(checkpoint)
    return _written(checkpoint, target)


def check(name: str) -> Checkpoint:
    """The checkpoint of that name on the shelf, after building its network and comparing its numbers' check sum.

    Raises CheckpointError where it is not what it was, MissingWeights where it is not there.
    """
    path = place_of(name)
    checkpoint = read_checkpoint(path)
    card = shelf.read_card(path)
    if card is not None and card.tensors != digest(checkpoint.state):
        raise CheckpointError(f"{path.name}: its numbers are not those that were put there; add the file again")
    build_network(checkpoint)
    return checkpoint


def digest(state: Mapping[str, Tensor]) -> str:
    """sha256 over tensors sorted by name: name, type, shape, numbers."""
    sha = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        sha.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        sha.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return sha.hexdigest()


def _entry(path: Path, name: str | None) -> Entry | None:
    """The published checkpoint that a file is, by the name it is given, else by its own; its check sum is compared."""
    entry = entry_of(path.name) if name is None else REGISTRY.get(name)
    if entry is not None and entry.sha256 and path.is_file():
        check_sum(path, entry)
    return entry


def _read(
    path: Path, entry: Entry | None, *, family: Family | None, input_size: tuple[int, int] | None, skeleton: str | None
) -> Checkpoint:
    """The checkpoint, used as the published one that it is where nothing else is said."""
    if entry is not None:
        input_size, skeleton = input_size or entry.input_size, skeleton or entry.skeleton or None
    return read_checkpoint(path, family=family, input_size=input_size, skeleton=skeleton)


def _written(checkpoint: Checkpoint, target: Path) -> Path:
    try:
        from safetensors.torch import save_file
    except ImportError as error:
        raise MissingPackage("safetensors", "safetensors", "keeping weights") from error
    state = {name: tensor.clone().contiguous() for name, tensor in checkpoint.state.items()}
    card = Card(
        checkpoint.name, checkpoint.sha256, digest(state), checkpoint.family, checkpoint.architecture,
        checkpoint.n_joints, checkpoint.input_size, checkpoint.skeleton,
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as temporary:
        save_file(state, temporary, metadata={shelf.CARD: card.written()})
    return target


def _copied(path: Path, target: Path) -> Path:
    """Kept as it is: what training begins with has no head, so it is no detector's."""
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file of weights")
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as temporary:
        temporary.write_bytes(path.read_bytes())
    return target


def _name_from(path: Path) -> str:
    """A name made of a file's."""
    name = re.sub(r"[^a-z0-9._-]+", "-", os.path.splitext(path.name)[0].lower()).strip("-._")[:100]
    return name or "weights"
