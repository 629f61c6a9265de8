"""Joints over time: shapes that belong together, tables, and the camera they are seen from."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from stereo3d.cameras import Intrinsics, RectifiedCamera, StereoRig
from stereo3d.errors import InvalidValue
from stereo3d.poses import Detections, Poses2D, Poses3D, Status, concatenate, status_words
from stereo3d.skeleton import BABYPOSE_12, COCO_17
from stereo3d.stereo import Stereo

TURN = Rotation.from_euler("xyz", [0.1, -0.2, 0.3]).as_matrix()
CAMERA = RectifiedCamera((1280, 720), 530.0, Stereo(640.0, 640.0), 360.0, 0.12, TURN)
LENS = Intrinsics((1280, 720), 530.0, 530.0, 640.0, 360.0)
RIG = StereoRig(Stereo(LENS, LENS), TURN, np.array([-0.12, 0, 0]))


def poses_3d(t=4, camera=CAMERA) -> Poses3D:
    xyz = np.random.default_rng(0).uniform(0.5, 0.9, (t, 12, 3))
    ones = np.ones((t, 12))
    clock = np.arange(t)
    return Poses3D(xyz, ones, xyz / 100, ones * 2, ones * 0, clock / 30, clock + 7, BABYPOSE_12, camera, {"by": "test"})


def poses_2d(t=4) -> Poses2D:
    ones = np.ones((t, 12))
    return Poses2D(np.ones((t, 12, 2)), ones, ones, np.arange(t) / 30, np.arange(t), BABYPOSE_12)


class TestShapes:
    @pytest.mark.parametrize("make", [poses_2d, poses_3d])
    @pytest.mark.parametrize("name, wrong", [("score", np.ones((4, 11))), ("sigma", np.ones(4)), ("time", np.ones(3)),
                                             ("frame", np.ones((4, 1)))])  # fmt: skip
    def test_belong_together(self, make, name, wrong):
        with pytest.raises(InvalidValue, match=f"^{name}: expected shape"):
            dataclasses.replace(make(), **{name: wrong})

    @pytest.mark.parametrize("name, wrong", [("xyz", np.ones((4, 12, 2))), ("residual", np.ones((1, 12))),
                                             ("status", np.ones((4, 12, 1)))])  # fmt: skip
    def test_of_3d(self, name, wrong):
        with pytest.raises(InvalidValue, match=f"^{name}: expected shape"):
            dataclasses.replace(poses_3d(), **{name: wrong})

    @pytest.mark.parametrize("make", [poses_2d, poses_3d])
    def test_skeleton_has_as_many_joints(self, make):
        with pytest.raises(InvalidValue, match="skeleton: expected 12 joints, got 17 of COCO-17"):
            dataclasses.replace(make(), skeleton=COCO_17)

    def test_of_detections(self):
        found = Detections(np.ones((2, 3, 2)), np.ones((2, 3)), np.full((2, 3), np.nan))
        assert found.xy.shape == (2, 3, 2) and not found.sigma.flags.writeable
        with pytest.raises(InvalidValue, match=r"score: expected shape \(2, 3\)"):
            dataclasses.replace(found, score=np.ones(2))

    @pytest.mark.parametrize("make", [poses_2d, poses_3d])
    @pytest.mark.parametrize("t", [0, 1, 5])
    def test_length_is_the_number_of_frames(self, make, t):
        poses = make(t)
        assert len(poses) == t and poses == make(t) and poses.frame.dtype == np.int64
        assert not any(getattr(poses, n).flags.writeable for n in ("score", "sigma", "time", "frame"))


class TestPoses3D:
    def test_found_is_where_all_three_numbers_are(self):
        xyz = poses_3d().xyz.copy()
        xyz[0, 0, 2], xyz[1, 1], xyz[2, 2, 0] = np.nan, np.nan, np.inf
        found = dataclasses.replace(poses_3d(), xyz=xyz).found
        assert (~found).sum() == 3 and not (found[0, 0] or found[1, 1] or found[2, 2])

    def test_in_left_camera_turns_what_was_rectified(self):
        poses = poses_3d()
        turned = poses.in_left_camera()
        np.testing.assert_allclose(turned[1, 2], TURN @ poses.xyz[1, 2])
        np.testing.assert_allclose(np.linalg.norm(turned, axis=-1), np.linalg.norm(poses.xyz, axis=-1))

    def test_in_left_camera_leaves_the_rest(self):
        poses = poses_3d(camera=RIG)
        np.testing.assert_array_equal(poses.in_left_camera(), poses.xyz)

    def test_origin_is_its_own(self):
        origin = {"by": "test"}
        poses = dataclasses.replace(poses_3d(), origin=origin)
        origin["by"] = "other"
        assert poses.origin == {"by": "test"}

    def test_other_content_is_not_equal(self):
        assert poses_3d() != dataclasses.replace(poses_3d(), origin={}) and poses_3d() != poses_3d(camera=RIG)


class TestToFrame:
    def test_has_a_row_for_each_frame_and_joint(self):
        poses = dataclasses.replace(poses_3d(2), status=[[0, 8, 24] + [1] * 9] * 2)
        table = poses.to_frame()
        assert list(table.columns) == ["frame", "time", "joint", "x", "y", "z", "sigma_x", "sigma_y", "sigma_z",
                                       "score", "residual", "status"]  # fmt: skip
        assert len(table) == 24 and table.frame.tolist() == [7] * 12 + [8] * 12
        row = table.iloc[13]
        assert row.joint == BABYPOSE_12.joints[1] and row.status == "row_mismatch"
        np.testing.assert_array_equal(row[["x", "y", "z"]].to_numpy(float), poses.xyz[1, 1])
        np.testing.assert_array_equal(row[["sigma_x", "sigma_y", "sigma_z"]].to_numpy(float), poses.sigma[1, 1])
        assert table.status[:3].tolist() == ["ok", "row_mismatch", "row_mismatch+depth_range"]

    def test_of_nothing_is_empty(self):
        assert len(poses_3d(0).to_frame()) == 0


@pytest.mark.parametrize("code, words", [(0, "ok"), (1, "missing_left"), (3, "missing_left+missing_right"),
                                         (4, "low_score"), (8 | 16, "row_mismatch+depth_range")])  # fmt: skip
def test_status_in_words(code, words):
    assert status_words(code) == words
    assert code == 0 or sum(Status[word.upper()] for word in words.split("+")) == code


class TestConcatenate:
    @given(st.lists(st.integers(0, 7), min_size=0, max_size=4))
    def test_undoes_a_cut_anywhere(self, cuts):
        whole = poses_3d(7)
        ends = [0, *sorted(cuts), 7]

        def cut(a, b):
            arrays = ("xyz", "score", "sigma", "residual", "status", "time", "frame")
            return dataclasses.replace(whole, **{n: getattr(whole, n)[a:b] for n in arrays})

        assert concatenate([cut(a, b) for a, b in itertools.pairwise(ends)]) == whole

    def test_of_2d(self):
        both = concatenate([poses_2d(2), poses_2d(3)])
        assert len(both) == 5 and both.frame.tolist() == [0, 1, 0, 1, 2] and both.skeleton == BABYPOSE_12


def test_parts_of_different_skeletons_are_not_joined() -> None:
    with pytest.raises(InvalidValue, match="expected some of one skeleton, got"):
        concatenate([])
    one, other = (
        Poses2D(np.zeros((1, len(s), 2)), np.zeros((1, len(s))), np.zeros((1, len(s))), [0.0], [0], s)
        for s in (COCO_17, BABYPOSE_12)
    )
    with pytest.raises(InvalidValue, match="BabyPose-12.*COCO-17"):
        concatenate([one, other])
