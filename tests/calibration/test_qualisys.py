"""A Qualisys calibration: 1/64 px, millimetres, and axes that point the other way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stereo3d.calibration.files import read_rig
from stereo3d.calibration.qualisys import format_qualisys, parse_qualisys
from stereo3d.calibration.sizes import rescaled
from stereo3d.cameras import StereoRig
from stereo3d.errors import CalibrationError, InputError


def camera(serial: str, x: float, **changes: object) -> str:
    """A camera at (x, -3000, 0) mm that looks along the room's y: its own x is the room's x, its up the room's z."""
    intrinsic = {
        "focalLengthU": 64000, "focalLengthV": 64064, "centerPointU": 32032, "centerPointV": 16064, "skew": 0,
        "radialDistortion1": 0.01, "radialDistortion2": 0.02, "radialDistortion3": 0.03,
        "tangentalDistortion1": 0.04, "tangentalDistortion2": 0.05,
    } | {k: v for k, v in changes.items() if k != "viewrotation"}
    axes = {"r11": 1, "r12": 0, "r13": 0, "r21": 0, "r22": 0, "r23": 1, "r31": 0, "r32": -1, "r33": 0}
    attributes = " ".join(f'{k}="{v}"' for k, v in intrinsic.items())
    return f"""<camera serial="{serial}" viewrotation="{changes.get("viewrotation", 0)}">
      <fov_video left="0" top="0" right="999" bottom="499"/>
      <transform x="{x}" y="-3000" z="0" {" ".join(f'{k}="{v}"' for k, v in axes.items())}/>
      <intrinsic {attributes}/></camera>"""


def text(*cameras: str) -> str:
    return f"<?xml version='1.0'?><calibration><cameras>{''.join(cameras)}</cameras></calibration>"


def test_units_axes_and_order() -> None:
    rig = parse_qualisys(text(camera("a", 0), camera("b", 250)))
    left = rig.cameras.left
    assert (left.size, left.fx, left.fy, left.cx, left.cy) == ((1000, 500), 1000, 1001, 500.5, 251)
    assert left.distortion.tolist() == [0.01, 0.02, 0.04, 0.05, 0.03]
    np.testing.assert_allclose(rig.rotation, np.eye(3), atol=1e-15)
    np.testing.assert_allclose(rig.translation, [-0.25, 0, 0], atol=1e-15)


def test_two_of_several_by_name() -> None:
    three = text(camera("a", 0), camera("b", 250), camera("c", 600))
    assert parse_qualisys(three, ("a", "c")).baseline == pytest.approx(0.6)
    assert parse_qualisys(three, ("c", "a")).baseline == pytest.approx(-0.6)


def test_what_is_written_is_read_back(rig: StereoRig) -> None:
    back = parse_qualisys(format_qualisys(rig))
    for a, b in zip(back.cameras, rig.cameras, strict=True):
        np.testing.assert_allclose(a.matrix, b.matrix, rtol=1e-15)
        assert a.size == b.size and a.distortion.tolist() == b.distortion.tolist()
    np.testing.assert_allclose(back.rotation, rig.rotation, atol=1e-15)
    np.testing.assert_allclose(back.translation, rig.translation, atol=1e-16)


def test_a_lens_that_qualisys_does_not_have_is_refused(rig: StereoRig) -> None:
    eight = rig.cameras.map(lambda c: replace(c, distortion=np.linspace(0.1, 0.2, 8)))
    with pytest.raises(CalibrationError, match="camera left: Qualisys has the lens k1 k2 p1 p2 k3 only"):
        format_qualisys(replace(rig, cameras=eight))


@pytest.mark.parametrize(("content", "names", "sentence"), [
    (text(camera("a", 0)), None, "expected two of a, got"),
    (text(camera("a", 0), camera("b", 250)), ("a", "z"), "expected two of a, b, got"),
    (text(camera("a", 0), camera("b", 250)), ("a", "a"), "expected two of a, b, got"),
    (text(camera("a", 0), camera("b", 0)), None, "expected metres"),
    (text(camera("a", 0, skew=0.1), camera("b", 250)), None, "skew 0.1"),
    (text(camera("a", 0, viewrotation=90), camera("b", 250)), None, "viewrotation 90"),
    (text(camera("a", 0, focalLengthU="x"), camera("b", 250)), None, "camera a, intrinsic focalLengthU"),
    (text(camera("a", 0).replace("<transform", "<other"), camera("b", 250)), None, "expected a <transform>"),
    (text(camera("a", 0).replace('r11="1"', 'r11="2"'), camera("b", 250)), None, "rotation matrix"),
    ("<calibration>", None, "expected XML"),
    ("<!DOCTYPE x [<!ENTITY a 'b'>]><calibration/>", None, "document type or entities"),
])
def test_a_bad_file_gets_a_sentence(content: str, names: tuple[str, str] | None, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        parse_qualisys(content, names)


def test_it_is_the_published_pair_once_the_videos_letterbox_is_known(shared: Path) -> None:
    """The mp4 files are 1080x1920: 1088x1920 scaled by 1080/1088 about the middle, with black rows."""
    folder = shared / "data" / "pose2sim-single"
    ours = rescaled(read_rig(folder / "Calib.qca.txt", cameras=("cam01", "cam02")), (1080, 1920), 1080 / 1088)
    published = read_rig(folder / "pair12_calib.json")
    assert isinstance(published, StereoRig)
    for a, b in zip(ours.cameras, published.cameras, strict=True):
        np.testing.assert_allclose(a.matrix, b.matrix, rtol=0, atol=1e-9)
        assert a.size == b.size and a.distortion.tolist() == b.distortion.tolist()
    np.testing.assert_allclose(ours.rotation, published.rotation, atol=1e-12)
    np.testing.assert_allclose(ours.translation, published.translation, atol=1e-12)
    with pytest.raises(CalibrationError, match="for pictures of 1088x1920 px, these have 1080x1920"):
        read_rig(folder / "Calib.qca.txt", (1080, 1920))
