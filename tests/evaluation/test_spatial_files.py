"""Joints in space come in from other people's files, in metres, with what is missing as NaN."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_storage import CAMERA, RIG, poses3d

from stereo3d.errors import InputError, InvalidValue
from stereo3d.evaluation.evaluate import evaluate
from stereo3d.evaluation.spatial_files import poses_of, read_points
from stereo3d.evaluation.truth import Truth
from stereo3d.export.c3d import write_c3d
from stereo3d.export.tables import write_csv
from stereo3d.export.trc import write_trc
from stereo3d.poses import Poses3D, Status

TRC = """PathFileType\t4\t(X/Y/Z)\tlab.trc
DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits
100\t100\t2\t2\tmm
Frame#\tTime\tRShoulder\t\t\tl.knee\t\t\t
\t\tX1\tY1\tZ1\tX2\tY2\tZ2
{blank}1\t0.00\t100\t200\t900\t\t\t\t
2\t0.01\t101\t201\t901\t0\t0\t0\t
"""


def holed() -> Poses3D:
    poses = poses3d(6)
    poses.xyz.flags.writeable = True
    poses.xyz[1, 2] = np.nan
    return poses


@pytest.mark.parametrize("write, ending", [(write_csv, "csv"), (write_trc, "trc"), (write_c3d, "c3d")])
def test_what_we_export_comes_back(write: object, ending: str, tmp_path: Path) -> None:
    if ending == "c3d":
        pytest.importorskip("ezc3d")
    poses = holed()
    write(poses, tmp_path / f"p.{ending}")  # type: ignore[operator]
    truth = read_points(tmp_path / f"p.{ending}", "rectified")
    np.testing.assert_allclose(truth.xyz, poses.xyz, atol=1e-6)
    np.testing.assert_allclose(truth.time, poses.time, atol=1e-6)
    assert truth.joints == poses.skeleton.joints and truth.camera == "rectified"
    assert truth.frame is None if ending != "csv" else truth.frame.tolist() == poses.frame.tolist()


@pytest.mark.parametrize("blank", ["", "\n"])
def test_a_laboratorys_trc_in_millimetres(blank: str, tmp_path: Path) -> None:
    path = tmp_path / "lab.TRC"
    path.write_text(TRC.format(blank=blank))
    truth = read_points(path)
    assert truth.joints == ("right_shoulder", "left_knee") and truth.time.tolist() == [0, 0.01]
    np.testing.assert_allclose(truth.xyz[:, 0], [[0.1, 0.2, 0.9], [0.101, 0.201, 0.901]])
    assert np.isnan(truth.xyz[:, 1]).all()


@pytest.mark.parametrize("units, scale", [("m", 1.0), ("mm", 1e-3), ("cm", 1e-2)])
def test_a_laboratorys_c3d(units: str, scale: float, tmp_path: Path) -> None:
    ezc3d = pytest.importorskip("ezc3d")
    file = ezc3d.c3d()
    file["parameters"]["POINT"]["RATE"]["value"] = [50.0]
    file["parameters"]["POINT"]["UNITS"]["value"] = [units]
    file["parameters"]["POINT"]["LABELS"]["value"] = ["RShoulder", "LKnee"]
    points = np.ones((4, 2, 3)) * np.arange(1, 4)
    points[:3, 1, 2] = 0
    file["data"]["points"] = points
    file.write(str(tmp_path / "lab.c3d"))
    truth = read_points(tmp_path / "lab.c3d")
    np.testing.assert_allclose(truth.xyz[:, 0, 1], np.arange(1, 4) * scale, rtol=1e-6)
    assert np.isnan(truth.xyz[2, 1]).all() and truth.joints == ("right_shoulder", "left_knee")
    np.testing.assert_allclose(truth.time, [0, 0.02, 0.04])


@pytest.mark.parametrize("columns, scale", [("x y z", 1.0), ("x_mm y_mm z_mm", 1e-3), ("x_cm y_cm z_cm", 1e-2)])
def test_a_tidy_table_in_any_order(columns: str, scale: float, tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    rows = [(7, "nose", 1, 2, 3), (5, "l_knee", 4, 5, 6), (5, "nose", 7, 8, 9)]
    pd.DataFrame(rows, columns=["frame", "joint", *columns.split()]).to_csv(path, index=False)
    truth = read_points(path)
    assert truth.frame.tolist() == [5, 7] and truth.joints == ("nose", "left_knee") and truth.time is None
    np.testing.assert_allclose(truth.xyz[0] / scale, [[7, 8, 9], [4, 5, 6]])
    np.testing.assert_allclose(truth.xyz[1] / scale, [[1, 2, 3], [np.nan] * 3])


@pytest.mark.parametrize("name, text, sentence", [
    ("p.xlsx", "", "expected joints in space as .csv, .trc or .c3d, got .xlsx"),
    ("p.csv", "a,b\n1,2\n", "expected columns frame or time_s, joint, x, y, z, got a, b"),
    ("p.csv", "frame,joint,x,y,z\n1,nose,1,2,3\n1,nose,1,2,3\n", "one row for each frame and joint"),
    ("p.csv", "frame,joint,x,y,z\n1.5,nose,1,2,3\n", "frame: expected whole numbers, got float64"),
    ("p.csv", "frame,joint,x,y,z\n1,,1,2,3\n", "joint: expected a name in each row"),
    ("p.csv", "frame,joint,x,y,z\n1,nose,900,900,900\n", "expected metres, got a median .Z. of 900"),
    ("p.csv", "frame,joint,x,y,z\n1,nose,a,2,3\n", "cannot be read as CSV"),
    ("p.csv", "", "cannot be read as CSV"),
    ("p.trc", "hello\n", "cannot be read as TRC"),
    ("p.trc", TRC.format(blank="").replace("PathFileType", "Type"), "starts with PathFileType, got 'Type'"),
    ("p.trc", TRC.format(blank="").replace("mm", "inch"), "units: expected m, cm or mm, got 'inch'"),
    ("p.trc", TRC.format(blank="").replace("\tl.knee", "\tl.knee\tnose\tx\ty"), "expected 17 columns for 5 markers, got 9"),
    ("p.trc", TRC.format(blank="").replace("901", "far"), "cannot be read as TRC"),
])
def test_a_wrong_file_gets_a_sentence(name: str, text: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=rf"{name}.*{sentence}"):
        read_points(tmp_path / name)


def test_joints_called_the_same_are_refused(tmp_path: Path) -> None:
    (tmp_path / "p.trc").write_text(TRC.format(blank="").replace("l.knee", "Right Shoulder"))
    with pytest.raises(InvalidValue, match="expected 2 different names, got right_shoulder, right_shoulder"):
        read_points(tmp_path / "p.trc")


@pytest.mark.parametrize("write, ending", [(write_csv, "csv"), (write_trc, "trc"), (write_c3d, "c3d")])
def test_a_file_is_compared_like_our_own_poses(write: object, ending: str, tmp_path: Path) -> None:
    if ending == "c3d":
        pytest.importorskip("ezc3d")
    poses = holed()
    write(poses, tmp_path / f"p.{ending}")  # type: ignore[operator]
    read = poses_of(read_points(tmp_path / f"p.{ending}", "rectified"), CAMERA)
    assert read.skeleton is poses.skeleton and read.frame.tolist() == poses.frame.tolist()
    assert ((read.status == 0) == poses.found).all() and (read.score == poses.found).all()
    assert read.status[1, 2] == Status.MISSING_LEFT | Status.MISSING_RIGHT
    result = evaluate(read, Truth(poses.xyz + [0.003, 0, 0.004], poses.skeleton.joints, "rectified", poses.frame))
    np.testing.assert_allclose(result.error[poses.found], 0.005, atol=1e-6)


def test_points_without_numbers_or_times_or_of_another_camera() -> None:
    xyz, joints = np.ones((2, 2, 3)), ("left_hip", "right_hip")
    with pytest.raises(InvalidValue, match="expected numbers of frames, or times for all of them, got neither"):
        poses_of(Truth(xyz, joints, "left"), RIG)
    with pytest.raises(InvalidValue, match="expected rising times, got a usual step of -1 s"):
        poses_of(Truth(xyz, joints, "left", None, np.array([1.0, 0.0])), RIG)
    with pytest.raises(InvalidValue, match="whose joints are in the left frame, got a rectified one"):
        poses_of(Truth(xyz, joints, "left", np.arange(2)), CAMERA)
    assert np.isnan(poses_of(Truth(xyz, joints, "left", np.arange(2)), RIG).time).all()
    assert poses_of(Truth(xyz[:1], joints, "left", None, np.array([3.0])), RIG).frame.tolist() == [3]
