"""Predictions brought to the same frames and joints, in space and in pictures."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from takes import LEVELS, infants, predicted, seen_by, without
from tracks import CAMERA, TURN, off_by, poses_at, rows, truth_poses

from stereo3d import storage
from stereo3d.cameras import Intrinsics, StereoRig
from stereo3d.errors import InputError, UsageError
from stereo3d.evaluation import metrics
from stereo3d.evaluation.comparison.space import (
    Prediction,
    compare,
    compare_in_pictures,
    read_prediction,
)
from stereo3d.evaluation.evaluate import evaluate
from stereo3d.evaluation.points import Points, points_of
from stereo3d.evaluation.views import in_rectified_pictures
from stereo3d.skeleton import BABYPOSE_12, COCO_17, INMOTION_19, MPII_16
from stereo3d.stereo import Stereo

TRUTHS = infants()
BOTH = {name: predicted(TRUTHS, metres, 1000 * metres) for name, metres in LEVELS.items()}


class TestSpace:
    def test_errors_are_what_was_put_in(self):
        space = compare(BOTH, TRUTHS).space
        assert space.names == ("good", "bad") and space.subjects == tuple(TRUTHS)
        expected = 0.01 * (1 + 0.1 * space.subject)[:, None]
        np.testing.assert_allclose(space.error, np.stack([expected, 3 * expected]) + np.zeros((1, 1, 17)))
        assert space.labelled.all() and space.error.shape == (2, 60, 17)

    def test_is_what_evaluate_says_of_each(self):
        truth = TRUTHS["infant 1"]
        prediction = without(BOTH["bad"]["infant 1"], 3)
        space = compare({"bad": {"x": prediction}}, {"x": truth}).space
        alone = evaluate(prediction.poses, truth)
        np.testing.assert_array_equal(space.pck(0), alone.summary().pck)
        assert space.mean(0).value == pytest.approx(alone.mean)

    def test_only_frames_that_all_have(self):
        truth = truth_poses(12)
        some = {"a": off_by(rows(truth, slice(2, 9)), 0.01), "b": off_by(rows(truth, slice(None, None, 2)), 0.02)}
        compared = compare({n: {"": Prediction(p)} for n, p in some.items()}, {"": rows(truth, slice(0, 8))})
        assert compared.space.error.shape == (2, 3, 17)
        np.testing.assert_allclose(compared.space.error.mean((1, 2)), [0.01, 0.02])

    def test_frames_in_any_order(self):
        truth = truth_poses(12)
        mixed = rows(off_by(truth, np.linspace(0, 0.1, 12)[:, None]), np.random.default_rng(0).permutation(12))
        compared = compare({"a": {"": Prediction(off_by(truth, 0.01))}, "b": {"": Prediction(mixed)}}, {"": truth})
        np.testing.assert_allclose(compared.space.error[1, :, 0], np.linspace(0, 0.1, 12), atol=1e-12)

    def test_only_joints_that_all_have_by_their_names(self):
        truth = truth_poses(5)
        which = [COCO_17.index(j) for j in BABYPOSE_12.joints]
        fewer = poses_at(truth.xyz[:, which], skeleton=BABYPOSE_12)
        space = compare({"a": {"": Prediction(off_by(truth, 0.02))}, "b": {"": Prediction(fewer)}}, {"": truth}).space
        assert set(space.joints) == set(BABYPOSE_12.joints)
        np.testing.assert_allclose(space.error[0], 0.02)
        np.testing.assert_allclose(space.error[1], 0, atol=1e-12)

    def test_a_joint_without_a_truth_does_not_count(self):
        truth = truth_poses(5)
        holed = truth.xyz.copy()
        holed[:, 0] = np.nan
        space = compare({"a": {"": Prediction(off_by(truth, 0.02))}}, {"": dataclasses.replace(truth, xyz=holed)}).space
        assert not space.labelled[:, 0].any() and space.labelled[:, 1:].all()
        assert np.isnan(space.error[0, :, 0]).all()

    def test_empty_predictions_are_unknown(self):
        truth = rows(truth_poses(), slice(0, 0))
        space = compare({"a": {"": Prediction(truth)}}, {"": truth}).space
        assert space.error.shape == (1, 0, 17)
        assert np.isnan([*space.pck(0), *space.mean(0)]).all()

    def test_nothing_found_is_wrong_and_not_an_error(self):
        lost = Prediction(off_by(truth_poses(), np.nan))
        space = compare({"a": {"": lost}}, {"": truth_poses()}).space
        assert (space.pck(0) == 0).all() and np.isnan(space.mean(0).value)


class TestPictures:
    def test_errors_and_torsos(self):
        """The torso is of the truth, in both views; both views of 3 infants of 20 frames are 120 pictures."""
        pictures = compare(BOTH, TRUTHS).pictures
        assert pictures.error.shape == (2, 120, 17)
        expected = 10 * (1 + 0.1 * pictures.subject)[:, None]
        np.testing.assert_allclose(pictures.error, np.stack([expected, 3 * expected]) + np.zeros((1, 1, 17)), rtol=1e-6)
        view = CAMERA.project(TRUTHS["infant 0"].xyz).right
        torso = np.linalg.norm(view[:, COCO_17.index("right_hip")] - view[:, COCO_17.index("right_shoulder")], axis=-1)
        np.testing.assert_allclose(pictures.size[0, 20:40], torso, rtol=1e-6)
        assert pictures.thresholds == (0.05, 0.1, 0.2)

    @pytest.mark.parametrize("camera", ["left", "rectified"])
    def test_truth_is_seen_where_the_camera_sees_it(self, camera):
        poses = truth_poses()
        xyz = poses.in_left_camera() if camera == "left" else poses.xyz
        truth = Points(xyz, poses.skeleton.joints, camera, poses.frame)
        for seen, expected in zip(in_rectified_pictures(truth, CAMERA), CAMERA.project(poses.xyz)):
            np.testing.assert_allclose(seen.xy, expected, atol=1e-9)
            assert np.isnan(seen.time).all() and seen.skeleton.joints == COCO_17.joints

    @pytest.mark.parametrize("skeleton, torso", [(COCO_17, True), (INMOTION_19, True), (MPII_16, True)])
    def test_the_torso_is_found_by_name(self, skeleton, torso):
        seen = in_rectified_pictures(points_of(truth_poses(skeleton=skeleton)), CAMERA).left
        assert seen.skeleton.torso == skeleton.torso

    def test_without_a_torso_there_are_errors_but_no_pck(self):
        poses = truth_poses()
        truth = Points(poses.in_left_camera()[:, :3], COCO_17.joints[:3], "left", poses.frame)
        pictures = compare({"a": {"": Prediction(poses, seen_by(poses, 3.0))}}, {"": truth}).pictures
        np.testing.assert_allclose(pictures.error, 3.0, rtol=1e-6)
        assert np.isnan(pictures.pck(0)).all()

    def test_misses_and_joints_without_truth(self):
        poses = truth_poses()
        xy = seen_by(poses, 3.0)
        holed = dataclasses.replace(xy.left, xy=np.where(np.arange(17)[:, None] == 4, np.nan, xy.left.xy))
        blind = dataclasses.replace(poses, xyz=np.where(np.arange(17)[:, None] == 9, np.nan, poses.xyz))
        pictures = compare({"a": {"": Prediction(poses, Stereo(holed, xy.right))}}, {"": blind}).pictures
        left = pictures.subject.size // 2
        assert pictures.labelled[:, 4].all() and np.isnan(pictures.error[0, :left, 4]).all()
        assert not pictures.labelled[:, 9].any() and np.isnan(pictures.error[0, :, 9]).all()
        assert metrics.detection_rate(pictures.error[0], pictures.labelled) == pytest.approx(1 - 1 / 32)

    def test_annotations_can_be_the_truth(self):
        poses = truth_poses()
        pictures = compare_in_pictures({"a": {"x": list(zip(seen_by(poses, 7.0), seen_by(poses)))}}, [0.1])
        np.testing.assert_allclose(pictures.error, 7.0)
        assert pictures.thresholds == (0.1,)

    def test_there_are_none_without_joints_frames_or_rectification(self):
        poses = truth_poses()
        good = Prediction(poses, seen_by(poses))
        lens = Intrinsics(CAMERA.size, 530, 530, 640, 360)
        rig = StereoRig(Stereo(lens, lens), np.eye(3), [-0.12, 0, 0])
        unrectified = Prediction(dataclasses.replace(poses, camera=rig), good.joints)
        timed = Points(poses.in_left_camera(), COCO_17.joints, "left", time=poses.time)
        assert compare({"a": {"": good}}, {"": poses}).pictures is not None
        assert compare({"a": {"": good}, "b": {"": Prediction(poses)}}, {"": poses}).pictures is None
        assert compare({"a": {"": unrectified}}, {"": poses}).pictures is None
        assert compare({"a": {"": good}}, {"": timed}).pictures is None
        with pytest.raises(UsageError, match="truth: has no video_frame"):
            in_rectified_pictures(timed, CAMERA)


class TestSteadiness:
    def test_an_exact_track_is_steady(self):
        truth = truth_poses(20)
        steady = compare({"a": {"": Prediction(truth)}}, {"": truth}).steadiness["a"]
        assert steady.acceleration_error == 0 and steady.row_noise == 0
        assert 0 < steady.length_variation < 1

    def test_noise_shows(self):
        """Bones of constant length that noise of 1 cm shakes; and rows 2 px off, but for one that was rejected."""
        still = poses_at(np.repeat(truth_poses(1).xyz, 200, 0))
        rng = np.random.default_rng(0)
        xyz, residual = still.xyz + 0.01 * rng.normal(size=still.xyz.shape), 2 * rng.normal(size=(200, 17))
        xyz[0, 0], residual[0, 0] = np.nan, 1e6
        noisy = dataclasses.replace(still, xyz=xyz, residual=residual)
        both = compare({"still": {"": Prediction(still)}, "noisy": {"": Prediction(noisy)}}, {"": still}).steadiness
        assert both["still"].length_variation == pytest.approx(0, abs=1e-12)
        assert both["noisy"].length_variation > 0.01
        assert both["noisy"].acceleration_error == pytest.approx(np.sqrt(18) * 0.01 * 900 * 0.92, rel=0.02)
        assert both["noisy"].row_noise == pytest.approx(np.sqrt(2), rel=0.02)

    @pytest.mark.parametrize("camera", ["left", "rectified"])
    def test_in_whatever_camera_the_truth_is(self, camera):
        poses = truth_poses(20)
        xyz = poses.in_left_camera() if camera == "left" else poses.xyz
        truth = Points(xyz, COCO_17.joints, camera, poses.frame)
        steady = compare({"a": {"": Prediction(poses)}}, {"": truth}).steadiness["a"]
        assert steady.acceleration_error == pytest.approx(0, abs=1e-9)
        assert not np.allclose(TURN, np.eye(3))

    @pytest.mark.parametrize("poses_time", [True, False])
    def test_without_times_or_frame_numbers_there_is_no_acceleration_error(self, poses_time):
        poses = truth_poses(20)
        timed = Points(poses.in_left_camera(), COCO_17.joints, "left", time=poses.time)
        truth = timed if poses_time else dataclasses.replace(timed, time=None)
        steady = compare({"a": {"": Prediction(poses)}}, {"": truth}).steadiness["a"]
        assert np.isnan(steady.acceleration_error) != poses_time and steady.row_noise == 0

    @pytest.mark.parametrize("frame, time", [(True, False), (False, True), (False, False)])
    def test_of_points_from_a_file(self, frame, time):
        """They bring no rows, and perhaps no times; the truth's then."""
        poses = truth_poses(20)
        held = points_of(poses)
        points = dataclasses.replace(held, frame=held.frame if frame else None, time=held.time if time else None)
        steady = compare({"a": {"": Prediction(points)}}, {"": held}).steadiness["a"]
        assert np.isnan(steady.row_noise) and steady.length_variation > 0
        assert steady.acceleration_error == 0 if frame or time else np.isnan(steady.acceleration_error)

    def test_is_the_mean_of_subjects(self):
        alone = [compare({"a": {s: BOTH["bad"][s]}}, {s: TRUTHS[s]}).steadiness["a"] for s in TRUTHS]
        together = compare({"a": BOTH["bad"]}, TRUTHS).steadiness["a"]
        np.testing.assert_allclose(together, np.mean(alone, 0))


