"""What was measured on this machine, so that it need not be measured again.

A folder of the user's own that may be deleted at any time; STEREO3D_CACHE names another.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stereo3d import atomic
from stereo3d.errors import InputError

VARIABLE = "STEREO3D_CACHE"
LONGEST = 1 << 20
"""Bytes of one measurement."""


def folder() -> Path:
    """The folder; it need not be there yet."""
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "stereo3d" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "stereo3d"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "stereo3d"


def name_of(key: Mapping[str, Any]) -> str:
    """A short name for what a measurement depends on: another one where any of it differs."""
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:24]


def recall(name: str) -> dict[str, Any] | None:
    """What was remembered under that name; None for nothing, or for a file that is torn."""
    path = folder() / f"{name}.json"
    try:
        if path.stat().st_size > LONGEST:
            return None
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def remember(name: str, values: Mapping[str, Any]) -> None:
    """Keeps values as JSON under that name. What cannot be written is measured again the next time."""
    try:
        folder().mkdir(parents=True, exist_ok=True)
        atomic.write_text(folder() / f"{name}.json", json.dumps(dict(values), indent=1, sort_keys=True) + "\n")
    except (OSError, InputError):
        return


def recall_bytes(name: str, sha256: str) -> bytes | None:
    """A file's content, None where it is not there or its check sum does not begin as given."""
    try:
        content = (folder() / name).read_bytes()
    except OSError:
        return None
    return content if sha256 and hashlib.sha256(content).hexdigest().startswith(sha256) else None


def remember_bytes(name: str, content: bytes) -> None:
    """Keeps a file's content under that name, if it can be written."""
    try:
        folder().mkdir(parents=True, exist_ok=True)
        with atomic.replacing(folder() / name) as temporary:
            temporary.write_bytes(content)
    except (OSError, InputError):
        return
