"""ZED .svo2 files: frame i is message i in every mode, with its time, its camera and its calibration."""

from __future__ import annotations

import base64
import struct
import sys
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made import number_of
from mcap.writer import CompressionType, IndexType
from svo_files import BEFORE, MODES, N, SERIAL, SIZE, STEP, header, message, payloads, write_svo

from stereo3d.errors import MissingPackage, RecordingError, UsageError
from stereo3d.recording.base import Recording, describe, open_recording

FIRST_WHOLE = {"refreshed": 10, "unmarked": 10}
"""The frame from which a stream that begins in its middle is whole."""
WRITTEN: dict[str, dict[str, Any]] = {
    "in chunks": {},
    "one chunk": {"chunk_size": 1 << 24},
    "a chunk for each": {"chunk_size": 1},
    "no chunks": {"use_chunking": False},
    "no indexes": {"index_types": IndexType.NONE},
    "no sums": {"enable_crcs": False},
    "zstd": {"compression": CompressionType.ZSTD},
    "lz4": {"compression": CompressionType.LZ4},
    "channels named in chunks alone": {"repeat_channels": False, "repeat_schemas": False},
    "no sensors, no footer": {"sensors": False, "footer": False},
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("svo")
    return {mode: write_svo(root / f"{mode}.svo2", mode) for mode in MODES}


def seen(recording: Recording) -> dict[int, tuple[tuple[int, str], ...]]:
    """What the valid pictures of a recording say they are."""
    return {pair.index: tuple(map(number_of, pair.images)) for pair in recording.frames() if pair.valid}


def expected(frames: Any) -> dict[int, tuple[tuple[int, str], ...]]:
    return {i: ((i % 25, "left"), (i % 25, "right")) for i in frames}


@pytest.mark.parametrize("mode", MODES)
def test_every_message_is_its_frame(mode: str, files: dict[str, Path]) -> None:
    with open_recording(files[mode]) as recording:
        assert (recording.kind, recording.size, recording.rectified) == ("ZED SVO2", SIZE, False)
        assert recording.codec == {"refreshed": "h264", "unmarked": "h264"}.get(mode, mode)
        np.testing.assert_allclose(recording.time, np.arange(N) * STEP / 1e9)
        assert recording.fps == pytest.approx(15) and len(recording) == N
        assert np.flatnonzero(recording.valid).tolist() == list(range(FIRST_WHOLE.get(mode, 0), N))
        assert seen(recording) == expected(range(FIRST_WHOLE.get(mode, 0), N))


@pytest.mark.parametrize("mode", ["h264", "hevc", "refreshed", "unmarked"])
def test_the_pixels_are_those_of_the_whole_stream(mode: str, files: dict[str, Path]) -> None:
    stream, before = (mode, 0) if mode in ("h264", "hevc") else ("from its start", BEFORE)
    decoder = av.CodecContext.create("hevc" if mode == "hevc" else "h264", "r")
    decoder.flags |= av.codec.context.Flags.output_corrupt
    truth = [
        frame.to_ndarray(format="rgb24") for data in (*payloads(stream), None)
        for frame in decoder.decode(av.Packet(data) if data else None)
    ]
    with open_recording(files[mode]) as recording:
        for pair in recording.frames():
            if pair.valid:
                np.testing.assert_array_equal(np.concatenate([*pair.images], axis=1), truth[pair.index + before])


@pytest.mark.parametrize("how", WRITTEN)
def test_however_the_container_is_written(how: str, tmp_path: Path) -> None:
    with open_recording(write_svo(tmp_path / "a.svo2", **WRITTEN[how])) as recording:
        assert seen(recording) == expected(range(N))
        sensors = recording.sensors()
        assert sensors is None if "sensors" in how else sensors is not None and len(sensors) == 20 * N


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    mode=st.sampled_from(MODES), start=st.integers(-N - 2, N + 2), stop=st.integers(-N - 2, N + 2), step=st.integers(1, 7),
    asked=st.lists(st.integers(0, N - 1), max_size=4),
)
def test_slicing_equals_reading(
    mode: str, start: int, stop: int, step: int, asked: list[int], files: dict[str, Path]
) -> None:
    with open_recording(files[mode]) as recording:
        whole = list(recording.frames())
        part = list(recording.frames(start, stop, step))
        assert [p.index for p in part] == list(range(N))[start:stop:step]
        for pair in (*part, *(recording[i] for i in asked)):
            assert pair == whole[pair.index] and pair.time == recording.time[pair.index]


