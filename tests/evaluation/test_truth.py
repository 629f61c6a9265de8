"""Truths as others write them and as we do; what cannot be one is refused with a sentence."""

from __future__ import annotations

import dataclasses
import io
import zipfile

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tracks import CAMERA, truth_poses

from stereo3d import storage
from stereo3d.cameras import Intrinsics, StereoRig
from stereo3d.errors import InputError, InvalidValue, UsageError
from stereo3d.evaluation.points import Points, points_of
from stereo3d.evaluation.truth import read_truth
from stereo3d.skeleton import COCO_17
from stereo3d.stereo import Stereo

LENS = Intrinsics((1280, 720), 530.0, 530.0, 640.0, 360.0)
RIG = StereoRig(Stereo(LENS, LENS), np.eye(3), np.array([-0.12, 0, 0]))


@pytest.fixture
def npz(tmp_path):
    def write(**entries):
        path = tmp_path / "truth.npz"
        np.savez(path, **entries)
        return path

    return write


def entries(n=3, **more):
    xyz = np.random.default_rng(0).uniform(0.5, 0.9, (n, 2, 3))
    return {"xyz": xyz, "joints": np.array(["RShoulder", "l_kne"]), **more}


class TestNpz:
    def test_the_least_there_must_be(self, npz):
        truth = read_truth(npz(**entries()))
        assert truth == Points(entries()["xyz"], ("right_shoulder", "left_knee"), "left")

    def test_all_there_may_be(self, npz):
        valid = np.array([[1, 0], [1, 1], [0, 1]], bool)
        more = {"valid": valid, "video_frame": [4.0, 5.0, 9.0], "time": [0.1, 0.2, 0.3], "frame": "rectified"}
        truth = read_truth(npz(**entries(**more)))
        np.testing.assert_array_equal(np.isfinite(truth.xyz).all(-1), valid)
        np.testing.assert_array_equal(truth.frame, [4, 5, 9])
        np.testing.assert_array_equal(truth.time, [0.1, 0.2, 0.3])
        assert truth.camera == "rectified"

    @pytest.mark.parametrize("said, held, camera", [
        (None, None, "left"), ("rectified", None, "rectified"), (None, "rectified", "rectified"),
        ("left", "left", "left"),
    ])  # fmt: skip
    def test_whose_camera_it_is_in(self, npz, said, held, camera):
        more = {"frame": held} if held else {}
        assert read_truth(npz(**entries(**more)), said).camera == camera

    def test_a_word_against_the_file_is_refused(self, npz):
        with pytest.raises(UsageError, match="says that its joints are in the left camera, got 'rectified'"):
            read_truth(npz(**entries(frame="left")), "rectified")

    @pytest.mark.parametrize("more, error, message", [
        ({"xyz": np.ones((3, 3, 3))}, InvalidValue, r"truth.npz: xyz: expected shape \(T, 2, 3\), got \(3, 3, 3\)"),
        ({"xyz": np.ones((3, 2, 2))}, InvalidValue, "xyz: expected shape"),
        ({"xyz": np.full((3, 2, 3), 700.0)}, InvalidValue, r"expected metres, got a median \|Z\| of 700; if these are mm, give the unit"),
        ({"xyz": np.full((3, 2, 3), "a")}, InvalidValue, "xyz: expected an array of float64"),
        ({"joints": np.array([1, 2])}, InvalidValue, "joints: expected a list of names, got int64"),
        ({"joints": np.array([["a", "b"]])}, InvalidValue, "joints: expected a list of names"),
        ({"joints": np.array(["LKnee", "left_knee"])}, InvalidValue, "joints: expected 2 different names"),
        ({"valid": np.ones(3, bool)}, InvalidValue, "valid: expected shape"),
        ({"video_frame": [1, 2]}, InvalidValue, r"frame: expected shape \(3,\), got \(2,\)"),
        ({"video_frame": [1.0, 2.5, 3.0]}, InvalidValue, "video_frame: expected whole numbers, got float64"),
        ({"video_frame": [1.0, np.nan, np.inf]}, InvalidValue, "video_frame: expected whole numbers"),
        ({"video_frame": ["a", "b", "c"]}, InvalidValue, "video_frame: expected whole numbers"),
        ({"time": [1.0]}, InvalidValue, "time: expected shape"),
        ({"frame": "world"}, UsageError, "camera of the joints, left or rectified, got 'world'"),
        ({"joints": np.array(["a", None], object)}, InputError, "npz of plain arrays"),
    ])  # fmt: skip
    def test_what_is_wrong_is_told(self, npz, more, error, message):
        with pytest.raises(error, match=message):
            read_truth(npz(**entries() | more))

    @pytest.mark.parametrize("name", ["xyz", "joints"])
    def test_what_is_missing_is_told(self, npz, name):
        rest = entries()
        del rest[name]
        with pytest.raises(InvalidValue, match=f"expected arrays xyz and joints, got {next(iter(rest))}"):
            read_truth(npz(**rest))

    def test_unknown_places_do_not_count_as_far(self, npz):
        assert np.isnan(read_truth(npz(**entries() | {"xyz": np.full((3, 2, 3), np.nan)})).xyz).all()
        assert read_truth(npz(**entries(0))).xyz.shape == (0, 2, 3)

    def test_the_real_one(self, shared):
        truth = read_truth(shared / "data" / "pose2sim-single" / "pair12_openpose_xyz.npz")
        assert truth.xyz.shape == (100, 14, 3) and truth.camera == "left"
        assert truth.joints[:5] == ("head_top", "upper_neck", "right_shoulder", "right_elbow", "right_wrist")
        np.testing.assert_array_equal(truth.frame, np.arange(1, 101))
        assert np.isfinite(truth.xyz).all(-1).sum() == 1389


