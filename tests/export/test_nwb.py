"""NWB with ndx-pose, read back and validated by pynwb."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from gapped import gapped
from test_storage import RIG, poses3d

from stereo3d.export import export

pynwb = pytest.importorskip("pynwb")
pytest.importorskip("ndx_pose")


def test_joints_come_back(tmp_path: Path) -> None:
    poses = gapped()
    with pynwb.NWBHDF5IO(str(export(poses, tmp_path / "p.nwb")), "r") as stream:
        file = stream.read()
        pose = file.processing["behavior"]["PoseEstimation"]
        for k, joint in enumerate(poses.skeleton.joints):
            series = pose[joint]
            np.testing.assert_array_equal(series.data[:], poses.xyz[:, k])
            np.testing.assert_array_equal(series.confidence[:], poses.score[:, k])
            np.testing.assert_array_equal(series.timestamps[:], poses.time)
            assert series.unit == "meters" and "y down" in series.reference_frame
        assert list(pose.skeleton.nodes[:]) == list(poses.skeleton.joints)
        np.testing.assert_array_equal(pose.skeleton.edges[:], poses.skeleton.bones)
        assert file.session_start_time.year == 1970 and file.subject is None


def test_it_is_valid(tmp_path: Path) -> None:
    path = export(gapped(), tmp_path / "p.nwb")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert pynwb.validate(path=str(path)) == []


def test_the_frame_of_a_plain_rig_is_said(tmp_path: Path) -> None:
    with pynwb.NWBHDF5IO(str(export(poses3d(2, RIG), tmp_path / "p.nwb")), "r") as stream:
        series = stream.read().processing["behavior"]["PoseEstimation"]["nose"]
        assert "centre of the left camera" in series.reference_frame


def test_the_same_joints_have_the_same_identifier(tmp_path: Path) -> None:
    def identifier(name: str, n: int) -> str:
        with pynwb.NWBHDF5IO(str(export(poses3d(n), tmp_path / name)), "r") as stream:
            return str(stream.read().identifier)

    assert identifier("a.nwb", 3) == identifier("b.nwb", 3) != identifier("c.nwb", 4)
