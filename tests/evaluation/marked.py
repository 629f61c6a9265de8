"""Pictures of an infant that people marked, and what detectors say of them, as COCO's JSON has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from stereo3d.skeleton import COCO_17

SIZE = (640, 480)


def places(n: int, seed: int = 0) -> Any:
    """(n, 17, 2) px: a body that moves a little."""
    rng = np.random.default_rng(seed)
    return rng.uniform([200, 120], [440, 360], (17, 2)) + rng.normal(scale=4, size=(n, 17, 2))


def annotation(image: int, xy: Any, seen: Any = None, **more: Any) -> dict[str, Any]:
    flags = np.full(len(xy), 2) if seen is None else np.asarray(seen)
    marks = np.where(flags[:, None] > 0, xy, 0.0)
    low, span = xy.min(0), np.ptp(xy, 0)
    return {
        "id": image + 1, "image_id": image, "category_id": 1, "iscrowd": 0, "area": float(0.6 * span.prod()),
        "bbox": [*low.tolist(), *span.tolist()], "num_keypoints": int((flags > 0).sum()),
        "keypoints": np.column_stack([marks, flags]).ravel().tolist(),
    } | more  # fmt: skip


def dataset(annotations: list[dict[str, Any]], images: list[int], joints: tuple[str, ...] = COCO_17.joints) -> dict[str, Any]:
    return {
        "images": [{"id": i, "width": SIZE[0], "height": SIZE[1], "file_name": f"{i}.png"} for i in images],
        "annotations": annotations, "categories": [{"id": 1, "name": "person", "keypoints": list(joints)}],
    }  # fmt: skip


def result(image: int, xy: Any, score: float = 0.9) -> dict[str, Any]:
    keypoints = np.column_stack([xy, np.ones(len(xy))]).ravel().tolist()
    return {"image_id": image, "category_id": 1, "keypoints": keypoints, "score": score}


def written(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value))
    return path
