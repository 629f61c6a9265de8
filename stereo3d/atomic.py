"""Files that appear under their name whole, or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from stereo3d.errors import InputError, UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FIGURES = (".png", ".pdf", ".svg")


@contextlib.contextmanager
def replacing(
    path: str | os.PathLike[str], on_whole: Callable[[Path], None] = lambda _: None
) -> Iterator[Path]:
    """A temporary path beside `path` to write to; it takes the name when all went well, and goes when not.

    on_whole is told of it when it is on the disk and has not the name yet. Raises InputError where it cannot be
    written.
    """
    target = Path(path)
    temporary = target.with_name(target.name + ".tmp")
    try:
        yield temporary
        sync(temporary)
        on_whole(temporary)
        os.replace(temporary, target)
        sync(target.parent)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise InputError(f"{target}: cannot be written ({error.strerror or error})") from error
        raise


def write_figure(figure: Figure, path: str | os.PathLike[str], dpi: float | Literal["figure"] = "figure") -> Path:
    """The path of a figure as .png, .pdf or .svg, whole or not at all. Raises UsageError for another ending."""
    kind = Path(path).suffix.lower()
    if kind not in _FIGURES:
        raise UsageError(f"{path}: expected a name that ends in {', '.join(_FIGURES)}")
    with replacing(path) as temporary:
        figure.savefig(temporary, format=kind[1:], dpi=dpi)
    return Path(path)


def write_text(path: str | os.PathLike[str], text: str) -> Path:
    """The path of a text file that appears whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
    return Path(path)


def sync(path: Path) -> None:
    """Bring a file or folder to the disk."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
