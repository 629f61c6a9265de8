"""OpenCV's and the ZED SDK's named matrices, against files that OpenCV itself writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from stereo3d.calibration.files import read_rig
from stereo3d.calibration.matrices import format_opencv, format_sdk, parse_matrices
from stereo3d.cameras import Intrinsics, StereoRig
from stereo3d.errors import CalibrationError
from stereo3d.stereo import Stereo

TUTORIALS = {
    "K": ("K1", "D1", "K2", "D2"),
    "M": ("M1", "D1", "M2", "D2"),
    "cameraMatrix": ("cameraMatrix1", "distCoeffs1", "cameraMatrix2", "distCoeffs2"),
}


def by_opencv(rig: StereoRig, suffix: str, names: tuple[str, ...], **more: object) -> str:
    file = cv2.FileStorage(f"x{suffix}", cv2.FILE_STORAGE_WRITE | cv2.FILE_STORAGE_MEMORY)
    left, right = rig.cameras
    values = (left.matrix, left.distortion[None], right.matrix, right.distortion[:, None])
    for name, value in zip(names, values, strict=True):
        file.write(name, np.array(value))
    for name, other in more.items():
        file.write(name, other)
    return str(file.releaseAndGetString())


def close(a: StereoRig, b: StereoRig) -> None:
    for one, other in zip(a.cameras, b.cameras, strict=True):
        assert one.size == other.size
        np.testing.assert_allclose(one.matrix, other.matrix, rtol=1e-15)
        np.testing.assert_allclose(one.distortion, other.distortion, rtol=1e-15)
    np.testing.assert_allclose(a.rotation, b.rotation, atol=1e-15)
    np.testing.assert_allclose(a.translation, b.translation, rtol=1e-15)


@pytest.mark.parametrize("suffix", [".yml", ".xml", ".json"])
@pytest.mark.parametrize("names", TUTORIALS.values(), ids=TUTORIALS)
def test_tutorials_files_as_opencv_writes_them(rig: StereoRig, suffix: str, names: tuple[str, ...]) -> None:
    extra = {"R": np.array(rig.rotation), "T": rig.translation.reshape(3, 1)}
    text = by_opencv(rig, suffix, names, **extra, calibration_time="Thu 1 Jan", nothing=3.5)
    close(parse_matrices(text, (1280, 720)), rig)
    with pytest.raises(CalibrationError, match="holds no picture size"):
        parse_matrices(text)
    sized = by_opencv(rig, suffix, names, **extra, image_width=1280, image_height=720)
    close(parse_matrices(sized), rig)


@pytest.mark.parametrize("suffix", [".yml", ".xml", ".json"])
def test_the_sdks_file_is_in_millimetres(rig: StereoRig, suffix: str) -> None:
    names = ("K_LEFT", "D_LEFT", "K_RIGHT", "D_RIGHT")
    vector, _ = cv2.Rodrigues(np.array(rig.rotation))
    for turn in (vector, np.array(rig.rotation)):
        text = by_opencv(rig, suffix, names, Size=np.array([1280, 720]), R=turn, T=rig.translation[:, None] * 1000)
        got = parse_matrices(text)
        np.testing.assert_allclose(got.translation, rig.translation, rtol=1e-14)
        np.testing.assert_allclose(got.rotation, rig.rotation, atol=1e-11)
    metres = by_opencv(rig, suffix, names, Size=np.array([1280, 720]), R=vector, T=rig.translation[:, None])
    with pytest.raises(CalibrationError, match="in millimetres, got .* looks like metres"):
        parse_matrices(metres)


@pytest.mark.parametrize("suffix", [".yml", ".xml"])
@pytest.mark.parametrize("lens", [0, 5, 8, 14])
def test_what_is_written_is_the_sdks_file(rig: StereoRig, suffix: str, lens: int, tmp_path: Path) -> None:
    bent = rig.cameras.map(
        lambda c: Intrinsics(c.size, c.fx, c.fy, c.cx, c.cy, np.linspace(0.1, 0.3, lens))
    )
    given = StereoRig(bent, rig.rotation, rig.translation)
    text = format_sdk(given, suffix)
    (tmp_path / f"x{suffix}").write_text(text)
    file = cv2.FileStorage(str(tmp_path / f"x{suffix}"), cv2.FILE_STORAGE_READ)
    assert [int(file.getNode("Size").at(i).real()) for i in (0, 1)] == [1280, 720]
    np.testing.assert_allclose(file.getNode("T").mat().ravel(), rig.translation * 1000, rtol=1e-15)
    np.testing.assert_allclose(cv2.Rodrigues(file.getNode("R").mat())[0], rig.rotation, atol=1e-14)
    got = parse_matrices(text)
    assert got.cameras.left.distortion.tolist() == (bent.left.distortion.tolist() or [0.0] * 5)
    np.testing.assert_allclose(got.translation, rig.translation, rtol=1e-14)


@pytest.mark.parametrize("suffix", [".yml", ".xml"])
def test_the_tutorials_names_are_written_too(rig: StereoRig, suffix: str, tmp_path: Path) -> None:
    text = format_opencv(rig, suffix)
    (tmp_path / f"x{suffix}").write_text(text)
    file = cv2.FileStorage(str(tmp_path / f"x{suffix}"), cv2.FILE_STORAGE_READ)
    np.testing.assert_allclose(file.getNode("K2").mat(), rig.cameras.right.matrix)
    np.testing.assert_allclose(file.getNode("T").mat().ravel(), rig.translation)
    close(parse_matrices(text), rig)


@pytest.mark.parametrize("form", [format_sdk, format_opencv])
def test_two_sizes_do_not_fit_an_opencv_file(rig: StereoRig, form: Callable[[StereoRig, str], str]) -> None:
    other = Stereo(rig.cameras.left, Intrinsics((640, 480), 500, 500, 320, 240))
    with pytest.raises(CalibrationError, match="holds one"):
        form(StereoRig(other, rig.rotation, rig.translation), ".yml")


def plain(**changes: object) -> str:
    matrix = [[500.0, 0, 320], [0, 501, 240], [0, 0, 1]]
    content = {
        "size": [640, 480], "K1": matrix, "D1": [0.1, 0.2, 0, 0], "K2": matrix, "D2": [0.0] * 12,
        "R": [[1, 0, 0], [0, 1, 0], [0, 0, 1]], "T": [-0.1, 0, 0], "note": "anything",
    }
    return json.dumps({name: value for name, value in (content | changes).items() if value != "leave out"})


def test_plain_json_and_short_distortions() -> None:
    rig = parse_matrices(plain())
    assert rig.cameras.left == Intrinsics((640, 480), 500, 501, 320, 240, np.array([0.1, 0.2, 0, 0, 0]))
    assert len(rig.cameras.right.distortion) == 14 and rig.baseline == 0.1


def test_yaml_written_by_hand() -> None:
    text = """
    size: [640, 480]
    K1: [[500, 0, 320],
      [0, 501, 240], [0, 0, 1]]
    D1: [0.1, 0.2, 0, 0]
    K2:
    - [500, 0, 320]
    - [0, 501, 240]
    - [0, 0, 1]
    D2: []
    R: [0, 0, 0]
    T:
      - -0.1
      - 0
      - 1.0e-3
    """.replace("\n    ", "\n")
    flow = text.replace("- [500, 0, 320]\n- [0, 501, 240]\n- [0, 0, 1]", "  [500, 0, 320, 0, 501, 240, 0, 0, 1]")
    dumped = text.replace("- [500, 0, 320]", "- - 500\n  - 0\n  - 320")
    for version in (text, flow, dumped):
        rig = parse_matrices(version)
        assert rig.cameras.right.matrix.tolist() == [[500, 0, 320], [0, 501, 240], [0, 0, 1]]
        assert rig.translation.tolist() == [-0.1, 0, 0.001] and not len(rig.cameras.right.distortion)


@pytest.mark.parametrize(("change", "sentence"), [
    ({"K1": "leave out"}, "expected K_LEFT .also known as kleft, k1, m1"),
    ({"T": "leave out"}, "expected T"),
    ({"T": [-120.0, 0, 0]}, "expected metres.*divide by 1000"),
    ({"T": [-0.1, 0]}, "T: expected 3 finite numbers, got 2"),
    ({"T": ["a", 0, 0]}, "T: expected numbers"),
    ({"T": [None, 0, 0]}, "T: expected numbers"),
    ({"T": [float("nan"), 0, 0]}, "T: expected 3 finite"),
    ({"T": [10**400, 0, 0]}, "T: expected 3 finite"),
    ({"R": [[1, 0, 0], [0, 1, 0], [0, 0, 2]]}, "expected a rotation matrix"),
    ({"R": [[1, 0, 0], [0, 1, 0], [0, 0, -1]]}, "expected a rotation matrix"),
    ({"D1": [0.1] * 6}, "D_LEFT: expected 0, 4, 5, 8, 12, 14 finite numbers, got 6"),
    ({"K2": [[500, 2, 320], [0, 501, 240], [0, 0, 1]]}, "K_RIGHT: .* skew 2"),
    ({"K2": [[-500, 0, 320], [0, 501, 240], [0, 0, 1]]}, "fx"),
    ({"size": [640]}, "size: expected 2"),
    ({"size": [0, 480]}, "size"),
    ({"D_LEFT_FE": [1, 2, 3, 4]}, "fisheye"),
])
def test_bad_matrices_get_a_sentence(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(Exception, match=sentence) as caught:
        parse_matrices(plain(**change))
    assert caught.type.__module__ == "stereo3d.errors"


def test_the_published_pair(shared: Path) -> None:
    rig = read_rig(shared / "data" / "pose2sim-single" / "pair12_calib.json", (1080, 1920))
    assert isinstance(rig, StereoRig) and 2.8 < rig.baseline < 2.9
    assert rig.cameras.right.fy == 1661.48990856273 and rig.cameras.left.size == (1080, 1920)
