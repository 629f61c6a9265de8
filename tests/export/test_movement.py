"""netCDF as the `movement` package reads it."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
from gapped import gapped
from test_storage import poses2d, poses3d

from stereo3d.errors import MissingPackage
from stereo3d.export import export
from stereo3d.export.movement import dataset
from stereo3d.poses import Status

xarray = pytest.importorskip("xarray")
pytest.importorskip("h5netcdf")


def test_joints_come_back(tmp_path: Path) -> None:
    poses = gapped()
    with xarray.open_dataset(export(poses, tmp_path / "p.nc"), engine="h5netcdf") as read:
        assert read.position.dims == ("time", "space", "keypoints", "individuals")
        ordered = read.isel(individuals=0).transpose("time", "keypoints", "space")
        np.testing.assert_array_equal(ordered.position, poses.xyz)
        np.testing.assert_array_equal(ordered.sigma, poses.sigma)
        np.testing.assert_array_equal(ordered.confidence, poses.score)
        np.testing.assert_array_equal(ordered.residual, poses.residual)
        np.testing.assert_array_equal(read.time, poses.time)
        np.testing.assert_array_equal(read.frame, poses.frame)
        assert read.keypoints.values.tolist() == list(poses.skeleton.joints)
        assert read.space.values.tolist() == ["x", "y", "z"]
        assert read.position.attrs["units"] == "m" and "y down" in read.position.attrs["axes"]
        assert read.attrs["fps"] == pytest.approx(30) and read.attrs["time_unit"] == "seconds"


def test_flags_say_what_they_mean(tmp_path: Path) -> None:
    poses = poses3d(4)
    with xarray.open_dataset(export(poses, tmp_path / "p.nc"), engine="h5netcdf") as read:
        status = read.status.isel(individuals=0)
        flags = dict(zip(status.attrs["flag_meanings"].split(), status.attrs["flag_masks"], strict=True))
        for name, mask in flags.items():
            assert ((status.values & mask) > 0).tolist() == ((poses.status & Status[name.upper()]) > 0).tolist()


@pytest.mark.parametrize("poses", [gapped(), poses2d(5)], ids=["3D", "2D"])
def test_movement_accepts_it(poses: object, tmp_path: Path) -> None:
    validators = pytest.importorskip("movement.validators.datasets")
    with xarray.open_dataset(export(poses, tmp_path / "p.nc"), engine="h5netcdf") as read:  # type: ignore[arg-type]
        validators.ValidPosesInputs.validate(read)


def test_movement_computes_with_it() -> None:
    kinematics = pytest.importorskip("movement.kinematics")
    poses = dataclasses.replace(poses3d(5), xyz=np.arange(5.0)[:, None, None] * np.ones((5, 17, 3)))
    np.testing.assert_allclose(kinematics.compute_velocity(dataset(poses).position), 30)


def test_one_view_has_two_axes_in_pixels() -> None:
    poses = poses2d(3)
    made = dataset(poses)
    assert made.space.values.tolist() == ["x", "y"] and made.position.attrs["units"] == "px"
    np.testing.assert_array_equal(made.position.isel(individuals=0).transpose("time", "keypoints", "space"), poses.xy)


def test_netcdf_without_h5netcdf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5netcdf", None)
    with pytest.raises(MissingPackage, match="writing netCDF needs the package h5netcdf"):
        export(poses3d(2), tmp_path / "p.nc")
