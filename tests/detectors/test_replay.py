"""Joints from files in place of a detector, in the right pixels, frame by frame."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from dots import rectifier

from stereo3d import storage
from stereo3d.calibration.rectify import Rectifier
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.detectors.base import Replayer, build
from stereo3d.detectors.replay import Replay, rectified, replay
from stereo3d.errors import CalibrationError, InputError, InvalidValue, UsageError
from stereo3d.poses import Poses2D
from stereo3d.skeleton import BABYPOSE_12, COCO_17
from stereo3d.stereo import SIDES, Stereo

RECTIFIER = rectifier()


def joints(frames: list[int], seed: int = 0) -> Poses2D:
    rng = np.random.default_rng(seed)
    n = len(frames)
    xy = rng.uniform((50, 50), (590, 430), (n, 12, 2))
    return Poses2D(xy, rng.uniform(0, 1, (n, 12)), np.full((n, 12), 2.0), np.array(frames) / 30, frames, BABYPOSE_12)


@pytest.fixture
def views() -> Stereo[Poses2D]:
    return Stereo(joints([2, 3, 5, 9]), joints([2, 3, 5, 9], 1))


def test_rectified_joints_come_back_as_they_are(tmp_path: Path, views: Stereo[Poses2D]) -> None:
    path = storage.write(tmp_path / "j.h5", left=views.left, right=views.right, camera=RECTIFIER.camera)
    detector = build("replay", path)
    assert isinstance(detector, Replayer) and detector.skeleton == BABYPOSE_12
    found = detector.joints_at(range(2, 4), RECTIFIER)
    for side in SIDES:
        np.testing.assert_array_equal(found[side].xy, views[side].xy[:2])
        np.testing.assert_array_equal(found[side].time, views[side].time[:2])


def test_frames_that_the_file_lacks_are_unknown(views: Stereo[Poses2D]) -> None:
    found = Replay(views, RECTIFIER.camera).joints_at(range(12), RECTIFIER).left
    np.testing.assert_array_equal(found.frame, np.arange(12))
    there = np.isin(np.arange(12), [2, 3, 5, 9])
    np.testing.assert_array_equal(found.xy[there], views.left.xy)
    for x in (found.xy, found.score, found.sigma, found.time):
        assert np.isnan(x[~there]).all()


def test_frames_may_lie_in_any_order_in_the_file(views: Stereo[Poses2D]) -> None:
    arrays = ("xy", "score", "sigma", "time", "frame")
    shuffled = views.map(lambda v: dataclasses.replace(v, **{n: getattr(v, n)[[3, 1, 0, 2]] for n in arrays}))
    a, b = (Replay(v, RECTIFIER.camera).joints_at(range(1, 10, 2), RECTIFIER) for v in (views, shuffled))
    assert a == b


def test_a_file_without_frames_knows_nothing() -> None:
    empty = Replay(Stereo(joints([]), joints([])))
    assert np.isnan(empty.joints_at(range(3), RECTIFIER).left.xy).all()


def test_raw_joints_are_rectified_and_their_sigma_with_them(tmp_path: Path, views: Stereo[Poses2D]) -> None:
    path = storage.write(tmp_path / "j.h5", left=views.left, right=views.right)
    found = replay(path).joints_at(range(2, 6), RECTIFIER)
    for side in SIDES:
        raw = RECTIFIER.raw_points(found[side].xy[[0, 1, 3]], side)
        np.testing.assert_allclose(raw, views[side].xy[:3], atol=1e-3)
        assert np.isnan(found[side].xy[2]).all()
    nearby = views.left.xy + np.random.default_rng(0).normal(0, 0.2, (4000, 4, 12, 2))
    spread = np.sqrt((RECTIFIER.points(nearby, "left").std(0) ** 2).mean(-1)) / 0.2
    np.testing.assert_allclose(rectified(views, RECTIFIER).left.sigma, 2.0 * spread, rtol=0.04)


def test_missing_joints_stay_missing(views: Stereo[Poses2D]) -> None:
    xy = np.array(views.left.xy)
    xy[1, 4] = np.nan
    holed = Stereo(dataclasses.replace(views.left, xy=xy), views.right)
    out = rectified(holed, RECTIFIER).left
    assert np.isnan(out.xy[1, 4]).all() and np.isfinite(out.xy).sum() == xy.size - 2


def other_rectified() -> RectifiedCamera:
    camera = RECTIFIER.camera
    assert isinstance(camera, RectifiedCamera)
    return dataclasses.replace(camera, focal=camera.focal * 1.01)


def wide() -> StereoRig:
    camera = rectifier(1.3).camera
    assert isinstance(camera, StereoRig), "this pair is not rectified"
    return camera


@pytest.mark.parametrize("camera", [other_rectified(), wide()])
def test_joints_of_another_camera_are_refused(views: Stereo[Poses2D], camera: RectifiedCamera | StereoRig) -> None:
    sentence = "joints: expected px of this rig's rectified pictures, got those of another"
    with pytest.raises(CalibrationError, match=sentence):
        Replay(views, camera).joints_at(range(3), RECTIFIER)


@pytest.mark.parametrize("which", [RECTIFIER, rectifier(1.3)])
def test_cameras_that_differ_by_rounding_are_the_same(views: Stereo[Poses2D], which: Rectifier) -> None:
    camera = which.camera
    near = (
        dataclasses.replace(camera, focal=camera.focal * (1 + 1e-10))
        if isinstance(camera, RectifiedCamera)
        else dataclasses.replace(camera, translation=camera.translation * (1 + 1e-10))
    )
    assert len(Replay(views, near).joints_at(range(3), which).left) == 3


@pytest.mark.parametrize(("left", "right", "sentence"), [
    (joints([1, 2]), joints([1, 3]), "expected the same joints and frames in both views"),
    (joints([1, 1]), joints([1, 1]), "expected each frame once"),
])
def test_views_that_do_not_belong_together(left: Poses2D, right: Poses2D, sentence: str) -> None:
    with pytest.raises(InvalidValue, match=sentence):
        Replay(Stereo(left, right))


def test_other_joints_in_each_view() -> None:
    seventeen = Poses2D(np.zeros((1, 17, 2)), np.zeros((1, 17)), np.zeros((1, 17)), [0], [1], COCO_17)
    with pytest.raises(InvalidValue, match="expected the same joints"):
        Replay(Stereo(joints([1]), seventeen))


def test_a_file_without_joints_is_named(tmp_path: Path) -> None:
    path = storage.write(tmp_path / "rig.h5", camera=RECTIFIER.camera)
    with pytest.raises(InputError, match="rig.h5: expected joints of both views, left and right, got a file without"):
        replay(path)


def test_no_file_at_all() -> None:
    with pytest.raises(UsageError, match="detector 'replay': expected a file of joints in place of weights"):
        build("replay")
    with pytest.raises(InputError, match="there is no such file"):
        build("replay", "nowhere.h5")


def test_a_recording_that_carries_joints(tmp_path: Path, views: Stereo[Poses2D]) -> None:
    from stereo3d.recording.hdf5_writer import RecordingWriter

    black = np.zeros((48, 64, 3), np.uint8)
    with RecordingWriter(tmp_path / "r.h5", size=(64, 48), fps=30, rectified=False) as writer:
        for i in range(10):
            writer.append(Stereo(black, black), i / 30)
        writer.annotate(joints=views)
    found = replay(tmp_path / "r.h5").joints_at(range(5, 6), RECTIFIER)
    np.testing.assert_allclose(found.left.xy[0], RECTIFIER.points(views.left.xy[2], "left"))


def test_torch_stays_out() -> None:
    code = "import sys, stereo3d.detectors.replay, stereo3d.detectors.detect; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
