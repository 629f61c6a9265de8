"""How far two rigs differ, where that is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_boards import small_rig
from scipy.spatial.transform import Rotation

from stereo3d.calibration.compare import compare_rigs
from stereo3d.calibration.geometry import volume
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import CalibrationError
from stereo3d.stereo import Stereo


def test_a_rig_does_not_differ_from_itself(rig: StereoRig) -> None:
    found = compare_rigs(rig, rig)
    assert found.p95 < 1e-9 and found.rows < 1e-9 and found.baseline == (rig.baseline, rig.baseline)


def test_a_longer_baseline_stretches_all(rig: StereoRig) -> None:
    found = compare_rigs(rig, replace(rig, translation=rig.translation * 1.01))
    np.testing.assert_allclose(found.shift, 0.01 * volume(rig, found.depth), atol=1e-9)
    assert found.rows < 1e-9, "rows do not tell"
    assert np.nanmin(found.away) > 0


def test_a_turned_camera_changes_depth_with_the_distance_squared(rig: StereoRig) -> None:
    turn = Rotation.from_rotvec((0, 1e-3, 0)).as_matrix()
    found = compare_rigs(rig, replace(rig, rotation=turn @ rig.rotation, translation=turn @ rig.translation))
    middle = [abs(np.nanmedian(a[i])) for a, i in zip(found.away, found.inside, strict=True)]
    expected = found.depth**2 * 1e-3 / rig.baseline
    np.testing.assert_allclose(middle[2:], expected[2:], rtol=0.15)
    assert found.p95 > found.median > 0.002


def test_the_difference_in_words(rig: StereoRig) -> None:
    words = str(compare_rigs(rig, replace(rig, translation=rig.translation * 1.01)))
    assert words.startswith("the same pixels are ") and "0.80 m 8." in words and "further away by +" in words
    assert f"baselines {1000 * rig.baseline:.3f} and {1010 * rig.baseline:.3f} mm" in words


def test_rectified_rigs() -> None:
    a = RectifiedCamera((640, 480), 500.0, Stereo(320.0, 320.0), 240.0, 0.12)
    b = replace(a, cx=Stereo(320.0, 318.0))
    found = compare_rigs(a, b)
    np.testing.assert_allclose(found.depth + np.nanmedian(found.shift[..., 2], (1, 2)), b.depth(a.disparity(found.depth)))
    assert found.rows < 1e-9


def test_the_figures_are_in_metres(rig: StereoRig) -> None:
    found = compare_rigs(rig, replace(rig, translation=rig.translation * 1.01)).to_dict()
    assert found["median_by_depth"]["1.00"] == pytest.approx(0.0101, rel=0.1)
    assert found["unit"] == "m, px" and found["baseline"][1] == pytest.approx(found["baseline"][0] * 1.01)


def test_rigs_whose_pixels_differ_are_refused(rig: StereoRig) -> None:
    rectified = RectifiedCamera((1280, 720), 500.0, Stereo(640.0, 640.0), 360.0, 0.12)
    with pytest.raises(CalibrationError, match="one of the rigs is for rectified pictures"):
        compare_rigs(rig, rectified)
    with pytest.raises(CalibrationError, match=r"pictures of \(1280, 720\) and \(640, 360\) px: expected the same"):
        compare_rigs(rig, small_rig())


def test_rigs_that_see_nothing_near_are_refused(rig: StereoRig) -> None:
    with pytest.raises(CalibrationError, match="no place 0.4 to 1.2 m away is seen by both eyes"):
        compare_rigs(replace(rig, translation=np.array([-8.0, 0, 0])), rig)