def test_in_a_long_stream_without_marks_a_far_frame_is_decoded_from_near_it(tmp_path: Path) -> None:
    path = write_svo(tmp_path / "a.svo2", "unmarked", 120, sensors=False)
    with open_recording(path) as recording:
        assert seen(recording).keys() == set(range(10, 120))
        last = recording[119]
    with open_recording(path) as recording:
        begun: list[int] = []
        stream = recording._frames
        held = type(stream).__getitem__
        try:
            type(stream).__getitem__ = lambda self, index: (begun.append(index), held(self, index))[1]
            assert recording[119] == last
        finally:
            type(stream).__getitem__ = held
        assert min(begun) >= 119 - 2 * 12


def test_any_file_name_will_do(tmp_path: Path) -> None:
    with open_recording(write_svo(tmp_path / "session.mcap", "jpeg")) as recording:
        assert recording.kind == "ZED SVO2"


def test_what_info_says(files: dict[str, Path]) -> None:
    with open_recording(files["h264"]) as recording:
        facts = describe(recording)
    assert (facts["frames"], facts["invalid"], facts["codec"], facts["rig"]) == (N, 0, "h264", None)
    assert len(facts["notes"]) == 1 and f"SN{SERIAL}.conf, the camera's calibration, is not here" in facts["notes"][0]


def test_a_closed_file_says_so(files: dict[str, Path]) -> None:
    recording = open_recording(files["h264"])
    recording.close()
    with pytest.raises(RecordingError, match="is closed; open it again"):
        recording.sensors()


def test_two_files_are_one_too_many(files: dict[str, Path]) -> None:
    with pytest.raises(UsageError, match="a ZED file holds both views; leave .* out"):
        open_recording(files["h264"], files["hevc"])


