"""C3D, read back by ezc3d and by a reader that shares no code with it."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path

import numpy as np
import pytest
from gapped import LOST, gapped, rows
from test_storage import poses3d

from stereo3d.errors import InvalidValue
from stereo3d.export import export, export_all
from stereo3d.export.c3d import MOST_FRAMES
from stereo3d.poses import Status

ezc3d = pytest.importorskip("ezc3d")


def test_joints_come_back_by_ezc3d(tmp_path: Path) -> None:
    poses = gapped()
    file = ezc3d.c3d(str(export(poses, tmp_path / "p.c3d")))
    points = file["data"]["points"][:3].transpose(2, 1, 0)
    np.testing.assert_allclose(points[rows(poses)], poses.xyz * 1000, atol=1e-3)
    lost = np.setdiff1d(np.arange(len(points)), rows(poses))
    assert lost.tolist() == list(LOST) and np.isnan(points[lost]).all()
    residual = file["data"]["meta_points"]["residuals"][0].T
    assert ((residual < 0) == np.isnan(points).any(-1)).all()


def test_the_file_says_units_axes_and_start(tmp_path: Path) -> None:
    parameters = ezc3d.c3d(str(export(gapped(), tmp_path / "p.c3d")))["parameters"]
    point = {name: parameters["POINT"][name]["value"] for name in ("UNITS", "X_SCREEN", "Y_SCREEN", "RATE")}
    assert point["UNITS"] == ["mm"] and point["X_SCREEN"] == ["+X"] and point["Y_SCREEN"] == ["-Y"]
    assert point["RATE"] == [30] and parameters["STEREO3D"]["START"]["value"] == [2]
    assert parameters["STEREO3D"]["FRAME"]["value"] == ["rectified left camera"]
    assert parameters["POINT"]["LABELS"]["value"] == list(gapped().skeleton.joints)


def test_joints_come_back_by_another_reader(tmp_path: Path) -> None:
    c3d = pytest.importorskip("c3d")
    poses = gapped()
    with open(export(poses, tmp_path / "p.c3d"), "rb") as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader = c3d.Reader(stream)
        points = np.stack([p for _, p, _ in reader.read_frames()])
    assert reader.point_rate == 30 and [n.strip() for n in reader.point_labels] == list(poses.skeleton.joints)
    missing = points[..., 3] < 0
    assert (missing[rows(poses)] == ~poses.found).all()
    np.testing.assert_allclose(points[rows(poses)][poses.found][:, :3], poses.xyz[poses.found] * 1000, atol=1e-3)


def test_residuals_tell_measured_filled_in_and_missing(tmp_path: Path) -> None:
    poses = gapped()
    status, residual, xyz = np.zeros_like(poses.status), np.zeros_like(poses.residual), np.array(poses.xyz)
    status[0, :2] = Status.FILLED, Status.RESCUED | Status.ROW_MISMATCH
    xyz[0, 3:6, 2], residual[0, 3:6] = 0.7, [-2.0, 4.0, 900.0]
    poses = dataclasses.replace(poses, status=status, residual=residual, xyz=xyz)
    held = ezc3d.c3d(str(export(poses, tmp_path / "p.c3d")))["data"]["meta_points"]["residuals"][0].T[0]
    f = poses.camera.focal
    assert held[:6].tolist() == [0, 1, 1, max(1, round(1400 / f)), max(1, round(2800 / f)), 127]
    lost = ezc3d.c3d(str(tmp_path / "p.c3d"))["data"]["meta_points"]["residuals"][0].T[3]
    assert (lost == -1).all()


def test_more_frames_than_it_counts_become_parts(tmp_path: Path) -> None:
    short = poses3d(2)
    n = MOST_FRAMES + 100
    names = ("xyz", "score", "sigma", "residual", "status")
    arrays = {name: np.resize(getattr(short, name), (n, *getattr(short, name).shape[1:])) for name in names}
    arrays["xyz"][:, 0, 0] = np.arange(n) / 1e5
    long = dataclasses.replace(short, **arrays, time=np.arange(n) / 30, frame=np.arange(n))
    parts = export_all(long, tmp_path / "p.c3d")
    assert [part.name for part in parts] == ["p-1.c3d", "p-2.c3d"] == sorted(p.name for p in tmp_path.iterdir())
    files = [ezc3d.c3d(str(part)) for part in parts]
    points = np.concatenate([file["data"]["points"][0, 0] for file in files])
    np.testing.assert_allclose(points, arrays["xyz"][:, 0, 0] * 1000, atol=1e-3)
    starts = [file["parameters"]["STEREO3D"]["START"]["value"][0] for file in files]
    np.testing.assert_allclose(starts, [0, MOST_FRAMES / 30])


def test_no_frame_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="at least one frame, got none"):
        export(poses3d(0), tmp_path / "p.c3d")
