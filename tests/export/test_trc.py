"""TRC, read back by its specification: five lines of header, one empty, tabs between."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from gapped import gapped
from test_storage import RIG, poses3d

from stereo3d.export import export


def read(path: Path) -> tuple[dict[str, str], list[str], np.ndarray, str]:
    """Header values, marker names, numbers (T, 2 + 3 K) and the first line."""
    first, keys, values, names, axes, empty, *body = path.read_text().split("\n")
    assert empty == "" and body.pop() == ""
    columns = len(axes.split("\t"))
    numbers = [[float(cell) if cell else np.nan for cell in line.split("\t")] for line in body]
    assert all(len(line) == columns for line in numbers)
    return (
        dict(zip(keys.split("\t"), values.split("\t"), strict=True)),
        names.split("\t")[2::3],
        np.array(numbers).reshape(-1, columns),
        first,
    )


def test_joints_come_back(tmp_path: Path) -> None:
    poses = gapped()
    about, names, numbers, first = read(export(poses, tmp_path / "p.trc"))
    assert names == list(poses.skeleton.joints)
    np.testing.assert_allclose(numbers[:, 2:].reshape(poses.xyz.shape), poses.xyz, atol=1e-7)
    np.testing.assert_allclose(numbers[:, 1], poses.time, atol=1e-6)
    assert numbers[:, 0].tolist() == (poses.frame + 1).tolist()
    assert first == "PathFileType\t4\t(X/Y/Z)\taxes x right y down z away from the rectified left camera"
    assert about["Units"] == "m" and about["NumMarkers"] == "17" and about["NumFrames"] == "8"
    assert float(about["DataRate"]) == 30 and about["OrigDataStartFrame"] == "61"


def test_a_joint_without_depth_is_missing(tmp_path: Path) -> None:
    poses = poses3d(2)
    xyz = poses.xyz.copy()
    xyz[1, 4, 2] = np.nan
    holed = type(poses)(xyz, *(getattr(poses, f) for f in list(poses.__slots__)[1:]))
    numbers = read(export(holed, tmp_path / "p.trc"))[2]
    assert np.isnan(numbers[1, 2 + 12 : 2 + 15]).all() and np.isnan(numbers).sum() == 3


def test_the_frame_of_a_plain_rig_is_said(tmp_path: Path) -> None:
    assert read(export(poses3d(2, RIG), tmp_path / "p.trc"))[3].endswith("from the left camera")


def test_no_frames(tmp_path: Path) -> None:
    about, names, numbers, _ = read(export(poses3d(0), tmp_path / "p.trc"))
    assert about["NumFrames"] == "0" and len(names) == 17 and len(numbers) == 0
