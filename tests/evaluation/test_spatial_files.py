"""Joints in space come in from other people's files, in metres, with what is missing as NaN."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_storage import RIG, poses3d

from stereo3d.errors import InputError, InvalidValue, UsageError
from stereo3d.evaluation.files.spatial import read_points
from stereo3d.export.c3d import write_c3d
from stereo3d.export.tables import write_csv
from stereo3d.export.trc import write_trc
from stereo3d.poses import Poses3D

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
    truth = read_points(tmp_path / f"p.{ending}")
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


@pytest.mark.parametrize("ending", ["csv", "trc", "c3d"])
def test_ours_say_whose_camera_they_are_in(ending: str, tmp_path: Path) -> None:
    if ending == "c3d":
        pytest.importorskip("ezc3d")
    write = {"csv": write_csv, "trc": write_trc, "c3d": write_c3d}[ending]
    path = tmp_path / f"p.{ending}"
    for poses, camera, other in ((poses3d(4), "rectified", "left"), (dataclasses.replace(poses3d(4), camera=RIG), "left", "rectified")):
        write(poses, path)
        assert read_points(path).camera == read_points(path, camera).camera == camera
        assert read_points(path, other, strict=False).camera == camera
        with pytest.raises(UsageError, match=f"says that its joints are in the {camera} camera, got '{other}'"):
            read_points(path, other)


WIDE = "frame,time,nose_x_mm,nose_y_mm,nose_z_mm,R Wrist.x_mm,R Wrist.y_mm,R Wrist.z_mm,nose_error\n3,0.1,10,20,700,1,2,3,0.5\n5,0.2,11,21,701,,,,1\n"


def test_a_wide_table(tmp_path: Path) -> None:
    path = tmp_path / "w.csv"
    path.write_text(WIDE)
    found = read_points(path, "rectified")
    assert found.joints == ("nose", "right_wrist") and found.frame.tolist() == [3, 5] and found.time.tolist() == [0.1, 0.2]
    np.testing.assert_allclose(found.xyz[0], [[0.01, 0.02, 0.7], [0.001, 0.002, 0.003]])
    assert np.isnan(found.xyz[1, 1]).all() and found.camera == "rectified"
    path.write_text("time_s,nose_x,nose_y,nose_z\n0.5,1,2,3\n")
    assert read_points(path, unit="cm").xyz[0, 0].tolist() == pytest.approx([0.01, 0.02, 0.03]) and read_points(path).frame is None
    path.write_text("fnum,nose_x,nose_y,nose_z\n7,1,2,3\n")
    assert read_points(path).frame.tolist() == [7] and read_points(path).time is None


@pytest.mark.parametrize("text, sentence", [
    ("frame,nose_x,nose_y\n1,2,3\n", "expected columns joint_x, joint_y, joint_z, got frame, nose_x, nose_y"),
    ("frame,nose_x_mm,nose_y,nose_z\n1,2,3,4\n", "units: expected one for all, got None, mm"),
    ("frame,joint,x_mm,y_mm,z\n1,nose,2,3,4\n", "units: expected one for all, got None, mm"),
    ("frame,joint,x,y,z,camera\n1,nose,2,3,4,left\n2,nose,2,3,4,rectified\n", "camera: expected one for all, got left, rectified"),
    ("frame,joint,x,y,z,camera\n1,nose,2,3,4,world\n", "camera: expected left or rectified, got 'world'"),
    ("nose_x,nose_y,nose_z\n1,2,3\n", "expected columns frame or time_s, joint, x, y, z, got nose_x"),
])
def test_tables_that_contradict_themselves(text: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(InputError, match=rf"p.csv.*{sentence}"):
        read_points(tmp_path / "p.csv")


def test_a_laboratory_that_names_no_unit(tmp_path: Path) -> None:
    (tmp_path / "p.trc").write_text(TRC.format(blank="").replace("Units", "Other"))
    with pytest.raises(InputError, match="units: expected m, cm or mm, got ''"):
        read_points(tmp_path / "p.trc")
    assert read_points(tmp_path / "p.trc", unit="mm").xyz[0, 0, 2] == pytest.approx(0.9)


def test_a_table_that_would_take_far_more_than_its_bytes_is_refused(tmp_path: Path) -> None:
    """A joint of its own in each frame makes the square of the rows."""
    path = tmp_path / "p.csv"
    path.write_text("frame,joint,x_m,y_m,z_m\n" + "".join(f"{i},j{min(i, 999)},1,2,3\n" for i in range(30_000)))
    with pytest.raises(InputError, match="1000 joints in each of 30000 frames claims"):
        read_points(path)
    path.write_text("frame," + ",".join(f"j{i}_{a}" for i in range(1001) for a in "xyz") + "\n" + "1," * 3003 + "1\n")
    with pytest.raises(InputError, match="up to 1000 joints, got 1001"):
        read_points(path)
