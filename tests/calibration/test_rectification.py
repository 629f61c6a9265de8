"""Which pairs are rectified, with what numbers, and that the rows then agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from stereo3d.calibration import rectification as geometry
from stereo3d.calibration.files import read_rig
from stereo3d.calibration.lens import distort
from stereo3d.calibration.rectification import rectification
from stereo3d.calibration.rectify import Rectifier
from stereo3d.calibration.zed import RESOLUTIONS
from stereo3d.cameras import Intrinsics, RectifiedCamera, StereoRig
from stereo3d.errors import CalibrationError
from stereo3d.stereo import Stereo
from stereo3d.values import Floats

Project = Callable[[StereoRig, Floats], Stereo[Floats]]


def moved(rig: StereoRig, vector: tuple[float, ...], translation: tuple[float, ...]) -> StereoRig:
    return replace(rig, rotation=Rotation.from_rotvec(vector).as_matrix(), translation=np.array(translation))


def test_the_camera_is_stereorectifys(rig: StereoRig) -> None:
    left, right = rig.cameras
    r1, _, p1, p2 = cv2.stereoRectify(
        left.matrix, np.array(left.distortion), right.matrix, np.array(right.distortion), left.size,
        np.array(rig.rotation), rig.translation.reshape(3, 1), flags=cv2.CALIB_ZERO_DISPARITY, alpha=0,
    )[:4]
    camera = rectification(rig).camera
    assert isinstance(camera, RectifiedCamera)
    assert (camera.focal, camera.cx.left, camera.cx.right, camera.cy) == (p1[0, 0], p1[0, 2], p2[0, 2], p1[1, 2])
    assert camera.baseline == pytest.approx(-p2[0, 3] / p2[0, 0], rel=1e-12) and camera.baseline > 0
    np.testing.assert_allclose(camera.left_from_rectified, r1.T, atol=1e-9)


@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@example(vector=(0, 0, 1e-6), aside=(0, 0), baseline=0.25, k=(0, 0, 0, 0), reverse=False)
@example(vector=(9e-6, 9e-6, 9e-6), aside=(0.001, -0.001), baseline=0.12, k=(0, 0, 0, 0), reverse=True)
@given(
    vector=st.tuples(*[st.floats(-0.03, 0.03)] * 3),
    aside=st.tuples(*[st.floats(-0.01, 0.01)] * 2),
    baseline=st.floats(0.04, 0.3),
    k=st.tuples(st.floats(-0.2, 0.05), st.floats(-0.02, 0.03), st.floats(-1e-3, 1e-3), st.floats(-1e-3, 1e-3)),
    reverse=st.booleans(),
)
def test_rows_agree_and_depth_returns(
    rig: StereoRig, cloud: Floats, project: Project, vector: Any, aside: Any, baseline: float, k: Any, reverse: bool
) -> None:
    lens = np.array([*k, 0.0])
    bent = replace(rig, cameras=rig.cameras.map(lambda c: replace(c, distortion=lens)))
    given_rig = moved(bent, vector, (baseline if reverse else -baseline, *aside))
    rectifier = Rectifier(given_rig)
    camera = rectifier.camera
    assert isinstance(camera, RectifiedCamera), rectifier.reason
    cloud = cloud[:800]
    raw = project(given_rig, cloud)
    left, right = rectifier.points(raw.left, "left"), rectifier.points(raw.right, "right")
    turned = cloud @ given_rig.rotation.T + given_rig.translation
    within = [np.isfinite(distort(p[:, :2] / p[:, 2:], lens)) for p, lens in zip((cloud, turned), given_rig.cameras)]
    good = (within[0] & within[1]).all(-1)
    assert good.mean() > 0.8 and np.abs(left - right)[good, 1].max() < 0.001
    xyz = camera.unproject(np.stack([*left.T, left[:, 0] - right[:, 0]], -1))
    np.testing.assert_allclose((xyz @ camera.left_from_rectified.T)[good], cloud[good], atol=1e-8)


def test_swapped_cameras_keep_their_signs_and_z(rig: StereoRig, cloud: Floats, project: Project) -> None:
    """The same two cameras named the other way round: negative baseline and disparity, the same places."""
    swapped = StereoRig(Stereo(*reversed(list(rig.cameras))), rig.rotation.T, -rig.rotation.T @ rig.translation)
    raw = project(rig, cloud)
    places = []
    for given_rig, (one, other) in ((rig, raw), (swapped, reversed(list(raw)))):
        rectifier = Rectifier(given_rig)
        camera = rectifier.camera
        assert isinstance(camera, RectifiedCamera)
        left, right = rectifier.points(one, "left"), rectifier.points(other, "right")
        disparity = left[:, 0] - right[:, 0]
        assert (np.sign(disparity[np.isfinite(disparity)]) == np.sign(camera.baseline)).all()
        places.append(camera.unproject(np.stack([*left.T, disparity], -1)) @ camera.left_from_rectified.T)
        assert camera.baseline == pytest.approx(given_rig.baseline, rel=1e-3)
    assert given_rig.baseline < 0
    good = np.isfinite(places[0]).all(-1) & np.isfinite(places[1]).all(-1)
    assert good.mean() > 0.9
    returned = (places[1] - rig.translation) @ rig.rotation
    np.testing.assert_allclose(returned[good], cloud[good], atol=1e-8)


@pytest.mark.parametrize(("vector", "translation", "sentence"), [
    ((0, 0.85, 0), (-2.4, 0, 1.0), "turn the cameras by 26.1 and 22.6 degrees, expected 20 at most; they stand 2.6 m"),
    ((0, 0, 0), (0, -0.12, 0), "one camera stands above or before the other"),
    ((0, 0, 0), (0, 0, 0.12), "one camera stands above or before the other"),
    ((0, 0, 0), (-0.01, 0, 0.12), "turn the cameras by 85.2 and 85.2"),
    ((0, 0.6, 0), (-0.12, 0, 0), "turn the cameras by 34.4 and 0.0"),
    ((0, 0, 1.0), (-0.12, 0, 0), "turn the cameras by"),
    ((0, 3.0, 0), (-0.12, 0, 0), "turn the cameras by"),
])
def test_pairs_that_share_no_picture_keep_their_geometry(
    rig: StereoRig, vector: tuple[float, ...], translation: tuple[float, ...], sentence: str
) -> None:
    found = rectification(moved(rig, vector, translation))
    assert isinstance(found.camera, StereoRig)
    assert found.reason.startswith("not rectified: ")
    with pytest.raises(CalibrationError, match=sentence):
        raise CalibrationError(found.reason)
    np.testing.assert_array_equal(found.camera.translation, translation)
    assert not any(len(camera.distortion) for camera in found.camera.cameras)
    for pin, raw in zip(found.camera.cameras, rig.cameras, strict=True):
        np.testing.assert_array_equal(pin.matrix, raw.matrix)


def test_two_sizes_are_not_rectified(rig: StereoRig) -> None:
    small = Intrinsics((640, 480), 500, 500, 320, 240)
    found = rectification(replace(rig, cameras=Stereo(rig.cameras.left, small)))
    assert isinstance(found.camera, StereoRig) and "two sizes" in found.reason


@pytest.mark.parametrize("degrees", [0.0, 5.0, 10.0])
def test_pairs_turned_a_little_are_rectified(rig: StereoRig, degrees: float) -> None:
    """As a board calibration gives them: 83 mm apart, a degree or some off, or turned in on purpose."""
    turned = moved(rig, (0.01, np.deg2rad(degrees), -0.004), (-0.0833, 0.0009, -0.0031))
    found = rectification(turned)
    assert isinstance(found.camera, RectifiedCamera) and found.reason.startswith("rectified: ")


@pytest.mark.parametrize("nonsense", [
    [[1299.4, 0, -549.0, 0], [0, 1299.4, -509.8, 0], [0, 0, 1, 0]],
    [[-300.0, 0, 640.0, 0], [0, -300.0, 360.0, 0], [0, 0, 1, 0]],
    [[np.nan, 0, 640.0, 0], [0, np.nan, 360.0, 0], [0, 0, 1, 0]],
])
def test_a_nonsense_projection_is_replaced(
    rig: StereoRig, monkeypatch: pytest.MonkeyPatch, nonsense: list[list[float]]
) -> None:
    """The first is what stereoRectify gives a real ZED 2 at VGA, whose lens has no inverse in the corners."""
    turns, _, right = geometry._stereo_rectify(rig)
    monkeypatch.setattr(geometry, "_stereo_rectify", lambda _: (turns, np.array(nonsense), right))
    camera = rectification(rig).camera
    assert isinstance(camera, RectifiedCamera)
    assert camera.focal == pytest.approx(rig.cameras.left.fx, rel=0.01)
    assert abs(camera.cx.left - 637) < 20 and abs(camera.cy - 365) < 20
    with pytest.raises(CalibrationError, match="does not follow from this rig"):
        Rectifier(rig, rectified_images=True)


def test_a_narrow_view_turned_away_is_lost(rig: StereoRig) -> None:
    """Telephoto lenses turned in by 17 degrees each: that is little enough, but the pictures slide out of view."""
    long = replace(rig, cameras=rig.cameras.map(lambda c: replace(c, fx=3000.0, fy=3000.0)))
    found = rectification(moved(long, (0, 0.6, 0), (-0.12, 0, 0.037)))
    assert isinstance(found.camera, StereoRig)
    assert "of the right picture's middle would stay in view, expected 80%" in found.reason


@pytest.mark.parametrize("name", ["SN8452341_ZED1.conf", "ZED2_sample_unknownSN.conf"])
@pytest.mark.parametrize("resolution", ["2K", "FHD", "HD", "VGA"])
def test_factory_rigs_are_rectified(shared: Path, project: Project, name: str, resolution: str) -> None:
    rig = read_rig(shared / "data" / "zed_conf" / name, RESOLUTIONS[resolution])
    assert isinstance(rig, StereoRig)
    rectifier = Rectifier(rig)
    camera = rectifier.camera
    assert isinstance(camera, RectifiedCamera) and camera.size == RESOLUTIONS[resolution]
    left, (width, height) = rig.cameras.left, camera.size
    assert abs(camera.focal / left.fx - 1) < 0.05
    assert abs(camera.cx.left - left.cx) < 0.03 * width and abs(camera.cy - left.cy) < 0.03 * height
    assert camera.baseline == pytest.approx(rig.baseline, rel=1e-9)
    z = np.linspace(0.5, 1.5, 300)
    cloud = np.stack([np.cos(np.arange(300)) * 0.5 * z, np.sin(np.arange(300)) * 0.3 * z, z], -1)
    raw = project(rig, cloud)
    rows = rectifier.points(raw.left, "left")[:, 1] - rectifier.points(raw.right, "right")[:, 1]
    assert np.abs(rows).max() < 0.001


def test_the_published_wide_pair_is_not(shared: Path) -> None:
    for name in ("pair12_calib.json", "Calib.qca.txt"):
        rectifier = Rectifier(read_rig(shared / "data" / "pose2sim-single" / name))
        assert isinstance(rectifier.camera, StereoRig)
        assert "turn the cameras by" in rectifier.reason and "2.85 m apart" in rectifier.reason
