"""The main job on real videos, real calibration and real weights: does it work?

An adult, two cameras 2.9 m apart, against another detector through the same cameras: a gate, not an accuracy claim.
CI looks at a slice; STEREO3D_WHOLE=1 at all of it.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest

from stereo3d import pipeline, storage
from stereo3d.calibration.files import read_rig
from stereo3d.config import resolve
from stereo3d.errors import CalibrationError
from stereo3d.evaluation.evaluate import evaluate
from stereo3d.evaluation.truth import read_truth
from stereo3d.poses import Poses3D
from stereo3d.recording.base import open_recording

ROI = "detect.roi=[540, 780, 1100]"
FRAMES = range(100) if os.environ.get("STEREO3D_WHOLE") else range(10, 90, 8)


def reconstruct(shared: Path, output: Path, *settings: str, turned: bool = False, frames: range = FRAMES) -> Poses3D:
    pytest.importorskip("torch")
    folder = shared / "data" / "pose2sim-single"
    weights = shared / "data" / "efficientpose" / "EfficientPoseRT.h5"
    config = resolve(None, ["detect.detector=efficientpose", f"detect.weights='{weights}'", *settings])
    videos = [folder / "videos" / "cam01.mp4", folder / "videos" / "cam02.mp4"]
    with open_recording(*(reversed(videos) if turned else videos)) as recording:
        rig = folder / "pair12_calib.json"
        return storage.read(pipeline.reconstruct(recording, output, rig=rig, config=config, frames=frames), "poses")


def check(poses: Poses3D, shared: Path) -> None:
    result = evaluate(poses, read_truth(shared / "data" / "pose2sim-single" / "pair12_openpose_xyz.npz"))
    assert result.median <= 0.05
    assert result.pck(0.10) >= 0.75
    assert poses.found.mean() >= 0.95
    hip, knee = ([poses.skeleton.index(f"{s}_{j}") for s in ("left", "right")] for j in ("hip", "knee"))
    thigh = np.nanmedian(np.linalg.norm(poses.xyz[:, hip] - poses.xyz[:, knee], axis=-1))
    assert 0.38 <= thigh <= 0.45


@pytest.mark.slow
def test_with_the_crop_given(shared: Path, tmp_path: Path) -> None:
    poses = reconstruct(shared, tmp_path / "poses.h5", ROI)
    check(poses, shared)


@pytest.mark.slow
def test_with_the_person_to_be_found(shared: Path, tmp_path: Path) -> None:
    check(reconstruct(shared, tmp_path / "poses.h5"), shared)


def test_videos_the_wrong_way_round_are_refused(shared: Path, tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match="swapped|another camera"):
        reconstruct(shared, tmp_path / "poses.h5", ROI, turned=True, frames=range(40, 44))


def test_a_rig_in_millimetres_is_refused(shared: Path, tmp_path: Path) -> None:
    rig = read_rig(shared / "data" / "pose2sim-single" / "pair12_calib.json")
    with pytest.raises(CalibrationError, match="millimetres"):
        dataclasses.replace(rig, translation=rig.translation * 1000)
