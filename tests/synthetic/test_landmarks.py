"""Joints of other skeletons: each where its name says, moving with its own bones."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.skeleton import COCO_17, INMOTION_19, MPII_16, OPENPOSE_18, SKELETONS, Skeleton, shared_joints
from stereo3d.synthetic.landmarks import landmarks
from stereo3d.synthetic.noise import DetectorNoise
from stereo3d.synthetic.scene import Setting, simulate_in

SCENE = simulate_in(Setting(weeks=40.0), seed=4, seconds=2.0, fps=10, noise=DetectorNoise())


def places(skeleton: Skeleton) -> dict[str, np.ndarray]:
    found = landmarks(SCENE.body, SCENE.posture, skeleton)
    return dict(zip(skeleton.joints, np.swapaxes(found, 0, 1)))


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda s: s.name)
def test_joints_of_one_name_are_one_place_and_all_are_known(skeleton: Skeleton) -> None:
    found = landmarks(SCENE.body, SCENE.posture, skeleton)
    assert found.shape == (20, len(skeleton), 3) and np.isfinite(found).all()
    mine, theirs = shared_joints(skeleton, COCO_17)
    assert np.array_equal(found[:, mine], SCENE.posture.joints[:, theirs])


def test_the_head_is_rigid_and_the_right_way_up() -> None:
    at, body = places(MPII_16) | places(INMOTION_19), SCENE.body
    for a, b, over in (("head_top", "nose", 0.30), ("head_top", "forehead", 0.21), ("head_top", "upper_neck", 0.27)):
        apart = np.linalg.norm(at[a] - at[b], axis=1)
        assert np.ptp(apart) < 1e-9 and apart[0] == pytest.approx(over * body.head, rel=0.12), (a, b)
    heights = [np.linalg.norm(at[joint] - at["pelvis"], axis=1) for joint in ("head_top", "forehead", "upper_neck", "thorax")]
    assert (np.diff(heights, axis=0) < 0).all(), "from the vertex down to the chest"


def test_iliac_spines_lie_outside_above_and_before_the_hips() -> None:
    at, coco = places(INMOTION_19), places(COCO_17)
    wide, hips = (np.linalg.norm(a["left_" + j] - a["right_" + j], axis=1) for a, j in ((at, "pelvis"), (coco, "hip")))
    assert np.allclose(hips / wide, 0.72)
    up, front = SCENE.posture.trunk[..., 1], SCENE.posture.trunk[..., 2]
    for side in ("left", "right"):
        way = at[f"{side}_pelvis"] - coco[f"{side}_hip"]
        assert np.allclose((way * up).sum(-1) / wide, 0.30) and np.allclose((way * front).sum(-1) / wide, 0.22)
    assert np.allclose(at["mid_pelvis"], (at["left_pelvis"] + at["right_pelvis"]) / 2)


def test_a_scene_tells_the_joints_of_the_skeleton_asked_for() -> None:
    other = simulate_in(Setting(weeks=40.0), seed=4, seconds=2.0, fps=10, noise=DetectorNoise(), skeleton=OPENPOSE_18)
    assert other.truth.skeleton.name == other.detections.left.skeleton.name == "OpenPose-18"
    neck = other.truth.xyz[:, OPENPOSE_18.index("neck")]
    assert np.allclose(neck, SCENE.truth.xyz[:, 5:7].mean(1))
    assert np.array_equal(other.posture.joints, SCENE.posture.joints), "the infant is the same"
