"""Where a result comes from: versions, settings and checksums, written beside it as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stereo3d import atomic
from stereo3d.errors import InputError
from stereo3d.limits import LONGEST_TEXT, parse_json, read_text

PathLike = str | os.PathLike[str]
ENDING = ".run.json"


def provenance_path(result: PathLike) -> Path:
    """Where the provenance of a result lies: `poses.h5` has `poses.run.json` beside it."""
    return Path(result).with_suffix(ENDING)


def write_provenance(result: PathLike, about: Mapping[str, Any]) -> None:
    """Write what is known of a result beside it."""
    atomic.write_text(provenance_path(result), json.dumps(about, indent=1, sort_keys=True) + "\n")


def read_provenance(result: PathLike) -> dict[str, Any] | None:
    """What was written beside a result, None where nothing was. Raises InputError for what is no JSON object."""
    path = provenance_path(result)
    if not path.is_file():
        return None
    try:
        about = parse_json(read_text(path, LONGEST_TEXT))
    except InputError as error:
        raise InputError(f"{path}: expected the provenance as JSON, got {error}; move the file away") from error
    if not isinstance(about, dict):
        raise InputError(f"{path}: expected the provenance as a JSON object, got {type(about).__name__}")
    return about
