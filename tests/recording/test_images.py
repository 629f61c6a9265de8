"""Folders of pictures: who is whose partner, and when."""

from __future__ import annotations

import random
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import number_of, picture, write_png

from stereo3d.errors import RecordingError
from stereo3d.recording import images, kitti
from stereo3d.recording.base import open_recording
from stereo3d.recording.images import natural


def lay(folder: Path, names: dict[str, int], side: str) -> Path:
    for name, number in names.items():
        write_png(folder / name, picture(number, side))
    return folder


def numbers(*paths: Path) -> list[tuple[int, int]]:
    with open_recording(*paths) as recording:
        return [(number_of(p.images.left)[0], number_of(p.images.right)[0]) for p in recording.frames() if p.valid]


@given(st.lists(st.integers(0, 10**6), min_size=1, unique=True))
def test_names_sort_as_people_count(counts: list[int]) -> None:
    paths = [Path(f"frame{n}.png") for n in counts]
    random.Random(0).shuffle(paths)
    assert [p.stem for p in sorted(paths, key=natural)] == [f"frame{n}" for n in sorted(counts)]


@pytest.mark.parametrize(("left", "right", "pairs"), [
    ({"8.png": 8, "9.png": 9, "10.png": 10}, {"8.png": 8, "9.png": 9, "10.png": 10}, [8, 9, 10]),
    ({"left000001.png": 1, "left000002.png": 2}, {"right000001.png": 1, "right000002.png": 2}, [1, 2]),
    ({"Left_1.PNG": 1, "Left_2.PNG": 2}, {"Right_1.PNG": 1, "Right_2.PNG": 2}, [1, 2]),
    ({"cam1_07.png": 7, "cam1_08.png": 8}, {"cam2_07.png": 7, "cam2_08.png": 8}, [7, 8]),
    ({"t5_10.png": 5, "t5_11.png": 6}, {"t5_10.png": 5, "t5_11.png": 6}, [5, 6]),
    ({"a.png": 1, "b.png": 2}, {"x.png": 1, "y.png": 2}, [1, 2]),
    ({"1.png": 1, "2.png": 2, "3.png": 3, "4.png": 4}, {"1.png": 1, "3.png": 3, "4.png": 4}, [1, 3, 4]),
    ({"1.png": 1, "2.png": 2, "3.png": 3}, {"2.png": 2, "3.png": 3, "4.png": 4}, [2, 3]),
])
def test_pictures_find_their_partners(
    left: dict[str, int], right: dict[str, int], pairs: list[int], tmp_path: Path
) -> None:
    paths = lay(tmp_path / "l", left, "left"), lay(tmp_path / "r", right, "right")
    assert numbers(*paths) == [(i, i) for i in pairs]


def test_what_has_no_partner_is_noted(tmp_path: Path) -> None:
    lay(tmp_path / "left", {"1.png": 1, "2.png": 2, "3.png": 3}, "left")
    lay(tmp_path / "right", {"2.png": 2, "3.png": 3}, "right")
    with open_recording(tmp_path) as recording:
        assert len(recording) == 2
        assert recording.notes[0] == "pictures left out for want of a partner before the first pair or after the last: 1"


def test_a_missing_picture_leaves_a_gap_and_shifts_nothing(tmp_path: Path) -> None:
    lay(tmp_path / "left", {f"{i}.png": i for i in (1, 2, 3, 5, 6)}, "left")
    lay(tmp_path / "right", {f"{i}.png": i for i in (2, 4, 5, 6)}, "right")
    with open_recording(tmp_path) as recording:
        assert recording.valid.tolist() == [True, False, False, True, True]
        assert numbers(tmp_path) == [(2, 2), (5, 5), (6, 6)] and recording[3].time == pytest.approx(3 / 30)
        assert recording[1].faults.right.endswith("right: has no picture for pair 1") and not recording[1].faults.left
        assert recording[2].faults.left.endswith("left: has no picture for pair 2")
        assert recording.notes[:2] == (
            "2 pairs lack a picture: they are marked invalid",
            "pictures left out for want of a partner before the first pair or after the last: 1",
        )


