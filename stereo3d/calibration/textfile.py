"""Small text files: read whole with a limit, and named in what is said about them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from stereo3d.errors import CalibrationError, InputError

LARGEST = 4 << 20
"""Bytes. No calibration is longer; what is, is something else."""


def read_text(path: str | os.PathLike[str]) -> str:
    """The text of a file in UTF-8 (with or without its mark). Raises CalibrationError where it cannot be read."""
    try:
        with open(path, "rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise CalibrationError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    if len(content) > LARGEST:
        raise CalibrationError(f"{path}: over {LARGEST >> 20} MB, which no calibration is; check the path")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CalibrationError(f"{path}: expected a text file in UTF-8, got other bytes at {error.start}") from error


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
