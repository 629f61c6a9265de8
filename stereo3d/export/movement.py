"""The layout of the `movement` package: an xarray Dataset, and netCDF to keep it.

`position` (time, space, keypoints, individuals) in metres and `confidence`, as movement wants them; beside them
`sigma`, `residual` and `status`, which it leaves alone. Source: https://movement.neuroinformatics.dev.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stereo3d import atomic
from stereo3d.errors import MissingPackage
from stereo3d.export.base import AXES, camera_frame
from stereo3d.poses import Poses2D, Poses3D, Status

if TYPE_CHECKING:
    import xarray

_FLAGS = [flag for flag in Status if flag]


def dataset(poses: Poses3D | Poses2D) -> xarray.Dataset:
    """The poses as a `movement` dataset of one individual, `infant`, time in s. Raises MissingPackage."""
    try:
        import xarray
    except ModuleNotFoundError as error:
        raise MissingPackage("xarray", "movement", "a dataset for movement") from error
    variables = _in_space(poses) if isinstance(poses, Poses3D) else _in_picture(poses)
    confidence = (("time", "keypoints", "individuals"), poses.score[..., None], {"long_name": "detector's confidence"})
    coords: dict[str, Any] = {
        "time": ("time", poses.time, {"long_name": "seconds from the recording's start"}),
        "space": list("xyz"[: variables["position"][1].shape[1]]),
        "keypoints": list(poses.skeleton.joints),
        "individuals": ["infant"],
        "frame": ("time", poses.frame, {"long_name": "index in the recording"}),
    }
    about = {"ds_type": "poses", "source_software": "stereo3d", "time_unit": "seconds", "skeleton": poses.skeleton.name}
    step = np.diff(poses.time)
    if step.size and np.median(step) > 0:
        about["fps"] = float(1 / np.median(step))  # type: ignore[assignment]
    made = xarray.Dataset({**variables, "confidence": confidence}, coords=coords, attrs=about)
    made["time"].encoding["dtype"] = "float64"
    return made


def write_netcdf(poses: Poses3D | Poses2D, path: Path) -> None:
    """Write the dataset as netCDF-4. Raises MissingPackage where xarray or h5netcdf is not installed."""
    made = dataset(poses)
    try:
        import h5netcdf  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingPackage("h5netcdf", "movement", "writing netCDF") from error
    with atomic.replacing(path) as temporary:
        made.to_netcdf(temporary, engine="h5netcdf")


def _in_space(poses: Poses3D) -> dict[str, Any]:
    place, joint = ("time", "space", "keypoints", "individuals"), ("time", "keypoints", "individuals")
    masks = np.array([int(flag) for flag in _FLAGS], np.int16)
    flags = {"flag_masks": masks, "flag_meanings": " ".join(str(flag.name).lower() for flag in _FLAGS)}
    return {
        "position": (place, _last(poses.xyz), {"units": "m", "axes": AXES, "frame": camera_frame(poses)}),
        "sigma": (place, _last(poses.sigma), {"units": "m", "long_name": "standard deviation of position"}),
        "residual": (joint, poses.residual[..., None], {"units": "px", "long_name": "distance between the two rays"}),
        "status": (joint, poses.status[..., None].astype(np.int16), flags),
    }


def _in_picture(poses: Poses2D) -> dict[str, Any]:
    axes = "x right, y down, (0, 0) the centre of the top-left pixel"
    place, joint = ("time", "space", "keypoints", "individuals"), ("time", "keypoints", "individuals")
    return {
        "position": (place, _last(poses.xy), {"units": "px", "axes": axes}),
        "sigma": (joint, poses.sigma[..., None], {"units": "px", "long_name": "standard deviation along an axis"}),
    }


def _last(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(T, K, D) as movement orders it, (T, D, K, 1)."""
    return np.moveaxis(x, -1, 1)[..., None]
