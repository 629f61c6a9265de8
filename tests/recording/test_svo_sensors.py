"""A ZED's motion sensors: samples in SI units on the recording's clock, and a refusal where the layout is another."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest
from svo_files import BEGIN, N, STEP, sample, write_svo

from stereo3d.errors import InvalidValue, RecordingError
from stereo3d.recording.base import open_recording
from stereo3d.recording.svo.sensors import Sensors, parse_sensors

TIMES = BEGIN + np.arange(5) * 2_500_000


def test_samples_are_in_si_units_and_on_the_recording_s_clock(tmp_path: Path) -> None:
    with open_recording(write_svo(tmp_path / "a.svo2", "jpeg")) as recording:
        sensors = recording.sensors()
    assert sensors is not None and len(sensors) == 20 * N
    np.testing.assert_allclose(sensors.time[:40], np.arange(40) * STEP / 20e9, atol=1e-7)
    np.testing.assert_allclose(sensors.turning, np.tile([np.pi / 2, 0, 0], (20 * N, 1)), rtol=1e-6)
    np.testing.assert_allclose(sensors.acceleration, np.tile([0, 9.81, 0], (20 * N, 1)), rtol=1e-6)


def test_they_make_a_table() -> None:
    table = parse_sensors([sample(int(t)) for t in TIMES], TIMES, BEGIN, "x").to_frame()
    assert list(table) == ["time", *(f"{n}_{a}" for n in ("acceleration", "turning") for a in "xyz")]
    assert table.acceleration_y.tolist() == pytest.approx([9.81] * 5) and table.time.iloc[2] == pytest.approx(5e-3)


def test_other_recordings_have_none(one_of_each: dict[str, tuple[Path, ...]], tmp_path: Path) -> None:
    with open_recording(*one_of_each["one folder"]) as recording:
        assert recording.sensors() is None
    with open_recording(write_svo(tmp_path / "a.svo2", "jpeg", sensors=False)) as recording:
        assert recording.sensors() is None


def test_none_at_all_are_none() -> None:
    assert len(parse_sensors([], TIMES[:0], BEGIN, "x")) == 0


@pytest.mark.parametrize(("message", "sentence"), [
    (b"\xff", "x: expected JSON with base64 in `data`, got something else"),
    (b"[]", "expected JSON with base64 in `data`"),
    (b"{}", "expected JSON with base64 in `data`"),
    (b'{"data": 5}', "expected JSON with base64 in `data`"),
    (b'{"data": "!"}', "expected JSON with base64 in `data`"),
    (json.dumps({"data": base64.b64encode(bytes(50)).decode()}).encode(), "samples of at least 112 bytes, got 50"),
    (sample(BEGIN, pull=0.0), "expected accelerations of about 9.8 m/s2 .*, got 0 m/s2, .* lays its samples out"),
    (sample(BEGIN, pull=float("nan")), "got nan m/s2"),
    (sample(BEGIN + 10**11), "got 9.81 m/s2, 100 s apart"),
])
def test_another_layout_is_named(message: bytes, sentence: str) -> None:
    with pytest.raises(RecordingError, match=sentence):
        parse_sensors([message] * 5, np.full(5, BEGIN), BEGIN, "x")


def test_damaged_messages_are_left_out(tmp_path: Path) -> None:
    path = write_svo(tmp_path / "a.svo2", "jpeg", chunk_size=1)
    data = bytearray(path.read_bytes())
    at = data.index(sample(BEGIN)) + 40
    data[at] ^= 1
    path.write_bytes(data)
    with open_recording(path) as recording:
        assert len(recording.sensors() or ()) == 20 * N - 1


def test_a_value_is_checked() -> None:
    with pytest.raises(InvalidValue, match="turning: expected shape"):
        Sensors(np.zeros(3), np.zeros((3, 3)), np.zeros((2, 3)))
