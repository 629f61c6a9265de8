"""A rig held against today's pictures: what has moved is found, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from made_boards import small_rig
from scipy.spatial.transform import Rotation

from stereo3d.calibration.check import Check, _robust, check
from stereo3d.calibration.rectify import Rectifier
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import CalibrationError, InputError
from stereo3d.stereo import Stereo
from stereo3d.synthetic.scene import simulate
from stereo3d.synthetic.write import photographer
from stereo3d.values import Bytes


@cache
def taken() -> tuple[StereoRig, Stereo[Bytes]]:
    scene = simulate(seed=2, seconds=0.2)
    return scene.rig, photographer(scene).pair(0)


def turned(*angles: float) -> StereoRig:
    """The rig as it was calibrated before the right camera turned by so much."""
    rig, back = taken()[0], Rotation.from_rotvec(angles).as_matrix().T
    return replace(rig, rotation=back @ rig.rotation, translation=back @ rig.translation)


@pytest.mark.parametrize("angles, level", [
    ((0.0, 0.0, 0.0), "good"),
    ((1e-3, 0.0, 0.0), "usable"),
    ((0.0, 2e-3, 0.0), "usable"),
    ((3e-3, 0.0, -2e-3), "film again"),
])
def test_the_turn_of_a_camera_is_found(angles: tuple[float, float, float], level: str) -> None:
    found = check(turned(*angles), [taken()[1]])
    assert found.verdict.startswith(f"{level}: rows are off by")
    assert (np.abs(found.turn - angles) < 4 * found.sigma).all()
    assert found.scatter < 0.3 and found.behind < 0.05
    assert found.systematic == pytest.approx(abs(angles[0]) * 530, rel=0.15, abs=0.1)
    if angles[1]:
        assert "depths at 0.8 m by" in found.verdict
        assert found.depth_error[0] == pytest.approx(angles[1] * 0.64 / 0.12, rel=0.3)


def test_features_that_err_together_make_it_less_sure() -> None:
    """As many features with as large errors, but those of one part of the picture off by the same."""
    rng = np.random.default_rng(0)
    slopes, part = rng.normal(size=(600, 3)), np.repeat(np.arange(20), 30)
    apart, alike = rng.normal(size=600), np.repeat(rng.normal(size=20), 30)
    slopes[:, 0] = 1.0
    own, shared = (_robust(slopes, errors, part)[2][0] for errors in (apart, alike))
    assert own == pytest.approx(1 / np.sqrt(600), rel=0.3)
    assert shared == pytest.approx(1 / np.sqrt(20), rel=0.5)


def test_exchanged_pictures_are_noticed() -> None:
    pair = taken()[1]
    found = check(turned(0, 0, 0), [Stereo(pair.right, pair.left)])
    assert found.verdict == "film again: left and right are exchanged, in the recording or in the rig"


def test_rectified_pictures_are_checked_as_they_are() -> None:
    rig, pair = taken()
    rectifier = Rectifier(rig)
    assert isinstance(rectifier.camera, RectifiedCamera)
    images = rectifier.images(pair)
    for found in (check(rectifier.camera, [images]), check(rig, [images], rectified=True)):
        assert found.verdict.startswith("good") and found.pairs == 1


def test_the_figures_go_through_json() -> None:
    found = check(turned(1e-3, 0, 0), [taken()[1]]).to_dict()
    assert found["verdict"] == "usable" and found["features"] > 100 and found["unit"] == "m, px, rad"
    assert found["row_error"] == pytest.approx(0.55, abs=0.1) and len(found["turn"]) == 3


@pytest.mark.parametrize("image", [np.full((360, 640, 3), 100, np.uint8), None])
def test_too_little_to_see_is_said(image: Bytes | None) -> None:
    rng = np.random.default_rng(0)
    pairs = [Stereo(*(rng.integers(0, 255, (360, 640, 3), np.uint8) if image is None else image for _ in range(2)))]
    with pytest.raises(InputError, match="features were found in both views of 1 pairs, expected at least 60"):
        check(small_rig(), pairs)
    with pytest.raises(InputError, match="0 features were found in both views of 0 pairs"):
        check(small_rig(), [])


def test_a_pair_that_cannot_be_rectified_is_refused(wide_rig: StereoRig) -> None:
    with pytest.raises(CalibrationError, match="rows cannot be checked: .*film the board again"):
        check(wide_rig, [])


def test_pictures_of_another_size_are_refused() -> None:
    with pytest.raises(CalibrationError, match="the calibration is for pictures of 640x360"):
        check(small_rig(), [taken()[1]])


def test_a_check_is_a_value() -> None:
    found = check(turned(0, 0, 0), [taken()[1]])
    assert isinstance(found, Check) and found == replace(found)
