"""Every bad frame is named, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import h5py
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import SIZE, blank_frame, both, pair, rig, write_ours, write_plain, write_video, jpeg
from test_hdf5 import poses3d

from stereo3d.recording.base import open_recording
from stereo3d.recording.hdf5_writer import RecordingWriter
from stereo3d.recording.verify import ranges, verify
from stereo3d.stereo import Stereo


def test_a_good_recording(tmp_path: Path) -> None:
    done: list[int] = []
    with open_recording(write_ours(tmp_path / "a.h5", 7)) as recording:
        verdict = verify(recording, done.append)
    assert (verdict.n_good, verdict.faults, verdict.words) == (7, (), "7 of 7 frames are good")
    assert sum(done) == 7


def test_a_flipped_bit_names_its_frames(tmp_path: Path) -> None:
    path = write_ours(tmp_path / "a.h5", 20, quality=None)
    with h5py.File(path) as file:
        at = [file["left/images"].id.get_chunk_info_by_coord((i, 0, 0, 0)).byte_offset for i in (4, 5, 11)]
    data = bytearray(path.read_bytes())
    for place in at:
        data[place + 99] ^= 8
    path.write_bytes(data)
    with open_recording(path) as recording:
        verdict = verify(recording)
    assert [*verdict.bad] == [4, 5, 11] and "/left/images: frame 4: is damaged" in verdict.faults[0]
    assert verdict.words == "17 of 20 frames are good; bad: 4-5, 11"


def test_torn_jpegs_and_dead_video_frames(tmp_path: Path) -> None:
    rows = write_plain(tmp_path / "rows.h5", jpeg, 6)
    with h5py.File(rows, "r+") as file:
        file["right"][2] = jpeg(pair(2).right)[:-30]
    video = write_video(tmp_path / "a.avi", map(both, range(9)), codec="mjpeg")
    blank_frame(video, 5)
    for path, index in ((rows, 2), (video, 5)):
        with open_recording(path) as recording:
            assert [*verify(recording).bad] == [index]


def test_pictures_of_another_size_are_bad(tmp_path: Path) -> None:
    path = write_plain(tmp_path / "rows.h5", jpeg, 6)
    with h5py.File(path, "r+") as file:
        file["right"][3] = jpeg(pair(2, (32, 48)).right)
    with open_recording(path) as recording:
        verdict = verify(recording)
    assert [*verdict.bad] == [3] and verdict.to_dict()["good"] == 5


def test_marked_frames_are_not_bad_and_damaged_joints_are(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "a.h5", SIZE, fps=30, rectified=False) as writer:
        for i in range(4):
            left, right = pair(i)
            writer.append(Stereo(left, None if i == 2 else right), i)
        writer.annotate(truth=poses3d(4, rig()))
    with open_recording(tmp_path / "a.h5") as recording:
        verdict = verify(recording)
        assert verdict.words == "3 of 4 frames are good; marked as lost: 2" and not verdict.faults
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        del file["truth/score"]
    with open_recording(tmp_path / "a.h5") as recording:
        verdict = verify(recording)
    assert "score" in verdict.faults[0] and verdict.words.endswith("what is known beside the pictures is damaged")
    assert verdict.to_dict() == {"good": 3, "bad": {}, "lost": [2], "beside": list(verdict.faults)}


@given(indices=st.sets(st.integers(0, 40)))
def test_ranges_say_all_indices(indices: set[int]) -> None:
    said = ranges(sorted(indices))
    parts = [tuple(map(int, (p.split("-") * 2)[:2])) for p in said.split(", ")] if said else []
    assert {i for a, b in parts for i in range(a, b + 1)} == indices


def test_many_ranges_are_cut_short() -> None:
    assert ranges(range(0, 60, 2)).endswith("36, 38 and 10 more")


@pytest.mark.parametrize("n", [0, 1])
def test_no_and_one_index(n: int) -> None:
    assert ranges(range(n)) == "0"[:n]
