"""Our layout: what is written is read back equal; a file is whole or not there; damage is found and named."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made import N_FRAMES, SIZE, jpeg, number_of, pair, rig, write_ours

from stereo3d import storage
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import CalibrationError, InvalidValue, RecordingError, Stereo3DError, UsageError
from stereo3d.poses import Poses2D, Poses3D
from stereo3d.recording.base import open_recording
from stereo3d.recording.hdf5_writer import RecordingWriter
from stereo3d.skeleton import COCO_17
from stereo3d.stereo import Stereo

RECTIFIED = RectifiedCamera(SIZE, 50.0, Stereo(32.0, 31.0), 24.0, 0.12)


def poses2d(n: int, seed: int = 0) -> Poses2D:
    rng = np.random.default_rng(seed)
    score = rng.random((n, 17))
    return Poses2D(rng.normal(size=(n, 17, 2)), score, score * np.nan, np.arange(n) / 30, np.arange(n), COCO_17)


def poses3d(n: int, camera: StereoRig | RectifiedCamera) -> Poses3D:
    xyz = np.random.default_rng(1).normal(size=(n, 17, 3))
    flat = np.zeros((n, 17))
    return Poses3D(xyz, flat, xyz, flat, flat.astype(int), np.arange(n) / 30, np.arange(n), COCO_17, camera, {"a": 1})


@pytest.mark.parametrize("camera", [None, rig(), RECTIFIED])
@pytest.mark.parametrize("rectified", [True, False])
def test_facts_come_back(camera: Any, rectified: bool, tmp_path: Path) -> None:
    path = write_ours(tmp_path / "a.h5", 3, rig=camera, rectified=rectified, fps=29.97)
    with open_recording(path) as recording:
        assert recording.rig == camera
        assert (recording.rectified, recording.fps, recording.size) == (rectified, 29.97, SIZE)
        assert (recording.truth, recording.joints, recording.joints_camera, recording.notes) == (None, None, None, ())


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.floats(0, 1e6), min_size=1, max_size=20), seed=st.integers(0, 99))
def test_raw_pictures_and_times_come_back_equal(steps: list[float], seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    time = np.cumsum(steps)
    images = [Stereo(*rng.integers(0, 256, (2, 5, 7, 3), np.uint8)) for _ in time]
    with RecordingWriter(tmp_path / "a.h5", (7, 5), fps=30, rectified=True, quality=None) as writer:
        for image, at in zip(images, time):
            writer.append(image, at)
    with open_recording(tmp_path / "a.h5") as recording:
        np.testing.assert_array_equal(recording.time, time)
        assert [p.images for p in recording.frames()] == images


def test_jpeg_pictures_come_back_close_and_closer_with_quality(tmp_path: Path) -> None:
    error = {}
    for quality in (30, 95):
        with open_recording(write_ours(tmp_path / f"{quality}.h5", quality=quality)) as recording:
            off = [np.abs(p.images.left.astype(int) - pair(p.index).left).mean() for p in recording.frames()]
            error[quality] = np.mean(off)
    assert error[95] < error[30] < 12


def test_known_joints_come_back(tmp_path: Path) -> None:
    truth, joints = poses3d(5, rig()), Stereo(poses2d(5), poses2d(5, seed=1))
    with RecordingWriter(tmp_path / "a.h5", SIZE, fps=30, rectified=False) as writer:
        for i in range(5):
            writer.append(pair(i), i / 30)
        writer.annotate(truth=truth, joints=joints, joints_camera=RECTIFIED)
    with open_recording(tmp_path / "a.h5") as recording:
        assert (recording.truth, recording.joints, recording.joints_camera) == (truth, joints, RECTIFIED)
    with open_recording(tmp_path / "a.h5", swap=True) as recording:
        assert recording.joints == Stereo(joints.right, joints.left)


def test_the_same_pairs_make_the_same_bytes(tmp_path: Path) -> None:
    one, other = (write_ours(tmp_path / name, rig=rig()).read_bytes() for name in ("a.h5", "b.h5"))
    assert one == other


def test_writing_holds_one_pair_at_a_time(tmp_path: Path) -> None:
    tracemalloc.start()
    try:
        write_ours(tmp_path / "a.h5", 10, quality=None)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        write_ours(tmp_path / "b.h5", 25, quality=None)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert peak < 8 * 2 * 3 * SIZE[0] * SIZE[1]


@pytest.mark.parametrize(("changes", "error", "sentence"), [
    ({"rectified": None}, UsageError, "rectified: expected rectified=False for pictures as the lenses drew them"),
    ({"quality": 0}, InvalidValue, "quality: expected a number from 1 to 100, got 0"),
    ({"fps": -1}, InvalidValue, "fps: expected a number from"),
    ({"rig": rig((640, 480))}, CalibrationError, r"rig: expected cameras for pictures of \(64, 48\) px"),
])
def test_a_writer_checks_what_it_is_told(
    changes: dict[str, Any], error: type[Exception], sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=sentence):
        write_ours(tmp_path / "a.h5", 1, **changes)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("add", "error", "sentence"), [
    (lambda w: w.append(pair(0, (32, 48)), 1), InvalidValue, r"images: expected \(64, 48\) px like the first"),
    (lambda w: w.append(pair(0), 0.1), InvalidValue, r"time: expected seconds that never fall, got 0.1 after \[0.5\]"),
    (lambda w: w.append(pair(0), np.nan), InvalidValue, "time: expected seconds that never fall, got nan"),
    (lambda w: 1 // 0, ZeroDivisionError, "by zero"),
])
def test_an_error_inside_leaves_nothing(
    add: Callable[[RecordingWriter], Any], error: type[Exception], sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=sentence), \
            RecordingWriter(tmp_path / "a.h5", SIZE, fps=30, rectified=False) as writer:
        writer.append(pair(0), 0.5)
        add(writer)
    assert list(tmp_path.iterdir()) == []


def test_no_pairs_make_no_file(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="expected at least one pair"):
        write_ours(tmp_path / "a.h5", 0)
    assert list(tmp_path.iterdir()) == []


def test_nowhere_to_write(tmp_path: Path) -> None:
    with pytest.raises(Stereo3DError, match="could not be written|cannot be written"):
        write_ours(tmp_path / "no" / "a.h5", 1)


KILLED = """
import os, sys, numpy as np
from stereo3d.recording.hdf5_writer import RecordingWriter
from stereo3d.stereo import Stereo
image = np.zeros((48, 64, 3), np.uint8)
with RecordingWriter(sys.argv[1], (64, 48), fps=30, rectified=False) as writer:
    for i in range(50):
        writer.append(Stereo(image, image), i)
    os._exit(9)