def test_pairing_by_order_is_noted_and_needs_equal_counts(tmp_path: Path) -> None:
    left = lay(tmp_path / "l", {"a.png": 1, "b.png": 2}, "left")
    right = lay(tmp_path / "r", {"x.png": 1, "y.png": 2}, "right")
    with open_recording(left, right) as recording:
        assert recording.notes[0] == "pictures are paired in the order of their names"
    write_png(right / "z.png", picture(3, "right"))
    with pytest.raises(RecordingError, match="got 2 left and 3 right with none in common"):
        open_recording(left, right)


@pytest.mark.parametrize("names", [("left_1.png", "right_1.png"), ("motorcycle_left.png", "motorcycle_right.png"),
                                   ("1-Left.png", "1-Right.png"), ("left1.png", "right1.png")])
def test_one_folder_holds_both(names: tuple[str, str], tmp_path: Path) -> None:
    lay(lay(tmp_path, {names[0]: 4}, "left"), {names[1]: 4}, "right")
    assert numbers(tmp_path) == [(4, 4)]


@pytest.mark.parametrize("names", [("leftover1.png", "bright1.png"), ("1.png", "2.png"), ("left1.png", "left2.png")])
def test_a_folder_without_two_views_is_refused(names: tuple[str, str], tmp_path: Path) -> None:
    lay(tmp_path, dict.fromkeys(names, 1), "left")
    with pytest.raises(RecordingError, match="expected folders left and right .* of 2 pictures"):
        open_recording(tmp_path)


def test_other_files_are_passed_over(tmp_path: Path) -> None:
    lay(tmp_path / "left", {"1.png": 1}, "left")
    lay(tmp_path / "right", {"1.png": 1}, "right")
    (tmp_path / "left" / "notes.txt").write_text("hello")
    (tmp_path / "left" / ".DS_Store").write_bytes(b"\0")
    assert numbers(tmp_path) == [(1, 1)]


def test_times_come_from_the_file_also_beside_two_folders(tmp_path: Path) -> None:
    for side in ("left", "right"):
        lay(tmp_path / side, {f"{i}.png": i for i in range(3)}, side)
    (tmp_path / "times.txt").write_text("0.0\n1.036224e-01\n2.072e-01\n")
    for paths in ([tmp_path], [tmp_path / "left", tmp_path / "right"]):
        with open_recording(*paths) as recording:
            np.testing.assert_array_equal(recording.time, [0.0, 0.1036224, 0.2072])
            assert recording.fps == pytest.approx(9.65, abs=0.01) and recording.notes == ()


@pytest.mark.parametrize(("text", "sentence"), [
    ("0\n1\n", "times.txt: expected 3 times to go with the pairs, got 2"),
    ("0\n1\nlater\n", "times.txt: expected a time in seconds in every line"),
    ("0\n2\n1\n", "expected times in seconds that never fall"),
    ("0\nnan\n1\n", "expected times in seconds that never fall"),
])
def test_bad_times_are_refused(text: str, sentence: str, tmp_path: Path) -> None:
    for side in ("left", "right"):
        lay(tmp_path / side, {f"{i}.png": i for i in range(3)}, side)
    (tmp_path / "times.txt").write_text(text)
    with pytest.raises(RecordingError, match=sentence):
        open_recording(tmp_path)


def test_a_picture_that_goes_bad_is_marked_and_named(tmp_path: Path) -> None:
    for side in ("left", "right"):
        lay(tmp_path / side, {f"{i}.png": i for i in range(3)}, side)
    (tmp_path / "right" / "1.png").write_bytes(b"gone")
    (tmp_path / "left" / "2.png").unlink()
    with open_recording(tmp_path) as recording:
        assert number_of(recording[0].images.left) == (0, "left")
        assert number_of(recording[1].images.left) == (1, "left") and not recording[1].images.right.any()
        assert recording[1].faults.right.endswith("1.png: expected a PNG, JPEG or BMP picture, got 4 other bytes")
        assert [pair.valid for pair in recording.frames()] == [True, False]


