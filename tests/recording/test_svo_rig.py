"""The factory calibration that belongs to a ZED recording: by serial number, and no other's."""

from __future__ import annotations

from pathlib import Path

import pytest
from svo_files import SERIAL, write_svo

from stereo3d.cameras import StereoRig
from stereo3d.recording.base import open_recording
from stereo3d.recording.svo.rig import ENVIRONMENT, find_rig

CONF = Path(__file__).parents[2] / "calibration" / "rigs" / "made_up_zed2.conf"
HD = (1280, 720)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The usual folders, which are not this machine's."""
    folder = tmp_path / "settings"
    monkeypatch.setenv(ENVIRONMENT, str(folder))
    return folder


def put(folder: Path, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(CONF.read_text())
    return folder / name


@pytest.mark.parametrize("name", ["SN123.conf", "sn123.CONF"])
def test_the_file_beside_the_recording_is_taken(name: str, tmp_path: Path, elsewhere: Path) -> None:
    put(elsewhere, "SN123.conf")
    path = put(tmp_path, name)
    rig, told = find_rig(tmp_path / "a.svo2", 123, HD)
    assert isinstance(rig, StereoRig) and rig.serial == "123" and rig.cameras.left.size == HD
    assert told == f"the rig is that of {path}"


def test_else_the_one_in_the_usual_folders(tmp_path: Path, elsewhere: Path) -> None:
    path = put(elsewhere, "SN123.conf")
    put(tmp_path, "SN999.conf")
    assert find_rig(tmp_path / "a.svo2", 123, HD)[1] == f"the rig is that of {path}"


def test_another_camera_s_is_never_taken(tmp_path: Path, elsewhere: Path) -> None:
    put(tmp_path, "SN999.conf")
    rig, told = find_rig(tmp_path / "a.svo2", 123, HD)
    assert rig is None and told.startswith("SN123.conf is not here, SN999.conf is of another camera; its maker serves")


def test_without_any_it_says_where_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT, "")
    rig, told = find_rig(tmp_path / "a.svo2", 123, HD)
    assert rig is None and "https://calib.stereolabs.com/?SN=123 (stereo3d fetches nothing)" in told


def test_one_that_does_not_fit_is_left_aside_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "SN123.conf").write_text("[LEFT_CAM_HD]\nfx = many\n")
    rig, told = find_rig(tmp_path / "a.svo2", 123, HD)
    assert rig is None and told.startswith(f"{tmp_path / 'SN123.conf'} is left aside: ")


def test_a_recording_brings_its_rig(tmp_path: Path) -> None:
    put(tmp_path, f"SN{SERIAL}.conf")
    with open_recording(write_svo(tmp_path / "a.svo2", "jpeg")) as recording:
        assert recording.rig is None and "is left aside" in recording.notes[-1]
