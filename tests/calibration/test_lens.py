"""distort is OpenCV's model, undistort its exact inverse, and neither says anything beyond the lens's fold."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stereo3d.calibration.lens import distort, undistort
from stereo3d.cameras import Intrinsics
from stereo3d.errors import CalibrationError

ZED_2 = [-0.06, 0.04, -3e-4, -6e-4, -0.016]
"""Like a ZED 2's: the radial part turns back at a radius of 1.57, in the corners of an HD720 picture."""
LENSES = {
    "none": [],
    "five": ZED_2,
    "pincushion": [0.1, 0.02, 1e-3, -1e-3, 0.001],
    "eight": [0.1, 0.2, 1e-3, -2e-3, 0.01, 0.3, 0.1, 0.02],
    "a pole": [-0.214, -0.402, 0, 0, 0, 0, 0, -0.936],
    "fourteen": [-0.1, 0.02, 1e-3, -2e-3, 0.001, 0.03, 0.01, 0.002, 1e-3, 2e-3, -1e-3, 1e-3, 0.02, -0.03],
}


def camera(distortion: list[float], size: tuple[int, int] = (1280, 720)) -> Intrinsics:
    return Intrinsics(size, 534.0, 533.0, 639.5, 368.0, np.array(distortion))


def pixels(size: tuple[int, int], step: int = 7) -> np.ndarray:
    return np.stack(np.meshgrid(np.arange(0.0, size[0], step), np.arange(0.0, size[1], step)), -1)


@pytest.mark.parametrize("lens", LENSES.values(), ids=LENSES)
def test_distort_is_opencvs(lens: list[float]) -> None:
    xy = np.random.default_rng(0).uniform(-0.7, 0.7, (3, 500, 2))
    ray = np.append(xy, np.ones((3, 500, 1)), -1).reshape(-1, 3)
    coefficients = np.array(lens or [0.0] * 5)
    expected, _ = cv2.projectPoints(ray, np.zeros(3), np.zeros(3), camera(lens).matrix, coefficients)
    np.testing.assert_allclose(distort(xy, camera(lens)), expected.reshape(3, 500, 2), rtol=0, atol=1e-9)


@pytest.mark.parametrize("lens", LENSES.values(), ids=LENSES)
def test_every_pixel_goes_there_and_back(lens: list[float]) -> None:
    px = pixels((1280, 720))
    ideal = undistort(px, camera(lens))
    found = np.isfinite(ideal).all(-1)
    assert found.mean() > 0.99
    np.testing.assert_allclose(distort(ideal, camera(lens))[found], px[found], rtol=0, atol=1e-6)


@given(
    k=st.tuples(*[st.floats(-0.3, 0.3)] * 2, st.floats(-0.05, 0.05)),
    p=st.tuples(*[st.floats(-2e-3, 2e-3)] * 2),
    rational=st.none() | st.tuples(*[st.floats(-0.1, 0.3)] * 3),
    xy=arrays(float, (20, 2), elements=st.floats(-1.2, 1.2)),
)
@settings(max_examples=60, deadline=None)
def test_what_is_inside_the_fold_comes_back(k, p, rational, xy) -> None:
    lens = camera([k[0], k[1], *p, k[2], *(rational or ())])
    px = distort(xy, lens)
    seen = np.isfinite(px).all(-1)
    back = undistort(px[seen], lens)
    assert np.isfinite(back).all()
    np.testing.assert_allclose(distort(back, lens), px[seen], rtol=1e-9, atol=1e-6)


def test_corners_without_inverse_are_nan_and_opencv_is_wrong_there() -> None:
    px = pixels((1280, 720), 1)
    lens = camera(ZED_2)
    lost = np.isnan(undistort(px, lens)).any(-1)
    assert 0.001 < lost.mean() < 0.01
    assert not lost[60:-60].any() and not lost[:, 100:-100].any()
    theirs = cv2.undistortPoints(px[lost].reshape(-1, 1, 2), lens.matrix, np.array(lens.distortion)).reshape(-1, 2)
    ray = np.append(theirs, np.ones((len(theirs), 1)), -1)
    again, _ = cv2.projectPoints(ray, np.zeros(3), np.zeros(3), lens.matrix, np.array(lens.distortion))
    assert np.median(np.abs(again.reshape(-1, 2) - px[lost]).max(-1)) > 0.01


def test_what_lies_beyond_the_fold_is_seen_nowhere() -> None:
    """The second ring falls on pixels that are taken: cv2.projectPoints gives it a place in the picture."""
    lens = camera(ZED_2)
    along = np.linspace(0, 2.5, 500)[:, None] * (0.6, 0.8)
    px = distort(along, lens)
    inside = np.isfinite(px).all(-1)
    edge = int(inside.sum())
    assert inside[:edge].all() and 1.5 < np.hypot(*along[edge]) < 1.65
    assert (np.diff(px[:edge, 1]) > 0).all()
    ghost, _ = cv2.projectPoints(np.array([[1.2, 1.6, 1.0]]), np.zeros(3), np.zeros(3), lens.matrix, lens.distortion)
    assert 0 < ghost[0, 0, 0] < px[edge - 1, 0]


@pytest.mark.parametrize("distance", [1e-2, 1e-4, 1e-6, 1e-8])
def test_close_to_the_fold_the_inverse_still_holds(distance: float) -> None:
    lens = camera(ZED_2)
    around = np.linspace(0, 2 * np.pi, 37)[:-1]
    rays = np.stack([np.cos(around), np.sin(around)], -1)
    low, high = np.zeros(36), np.full(36, 1.7)
    for _ in range(60):
        middle = (low + high) / 2
        inside = np.isfinite(distort(middle[:, None] * rays, lens)).all(-1)
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    px = distort((low * (1 - distance))[:, None] * rays, lens)
    np.testing.assert_allclose(distort(undistort(px, lens), lens), px, rtol=0, atol=1e-6)


@pytest.mark.parametrize("lens", LENSES.values(), ids=LENSES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e200])
def test_nonsense_in_is_nan_out_and_leaves_its_neighbours(lens: list[float], bad: float) -> None:
    for function, good in ((distort, [0.1, -0.2]), (undistort, [700.0, 300.0])):
        xy = np.array([good, [bad, good[1]], [good[0], bad], good])
        out = function(xy, camera(lens))
        alone = function(good, camera(lens))
        assert np.array_equal(out[0], alone) and np.array_equal(out[3], alone) and np.isfinite(alone).all()
        if lens and len(lens) < 8:
            assert np.isnan(out[1:3]).all()


def test_shapes_are_kept() -> None:
    assert undistort([640.0, 360.0], camera(ZED_2)).shape == (2,)
    assert undistort(np.zeros((0, 2)), camera(ZED_2)).shape == (0, 2)
    assert distort(np.zeros((2, 3, 4, 2)), camera(ZED_2)).shape == (2, 3, 4, 2)
    np.testing.assert_array_equal(distort([0.0, 0.0], camera(LENSES["eight"])), [639.5, 368.0])


def test_no_lens_has_such_coefficients() -> None:
    with pytest.raises(CalibrationError, match="no lens bends like that"):
        undistort([1.0, 2.0], camera([1e300, 0, 0, 0, 0]))