@pytest.mark.parametrize(("name", "sentence"), [
    ("times.txt", "times.txt: expected 3 lines, got a file of 6 bytes"),
    ("left/1.png", "1.png: expected a picture of up to .* bytes; refused"),
])
def test_a_file_too_long_is_not_read(
    name: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for side in ("left", "right"):
        lay(tmp_path / side, {f"{i}.png": i for i in range(3)}, side)
    (tmp_path / "times.txt").write_text("0\n1\n2\n")
    (tmp_path / "left" / "1.png").write_bytes(bytes(10_000))
    monkeypatch.setattr(kitti, "LARGEST_PICTURE", 5)
    monkeypatch.setattr(images, "LARGEST_PICTURE", 9_999)
    if name != "times.txt":
        (tmp_path / "times.txt").unlink()
    if name == "times.txt":
        with pytest.raises(RecordingError, match=sentence):
            open_recording(tmp_path)
    else:
        with open_recording(tmp_path) as recording:
            assert re.search(sentence, recording[1].faults.left)


def test_a_picture_of_another_size_is_named(tmp_path: Path) -> None:
    for side in ("left", "right"):
        lay(tmp_path / side, {f"{i}.png": i for i in range(3)}, side)
    write_png(tmp_path / "right" / "1.png", picture(1, "right", (32, 48)))
    with open_recording(tmp_path) as recording:
        assert recording[1].faults.right.endswith("frame 1: expected (64, 48) px, got (32, 48)")
        assert recording[1].images.right.shape == (48, 64, 3) and recording[2].valid


def test_a_picture_that_vanishes_is_named(tmp_path: Path) -> None:
    for side in ("left", "right"):
        lay(tmp_path / side, {f"{i}.png": i for i in range(2)}, side)
    with open_recording(tmp_path) as recording:
        (tmp_path / "left" / "1.png").unlink()
        assert "1.png: could not be read" in recording[1].faults.left and not recording[1].faults.right


@pytest.mark.parametrize(("bits", "note"), [(10, 1), (12, 1), (16, 0)])
def test_deep_pictures_are_taken_by_the_bits_in_use(bits: int, note: int, tmp_path: Path) -> None:
    for side in ("left", "right"):
        for i in range(3):
            deep = picture(i, side)[..., ::-1].astype(np.uint16) << (bits - 8)
            (tmp_path / side).mkdir(exist_ok=True)
            assert cv2.imwrite(str(tmp_path / side / f"{i}.png"), deep)
    with open_recording(tmp_path) as recording:
        for pair in recording.frames():
            assert [number_of(image) for image in pair.images] == [(pair.index, "left"), (pair.index, "right")]
            assert pair.images.left.dtype == np.uint8 and np.abs(pair.images.left.astype(int) - picture(pair.index, "left")).max() <= 1
        told = [n for n in recording.notes if n == f"pictures of 16 bits hold samples of {bits}: the upper 8 of these are taken"]
        assert len(told) == note


def test_a_damaged_first_picture_costs_its_pair(tmp_path: Path) -> None:
    for side in ("left", "right"):
        lay(tmp_path / side, {f"{i}.png": i for i in range(3)}, side)
    (tmp_path / "left" / "0.png").write_bytes(b"gone")
    with open_recording(tmp_path) as recording:
        assert [pair.valid for pair in recording.frames()] == [False, True, True] and recording.size == (64, 48)
    for i in (1, 2):
        (tmp_path / "right" / f"{i}.png").write_bytes(b"gone")
    with pytest.raises(RecordingError, match="expected pictures, got no pair that can be read: .*0.png: expected a PNG"):
        open_recording(tmp_path)


def test_real_grey_pairs(shared: Path) -> None:
    with open_recording(shared / "data" / "opencv-chessboard") as recording:
        assert (len(recording), recording.size, recording.codec) == (13, (640, 480), "jpg")
        image = recording[4].images.left
        assert 40 < image.mean() < 200 and (image[..., 0] == image[..., 2]).all()
