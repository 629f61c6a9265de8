"""Joints, bones and mirrors of the published skeletons, and names as other people write them."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.errors import InvalidValue, UsageError
from stereo3d.skeleton import (
    BABYPOSE_12,
    COCO_17,
    CROWDPOSE_14,
    INMOTION_19,
    MPII_16,
    OPENPOSE_18,
    SKELETONS,
    Skeleton,
    joint_name,
    shared_joints,
    skeleton_named,
)

ALL = list(SKELETONS.values())
by_name = pytest.mark.parametrize("skeleton", ALL, ids=[s.name for s in ALL])


class TestEach:
    @by_name
    def test_has_as_many_joints_as_its_name_says(self, skeleton):
        assert len(skeleton) == len(skeleton.joints) == int(skeleton.name.rpartition("-")[2])

    @by_name
    def test_mirrored_twice_is_itself_and_pairs_are_of_two_sides(self, skeleton):
        mirror = skeleton.mirror
        np.testing.assert_array_equal(mirror[mirror], np.arange(len(skeleton)))
        for joint, twin in zip(skeleton.joints, np.array(skeleton.joints)[mirror]):
            side, _, rest = joint.partition("_")
            other = {"left": "right_", "right": "left_"}.get(side)
            assert twin == (other + rest if other else joint)

    @by_name
    def test_mirrored_has_the_same_bones(self, skeleton):
        bones = {frozenset(b) for b in skeleton.bones}
        assert {frozenset(skeleton.mirror[list(b)].tolist()) for b in skeleton.bones} == bones
        assert len(bones) == len(skeleton.bones) and all(len(b) == 2 for b in bones)

    @by_name
    def test_names_are_written_as_ours(self, skeleton):
        assert tuple(map(joint_name, skeleton.joints)) == skeleton.joints
        assert [skeleton.index(j) for j in skeleton.joints] == list(range(len(skeleton)))

    @by_name
    def test_torso_is_the_right_side_of_the_trunk(self, skeleton):
        hip, shoulder = (skeleton.joints[i] for i in skeleton.torso)
        assert hip in ("right_hip", "right_pelvis") and shoulder == "right_shoulder"

    @by_name
    def test_is_found_by_its_name(self, skeleton):
        assert skeleton_named(skeleton.name) is skeleton


class TestPublishedOrders:
    """Spot values from the data sets' own definitions."""

    @pytest.mark.parametrize("skeleton, joints", [
        (COCO_17, {0: "nose", 1: "left_eye", 5: "left_shoulder", 10: "right_wrist", 16: "right_ankle"}),
        (CROWDPOSE_14, {0: "left_shoulder", 6: "left_hip", 12: "head_top", 13: "upper_neck"}),
        (BABYPOSE_12, {0: "right_wrist", 3: "left_shoulder", 11: "left_ankle"}),
        (MPII_16, {0: "head_top", 5: "thorax", 9: "pelvis", 10: "right_hip", 15: "left_ankle"}),
        (INMOTION_19, {0: "forehead", 8: "upper_chest", 12: "mid_pelvis", 18: "left_ankle"}),
        (OPENPOSE_18, {0: "nose", 1: "neck", 2: "right_shoulder", 8: "right_hip", 17: "left_ear"}),
    ])  # fmt: skip
    def test_of_joints(self, skeleton, joints):
        assert {i: skeleton.joints[i] for i in joints} == joints

    def test_of_oks_constants(self):
        assert COCO_17.oks_sigmas[0] == 0.026 and sum(COCO_17.oks_sigmas) == pytest.approx(1.138)
        assert CROWDPOSE_14.oks_sigmas[6:8] == (0.107, 0.107) and MPII_16.oks_sigmas is None


class TestShared:
    def test_are_the_same_joints_in_both(self):
        for a in ALL:
            for b in ALL:
                i, j = shared_joints(a, b)
                assert [a.joints[k] for k in i] == [b.joints[k] for k in j]
                assert set(a.joints) & set(b.joints) == {a.joints[k] for k in i} and i.dtype.kind == "i"

    def test_places_that_only_sound_alike_are_not_shared(self):
        i, _ = shared_joints(MPII_16, INMOTION_19)
        assert not {"pelvis", "right_hip"} & {MPII_16.joints[k] for k in i}

    def test_none(self):
        i, j = shared_joints(COCO_17, Skeleton("tail", ("tail",), (), None))
        assert len(i) == len(j) == 0


@pytest.mark.parametrize("written, ours", [
    ("RShoulder", "right_shoulder"), ("r_sho", "right_shoulder"), ("Left Wrist", "left_wrist"),
    ("l.knee", "left_knee"), ("LEFT_HIP", "left_hip"), ("leftWrist", "left_wrist"), ("elbow_r", "right_elbow"),
    ("shoulder_left", "left_shoulder"), ("LSho", "left_shoulder"), ("l-ankle", "left_ankle"),
    ("r_elb", "right_elbow"), ("l_kne", "left_knee"), ("R.Ankle", "right_ankle"), ("r_wri", "right_wrist"),
    ("Nose", "nose"), ("headTop", "head_top"), ("head", "head_top"), ("upper neck", "upper_neck"),
    ("MidHip", "mid_hip"), ("LBigToe", "left_big_toe"), ("rank", "rank"), ("left", "left"), ("", ""),
])  # fmt: skip
def test_names_of_others(written, ours):
    assert joint_name(written) == ours


class TestWrongOnes:
    @pytest.mark.parametrize("fields, message", [
        ({"joints": ("a", "a")}, "joints: expected 2 different names"),
        ({"bones": ((0, 2),)}, "expected pairs of joints 0 to 1"),
        ({"bones": ((-1, 0),)}, "expected pairs of joints 0 to 1"),
        ({"torso": (0, 5)}, "expected pairs of joints 0 to 1"),
        ({"oks_sigmas": (0.1,)}, "oks_sigmas: expected 2 to go with joints, got 1"),
    ])  # fmt: skip
    def test_are_refused(self, fields, message):
        with pytest.raises(InvalidValue, match=message):
            Skeleton(**{"name": "two", "joints": ("a", "b"), "bones": ((0, 1),), "torso": None} | fields)

    def test_names_get_the_nearest(self):
        with pytest.raises(UsageError, match="unknown joint of COCO-17 'left_elbo': did you mean 'left_elbow'"):
            COCO_17.index("left_elbo")
        with pytest.raises(UsageError, match="unknown skeleton 'COCO17': did you mean 'COCO-17'"):
            skeleton_named("COCO17")


def test_a_side_without_its_other_one_is_refused() -> None:
    with pytest.raises(InvalidValue, match="got left_hand alone"):
        Skeleton("odd", ("nose", "left_hand"), (), None)
    with pytest.raises(InvalidValue, match="expected pairs of joints"):
        Skeleton("odd", ("nose", "chin"), ((0, 1, 0),), None)  # type: ignore[arg-type]
