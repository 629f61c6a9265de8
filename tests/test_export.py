"""Tables that others can read, with the unit in each name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest
from test_storage import poses3d

from stereo3d.errors import UsageError
from stereo3d.export import export, table
from stereo3d.poses import Status


def test_csv_comes_back(tmp_path: Path) -> None:
    poses = poses3d(5)
    read = pd.read_csv(export(poses, tmp_path / "p.csv"))
    assert list(read.columns) == [
        "frame", "time_s", "joint", "x_m", "y_m", "z_m", "sigma_x_m", "sigma_y_m", "sigma_z_m", "score", "residual_px",
        "status",
    ]
    np.testing.assert_allclose(read.x_m, poses.xyz[..., 0].ravel(), rtol=1e-6)
    assert read.joint.tolist() == list(poses.skeleton.joints) * 5
    assert read.sigma_z_m.isna().all()


def test_parquet_comes_back_with_units_and_axes(tmp_path: Path) -> None:
    poses = poses3d(5)
    path = export(poses, tmp_path / "p.parquet")
    read = pd.read_parquet(path)
    pd.testing.assert_frame_equal(read, table(poses), check_categorical=False)
    about = pyarrow.parquet.read_schema(path).metadata
    assert about[b"frame"] == b"rectified left camera" and b"y down" in about[b"axes"]


def test_every_status_has_words() -> None:
    poses = poses3d(3)
    words = table(poses).status.astype(str).to_numpy().reshape(poses.status.shape)
    for flag in Status:
        assert (np.char.find(words.astype(str), flag.name.lower()) >= 0).tolist() == ((poses.status & flag) > 0).tolist()
    assert (words[poses.status == 0] == "ok").all()


@pytest.mark.parametrize("name, sentence", [("p.xyz", "unknown exporter 'xyz'"), ("p", "give it an ending or a kind")])
def test_unknown_formats(name: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=sentence):
        export(poses3d(1), tmp_path / name)


def test_no_frames_is_a_table_without_rows(tmp_path: Path) -> None:
    assert len(pd.read_csv(export(poses3d(0), tmp_path / "p.csv"))) == 0
