"""What a specimen is, and how one is made of files."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from mutations import Mutation


class Specimen(NamedTuple):
    """Good files, by name within their folder; the first is made wrong."""

    files: dict[str, bytes]
    opened: tuple[str, ...]
    """What is given to the reader."""


class Kind(NamedTuple):
    read: str
    """The name of a reader in `reading`."""
    how: tuple[Mutation, ...]
    specimens: list[Specimen]


def one(path: Path) -> Specimen:
    return Specimen({path.name: path.read_bytes()}, (path.name,))


def several(folder: Path, first: str, *opened: str) -> Specimen:
    """The files of a folder, of which `first` is made wrong."""
    names = sorted((p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()), key=lambda n: n != first)
    return Specimen({name: (folder / name).read_bytes() for name in names}, opened or (".",))


def text(name: str, content: str | bytes) -> Specimen:
    return Specimen({name: content.encode() if isinstance(content, str) else content}, (name,))
