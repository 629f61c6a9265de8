"""Every layout gives the same pairs, by index and as a stream; what cannot be opened says why."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from made import N_FRAMES, SIZE, both, number_of, pair, picture, rig, write_ours, write_png, write_video

from stereo3d import plugins
from stereo3d.cameras import RectifiedCamera
from stereo3d.errors import InvalidValue, MissingPackage, RecordingError, Stereo3DError, UsageError
from stereo3d.recording.base import FramePair, describe, open_recording
from stereo3d.stereo import Stereo

RECTIFIED = RectifiedCamera(SIZE, 50.0, Stereo(32.0, 31.0), 24.0, 0.12)
LAYOUTS = {
    "ours, jpeg": ("stereo3d recording", "jpeg"),
    "ours, raw": ("stereo3d recording", "raw"),
    "plain, rgb": ("plain HDF5", "raw"),
    "plain, planes": ("plain HDF5", "raw"),
    "plain, jpeg rows": ("plain HDF5", "jpeg"),
    "side by side": ("side-by-side video", "h264"),
    "two videos": ("two videos", "h264"),
    "two folders": ("two folders of pictures", "png"),
    "one folder": ("folder of pictures", "png"),
    "KITTI": ("folder of pictures", "png"),
    "files left and right": ("folder of pictures", "png"),
}
LOSSLESS = {"ours, raw", "plain, rgb", "plain, planes"} | {n for n, (_, codec) in LAYOUTS.items() if codec == "png"}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_opens(layout: str, one_of_each: dict[str, tuple[Path, ...]]) -> None:
    paths = one_of_each[layout]
    with open_recording(*paths) as recording:
        assert (recording.kind, recording.codec) == LAYOUTS[layout]
        assert (len(recording), recording.size, recording.sources) == (N_FRAMES, SIZE, paths)
        assert recording.fps == pytest.approx(30, rel=1e-4)
        np.testing.assert_allclose(recording.time, np.arange(N_FRAMES) / 30, atol=1e-3)
        assert recording.rectified is (False if "ours" in layout else None)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_pair_by_index_is_the_one_of_the_stream(layout: str, one_of_each: dict[str, tuple[Path, ...]]) -> None:
    with open_recording(*one_of_each[layout]) as recording:
        stream = list(recording.frames())
        assert all(a == b for a, b in zip(recording, stream, strict=True))
        assert [number_of(p.images.left) for p in stream] == [(i, "left") for i in range(N_FRAMES)]
        assert [number_of(p.images.right) for p in stream] == [(i, "right") for i in range(N_FRAMES)]
        for i in (*np.random.default_rng(0).permutation(N_FRAMES)[:12], -1, 0, 0):
            assert recording[int(i)] == stream[i]
        assert list(recording.frames(3, 20, 5)) == stream[3:20:5]
        assert list(recording.frames(-2)) == stream[-2:]
        assert list(recording.frames(20, 10)) == []
    if layout in LOSSLESS:
        assert all(p.images == pair(i) for i, p in enumerate(stream))


@pytest.mark.parametrize("layout", ["ours, jpeg", "side by side", "one folder"])
def test_two_streams_of_one_recording_do_not_disturb_each_other(
    layout: str, one_of_each: dict[str, tuple[Path, ...]]
) -> None:
    with open_recording(*one_of_each[layout]) as recording:
        numbers = [(a.index, b.index) for a, b in zip(recording.frames(), recording.frames(5))]
        seen = [
            (number_of(a.images.left)[0], number_of(b.images.left)[0])
            for a, b in zip(recording.frames(), recording.frames(5))
        ]
    assert seen == numbers == [(i, i + 5) for i in range(N_FRAMES - 5)]


@pytest.mark.parametrize("index", [N_FRAMES, -N_FRAMES - 1, 10**12])
def test_no_pair_beyond_the_ends(index: int, one_of_each: dict[str, tuple[Path, ...]]) -> None:
    with open_recording(*one_of_each["ours, jpeg"]) as recording, pytest.raises(IndexError):
        recording[index]


@pytest.mark.parametrize("layout", ["ours, raw", "side by side", "two folders"])
def test_a_closed_recording_says_so(layout: str, one_of_each: dict[str, tuple[Path, ...]]) -> None:
    recording = open_recording(*one_of_each[layout])
    recording.close()
    recording.close()
    with pytest.raises(RecordingError, match="is closed; open it again"):
        recording[0]


@pytest.mark.parametrize("layout", ["ours, jpeg", "ours, raw", "plain, jpeg rows", "two videos", "one folder"])
def test_a_stream_holds_one_pair_at_a_time(layout: str, one_of_each: dict[str, tuple[Path, ...]]) -> None:
    one_pair, chunks = 2 * 3 * SIZE[0] * SIZE[1], 2 * 65536
    """A chunk of HDF5 is looked at whole, packed and unpacked, before it is believed."""
    with open_recording(*one_of_each[layout]) as recording:
        for _ in recording.frames(0, 2):
            pass
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(3):
                for _ in recording.frames():
                    pass
            peak = tracemalloc.get_traced_memory()[1] - before
        finally:
            tracemalloc.stop()
    assert peak < 4 * one_pair + chunks < N_FRAMES * one_pair


def test_what_the_caller_says_goes_first(one_of_each: dict[str, tuple[Path, ...]]) -> None:
    with open_recording(*one_of_each["ours, jpeg"], rectified=True, fps=15) as recording:
        assert recording.rectified is True and recording.fps == 15
        np.testing.assert_array_equal(recording.time, np.arange(N_FRAMES) / 15)
        assert recording.notes == ("told rectified=True, though the file says False",)
    with open_recording(*one_of_each["one folder"], fps=50, rectified=True) as recording:
        assert (recording.fps, recording.rectified, recording.notes) == (50, True, ())
    with open_recording(*one_of_each["one folder"]) as recording:
        assert recording.notes == ("no times are stored: 30 frames a second are taken, give fps for another rate",)
    with pytest.raises(InvalidValue, match="fps: expected a number from 0.001"):
        open_recording(*one_of_each["one folder"], fps=0)


def text_file(root: Path) -> tuple[Any, ...]:
    (root / "a.txt").write_text("no recording")
    return (root / "a.txt",)


def empty_folder(root: Path) -> tuple[Any, ...]:
    return (root,)


def file_named(name: str) -> Any:
    def make(root: Path) -> tuple[Any, ...]:
        (root / name).write_bytes(b"what is this")
        return (root / name,)

    return make


def video_and_folder(root: Path) -> tuple[Any, ...]:
    return write_video(root / "a.mp4", [picture(0, "left")]), root


def hdf5_and_more(root: Path) -> tuple[Any, ...]:
    return write_ours(root / "a.h5", 1), write_ours(root / "b.h5", 1)


def twice(root: Path) -> tuple[Any, ...]:
    path = write_video(root / "a.mp4", [picture(0, "left")])
    return path, path


def one_view(root: Path) -> tuple[Any, ...]:
    return (write_video(root / "a.mp4", [picture(0, "left")]),)


def unequal_folders(root: Path) -> tuple[Any, ...]:
    write_png(root / "left" / "0.png", picture(0, "left"))
    write_png(root / "right" / "0.png", picture(0, "right", (32, 48)))
    return (root,)


def unequal_videos(root: Path) -> tuple[Any, ...]:
    a = write_video(root / "a.mp4", [picture(0, "left")])
    return a, write_video(root / "b.mp4", [picture(0, "right", (32, 48))])


@pytest.mark.parametrize(("make", "error", "sentence"), [
    (lambda root: (root / "no.h5",), RecordingError, "no.h5: there is no such file or folder"),
    (lambda root: (root, root / "no"), RecordingError, "no: there is no such file or folder"),
    (text_file, RecordingError, r"expected a recording of a known kind \(.*hdf5.*video.*\), got another file"),
    (empty_folder, RecordingError, "expected pictures .*, got none"),
    (file_named("a.h5"), Stereo3DError, "expected an HDF5 file"),
    (file_named("a.mp4"), RecordingError, "a.mp4: could not be read as a video"),
    (file_named("a.svo"), RecordingError, "SVO file of version 1 .*resave it as an .svo2 .*, or export its pictures"),
    (file_named("a.SVO2"), RecordingError, "or a damaged one; where the ZED SDK is, .*with pyzed installed"),
    (video_and_folder, UsageError, "expected two folders or two files, got one of each"),
    (hdf5_and_more, UsageError, "an HDF5 file holds both views; leave .*b.h5 out"),
    (twice, UsageError, "was given for both views"),
    (one_view, RecordingError, "expected both views side by side, got one picture of 64 x 48; give the right"),
    (unequal_folders, RecordingError, r"expected two views of one size, got \(64, 48\) and \(32, 48\)"),
    (unequal_videos, RecordingError, r"expected pictures of \(64, 48\) like .*, got \(32, 48\)"),
])
def test_what_cannot_be_opened_says_why(make: Any, error: type[Exception], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=sentence):
        open_recording(*make(tmp_path))


def test_one_video_told_to_hold_both(tmp_path: Path) -> None:
    square = write_video(tmp_path / "a.mp4", [both(i, (32, 48)) for i in range(3)])
    with open_recording(square, side_by_side=True) as recording:
        assert recording.size == (32, 48)
        assert [number_of(x) for x in recording[2].images] == [(2, "left"), (2, "right")]
    with pytest.raises(UsageError, match="leave the second path out"):
        open_recording(square, tmp_path, side_by_side=True)


def test_plug_ins_are_asked_and_missing_ones_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def entry(name: str, answer: Any) -> SimpleNamespace:
        def load() -> Any:
            if isinstance(answer, Exception):
                raise answer
            return lambda left, right, told: asked.append((name, left, right, told.fps)) or answer
        return SimpleNamespace(name=name, load=load)

    found: list[Any] = [entry("b", None), entry("c", "a recording"), entry("d", "never asked")]
    broken = entry("a", ModuleNotFoundError("No module named 'mcap'", name="mcap"))
    monkeypatch.setattr(plugins, "_found", lambda group, _: [broken, *found])
    assert open_recording(tmp_path, fps=25) == "a recording"
    assert asked == [("b", tmp_path, None, 25), ("c", tmp_path, None, 25)]
    del found[1:]
    with pytest.raises(RecordingError, match="needs the package mcap, which is not installed"):
        open_recording(tmp_path)
    with pytest.raises(MissingPackage, match="mcap"):
        plugins.factory(plugins.RECORDINGS, "a")


@pytest.mark.parametrize(("left", "right", "sentence"), [
    (np.zeros((4, 6)), np.zeros((4, 6, 3), np.uint8), r"images.left: expected \(H, W, 3\) uint8, got \(4, 6\) float64"),
    (np.zeros((4, 6, 3), np.uint8), np.zeros((4, 6, 4), np.uint8), r"images.right: .*got \(4, 6, 4\) uint8"),
    (np.zeros((4, 6, 3), np.uint8), np.zeros((4, 5, 3), np.uint8), r"two of one size, got \(4, 6, 3\) and \(4, 5, 3\)"),
])
def test_a_pair_is_checked_at_the_door(left: Any, right: Any, sentence: str) -> None:
    with pytest.raises(InvalidValue, match=sentence):
        FramePair(0, 0.0, Stereo(left, right))


def test_a_pair_cannot_be_changed_and_copies_nothing() -> None:
    images = pair(3)
    made = FramePair(3, 0.1, images)
    assert np.shares_memory(made.images.left, images.left) and made == FramePair(3, 0.1, pair(3))
    with pytest.raises(ValueError, match="read-only"):
        made.images.left[0] = 0
    images.left[0, 0] = 7


def test_describe_says_what_there_is(tmp_path: Path, one_of_each: dict[str, tuple[Path, ...]]) -> None:
    with open_recording(write_ours(tmp_path / "a.h5", rig=rig(), rectified=True, fps=30)) as recording:
        assert describe(recording) == {
            "kind": "stereo3d recording", "codec": "jpeg", "frames": N_FRAMES, "seconds": pytest.approx(N_FRAMES / 30),
            "fps": 30.0, "invalid": 0, "size": [64, 48], "rectified": True,
            "rig": {"class": "StereoRig", "baseline": pytest.approx(0.12), "focal": 50.0, "size": [64, 48]},
            "truth": None, "joints": None, "notes": [],
        }
    with open_recording(write_ours(tmp_path / "b.h5", 2, rig=RECTIFIED)) as recording:
        assert describe(recording)["rig"] == {
            "class": "RectifiedCamera", "baseline": 0.12, "focal": 50.0, "size": [64, 48]
        }
    with open_recording(*one_of_each["two videos"]) as recording:
        assert describe(recording)["rig"] is None and describe(recording)["rectified"] is None
