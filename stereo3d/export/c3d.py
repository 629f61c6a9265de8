"""C3D, the format of motion laboratories: joints as points in millimetres on an even time line.

The axes are those of docs/conventions.md, which the file says by POINT:X_SCREEN +X and POINT:Y_SCREEN -Y. As the format
has it a missing joint has residual -1, one that was filled in 0, any other by how many mm its two rays miss each other,
at least 1; every joint of a frame that the recording lost is missing. The header counts 65,535 frames, and programs cut
off what is beyond: longer recordings become several files. Source: https://www.c3d.org/HTML/default.htm.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from stereo3d.cameras import RectifiedCamera
from stereo3d.errors import InvalidValue, MissingPackage
from stereo3d.export.base import camera_frame, check_3d, even_grid, replacing
from stereo3d.poses import Poses3D, Status
from stereo3d.values import Bools, Floats

MOST_FRAMES = 65535
"""What the header's 16 bits count."""
_MILLIMETRES = 1000.0
_MOST_RESIDUAL = 127.0
"""What a byte with a sign holds, as the format keeps it."""


def write_c3d(poses: Poses3D, path: Path) -> tuple[Path, ...]:
    """The files with the joints as C3D: `path`, or `path`-1, `path`-2 ... for more frames than one can count.

    STEREO3D:START is the time of a file's first frame in s. Raises UsageError for Poses2D, InvalidValue for uneven
    times and for no frame, MissingPackage where ezc3d is not installed.
    """
    check_3d(poses, "C3D")
    try:
        import ezc3d
    except ModuleNotFoundError as error:
        raise MissingPackage("ezc3d", "c3d", "writing C3D") from error
    grid = even_grid(poses, "C3D")
    if not len(poses):
        raise InvalidValue("poses: C3D holds at least one frame, got none")
    xyz, residual = grid.spread(poses.xyz) * _MILLIMETRES, grid.spread(_residuals(poses))
    missing: Bools = ~np.asarray(np.isfinite(xyz).all(-1))
    points = np.where(missing[..., None], np.nan, xyz)
    residual = np.where(missing, -1.0, residual)
    starts = range(0, len(xyz), MOST_FRAMES)
    for start, part in zip(starts, parts := _names(path, len(starts))):
        rows = slice(start, start + MOST_FRAMES)
        file = ezc3d.c3d()
        _describe(file, poses, grid.rate, grid.start + start / grid.rate)
        ones = np.ones((*missing[rows].shape, 1))
        file["data"]["points"] = np.concatenate([points[rows], ones], -1).transpose(2, 1, 0)
        file["data"]["meta_points"]["residuals"] = residual[rows].T[None]
        with replacing(part, ".c3d") as temporary:
            file.write(str(temporary))
    return parts


def _names(path: Path, parts: int) -> tuple[Path, ...]:
    if parts == 1:
        return (path,)
    return tuple(path.with_stem(f"{path.stem}-{i}") for i in range(1, parts + 1))


def _describe(file: Any, poses: Poses3D, rate: float, start: float) -> None:
    file["parameters"]["POINT"]["RATE"]["value"] = [rate]
    file["parameters"]["POINT"]["UNITS"]["value"] = ["mm"]
    file["parameters"]["POINT"]["LABELS"]["value"] = list(poses.skeleton.joints)
    for group, name, value in (
        ("POINT", "X_SCREEN", ["+X"]), ("POINT", "Y_SCREEN", ["-Y"]),
        ("STEREO3D", "START", [start]), ("STEREO3D", "FRAME", [camera_frame(poses)]),
    ):  # fmt: skip
        file.add_parameter(group, name, value)


def _residuals(poses: Poses3D) -> Floats:
    """(T, K) whole mm: the rays' distance where the joint is, at least 1 where it was measured, 0 where filled in."""
    camera = poses.camera
    focal = camera.focal if isinstance(camera, RectifiedCamera) else camera.cameras.left.fx
    apart = np.abs(np.nan_to_num(poses.residual * poses.xyz[..., 2])) / focal * _MILLIMETRES
    measured = np.clip(np.rint(apart), 1.0, _MOST_RESIDUAL)
    return np.where((poses.status & Status.FILLED) != 0, 0.0, measured)
