"""Pictures that are quick to learn: each joint is a dot of its own colour."""

from __future__ import annotations

import colorsys
import json
from pathlib import Path

import cv2
import numpy as np

from stereo3d.datasets.annotated import Annotated
from stereo3d.skeleton import COCO_17
from stereo3d.values import Bytes, Floats

COLOURS = [tuple(255 * c for c in colorsys.hsv_to_rgb(i / 17, 1, 1)) for i in range(17)]
_AT = np.array([  # a body head up, in parts of the picture
    (.5, .15), (.55, .12), (.45, .12), (.6, .15), (.4, .15), (.7, .3), (.3, .3), (.8, .45), (.2, .45), (.85, .6),
    (.15, .6), (.62, .6), (.38, .6), (.65, .75), (.35, .75), (.66, .9), (.34, .9)])


def dotted(n: int, size: tuple[int, int] = (96, 96), *, seed: int = 0) -> tuple[Bytes, Floats]:
    """(n, h, w, 3) pictures and (n, 17, 2) px."""
    rng = np.random.default_rng(seed)
    xy = (_AT + rng.normal(0, 0.03, (n, 17, 2))) * size
    images = rng.integers(0, 60, (n, size[1], size[0], 3), dtype=np.uint8)
    for image, joints in zip(images, xy):
        for (x, y), colour in zip(joints.tolist(), COLOURS):
            cv2.circle(image, (round(x * 16), round(y * 16)), 4 * 16, colour, -1, shift=4)
    return images, xy


def annotated(n: int, size: tuple[int, int] = (96, 96), *, subjects: int = 4, seed: int = 0) -> Annotated:
    """The same as a data set of that many infants."""
    images, xy = dotted(n, size, seed=seed)
    whose = tuple(f"infant{i % subjects}" for i in range(n))
    return Annotated(images.__getitem__, xy, np.ones((n, 17)), np.ones((n, 17), bool), whose, COCO_17)


def write_coco(folder: Path, n: int, *, subjects: int = 4, seed: int = 0) -> Path:
    """COCO's JSON and its pictures, a folder for each infant."""
    images, xy = dotted(n, seed=seed)
    about = []
    for i, image in enumerate(images):
        name = f"infant{i % subjects}/{i:04d}.png"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / name), image[..., ::-1])
        about.append({"id": i, "file_name": name, "width": image.shape[1], "height": image.shape[0]})
    marks = np.concatenate([xy, np.full((n, 17, 1), 2.0)], -1)
    people = [{"id": i, "image_id": i, "category_id": 1, "keypoints": m.ravel().tolist()} for i, m in enumerate(marks)]
    category = {"id": 1, "name": "person", "keypoints": list(COCO_17.joints)}
    path = folder / "labels.json"
    path.write_text(json.dumps({"images": about, "annotations": people, "categories": [category]}))
    return path