"""
FULL = """
import resource, signal, sys, numpy as np
from stereo3d.errors import Stereo3DError
from stereo3d.recording.hdf5_writer import RecordingWriter
from stereo3d.stereo import Stereo
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
image = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
try:
    with RecordingWriter(sys.argv[1], (64, 48), fps=30, rectified=False, quality=None) as writer:
        for i in range(int(sys.argv[2])):
            writer.append(Stereo(image, image), i)
except Stereo3DError as error:
    print(error)
"""


def test_killed_while_writing_no_file_appears_and_an_old_one_stays(tmp_path: Path) -> None:
    new, old = tmp_path / "new.h5", write_ours(tmp_path / "old.h5", 2)
    before = old.read_bytes()
    for path in (new, old):
        assert subprocess.run([sys.executable, "-c", KILLED, path], check=False).returncode == 9
    assert not new.exists() and old.read_bytes() == before
    write_ours(new, 2)
    assert new.read_bytes() == before


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="file size limits are POSIX's")
@pytest.mark.parametrize("n_frames", [17, 1500])
def test_a_full_disk_gives_a_sentence_and_leaves_nothing(n_frames: int, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", FULL, tmp_path / "a.h5", str(n_frames)], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert "be written" in run.stdout and "File too large" in run.stdout
    assert list(tmp_path.iterdir()) == []


def replace(name: str, **settings: Any) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[name]
        file.create_dataset(name, **settings)

    return change


def attribute(name: str, value: Any) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file.attrs[name]
        if value is not None:
            file.attrs[name] = value

    return change


def remove(name: str) -> Callable[[h5py.File], None]:
    return lambda file: file.__delitem__(name)


def make_group(name: str) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[name]
        file.create_group(name)

    return change


def shorten_blob(file: h5py.File) -> None:
    file["left/jpeg"].resize(len(file["left/jpeg"]) - 1, axis=0)


def grow(dataset: str, shape: tuple[int, ...]) -> Callable[[h5py.File], None]:
    return replace(dataset, shape=shape, dtype=np.uint8, chunks=(1 << 16, *(64,) * (len(shape) - 1)))


HUGE = 1 << 40
DAMAGES: dict[str, tuple[Callable[[h5py.File], Any], str]] = {
    "a later version": (attribute("version", 3), "is of version 3, this stereo3d reads up to 2; update it"),
    "no version": (attribute("version", None), "is of version None"),
    "values, not a recording": (attribute("format", np.bytes_("stereo3d values")), "got stereo3d values"),
    "rectified lacks": (attribute("rectified", None), "expected the attribute rectified, true or false, got none"),
    "rectified is a word": (attribute("rectified", "yes"), "expected the attribute rectified, true or false"),
    "no size": (attribute("size", None), "is damaged, it could not be read"),
    "a size of words": (attribute("size", "big"), "is damaged, it could not be read"),
    "a huge size": (attribute("size", (1 << 20, 1 << 20)), "expected a picture of 1 to 40000000 px, got 1048576 x"),
    "fps zero": (attribute("fps", 0.0), "fps: expected a number"),
    "no time": (remove("time"), "/time: expected a data set, got none"),
    "time is a group": (make_group("time"), "/time: expected a data set, got a group"),
    "time of bytes": (replace("time", data=np.zeros(4, np.uint8)), "/time: expected 1 axes of kind 'f'"),
    "time has holes": (replace("time", data=np.full(4, np.nan)), "expected times in seconds that never fall"),
    "time falls": (replace("time", data=np.array([0.0, 2, 1, 3])), "expected times in seconds that never fall"),
    "too few times": (replace("time", data=np.arange(3.0)), r"/left/offset: expected 4, got 5"),
    "no frames": (replace("time", data=np.zeros(0)), "expected 1 to 10000000 frames, got 0"),
    "times without end": (replace("time", shape=(HUGE,), dtype="f8", chunks=(1000,)), "frames, got 1099511627776"),
    "times not stored": (replace("time", shape=(9_000_000,), dtype="f8", chunks=(1000,)), "claims 72000000 bytes"),
    "no left": (remove("left"), "is damaged, it could not be read"),
    "no pictures": (remove("left/jpeg"), "/left/images: expected a data set, got none"),
    "no offset": (remove("left/offset"), "/left/offset: expected a data set, got none"),
    "offsets fall": (replace("left/offset", data=np.array([0, 9, 5, 20, 30], "u8")), "expected offsets that rise"),
    "offsets beyond": (replace("left/offset", data=np.array([0, 9, 15, 20, HUGE], "u8")), "expected offsets that rise"),
    "offsets wrap": (replace("left/offset", data=np.array([0, 9, 15, 20, 2**64 - 1], "u8")), "offsets that rise"),
    "offsets of floats": (replace("left/offset", data=np.arange(5.0)), "/left/offset: expected 1 axes of kind 'u'"),
    "the blob is shorter": (shorten_blob, "expected offsets that rise"),
    "a huge chunk": (replace("left/jpeg", shape=(HUGE,), dtype="u1", chunks=(1 << 28,)), "expected chunks of up to"),
    "the blob has two axes": (grow("left/jpeg", (HUGE, 64)), "/left/jpeg: expected 1 axes of kind 'u'"),
    "the rig is joints": (lambda f: storage.put(f, "rig", poses2d(2)), "rig: expected cameras or joints, got Poses2D"),
    "the rig is nothing": (lambda f: f.create_group("rig"), "rig: expected a value of class"),
    "a link to elsewhere": (lambda f: f.__setitem__("x", h5py.ExternalLink("b.h5", "/x")), "is a link to elsewhere"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named_when_opened(damage: str, tmp_path: Path) -> None:
    change, sentence = DAMAGES[damage]
    path = write_ours(tmp_path / "a.h5", 4)
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(Stereo3DError, match=sentence):
        open_recording(path)


def test_raw_pictures_of_another_shape_are_refused(tmp_path: Path) -> None:
    path = write_ours(tmp_path / "a.h5", 4, quality=None)
    with h5py.File(path, "r+") as file:
        replace("right/images", data=np.zeros((4, 48, 65, 3), np.uint8))(file)
    with pytest.raises(RecordingError, match=r"right/images: expected 4 of \(64, 48\) px, got 4 of \(65, 48\)"):
        open_recording(path)


def test_a_jpeg_of_another_size_is_marked_when_read(tmp_path: Path) -> None:
    path = write_ours(tmp_path / "a.h5", 4)
    with h5py.File(path, "r+") as file:
        file.attrs["size"] = (48, 64)
    sentence = r"frame 2: expected \(48, 64\) px, got \(64, 48\)"
    with open_recording(path) as recording:
        assert re.search(sentence, recording[2].faults.left) and not recording[2].valid


@pytest.mark.parametrize("name", ["left/jpeg", "right/jpeg", "left/offset", "time"])
def test_a_flipped_bit_is_found(name: str, tmp_path: Path) -> None:
    path = write_ours(tmp_path / "a.h5", N_FRAMES)
    with h5py.File(path) as file:
        chunk = file[name].id.get_chunk_info(0)
        at = chunk.byte_offset + min(chunk.size, 8 * N_FRAMES) // 2
    data = bytearray(path.read_bytes())
    data[at] ^= 4
    path.write_bytes(data)
    if name.endswith("jpeg"):
        with open_recording(path) as recording:
            lost = [p.faults for p in recording.frames() if not p.valid]
        assert 0 < len(lost) <= N_FRAMES and all("is damaged" in "".join(faults) for faults in lost)
    else:
        with pytest.raises(Stereo3DError, match=r"damaged"):
            open_recording(path)


@pytest.mark.parametrize("quality", [90, None])
def test_lost_pictures_keep_their_place_and_are_marked(quality: int | None, tmp_path: Path) -> None:
    gone = {1: "left", 3: "right", 4: "both"}
    with RecordingWriter(tmp_path / "a.h5", SIZE, fps=30, rectified=False, quality=quality) as writer:
        for i in range(6):
            kept = [None if gone.get(i) in (side, "both") else image for side, image in zip(("left", "right"), pair(i))]
            writer.append(Stereo(*kept), i / 10)
    with open_recording(tmp_path / "a.h5") as recording:
        assert recording.valid.tolist() == [True, False, True, False, False, True]
        found = list(recording.frames())
    np.testing.assert_array_equal([p.time for p in found], np.arange(6) / 10)
    for p in found:
        assert p.valid is (p.index not in gone)
        for side, image, fault in zip(("left", "right"), p.images, p.faults):
            lost = gone.get(p.index) in (side, "both")
            assert ("was lost before it came into this file" in fault) is lost
            assert not image.any() if lost else number_of(image) == (p.index, side)
    with h5py.File(tmp_path / "a.h5") as file:
        assert file.attrs["version"] == 2 and file["left/valid"][:].tolist() == [1, 0, 1, 1, 0, 1]


def test_a_file_without_lost_pictures_is_one_that_older_versions_read(tmp_path: Path) -> None:
    with h5py.File(write_ours(tmp_path / "a.h5", 3)) as file:
        assert file.attrs["version"] == 1 and "valid" not in file["left"]


@pytest.mark.parametrize(("jpegs", "quality", "sentence"), [
    (lambda: Stereo(np.zeros(9, np.uint8), None), 90, r"jpegs.left: expected a JPEG of \(64, 48\) px .* got None"),
    (lambda: Stereo(None, jpeg(pair(0, (32, 48)).left)), 90, r"jpegs.right: .*got \(32, 48\)"),
    (lambda: Stereo(jpeg(pair(0).left), jpeg(pair(0).left)), None, "for a file of JPEGs"),
])
def test_jpegs_that_do_not_fit_are_refused(jpegs: Any, quality: int | None, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match=sentence), \
            RecordingWriter(tmp_path / "a.h5", SIZE, fps=30, rectified=False, quality=quality) as writer:
        writer.append_jpegs(jpegs(), 0)


@pytest.mark.parametrize("name", ["truth", "joints/left"])
def test_damaged_joints_leave_the_pictures_readable(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with RecordingWriter(path, SIZE, fps=30, rectified=False) as writer:
        writer.append(pair(3), 0)
        writer.annotate(truth=poses3d(1, rig()), joints=Stereo(poses2d(1), poses2d(1)))
    with h5py.File(path, "r+") as file:
        del file[name]["score"]
    with open_recording(path) as recording:
        assert number_of(recording[0].images.left) == (3, "left")
        with pytest.raises(Stereo3DError, match=f"{name}: .*score"):
            getattr(recording, name.partition("/")[0])


@pytest.mark.parametrize("quality", [90, None])
def test_whatever_the_bytes_only_our_errors_come_out(quality: int | None, tmp_path: Path) -> None:
    whole = write_ours(tmp_path / "a.h5", 6, quality=quality).read_bytes()
    rng = np.random.default_rng(5)
    refused = 0
    for _ in range(80):
        data = np.frombuffer(whole, np.uint8).copy()
        where = rng.integers(0, min(len(data), rng.choice([600, 4000, len(data)])), rng.integers(1, 4))
        data[where] = rng.integers(0, 256, len(where))
        path = tmp_path / "fuzzed.h5"
        path.write_bytes(data[:rng.integers(100, len(data))] if rng.random() < 0.2 else data)
        try:
            with open_recording(path) as recording:
                list(recording.frames())
        except Stereo3DError as error:
            refused += 1
            assert str(path) in str(error)
    assert refused > 15
