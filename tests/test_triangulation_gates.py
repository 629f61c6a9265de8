"""A joint that fails a gate loses its place and says why; views and rigs that do not belong together are refused."""

from __future__ import annotations

import dataclasses
import json

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from projected import OPEN, ZED, general_rig, infant, noisy, rig_of, view, views

from stereo3d.errors import CalibrationError, InvalidValue
from stereo3d.poses import Status
from stereo3d.skeleton import BABYPOSE_12, COCO_17
from stereo3d.stereo import Stereo
from stereo3d.triangulation import Gates, misfit, triangulate

CASES = {
    "fine": ((700, 300), (640, 303), 0.9, 0.9, Status.OK),
    "left missing": ((np.nan, np.nan), (640, 300), 0.9, 0.9, Status.MISSING_LEFT),
    "half missing": ((700, np.nan), (640, 300), 0.9, 0.9, Status.MISSING_LEFT),
    "right missing": ((700, 300), (np.inf, 300), 0.9, 0.9, Status.MISSING_RIGHT),
    "both missing": ((np.nan, 1), (1, np.nan), 0.9, 0.9, Status.MISSING_LEFT | Status.MISSING_RIGHT),
    "missing without a score": ((np.nan, 1), (640, 300), 0.0, 0.9, Status.MISSING_LEFT | Status.LOW_SCORE),
    "low score": ((700, 300), (640, 300), 0.9, 0.01, Status.LOW_SCORE),
    "score at the gate": ((700, 300), (640, 300), 0.05, 0.9, Status.OK),
    "score unknown": ((700, 300), (640, 300), np.nan, np.nan, Status.OK),
    "one score unknown, the other low": ((700, 300), (640, 300), np.nan, 0.01, Status.LOW_SCORE),
    "rows 20 apart": ((700, 319.9), (640, 300), 0.9, 0.9, Status.OK),
    "rows further apart": ((700, 300), (640, 320.1), 0.9, 0.9, Status.ROW_MISMATCH),
    "too near": ((1275, 300), (630, 300), 0.9, 0.9, Status.DEPTH_RANGE),
    "too far": ((700, 300), (688.5, 300), 0.9, 0.9, Status.DEPTH_RANGE),
    "behind": ((600, 300), (640, 300), 0.9, 0.9, Status.DEPTH_RANGE),
    "at infinity": ((708, 300), (700, 300), 0.9, 0.9, Status.DEPTH_RANGE),
    "all wrong": ((600, 300), (640, 340), 0.0, 0.9, Status.LOW_SCORE | Status.ROW_MISMATCH | Status.DEPTH_RANGE),
}


