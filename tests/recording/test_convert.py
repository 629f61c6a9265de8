"""From any form into any other: indices, times, joints and pictures stay; nothing half done is left."""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made import N_FRAMES, SIZE, blank_frame, number_of, pair, rig, write_ours, write_video
from test_hdf5 import RECTIFIED, poses2d, poses3d

from stereo3d.errors import InvalidValue, MissingError, MissingPackage, RecordingError, Stereo3DError, UsageError
from stereo3d.recording import writers
from stereo3d.recording.base import FramePair, open_recording
from stereo3d.recording.convert import convert
from stereo3d.recording.form import Form
from stereo3d.recording.hdf5_writer import RecordingWriter
from stereo3d.stereo import Stereo

TARGETS = ["new.h5", "new.mp4", "new"]


def numbers(path: Path) -> list[tuple[int, int, int]]:
    with open_recording(path) as recording:
        return [(p.index, *(number_of(x)[0] for x in p.images)) for p in recording.frames()]


@pytest.fixture
def uneven(tmp_path: Path) -> Path:
    """A raw recording whose times are not even and do not begin at 0."""
    path = tmp_path / "uneven.h5"
    with RecordingWriter(path, SIZE, fps=20, rectified=False, rig=rig(), quality=None) as writer:
        for i, time in enumerate([5.0, 5.05, 5.2, 5.25, 5.3, 5.9, 6.0, 6.05]):
            writer.append(pair(i), time)
        writer.annotate(truth=poses3d(8, rig()), joints=Stereo(poses2d(8), poses2d(8, 1)), joints_camera=RECTIFIED)
    return path


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("layout", ["ours, jpeg", "plain, planes", "side by side", "two videos", "KITTI"])
def test_every_form_becomes_every_other(
    layout: str, name: str, one_of_each: dict[str, tuple[Path, ...]], tmp_path: Path
) -> None:
    with open_recording(*one_of_each[layout], rectified=False) as recording:
        assert convert(recording, tmp_path / name) == tmp_path / name
        time = recording.time
    assert numbers(tmp_path / name) == [(i, i, i) for i in range(N_FRAMES)]
    with open_recording(tmp_path / name) as converted:
        np.testing.assert_allclose(converted.time, time, atol=1e-5)
        assert converted.rectified is (None if name == "new" else False)
    assert [p.name for p in tmp_path.iterdir()] == [name]


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.integers(0, 7), length=st.integers(1, 8), step=st.integers(1, 4), name=st.sampled_from(TARGETS))
def test_a_slice_equals_what_is_read(start: int, length: int, step: int, name: str, uneven: Path) -> None:
    frames = range(8)[start:start + length][::step]
    target = uneven.parent / f"{start}-{length}-{step}-{name}"
    with open_recording(uneven) as recording:
        if not target.exists():
            convert(recording, target, frames=frames, form=Form(quality=None))
        wanted = [recording[i] for i in frames]
    with open_recording(target) as converted:
        shift = wanted[0].time if name == "new.mp4" else 0
        np.testing.assert_allclose(converted.time, [p.time - shift for p in wanted], atol=6e-6)
        if name == "new.mp4":
            assert [number_of(p.images.left)[0] for p in converted.frames()] == [*frames]
        else:
            assert list(converted.frames()) == [FramePair(i, p.time, p.images) for i, p in enumerate(wanted)]
        if name == "new.h5":
            assert converted.fps == pytest.approx(20 / step)


def test_joints_and_rig_go_along(uneven: Path, tmp_path: Path) -> None:
    with open_recording(uneven) as recording:
        whole = convert(recording, tmp_path / "a.h5", form=Form(keep_identity=True))
        part = convert(recording, tmp_path / "b.h5", frames=range(1, 8, 3))
        with open_recording(whole) as copied:
            assert (copied.truth, copied.joints, copied.joints_camera) == (recording.truth, recording.joints, RECTIFIED)
            assert copied.rig == rig()
        with open_recording(part) as cut:
            assert cut.truth is not None and cut.joints is not None and recording.truth is not None
            assert cut.truth.frame.tolist() == cut.joints.right.frame.tolist() == [0, 1, 2]
            np.testing.assert_array_equal(cut.truth.xyz, recording.truth.xyz[1::3])
            np.testing.assert_array_equal(cut.truth.time, recording.truth.time[1::3])


