"""Into our own layout: no frame is lost or shifted, no JPEG made anew unasked, no crash costs more than a part."""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made import SIZE, blank_frame, jpeg, number_of, pair, picture, rig, write_ours, write_plain, write_png, write_video
from test_hdf5 import poses2d, poses3d
from test_pictures import exif

from stereo3d.errors import RecordingError, UsageError
from stereo3d.journal import parts_of
from stereo3d.recording import to_hdf5
from stereo3d.recording.base import open_recording
from stereo3d.recording.convert import convert
from stereo3d.recording.form import Form
from stereo3d.recording.hdf5_writer import RecordingWriter
from stereo3d.stereo import SIDES, Stereo

RAW = Form(quality=None)


@pytest.fixture(autouse=True)
def short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(to_hdf5, "LENGTH", 5)


def jpegs(path: Path) -> list[bytes]:
    with open_recording(path, rectified=False) as recording:
        pairs = [recording.jpegs(i) for i in range(len(recording))]  # type: ignore[attr-defined]
    return [file.tobytes() for both in pairs for file in both]


class TestCopies:
    def test_a_copy_of_ours_is_the_same_file(self, tmp_path: Path) -> None:
        source = write_ours(tmp_path / "a.h5", 13, rig=dataclasses.replace(rig(), serial=None))
        with open_recording(source) as recording:
            copied = convert(recording, tmp_path / "b.h5", form=Form(quality=90))
        assert copied.read_bytes() == source.read_bytes()
        assert sorted(p.name for p in tmp_path.iterdir()) == ["a.h5", "b.h5"]

    def test_jpegs_are_copied_and_made_anew_only_when_asked(self, tmp_path: Path) -> None:
        source = write_plain(tmp_path / "rows.h5", jpeg, 7)
        with open_recording(source, rectified=False) as recording:
            assert jpegs(convert(recording, tmp_path / "a.h5", form=Form(quality=30))) == jpegs(source)
            assert jpegs(convert(recording, tmp_path / "b.h5", frames=range(1, 7, 3))) == jpegs(source)[2:4] + jpegs(source)[8:10]
            anew = jpegs(convert(recording, tmp_path / "c.h5", form=Form(quality=30, reencode=True)))
            assert sum(map(len, anew)) < sum(map(len, jpegs(source)))
            raw = convert(recording, tmp_path / "d.h5", form=RAW)
        with open_recording(raw) as recording:
            assert recording.codec == "raw"

    def test_what_a_jpeg_says_goes_unless_it_is_to_stay(self, tmp_path: Path) -> None:
        said = exif(1)[:-2] + b"Ada Lovelace\0\0"
        said = said[:2] + (len(said) - 2).to_bytes(2, "big") + said[4:]
        for side in SIDES:
            for i, orientation in enumerate((1, 6)):
                data = jpeg(picture(i, side, (64, 64))).tobytes()
                more = said if orientation == 1 else exif(6)
                (tmp_path / "in" / side).mkdir(parents=True, exist_ok=True)
                (tmp_path / "in" / side / f"{i}.jpg").write_bytes(data[:2] + more + data[2:])
        with open_recording(tmp_path / "in", rectified=False, fps=30) as recording:
            plain = convert(recording, tmp_path / "a.h5")
            kept = convert(recording, tmp_path / "b.h5", form=Form(keep_identity=True))
            turned = recording[1].images.left
        assert jpegs(plain)[:2] == [jpeg(picture(0, side, (64, 64))).tobytes() for side in SIDES]
        assert b"Ada" in jpegs(kept)[0] and b"Ada" not in plain.read_bytes()
        with open_recording(plain) as recording:
            assert np.abs(recording[1].images.left.astype(int) - turned).mean() < 3

    def test_pictures_of_another_size_inside_are_not_copied(self, tmp_path: Path) -> None:
        source = write_plain(tmp_path / "rows.h5", jpeg, 4)
        with h5py.File(source, "r+") as file:
            file["left"][2] = jpeg(picture(2, "left", (32, 48)))
        with open_recording(source, rectified=False) as recording:
            made = convert(recording, tmp_path / "a.h5")
        with open_recording(made) as written:
            assert written.valid.tolist() == [True, True, False, True] and not written[2].faults.right