class TestHostileFiles:
    def test_one_that_unpacks_to_too_much(self, npz, monkeypatch):
        monkeypatch.setattr("stereo3d.limits.MOST_BYTES", 1000)
        with pytest.raises(InputError, match="claims [0-9]+ bytes.*refused"):
            read_truth(npz(**entries(100)))

    def test_one_whose_header_claims_too_much(self, tmp_path):
        stream = io.BytesIO()
        np.lib.format.write_array_header_1_0(stream, {"descr": "<f8", "fortran_order": False, "shape": (1 << 38, 2, 3)})
        path = tmp_path / "claim.npz"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("xyz.npy", stream.getvalue())
        with pytest.raises(InputError, match="npz of plain arrays"):
            read_truth(path)

    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=4), st.floats(0.2, 1))
    def test_damage_is_an_input_error(self, tmp_path, bytes_changed, kept):
        stream = io.BytesIO()
        np.savez_compressed(stream, **entries())
        content = bytearray(stream.getvalue())
        for place, value in bytes_changed:
            content[int(place * (len(content) - 1))] = value
        path = tmp_path / "damaged.npz"
        path.write_bytes(content[: int(kept * len(content))] if kept < 0.9 else content)
        try:
            assert isinstance(read_truth(path), Points)
        except (InputError, UsageError) as error:
            assert str(error)


class TestOurFiles:
    @pytest.mark.parametrize("name", ["truth", "poses"])
    def test_hold_poses_in_any_camera(self, tmp_path, name):
        poses = truth_poses()
        truth = read_truth(storage.write(tmp_path / "file.h5", **{name: poses}))
        assert truth == points_of(poses)
        np.testing.assert_allclose(truth.xyz, poses.xyz @ CAMERA.left_from_rectified.T)
        assert truth.camera == "left" and truth.joints == COCO_17.joints
        np.testing.assert_array_equal(truth.frame, poses.frame)

    def test_truth_goes_before_poses(self, tmp_path):
        long, short = truth_poses(6), truth_poses(2)
        assert len(read_truth(storage.write(tmp_path / "both.h5", poses=long, truth=short)).xyz) == 2

    def test_say_whose_camera_it_is_in(self, tmp_path):
        path = storage.write(tmp_path / "file.h5", truth=truth_poses())
        assert read_truth(path, "rectified") == read_truth(path)
        with pytest.raises(UsageError, match="in the rectified camera, got 'left'"):
            read_truth(path, "left")

    def test_in_another_unit_are_told(self, tmp_path):
        far = dataclasses.replace(truth_poses(), xyz=1000 * truth_poses().xyz)
        with pytest.raises(InvalidValue, match="far.h5: xyz: expected metres, got"):
            read_truth(storage.write(tmp_path / "far.h5", truth=far))

    def test_without_a_truth_are_told(self, tmp_path):
        path = storage.write(tmp_path / "rig.h5", rig=RIG)
        with pytest.raises(InputError, match="as group truth or poses, got rig"):
            read_truth(path)
        with pytest.raises(InputError, match="truth: expected Poses3D, got StereoRig"):
            read_truth(storage.write(tmp_path / "odd.h5", truth=RIG))
        with h5py.File(tmp_path / "empty.h5", "w"):
            pass
        with pytest.raises(InputError, match="got nothing"):
            read_truth(tmp_path / "empty.h5")

    def test_no_file_or_no_such_format(self, tmp_path):
        with pytest.raises(InputError, match="none.h5: cannot be read"):
            read_truth(tmp_path / "none.h5")
        (tmp_path / "words.txt").write_text("nose 1 2 3")
        with pytest.raises(InputError, match="words.txt"):
            read_truth(tmp_path / "words.txt")
