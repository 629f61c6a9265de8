"""Kalibr's camchain, read and written."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stereo3d.calibration.kalibr import format_kalibr, parse_kalibr
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import CalibrationError
from stereo3d.stereo import Stereo

CHAIN = """cam0:
  cam_overlaps: [1]
  camera_model: pinhole
  distortion_coeffs: [-0.28340811, 0.07395907, 1.9359e-04, -1.76187114e-05]
  distortion_model: radtan
  intrinsics: [458.654, 457.296, 367.215, 248.375]
  resolution: [752, 480]
  rostopic: /cam0/image_raw
cam1:
  T_cn_cnm1:
  - [1.0, 0.0, 0.0, -0.11]
  - [0.0, 0.8, -0.6, 0.0002]
  - [0.0, 0.6, 0.8, -5.0e-4]
  - [0.0, 0.0, 0.0, 1.0]
  cam_overlaps: [0]
  camera_model: pinhole
  distortion_coeffs:
  - -0.283683654
  - 0.07451284
  - -0.000104738
  - -3.55590700e-05
  distortion_model: radtan
  intrinsics: [457.587, 456.134, 379.999, 255.238]
  resolution: [752, 480]
"""


def four(rig: StereoRig) -> StereoRig:
    """The rig with lenses that Kalibr has."""
    return replace(
        rig, serial=None, rms=None,
        cameras=rig.cameras.map(lambda c: replace(c, distortion=np.append(c.distortion[:4], 0.0))),
    )


def test_a_camchain_is_read() -> None:
    rig = parse_kalibr(CHAIN)
    assert rig.cameras.left.size == (752, 480) and rig.cameras.right.cx == 379.999
    np.testing.assert_allclose(rig.translation, (-0.11, 0.0002, -0.0005))
    np.testing.assert_allclose(rig.rotation[1], (0, 0.8, -0.6))
    np.testing.assert_allclose(rig.cameras.left.distortion, (-0.28340811, 0.07395907, 1.9359e-4, -1.76187114e-5, 0))
    np.testing.assert_allclose(rig.cameras.right.distortion[:4], (-0.283683654, 0.07451284, -1.04738e-4, -3.555907e-5))


def test_what_is_written_is_read_back_equal(rig: StereoRig) -> None:
    assert parse_kalibr(format_kalibr(four(rig))) == four(rig)


def test_a_rectified_camera_is_written_as_two_pinholes() -> None:
    back = parse_kalibr(format_kalibr(RectifiedCamera((640, 480), 500.0, Stereo(320.0, 310.0), 240.0, 0.12)))
    assert back.baseline == pytest.approx(0.12) and back.cameras.right.cx == 310.0
    assert not back.cameras.left.distortion.any()


def test_a_lens_that_kalibr_does_not_have_is_refused(rig: StereoRig) -> None:
    with pytest.raises(CalibrationError, match="cam0: Kalibr's radtan lens has k1 k2 p1 p2 only"):
        format_kalibr(rig)


@pytest.mark.parametrize("old, new, sentence", [
    ("cam1:", "cam7:", "expected cam0 and cam1, got cam0, cam7"),
    ("camera_model: pinhole", "camera_model: omni", "got omni with radtan, which is not supported"),
    ("distortion_model: radtan", "distortion_model: equidistant", "got pinhole with equidistant"),
    ("  intrinsics: [458.654, 457.296, 367.215, 248.375]\n", "", "cam0: expected intrinsics, got none"),
    ("[458.654, 457.296, 367.215, 248.375]", "[458.654, 457.296]", "cam0 intrinsics: expected 4 numbers, got 2"),
    ("  - [0.0, 0.0, 0.0, 1.0]", "  - [0.0, 0.0, 0.0, 2.0]", "expected a last row of 0 0 0 1"),
    ("-0.11]", "-110.0]", "translation: expected metres"),
])
def test_another_file_is_refused(old: str, new: str, sentence: str) -> None:
    assert old in CHAIN
    with pytest.raises(CalibrationError, match=sentence):
        parse_kalibr(CHAIN.replace(old, new))


def test_a_camera_without_distortion() -> None:
    plain = CHAIN.replace("distortion_model: radtan", "distortion_model: none")
    assert len(parse_kalibr(plain).cameras.left.distortion) == 0
