"""Everything that can go wrong, as one tree.

    Stereo3DError                 exit code
    |-- UsageError                2  a wrong name, option or combination
    |-- PartialResult             3  done in part; what is there is kept
    |-- InputError                4  a file or value that cannot be used
    |   |-- InvalidValue             a value of the wrong shape, type or range
    |   |-- RecordingError           a recording that cannot be read
    |   |   `-- LostPicture          one picture of it; the others can
    |   |-- CalibrationError         a rig that is wrong or does not fit
    |   `-- CheckpointError          weights that are not what they should be
    `-- MissingError              5  something that is not installed here
        |-- MissingPackage
        `-- MissingWeights

A message says what was wrong, what was expected, what came, and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar


class Stereo3DError(Exception):
    """Anything that stereo3d reports on purpose."""

    exit_code: ClassVar[int] = 1


class UsageError(Stereo3DError):
    """A wrong name, option or combination of options."""

    exit_code = 2


class PartialResult(Stereo3DError):
    """The work was done in part; what is there was kept."""

    exit_code = 3


class InputError(Stereo3DError):
    """A file or a value that cannot be used."""

    exit_code = 4


class InvalidValue(InputError, ValueError):
    """A value of the wrong shape, type or range."""


class RecordingError(InputError):
    """A recording that cannot be read."""


class LostPicture(RecordingError):
    """One picture of a recording is missing or damaged, and the others are not: a pair with it is marked invalid."""


class CalibrationError(InputError):
    """A rig that is wrong, or that does not fit the recording."""


class CheckpointError(InputError):
    """Weights that are not what they should be."""


class MissingError(Stereo3DError):
    """Something that is not installed here."""

    exit_code = 5


class MissingPackage(MissingError):
    """An optional package that is not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package}, which is not installed: pip install 'stereo3d[{extra}]'"
        )


class MissingWeights(MissingError):
    """Network weights that are not on this machine."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """The error for a wrong name: the nearest right one, then the whole list."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return UsageError(f"unknown {kind} {name!r}: {hint}there are {', '.join(names) or 'none'}")
