"""Laws of every recording: a slice of it is a part of reading it all, and what goes through a file comes back."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made import N_FRAMES, SIZE, number_of, picture
from svo_files import write_svo

from stereo3d.recording.base import FramePair, Recording, open_recording
from stereo3d.recording.convert import convert
from stereo3d.recording.form import Form
from stereo3d.recording.hdf5_writer import RecordingWriter
from stereo3d.stereo import Stereo

LAYOUTS = ("ours, jpeg", "ours, raw", "plain, jpeg rows", "side by side", "two videos", "one folder", "KITTI", "ZED SVO2")
TICK = 1 / 90_000
Opened = dict[str, tuple[Recording, list[FramePair]]]
QUICK = settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def opened(one_of_each: dict[str, tuple[Path, ...]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """Every recording with all its pairs, read in order by another opening."""
    svo = write_svo(tmp_path_factory.mktemp("svo") / "a.svo2", "h264", N_FRAMES)
    with contextlib.ExitStack() as stack:
        found = {}
        for name in LAYOUTS:
            paths = one_of_each.get(name, (svo,))
            with open_recording(*paths) as first:
                whole = list(first.frames())
            found[name] = (stack.enter_context(open_recording(*paths)), whole)
        yield found


@settings(QUICK, max_examples=40)
@given(
    layout=st.sampled_from(LAYOUTS), start=st.none() | st.integers(-N_FRAMES - 2, N_FRAMES + 2),
    stop=st.none() | st.integers(-N_FRAMES - 2, N_FRAMES + 2), step=st.integers(1, 9),
    asked=st.lists(st.integers(-N_FRAMES, N_FRAMES - 1), max_size=5),
)
def test_slicing_equals_reading(
    layout: str, start: int | None, stop: int | None, step: int, asked: list[int], opened: Opened
) -> None:
    recording, whole = opened[layout]
    assert list(recording.frames(start or 0, stop, step)) == whole[start or 0:stop:step]
    for index in asked:
        assert recording[index] == whole[index] and recording.time[index] == whole[index].time


moments = st.lists(st.floats(0.001, 0.5), min_size=1, max_size=12).map(np.cumsum)
begins = st.sampled_from([0.0, 0.25, 1e-7, 1000 / 3])


def write(path: Path, times: np.ndarray, lost: set[tuple[int, str]], quality: int | None) -> Path:
    """A recording with those times, and pictures that say their number but for the lost ones."""
    with RecordingWriter(path, SIZE, fps=30, rectified=True, quality=quality) as writer:
        for i, time in enumerate(times):
            sides = (None if (i, side) in lost else picture(i, side) for side in ("left", "right"))
            writer.append(Stereo(*sides), float(time))
    return path


def said(recording: Recording) -> list[tuple[int, float, tuple[object, ...]]]:
    """Index and time of each pair, and what its pictures say; why, where one is lost."""
    return [
        (pair.index, pair.time, tuple(
            "lost" if fault else number_of(image) for image, fault in zip(pair.images, pair.faults)
        )) for pair in recording.frames()
    ]


def through(source: Path, *names: str, form: Form) -> list[tuple[int, float, tuple[object, ...]]]:
    """What a recording says after it went from file to file."""
    for name in names:
        with open_recording(source, rectified=True) as recording:
            source = convert(recording, source.parent / name, form=form)
    with open_recording(source) as recording:
        return said(recording)


@QUICK
@given(
    times=moments, begin=begins, lost=st.sets(st.tuples(st.integers(0, 11), st.sampled_from(["left", "right"]))),
    quality=st.sampled_from([None, 90]), again=st.sampled_from([None, 80]),
)
def test_our_file_and_back_keeps_index_time_and_marks(
    times: np.ndarray, begin: float, lost: set[tuple[int, str]], quality: int | None, again: int | None
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        first = write(Path(folder) / "a.h5", begin + times, lost, quality)
        with open_recording(first) as recording:
            expected = said(recording)
        assert [time for _, time, _ in expected] == (begin + times).tolist()
        assert through(first, "b.h5", "c.h5", form=Form(again, reencode=True)) == expected


@QUICK
@given(times=moments, begin=begins)
def test_a_folder_and_back_keeps_index_and_time(times: np.ndarray, begin: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        first = write(Path(folder) / "a.h5", begin + times, set(), None)
        with open_recording(first) as recording:
            expected = said(recording)
        assert through(first, "folder", "c.h5", form=Form(None)) == expected


@settings(QUICK, max_examples=10)
@given(times=moments, begin=begins)
def test_a_video_and_back_keeps_index_and_time_to_a_tick(times: np.ndarray, begin: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        first = write(Path(folder) / "a.h5", begin + times, set(), None)
        found = through(first, "b.mp4", "c.h5", form=Form(90))
    assert [(index, seen) for index, _, seen in found] == [
        (i, ((i, "left"), (i, "right"))) for i in range(len(times))
    ]
    np.testing.assert_allclose([time for _, time, _ in found], times - times[0], atol=0.51 * TICK)
