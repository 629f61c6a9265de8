"""The pictures that annotations name: where they lie, how they are read, and whose they are."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

import cv2
import numpy as np

from stereo3d.errors import InputError
from stereo3d.recording.pictures import decode
from stereo3d.values import Bytes

LONGEST = 1 << 30
"""Bytes of a file of annotations."""
_LONGEST_PATH, _LONGEST_NAME = 2048, 255
"""Bytes of the way to a picture in its folder, and of each part of it."""


def within(folder: Path, name: str, path: Path) -> Path:
    """A picture by its name in `folder`. Raises InputError for a name in `path` that leads out of there."""
    if not _can_be_a_file(name):
        raise InputError(f"{path}: expected names of pictures, got {name[:100]!r}")
    found = (folder / name.replace("\\", "/")).resolve()
    if not found.is_relative_to(folder.resolve()):
        raise InputError(f"{path}: expected pictures within {folder}, got {name!r}")
    return found


def _can_be_a_file(name: str) -> bool:
    """Whether a system takes it as a path: one that it cannot take is an error of its own in each call."""
    try:
        path = os.fsencode(name)
    except UnicodeEncodeError:
        return False
    return b"\0" not in path and len(path) <= _LONGEST_PATH and max(map(len, path.split(b"/"))) <= _LONGEST_NAME


def load(path: Path) -> Bytes:
    """(h, w, 3) RGB. Raises InputError where there is no picture."""
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); give data.pictures, the pictures' folder"
                         ) from error
    image = decode(data, str(path))
    return image if image.ndim == 3 else np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB))


def reader(files: Sequence[Path]) -> Callable[[int], Bytes]:
    """What reads the picture of a row."""
    return lambda row: load(files[row])


def subject_of(name: str, otherwise: str) -> str:
    """Whose picture one is by its name alone: the folder it lies in, else its name without the number at the end."""
    place = PurePosixPath(name.replace("\\", "/"))
    bare = re.sub(r"[_\- ]?\d+$", "", place.stem)
    return str(place.parent) if str(place.parent) != "." else bare or otherwise
