"""One door for rig files of all kinds; whatever comes in, a rig or a sentence comes out."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stereo3d.calibration.files import kind_of, read_rig, write_rig
from stereo3d.calibration.rectify import Rectifier
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import CalibrationError, InputError, UsageError
from stereo3d.stereo import Stereo

KITTI = "P0: 700 0 600 0 0 700 180 0 0 0 1 0\nP1: 700 0 600 -80 0 700 180 0 0 0 1 0\n"


@pytest.mark.parametrize(("suffix", "kind"), [
    (".json", None), (".conf", None), (".yml", None), (".yaml", None), (".xml", None), (".qca.txt", None),
    (".yml", "opencv"), (".xml", "opencv"), (".yaml", "sdk"),
])
def test_every_form_gives_the_rig_back(rig: StereoRig, tmp_path: Path, suffix: str, kind: str | None) -> None:
    path = tmp_path / f"rig{suffix}"
    write_rig(path, rig, kind)
    got = read_rig(path, (1280, 720))
    assert isinstance(got, StereoRig) and [f.name for f in tmp_path.iterdir()] == [path.name]
    assert got == rig or suffix != ".json"
    for a, b in zip(got.cameras, rig.cameras, strict=True):
        np.testing.assert_allclose(a.matrix, b.matrix, rtol=1e-14)
        np.testing.assert_allclose(a.distortion, b.distortion, rtol=1e-14)
    np.testing.assert_allclose(got.rotation, rig.rotation, atol=1e-15)
    np.testing.assert_allclose(got.translation, rig.translation, rtol=1e-12)


def test_a_camchain_is_known_by_its_name_and_its_content(rig: StereoRig, tmp_path: Path) -> None:
    plain = replace(rig, cameras=rig.cameras.map(lambda c: replace(c, distortion=np.append(c.distortion[:4], 0.0))))
    assert [kind_of(name) for name in ("x/camchain-ward.yaml", "rig.yaml", "rig.qca.txt")] == ["kalibr", "sdk", "qualisys"]
    write_rig(tmp_path / "camchain.yaml", plain)
    write_rig(tmp_path / "rig.yml", plain, "kalibr")
    assert (tmp_path / "rig.yml").read_text() == (tmp_path / "camchain.yaml").read_text()
    assert read_rig(tmp_path / "rig.yml", (1280, 720)) == replace(plain, serial=None, rms=None)
    with pytest.raises(CalibrationError, match="k1 k2 p1 p2 only.* calibrate with --coefficients 4"):
        write_rig(tmp_path / "camchain.yaml", rig)


@pytest.mark.parametrize(("name", "kind", "error", "sentence"), [
    ("rig.json", "kalibr", CalibrationError, "expected .yaml, .yml, got .json"),
    ("rig.txt", "qualisys", CalibrationError, "expected .qca.txt, got .txt"),
    ("rig.yml", "calibr", UsageError, "unknown kind of rig file 'calibr': did you mean 'kalibr'"),
])
def test_a_name_must_go_with_its_kind(
    rig: StereoRig, tmp_path: Path, name: str, kind: str, error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        write_rig(tmp_path / name, rig, kind)


def test_the_kind_is_told_by_what_is_inside(rig: StereoRig, tmp_path: Path) -> None:
    for suffix in (".json", ".conf", ".yml", ".xml"):
        write_rig(tmp_path / f"rig{suffix}", rig)
        renamed = (tmp_path / f"rig{suffix}").rename(tmp_path / f"{suffix[1:]}.txt")
        assert isinstance(read_rig(renamed, (1280, 720)), StereoRig)
    (tmp_path / "calib.txt").write_text(KITTI)
    assert isinstance(read_rig(tmp_path / "calib.txt", (1226, 370)), RectifiedCamera)


def test_a_rectified_camera_goes_into_json_alone(rig: StereoRig, tmp_path: Path) -> None:
    camera = Rectifier(rig).camera
    write_rig(tmp_path / "flat.json", camera)
    assert read_rig(tmp_path / "flat.json") == camera
    for suffix in (".conf", ".yml", ".xml"):
        with pytest.raises(CalibrationError, match="fits into a .json only"):
            write_rig(tmp_path / f"flat{suffix}", camera)


@pytest.mark.parametrize(("name", "sentence"), [("rig.toml", "got .toml"), ("rig", "got no suffix")])
def test_other_suffixes_are_refused(rig: StereoRig, tmp_path: Path, name: str, sentence: str) -> None:
    with pytest.raises(CalibrationError, match=sentence):
        write_rig(tmp_path / name, rig)


def test_what_cannot_be_written_is_said_and_what_was_there_stays(rig: StereoRig, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_rig(tmp_path / "no such folder" / "rig.json", rig)
    write_rig(tmp_path / "rig.json", rig)
    wrong = StereoRig(rig.cameras.map(lambda c: c), rig.rotation, -rig.translation)
    write_rig(tmp_path / "rig.json", wrong)
    assert read_rig(tmp_path / "rig.json") == wrong


def test_size_is_held_against_the_file(rig: StereoRig, made_up: Path, tmp_path: Path) -> None:
    write_rig(tmp_path / "rig.json", rig)
    with pytest.raises(CalibrationError, match=r"rig.json: the calibration is for pictures of 1280x720 px, these have"):
        read_rig(tmp_path / "rig.json", (1920, 1080))
    chosen = read_rig(made_up, (2208, 1242))
    assert isinstance(chosen, StereoRig) and chosen.cameras.left.size == (2208, 1242)


@pytest.mark.parametrize(("content", "sentence"), [
    (b"", "expected stereo3d's own JSON, a ZED"),
    (b"\x89PNG\r\n\x1a\n\x00\xff", "text file in UTF-8"),
    (b"hello", "expected stereo3d's own JSON"),
    (b"[1, 2]", "expected stereo3d's own JSON"),
    (b"{", "expected JSON"),
    (b"[" * 100000, "expected stereo3d's own JSON"),
    (b'{"a":' * 100000, "expected JSON"),
    (b"{}", "holds no picture size"),
    (b"<opencv_storage></opencv_storage>", "holds no picture size"),
    (b"<opencv_storage>", "expected XML"),
    (b"%YAML:1.0\n---\nK1: 3\n", "holds no picture size"),
    (b"x" * (5 << 20), "a text of up to 4194304 bytes"),
])
def test_a_bad_file_is_named_with_a_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "bad.dat"
    path.write_bytes(content)
    with pytest.raises(CalibrationError, match=sentence) as caught:
        read_rig(path)
    assert str(caught.value).startswith(str(path)) and str(caught.value).count(str(path)) == 1


@pytest.mark.parametrize("name", ["gone.json", "gone.conf", "."])
def test_what_cannot_be_opened(tmp_path: Path, name: str) -> None:
    with pytest.raises(CalibrationError, match="cannot be read"):
        read_rig(tmp_path / name)


def test_cameras_are_chosen_only_where_there_are_several(rig: StereoRig, made_up: Path, tmp_path: Path) -> None:
    write_rig(tmp_path / "rig.json", rig)
    for path in (tmp_path / "rig.json", made_up):
        with pytest.raises(CalibrationError, match="holds one pair"):
            read_rig(path, cameras=("a", "b"))


@pytest.mark.parametrize("suffix", [".json", ".conf", ".yml", ".xml", ".qca.txt", ".txt"])
def test_damaged_files_give_a_rig_or_a_sentence(rig: StereoRig, tmp_path: Path, suffix: str) -> None:
    """300 times: characters cut out, put in, or replaced, and the end torn off."""
    path = tmp_path / f"rig{suffix}"
    if suffix == ".txt":
        path.write_text(KITTI)
    else:
        write_rig(path, rig)
    whole, dice = path.read_text(), random.Random(suffix)
    junk = ("[", "}", "<", "9" * 400, "nan", "1e308", "-", "null", "\x01", "&a;", "é", "\n", ":", "data:")
    refused = 0
    for _ in range(300):
        at = sorted(dice.randrange(len(whole)) for _ in range(2))
        kept = whole[: at[0]] + dice.choice(junk) + whole[min(at[1], at[0] + dice.randrange(20)) :]
        path.write_text(kept[: dice.choice([len(kept), len(kept), at[1]])])
        try:
            assert isinstance(read_rig(path, (1280, 720)), (StereoRig, RectifiedCamera))
        except CalibrationError as error:
            assert str(error).startswith(str(path))
            refused += 1
    assert refused > 100


def test_the_motorcycle_by_its_own_numbers(shared: Path, tmp_path: Path) -> None:
    """Middlebury 2014: Z = B f / (d + 31.086), so the centres are 31.086 px apart, the right one further right."""
    known_camera = RectifiedCamera((741, 500), 994.978, Stereo(311.193, 311.193 + 31.086), 250.0, 0.193001)
    write_rig(tmp_path / "m.json", known_camera)
    camera = read_rig(tmp_path / "m.json")
    assert isinstance(camera, RectifiedCamera)
    with np.load(shared / "data" / "skimage-motorcycle" / "motorcycle_disp.npz") as file:
        disparity = file["arr_0"].astype(float)
    known = np.isfinite(disparity)
    depth = camera.depth(np.where(known, disparity, np.nan))
    spots = {(100, 250): 4.494082, (250, 370): 2.397823, (400, 250): 2.718888, (200, 600): 3.698012}
    for spot, expected in spots.items():
        assert depth[spot] == pytest.approx(expected, abs=1e-6)
    np.testing.assert_array_equal(np.isfinite(depth), known)
    np.testing.assert_allclose(depth[known], 994.978 * 0.193001 / (disparity[known] + 31.086), rtol=1e-12)
    rows, columns = np.nonzero(known)
    xyz = camera.unproject(np.stack([columns, rows, disparity[known]], -1))
    left, right = camera.project(xyz)
    np.testing.assert_allclose(left - right, np.stack([disparity[known], 0 * rows], -1), atol=1e-9)
    for shift, error in ((0.0, 1.9), (31.086, 14.0)):
        wrong = RectifiedCamera((741, 500), 994.978, Stereo(shift, 0.0), 250.0, 0.193001).depth(disparity[known])
        assert np.median(np.abs(wrong - depth[known])) == pytest.approx(error, rel=0.3)
