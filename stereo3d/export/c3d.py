"""C3D, the format of motion laboratories: joints as points in millimetres on an even time line.

The axes are those of docs/conventions.md, which the file says by POINT:X_SCREEN +X and POINT:Y_SCREEN -Y. A missing
joint has residual -1, as the format has it; so has every joint of a frame that the recording lost.
Source: https://www.c3d.org/HTML/default.htm.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stereo3d.errors import InvalidValue, MissingPackage
from stereo3d.export.base import camera_frame, check_3d, even_grid, replacing
from stereo3d.poses import Poses3D
from stereo3d.values import Bools

MOST_FRAMES = 65535
"""What the header's 16 bits count; readers cut off the rest without a word."""
_MILLIMETRES = 1000.0


def write_c3d(poses: Poses3D, path: Path) -> None:
    """Write the joints as C3D. STEREO3D:START is the time of its first frame in s.

    Raises UsageError for Poses2D, InvalidValue for uneven times and for none or more frames than C3D counts,
    MissingPackage where ezc3d is not installed.
    """
    check_3d(poses, "C3D")
    try:
        import ezc3d
    except ModuleNotFoundError as error:
        raise MissingPackage("ezc3d", "c3d", "writing C3D") from error
    grid = even_grid(poses, "C3D")
    xyz = grid.spread(poses.xyz) * _MILLIMETRES
    if not 0 < len(xyz) <= MOST_FRAMES:
        raise InvalidValue(f"poses: C3D holds 1 to {MOST_FRAMES} frames, got {len(xyz)}; cut longer ones into parts, "
                           "or take TRC, netCDF or Parquet")  # fmt: skip
    missing: Bools = ~np.asarray(np.isfinite(xyz).all(-1))
    file = ezc3d.c3d()
    file["parameters"]["POINT"]["RATE"]["value"] = [grid.rate]
    file["parameters"]["POINT"]["UNITS"]["value"] = ["mm"]
    file["parameters"]["POINT"]["LABELS"]["value"] = list(poses.skeleton.joints)
    for group, name, value in (
        ("POINT", "X_SCREEN", ["+X"]), ("POINT", "Y_SCREEN", ["-Y"]),
        ("STEREO3D", "START", [grid.start]), ("STEREO3D", "FRAME", [camera_frame(poses)]),
    ):  # fmt: skip
        file.add_parameter(group, name, value)
    points = np.where(missing[..., None], np.nan, xyz)
    file["data"]["points"] = np.concatenate([points, np.ones((*missing.shape, 1))], -1).transpose(2, 1, 0)
    file["data"]["meta_points"]["residuals"] = np.where(missing, -1.0, 0.0).T[None]
    with replacing(path, ".c3d") as temporary:
        file.write(str(temporary))
