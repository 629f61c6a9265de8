"""Videos hold every frame at its time, with the joints where they are."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from results import result

from stereo3d import pipeline, storage
from stereo3d.config import resolve
from stereo3d.errors import InputError
from stereo3d.recording.base import open_recording
from stereo3d.recording.rig import rectifier_for
from stereo3d.stereo import Stereo
from stereo3d.visual.overlay import windows
from stereo3d.visual.video import make_video, with_joints

SAMPLE = Path(__file__).parents[2] / "sample_data" / "infant.h5"


def frames(path: Path) -> tuple[list[float], list[np.ndarray]]:
    with av.open(str(path)) as container:
        read = list(container.decode(video=0))
    return [float(f.time) for f in read], [f.to_ndarray(format="rgb24") for f in read]


def test_joints_alone_on_black(tmp_path: Path) -> None:
    poses, _ = result(12, tmp_path / "poses.h5")
    told: list[int] = []
    times, pictures = frames(make_video(tmp_path / "poses.h5", tmp_path / "joints.mp4", on_progress=told.append))
    np.testing.assert_allclose(times, poses.time, atol=1e-3)
    assert told == [1] * 12 and 0.8 < np.mean([(picture < 16).all(-1).mean() for picture in pictures]) < 1
    views = [storage.read(tmp_path / "poses.h5", name) for name in ("left", "right")]
    boxes = [np.nanquantile(view.xy.reshape(-1, 2), [0.005, 0.995], axis=0) for view in views]
    rows, columns, _ = windows(Stereo(*boxes), (1280, 720))
    size = rows.stop - rows.start, 2 * (columns.stop - columns.start)
    assert pictures[0].shape[0] in (size[0], size[0] - 1) and size[1] - 2 <= pictures[0].shape[1] <= size[1]
    left = views[0]
    x, y = left.xy[5, left.skeleton.index("left_hip")].round().astype(int) - [columns.start, rows.start]
    red, _, blue = pictures[5][y - 1:y + 2, x - 1:x + 2].mean((0, 1))
    assert red > 180 and blue < 90


def test_row_lines_join_both_pictures() -> None:
    black = np.zeros((100, 200, 3), np.uint8)
    poses, _ = result(3)
    xy = np.full((1, 17, 2), np.nan)
    views = []
    for place in ((150.0, 40.0), (60.0, 60.0)):
        xy[0, 0] = place
        views.append(pipeline.Poses2D(xy, np.ones((1, 17)), np.full((1, 17), np.nan), np.zeros(1), np.zeros(1), poses.skeleton))
    drawn = with_joints(Stereo(black, black), Stereo(*views), 0)
    both = np.concatenate([*drawn], axis=1).sum(-1)
    for share in (0.2, 0.5, 0.8):
        x, y = round(150 + 110 * share), round(40 + 20 * share)
        assert both[y - 1:y + 2, x].max() > 200
    assert not black.any()


def test_a_result_over_its_recording(tmp_path: Path) -> None:
    result_file = pipeline.detect_joints(
        SAMPLE, tmp_path / "j.h5", config=resolve(None, ["detect.detector=replay"]), frames=range(10, 14)
    )
    with open_recording(SAMPLE) as recording:
        times, pictures = frames(make_video(result_file, tmp_path / "look.mp4", recording))
        plain = rectifier_for(recording).images(recording[10].images).left
    np.testing.assert_allclose(np.diff(times), 1 / 15, atol=1e-3)
    assert len(pictures) == 4
    shown = pictures[0][30:, : pictures[0].shape[1] // 2].astype(np.float32)
    assert cv2.matchTemplate(plain.astype(np.float32), shown, cv2.TM_CCOEFF_NORMED).max() > 0.8


def test_no_frames_are_refused(tmp_path: Path) -> None:
    poses, _ = result(3, tmp_path / "poses.h5")
    empty = pipeline.Poses2D(np.zeros((0, 17, 2)), np.zeros((0, 17)), np.zeros((0, 17)), np.zeros(0), np.zeros(0), poses.skeleton)
    path = storage.write(tmp_path / "empty.h5", left=empty, right=empty, camera=poses.camera)
    with pytest.raises(InputError, match="expected frames to show, got none"):
        make_video(path, tmp_path / "joints.mp4")


def test_another_recording_is_refused(tmp_path: Path) -> None:
    result(60, tmp_path / "poses.h5")
    with open_recording(SAMPLE) as recording, pytest.raises(InputError, match="has frame 59, the recording ends at 44"):
        make_video(tmp_path / "poses.h5", tmp_path / "look.mp4", recording)
    assert not (tmp_path / "look.mp4").exists()
