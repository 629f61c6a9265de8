"""The projection that an adjustment linearises, against OpenCV's and against differences."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stereo3d.calibration.projection import LENS, camera_of, lens_of, project
from stereo3d.cameras import Intrinsics
from stereo3d.errors import CalibrationError
from stereo3d.values import Floats

STEP = 1e-6
POINTS = np.random.default_rng(0).normal(size=(40, 3)) * (0.3, 0.2, 0.1) + (0, 0, 1)


def lenses() -> st.SearchStrategy[Floats]:
    small = st.floats(-0.3, 0.3)
    tiny = st.floats(-0.01, 0.01)
    parts = [st.floats(200, 900)] * 2 + [st.floats(100, 700)] * 2 + [small, small, tiny, tiny, small, tiny, tiny, tiny]
    return st.tuples(*parts).map(np.array)


@settings(max_examples=30, deadline=None)
@given(lenses())
def test_pixels_are_opencvs(lens: Floats) -> None:
    xy, _, _ = project(POINTS, lens)
    matrix = np.array([[lens[0], 0, lens[2]], [0, lens[1], lens[3]], [0, 0, 1]])
    theirs, _ = cv2.projectPoints(POINTS, np.zeros(3), np.zeros(3), matrix, lens[4:])
    np.testing.assert_allclose(xy, theirs[:, 0], atol=1e-8)


@settings(max_examples=15, deadline=None)
@given(lenses())
def test_slopes_are_differences(lens: Floats) -> None:
    _, by_point, by_lens = project(POINTS, lens)
    for i, move in enumerate(STEP * np.eye(3)):
        found = (project(POINTS + move, lens)[0] - project(POINTS - move, lens)[0]) / (2 * STEP)
        np.testing.assert_allclose(by_point[..., i], found, rtol=1e-5, atol=1e-4)
    for i, move in enumerate(STEP * np.eye(len(LENS))):
        found = (project(POINTS, lens + move)[0] - project(POINTS, lens - move)[0]) / (2 * STEP)
        np.testing.assert_allclose(by_lens[..., i], found, rtol=1e-5, atol=1e-4)


def test_a_lens_for_each_view_is_as_one_after_the_other() -> None:
    both = np.array([[500, 510, 320, 240, *[0.1, 0.02, 1e-3, 2e-3, 0.01, 0, 0, 0]], [400, 410, 300, 200, *[0.0] * 8]])
    together = project(np.stack([POINTS, POINTS]), both[:, None])
    for i, lens in enumerate(both):
        for found, alone in zip(together, project(POINTS, lens), strict=True):
            np.testing.assert_allclose(found[i], alone)


@pytest.mark.parametrize("n, kept", [(0, 5), (5, 5), (8, 8)])
def test_a_camera_goes_through_its_numbers(n: int, kept: int) -> None:
    coefficients = 0.01 * np.arange(1, n + 1)
    camera = Intrinsics((640, 480), 500.0, 510.0, 320.0, 240.0, coefficients)
    back = camera_of(lens_of(camera), (640, 480))
    np.testing.assert_allclose(back.distortion, np.pad(coefficients, (0, kept - n)))
    assert (back.fx, back.fy, back.cx, back.cy) == (500.0, 510.0, 320.0, 240.0)


def test_a_tilted_sensor_is_refused() -> None:
    with pytest.raises(CalibrationError, match="expected up to 8 coefficients"):
        lens_of(Intrinsics((640, 480), 500.0, 500.0, 320.0, 240.0, np.ones(14) * 1e-3))