def test_without_the_package_the_extra_is_named(files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcap", None)
    with pytest.raises(MissingPackage, match="needs the package mcap"):
        open_recording(files["h264"])


@pytest.mark.parametrize(("head", "sentence"), [
    (b"what?", "the header is no JSON"),
    (header(header="AAAA"), "the header holds 3 bytes of facts, expected 128"),
    (header(header="?"), "the header holds 0 bytes of facts"),
])
def test_a_header_that_says_nothing_is_noted(head: bytes, sentence: str, tmp_path: Path) -> None:
    with open_recording(write_svo(tmp_path / "a.svo2", "jpeg", head=head)) as recording:
        assert any(sentence in note for note in recording.notes) and seen(recording) == expected(range(N))


@pytest.mark.parametrize(("changes", "sentence"), [
    ((640, 480, SERIAL, 15), "the header says 640 x 480 px, the pictures are 128 x 96 an eye"),
    ((*SIZE, 7, 15), f"the header says serial number 7, the topic {SERIAL}: the topic's is taken"),
    ((*SIZE, SERIAL, 60), "the header says 60 pairs a second, their times 15.00: the times are taken"),
])
def test_what_the_header_says_is_held_against_the_rest(changes: Any, sentence: str, tmp_path: Path) -> None:
    block = base64.b64encode(struct.pack("<4I", *changes).ljust(128, b"\0")).decode()
    with open_recording(write_svo(tmp_path / "a.svo2", head=header(header=block))) as recording:
        assert sentence in recording.notes and recording.size == SIZE and recording.fps == pytest.approx(15)


@pytest.mark.parametrize("width", [SIZE[0], 2 * SIZE[0]])
def test_the_header_s_width_may_be_of_one_eye_or_of_both(width: int, tmp_path: Path) -> None:
    block = base64.b64encode(struct.pack("<4I", width, SIZE[1], SERIAL, 15).ljust(128, b"\0")).decode()
    with open_recording(write_svo(tmp_path / "a.svo2", head=header(header=block))) as recording:
        assert len(recording.notes) == 1


def test_a_lower_rate_has_its_own_times(tmp_path: Path) -> None:
    when = [0, 1, 2, 9, 10, 11]
    path = write_svo(tmp_path / "a.svo2", n_frames=6, times=lambda i: 10**9 * when[i])
    with open_recording(path) as recording:
        np.testing.assert_array_equal(recording.time, when)


def test_times_that_fall_are_held_and_noted(tmp_path: Path) -> None:
    when = [0, 1, 2, 1, 4, 5]
    path = write_svo(tmp_path / "a.svo2", n_frames=6, times=lambda i: 10**9 * (1 + when[i]), footer=False)
    with open_recording(path) as recording:
        np.testing.assert_array_equal(recording.time, [0, 1, 2, 2, 4, 5])
        assert "the frames' times fall back 1 times, expected them to rise: they are held there" in recording.notes
        assert seen(recording) == expected(range(6))


def longer(_: int, data: bytes) -> bytes:
    return data + b"more"


def other_time(_: int, data: bytes) -> bytes:
    at = len(data) - 56 + 24
    return data[:at] + struct.pack("<Q", 5) + data[at + 8:]


@pytest.mark.parametrize(("change", "sentence"), [
    (longer, "a message has 60 bytes behind its picture, expected 56: they are passed over"),
    (other_time, "a message's own time differs from when it was logged: the latter is taken"),
])
def test_another_layout_of_messages_is_noted(change: Any, sentence: str, tmp_path: Path) -> None:
    with open_recording(write_svo(tmp_path / "a.svo2", "jpeg", change=change)) as recording:
        assert sentence in recording.notes and seen(recording) == expected(range(N))


def payload_of(data: bytes) -> Any:
    return lambda i, old: message(data, int.from_bytes(old[-32:-24], "little"), i)


CANNOT: dict[str, tuple[dict[str, Any], str]] = {
    "encrypted": ({"head": header(encryption={"key": "..."})}, "a.svo2: is encrypted; where the ZED SDK is"),
    "PNG": ({"change": payload_of(b"\x89PNG\r\n" * 9)}, "pictures packed with PNG: the LOSSLESS mode"),
    "Zstandard": ({"change": payload_of(b"\x28\xb5\x2f\xfd" * 9)}, "pictures packed with Zstandard: the LOSSLESS mode"),
    "noise": ({"change": payload_of(b"\x99" * 99)}, r"other bytes \(99 99 .*encrypted \(as the SDK can since 5.3\)"),
    "no parameters": ({"change": payload_of(b"\0\0\0\1\x41" + bytes(99))}, "a stream without the parameter sets"),
    "no whole message": ({"change": lambda i, data: data[:50]}, r"none that is whole \(.*frame 0: expected a picture of"),
    "another topic": ({"serial": "7/left"}, r"expected an MCAP file with the pictures of one ZED .*SN7/left/side_by"),
    "no pictures": ({"n_frames": 0}, "expected an MCAP file with the pictures of one ZED"),
}


@pytest.mark.parametrize("what", CANNOT)
def test_what_cannot_be_read_says_what_to_do(what: str, tmp_path: Path) -> None:
    how, sentence = CANNOT[what]
    with pytest.raises(RecordingError, match=sentence) as caught:
        open_recording(write_svo(tmp_path / "a.svo2", **how))
    assert "topic" in str(caught.value) or "resave it as an .svo2" in str(caught.value)


@pytest.mark.parametrize("name", ["a.svo", "a.SVO2"])
def test_version_1_is_recognised(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(struct.pack("<iII", -11, 1280, 720) + bytes(99))
    with pytest.raises(RecordingError, match="an SVO file of version 1 .*; where the ZED SDK is, resave it as an .svo2"):
        open_recording(tmp_path / name)


def test_pictures_that_are_no_pair_are_refused(tmp_path: Path) -> None:
    jpeg = cv2.imencode(".jpg", np.zeros((8, 10), np.uint8))[1].tobytes()
    odd = struct.pack("<Q", len(jpeg)) + jpeg
    with pytest.raises(RecordingError, match="none that could be decoded: .*frame 0: expected grey JPEGs of one width"):
        open_recording(write_svo(tmp_path / "a.svo2", change=payload_of(odd)))