class TestGates:
    @pytest.mark.parametrize("camera", [ZED, rig_of(ZED)], ids=["rectified", "rig"])
    @pytest.mark.parametrize("case", CASES)
    def test_say_why(self, camera, case):
        left, right, score, score_right, status = CASES[case]
        found = triangulate(Stereo(view([[left]], score=score), view([[right]], score=score_right)), camera)
        assert Status(int(found.status[0, 0])) == status
        refused = status != Status.OK
        assert np.isnan(found.xyz).all() == refused and np.isnan(found.sigma).all() == refused
        seen = not status & (Status.MISSING_LEFT | Status.MISSING_RIGHT)
        assert np.isfinite(found.residual[0, 0]) == seen

    def test_residual_is_signed(self):
        for camera in (ZED, rig_of(ZED), rig_of(dataclasses.replace(ZED, baseline=-0.12))):
            found = triangulate(Stereo(view([[(700, 303)]]), view([[(640, 300)]])), camera, OPEN)
            assert found.residual[0, 0] == pytest.approx(3, abs=1e-9)

    def test_residual_is_the_distance_from_the_epipolar_lines(self):
        """The mean of both points' distances, as OpenCV's lines have it."""
        rig = general_rig()
        joints = noisy(views(rig, infant(depth=(2, 4))), 8.0)
        skew = np.array([[0, -rig.translation[2], rig.translation[1]], [rig.translation[2], 0, -rig.translation[0]],
                         [-rig.translation[1], rig.translation[0], 0]])  # fmt: skip
        inverse = rig.cameras.map(lambda c: np.linalg.inv(c.matrix))
        fundamental = inverse.right.T @ skew @ rig.rotation @ inverse.left
        flat = joints.map(lambda p: p.xy.reshape(-1, 2))
        off = []
        for i, (here, there) in enumerate([flat, (flat.right, flat.left)]):
            lines = cv2.computeCorrespondEpilines(here[:, None], i + 1, fundamental).reshape(-1, 3)
            off.append(np.abs((lines * np.column_stack([there, np.ones(len(there))])).sum(1)))
        residual = triangulate(joints, rig).residual
        np.testing.assert_allclose(np.abs(residual).ravel(), np.mean(off, 0), rtol=1e-6)
        assert (residual > 0).any() and (residual < 0).any()

    @pytest.mark.parametrize("height, off, status", [(720, 25, Status.ROW_MISMATCH), (1080, 25, Status.OK),
                                                     (376, 12, Status.ROW_MISMATCH)])  # fmt: skip
    def test_the_row_gate_grows_with_the_picture(self, height, off, status):
        camera = dataclasses.replace(ZED, size=(1280, height))
        joints = Stereo(view([[(700, 300)]]), view([[(640, 300 + off)]]))
        assert triangulate(joints, camera).status[0, 0] == status
        assert triangulate(joints, rig_of(camera)).status[0, 0] == status

    def test_a_point_behind_the_right_camera_alone_is_refused(self):
        rig = general_rig(angles=(0, 0, 0), translation=(-0.5, 0, -1.5))
        found = triangulate(views(rig, [[[0.1, 0.1, 1.0]]]), rig)
        assert found.status[0, 0] == Status.DEPTH_RANGE

    def test_depth_bounds_are_taken_in(self):
        gates = Gates(depth=(0.5, 2.0))
        found = triangulate(views(ZED, [[[0, 0, z] for z in (0.49, 0.51, 1.99, 2.01)]]), ZED, gates)
        assert (found.status == Status.DEPTH_RANGE).tolist() == [[True, False, False, True]]

    @pytest.mark.parametrize("wrong", [{"depth": (2, 1)}, {"depth": (0, 1)}, {"depth": (1, 2, 3)}, {"row": -1},
                                       {"row": np.nan}, {"score": "high"}, {"depth": (0, np.inf)}])  # fmt: skip
    def test_must_be_sensible(self, wrong):
        with pytest.raises(InvalidValue, match=f"^{next(iter(wrong))}: expected"):
            Gates(**wrong)

    def test_from_a_file_are_the_same(self):
        assert Gates(row=0).row == 0 and Gates(depth=[0.1, 10]) == Gates() and isinstance(Gates(depth=[1, 2]).depth, tuple)

    def test_are_kept_with_the_result(self):
        origin = triangulate(views(ZED, infant()), ZED, Gates(row=7)).origin
        assert json.loads(json.dumps(origin)) == {"triangulate": {"score": 0.05, "row": 7.0, "depth": [0.1, 10.0]}}

    @settings(max_examples=50)
    @given(st.lists(st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 640.0, 1e300, -1e300]), min_size=4, max_size=4),
           st.sampled_from([np.nan, np.inf, 0.0, -1.0, 1.0, 1e300]))  # fmt: skip
    def test_nothing_crashes_or_warns(self, numbers, sigma):
        joints = Stereo(view([[numbers[:2]]], sigma), view([[numbers[2:]]], sigma))
        for camera in (ZED, rig_of(ZED), general_rig()):
            found = triangulate(joints, camera)
            assert np.isfinite(found.xyz).all() or found.status[0, 0]

    @pytest.mark.parametrize("camera", [ZED, general_rig()], ids=["rectified", "rig"])
    @pytest.mark.parametrize("shape", [(0, 17), (3, 0), (0, 0)])
    def test_nothing_gives_nothing(self, camera, shape):
        joints = Stereo(*[view(np.zeros((*shape, 2)))] * 2)
        found = triangulate(joints, camera)
        assert found.xyz.shape == (*shape, 3) and misfit(found) is None


