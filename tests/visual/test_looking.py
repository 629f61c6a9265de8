"""`stereo3d view`: the ending of the file tells what it is, and nothing shows the infant that was not asked to."""

from __future__ import annotations

import dataclasses
import json
import re
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import MagicMock

import av
import cv2
import numpy as np
import pytest
from results import part, result

from stereo3d import plugins, storage
from stereo3d.cli.app import main
from stereo3d.errors import InputError
from stereo3d.visual.look import ENDINGS, look, moment

SAMPLE = Path(__file__).parents[2] / "sample_data" / "infant.h5"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """run(words...) -> (exit code, standard output, standard error) of `stereo3d view`, in a folder with a result."""
    monkeypatch.chdir(tmp_path)
    result(12, Path("poses.h5"))

    def go(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["stereo3d", "view", *map(str, words)])
        with pytest.raises(SystemExit) as leave:
            main()
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return int(leave.value.code or 0), out, err

    return go


@pytest.mark.parametrize("words", [
    ["-o", "a.png"], ["-o", "a.png", "--figure", "tracks"], ["-o", "a.PNG", "--time", "0.1"],
    ["-o", "a.png", "--figure", "tracks", "--joint", "nose", "--joint", "left_knee"],
])
def test_a_figure(run: Run, words: list[str]) -> None:
    code, out, _ = run("poses.h5", *words)
    picture = cv2.imread(words[1])
    assert code == 0 and out.strip() == words[1] and picture is not None and picture.std() > 8


@pytest.mark.parametrize("ending, magic", [(".pdf", b"%PDF"), (".svg", b"<?xml"), (".ply", b"ply\n"), (".glb", b"glTF")])
def test_figures_to_print_and_scenes(run: Run, ending: str, magic: bytes) -> None:
    assert run("poses.h5", "-o", f"a{ending}", "--time", "0.2")[0] == 0
    held = Path(f"a{ending}").read_bytes()
    assert held.startswith(magic)
    if ending == ".glb":
        (length,) = struct.unpack_from("<I", held, 12)
        assert len(json.loads(held[20:20 + length])["nodes"]) >= 17


def test_a_picture_over_the_recording(run: Run) -> None:
    storage_of_sample()
    code, _, _ = run("sample.h5", SAMPLE, "-o", "a.png", "--time", "0.2")
    picture = cv2.imread("a.png")
    assert code == 0 and picture.shape[1] == 2 * picture.shape[0]


def storage_of_sample(stop: int = 4) -> None:
    from stereo3d import pipeline
    from stereo3d.config import resolve

    pipeline.reconstruct(SAMPLE, "sample.h5", config=resolve(None, ["detect.detector=replay"]), frames=range(stop))


def pictures(path: str) -> list[np.ndarray]:
    with av.open(path) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_a_video_of_joints_alone_and_one_that_shows_the_infant(run: Run) -> None:
    storage_of_sample()
    code, _, err = run("sample.h5", "-o", "alone.mp4")
    alone = pictures("alone.mp4")
    assert code == 0 and "4/4 frames" in err and len(alone) == 4
    assert np.mean([(p < 16).all(-1).mean() for p in alone]) > 0.8
    code, _, _ = run("sample.h5", SAMPLE, "-o", "over.mp4", "--start", "0.1", "--stop", "0.2")
    over = pictures("over.mp4")
    assert code == 0 and len(over) == 1 and (over[0] < 16).all(-1).mean() < 0.1
    assert over[0].shape[1] < 2560 and over[0].shape[0] % 2 == over[0].shape[1] % 4 == 0
    code, _, err = run("sample.h5", "-o", "late.mp4", "--start", "5")
    assert code == 4 and "expected frames to show, got none at that time" in err and not Path("late.mp4").exists()


def test_a_window(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "open3d", None)
    code, _, err = run("poses.h5", "--window")
    assert code == 5 and "pip install 'stereo3d[view]'" in err
    open3d = MagicMock()
    monkeypatch.setitem(sys.modules, "open3d", open3d)
    assert run("poses.h5", "--window", "--time", "0")[0] == 0
    open3d.visualization.draw_geometries.assert_called_once()


@pytest.mark.parametrize("words, code, sentence", [
    ([], 2, "--output: missing; say what to write, or --window to look now"),
    (["-o", "a.gif"], 2, "ends in .png (picture or figure), .pdf (figure), .svg (figure), .mp4 (video)"),
    (["-o", "a.png", "--figure", "pse"], 2, "did you mean 'pose'?"),
    (["-o", "a.png", "--figure", "tracks", "--joint", "left_nee"], 2, "did you mean 'left_knee'?"),
    (["none.h5", "-o", "a.mp4"], 4, "none.h5"),
])
def test_a_sentence_for_what_is_wrong(run: Run, words: list[str], code: int, sentence: str) -> None:
    got, _, err = run("poses.h5", *words)
    assert got == code and sentence in err
    assert len(list(Path().iterdir())) == 1


def test_results_that_show_nothing(tmp_path: Path) -> None:
    poses, _ = result(3)
    storage.write(tmp_path / "empty.h5", poses=part(poses, slice(0, 0)))
    storage.write(tmp_path / "odd.h5", poses=poses.skeleton)
    for ending in ENDINGS.keys() - {".mp4"}:
        with pytest.raises(InputError, match="empty.h5: expected frames to show, got none"):
            look(tmp_path / "empty.h5", tmp_path / f"a{ending}")
    with pytest.raises(InputError, match="odd.h5: poses: expected Poses3D, got Skeleton"):
        look(tmp_path / "odd.h5", tmp_path / "a.png")
    blind = dataclasses.replace(poses, xyz=np.full(poses.xyz.shape, np.nan), time=np.full(3, np.nan))
    storage.write(tmp_path / "blind.h5", poses=blind)
    for ending in (".png", ".ply"):
        assert look(tmp_path / "blind.h5", tmp_path / f"a{ending}").stat().st_size > 100
    with pytest.raises(InputError, match="expected joints with a place"):
        look(tmp_path / "blind.h5", tmp_path / "a.glb")


def test_the_moment() -> None:
    times = np.array([0.0, np.nan, 0.2, 0.3])
    assert [moment(times, t) for t in (None, 0.0, 0.22, 9.0)] == [2, 0, 2, 3]
    assert moment(np.full(3, np.nan), 1.0) == 1


def test_the_help_tells_every_ending_and_every_format(run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run("--help")
    assert code == 0 and all(f"\n  {ending} " in out for ending in ENDINGS) and "shows the infant" in out
    monkeypatch.setattr(sys, "argv", ["stereo3d", "export", "--help"])
    with pytest.raises(SystemExit):
        main()
    told = capsys.readouterr().out
    assert all(re.search(rf"^  (csv, )?{kind}\b", told, re.MULTILINE) for kind in plugins.names(plugins.EXPORTERS))