def test_a_given_rig_goes_before_the_recordings_own(uneven: Path, tmp_path: Path) -> None:
    with open_recording(uneven, rectified=True) as recording:
        convert(recording, tmp_path / "a.h5", rig=RECTIFIED)
    with open_recording(tmp_path / "a.h5") as converted:
        assert converted.rig == RECTIFIED and converted.rectified is True


@pytest.mark.parametrize("name", ["new.h5", "new"])
def test_there_and_back_is_the_same(name: str, uneven: Path, tmp_path: Path) -> None:
    with open_recording(uneven) as recording:
        there = convert(recording, tmp_path / name, form=Form(quality=None))
        with open_recording(there, rectified=False) as other:
            back = convert(other, tmp_path / "back.h5", form=Form(quality=None))
        with open_recording(back) as returned:
            assert list(returned.frames()) == list(recording.frames())


def jpeg_bytes(path: Path) -> int:
    with h5py.File(path) as file:
        return int(file["left/offset"][-1])


def test_more_quality_more_bytes(uneven: Path, tmp_path: Path) -> None:
    with open_recording(uneven) as recording:
        small, large = (jpeg_bytes(convert(recording, tmp_path / f"{q}.h5", form=Form(q))) for q in (10, 95))
        coarse, fine = (convert(recording, tmp_path / f"{c}.mp4", form=Form(crf=c)).stat().st_size for c in (45, 5))
    assert small < large and coarse < fine


def test_progress_is_told(uneven: Path, tmp_path: Path) -> None:
    done: list[int] = []
    with open_recording(uneven) as recording:
        convert(recording, tmp_path / "a", frames=range(2, 5), on_progress=done.append)
    assert done == [1, 1, 1]


@pytest.mark.parametrize(("name", "settings", "error", "sentence"), [
    ("new.h5", {}, RecordingError, "does not say whether its pictures are rectified; open it with rectified=False for"),
    ("new.avi", {}, UsageError, "expected a name with .h5, .mp4, or no ending for a folder, got .avi"),
    ("new", {"frames": range(0)}, UsageError, "frames: expected some from 0 to 23 in rising order"),
    ("new", {"frames": range(20, 25)}, UsageError, "frames: expected some from 0 to 23"),
    ("new", {"frames": range(9, 3, -1)}, UsageError, "in rising order"),
    ("new.mp4", {"unfinished": "resume"}, UsageError, "only .h5 and .hdf5 are written in parts that can be resumed"),
    ("no/new.mp4", {}, Stereo3DError, "be written"),
    ("no/new", {}, Stereo3DError, "be written"),
])
def test_what_cannot_be_done_is_said_and_leaves_nothing(
    name: str, settings: dict[str, Any], error: type[Exception], sentence: str,
    one_of_each: dict[str, tuple[Path, ...]], tmp_path: Path,
) -> None:
    with open_recording(*one_of_each["one folder"]) as recording, pytest.raises(error, match=sentence):
        convert(recording, tmp_path / name, **settings)
    assert list(tmp_path.iterdir()) == []


