"""Finds detectors, recordings and exporters by entry point; the built-in ones come the same way.

A package adds one by naming a factory in its metadata:

    [options.entry_points]
    stereo3d.detectors =
        mine = mypackage.detector:build
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from stereo3d.errors import MissingPackage, UsageError, unknown_name

DETECTORS = "stereo3d.detectors"
RECORDINGS = "stereo3d.recordings"
EXPORTERS = "stereo3d.exporters"


def names(group: str) -> list[str]:
    """The names that are to be had in a group, sorted."""
    return sorted({e.name for e in _found(group, tuple(sys.path))})


@functools.lru_cache
def _found(group: str, _folders: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """What is installed in the folders that Python looks through; to read all packages' metadata takes 20 ms."""
    return tuple(entry_points(group=group))


def factory(group: str, name: str) -> Callable[..., Any]:
    """What that name stands for, imported now.

    Raises UsageError for an unknown name (the nearest one and the list) or a broken plug-in, MissingPackage where it
    needs a package that is not installed.
    """
    found = {e.name: e for e in _found(group, tuple(sys.path))}
    if name not in found:
        raise unknown_name(group.rpartition(".")[2].removesuffix("s"), name, found)
    try:
        loaded = found[name].load()
    except ModuleNotFoundError as error:
        raise MissingPackage(str(error.name), "all", f"{name!r}") from error
    except (AttributeError, ImportError) as error:
        raise UsageError(f"{name!r}: its package is broken, {found[name].value} cannot be loaded ({error})") from error
    return loaded  # type: ignore[no-any-return]
