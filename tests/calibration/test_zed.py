"""ZED factory files: every number, every resolution, every spelling, and the readings that are wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from stereo3d.calibration import zed
from stereo3d.calibration.rectify import Rectifier
from stereo3d.calibration.zed import (
    RESOLUTIONS,
    every_resolution,
    format_conf,
    parse_conf,
    read_conf,
    write_conf,
)
from stereo3d.cameras import Intrinsics, StereoRig
from stereo3d.errors import CalibrationError
from stereo3d.stereo import Stereo
from stereo3d.values import Floats

Project = Callable[[StereoRig, Floats], Stereo[Floats]]

SMALL = """
[LEFT_CAM_HD]
fx=530
fy=531
cx=640
cy=360
k1=-0.05
k2=0.02
p1=0.0001
p2=-0.0002
k3=-0.004
[RIGHT_CAM_HD]
fx=532
fy=533
cx=641
cy=361
k1=-0.06
k2=0.03
p1=0.0003
p2=-0.0004
k3=-0.005
[STEREO]
Baseline=120
TY=0.1
TZ=-0.2
CV_HD=0.002
RX_HD=0.001
RZ_HD=-0.003
"""
NEW = """
[LEFT_CAM_FHD1200]
fx = 740
fy = 741
cx = 960
cy = 600

[RIGHT_CAM_FHD1200]
fx = 742
fy = 743
cx = 961
cy = 601

[LEFT_DISTO]
k1 = 0.1
k2 = 0.2
p1 = 0.3
p2 = 0.4
k3 = 0.5
k4 = 0.6
k5 = 0.7
k6 = 0.8

[RIGHT_DISTO]
k1 = 0.11
k2 = 0.2
p1 = 0.3
p2 = 0.4
k3 = 0.5
k4 = 0.6
k5 = 0.7
k6 = 0.8

[STEREO]
Baseline = 119.9
TY = 0.1
TZ = -0.2
CV_FHD1200 = 0.002
RX_FHD1200 = 0.001
RZ_FHD1200 = -0.003
"""


def numbers(text: str) -> dict[str, dict[str, float]]:
    """A file's sections and numbers, read without the reader that is tested."""
    out: dict[str, dict[str, float]] = {}
    for line in text.splitlines():
        if line.startswith("["):
            section = out.setdefault(line.strip()[1:-1], {})
        elif "=" in line:
            key, _, value = line.partition("=")
            section[key.strip()] = float(value)
    return out


def test_every_number_has_its_place() -> None:
    rig = parse_conf(SMALL)
    assert rig.cameras.left == Intrinsics((1280, 720), 530, 531, 640, 360, np.array([-0.05, 0.02, 1e-4, -2e-4, -0.004]))
    assert rig.cameras.right.fy == 533 and rig.cameras.right.distortion[0] == -0.06
    np.testing.assert_allclose(rig.translation, [-0.12, 1e-4, -2e-4], rtol=1e-15)
    np.testing.assert_allclose(rig.rotation, Rotation.from_rotvec([0.001, 0.002, -0.003]).as_matrix(), atol=1e-16)
    assert rig.baseline > 0


def test_newer_cameras_have_one_lens_of_eight_coefficients() -> None:
    rig = parse_conf(NEW, size=(1920, 1200))
    assert rig.cameras.left.distortion.tolist() == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    assert rig.cameras.right.distortion[0] == 0.11 and rig.cameras.left.fx == 740


@pytest.mark.parametrize("change", [
    lambda t: t.upper(),
    lambda t: t.lower(),
    lambda t: t.replace("=", " = "),
    lambda t: t.replace("Baseline", "BaseLine"),
    lambda t: t.replace("TY=", "TY_HD=").replace("TZ=", "tz_hd="),
    lambda t: t.replace("\n", "\r\n"),
    lambda t: "# a remark\n" + t + "\n[MISC]\nSensor_ID=0\n",
])
def test_spellings_make_no_difference(change) -> None:
    assert parse_conf(change(SMALL)) == parse_conf(SMALL)


def test_older_files_lack_three_coefficients() -> None:
    older = "\n".join(line for line in SMALL.splitlines() if line[:2] not in ("p1", "p2", "k3"))
    assert parse_conf(older).cameras.left.distortion.tolist() == [-0.05, 0.02, 0, 0, 0]


def test_missing_ty_is_said(caplog: pytest.LogCaptureFixture) -> None:
    assert parse_conf(SMALL.replace("TY=0.1\n", "")).translation[1] == 0
    assert "[STEREO] has no TY" in caplog.text


