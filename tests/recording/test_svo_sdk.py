"""Through the maker's SDK, where it is installed: held against a double of `pyzed`, as the real one is not at hand."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from made import number_of, pair

from stereo3d.errors import RecordingError
from stereo3d.recording.base import open_recording

SIZE = (64, 48)


class Camera:
    """The calls of the SDK's camera that are made; frame 3 cannot be had."""

    opened: list[str] = []
    answer = "SUCCESS"

    def __init__(self) -> None:
        self.at, self.closed = 0, False

    def open(self, settings: Any) -> str:
        self.opened.append(settings.path)
        assert settings.depth_mode == "NONE" and settings.svo_real_time_mode is False
        return self.answer

    def get_camera_information(self) -> Any:
        form = SimpleNamespace(resolution=SimpleNamespace(width=SIZE[0], height=SIZE[1]), fps=15.0)
        return SimpleNamespace(serial_number=77, camera_configuration=form)

    def get_svo_number_of_frames(self) -> int:
        return 6

    def set_svo_position(self, index: int) -> None:
        self.at = index

    def grab(self) -> str:
        self.at += 1
        return "CORRUPTED_FRAME" if self.at == 4 else "SUCCESS"

    def retrieve_image(self, image: Any, view: str) -> None:
        shown = pair(self.at - 1)["left" if "LEFT" in view else "right"]
        image.data = np.dstack([shown[..., ::-1], np.full(shown.shape[:2], 255, np.uint8)])

    def close(self) -> None:
        Camera.opened.append("closed")


class Mat:
    data: Any = None

    def get_data(self) -> Any:
        return self.data


class InitParameters:
    def set_from_svo_file(self, path: str) -> None:
        self.path = path


@pytest.fixture
def sdk(monkeypatch: pytest.MonkeyPatch) -> type[Camera]:
    package, sl = ModuleType("pyzed"), ModuleType("pyzed.sl")
    names: dict[str, Any] = {
        "Camera": Camera, "Mat": Mat, "InitParameters": InitParameters, "DEPTH_MODE": SimpleNamespace(NONE="NONE"),
        "ERROR_CODE": SimpleNamespace(SUCCESS="SUCCESS"),
        "VIEW": SimpleNamespace(LEFT_UNRECTIFIED="LEFT_UNRECTIFIED", RIGHT_UNRECTIFIED="RIGHT_UNRECTIFIED"),
    }
    vars(sl).update(names)
    package.sl = sl  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pyzed", package)
    monkeypatch.setitem(sys.modules, "pyzed.sl", sl)
    monkeypatch.setattr(Camera, "opened", [])
    monkeypatch.setattr(Camera, "answer", "SUCCESS")
    return Camera


@pytest.fixture
def version_1(tmp_path: Path) -> Path:
    (tmp_path / "a.svo").write_bytes(b"\xf5\xff\xff\xff" + bytes(99))
    return tmp_path / "a.svo"


def test_it_reads_what_nothing_else_does(sdk: type[Camera], version_1: Path) -> None:
    with open_recording(version_1) as recording:
        assert (len(recording), recording.size, recording.fps, recording.rectified) == (6, SIZE, 15, False)
        assert [p.valid for p in recording.frames()] == [True, True, True, False, True, True]
        assert [number_of(x) for x in recording[2].images] == [(2, "left"), (2, "right")]
        assert recording[3].faults.left.endswith("frame 3: the ZED SDK does not give it (CORRUPTED_FRAME)")
        assert "SN77.conf" in recording.notes[-1] and "times are taken from the rate" in recording.notes[0]
    assert sdk.opened == [str(version_1), "closed"]


def test_what_it_refuses_is_a_sentence(sdk: type[Camera], version_1: Path) -> None:
    sdk.answer = "INVALID_SVO_FILE"
    with pytest.raises(RecordingError, match=r"a.svo: the ZED SDK does not open it \(INVALID_SVO_FILE\)"):
        open_recording(version_1)
    assert sdk.opened[-1] == "closed"
