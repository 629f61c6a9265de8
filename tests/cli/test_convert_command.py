"""convert, info --verify and export --keypoints-only, as a user types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from stereo3d import storage
from stereo3d.journal import parts_of
from stereo3d.recording import to_hdf5
from stereo3d.recording.base import open_recording
from stereo3d.recording.hdf5_writer import RecordingWriter
from stereo3d.stereo import Stereo

SAMPLE = Path(__file__).parents[2] / "sample_data" / "infant.h5"
SIZE = (64, 48)
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    """A recording of 20 small pairs, each of 1 s, one of which lost its right picture."""
    rng = np.random.default_rng(0)
    with RecordingWriter(tmp_path / "noise.h5", SIZE, fps=1, rectified=False, quality=95) as writer:
        for i in range(20):
            left, right = rng.integers(0, 256, (2, *SIZE[::-1], 3), np.uint8)
            writer.append(Stereo(left, None if i == 15 else right), i)
    return tmp_path / "noise.h5"


def test_some_pairs_in_another_quality(noise: Path, run: Run, tmp_path: Path) -> None:
    asked = ("--start", 4, "--stop", 14, "--every", 3, "--quality", 30)
    code, out, err = run("convert", noise, "-o", "some.h5", *asked)
    assert (code, out) == (0, "some.h5\n") and "4/4 pairs" in err
    with open_recording(tmp_path / "some.h5") as made, open_recording(noise) as whole:
        assert made.time.tolist() == [4, 7, 10, 13] and made.fps == pytest.approx(1 / 3)
        assert np.abs(made[1].images.left.astype(int) - whole[7].images.left).mean() < 40
    with h5py.File(tmp_path / "some.h5") as file, h5py.File(noise) as whole:
        assert file["left/offset"][4] < 0.6 * whole["left/offset"][4]
        assert all(file[f"{side}/{name}"].fletcher32 for side in ("left", "right") for name in ("jpeg", "offset"))


@pytest.mark.parametrize("words, sentence", [
    (["--every", 0], "--every: expected 1 or more"), (["--quality", 101], "quality: expected"),
    (["--resume", "--restart"], "--resume"), (["--start", 99], "frames"), (["--blur-face", "nothing.h5"], "--rig"),
])
def test_what_cannot_be_is_said(words: list[object], sentence: str, noise: Path, run: Run, tmp_path: Path) -> None:
    code, out, err = run("convert", noise, "-o", "some.h5", *words)
    assert code in (2, 4) and not out and sentence in err and err.count("\n") == 1
    assert [*tmp_path.iterdir()] == [noise]


def test_a_lost_picture_is_told_and_stays_marked(noise: Path, run: Run) -> None:
    code, _, err = run("convert", noise, "-o", "b.h5")
    assert code == 0 and "1 of 20 pairs have a lost picture and are marked so: 15" in err
    code, out, _ = run("info", "--verify", "b.h5")
    assert code == 0 and "19 of 20 frames are good; marked as lost: 15" in out


def test_an_interrupted_run_goes_on_to_the_same_bytes(
    noise: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(to_hdf5, "LENGTH", 6)
    assert run("convert", noise, "-o", "whole.h5", "--quality", 60)[0] == 0
    real, parts = to_hdf5.ToHdf5._write_part, iter(range(2))

    def interrupted(*args: object) -> None:
        if next(parts, None) is None:
            raise KeyboardInterrupt
        real(*args)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(to_hdf5.ToHdf5, "_write_part", interrupted)
        code, _, err = run("convert", noise, "-o", "b.h5", "--quality", 60)
    assert code == 130 and f"to go on: stereo3d convert {noise} -o b.h5 --quality 60 --resume" in err
    assert not (tmp_path / "b.h5").exists() and len(list(parts_of(tmp_path / "b.h5").glob("*.h5"))) == 2
    code, _, err = run("convert", noise, "-o", "b.h5", "--quality", 60)
    assert code == 2 and "--resume to go on or --restart" in err
    code, _, err = run("convert", noise, "-o", "b.h5", "--quality", 61, "--resume")
    assert code == 2 and "was begun with another" in err
    assert run("convert", noise, "-o", "b.h5", "--quality", 60, "--resume")[0] == 0
    assert (tmp_path / "b.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()


@pytest.mark.parametrize("spoilt, code", [((3, 9), 3), (range(20), 4)])
def test_every_frame_is_verified(spoilt: tuple[int, ...], code: int, run: Run, tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "raw.h5", SIZE, fps=1, rectified=False, quality=None) as writer:
        for i in range(20):
            writer.append(Stereo(*np.full((2, *SIZE[::-1], 3), 10 * i, np.uint8)), i)
    with h5py.File(tmp_path / "raw.h5") as file:
        places = [file["right/images"].id.get_chunk_info_by_coord((i, 0, 0, 0)).byte_offset for i in spoilt]
    data = bytearray((tmp_path / "raw.h5").read_bytes())
    for at in places:
        data[at + 50] ^= 1
    (tmp_path / "raw.h5").write_bytes(data)
    ended, out, err = run("info", "--verify", "raw.h5", "--json")
    told = json.loads(out)["verified"]
    assert ended == code and [int(i) for i in told["bad"]] == [*spoilt] and told["good"] == 20 - len(spoilt)
    assert "stereo3d" in err.splitlines()[-1]


def test_for_sharing(run: Run, tmp_path: Path) -> None:
    assert run("reconstruct", SAMPLE, "--detector", "replay", "-o", "poses.h5")[0] == 0
    assert run("export", "poses.h5", "--keypoints-only", "-o", "shared.h5")[0] == 0
    shared = storage.read(tmp_path / "shared.h5")
    assert shared["poses"].origin == {} and shared["poses"].xyz.tobytes() == storage.read("poses.h5", "poses").xyz.tobytes()
    assert run("export", "poses.h5", "--keypoints-only", "-o", "shared.csv")[0] == 2
    code, _, err = run("convert", SAMPLE, "-o", "blurred.h5", "--blur-face", "poses.h5", "--stop", "0.1")
    assert code == 0 and "look at what comes out before it leaves" in err
    with open_recording(tmp_path / "blurred.h5") as blurred, open_recording(SAMPLE) as clear:
        joints = clear.joints
        assert joints is not None
        x, y = joints.left.xy[0, 0].astype(int)
        face = slice(y - 15, y + 15), slice(x - 15, x + 15)
        assert detail(blurred[0].images.left[face]) < 0.3 * detail(clear[0].images.left[face])


def detail(image: np.ndarray) -> float:  # type: ignore[type-arg]
    return float(np.abs(np.diff(image.astype(float), axis=0)).mean())


def test_serials_stay_behind_unless_they_are_kept(run: Run, tmp_path: Path) -> None:
    rig = Path(__file__).parents[2] / "calibration" / "rigs" / "made_up_zed2.conf"
    for words in ([], ["--keep-identity"]):
        name = f"{len(words)}.h5"
        (tmp_path / "SN4711.conf").write_bytes(rig.read_bytes())
        assert run("convert", SAMPLE, "-o", name, "--rig", "SN4711.conf", "--stop", "0.05", *words)[0] == 0
        with open_recording(tmp_path / name) as made:
            assert made.rig is not None and bool(made.rig.serial) is bool(words)  # type: ignore[union-attr]
        assert (b"4711" in (tmp_path / name).read_bytes()) is bool(words)
