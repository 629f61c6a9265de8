"""Places in space where the lenses show them: against cv2.projectPoints. Skeletons of files that only name joints."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from tracks import truth_poses

from stereo3d.calibration.rectify import Rectifier
from stereo3d.cameras import Intrinsics, RectifiedCamera, StereoRig
from stereo3d.errors import InvalidValue, UsageError
from stereo3d.evaluation.points import points_of, turned
from stereo3d.evaluation.views import in_recorded_picture, skeleton_of
from stereo3d.skeleton import SKELETONS, Skeleton
from stereo3d.stereo import SIDES, Stereo

LENS = Intrinsics((1280, 720), 530.0, 531.0, 640.0, 360.0, [-0.04, 0.01, 1e-4, 1e-4, 0.0])
TRUTH = points_of(truth_poses())


def rig(turn: float, baseline: float = 0.12) -> StereoRig:
    return StereoRig(Stereo(LENS, LENS), Rotation.from_euler("y", turn).as_matrix(), [-baseline, 0.001, 0.002])


@pytest.mark.parametrize("turn, baseline, kind", [(0.004, 0.12, RectifiedCamera), (0.8, 0.6, StereoRig)])
def test_as_the_lenses_draw_them(turn: float, baseline: float, kind: type) -> None:
    """Also through a pair that cannot be rectified; what is behind the camera has no place."""
    cameras = rig(turn, baseline)
    rectifier = Rectifier(cameras)
    assert isinstance(rectifier.camera, kind)
    for side, pose in zip(SIDES, ((np.eye(3), np.zeros(3)), (cameras.rotation, cameras.translation))):
        xyz = TRUTH.xyz.reshape(-1, 3)
        expected, _ = cv2.projectPoints(xyz, pose[0], pose[1], LENS.matrix, LENS.distortion)
        found = in_recorded_picture(TRUTH, rectifier, side).xy.reshape(-1, 2)
        seen = (xyz @ pose[0].T + pose[1])[:, 2] > 0.3
        known = np.isfinite(found).all(1) & seen
        assert known.sum() > 20
        np.testing.assert_allclose(found[known], expected.reshape(-1, 2)[known], atol=1e-3)
    behind = dataclasses.replace(TRUTH, xyz=TRUTH.xyz * [1, 1, -1])
    assert np.isnan(in_recorded_picture(behind, rectifier, "left").xy).all()


def test_either_camera_of_the_joints_gives_the_same_picture() -> None:
    rectifier = Rectifier(rig(0.004))
    assert isinstance(rectifier.camera, RectifiedCamera)
    other = in_recorded_picture(turned(TRUTH, "rectified", rectifier.camera), rectifier, "left")
    np.testing.assert_allclose(other.xy, in_recorded_picture(TRUTH, rectifier, "left").xy, atol=1e-9)
    assert other.skeleton.name == "COCO-17"


def test_without_rectification_there_is_no_rectified_camera() -> None:
    with pytest.raises(UsageError, match="cannot be rectified; give the joints in the left camera as it was mounted"):
        in_recorded_picture(dataclasses.replace(TRUTH, camera="rectified"), Rectifier(rig(0.8, 0.6)), "left")
    with pytest.raises(UsageError, match="truth: has no video_frame"):
        in_recorded_picture(dataclasses.replace(TRUTH, frame=None), Rectifier(rig(0.8, 0.6)), "left")


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
