"""Which bones a skeleton has, which are of one length, and what is known of them beforehand."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d import skeleton as skeletons
from stereo3d.refinement.bones import bones_of
from stereo3d.skeleton import COCO_17, Skeleton


def test_left_and_right_are_of_one_kind() -> None:
    bones = bones_of(COCO_17)
    kinds: dict[int, set[str]] = {}
    for (i, j), kind in zip(bones.ends.tolist(), bones.kind.tolist()):
        kinds.setdefault(kind, set()).add(f"{COCO_17.joints[i]}-{COCO_17.joints[j]}")
    assert {"left_elbow-left_wrist", "right_elbow-right_wrist"} in kinds.values()
    assert {"left_shoulder-right_hip", "right_shoulder-left_hip"} in kinds.values()
    assert {"left_shoulder-left_hip", "right_shoulder-right_hip"} in kinds.values(), "not those across the trunk"


def test_names_say_which_kind() -> None:
    bones = bones_of(COCO_17)
    assert len(bones.names) == len(set(bones.names)) == len(bones.ratio)
    assert {"elbow-wrist", "hip-hip (across)", "hip-shoulder", "hip-shoulder (across)"} <= set(bones.names)
    limbs = {name for name, limb in zip(bones.names, bones.limb) if limb}
    assert limbs == {"elbow-shoulder", "elbow-wrist", "hip-knee", "ankle-knee"}


def test_beforehand_bodies_differ_as_a_whole_more_than_in_proportion() -> None:
    bones = bones_of(COCO_17)
    assert np.linalg.eigvalsh(bones.prior)[0] > 0
    between = bones.prior[0, 0] + bones.prior[1, 1] - 2 * bones.prior[0, 1]
    assert between < 0.1 * bones.prior[0, 0]
    loose = bones_of(COCO_17, looseness=2.0)
    np.testing.assert_allclose(loose.spread, 2 * bones.spread)


def test_bones_of_some_joints_are_numbered_anew() -> None:
    joints = np.array([5, 7, 9])
    part, kinds = bones_of(COCO_17).of_joints(joints)
    assert [part.names[k] for k in part.kind] == ["elbow-shoulder", "elbow-wrist"] and len(kinds) == 2
    assert sorted(joints[part.ends].tolist()) == sorted([[5, 7], [7, 9]])


def test_head_and_body_are_held_together_apart() -> None:
    parts = bones_of(COCO_17).bodies(17)
    assert [set(p) for p in map(np.ndarray.tolist, parts)] == [set(range(5)), set(range(5, 17))]
    assert bones_of(COCO_17).of_joints(np.array([0, 9]))[0].bodies(2) == []


def test_a_skeleton_of_other_names_has_its_own_bones_of_any_length() -> None:
    odd = Skeleton("odd", ("tip", "middle", "end"), ((0, 1), (1, 2)), None)
    bones = bones_of(odd)
    assert bones.ends.tolist() == [[0, 1], [1, 2]] and (bones.spread >= 0.5).all() and len(bones.names) == 2
    without = bones_of(Skeleton("dots", ("a", "b"), (), None))
    assert len(without) == 0 and without.bodies(2) == []


@pytest.mark.parametrize("name", [n for n in dir(skeletons) if isinstance(getattr(skeletons, n), Skeleton)])
def test_every_skeleton_of_the_toolkit_has_bones(name: str) -> None:
    bones = bones_of(getattr(skeletons, name))
    assert len(bones) > 3 and bones.ends.max() < len(getattr(skeletons, name))
