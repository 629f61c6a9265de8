"""Where this machine keeps weights under names, so that `--weights NAME` finds them.

A folder of the user's own; STEREO3D_WEIGHTS names another. Each network's file is safetensors and carries a card:
what it was, and how it is used. Reading a card needs neither torch nor the package safetensors.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from stereo3d.errors import CheckpointError, MissingWeights, UsageError
from stereo3d.limits import LONGEST_HEADER
from stereo3d.models.registry import REGISTRY, Entry

VARIABLE = "STEREO3D_WEIGHTS"
ENDING = ".safetensors"
CARD = "stereo3d"
"""The name of the card in a file's header."""
NAME = r"[a-z0-9][a-z0-9._-]{0,99}"


@dataclass(frozen=True, slots=True)
class Card:
    """What a file of weights on the shelf was, and how it is used."""

    file: str
    """Its name before."""
    sha256: str
    """Of that file."""
    tensors: str
    """sha256 over the names, shapes and numbers of the tensors here."""
    family: str
    architecture: str
    n_joints: int
    input_size: tuple[int, int] | None
    skeleton: str | None

    def written(self) -> str:
        """The card as text."""
        return json.dumps({f.name: getattr(self, f.name) for f in fields(self)}, sort_keys=True)


def folder() -> Path:
    """The folder that weights are kept in; it need not be there yet."""
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "stereo3d" / "weights"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "stereo3d" / "weights"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "stereo3d" / "weights"


def place_of(name: str) -> Path:
    """Where weights of that name are kept. Raises UsageError for what is no name."""
    if not re.fullmatch(NAME, name):
        raise UsageError(f"name of weights: expected small letters, digits and . _ - such as ward-3, got {name!r}")
    entry = REGISTRY.get(name)
    return folder() / (entry.file if entry and not entry.detector else f"{name}{ENDING}")


def located(weights: str | os.PathLike[str]) -> str | os.PathLike[str]:
    """The file that `--weights` means: one on this machine as it is, else what is kept under that name.

    Raises MissingWeights for the name of a published checkpoint that is not here, and says how to get it. What is
    neither stays as it is.
    """
    name = os.fspath(weights)
    if Path(weights).exists() or not re.fullmatch(NAME, name):
        return weights
    kept = place_of(name)
    if kept.is_file():
        return kept
    if name in REGISTRY:
        raise MissingWeights(f"weights {name!r} are not on this machine; {how_to_get(REGISTRY[name])}")
    return weights


def how_to_get(entry: Entry) -> str:
    """What to type to have a published checkpoint here, with network or without."""
    if not entry.fetchable:
        return f"see {entry.address}, then: stereo3d weights add {entry.file}"
    return f"stereo3d weights fetch {entry.name}, or without network\n{by_hand(entry)}"


def by_hand(entry: Entry) -> str:
    """The two lines that bring a checkpoint to a machine without network."""
    return (
        f"  elsewhere: curl -L -o {entry.file} {entry.address}\n"
        f"  here:      stereo3d weights add {entry.file}"
    )


def kept() -> dict[str, Card]:
    """The cards of all weights that are here, by name; files without a card are left out."""
    found = {path.stem: _card_or_none(path) for path in sorted(folder().glob(f"*{ENDING}"))}
    return {name: card for name, card in found.items() if card is not None}


def read_card(path: Path) -> Card | None:
    """The card of a safetensors file, None where it has none. Raises CheckpointError where one of them is torn."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 0 < length <= min(LONGEST_HEADER, path.stat().st_size):
                raise ValueError(f"a header of {length} bytes")
            header = json.loads(file.read(length))
        written = header.get("__metadata__", {}).get(CARD)
        return None if written is None else _card(json.loads(written))
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise CheckpointError(f"{path.name}: its header cannot be read ({ascii(error)[:160]})") from error


def _card(given: Mapping[str, Any]) -> Card:
    size = given["input_size"]
    texts = {name: str(given[name]) for name in ("file", "sha256", "tensors", "family", "architecture")}
    skeleton = given["skeleton"]
    return Card(
        **texts, n_joints=int(given["n_joints"]), input_size=None if size is None else (int(size[0]), int(size[1])),
        skeleton=None if skeleton is None else str(skeleton),
    )


def _card_or_none(path: Path) -> Card | None:
    try:
        return read_card(path)
    except CheckpointError:
        return None
