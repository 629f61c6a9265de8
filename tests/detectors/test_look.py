"""Crops that are cut finely enough, and joints brought back from them."""

from __future__ import annotations

import dataclasses
from functools import partial

import cv2
import numpy as np
import pytest
from dots import CROP, SIZE, Dots, figure, picture, rectifier

from stereo3d.calibration.rectify import shrunk
from stereo3d.detectors import crops
from stereo3d.detectors.crops import Box
from stereo3d.detectors.look import SMALLEST, cut_out, look
from stereo3d.poses import Detections


def test_joints_come_back_in_the_picture_they_were_seen_in() -> None:
    joints = [figure(300, 200, turn=0.3), figure(150, 260, turn=0.4, scale=0.8)]
    boxes = Box([[300, 200], [150, 260]], [[150, 170], [110, 140]], np.array([0.3, 0.4]))
    pictures = [partial(crops.warp, picture(j)) for j in joints]
    found = look(Dots(), pictures, crops.affine(boxes, CROP))
    np.testing.assert_allclose(found.xy, joints, atol=0.3)
    scale = crops.magnification(crops.affine(boxes, CROP))
    np.testing.assert_allclose(found.sigma, np.tile(0.5 / scale[:, None], 12))


def test_an_unknown_box_gives_unknown_joints_and_spoils_no_other() -> None:
    joints = figure(300, 200)
    affines = crops.affine(Box([[300, 200], [np.nan, 3]], [[150, 170], [10, 10]]), CROP)
    found = look(Dots(), [partial(crops.warp, picture(joints))] * 2, affines)
    np.testing.assert_allclose(found.xy[0], joints, atol=0.3)
    assert np.isnan(found.xy[1]).all() and np.isnan(found.score[1]).all() and np.isnan(found.sigma[1]).all()


def test_no_pictures_give_no_joints() -> None:
    assert look(Dots(), [], np.zeros((0, 2, 3))).xy.shape == (0, 12, 2)


def test_a_crop_that_does_not_shrink_is_the_pictures_own_samples() -> None:
    image = np.random.default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8)
    affine = np.array([[1.0, 0, -10], [0, 1, -5]])
    np.testing.assert_array_equal(cut_out(partial(crops.warp, image), affine, (20, 16)), image[5:21, 10:30])


@pytest.mark.parametrize("shrink", [1.6, 2, 3, 5, 7.4])
def test_a_crop_that_shrinks_is_a_mean_in_the_right_place(shrink: float) -> None:
    """Noise comes out grey, and a ramp as itself: pixel centres stay where the affine puts them."""
    y, x = np.mgrid[:601, :603]
    noise = np.random.default_rng(0).integers(0, 256, (601, 603)).astype(np.uint8)
    ramp = (40 + x / 5 + y / 7).astype(np.float32)
    affine = np.array([[1 / shrink, 0, -5.3], [0, 1 / shrink, -4.1]])
    size = (40, 30)
    grey = cut_out(partial(crops.warp, noise), affine, size)
    assert grey[10:20, 10:20].std() < 1.2 * noise.std() / shrink, "a mean over the pixel leaves 1 / shrink"
    out = cut_out(partial(crops.warp, ramp), affine, size)
    places = crops.apply(crops.invert(affine), np.stack(np.meshgrid(np.arange(40), np.arange(30)), -1).reshape(-1, 2))
    expected = (40 + places[:, 0] / 5 + places[:, 1] / 7).reshape(30, 40)
    assert np.abs(out - expected)[places.reshape(30, 40, 2).max(-1) < 590].max() <= 1.0


@pytest.mark.parametrize(("apart", "times"), [(0.5, 1), (1.5, 1), (1.51, 2), (3, 2), (3.1, 4), (12, 8), (1000, SMALLEST)])
def test_pictures_are_shrunk_as_far_as_their_samples_lie_apart(apart: float, times: int) -> None:
    asked: list[int] = []

    def cut(affine: np.ndarray, size: tuple[int, int], *, shrink: int) -> np.ndarray:
        asked.append(shrink)
        return np.zeros((size[1], size[0], 3), np.uint8)

    cut_out(cut, np.array([[1 / apart, 0, 0], [0, 1 / apart, 0]]), (32, 16))
    assert asked == [times]


def test_a_rectified_crop_of_a_shrunk_picture_shows_the_same() -> None:
    """Through the lens: dots lie where they lie in the full one."""
    places = rectifier()
    image = picture(figure(320, 240, scale=2.5))
    affine = np.array([[0.5, 0, -30.0], [0, 0.5, -20.0]])
    whole, small = (places.crop(image, affine, (260, 200), "left", times).astype(float) for times in (1, 2))
    assert 0 < np.abs(whole - small).mean() < 0.4
    np.testing.assert_allclose(Dots()(whole[None].astype(np.uint8)).xy, Dots()(small[None].astype(np.uint8)).xy, atol=0.15)


@pytest.mark.parametrize("shrink", [2, 4, 8])
@pytest.mark.parametrize(("scale", "x", "y"), [(0.4, -20, -30), (0.4, -200, -150), (0.2, 300, 0), (0.3, 5000, 0), (0.1, 0, 0)])
def test_only_what_a_crop_looks_at_is_shrunk_and_it_does_not_show(shrink: int, scale: float, x: float, y: float) -> None:
    places = rectifier()
    image = cv2.resize(np.random.default_rng(0).integers(0, 255, (60, 81, 3), dtype=np.uint8), SIZE)
    affine = np.array([[scale, 0.02, x], [-0.02, scale, y]])
    u, v = places._whole_map(affine.tobytes(), (96, 128), "left")
    u, v = (((p - (shrink - 1) / 2) / shrink).astype(np.float32) for p in (u, v))
    whole = cv2.remap(shrunk(image, shrink), u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    np.testing.assert_array_equal(places.crop(image, affine, (96, 128), "left", shrink), whole)


class Crowd(Dots):
    """Sees as many others as the picture's first pixel is red."""

    def __call__(self, images: np.ndarray) -> Detections:
        return dataclasses.replace(super().__call__(images), others=images[:, 0, 0, 0].astype(float))


def test_how_many_others_there_were_comes_along() -> None:
    images = np.zeros((3, 128, 96, 3), np.uint8)
    images[:, 0, 0, 0] = 2, 0, 1
    affines = np.tile(np.eye(3)[:2], (3, 1, 1))
    affines[1] = np.nan
    found = look(Crowd(), [partial(crops.warp, image) for image in images], affines)
    np.testing.assert_array_equal(found.others, [2, np.nan, 1])


def test_a_detector_of_one_person_says_nothing_of_others() -> None:
    found = look(Dots(), [partial(crops.warp, np.zeros((128, 96, 3), np.uint8))], np.eye(3)[None, :2])
    assert np.isnan(found.others).all()
