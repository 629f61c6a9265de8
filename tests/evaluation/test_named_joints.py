"""A list of names becomes a skeleton."""

from __future__ import annotations

import pytest

from stereo3d.errors import InvalidValue
from stereo3d.evaluation.named_joints import skeleton_of
from stereo3d.skeleton import SKELETONS, Skeleton


@pytest.mark.parametrize("known", SKELETONS.values(), ids=lambda s: s.name)
def test_a_known_list_is_the_known_skeleton(known: Skeleton) -> None:
    assert skeleton_of("file", [joint.title() for joint in known.joints]) is known


def test_other_lists_get_the_bones_of_all() -> None:
    made = skeleton_of("file", ["RHip", "LHip", "r_knee", "l_knee", "tail", "RShoulder", "LShoulder"])
    bones = {frozenset((made.joints[a], made.joints[b])) for a, b in made.bones}
    sides = [{f"{side}_hip", f"{side}_{end}"} for side in ("left", "right") for end in ("knee", "shoulder")]
    across = [{"left_hip", "right_hip"}, {"left_shoulder", "right_shoulder"}]
    assert bones == {frozenset(b) for b in sides + across} and made.name == "file"
    assert made.torso == (0, 5) and made.joints[4] == "tail"


def test_without_trunk_there_is_no_torso() -> None:
    assert skeleton_of("file", ["nose", "neck"]).torso is None
    assert len(skeleton_of("file", [])) == 0


@pytest.mark.parametrize("joints", [["nose", "Nose"], ["left_hip"]])
def test_wrong_lists_are_refused(joints: list[str]) -> None:
    with pytest.raises(InvalidValue, match="joints: expected"):
        skeleton_of("file", joints)