class TestViewsThatDoNotBelongTogether:
    def test_another_skeleton(self):
        joints = Stereo(view(np.zeros((2, 17, 2)), of=COCO_17), view(np.zeros((2, 12, 2)), of=BABYPOSE_12))
        with pytest.raises(InvalidValue, match="COCO-17 on the left, BabyPose-12 on the right"):
            triangulate(joints, ZED)

    def test_other_frames(self):
        left = view(np.zeros((3, 1, 2)))
        with pytest.raises(InvalidValue, match="as many frames in both views, got 3 and 2"):
            triangulate(Stereo(left, view(np.zeros((2, 1, 2)))), ZED)
        with pytest.raises(InvalidValue, match="same frame in both views, got 1 and 7 in row 1"):
            triangulate(Stereo(left, dataclasses.replace(left, frame=[0, 7, 2])), ZED)
        with pytest.raises(InvalidValue, match="same time in both views, got 0.0 and 0.5 in row 0"):
            triangulate(Stereo(left, dataclasses.replace(left, time=left.time + 0.5)), ZED)

    def test_unknown_times_are_the_same(self):
        joints = views(ZED, infant()).map(lambda p: dataclasses.replace(p, time=np.full(len(p), np.nan)))
        assert not triangulate(joints, ZED).status.any()

    def test_a_rig_with_lens_distortion(self):
        rig = general_rig()
        bent = dataclasses.replace(rig.cameras.right, distortion=[0, 0, 0, 0, 0.1])
        joints = views(rig, infant())
        with pytest.raises(CalibrationError, match="without lens distortion.*Rectifier"):
            triangulate(joints, dataclasses.replace(rig, cameras=Stereo(rig.cameras.left, bent)))
        straight = dataclasses.replace(rig.cameras.right, distortion=np.zeros(5))
        triangulate(joints, dataclasses.replace(rig, cameras=Stereo(rig.cameras.left, straight)))


class TestMisfit:
    @pytest.mark.parametrize("camera, depth", [(ZED, (0.5, 0.9)), (general_rig(), (2, 4))], ids=["rectified", "wide"])
    @pytest.mark.parametrize("sigma", [0, 3, 8])
    def test_is_silent_on_noise(self, camera, depth, sigma):
        found = triangulate(noisy(views(camera, infant(depth=depth)), sigma), camera)
        assert misfit(found) is None

    @pytest.mark.parametrize("camera", [ZED, rig_of(ZED)], ids=["rectified", "rig"])
    def test_swapped_views_are_told(self, camera):
        joints = views(camera, infant())
        said = misfit(triangulate(Stereo(joints.right, joints.left), camera))
        assert said is not None
        assert "got 0 of 680 seen in both views: median row mismatch 0.0 px, 0% beyond the row gate, 100%" in said
        assert said.endswith("probably left and right are swapped, in the recording or in the rig")

    def test_another_rig_is_told(self):
        other = rig_of(dataclasses.replace(ZED, size=(1080, 1920)))
        found = triangulate(views(general_rig(), infant(depth=(2, 4))), other)
        assert "another camera, resolution or rectification" in str(misfit(found))

    def test_few_joints_are_not_judged(self):
        joints = views(ZED, infant(n=1, k=29))
        assert misfit(triangulate(Stereo(joints.right, joints.left), ZED)) is None
        joints = views(ZED, infant(n=1, k=30))
        assert misfit(triangulate(Stereo(joints.right, joints.left), ZED)) is not None

    @pytest.mark.parametrize("swapped, told", [(80, False), (81, True)])
    def test_a_fifth_that_fits_is_enough(self, swapped, told):
        right, wrong = infant(n=1, k=100 - swapped), views(ZED, infant(n=1, k=swapped))
        fine = views(ZED, right)
        mixed = Stereo(*(
            view(np.concatenate([a.xy, b.xy], 1)) for a, b in ((fine.left, wrong.right), (fine.right, wrong.left))
        ))  # fmt: skip
        assert (misfit(triangulate(mixed, ZED)) is not None) == told

    def test_joints_without_a_score_do_not_count(self):
        joints = views(ZED, infant(), score=0.0)
        assert misfit(triangulate(Stereo(joints.right, joints.left), ZED)) is None
