"""A stereo recording of an infant in, 3D joint tracks in metres with an error bar on every joint out.

    import stereo3d

    settings = stereo3d.Config(stereo3d.Detect(weights="darkpose_w32_384x288.pth"))
    stereo3d.reconstruct("recording.h5", "poses.h5", config=settings)
    poses = stereo3d.read("poses.h5", "poses")

The names below are loaded when they are first used, so that importing stereo3d costs nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "Stereo3DError": "errors",
    "Stereo": "stereo",
    "Skeleton": "skeleton",
    "skeleton_named": "skeleton",
    "Poses2D": "poses",
    "Poses3D": "poses",
    "Status": "poses",
    "Detections": "poses",
    "Intrinsics": "cameras",
    "StereoRig": "cameras",
    "RectifiedCamera": "cameras",
    "read_rig": "calibration.files",
    "write_rig": "calibration.files",
    "Rectifier": "calibration.rectify",
    "FramePair": "recording.base",
    "open_recording": "recording.base",
    "detect": "detectors.detect",
    "Gates": "triangulation",
    "triangulate": "triangulation",
    "Evaluation": "evaluation.evaluate",
    "evaluate": "evaluation.evaluate",
    "Config": "config",
    "Detect": "config",
    "Refine": "refinement.settings",
    "refine": "refinement.refine",
    "reconstruct": "pipeline",
    "simulate": "synthetic.scene",
    "read": "storage",
    "write": "storage",
}
__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'stereo3d' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"stereo3d.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
