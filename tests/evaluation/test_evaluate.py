"""Poses that lie a known distance from the truth are told so, whatever frames, joints and camera the truth has."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tracks import CAMERA, TURN, off_by, poses_at, rows, truth_poses

from stereo3d import storage
from stereo3d.cameras import Intrinsics, StereoRig
from stereo3d.errors import InputError, InvalidValue
from stereo3d.evaluation.evaluate import Evaluation, Summary, evaluate
from stereo3d.evaluation.points import Points, points_of
from stereo3d.evaluation.truth import read_truth
from stereo3d.skeleton import BABYPOSE_12, COCO_17, CROWDPOSE_14
from stereo3d.stereo import Stereo

TRUTH = truth_poses()
LENS = Intrinsics((1280, 720), 530.0, 530.0, 640.0, 360.0)
RIG = StereoRig(Stereo(LENS, LENS), np.eye(3), np.array([-0.12, 0, 0]))
millimetres = arrays(float, TRUTH.score.shape, elements=st.floats(0, 200) | st.just(np.nan))


def plain(truth=TRUTH, **changes) -> Points:
    """The truth without its clock and counter."""
    return dataclasses.replace(points_of(truth), **({"frame": None, "time": None} | changes))


class TestErrors:
    @given(millimetres)
    def test_are_how_far_each_joint_is(self, mm):
        found = evaluate(off_by(TRUTH, mm / 1000), TRUTH)
        np.testing.assert_allclose(found.error, mm / 1000, atol=1e-12)
        np.testing.assert_array_equal(found.detected, np.isfinite(mm))
        assert found.labelled.all() and found.detection_rate == pytest.approx(np.isfinite(mm).mean())

    def test_of_the_truth_itself_are_none(self):
        found = evaluate(TRUTH, TRUTH)
        assert found.mean == pytest.approx(0, abs=1e-12) and found.pck(1e-6) == 1 and found.detection_rate == 1
        assert found.frames_given == (6, 6) and found.left_out == () and found.paired_by == "frame"

    def test_are_unknown_where_the_truth_is(self):
        holes = TRUTH.xyz.copy()
        holes[0, 3], holes[2, :, 1] = np.nan, np.inf
        found = evaluate(TRUTH, dataclasses.replace(plain(frame=TRUTH.frame), xyz=holes))
        assert found.labelled.sum() == 6 * 17 - 18 and np.isnan(found.error[~found.labelled]).all()
        assert found.detection_rate == 1

    def test_what_is_at_infinity_was_not_found(self):
        """Poses from elsewhere may hold that; it must not become a number, and not warn."""
        wild = TRUTH.xyz.copy()
        wild[0, 0] = np.inf
        found = evaluate(dataclasses.replace(TRUTH, xyz=wild), plain(xyz=TRUTH.xyz, camera="rectified"))
        assert np.isnan(found.error[0, 0]) and not found.detected[0, 0] and found.detected.sum() == 6 * 17 - 1


class TestCameras:
    """The same places written in the rectified left camera or in the left one as it was mounted."""

    def test_of_the_truth_do_not_matter(self):
        poses = off_by(TRUTH, 0.03)
        mounted = evaluate(poses, plain(xyz=TRUTH.xyz @ TURN.T, camera="left"))
        rectified = evaluate(poses, plain(xyz=TRUTH.xyz, camera="rectified"))
        np.testing.assert_allclose(mounted.error, rectified.error, atol=1e-12)
        np.testing.assert_allclose(mounted.error, 0.03, atol=1e-12)

    def test_mixed_up_show(self):
        assert evaluate(TRUTH, plain(xyz=TRUTH.xyz, camera="left")).mean > 0.005

    def test_of_poses_without_rectification_are_the_mounted_one(self):
        general = dataclasses.replace(TRUTH, xyz=TRUTH.xyz @ CAMERA.left_from_rectified.T, camera=RIG)
        assert evaluate(general, TRUTH).mean == pytest.approx(0, abs=1e-12)
        assert evaluate(TRUTH, general).mean == pytest.approx(0, abs=1e-12)
        with pytest.raises(InvalidValue, match="frame: the truth is in the rectified left camera.*as it was mounted"):
            evaluate(general, plain(camera="rectified"))

    def test_of_points_must_be_the_truths(self):
        points = plain(xyz=TRUTH.xyz, camera="rectified", frame=TRUTH.frame)
        with pytest.raises(InvalidValue, match="truth is in the left camera, these joints in the rectified one; give the"):
            evaluate(points, TRUTH)
        assert evaluate(points, points).mean == 0


class TestFrames:
    def test_are_paired_by_their_index(self):
        poses = rows(off_by(TRUTH, 0.02), slice(1, 5))
        found = evaluate(poses, rows(TRUTH, [5, 0, 2, 4]))
        np.testing.assert_array_equal(found.frame, [2, 4])
        np.testing.assert_allclose(found.error, 0.02, atol=1e-12)
        assert found.paired_by == "frame" and found.frames_given == (4, 4)

    def test_without_an_index_by_time(self):
        times = TRUTH.time[[4, 1, 3]] + [0.016, -0.016, 0.0]
        found = evaluate(off_by(TRUTH, 0.02), plain(xyz=TRUTH.xyz[[4, 1, 3]], time=times, camera="rectified"))
        np.testing.assert_array_equal(found.frame, [1, 3, 4])
        np.testing.assert_allclose(found.error, 0.02, atol=1e-12)
        assert found.paired_by == "time"

    def test_more_than_half_a_frame_apart_are_not_the_same(self):
        with pytest.raises(InputError, match="frames that the poses share, got times 0 to 0.166667 and 0.22"):
            evaluate(TRUTH, plain(time=TRUTH.time + 0.22))
        assert evaluate(TRUTH, plain(time=TRUTH.time + 0.02)).frame.tolist() == [1, 2, 3, 4, 5]

    def test_half_a_frame_is_the_recordings_even_where_few_frames_were_done(self):
        sparse = rows(TRUTH, [0, 5])
        assert evaluate(sparse, plain(time=TRUTH.time + 0.002)).frame.tolist() == [0, 5]
        with pytest.raises(InputError, match="frames that the poses share"):
            evaluate(sparse, plain(time=TRUTH.time + 10))

    def test_a_single_frame_goes_by_the_truths_clock(self):
        assert evaluate(rows(TRUTH, [2]), plain(time=TRUTH.time + 0.01)).frame.tolist() == [2]
        two = plain(xyz=TRUTH.xyz[2:4], time=TRUTH.time[2:4] + 0.01)
        assert evaluate(rows(TRUTH, [2]), two).frame.tolist() == [2]
        assert evaluate(rows(TRUTH, [2]), plain(xyz=TRUTH.xyz[[2]], time=TRUTH.time[[2]])).frame.tolist() == [2]
        with pytest.raises(InputError, match="frames that the poses share"):
            evaluate(rows(TRUTH, [2]), plain(xyz=TRUTH.xyz[[2]], time=TRUTH.time[[2]] + 0.01))

    def test_without_a_known_time_have_no_partner(self):
        time = TRUTH.time.copy()
        time[2] = np.nan
        assert evaluate(TRUTH, plain(time=time)).frame.tolist() == [0, 1, 3, 4, 5]
        assert evaluate(dataclasses.replace(TRUTH, time=time), plain(time=TRUTH.time)).frame.tolist() == [0, 1, 3, 4, 5]
        with pytest.raises(InputError, match="got times 0 to 0.166667 and none"):
            evaluate(TRUTH, plain(time=np.full(6, np.nan)))
        with pytest.raises(InputError, match="got times none and 0 to"):
            evaluate(dataclasses.replace(TRUTH, time=np.full(6, np.nan)), plain(time=TRUTH.time))

    def test_without_index_or_time_go_in_order(self):
        found = evaluate(off_by(TRUTH, 0.02), plain())
        assert found.paired_by == "order" and found.mean == pytest.approx(0.02)
        with pytest.raises(InputError, match="neither frame numbers .video_frame. nor times.*the poses have, 2, got 6"):
            evaluate(rows(TRUTH, [0, 1]), plain())

    def test_none_shared_is_told(self):
        with pytest.raises(InputError, match="got frames 0 to 5 and 100 to 105"):
            evaluate(TRUTH, dataclasses.replace(TRUTH, frame=TRUTH.frame + 100))


class TestJoints:
    def test_are_paired_by_name(self):
        order = [COCO_17.joints.index(j) for j in BABYPOSE_12.joints]
        truth = poses_at(TRUTH.xyz[:, order], skeleton=BABYPOSE_12)
        found = evaluate(off_by(TRUTH, 0.01 * np.arange(17)), truth)
        assert found.joints == tuple(j for j in COCO_17.joints if j in BABYPOSE_12.joints)
        np.testing.assert_allclose(found.error, np.broadcast_to(0.01 * np.arange(5, 17), (6, 12)), atol=1e-12)
        assert found.left_out == ("left_ear", "left_eye", "nose", "right_ear", "right_eye")

    def test_none_shared_is_told(self):
        with pytest.raises(InputError, match="joints: expected some that poses and truth share, got nose, .* and tail"):
            evaluate(TRUTH, plain(xyz=TRUTH.xyz[:, :1], joints=("tail",)))


def table_5() -> Evaluation:
    """One group off by a known distance each; one of the wrists was not found."""
    metres = {"nose": 0.009, "shoulder": 0.017, "elbow": 0.024, "wrist": 0.03, "hip": 0.06, "knee": 0.1, "ankle": 0.2}
    off = np.array([metres.get(j.split("_")[-1], 1.0) for j in COCO_17.joints])
    off = np.broadcast_to(off, (6, 17)).copy()
    off[:3, COCO_17.index("left_wrist")] = np.nan
    return evaluate(off_by(TRUTH, off), TRUTH)


class TestSummaries:
    def test_of_groups_join_left_and_right(self):
        groups = table_5().per_group()
        assert list(groups) == ["nose", "shoulders", "elbows", "wrists", "hips", "knees", "ankles"]
        means = [g.mean for g in groups.values()]
        np.testing.assert_allclose(means, [0.009, 0.017, 0.024, 0.03, 0.06, 0.1, 0.2])
        assert [g.labelled for g in groups.values()] == [6] + [12] * 6
        wrists = groups["wrists"]
        assert (wrists.found, wrists.detection_rate) == (9, 0.75)
        assert wrists.pck == (0, 0, 0.75, 0.75) and wrists.pck_found == (0, 0, 1, 1)
        assert groups["knees"].pck == (0, 0, 0, 1) and groups["knees"].std == pytest.approx(0, abs=1e-12)

    def test_of_each_joint(self):
        joints = table_5().per_joint()
        assert tuple(joints) == COCO_17.joints
        assert joints["left_wrist"].detection_rate == 0.5 and joints["right_wrist"].detection_rate == 1
        assert joints["left_eye"].median == pytest.approx(1)

    def test_of_all_are_the_properties(self):
        found = table_5()
        everything = found.summary()
        assert (everything.mean, everything.std, everything.median) == (found.mean, found.std, found.median)
        assert everything.detection_rate == found.detection_rate == pytest.approx(99 / 102)
        assert everything.pck == tuple(found.pck(t) for t in found.thresholds)
        assert everything.pck_found == tuple(found.pck(t, "left out") for t in found.thresholds)

    def test_pck_takes_any_threshold_and_both_averages(self):
        found = table_5()
        assert found.pck(0.05) == pytest.approx((6 + 12 + 12 + 9) / 102)
        assert found.pck(0.05, "left out", "frames") == pytest.approx((6 / 16 + 7 / 17) / 2)

    def test_to_frame_is_in_metres_and_shares(self):
        table = table_5().to_frame()
        assert len(table) == 1 + 7 + 17 and table.kind.tolist()[:2] == ["all", "group"]
        knees = table[table.name == "knees"].iloc[0]
        assert knees["mean"] == pytest.approx(0.1) and knees["pck@0.1"] == 1 and knees["pck_found@0.05"] == 0
        assert table.iloc[0].labelled == 102

    @pytest.mark.parametrize("n", [0, 1])
    @pytest.mark.parametrize("missing", [False, True])
    def test_of_next_to_nothing(self, n, missing):
        poses = rows(TRUTH, slice(0, n))
        found = evaluate(off_by(poses, np.nan if missing else 0.01), TRUTH)
        nothing = missing or not n
        assert found.error.shape == (n, 17) and np.isnan(found.mean) == np.isnan(found.pck(0.1, "left out")) == nothing
        assert found.summary() == found.summary(range(17)) and len(found.to_frame()) == 25
        if not n:
            assert np.isnan([found.detection_rate, found.pck(0.1), found.summary().detection_rate]).all()
        if n and missing:
            assert found.detection_rate == found.pck(0.1) == 0
        assert isinstance(found.per_group()["nose"], Summary)

    def test_no_truth_of_any_length_is_paired(self):
        assert evaluate(TRUTH, plain(xyz=TRUTH.xyz[:0], frame=[])).error.shape == (0, 17)
        assert evaluate(TRUTH, plain(xyz=TRUTH.xyz[:0], time=[])).error.shape == (0, 17)


class TestValue:
    def test_can_be_stored(self, tmp_path):
        for found in (table_5(), evaluate(rows(TRUTH, slice(0, 0)), TRUTH, thresholds=[0.03])):
            path = storage.write(tmp_path / "evaluation.h5", evaluation=found)
            assert storage.read(path, "evaluation") == found

    @pytest.mark.parametrize("changes, message", [
        ({"labelled": np.ones((6, 3))}, r"labelled: expected shape \(6, 17\), got \(6, 3\)"),
        ({"error": np.ones((6, 3))}, r"error: expected shape \(T, 17\), got \(6, 3\)"),
        ({"frame": [1]}, r"frame: expected shape \(6,\)"),
        ({"thresholds": (-1,)}, "thresholds: expected a number from 0"),
    ])  # fmt: skip
    def test_is_checked_at_the_door(self, changes, message):
        with pytest.raises(InvalidValue, match=message):
            dataclasses.replace(table_5(), **changes)


def test_the_real_reference_against_itself(shared):
    """Video frame f + 1, joints as another tool writes them, invalid ones left out."""
    truth = read_truth(shared / "data" / "pose2sim-single" / "pair12_openpose_xyz.npz")
    skeleton = CROWDPOSE_14
    order = [truth.joints.index(j) for j in skeleton.joints]
    poses = poses_at(truth.xyz[:, order], skeleton=skeleton, camera=RIG, frame=np.arange(1, 101))
    found = evaluate(off_by(poses, 0.04), truth)
    assert found.error.shape == (100, 14) and found.labelled.sum() == 1389
    assert found.mean == pytest.approx(0.04) and found.pck(0.05) == 1
    assert json.dumps(found.joints) == json.dumps(skeleton.joints)
