"""What a file holds, and what is installed: for `stereo3d info`."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
from pathlib import Path
from typing import Any

import stereo3d
from stereo3d import plugins, storage
from stereo3d.calibration.files import read_rig
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.poses import Poses2D, Poses3D
from stereo3d.recording.base import describe_rig, open_recording
from stereo3d.recording.base import describe as describe_recording
from stereo3d.recording.eyes import look_at_eyes

_OPTIONAL = {"torch": "detect", "pyarrow": "parquet", "safetensors": "safetensors", "open3d": "view"}
_RIG_ENDINGS = (".conf", ".json", ".yaml", ".yml", ".xml", ".txt")


def installation() -> dict[str, Any]:
    """Versions, plug-ins by group, and the optional packages that are missing with the extra that brings each."""
    groups = (plugins.DETECTORS, plugins.RECORDINGS, plugins.EXPORTERS)
    missing = {p: f"pip install 'stereo3d[{e}]'" for p, e in _OPTIONAL.items() if importlib.util.find_spec(p) is None}
    needed = ("numpy", "scipy", "opencv-contrib-python", "h5py", "av")
    return {
        "stereo3d": stereo3d.__version__,
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in needed},
        **{group.rpartition(".")[2]: ", ".join(plugins.names(group)) for group in groups},
        "missing": missing or "nothing",
    }


def file(path: str | os.PathLike[str], right: str | os.PathLike[str] | None = None, **told: Any) -> dict[str, Any]:
    """What a result, a calibration or a recording holds; `told` are the keywords of `open_recording`. Raises InputError
    for anything else."""
    if storage.is_ours(path):
        return {name: _value(value) for name, value in storage.read(path).items()}
    if Path(path).suffix.lower() in _RIG_ENDINGS:
        return describe_rig(read_rig(path))
    with open_recording(path, right, **told) as recording:
        return describe_recording(recording) | {"views": str(look_at_eyes(recording))}


def is_recording(path: str | os.PathLike[str]) -> bool:
    """Whether `file` takes what lies there for a recording, not for a result or a calibration."""
    return not (storage.is_ours(path) or Path(path).suffix.lower() in _RIG_ENDINGS)


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, (StereoRig, RectifiedCamera)):
        return describe_rig(value)
    if isinstance(value, Poses3D) and len(value):
        found = f"{100 * value.found.mean():.1f} %"
        return {"frames": len(value), "skeleton": value.skeleton.name, "joints found": found}
    if isinstance(value, (Poses2D, Poses3D)):
        return {"frames": len(value), "skeleton": value.skeleton.name}
    frames = {"frames": len(value.time)} if storage.grows(value) else {}
    return {"class": type(value).__name__, **frames}
