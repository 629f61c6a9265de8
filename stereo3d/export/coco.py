"""COCO's JSON of keypoint results, for pycocotools: the joints of one view.

image_id is the frame's index in the recording. A missing joint is 0, 0, 0; the third number of the others is the
joint's score, the result's score their mean. A frame without any joint has no result.
Source: https://cocodataset.org/#format-results.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from stereo3d import atomic
from stereo3d.errors import UsageError
from stereo3d.poses import Poses2D
from stereo3d.values import Bools, Floats

PERSON = 1
"""COCO's category."""


def write_coco(poses: Poses2D, path: Path) -> None:
    """Write the results of one view, px to 1/1000. Raises UsageError for joints in space."""
    if not isinstance(poses, Poses2D):
        raise UsageError(f"COCO holds joints in a picture: expected Poses2D, one view, got {type(poses).__name__}")
    atomic.write_text(path, json.dumps(results(poses), separators=(",", ":")) + "\n")


def results(poses: Poses2D) -> list[dict[str, object]]:
    """One entry for each frame with a joint, as COCO's results have them."""
    found: Bools = np.asarray(np.isfinite(poses.xy).all(-1))
    score = np.where(found, np.nan_to_num(poses.score), 0.0)
    keypoints: Floats = np.concatenate([np.where(found[..., None], poses.xy, 0.0), score[..., None]], -1)
    mean = score.sum(1) / np.maximum(found.sum(1), 1)
    rows = keypoints.reshape(len(poses), 3 * len(poses.skeleton)).round(3).tolist()
    return [
        {"image_id": int(frame), "category_id": PERSON, "keypoints": row, "score": round(float(s), 6)}
        for frame, row, s, any_joint in zip(poses.frame, rows, mean, np.asarray(found.any(1)))
        if any_joint
    ]
