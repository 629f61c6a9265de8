"""The recipe on the sample recording: exact where nothing is noisy, the same bytes however often it is interrupted."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stereo3d import journal, pipeline, segments, storage
from stereo3d.cameras import Intrinsics, StereoRig
from stereo3d.config import resolve
from stereo3d.errors import CalibrationError, InputError, UsageError
from stereo3d.evaluation.evaluate import evaluate
from stereo3d.poses import Status
from stereo3d.recording.base import open_recording
from stereo3d.stereo import Stereo

SAMPLE = Path(__file__).parents[1] / "sample_data" / "infant.h5"
REPLAY = resolve(None, ["detect.detector=replay"])
PLAIN = resolve(None, ["detect.detector=replay", "refine.mode=none"])


@pytest.fixture
def exact(tmp_path: Path) -> Path:
    """A file of the sample's true joints in raw px."""
    from stereo3d.synthetic.rig import project

    with open_recording(SAMPLE) as recording:
        joints = recording.joints
        assert joints is not None and recording.truth is not None and isinstance(recording.rig, StereoRig)
        views = project(recording.rig, recording.truth.xyz)
        views = views.map(lambda xy, old: replace(old, xy=xy, score=np.ones(old.score.shape)), joints)
    return storage.write(tmp_path / "exact.h5", left=views.left, right=views.right)


def test_true_joints_come_back_as_the_truth(exact: Path, tmp_path: Path) -> None:
    config = resolve(None, ["detect.detector=replay", f"detect.weights='{exact}'", "refine.mode=none"])
    out = pipeline.reconstruct(SAMPLE, tmp_path / "out.h5", config=config)
    with open_recording(SAMPLE) as recording:
        truth = recording.truth
    assert truth is not None
    result = evaluate(storage.read(out, "poses"), truth)
    assert np.nanmax(result.error) < 1e-9 and result.detection_rate == 1


def test_the_output_holds_poses_joints_camera_and_provenance(tmp_path: Path) -> None:
    ticks: list[int] = []
    out = pipeline.reconstruct(SAMPLE, tmp_path / "out.h5", config=REPLAY, on_progress=ticks.append)
    values = storage.read(out)
    assert set(values) == {"poses", "left", "right", "camera", "surface"}
    assert sum(ticks) == len(values["poses"]) == 45
    assert values["poses"].camera == values["camera"]
    about = json.loads((tmp_path / "out.run.json").read_text())
    assert about["joints"]["all"] == values["poses"].score.size
    assert about["recording_sha256"] == [journal.sha256(SAMPLE)]
    assert str(tmp_path) not in json.dumps(about) and "infant" not in json.dumps(about)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.h5", "out.run.json"]


def test_interrupted_anywhere_the_bytes_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "LENGTH", 7)
    whole = pipeline.reconstruct(SAMPLE, tmp_path / "whole.h5", config=REPLAY).read_bytes()
    for n in (1, 20, 44):
        count = 0

        def stop(done: int, n: int = n) -> None:
            nonlocal count
            count += done
            if count >= n:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            pipeline.reconstruct(SAMPLE, tmp_path / "out.h5", config=REPLAY, on_progress=stop)
        out = pipeline.reconstruct(SAMPLE, tmp_path / "out.h5", config=REPLAY, unfinished="resume")
        assert out.read_bytes() == whole
        out.unlink()


def test_resuming_with_other_settings_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pipeline.reconstruct(SAMPLE, tmp_path / "out.h5", config=REPLAY, on_progress=stop)
    other = resolve(None, ["detect.detector=replay", "triangulate.row=3"])
    with pytest.raises(UsageError, match="another config"):
        pipeline.reconstruct(SAMPLE, tmp_path / "out.h5", config=other, unfinished="resume")


def test_detect_then_triangulate_is_reconstruct(tmp_path: Path) -> None:
    whole = storage.read(pipeline.reconstruct(SAMPLE, tmp_path / "whole.h5", config=PLAIN), "poses")
    joints = pipeline.detect_joints(SAMPLE, tmp_path / "joints.h5", config=REPLAY)
    parts = storage.read(pipeline.triangulate_file(joints, tmp_path / "poses.h5", config=REPLAY), "poses")
    assert replace(parts, origin={}) == replace(whole, origin={})


def test_raw_joints_need_a_rig_to_be_triangulated(exact: Path, tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match="raw pixels"):
        pipeline.triangulate_file(exact, tmp_path / "out.h5")
    with open_recording(SAMPLE) as recording:
        rig, truth = recording.rig, recording.truth
    poses = storage.read(pipeline.triangulate_file(exact, tmp_path / "out.h5", rig=rig), "poses")
    assert truth is not None and np.nanmax(evaluate(poses, truth).error) < 1e-6
    lonely = storage.write(tmp_path / "one.h5", left=storage.read(exact, "left"))
    with pytest.raises(InputError, match="expected joints left and right, got left"):
        pipeline.triangulate_file(lonely, tmp_path / "out.h5")