class TestRefusals:
    def test_no_prediction(self):
        with pytest.raises(UsageError, match="predictions: expected one at least, got none"):
            compare({}, TRUTHS)

    @pytest.mark.parametrize("given, sentence", [({}, "good: expected subjects infant 0, .*, got none"),
                                                 ({"other": BOTH["good"]["infant 0"]}, "infant 2, got other")])
    def test_other_subjects(self, given, sentence):
        with pytest.raises(UsageError, match=sentence):
            compare({"good": given}, TRUTHS)

    def test_frames_that_not_all_share(self):
        truth = truth_poses(12)
        parts = {n: {"": Prediction(rows(truth, s))} for n, s in (("a", slice(0, 5)), ("b", slice(5, 12)))}
        with pytest.raises(InputError, match="frames: expected some of the recording that all .* share with the truth, got none of 5 and 7"):
            compare(parts, {"": truth})

    def test_joints_that_not_all_share(self):
        truth = truth_poses(4)
        head, hands = (Points(truth.in_left_camera()[:, w], tuple(COCO_17.joints[i] for i in w), "left", truth.frame)
                       for w in ([0, 1], [9, 10]))  # fmt: skip
        with pytest.raises(InputError, match="joints: expected some that all predictions share, the first has nose"):
            compare({"a": {"x": Prediction(truth), "y": Prediction(truth)}}, {"x": head, "y": hands})


class TestReadPrediction:
    def stored(self, path, **more):
        poses = truth_poses()
        seen = seen_by(poses)
        return storage.write(path, **({"poses": poses, "left": seen.left, "right": seen.right} | more))

    def test_what_reconstruct_writes(self, tmp_path):
        found = read_prediction(self.stored(tmp_path / "a.h5", camera=CAMERA))
        assert found == Prediction(truth_poses(), seen_by(truth_poses()))

    def test_joints_of_raw_pictures_are_left_aside(self, tmp_path):
        assert read_prediction(self.stored(tmp_path / "a.h5")).joints is None

    def test_poses_alone(self, tmp_path):
        path = storage.write(tmp_path / "a.h5", poses=truth_poses(), camera=CAMERA)
        assert read_prediction(path) == Prediction(truth_poses())

    def test_a_file_without_poses(self, tmp_path):
        path = storage.write(tmp_path / "a.h5", camera=CAMERA)
        with pytest.raises(InputError, match="a.h5: expected poses, got camera"):
            read_prediction(path)
