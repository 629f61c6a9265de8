"""Small text files: read whole with a limit, and named in what is said about them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from stereo3d import limits
from stereo3d.errors import CalibrationError, InputError


def read_text(path: str | os.PathLike[str]) -> str:
    """The text of a file in UTF-8 (with or without its mark). Raises CalibrationError where it cannot be read."""
    try:
        return limits.read_text(path, limits.LONGEST_TEXT)
    except InputError as error:
        raise CalibrationError(str(error)) from error


@contextmanager
def naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Whatever is wrong with the input inside becomes a CalibrationError that begins with the file's path.

    Numbers that overflow make no noise there: they are refused for what comes out.
    """
    try:
        with np.errstate(all="ignore"):
            yield
    except InputError as error:
        raise CalibrationError(f"{path}: {error}") from error
