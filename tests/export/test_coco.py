"""COCO's results, read back and scored by pycocotools."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
from pathlib import Path

import numpy as np
import pytest
from test_storage import poses2d, poses3d

from stereo3d.errors import UsageError
from stereo3d.export import export
from stereo3d.poses import Poses2D
from stereo3d.skeleton import COCO_17


def seen(n_frames: int = 4) -> Poses2D:
    """In the picture, two joints and the whole third frame missing."""
    poses = poses2d(n_frames)
    xy = 200 + 50 * poses.xy
    xy[0, 3], xy[1, 5, 0], xy[2] = np.nan, np.nan, np.nan
    return dataclasses.replace(poses, xy=xy, frame=poses.frame + 100)


def test_results_are_the_joints(tmp_path: Path) -> None:
    poses = seen()
    read = json.loads(export(poses, tmp_path / "p.json", "coco").read_text())
    assert [r["image_id"] for r in read] == [100, 101, 103] and {r["category_id"] for r in read} == {1}
    keypoints = np.array([r["keypoints"] for r in read]).reshape(3, 17, 3)
    there = np.isfinite(poses.xy).all(-1)[[0, 1, 3]]
    np.testing.assert_allclose(keypoints[there][:, :2], poses.xy[[0, 1, 3]][there], atol=5e-4)
    np.testing.assert_allclose(keypoints[there][:, 2], poses.score[[0, 1, 3]][there], atol=5e-4)
    assert (keypoints[~there] == 0).all() and (~there).sum() == 2
    means = [poses.score[t][np.isfinite(poses.xy[t]).all(-1)].mean() for t in (0, 1, 3)]
    np.testing.assert_allclose([r["score"] for r in read], means, atol=1e-6)


def test_pycocotools_finds_them_perfect(tmp_path: Path) -> None:
    pytest.importorskip("pycocotools")
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    poses = seen()
    there = np.isfinite(poses.xy).all(-1)
    keypoints = np.concatenate([np.nan_to_num(poses.xy) * there[..., None], 2.0 * there[..., None]], -1)
    annotations = [
        {"id": i + 1, "image_id": int(f), "category_id": 1, "keypoints": k.ravel().tolist(), "iscrowd": 0,
         "num_keypoints": int(n), "area": 4e4, "bbox": [0, 0, 400, 400]}
        for i, (f, k, n) in enumerate(zip(poses.frame, keypoints, there.sum(1), strict=True)) if n
    ]  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        category = {"id": 1, "name": "person", "keypoints": list(COCO_17.joints), "skeleton": []}
        truth.dataset = {"images": [{"id": int(f)} for f in poses.frame], "annotations": annotations, "categories": [category]}
        truth.createIndex()
        scores = COCOeval(truth, truth.loadRes(str(export(poses, tmp_path / "p.json", "coco"))), "keypoints")
        scores.evaluate()
        scores.accumulate()
        scores.summarize()
    assert scores.stats[0] == pytest.approx(1) and scores.stats[5] == pytest.approx(1)


def test_no_frames_and_no_scores(tmp_path: Path) -> None:
    assert json.loads(export(poses2d(0), tmp_path / "p.json", "coco").read_text()) == []
    unscored = dataclasses.replace(poses2d(1), score=np.full((1, 17), np.nan))
    assert json.loads(export(unscored, tmp_path / "p.json", "coco").read_text())[0]["score"] == 0


def test_joints_in_space_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected Poses2D, one view, got Poses3D"):
        export(poses3d(1), tmp_path / "p.json", "coco")
