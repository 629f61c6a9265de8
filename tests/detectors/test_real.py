"""A trained network on a real picture: EfficientPose RT on one photograph (tests/test_main_job.py has the videos)."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from stereo3d.detectors import crops
from stereo3d.detectors.base import Detector, build
from stereo3d.detectors.crops import Box
from stereo3d.detectors.look import look
from stereo3d.detectors.search import _search_one
from stereo3d.skeleton import COCO_17, shared_joints
from stereo3d.values import Bytes, Floats


@pytest.fixture(scope="module")
def detector(shared: Path) -> Detector:
    made = build("efficientpose", shared / "data/efficientpose/EfficientPoseRT.h5", device="cpu", threads=1)
    assert isinstance(made, Detector)
    return made


@pytest.fixture(scope="module")
def photograph(shared: Path) -> tuple[Bytes, Floats, Floats]:
    """The picture, the person's box x, y, w, h, and the (17, 3) joints x, y, visibility."""
    folder = shared / "data/coco-cc-by"
    image = cv2.imread(str(folder / "000000000785.jpg"))[..., ::-1]
    person = json.loads((folder / "person_keypoints_785.json").read_text())["annotations"][0]
    return np.ascontiguousarray(image), np.array(person["bbox"]), np.array(person["keypoints"], float).reshape(17, 3)


def errors(detector: Detector, xy: Floats, labelled: Floats) -> Floats:
    """(12,) px, how far the joints that both skeletons have lie from the labelled ones."""
    ours, theirs = shared_joints(detector.skeleton, COCO_17)
    return np.asarray(np.linalg.norm(xy[ours] - labelled[theirs, :2], axis=1))


def test_a_photograph_by_its_annotated_box(detector: Detector, photograph: tuple[Bytes, Floats, Floats]) -> None:
    image, xywh, labelled = photograph
    affine = crops.affine(Box.from_xywh(xywh, convention="letterbox"), detector.crop)
    found = look(detector, [partial(crops.warp, image)], affine[None])
    error = errors(detector, found.xy[0], labelled)
    print(f"photograph: mean error {error.mean():.2f} px of {len(error)} joints; the person is {xywh[3]:.0f} px high")
    assert len(error) == 12 and error.mean() < 11 and error.max() < 25


@pytest.mark.slow
def test_a_person_is_found_who_lies(detector: Detector, photograph: tuple[Bytes, Floats, Floats]) -> None:
    """In the photograph turned by a quarter, head to the right."""
    image, xywh, labelled = photograph
    lying = np.ascontiguousarray(np.rot90(image, -1))
    box, score = _search_one(detector, lying)
    centre = np.array([image.shape[0] - 1 - (xywh[1] + xywh[3] / 2), xywh[0] + xywh[2] / 2])
    assert np.linalg.norm(box[:2] - centre) < 0.15 * xywh[3]
    assert abs(box[4] - np.pi / 2) < 0.4 and score > 0.4
    affine = crops.affine(Box(box[:2], box[2:4], box[4]), detector.crop)
    seen = look(detector, [partial(crops.warp, lying)], affine[None])
    upright = np.stack([seen.xy[0, :, 1], image.shape[0] - 1 - seen.xy[0, :, 0]], -1)
    error = errors(detector, upright, labelled)
    print(f"lying, and searched: mean error {error.mean():.2f} px")
    assert error.mean() < 14
