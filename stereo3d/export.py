"""Poses in other people's formats. An exporter is any function (poses, path) named in `stereo3d.exporters`.

Tables are tidy: one row for each frame and joint. The unit stands in the column's name, the axes are those of
docs/conventions.md: x right, y down, z away from the camera. Time runs from the recording's start.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from stereo3d import atomic, plugins
from stereo3d.cameras import RectifiedCamera
from stereo3d.errors import MissingPackage, UsageError
from stereo3d.poses import Poses3D

if TYPE_CHECKING:
    import pandas as pd

_UNITS = {"time": "s", "residual": "px"} | {f"{s}{a}": "m" for s in ("", "sigma_") for a in "xyz"}


def export(poses: Poses3D, path: str | os.PathLike[str], kind: str | None = None) -> Path:
    """The path of the file that the exporter `kind` wrote; by default the one named like the path's ending.

    Raises UsageError for an unknown kind, MissingPackage where it needs one that is not installed.
    """
    name = kind or Path(path).suffix.removeprefix(".")
    if not name:
        raise UsageError(f"{path}: give it an ending or a kind: {', '.join(plugins.names(plugins.EXPORTERS))}")
    plugins.factory(plugins.EXPORTERS, name)(poses, Path(path))
    return Path(path)


def table(poses: Poses3D) -> pd.DataFrame:
    """The tidy table of Poses3D.to_frame with the unit of each column in its name, such as `x_m` and `time_s`."""
    return poses.to_frame().rename(columns={c: f"{c}_{u}" for c, u in _UNITS.items()})


def write_csv(poses: Poses3D, path: Path) -> None:
    """Write the tidy table as CSV: numbers with seven digits, missing ones empty."""
    with atomic.replacing(path) as temporary:
        table(poses).to_csv(temporary, index=False, float_format="%.7g", lineterminator="\n")


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
    frame = "rectified left camera" if isinstance(poses.camera, RectifiedCamera) else "left camera"
    about = {"axes": "x right, y down, z away from the camera", "frame": frame, "skeleton": poses.skeleton.name}
    with atomic.replacing(path) as temporary:
        pyarrow.parquet.write_table(made.replace_schema_metadata({**(made.schema.metadata or {}), **about}), temporary)