def test_a_video_needs_pyav_with_h264(uneven: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_recording(uneven) as recording:
        with monkeypatch.context() as patch, pytest.raises(MissingError, match="an av package with libx264"):
            patch.setattr("av.codecs_available", {"mpeg4"})
            convert(recording, tmp_path / "a.mp4")
        with monkeypatch.context() as patch, pytest.raises(MissingPackage, match="writing videos needs the package av"):
            patch.setitem(sys.modules, "av", None)
            convert(recording, tmp_path / "a.mp4")


def test_h264_takes_no_odd_height(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "a.h5", (8, 7), fps=30, rectified=True) as writer:
        writer.append(pair(0, (8, 7)), 0)
    with open_recording(tmp_path / "a.h5") as recording, pytest.raises(UsageError, match="expected an even height"):
        convert(recording, tmp_path / "a.mp4")


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_is_written_over_least_of_all_the_input(name: str, uneven: Path, tmp_path: Path) -> None:
    before = uneven.read_bytes()
    with open_recording(uneven) as recording:
        convert(recording, tmp_path / name)
        for target in (tmp_path / name, uneven):
            with pytest.raises(UsageError, match="exists already; give another name"):
                convert(recording, target)
    assert uneven.read_bytes() == before


@pytest.mark.parametrize(("settings", "sentence"), [
    ({"crf": 52}, "crf: expected a number from 0 to 51, got 52"), ({"quality": 0}, "quality: expected a number from 1"),
])
def test_a_form_checks_what_it_is_told(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidValue, match=sentence):
        Form(**settings)


@pytest.mark.parametrize("name", ["new.mp4", "new"])
def test_a_lost_picture_that_cannot_be_marked_leaves_nothing(name: str, tmp_path: Path) -> None:
    source = write_video(tmp_path / "a.avi", [np.zeros((32, 96, 3), np.uint8)] * 20, codec="mjpeg")
    blank_frame(source, 12)
    with open_recording(source, rectified=True) as recording:
        with pytest.raises(RecordingError, match="frame 12: .* an .h5 file marks a lost picture"):
            convert(recording, tmp_path / name)
    assert list(tmp_path.iterdir()) == [source]


def test_a_killed_folder_is_cleared_away_and_nothing_else(uneven: Path, tmp_path: Path) -> None:
    left = tmp_path / "new.tmp" / "left"
    left.mkdir(parents=True)
    (left / "000000.png").write_text("half")
    with open_recording(uneven) as recording:
        assert len(list((convert(recording, tmp_path / "new") / "left").iterdir())) == 8
        (tmp_path / "other.tmp").mkdir()
        (tmp_path / "other.tmp" / "thesis.tex").write_text("mine")
        with pytest.raises(RecordingError, match="other.tmp: is in the way and holds thesis.tex; move it away"):
            convert(recording, tmp_path / "other")
    assert (tmp_path / "other.tmp" / "thesis.tex").read_text() == "mine"


@pytest.mark.parametrize("name", TARGETS)
def test_a_disk_that_fills_up_leaves_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_ours(tmp_path / "a.h5", 3)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("stereo3d.recording.pictures.encode", full)
    monkeypatch.setattr(writers.np, "concatenate", full) if name == "new.mp4" else None
    with open_recording(source) as recording, pytest.raises(Stereo3DError, match="be written .*No space left"):
        convert(recording, tmp_path / name, form=Form(reencode=True))
    assert list(tmp_path.iterdir()) == [source]


def test_a_longer_recording_takes_no_more_memory(tmp_path: Path) -> None:
    def peak() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    noise = np.random.default_rng(0).integers(0, 256, (4, 240, 320, 3), np.uint8)
    for n, name in ((150, "short"), (450, "long")):  # the short one fills the caches
        with RecordingWriter(tmp_path / f"{name}.h5", (320, 240), fps=30, rectified=True, quality=95) as writer:
            for i in range(n):
                writer.append(Stereo(noise[i % 4], noise[(i + 1) % 4]), i / 30)
        with open_recording(tmp_path / f"{name}.h5") as recording:
            convert(recording, tmp_path / f"{name}2.h5", form=Form(reencode=True))
        if name == "short":
            before = peak()
    grown = (peak() - before) * 1024
    assert (tmp_path / "long.h5").stat().st_size > 50 << 20
    assert grown < 15 << 20