class TestIdentity:
    def source(self, path: Path, start: float = 0.0) -> Path:
        truth, joints = poses3d(4, rig()), Stereo(poses2d(4), poses2d(4))
        truth = dataclasses.replace(truth, origin={"file": "/home/ada/SN1.svo2"}, time=truth.time + start)
        with RecordingWriter(path, SIZE, fps=30, rectified=False, rig=rig()) as writer:
            for i in range(4):
                writer.append(pair(i), start + i / 30)
            writer.annotate(truth=truth, joints=joints, joints_camera=dataclasses.replace(rig(), serial="SN77"))
        return path

    def test_serials_and_provenance_stay_behind_unless_they_are_to_come(self, tmp_path: Path) -> None:
        with open_recording(self.source(tmp_path / "a.h5")) as recording:
            bare, kept = (convert(recording, tmp_path / f"{keep}.h5", form=Form(keep_identity=keep)) for keep in (False, True))
            known = recording.truth, recording.joints_camera, recording.rig
        with open_recording(bare) as recording:
            truth, camera = recording.truth, recording.joints_camera
            assert truth is not None and truth.origin == {} and truth.camera.serial is None  # type: ignore[union-attr]
            assert camera is not None and recording.rig is not None
            assert camera.serial is None and recording.rig.serial is None  # type: ignore[union-attr]
            np.testing.assert_array_equal(truth.xyz, known[0].xyz)  # type: ignore[union-attr]
        assert not any(word in bare.read_bytes() for word in (b"SN77", b"SN1", b"ada", b"serial"))
        with open_recording(kept) as recording:
            assert (recording.truth, recording.joints_camera, recording.rig) == known

    def test_the_time_of_day_does_not_stay(self, tmp_path: Path) -> None:
        now = 1.7e9
        with open_recording(self.source(tmp_path / "a.h5", now)) as recording:
            bare, kept = (convert(recording, tmp_path / f"{keep}.h5", form=Form(keep_identity=keep), frames=range(1, 4)) for keep in (False, True))
        with open_recording(bare) as recording:
            np.testing.assert_allclose(recording.time, np.arange(3) / 30, atol=1e-6)
            assert recording.truth is not None
            np.testing.assert_allclose(recording.truth.time, recording.time, atol=1e-6)
        with open_recording(kept) as recording:
            np.testing.assert_allclose(recording.time, now + np.arange(1, 4) / 30)

    def test_nor_in_a_folders_times(self, tmp_path: Path) -> None:
        with open_recording(self.source(tmp_path / "a.h5", 1.7e9)) as recording:
            bare, kept = (convert(recording, tmp_path / f"{keep}", form=Form(keep_identity=keep)) for keep in (False, True))
        for folder, start in ((bare, 0.0), (kept, 1.7e9)):
            np.testing.assert_allclose(np.loadtxt(folder / "times.txt"), start + np.arange(4) / 30, atol=1e-6)

    def test_parts_and_manifest_name_nobody(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        source = self.source(tmp_path / "Ada Lovelace.h5")
        monkeypatch.setattr(to_hdf5, "LENGTH", 2)
        stop_after(2, source, tmp_path / "out.h5")
        held = b"".join(p.read_bytes() for p in parts_of(tmp_path / "out.h5").iterdir())
        assert held and not any(word in held for word in (b"Ada", b"SN77", str(tmp_path).encode()))


def stop_after(n: int, source: Path, target: Path, error: BaseException | None = None, **options: Any) -> None:
    """Convert, and stop at the n-th pair."""
    def advance(_: int) -> None:
        nonlocal n
        n -= 1
        if n < 0:
            raise error or KeyboardInterrupt

    with open_recording(source, rectified=False) as recording, pytest.raises(type(error or KeyboardInterrupt())):
        convert(recording, target, on_progress=advance, **options)


class TestLost:
    def test_damage_is_marked_and_shifts_nothing(self, tmp_path: Path) -> None:
        images = [np.concatenate([*pair(i)], axis=1) for i in range(14)]
        source = write_video(tmp_path / "a.avi", images, codec="mjpeg")
        blank_frame(source, 7)
        with open_recording(source, rectified=True) as recording:
            time = recording.time
            assert recording.valid.all()
            target = convert(recording, tmp_path / "b.h5")
        with open_recording(target) as recording:
            np.testing.assert_array_equal(recording.time, time)
            assert np.flatnonzero(~recording.valid).tolist() == [7]
            assert [number_of(p.images.left)[0] for p in recording.frames() if p.valid] == [i for i in range(14) if i != 7]

    @settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(lost=st.lists(st.sampled_from(["", "left", "right", "both"]), min_size=1, max_size=17), quality=st.sampled_from([90, None]),
           steps=st.lists(st.floats(0, 100), min_size=17, max_size=17), step=st.integers(1, 4))
    def test_there_and_back_every_frame_keeps_its_index_time_and_marks(
        self, lost: list[str], quality: int | None, steps: list[float], step: int, tmp_path_factory: Any
    ) -> None:
        folder, time = tmp_path_factory.mktemp("lost"), np.cumsum(steps[:len(lost)])
        with RecordingWriter(folder / "a.h5", SIZE, fps=30, rectified=False, quality=quality) as writer:
            for i, (gone, at) in enumerate(zip(lost, time)):
                writer.append(Stereo(*(None if gone in (side, "both") else x for side, x in zip(SIDES, pair(i)))), at)
        with open_recording(folder / "a.h5") as first:
            with open_recording(convert(first, folder / "b.h5", form=Form(quality))) as there:
                back = convert(there, folder / "c.h5", form=Form(quality), frames=range(0, len(lost), step))
            with open_recording(back) as again:
                wanted = [first[i] for i in range(0, len(lost), step)]
                found = list(again.frames())
        assert [p.index for p in found] == [*range(len(wanted))]
        assert [p.time for p in found] == [p.time for p in wanted]
        assert [[bool(f) for f in p.faults] for p in found] == [[bool(f) for f in p.faults] for p in wanted]
        assert [p.images for p in found] == [p.images for p in wanted]


class TestResumed:
    @pytest.fixture
    def source(self, tmp_path: Path) -> Path:
        for i in range(23):
            for side in SIDES:
                write_png(tmp_path / "in" / side / f"{i}.png", picture(i % 20, side))
        return tmp_path / "in"

    @pytest.fixture
    def whole(self, source: Path, tmp_path: Path) -> bytes:
        with open_recording(source, rectified=False) as recording:
            return convert(recording, tmp_path / "whole.h5").read_bytes()

    @pytest.mark.parametrize("n", [0, 3, 5, 12, 22])
    def test_interrupted_anywhere_it_ends_in_the_same_bytes(self, n: int, source: Path, whole: bytes, tmp_path: Path) -> None:
        target, done = tmp_path / "out.h5", []
        stop_after(n, source, target)
        assert not target.exists() and parts_of(target).exists() is (n >= 5)
        with open_recording(source, rectified=False) as recording:
            if n >= 5:
                with pytest.raises(UsageError, match="--resume to go on or --restart"):
                    convert(recording, target)
            convert(recording, target, unfinished="resume", on_progress=done.append)
        assert target.read_bytes() == whole and sum(done) == 23
        assert done == [5] * (n // 5) + [1] * (23 - n // 5 * 5)
        assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "out.h5", "whole.h5"]

    def test_what_was_begun_otherwise_is_not_gone_on_with(self, source: Path, whole: bytes, tmp_path: Path) -> None:
        target = tmp_path / "out.h5"
        stop_after(8, source, target)
        with open_recording(source, rectified=False) as recording:
            for options, other in ({"form": Form(quality=80)}, "form, settings"), ({"frames": range(9)}, "frames"), ({"rig": rig()}, "rig"):
                with pytest.raises(UsageError, match=f"begun with another {other}; give --restart"):
                    convert(recording, target, unfinished="resume", **options)
        with open_recording(source, rectified=False, swap=True) as recording, pytest.raises(UsageError, match="another pictures"):
            convert(recording, target, unfinished="resume")
        write_png(source / "left" / "1.png", picture(7, "left"))
        with open_recording(source, rectified=False) as recording:
            with pytest.raises(UsageError, match="begun with another recording"):
                convert(recording, target, unfinished="resume")
            assert convert(recording, target, unfinished="restart").exists()

    def test_an_error_keeps_what_is_done_and_says_so(self, source: Path, tmp_path: Path) -> None:
        error = RecordingError("the disk is gone")
        stop_after(3, source, tmp_path / "out.h5", error)
        assert not parts_of(tmp_path / "out.h5").exists()
        with open_recording(source, rectified=False) as recording:
            with pytest.raises(RecordingError, match="the disk is gone; what is done is kept: go on with --resume"):
                convert(recording, tmp_path / "out.h5", on_progress=raise_at(8, error))
        assert parts_of(tmp_path / "out.h5").exists()

    def test_killed_between_the_name_and_the_end(self, source: Path, whole: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        target = tmp_path / "out.h5"
        with open_recording(source, rectified=False) as recording:
            with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
                patch.setattr(to_hdf5.Journal, "discard", interrupt)
                convert(recording, target)
            assert target.read_bytes() == whole and parts_of(target).exists()
            with pytest.raises(UsageError, match="exists already"):
                convert(recording, target)
            convert(recording, target, unfinished="resume")
        assert target.read_bytes() == whole and not parts_of(target).exists()

    def test_another_file_of_that_name_is_not_written_over(self, source: Path, tmp_path: Path) -> None:
        target = tmp_path / "out.h5"
        stop_after(8, source, target)
        target.write_text("mine")
        with open_recording(source, rectified=False) as recording, pytest.raises(UsageError, match="exists already"):
            convert(recording, target, unfinished="resume")
        assert target.read_text() == "mine"

    def test_a_damaged_part_is_no_part_of_the_file(self, source: Path, whole: bytes, tmp_path: Path) -> None:
        target = tmp_path / "out.h5"
        stop_after(14, source, target)
        victim = sorted(parts_of(target).glob("*.h5"))[1]
        data = bytearray(victim.read_bytes())
        data[len(data) // 2] ^= 1
        victim.write_bytes(data)
        with open_recording(source, rectified=False) as recording:
            convert(recording, target, unfinished="resume")
        assert target.read_bytes() == whole


def interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def raise_at(n: int, error: Exception) -> Any:
    steps = iter(range(n))

    def advance(_: int) -> None:
        if next(steps, None) is None:
            raise error

    return advance


FULL = """
import json, resource, signal, sys
from pathlib import Path
from stereo3d.errors import Stereo3DError
from stereo3d.recording import to_hdf5
from stereo3d.recording.base import open_recording
from stereo3d.recording.convert import convert
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]),) * 2)
to_hdf5.LENGTH = 5
try:
    with open_recording(sys.argv[1]) as recording:
        convert(recording, sys.argv[2])
except Stereo3DError as error:
    print(json.dumps([error.exit_code, str(error)]))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="file size limits are POSIX's")
@pytest.mark.parametrize("most", [20_000, 200_000])
def test_a_full_disk_gives_a_sentence_and_no_half_file(most: int, tmp_path: Path) -> None:
    """Too full for the first part, and too full only for the whole: then what is done stays, and goes on."""
    source, target = write_noise(tmp_path / "a.h5", 30), tmp_path / "b.h5"
    run = subprocess.run(
        [sys.executable, "-c", FULL, source, target, str(most)], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
    code, sentence = json.loads(run.stdout)
    assert code == 4 and "be written" in sentence and "File too large" in sentence
    assert not target.exists() and not list(tmp_path.rglob("*.tmp"))
    assert parts_of(target).exists() is ("go on with --resume" in sentence) is (most > 100_000)
    with open_recording(source) as recording:
        assert convert(recording, target, unfinished="resume", form=Form()).stat().st_size > 200_000


def write_noise(path: Path, n: int) -> Path:
    noise = np.random.default_rng(0).integers(0, 256, (n, 2, 48, 64, 3), np.uint8)
    with RecordingWriter(path, SIZE, fps=30, rectified=True, quality=95) as writer:
        for i, (left, right) in enumerate(noise):
            writer.append(Stereo(left, right), i / 30)
    return path
