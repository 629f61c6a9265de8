"""What is shared shows no face, names nobody and still says the same of the movement."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import h5py
import numpy as np
import pytest
from test_storage import RIG, poses2d, poses3d

from stereo3d import pipeline, storage
from stereo3d.config import Config, Detect
from stereo3d.errors import CalibrationError, InputError
from stereo3d.recording.base import open_recording
from stereo3d.recording.convert import convert
from stereo3d.recording.form import Form
from stereo3d.sharing import heads_in, write_keypoints

SAMPLE = Path(__file__).parents[1] / "sample_data" / "infant.h5"


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pipeline.reconstruct(SAMPLE, tmp_path_factory.mktemp("result") / "poses.h5", config=Config(Detect("replay")))


def test_heads_are_where_the_recording_has_them(result: Path) -> None:
    """The result's joints are rectified, the recording's own are raw: both give the same heads."""
    with open_recording(SAMPLE) as recording:
        by_result, by_recording = heads_in(recording, result), heads_in(recording, SAMPLE)
        truth = recording.truth
        assert truth is not None and recording.rig is not None
    assert not by_result.unknown().any()
    for one, other in zip(by_result.centre, by_recording.centre):
        np.testing.assert_allclose(one, other, atol=0.05)


def test_the_pictures_lose_the_head_and_keep_the_rest(result: Path, tmp_path: Path) -> None:
    with open_recording(SAMPLE) as recording:
        heads = heads_in(recording, result)
        shared = convert(recording, tmp_path / "shared.h5", form=Form(heads=heads), frames=range(0, 45, 9))
        before = [recording[i] for i in range(0, 45, 9)]
    with open_recording(shared) as recording:
        for old, new in zip(before, recording.frames()):
            for side in ("left", "right"):
                x, y = heads.centre[side][old.index].round().astype(int)
                face = slice(y - 20, y + 20), slice(x - 20, x + 20)
                assert detail(new.images[side][face]) < 0.5 * detail(old.images[side][face])
                there = old.images[side][600:, :300].astype(int)
                assert np.abs(new.images[side][600:, :300] - there).mean() < 2


def detail(image: np.ndarray) -> float:  # type: ignore[type-arg]
    return float(np.abs(np.diff(image.astype(float), axis=0)).mean())


def test_joints_of_another_rig_are_refused(result: Path) -> None:
    other = dataclasses.replace(RIG, translation=np.array([-0.2, 0.0, 0.0]))
    with open_recording(SAMPLE) as recording, pytest.raises(CalibrationError, match="of another camera"):
        heads_in(recording, result, other)


def test_keypoints_are_kept_and_nothing_else(result: Path, tmp_path: Path) -> None:
    shared = storage.read(write_keypoints(result, tmp_path / "shared.h5"))
    whole = storage.read(result)
    assert whole["poses"].origin and shared["poses"] == dataclasses.replace(whole["poses"], origin={})
    assert shared.keys() == {"poses", "left", "right", "camera"}
    assert all(shared[name] == whole[name] for name in ("left", "right", "camera"))


def test_serials_provenance_and_the_time_of_day_go(tmp_path: Path) -> None:
    poses = dataclasses.replace(
        poses3d(4, dataclasses.replace(RIG, serial="SN4711")), time=1.7e9 + np.arange(4), origin={"path": "/home/ada"}
    )
    views = dataclasses.replace(poses2d(4), time=1.7e9 + np.arange(4))
    path = storage.write(tmp_path / "a.h5", poses=poses, left=views, rig=RIG, skeleton=poses.skeleton)
    shared = write_keypoints(path, tmp_path / "b.h5")
    content = shared.read_bytes()
    assert b"SN4711" not in content and b"ada" not in content and b"serial" not in content
    values = storage.read(shared)
    assert values.keys() == {"poses", "left", "rig"} and values["rig"].serial is None
    np.testing.assert_allclose(values["poses"].time, np.arange(4), atol=1e-6)
    np.testing.assert_array_equal(values["left"].time, values["poses"].time)
    np.testing.assert_array_equal(values["poses"].xyz, poses.xyz)


def test_a_file_without_joints(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected joints, got rig"):
        write_keypoints(storage.write(tmp_path / "a.h5", rig=RIG), tmp_path / "b.h5")


def test_a_recording_converted_for_sharing_cannot_be_told_from_its_bytes(result: Path, tmp_path: Path) -> None:
    with open_recording(SAMPLE) as recording:
        shared = convert(recording, tmp_path / "s.h5", form=Form(heads=heads_in(recording, result)), frames=range(2))
    with h5py.File(shared) as file:
        assert "origin" not in file["truth"].attrs or file["truth"].attrs["origin"] == b"json:{}"
