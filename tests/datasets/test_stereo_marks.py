"""Both views annotated, AGMA's way: the halves come apart, and the places in space come back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from stereo3d import storage
from stereo3d.calibration.rectify import Rectifier
from stereo3d.cameras import RectifiedCamera
from stereo3d.datasets.reading import read_annotated
from stereo3d.datasets.stereo_marks import read_stereo
from stereo3d.errors import InputError
from stereo3d.evaluation.truth import read_truth
from stereo3d.poses import Status
from stereo3d.recording.base import open_recording
from stereo3d.skeleton import COCO_17
from stereo3d.stereo import Stereo

SAMPLE = Path(__file__).parents[2] / "sample_data" / "infant.h5"
CAMERA = RectifiedCamera((160, 90), 66.0, Stereo(79.5, 77.0), 44.5, 0.12)


def laid_side_by_side(folder: Path, n: int = 3) -> tuple[Path, Any]:
    """COCO's JSON of n pictures of both views, and the (n, 17, 3) m it was made from."""
    rng = np.random.default_rng(2)
    xyz = rng.uniform([-0.15, -0.1, 0.6], [0.15, 0.1, 0.8], (n, 17, 3))
    left, right = CAMERA.project(xyz)
    images, people = [], []
    for i in range(n):
        name = f"infant{i % 2}/pair_{7 + 3 * i}.png"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / name), np.repeat([[[10], [200]]], 160, 1).repeat(90, 0).repeat(3, 2).astype(np.uint8)[:, :320])
        images.append({"id": i, "file_name": name, "width": 320, "height": 90})
        for k, xy in enumerate((left[i], right[i] + [160, 0])):
            marks = np.concatenate([xy, np.full((17, 1), 2)], 1)
            people.append({"id": 2 * i + k, "image_id": i, "keypoints": marks.ravel().tolist()})
    held = {"info": {"layout": "side-by-side"}, "images": images, "annotations": people}
    (folder / "pairs.json").write_text(json.dumps(held))
    return folder / "pairs.json", xyz


def test_places_in_space_come_back(tmp_path: Path) -> None:
    path, xyz = laid_side_by_side(tmp_path)
    marks = read_stereo(path)
    truth = marks.truth(CAMERA, fps=10.0)
    assert np.allclose(truth.xyz, xyz, atol=1e-9) and np.allclose(truth.residual, 0, atol=1e-9)
    assert marks.frame.tolist() == [7, 10, 13] and truth.time.tolist() == [0.7, 1.0, 1.3]
    assert marks.visible.all() and (truth.score == 1).all() and not truth.status.any()
    assert marks.views.left.subject == ("infant0", "infant1", "infant0")
    left, right = (view.picture(1) for view in marks.views)
    assert left.shape == right.shape == (90, 160, 3) and (left == 10).all() and (right == 200).all()


def test_a_joint_that_was_guessed_or_left_out_in_one_view(tmp_path: Path) -> None:
    path, xyz = laid_side_by_side(tmp_path)
    held = json.loads(path.read_text())
    held["annotations"][3]["keypoints"][2] = 1
    held["annotations"][2]["keypoints"][5] = 0
    path.write_text(json.dumps(held))
    marks = read_stereo(path)
    truth = marks.truth(CAMERA)
    assert not marks.visible[1, 0] and truth.score[1, 0] == 0 and np.allclose(truth.xyz[1, 0], xyz[1, 0])
    assert np.isnan(truth.xyz[1, 1]).all() and truth.status[1, 1] == Status.MISSING_LEFT
    assert np.isfinite(truth.xyz).sum() == 3 * (3 * 17 - 1)


def test_both_views_are_learned_from(tmp_path: Path) -> None:
    path, _ = laid_side_by_side(tmp_path)
    found = read_annotated(path)
    assert len(found) == 6 and found.subject[:3] == found.subject[3:] and found.skeleton is COCO_17
    assert (found.picture(0) == 10).all() and (found.picture(5) == 200).all()
    assert (found.xy[..., 0] < 160).all()


def test_the_truth_is_a_file_that_evaluate_takes(tmp_path: Path) -> None:
    path, xyz = laid_side_by_side(tmp_path)
    storage.write(tmp_path / "truth.h5", truth=read_stereo(path).truth(CAMERA))
    assert np.allclose(read_truth(tmp_path / "truth.h5").xyz, xyz)


def test_a_recording_with_labels_in_raw_pictures() -> None:
    """Label by label it is the sample's own truth, to the rounding of its lenses' inversion."""
    marks = read_stereo(SAMPLE)
    with open_recording(SAMPLE) as recording:
        assert recording.rig is not None
        rectifier = Rectifier(recording.rig)
    found = marks.truth(rectifier)
    assert isinstance(rectifier.camera, RectifiedCamera)
    given = read_truth(SAMPLE).xyz @ rectifier.camera.left_from_rectified
    inside = np.isfinite(found.xyz)
    assert inside.mean() > 0.95 and np.abs(found.xyz - given)[inside].max() < 1e-4


@pytest.mark.parametrize(("change", "sentence"), [
    (lambda h: h["annotations"].pop(), "one on each half, got 0 on the right half of infant0/pair_13.png"),
    (lambda h: h["annotations"].append(h["annotations"][0]), "got 2 on the left half"),
    (lambda h: h["annotations"][0]["keypoints"].pop(), "expected two annotations of 17 joints"),
    (lambda h: h["info"].clear(), "expected \"layout\": \"side-by-side\""),
    (lambda h: h["images"][0].update(file_name="../x.png"), "expected pictures within"),
])
def test_other_files_are_named(tmp_path: Path, change: Any, sentence: str) -> None:
    path, _ = laid_side_by_side(tmp_path / "in")
    held = json.loads(path.read_text())
    change(held)
    path.write_text(json.dumps(held))
    with pytest.raises(InputError, match=sentence):
        read_stereo(path)
