"""Damaged .svo2 files: what is whole is read, what is not is marked, and no frame takes another's place."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import svo_files
import zstandard
from made import number_of
from mcap.writer import CompressionType, IndexType
from svo_files import BEGIN, MODES, N, STEP, cut, payloads, write_svo

from stereo3d.errors import RecordingError, Stereo3DError
from stereo3d.recording.base import open_recording
from stereo3d.recording.svo import chunk as packed
from stereo3d.recording.svo import container
from stereo3d.recording.svo.container import MAGIC
from stereo3d.recording.svo.message import END

ENTRIES = (0, 10, 20)
"""The frames that decoding can start from, in modes h264 and hevc."""


def read(path: Path) -> tuple[list[bool], list[str]]:
    """Which frames are valid, after seeing that those are the right ones at the right time; and the notes."""
    with open_recording(path) as recording:
        valid = []
        for pair in recording.frames():
            valid.append(pair.valid)
            assert pair.time == pytest.approx(pair.index * STEP / 1e9)
            if pair.valid:
                assert [number_of(x) for x in pair.images] == [(pair.index % 25, "left"), (pair.index % 25, "right")]
            else:
                assert not any(image.any() for image in pair.images) and all(pair.faults)
        return valid, list(recording.notes)


def invalid(valid: list[bool]) -> list[int]:
    return np.flatnonzero(~np.array(valid)).tolist()


def up_to_the_next_entry(first: int, mode: str) -> list[int]:
    """The frames that are lost with one."""
    end = first + 1 if mode == "jpeg" else min([e for e in ENTRIES if e > first], default=N)
    return list(range(first, end))


@pytest.mark.parametrize("mode", ["h264", "hevc", "jpeg"])
@pytest.mark.parametrize("share", [0.99, 0.9, 0.5, 0.2])
@pytest.mark.parametrize("how", [{}, {"chunk_size": 1 << 24}, {"index_types": IndexType.NONE}, {"use_chunking": False}], ids=str)
def test_a_file_that_was_cut_off_gives_every_whole_message(
    mode: str, share: float, how: dict[str, Any], tmp_path: Path
) -> None:
    path = write_svo(tmp_path / "a.svo2", mode, sensors=False, **how)
    ends = [path.read_bytes().index(data) + len(data) + END for data in payloads(mode)]
    valid, notes = read(cut(path, share))
    held = sum(end <= path.stat().st_size for end in ends)
    assert valid == [True] * held and 2 < held <= N
    assert any("the file is cut off, or damaged at byte" in note for note in notes)


@pytest.mark.parametrize("packing", [CompressionType.ZSTD, CompressionType.LZ4])
def test_a_packed_file_that_was_cut_off_gives_its_whole_chunks(packing: CompressionType, tmp_path: Path) -> None:
    path = write_svo(tmp_path / "a.svo2", "jpeg", sensors=False, compression=packing)
    valid, _ = read(cut(path, 0.6))
    assert all(valid) and N // 3 < len(valid) < 2 * N // 3


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("gone", [[13], [14, 15, 16]])
def test_frames_that_are_listed_and_not_there_keep_their_places(mode: str, gone: list[int], tmp_path: Path) -> None:
    path = write_svo(tmp_path / "a.svo2", mode, leave_out=gone)
    valid, notes = read(path)
    assert f"{len(gone)} frames are listed but not in the file: they are marked invalid" in notes
    assert len(valid) == N and set(gone) <= set(invalid(valid))
    if mode in ("h264", "hevc"):
        assert invalid(valid) == list(range(gone[0], 20))
    if mode == "jpeg":
        assert invalid(valid) == gone
    with open_recording(path) as recording:
        assert set(invalid(recording.valid.tolist())) == {*gone, *range(10 if mode in ("refreshed", "unmarked") else 0)}
        assert recording[gone[0]].faults.left.endswith(f"frame {gone[0]}: is listed but not in the file")


def test_a_footer_that_lists_other_frames_is_left_aside(tmp_path: Path) -> None:
    valid, notes = read(write_svo(tmp_path / "a.svo2", "jpeg", also_listed=[2 * BEGIN]))
    assert all(valid) and "the footer's list of frames does not go with the frames: it is left aside" in notes


def shorten(number: int) -> Callable[[int, bytes], bytes]:
    return lambda i, data: data[:len(data) // 2] if i == number else data


def wrong_size(number: int) -> Callable[[int, bytes], bytes]:
    return lambda i, data: data[:4] + struct.pack("<I", 1 << 30) + data[8:] if i == number else data


def no_picture(number: int) -> Callable[[int, bytes], bytes]:
    return lambda i, data: data[:8] + bytes(len(data) - 64) + data[-56:] if i == number else data


def empty(number: int) -> Callable[[int, bytes], bytes]:
    return lambda i, data: b"" if i == number else data


@pytest.mark.parametrize("mode", ["h264", "hevc", "jpeg"])
@pytest.mark.parametrize("harm", [shorten, wrong_size, no_picture, empty])
def test_a_message_that_makes_no_sense_is_marked_with_what_hangs_on_it(mode: str, harm: Any, tmp_path: Path) -> None:
    valid, _ = read(write_svo(tmp_path / "a.svo2", mode, change=harm(13)))
    assert invalid(valid) == up_to_the_next_entry(13, mode)


@pytest.mark.parametrize("mode", ["h264", "hevc"])
def test_a_lost_beginning_leaves_the_rest(mode: str, tmp_path: Path) -> None:
    valid, notes = read(write_svo(tmp_path / "a.svo2", mode, change=empty(0)))
    assert invalid(valid) == list(range(10))
    assert "the stream is whole from frame 10 on: those before are marked invalid" in notes


def flip(path: Path, payload: bytes, at: int) -> Path:
    data = bytearray(path.read_bytes())
    where = data.index(payload) + at
    data[where] ^= 0x10
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("mode", ["h264", "hevc", "jpeg"])
def test_one_flipped_bit_in_a_picture_is_seen_by_the_check_sum(mode: str, tmp_path: Path) -> None:
    path = write_svo(tmp_path / "a.svo2", mode, chunk_size=1)
    flip(path, payloads(mode)[14], len(payloads(mode)[14]) - 20)
    valid, _ = read(path)
    assert invalid(valid) == up_to_the_next_entry(14, mode)
    with open_recording(path) as recording:
        assert "damaged" in recording[14].faults.right


@pytest.mark.parametrize("mode", ["h264", "hevc", "jpeg"])
def test_a_hole_is_seen_without_check_sums(mode: str, tmp_path: Path) -> None:
    path = write_svo(tmp_path / "a.svo2", mode, enable_crcs=False)
    data, payload = bytearray(path.read_bytes()), payloads(mode)[14]
    at = data.index(payload) + len(payload) // 2
    data[at:at + 60] = bytes(60)
    path.write_bytes(data)
    valid, _ = read(path)
    assert invalid(valid) == up_to_the_next_entry(14, mode)


def test_a_flipped_bit_in_a_refreshed_stream_costs_one_refresh(tmp_path: Path) -> None:
    path = write_svo(tmp_path / "a.svo2", "refreshed", chunk_size=1)
    flip(path, payloads("refreshed")[12], 60)
    valid, _ = read(path)
    assert invalid(valid)[:11] == [*range(10), 12] and valid[11] and valid[-1]


def chunks_of(data: bytes) -> list[int]:
    """Where the chunks of a file begin."""
    at, found = len(MAGIC), []
    while at < len(data):
        kind, length = packed.HEAD.unpack_from(data, at)
        if kind == 6:
            found.append(at)
        at += packed.HEAD.size + length
        if kind == 2:
            break
    return found


@pytest.mark.parametrize("fill", [b"\0", b"\xa5"])
def test_a_stretch_that_makes_no_sense_is_stepped_over(fill: bytes, tmp_path: Path) -> None:
    path = write_svo(tmp_path / "a.svo2", "jpeg", chunk_size=20_000, sensors=False)
    data = bytearray(path.read_bytes())
    begin, end = chunks_of(data)[4:6]
    held = [i for i, one in enumerate(payloads("jpeg")) if begin < data.index(one) < end]
    data[begin:end] = fill * (end - begin)
    path.write_bytes(data)
    valid, notes = read(path)
    assert invalid(valid) == held and len(valid) == N
    assert f"the file is damaged at byte {begin} of {len(data)}: what is whole was read" in notes


def test_without_a_list_of_chunks_it_is_read_up_to_there(tmp_path: Path) -> None:
    path = write_svo(tmp_path / "a.svo2", "jpeg", chunk_size=20_000, sensors=False)
    data = bytearray(path.read_bytes())
    begin = chunks_of(data)[4]
    data[begin:begin + 20] = bytes(20)
    path.write_bytes(data[:-9])
    valid, notes = read(path)
    assert all(valid) and 4 < len(valid) < 20 and any(f"cut off, or damaged at byte {begin}" in n for n in notes)


@pytest.mark.parametrize("what", ["offset", "length", "time"])
def test_an_index_that_leads_elsewhere_costs_its_message(what: str, tmp_path: Path) -> None:
    path = write_svo(tmp_path / "a.svo2", "jpeg", chunk_size=1, footer=False, sensors=False)
    data = bytearray(path.read_bytes())
    chunk = next(c for c in reversed(chunks_of(data)) if c < data.index(payloads("jpeg")[7]))
    at = chunk + packed.HEAD.size + packed.HEAD.unpack_from(data, chunk)[1]
    assert packed.HEAD.unpack_from(data, at) == (7, 22)
    if what == "offset":
        data[at + 9 + 14:at + 9 + 22] = struct.pack("<Q", 1 << 40)
    elif what == "time":
        data[at + 9 + 6] ^= 1
    else:
        data[at + 9 + 2] ^= 1
    path.write_bytes(data)
    with open_recording(path) as recording:
        valid = [pair.valid for pair in recording.frames()]
    assert invalid(valid) == ([] if what == "length" else [7]) and len(valid) == N


def test_a_chunk_too_large_to_hold_is_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_svo(tmp_path / "a.svo2", "jpeg", chunk_size=1 << 24)
    for module in (container, packed):
        monkeypatch.setattr(module, "LARGEST_CHUNK", 100_000)
    valid, _ = read(path)
    assert all(valid) and len(valid) == N


@pytest.mark.parametrize("packing", [CompressionType.ZSTD, CompressionType.LZ4])
def test_a_packed_chunk_is_not_unpacked_beyond_the_limit(packing: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_svo(tmp_path / "a.svo2", "jpeg", chunk_size=1 << 24, compression=packing)
    for module in (container, packed):
        monkeypatch.setattr(module, "LARGEST_CHUNK", 100_000)
    with pytest.raises(RecordingError, match="none that is whole|expected an MCAP file with the pictures"):
        open_recording(path)


def test_a_chunk_that_claims_more_than_it_holds_is_damaged(tmp_path: Path) -> None:
    data = zstandard.compress(bytes(10_000_000))
    for claimed, fault in ((1000, "its check sum does not fit"), (1 << 40, "lies in a chunk of")):
        chunk = packed.Chunk(0, len(data), claimed, 1, "zstd")
        content, told = packed.unpack(chunk, data)
        assert len(content) <= 1000 and fault in told
    assert "got 'rar'" in packed.unpack(packed.Chunk(0, 1, 1, 0, "rar"), b"x")[1]
    for packing in ("zstd", "lz4"):
        assert "is damaged (" in packed.unpack(packed.Chunk(0, 9, 9, 0, packing), b"no packing")[1]


def test_pictures_out_of_order_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = svo_files._encoded("libx264", N, {"tune": "film", "bf": "3", "g": "10"})
    monkeypatch.setattr(svo_files, "payloads", lambda mode, n=N: stream)
    with open_recording(write_svo(tmp_path / "a.svo2")) as recording, \
            pytest.raises(RecordingError, match="is shown after later ones, expected the order they are listed in"):
        list(recording.frames())


@pytest.mark.parametrize("mode", ["h264", "jpeg"])
def test_whatever_the_bytes_only_our_errors_come_out(mode: str, tmp_path: Path) -> None:
    whole = np.frombuffer(write_svo(tmp_path / "a.svo2", mode, 8).read_bytes(), np.uint8)
    rng = np.random.default_rng(4)
    path = tmp_path / "b.svo2"
    for _ in range(40):
        data = whole.copy()
        where = rng.integers(8, min(len(data), rng.choice([600, len(data)])), rng.integers(1, 6))
        data[where] = rng.choice([0, 255, rng.integers(0, 256)], len(where))
        path.write_bytes(data[:rng.integers(50, len(data))] if rng.random() < 0.2 else data)
        try:
            with open_recording(path) as recording:
                for pair in recording.frames():
                    assert pair.valid or all(pair.faults)
                recording.sensors()
        except Stereo3DError as error:
            assert str(path) in str(error)
