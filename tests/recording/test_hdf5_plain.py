"""HDF5 files that others wrote."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from made import jpeg, number_of, picture, write_ours, write_plain

from stereo3d.errors import RecordingError, Stereo3DError, UsageError
from stereo3d.recording.base import Told, open_recording
from stereo3d.recording.hdf5 import open_ours
from stereo3d.recording.hdf5_plain import open_plain


@pytest.mark.parametrize("shape", [(48, 64), (48, 64, 1)])
def test_grey_pictures_become_rgb(shape: tuple[int, ...], tmp_path: Path) -> None:
    path = write_plain(tmp_path / "a.h5", lambda x: x[..., 1].reshape(shape), 4)
    with open_recording(path) as recording:
        np.testing.assert_array_equal(recording[2].images.right, np.dstack([picture(2, "right")[..., 1]] * 3))


def test_compressed_and_chunked_arrays(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        for side in ("left", "right"):
            data = np.stack([picture(i, side) for i in range(9)])
            file.create_dataset(side, data=data, chunks=(4, 48, 64, 3), compression="gzip", shuffle=True)
    with open_recording(tmp_path / "a.hdf5") as recording:
        assert [number_of(p.images.left)[0] for p in recording.frames()] == list(range(9))


def test_times_and_attributes_are_used(tmp_path: Path) -> None:
    path = write_plain(tmp_path / "a.h5", lambda x: x, 4, fps=15.0, rectified=True)
    with open_recording(path) as recording:
        assert (recording.fps, recording.rectified, list(recording.time)) == (15, True, [i / 15 for i in range(4)])
        assert recording.notes == ("colours are taken for RGB",)
    with h5py.File(path, "r+") as file:
        file["time"] = np.array([0.0, 0.1, 0.2, 0.5])
        del file.attrs["fps"]
    with open_recording(path) as recording:
        assert recording.fps == pytest.approx(10) and list(recording.time) == [0.0, 0.1, 0.2, 0.5]


def test_without_times_thirty_a_second_are_taken_and_noted(tmp_path: Path) -> None:
    path = write_plain(tmp_path / "a.h5", lambda x: x, 2)
    with open_recording(path) as recording:
        assert recording.fps == 30 and "30 frames a second are taken" in recording.notes[0]
    with open_recording(path, fps=60) as recording:
        assert recording.fps == 60 and recording.notes == ("colours are taken for RGB",)


def test_a_name_does_not_matter_the_content_does(tmp_path: Path) -> None:
    path = write_plain(tmp_path / "a.mat", lambda x: x, 2)
    with open_recording(path) as recording:
        assert len(recording) == 2


def test_what_is_not_for_it_is_left_to_others(tmp_path: Path) -> None:
    plain = write_plain(tmp_path / "a.h5", lambda x: x, 2)
    assert open_ours(plain, None, Told()) is None
    assert open_plain(write_ours(tmp_path / "b.h5", 1), None, Told()) is None
    assert open_plain(tmp_path, None, Told()) is open_ours(tmp_path, None, Told()) is None
    with pytest.raises(UsageError, match="an HDF5 file holds both views"):
        open_plain(plain, tmp_path, Told())


def data(side: str, value: Any) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[side]
        if value is not None:
            file[side] = value

    return change


@pytest.mark.parametrize(("change", "sentence"), [
    (data("left", None), "expected pictures in left and right, got no left; the file holds right"),
    (data("left", np.zeros((3, 48, 64, 3), np.uint8)), r"expected as many pictures on both sides, got \[3, 4\]"),
    (data("left", np.zeros((4, 48, 64, 3), np.uint16)), r"expected uint8 \(N, H, W, 3\).*, got uint16"),
    (data("left", np.zeros((4, 48, 64, 3))), "expected uint8 .*, got float64"),
    (data("left", np.zeros((4, 48, 64, 4), np.uint8)), r"expected uint8 .*got uint8 \(4, 48, 64, 4\)"),
    (data("left", np.zeros((4, 48), np.uint8)), r"expected uint8 .*got uint8 \(4, 48\)"),
    (data("left", np.zeros((4, 0, 64, 3), np.uint8)), "expected a picture of 1 to"),
    (data("left", ["a", "b", "c", "d"]), r"expected rows of bytes \(N,\)"),
    (data("left", h5py.Empty("u1")), "expected a data set of pictures, got none"),
    (lambda file: (file.__delitem__("left"), file.create_group("left")), "expected a data set of pictures, got none"),
    (lambda file: file.__setitem__("time", np.arange(3.0)), "time: expected 4, one for each pair, got 3"),
    (lambda file: file.attrs.__setitem__("fps", np.array([1.0, 2.0])), "is damaged"),
    (lambda file: file.create_dataset("x", (1 << 40,), "u1", external=[("b", 0, 1 << 40)]), "from another file"),
])
def test_what_does_not_fit_is_refused(change: Callable[[h5py.File], Any], sentence: str, tmp_path: Path) -> None:
    path = write_plain(tmp_path / "a.h5", lambda x: x, 4)
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(Stereo3DError, match=sentence):
        open_recording(path)


def test_a_huge_claim_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for side in ("left", "right"):
            file.create_dataset(side, (1 << 20, 1 << 15, 1 << 15, 3), np.uint8, chunks=(1, 64, 64, 3))
    with pytest.raises(RecordingError, match="got 32768 x 32768; refused"):
        open_recording(tmp_path / "a.h5")


def test_a_torn_row_is_marked_and_named(tmp_path: Path) -> None:
    path = write_plain(tmp_path / "a.h5", lambda x: jpeg(x), 4)
    with h5py.File(path, "r+") as file:
        file["right"][2] = jpeg(picture(2, "right"))[:-30]
    with open_recording(path) as recording:
        assert number_of(recording[3].images.right) == (3, "right")
        torn = recording[2]
        assert not torn.valid and not torn.faults.left and not torn.images.right.any()
        assert "/right: frame 2: is cut off or damaged" in torn.faults.right
        assert number_of(torn.images.left) == (2, "left") and recording[1].valid


def test_a_torn_first_row_costs_its_pair(tmp_path: Path) -> None:
    path = write_plain(tmp_path / "a.h5", lambda x: jpeg(x), 3)
    with h5py.File(path, "r+") as file:
        file["left"][0] = jpeg(picture(0, "left"))[:-30]
    with open_recording(path) as recording:
        assert recording.size == (64, 48) and [pair.valid for pair in recording.frames()] == [False, True, True]
    with h5py.File(path, "r+") as file:
        for i in range(3):
            file["left"][i] = jpeg(picture(i, "left"))[:-30]
    with pytest.raises(RecordingError, match="/left: frame 0: is cut off or damaged"):
        open_recording(path)