def test_a_slice_knows_where_it_came_from(tmp_path: Path) -> None:
    with open_recording(SAMPLE) as recording:
        frames = pipeline.frames_between(recording, 1.0, 2.0)
        out = pipeline.reconstruct(recording, tmp_path / "out.h5", config=REPLAY, frames=frames)
    poses = storage.read(out, "poses")
    assert poses.frame.tolist() == list(frames) and poses.time[0] == pytest.approx(1.0) and len(poses) == 15


def test_no_frames_is_a_sentence() -> None:
    with open_recording(SAMPLE) as recording:
        assert pipeline.frames_between(recording, None, None) == range(45)
        with pytest.raises(UsageError, match="no frames from 9 to inf s"):
            pipeline.frames_between(recording, 9.0, None)


def swapped(rig: StereoRig) -> StereoRig:
    """The same two cameras, named the other way round."""
    rotation = rig.rotation.T
    return StereoRig(Stereo(rig.cameras.right, rig.cameras.left), rotation, -rotation @ rig.translation)


def test_views_the_wrong_way_round(exact: Path, tmp_path: Path) -> None:
    """With the rig exchanged too everything is right; with the views alone it is refused, never a wrong depth."""
    with open_recording(SAMPLE) as recording:
        rig, truth = recording.rig, recording.truth
    assert isinstance(rig, StereoRig) and truth is not None
    views = storage.read(exact)
    turned = storage.write(tmp_path / "turned.h5", left=views["right"], right=views["left"])
    right = storage.read(pipeline.triangulate_file(turned, tmp_path / "out.h5", rig=swapped(rig)), "poses")
    there = right.in_left_camera()
    back = (there - swapped(rig).translation) @ swapped(rig).rotation
    true_right = truth.xyz @ rig.rotation.T + rig.translation
    assert np.nanmax(np.abs(there - true_right)) < 1e-6 and np.isfinite(back).any()
    with pytest.raises(CalibrationError, match="left and right"):
        pipeline.triangulate_file(turned, tmp_path / "no.h5", rig=rig)
    assert not (tmp_path / "no.h5").exists()


def test_a_rig_in_millimetres_is_refused() -> None:
    with open_recording(SAMPLE) as recording:
        rig = recording.rig
    assert isinstance(rig, StereoRig)
    with pytest.raises(CalibrationError, match="divide by 1000"):
        replace(rig, translation=rig.translation * 1000)


def test_a_rig_of_another_size_is_refused(tmp_path: Path) -> None:
    with open_recording(SAMPLE) as recording:
        rig = recording.rig
    assert isinstance(rig, StereoRig)
    small = replace(rig, cameras=rig.cameras.map(lambda c: Intrinsics((672, 376), c.fx, c.fy, c.cx, c.cy)))
    with pytest.raises(CalibrationError, match="672x376.*1280x720"):
        pipeline.reconstruct(SAMPLE, tmp_path / "out.h5", rig=small, config=REPLAY)


def test_what_is_rejected_says_why(exact: Path, tmp_path: Path) -> None:
    views: dict[str, Any] = storage.read(exact)
    xy = np.array(views["right"].xy)
    xy[3, 5], xy[4, 6] = np.nan, xy[4, 6] + [0, 90]
    spoilt = storage.write(tmp_path / "spoilt.h5", left=views["left"], right=replace(views["right"], xy=xy))
    with open_recording(SAMPLE) as recording:
        rig = recording.rig
    poses = storage.read(pipeline.triangulate_file(spoilt, tmp_path / "out.h5", rig=rig), "poses")
    assert Status(int(poses.status[3, 5])) == Status.MISSING_RIGHT
    assert Status.ROW_MISMATCH in Status(int(poses.status[4, 6]))
    assert not poses.found[3, 5] and not poses.found[4, 6]
    counts = pipeline.count_status(tmp_path / "out.h5")
    assert counts["missing_right"] >= 1 and counts["row_mismatch"] >= 1
    assert counts["placed"] == counts["ok"] == poses.found.sum()


def test_a_joint_that_was_mended_is_not_missing(exact: Path, tmp_path: Path) -> None:
    with open_recording(SAMPLE) as recording:
        rig = recording.rig
    poses = storage.read(pipeline.triangulate_file(exact, tmp_path / "in.h5", rig=rig), "poses")
    status, xyz = np.array(poses.status), np.array(poses.xyz)
    status[0, :4] = Status.FILLED | Status.MISSING_LEFT, Status.RESCUED | Status.ROW_MISMATCH, Status.SWAPPED, Status.JUMP
    xyz[0, 3] = np.nan
    storage.write(tmp_path / "out.h5", poses=replace(poses, status=status, xyz=xyz))
    counts = pipeline.count_status(tmp_path / "out.h5")
    n = counts["all"]
    assert (counts["placed"], counts["ok"]) == (n - 1, n - 4)
    assert {k: v for k, v in counts.items() if v and v < n - 4} == {"filled": 1, "rescued": 1, "swapped": 1, "jump": 1}
    told = pipeline.summary(tmp_path / "out.h5")
    assert told["rejected"] == {"jump": 1} and told["changed"] == {"filled": 1, "rescued": 1, "swapped": 1}
    assert told["found"] == f"{100 * (n - 1) / n:.1f} %"
