"""Depths below the skin as a file, for those who learned their own."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

from stereo3d import atomic
from stereo3d.errors import InputError, InvalidValue
from stereo3d.limits import LONGEST_SETTINGS, parse_json, read_text
from stereo3d.refinement.offsets import Offsets

_COLUMNS = ("depth", "spread", "sway")


def write_offsets(path: str | os.PathLike[str], offsets: Offsets) -> Path:
    """The path of a JSON file that `read_offsets` reads back equal; {"joints": {kind: {depth, spread, sway}}}."""
    rows = zip(offsets.kinds, offsets.depth.tolist(), offsets.spread.tolist(), offsets.sway.tolist())
    table = {kind: dict(zip(_COLUMNS, numbers)) for kind, *numbers in rows}
    atomic.write_text(Path(path), json.dumps({"joints": table}, indent=1) + "\n")
    return Path(path)


def read_offsets(path: str | os.PathLike[str]) -> Offsets:
    """The depths that a file holds. Raises InputError for one that holds none."""
    try:
        table = parse_json(read_text(path, LONGEST_SETTINGS))["joints"]
        columns = (np.array([float(row[name]) for row in table.values()]) for name in _COLUMNS)
        return Offsets(tuple(map(str, table)), *columns)
    except (InputError, InvalidValue, KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{path}: expected depths below the skin, as `stereo3d refine --fit-offsets` writes them, got something "
            f"else ({error})"
        ) from error
