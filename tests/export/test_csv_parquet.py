"""Tables that others can read, with unit and axis in each name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_storage import RIG, poses2d, poses3d

from stereo3d.errors import UsageError
from stereo3d.export import export
from stereo3d.export.tables import COLUMNS, table
from stereo3d.poses import Status


def test_csv_comes_back(tmp_path: Path) -> None:
    poses = poses3d(5)
    read = pd.read_csv(export(poses, tmp_path / "p.csv"))
    assert list(read.columns) == [
        "frame", "time_s", "joint", "x_right_m", "y_down_m", "z_away_m", "sigma_x_m", "sigma_y_m", "sigma_z_m",
        "score", "residual_px", "status", "camera",
    ]
    np.testing.assert_allclose(read[["x_right_m", "y_down_m", "z_away_m"]], poses.xyz.reshape(-1, 3), rtol=1e-6)
    assert read.joint.tolist() == list(poses.skeleton.joints) * 5
    assert read.sigma_z_m.isna().all()


@pytest.mark.parametrize("camera, frame", [(None, b"rectified left camera"), (RIG, b"left camera")])
def test_parquet_comes_back_with_units_and_axes(camera: object, frame: bytes, tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow.parquet")
    poses = poses3d(5, camera) if camera else poses3d(5)
    path = export(poses, tmp_path / "p.parquet")
    read = pd.read_parquet(path)
    pd.testing.assert_frame_equal(read, table(poses), check_categorical=False)
    about = pyarrow.read_schema(path).metadata
    assert about[b"frame"] == frame and b"y down" in about[b"axes"] and about[b"skeleton"] == b"COCO-17"


def test_every_status_has_words() -> None:
    poses = poses3d(3)
    words = table(poses).status.astype(str).to_numpy().reshape(poses.status.shape)
    for flag in Status:
        assert (np.char.find(words.astype(str), flag.name.lower()) >= 0).tolist() == ((poses.status & flag) > 0).tolist()
    assert (words[poses.status == 0] == "ok").all()


def test_every_column_with_a_unit_is_named_so() -> None:
    plain = set(poses3d(1).to_frame().columns)
    assert set(COLUMNS) <= plain and plain - set(COLUMNS) == {"frame", "joint", "score", "status"}


def test_no_frames_is_a_table_without_rows(tmp_path: Path) -> None:
    assert len(pd.read_csv(export(poses3d(0), tmp_path / "p.csv"))) == 0


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_one_view_is_no_table(kind: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="joints in space: expected Poses3D, got Poses2D"):
        export(poses2d(2), tmp_path / "p", kind)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
