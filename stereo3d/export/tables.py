"""Tidy tables, CSV and Parquet: one row for each frame and joint.

Unit and axis stand in the column's name: `x_right_m` is x to the right in metres. The last column, `camera`, says whose
coordinates they are: `rectified`, the rectified left camera's, or `left`, the left camera's as it was mounted. Missing
numbers are empty cells.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stereo3d import atomic
from stereo3d.cameras import RectifiedCamera
from stereo3d.errors import MissingPackage
from stereo3d.export.base import AXES, camera_frame, check_3d
from stereo3d.poses import Poses3D

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = {
    "time": "time_s",
    "x": "x_right_m",
    "y": "y_down_m",
    "z": "z_away_m",
    "sigma_x": "sigma_x_m",
    "sigma_y": "sigma_y_m",
    "sigma_z": "sigma_z_m",
    "residual": "residual_px",
}
"""The columns of Poses3D.to_frame that have a unit, and their names with it."""


def table(poses: Poses3D) -> pd.DataFrame:
    """The tidy table of Poses3D.to_frame with unit and axis in the columns' names. Raises UsageError for Poses2D."""
    import pandas as pd

    check_3d(poses, "the table")
    made = poses.to_frame().rename(columns=COLUMNS)
    camera = "rectified" if isinstance(poses.camera, RectifiedCamera) else "left"
    made["camera"] = pd.Categorical.from_codes(np.zeros(len(made), np.int8), [camera])
    return made


def write_csv(poses: Poses3D, path: Path) -> None:
    """Write the tidy table as CSV: numbers with seven digits, missing ones empty."""
    made = table(poses)
    with atomic.replacing(path) as temporary:
        made.to_csv(temporary, index=False, float_format="%.7g", lineterminator="\n")


def write_parquet(poses: Poses3D, path: Path) -> None:
    """Write the tidy table as Parquet, with axes, camera frame and skeleton in its metadata.

    Raises MissingPackage where pyarrow is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError as error:
        raise MissingPackage("pyarrow", "parquet", "writing Parquet") from error
    made = pyarrow.Table.from_pandas(table(poses), preserve_index=False)
    about = {"axes": AXES, "frame": camera_frame(poses), "skeleton": poses.skeleton.name}
    with atomic.replacing(path) as temporary:
        pyarrow.parquet.write_table(made.replace_schema_metadata({**(made.schema.metadata or {}), **about}), temporary)
