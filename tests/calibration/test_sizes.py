"""A rig says which pictures it is for, and follows pictures that software scaled."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from stereo3d.calibration.sizes import fitting, mismatch, rescaled
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import CalibrationError, InvalidValue
from stereo3d.stereo import Stereo
from stereo3d.values import Floats

Project = Callable[[StereoRig, Floats], Stereo[Floats]]


@pytest.fixture
def flat() -> RectifiedCamera:
    return RectifiedCamera((1280, 720), 530.0, Stereo(640.0, 640.0), 360.0, 0.12)


@pytest.mark.parametrize(("size", "sentence"), [
    ((1920, 1080), "for pictures of 1280x720 px, these have 1920x1080: .* cannot be scaled by width"),
    ((720, 1280), "these have 720x1280"),
    ((2560, 720), "both views side by side"),
])
def test_another_size_is_named(rig: StereoRig, flat: RectifiedCamera, size: tuple[int, int], sentence: str) -> None:
    assert mismatch(rig, (1280, 720)) is None and mismatch(flat, (1280, 720)) is None
    for either in (rig, flat):
        with pytest.raises(CalibrationError, match=sentence):
            fitting(either, size)
        assert fitting(either, (1280, 720)) is either and fitting(either, None) is either


def test_rescaled_moves_the_pixels_as_the_pictures_were(rig: StereoRig, cloud: np.ndarray, project: Project) -> None:
    """Half size, with a border of 10 px to the left and right: a pixel's place follows by its own centre."""
    small = rescaled(rig, (660, 360), 0.5)
    assert small.cameras.left.size == (660, 360) and small.translation is not None
    before, after = project(rig, cloud), project(small, cloud)
    for a, b in zip(before, after, strict=True):
        np.testing.assert_allclose(b, (a + 0.5) * 0.5 - 0.5 + (10, 0), atol=1e-9)


def test_rescaled_back_is_the_rig(rig: StereoRig) -> None:
    again = rescaled(rescaled(rig, (1920, 1200), 1.5), (1280, 720), 1 / 1.5)
    for a, b in zip(again.cameras, rig.cameras, strict=True):
        np.testing.assert_allclose(a.matrix, b.matrix, rtol=1e-12)
    with pytest.raises(InvalidValue, match="scale"):
        rescaled(rig, (1280, 720), 0.0)
