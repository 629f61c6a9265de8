"""Points, pictures and crops through the Rectifier, both ways."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stereo3d.calibration.rectify import Rectifier
from stereo3d.cameras import Intrinsics, RectifiedCamera, StereoRig
from stereo3d.errors import CalibrationError, InvalidValue
from stereo3d.stereo import SIDES, Side, Stereo
from stereo3d.values import Bytes, Floats

Project = Callable[[StereoRig, Floats], Stereo[Floats]]

FLAT = RectifiedCamera((1280, 720), 530.0, Stereo(640.0, 650.0), 360.0, 0.12)


@pytest.fixture(scope="module")
def rectifier(rig: StereoRig) -> Rectifier:
    return Rectifier(rig)


def affine(angle: float, scale: float, centre: tuple[float, float], size: tuple[int, int]) -> Floats:
    """Rectified px to the px of a crop turned, scaled, and centred there."""
    matrix = cv2.getRotationMatrix2D(centre, np.rad2deg(angle), scale)
    matrix[:, 2] += (np.array(size) - 1) / 2 - centre
    return np.asarray(matrix, float)


def smooth(size: tuple[int, int] = (1280, 720)) -> Bytes:
    """A picture (h, w, 3) whose grey levels turn slowly, so that interpolation costs next to nothing."""
    u, v = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    waves = (np.sin(u / 31 + v / 53), np.cos(u / 43 - v / 37), np.sin((u + 2 * v) / 71))
    return np.clip(127.5 + 100 * np.stack(waves, -1), 0, 255).round().astype(np.uint8)


def steps(size: tuple[int, int] = (1280, 720)) -> np.ndarray:
    """A picture (h, w, 2) in float32 whose values are its own u and v: what a remap gives is where it looked."""
    return np.stack(np.meshgrid(np.arange(size[0]), np.arange(size[1])), -1).astype(np.float32)


@pytest.mark.parametrize("side", SIDES)
def test_raw_points_undo_points(rectifier: Rectifier, wide_rig: StereoRig, side: Side) -> None:
    for one, size in ((rectifier, (1280, 720)), (Rectifier(wide_rig), (1080, 1920)), (Rectifier(FLAT), (1280, 720))):
        raw = np.random.default_rng(1).uniform((-0.5, -0.5), np.array(size) - 0.5, (40, 50, 2))
        there = one.points(raw, side)
        assert there.shape == raw.shape and np.isfinite(there).mean() > 0.99
        np.testing.assert_allclose(one.raw_points(there, side)[np.isfinite(there)], raw[np.isfinite(there)], atol=1e-6)


@given(u=st.floats(-2000, 4000), v=st.floats(-2000, 3000))
@settings(max_examples=80, deadline=None)
def test_points_undo_raw_points_wherever_there_are_any(rectifier: Rectifier, u: float, v: float) -> None:
    raw = rectifier.raw_points([u, v], "right")
    if np.isfinite(raw).all():
        np.testing.assert_allclose(rectifier.points(raw, "right"), [u, v], atol=1e-6)


def test_unknown_points_stay_unknown(rectifier: Rectifier) -> None:
    for function in (rectifier.points, rectifier.raw_points):
        out = function([[np.nan, 300.0], [600.0, 300.0], [np.nan, np.nan]], "left")
        assert np.isnan(out[[0, 2]]).all() and np.isfinite(out[1]).all()
        assert function(np.zeros((0, 17, 2)), "left").shape == (0, 17, 2)


def test_pictures_are_those_of_opencvs_two_calls(rig: StereoRig, rectifier: Rectifier) -> None:
    left, right = rig.cameras
    found = cv2.stereoRectify(
        left.matrix, np.array(left.distortion), right.matrix, np.array(right.distortion), left.size,
        np.array(rig.rotation), rig.translation.reshape(3, 1), flags=cv2.CALIB_ZERO_DISPARITY, alpha=0,
    )
    images = rectifier.images(Stereo(smooth(), smooth()[::-1].copy()))
    for i, (image, raw) in enumerate(zip(images, (smooth(), smooth()[::-1].copy()), strict=True)):
        lens = rig.cameras[SIDES[i]]
        maps = cv2.initUndistortRectifyMap(
            lens.matrix, np.array(lens.distortion), found[i], found[2 + i], lens.size, cv2.CV_32FC1
        )
        expected = cv2.remap(raw, *maps, cv2.INTER_LINEAR)
        assert np.abs(image.astype(int) - expected).max() <= 1 and image.shape == (720, 1280, 3)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("angle", "scale", "centre"), [
    (0.0, 1.0, (640, 360)), (0.5, 0.6, (500, 300)), (-2.0, 1.7, (800, 400)), (3.1, 0.4, (640, 360)),
])
def test_a_crop_looks_where_points_say(
    rectifier: Rectifier, side: Side, angle: float, scale: float, centre: tuple[float, float]
) -> None:
    """A picture of its own coordinates: every pixel of the crop tells the raw place that it was taken from."""
    size = (288, 384)
    matrix = affine(angle, scale, centre, size)
    seen = rectifier.crop(steps(), matrix, size, side)
    assert seen.shape == (384, 288, 2)
    grid = np.stack(np.meshgrid(np.arange(288.0), np.arange(384.0)), -1)
    back = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))
    expected = rectifier.raw_points(grid @ back[:2, :2].T + back[:2, 2], side)
    inside = (expected > 2).all(-1) & (expected < np.array([1277, 717])).all(-1)
    off = (seen - expected)[inside]
    assert inside.mean() > 0.5 and np.abs(off.mean(0)).max() < 0.01 and np.abs(off).max() < 0.02


@pytest.mark.parametrize(("angle", "scale"), [(0.0, 1.0), (0.7, 0.8), (-1.5, 1.3)])
def test_a_crop_is_the_crop_of_the_rectified_picture(rectifier: Rectifier, angle: float, scale: float) -> None:
    size, image = (288, 384), smooth()
    matrix = affine(angle, scale, (640, 360), size)
    once = rectifier.crop(image, matrix, size, "left")
    whole = rectifier.images(Stereo(image, image)).left
    twice = cv2.warpAffine(whole, matrix, size, flags=cv2.INTER_LINEAR)
    covered = cv2.warpAffine(np.full((720, 1280), 255, np.uint8), matrix, size) == 255
    off = np.abs(once.astype(float) - twice)[covered]
    assert covered.mean() > 0.9 and off.mean() < 0.4 and off.max() <= 3


def test_beyond_the_recorded_picture_a_crop_is_black(rectifier: Rectifier) -> None:
    white = np.full((720, 1280, 3), 255, np.uint8)
    crop = rectifier.crop(white, affine(0, 0.1, (640, 360), (400, 300)), (400, 300), "left")
    assert (crop[150, 200] == 255).all() and not crop[:20].any() and not crop[:, :20].any()
    far = rectifier.crop(white, affine(0, 1, (1e7, 1e7), (40, 30)), (40, 30), "left")
    assert not far.any()


def test_beyond_the_fold_a_crop_is_black_and_not_a_ghost() -> None:
    """cv2's map shows the far ring mirrored; a lens like a ZED 2's, a crop that reaches 70 degrees off the axis."""
    lens = Intrinsics((1280, 720), 534.0, 533.0, 640.0, 360.0, np.array([-0.06, 0.04, -3e-4, -6e-4, -0.016]))
    rectifier = Rectifier(StereoRig(Stereo(lens, lens), np.eye(3), np.array([-0.12, 0, 0])))
    white = np.full((720, 1280, 3), 255, np.uint8)
    matrix = affine(0, 0.1, (640, 360), (400, 400))
    crop = rectifier.crop(white, matrix, (400, 400), "left")
    u, v = cv2.initUndistortRectifyMap(
        lens.matrix, np.array(lens.distortion), np.eye(3), np.vstack([matrix, [0, 0, 1]]) @ lens.matrix, (400, 400),
        cv2.CV_32FC1,
    )
    ghosts = cv2.remap(white, u, v, cv2.INTER_LINEAR)
    assert ghosts[..., 0].sum() > 1.5 * crop[..., 0].sum()
    rows, columns = np.nonzero(crop[..., 0])
    assert np.hypot(rows - 199.5, columns - 199.5).max() * 10 / 534 < 1.7


@pytest.mark.parametrize("shrink", [1, 2])
def test_each_colour_is_cropped_as_a_grey_picture_is(rectifier: Rectifier, shrink: int) -> None:
    image = np.random.default_rng(3).integers(0, 256, (720, 1280, 3), dtype=np.uint8)
    matrix = affine(0.3, 0.5, (900, 500), (96, 128))
    colours = [
        rectifier.crop(np.ascontiguousarray(image[..., i]), matrix, (96, 128), "left", shrink) for i in range(3)
    ]
    np.testing.assert_array_equal(
        rectifier.crop(image, matrix, (96, 128), "left", shrink), np.stack(colours, -1)
    )


def test_maps_are_kept_and_told_apart(rectifier: Rectifier) -> None:
    image, size = smooth(), (40, 30)
    boxes = [affine(0.1 * i, 1.0, (600, 300), size) for i in range(20)]
    first = [rectifier.crop(image, box, size, side) for box in boxes for side in SIDES]
    again = [rectifier.crop(image, box, size, side) for box in boxes for side in SIDES]
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert len({a.tobytes() for a in first}) == len(first)
    before = rectifier.crop(image, boxes[0], size, "left")
    boxes[0] += 5.0
    assert not np.array_equal(rectifier.crop(image, boxes[0], size, "left"), before)


def test_half_of_a_side_by_side_picture_needs_no_copy(rectifier: Rectifier) -> None:
    both = np.concatenate([smooth(), smooth()[::-1]], 1)
    size, matrix = (288, 384), affine(0.3, 1.0, (640, 360), (288, 384))
    half = rectifier.crop(both[:, 1280:], matrix, size, "right")
    np.testing.assert_array_equal(half, rectifier.crop(both[:, 1280:].copy(), matrix, size, "right"))


def test_rectified_pictures_pass_as_they_are(rig: StereoRig, rectifier: Rectifier) -> None:
    images = Stereo(smooth(), smooth()[:, ::-1].copy())
    xy = np.random.default_rng(0).uniform(0, 700, (5, 17, 2))
    for passing, camera in ((Rectifier(FLAT), FLAT), (Rectifier(rig, rectified_images=True), rectifier.camera)):
        assert passing.camera == camera and "rectified" in passing.reason
        assert passing.images(images) is images
        for side in SIDES:
            np.testing.assert_array_equal(passing.points(xy, side), xy)
            np.testing.assert_array_equal(passing.raw_points(xy, side), xy)
        matrix = affine(0.4, 0.9, (640, 360), (96, 128))
        expected = cv2.warpAffine(images.right, matrix, (96, 128), flags=cv2.INTER_LINEAR)
        off = np.abs(passing.crop(images.right, matrix, (96, 128), "right").astype(int) - expected)
        assert off.max() <= 2


def test_a_pair_that_is_not_rectified_loses_its_distortion_alone(wide_rig: StereoRig, project: Project) -> None:
    rectifier = Rectifier(wide_rig)
    assert isinstance(rectifier.camera, StereoRig) and rectifier.rig is wide_rig
    xyz = np.random.default_rng(0).uniform((-0.5, -1, 2.5), (0.5, 1, 3.5), (50, 3))
    for side in SIDES:
        straight, bent = project(rectifier.camera, xyz)[side], project(wide_rig, xyz)[side]
        np.testing.assert_allclose(rectifier.points(bent, side), straight, atol=1e-6)
    flat = rectifier.images(Stereo(smooth((1080, 1920)), smooth((1080, 1920))))
    assert flat.left.shape == (1920, 1080, 3)
    with pytest.raises(CalibrationError, match="said to be rectified.*would turn the cameras"):
        Rectifier(wide_rig, rectified_images=True)


@pytest.mark.parametrize("passing", [False, True])
def test_pictures_of_another_size_are_refused(rig: StereoRig, passing: bool) -> None:
    rectifier = Rectifier(rig, rectified_images=passing)
    small = smooth((640, 360))
    with pytest.raises(CalibrationError, match="left picture: .* for pictures of 1280x720 px, these have 640x360"):
        rectifier.images(Stereo(small, small))
    with pytest.raises(CalibrationError, match="right picture: .*side by side"):
        rectifier.crop(np.zeros((720, 2560, 3), np.uint8), np.eye(2, 3), (10, 10), "right")


@pytest.mark.parametrize(("matrix", "size", "sentence"), [
    (np.zeros((2, 3)), (10, 10), "affine with an inverse"),
    (np.full((2, 3), np.nan), (10, 10), "affine with an inverse"),
    (np.eye(2, 3), (0, 10), "expected pixels"),
    (np.eye(3), (10, 10), r"affine: expected shape \(2, 3\)"),
])
def test_impossible_crops_are_refused(
    rectifier: Rectifier, matrix: Floats, size: tuple[int, int], sentence: str
) -> None:
    with pytest.raises(InvalidValue, match=sentence):
        rectifier.crop(smooth(), matrix, size, "left")