@pytest.mark.parametrize(("centre", "resolution", "expected"), [
    ((1100.0, 620.0), "FHD", (956.0, 539.0, 1000.0)),
    ((1100.0, 620.0), "HD", (636.5, 358.0, 500.0)),
    ((1100.0, 620.0), "VGA", (333.75, 186.5, 250.0)),
])
def test_another_resolution_is_cropped_not_scaled(
    centre: tuple[float, float], resolution: str, expected: tuple[float, ...]
) -> None:
    lens = Intrinsics((2208, 1242), 1000.0, 1000.0, *centre, np.array([-0.05, 0.02, 0, 0, 0]))
    rig = StereoRig(Stereo(lens, lens), np.eye(3), np.array([-0.12, 0, 0]))
    camera = every_resolution(rig)[resolution].cameras.left
    assert (camera.cx, camera.cy, camera.fx) == expected and camera.size == RESOLUTIONS[resolution]
    assert np.array_equal(camera.distortion, lens.distortion)


def test_a_missing_resolution_is_derived_from_any_other(made_up: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole = {name: read_conf(made_up, name) for name in ("2K", "FHD", "HD", "VGA")}
    assert not caplog.text
    for source, rig in whole.items():
        alone = format_conf({source: rig})
        for wanted, expected in whole.items():
            got = parse_conf(alone, size=RESOLUTIONS[wanted])
            for a, b in zip(got.cameras, expected.cameras, strict=True):
                np.testing.assert_allclose(a.matrix, b.matrix, rtol=1e-13)
            np.testing.assert_allclose(got.rotation, expected.rotation, atol=1e-15)
    assert "no section for VGA: derived from FHD" in caplog.text


def test_without_a_size_it_is_hd_and_says_so(made_up: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert read_conf(made_up) == read_conf(made_up, "HD")
    assert "holds 2K, FHD, HD, VGA: HD taken" in caplog.text
    assert parse_conf(NEW).cameras.left.size == (1920, 1200)


def test_serial_is_in_the_name(tmp_path: Path, made_up: Path) -> None:
    (tmp_path / "SN00123.conf").write_text(SMALL)
    assert read_conf(tmp_path / "SN00123.conf").serial == "00123" and read_conf(made_up, "HD").serial is None
    with pytest.raises(CalibrationError, match=r"https://calib.stereolabs.com/\?SN=777 .*fetches nothing"):
        read_conf(tmp_path / "SN777.conf")


@pytest.mark.parametrize(("text", "request_", "sentence"), [
    ("", {}, "expected sections such as"),
    ("fx=1\n", {}, "expected .sections. of key=value"),
    (SMALL.replace("fx=530", "fx=wide"), {}, r"\[LEFT_CAM_HD\] fx: expected a number, got 'wide'"),
    (SMALL.replace("fx=530", "fx=nan"), {}, "fx"),
    (SMALL.replace("cy=361\n", ""), {}, r"\[RIGHT_CAM_HD\] has no cy"),
    (SMALL.replace("[RIGHT_CAM_HD]", "[RIGHT_CAM_VGA]"), {}, r"expected \[RIGHT_CAM_HD\] beside the left"),
    (SMALL.replace("Baseline=120\n", ""), {}, r"\[STEREO\] has no baseline"),
    (SMALL.replace("RX_HD=0.001\n", ""), {}, r"\[STEREO\] has no rx_hd"),
    (SMALL.replace("Baseline=120", "Baseline=120\nBaseLine=63"), {}, "baseline"),
    (SMALL.replace("Baseline=120", "Baseline=0.12"), {}, "expected metres"),
    (SMALL, {"resolution": "8K"}, "resolution: expected one of 2K"),
    (SMALL, {"size": (640, 480)}, "a ZED's pictures have 2208x1242"),
    (SMALL, {"size": (1920, 1200)}, "no section for FHD1200, and it cannot be derived: the file holds HD"),
    (NEW, {"size": (1280, 720)}, "no section for HD, and it cannot be derived: the file holds FHD1200"),
    (NEW.replace("p1 = 0.3\n", ""), {}, "fisheye"),
    (NEW.replace("k6 = 0.8\n", ""), {}, r"\[LEFT_DISTO\] has no k6"),
])
def test_a_bad_file_gets_a_sentence(text: str, request_: dict[str, object], sentence: str) -> None:
    with pytest.raises(Exception, match=sentence) as caught:
        parse_conf(text, **request_)
    assert caught.type.__module__ == "stereo3d.errors"


@pytest.mark.parametrize("name", ["SN8452341_ZED1.conf", "ZED2_sample_unknownSN.conf"])
def test_the_factory_files_survive_reading_and_writing(shared: Path, tmp_path: Path, name: str) -> None:
    source = shared / "data" / "zed_conf" / name
    before = numbers(source.read_text())
    present = [section.removeprefix("LEFT_CAM_") for section in before if section.startswith("LEFT_CAM")]
    write_conf(tmp_path / name, {resolution: read_conf(source, resolution) for resolution in present})
    after = numbers((tmp_path / name).read_text())
    assert len(present) in (2, 4) and before.keys() - after.keys() <= {"MISC"}
    for section in after:
        assert after[section].keys() == before[section].keys()
        for key, value in after[section].items():
            assert value == pytest.approx(before[section][key], rel=1e-14), (section, key)


def test_the_cropping_rules_hold_on_a_complete_factory_file(shared: Path) -> None:
    source = shared / "data" / "zed_conf" / "SN8452341_ZED1.conf"
    derived = every_resolution(read_conf(source, "2K"))
    for name, rig in derived.items():
        for a, b in zip(rig.cameras, read_conf(source, name).cameras, strict=True):
            np.testing.assert_allclose(a.matrix, b.matrix, rtol=0, atol=1e-9)
    scaled = derived["2K"].cameras.left.cx * 1280 / 2208
    assert abs(scaled - derived["HD"].cameras.left.cx) > 1.5


def wrong(rig: StereoRig) -> dict[str, StereoRig]:
    x, y, z = rig.translation
    return {
        "right": rig,
        "TY, TZ dropped": replace(rig, translation=[x, 0, 0]),
        "+Baseline": replace(rig, translation=[-x, y, z]),
        "R = identity": replace(rig, rotation=np.eye(3)),
        "R transposed": replace(rig, rotation=rig.rotation.T),
    }


def row_errors(rig: StereoRig, cloud: np.ndarray, project: Project) -> dict[str, float]:
    """rms px between the rows of both views after rectification by each reading."""
    raw = project(rig, cloud)
    seen = [((p >= 0) & (p <= np.array([1279, 719]))).all(-1) for p in raw]
    errors = {}
    for name, reading in wrong(rig).items():
        rectifier = Rectifier(reading)
        left, right = (rectifier.points(raw[side][seen[0] & seen[1]], side) for side in ("left", "right"))
        errors[name] = float(np.sqrt(np.nanmean((left - right)[:, 1] ** 2)))
    return errors


def test_wrong_conventions_show_in_the_rows(rig: StereoRig, cloud: np.ndarray, project: Project) -> None:
    errors = row_errors(rig, cloud, project)
    assert errors.pop("right") < 1e-9
    assert min(errors.values()) > 0.02, errors


def test_wrong_conventions_cost_what_is_known(shared: Path, cloud: np.ndarray, project: Project) -> None:
    rig = read_conf(shared / "data" / "zed_conf" / "ZED2_sample_unknownSN.conf", "HD")
    errors = row_errors(rig, cloud, project)
    assert errors["right"] < 1e-9
    known = {"TY, TZ dropped": 0.082, "+Baseline": 0.164, "R = identity": 2.4, "R transposed": 4.9}
    for name, expected in known.items():
        assert errors[name] == pytest.approx(expected, rel=0.2), name


def test_a_file_holds_what_it_can(rig: StereoRig, tmp_path: Path) -> None:
    other = replace(rig, translation=rig.translation * 1.01)
    with pytest.raises(CalibrationError, match="translation of the other resolutions"):
        format_conf({"HD": rig, "VGA": every_resolution(other)["VGA"]})
    with pytest.raises(CalibrationError, match="a rig of that size"):
        format_conf({"FHD": rig})
    with pytest.raises(CalibrationError, match="at least one resolution"):
        write_conf(tmp_path / "x.conf", {})
    fourteen = replace(rig, cameras=rig.cameras.map(lambda c: replace(c, distortion=np.full(14, 1e-3))))
    with pytest.raises(CalibrationError, match="5 coefficients for each resolution, or 8"):
        format_conf({"HD": fourteen})


@pytest.mark.parametrize("lens", [[], [0.1, 0.2, 1e-3, 2e-3, 0.3], [0.1, 0.2, 1e-3, 2e-3, 0.3, 0.4, 0.5, 0.6]])
def test_lenses_are_written_as_read(rig: StereoRig, lens: list[float]) -> None:
    bent = replace(rig, cameras=rig.cameras.map(lambda c: replace(c, distortion=np.array(lens))))
    text = format_conf({"HD": bent})
    assert ("[LEFT_DISTO]" in text) == (len(lens) == 8)
    again = parse_conf(text)
    assert again.cameras.right.distortion.tolist() == (lens or [0.0] * 5)
    np.testing.assert_allclose(again.translation, rig.translation, rtol=1e-14)


def test_newer_cameras_stand_alone() -> None:
    rig = parse_conf(NEW)
    assert list(every_resolution(rig)) == ["FHD1200"]
    full = replace(rig, cameras=rig.cameras.map(lambda c: replace(c, size=RESOLUTIONS["FHD"])))
    assert list(every_resolution(full)) == ["FHD"]
    with pytest.raises(CalibrationError, match="these have 100x50"):
        every_resolution(replace(rig, cameras=rig.cameras.map(lambda c: replace(c, size=(100, 50)))))


def test_the_address_is_a_sentence_and_nothing_else() -> None:
    assert "calib.stereolabs.com/?SN=42" in zed.where_from("42")
    assert logging.getLogger("stereo3d.calibration.zed").handlers == []
