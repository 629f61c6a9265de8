"""Rigs from recordings: the figures asked for on real pictures, folders that are no good, films, checks."""

from __future__ import annotations

import json
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from stereo3d.calibration.board import Board, read_board
from stereo3d.calibration.compare import compare_rigs
from stereo3d.calibration.files import read_rig, write_rig
from stereo3d.calibration.quality import Calibration
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.cli import calibrate as command
from stereo3d.cli.app import app as whole_app
from stereo3d.errors import CalibrationError, UsageError
from stereo3d.recording.base import open_recording
from stereo3d.rigs import best_pair, calibrate, check_rig, look_for, stretches
from stereo3d.stereo import Stereo

sys.path.insert(0, str(Path(__file__).parent / "calibration"))
from made_boards import BOARD, SIZE, folder, photographer, pictures, small_rig  # noqa: E402

BOARDS = Path(__file__).parents[1] / "calibration" / "boards"
MADE_UP = BOARDS.parent / "rigs" / "made_up_zed2.conf"
NINE_BY_SIX, NINE_BY_SIX_30 = BOARDS / "chessboard_9x6_25mm.toml", BOARDS / "chessboard_9x6_30mm.toml"
PAIRS = [tuple(pair) for pair, _ in pictures(12)]
SMALL = np.full((SIZE[1] // 2, SIZE[0] // 2, 3), 100, np.uint8)
BLANK = np.full((SIZE[1], SIZE[0], 3), 100, np.uint8)


@pytest.fixture(scope="module")
def real(shared: Path) -> Calibration:
    return calibrate(shared / "data" / "opencv-chessboard", NINE_BY_SIX)


def test_the_figures_asked_for_on_real_pictures(real: Calibration) -> None:
    """13 pairs of opencv-doc: the best recipe found for them gives 0.197, 0.134, 83.17, 0.1415, 0.164."""
    found = real.to_dict()
    assert found["pairs"] == {"looked_at": 13, "used": 13, "left_out": 0} and not found["left_out"]
    assert found["rms"]["stereo"] <= 0.20
    assert found["row_error"]["rms"] <= 0.14
    assert 1000 * found["baseline"] == pytest.approx(83.17, abs=0.1)
    assert found["leave_one_out"]["row_error"] <= 0.145
    assert 1000 * found["square_edge_error"]["rms"] <= 0.165
    assert found["lens"]["coefficients"] == 5


def test_eight_coefficients_fit_closer_and_foretell_worse(real: Calibration) -> None:
    tried = {t.coefficients: t for t in real.solution.trials if t.bent}
    assert tried[8].in_sample < tried[5].in_sample and tried[8].held_out > tried[5].held_out


def test_halves_of_the_real_views_differ_as_their_errors_allow(real: Calibration) -> None:
    assert real.halves is not None and 0.3 < real.halves.ratio < 2
    assert real.verdict.level == "usable" and real.coverage.hints


@pytest.mark.parametrize("squares", [(9, 7), (10, 8)])
def test_another_board_than_the_real_one_is_noticed(shared: Path, tmp_path: Path, squares: tuple[int, int]) -> None:
    for name in ("02", "06", "07", "09"):
        for side in ("left", "right"):
            shutil.copy(shared / "data" / "opencv-chessboard" / f"{side}{name}.jpg", tmp_path)
    with pytest.raises(CalibrationError, match="look like 9 x 6 inner corners: check that the board file"):
        calibrate(tmp_path, Board(squares, 0.025))


def test_the_best_pair_shows_the_board_large(real: Calibration, shared: Path) -> None:
    with open_recording(shared / "data" / "opencv-chessboard") as opened:
        assert best_pair(real, opened) in (opened[2].images, opened[4].images)


def test_known_cameras_come_out(tmp_path: Path) -> None:
    folder(tmp_path, PAIRS)
    found = calibrate(tmp_path, BOARD, baseline=0.12)
    assert len(found.solution.views) == 12 and found.verdict.level != "film again"
    assert compare_rigs(small_rig(), found.rig).median < 0.004
    kept = calibrate(tmp_path, BOARD, mode="extrinsics", start=small_rig())
    assert compare_rigs(small_rig(), kept.rig).p95 < 0.002
    assert kept.nominal_baseline == pytest.approx(small_rig().baseline)


BAD = {
    "empty": ([], "expected pictures .* got none"),
    "no board": ([(BLANK, BLANK)] * 4, "none of 4 pairs shows .* check that the board file describes this board"),
    "three": (PAIRS[:3], "only 3 of 3 pairs can be used: expected 6 or more .* film more"),
    "one eye": ([(left, BLANK) for left, _ in PAIRS[:4]], "right picture: the board is not found.* in both pictures"),
    "late": ([(a[0], b[1]) for a, b in zip(PAIRS, PAIRS[2:9], strict=False)], "right pictures seem .* early by 2: pair them"),
    "out of step": (
        [(PAIRS[i][0], PAIRS[j][1]) for i, j in enumerate((3, 0, 6, 1, 7, 2, 4, 5))],
        "of 8 views agree .*use cameras that are triggered together and hold the board still",
    ),
    "mixed": ([*PAIRS[:2], (SMALL, SMALL)], "left out: 1 because left picture: expected 640 x 360 px, got 320 x 180"),
    "twice": ([(left, left) for left, _ in PAIRS[:7]], "one picture twice; check the files"),
    "one place": (PAIRS[:1] * 8, "only 1 of 8 pairs can be used: .* tilts; film more .left out: 7 because much like other views"),
}


def refused(folder: Path, board: Path = NINE_BY_SIX_30) -> str:
    """What the command says of a folder that is no good, after leaving with exit code 4 and nothing on stdout."""
    ran = CliRunner().invoke(whole_app, ["calibrate", str(folder), "--board", str(board), "-o", str(folder / "rig.json")])
    assert ran.exit_code == 4 and not ran.stdout and not (folder / "rig.json").exists(), ran.output
    *_, sentence = ran.stderr.strip().splitlines()
    assert sentence.startswith("stereo3d: ") and "Traceback" not in ran.stderr
    return sentence


@pytest.mark.parametrize("name", BAD)
def test_a_bad_folder_gets_a_sentence_that_says_what_to_do(tmp_path: Path, name: str) -> None:
    pairs, sentence = BAD[name]
    folder(tmp_path, pairs)
    assert re.search(sentence, refused(tmp_path)), refused(tmp_path)


def test_views_from_one_angle_are_refused(tmp_path: Path) -> None:
    taken = photographer(0)
    pose = taken.poses(1, seed=8, depth=(0.4, 0.45), tilt=0.05)[0]
    places = [pose.moved(np.array([x, y, z])) for x in (-0.05, 0, 0.05) for y in (-0.02, 0.02) for z in (0, 0.1)]
    folder(tmp_path, [tuple(taken.pair(p, seed=i)) for i, p in enumerate(places)])
    assert re.search("from one angle .* film it tilted by 20 to 45 degrees .* or keep the factory", refused(tmp_path))


@pytest.mark.parametrize("board, sentence", [
    ("squares = [12, 9]\nsquare = 0.03", "look like 9 x 6 inner corners: check that the board file"),
    ("squares = [9, 6]\nsquare = 0.04\nmarker = 0.03\ndictionary = 'DICT_5X5_100'", "9 x 6 inner corners of a plain chessboard"),
    ("squares = [10, 7]", "square: missing; give the side of a printed square in metres"),
    ("squares = [10, 7]\nsquare = 30", "square .metres, so 0.025 for 25 mm"),
])
def test_a_wrong_board_is_refused(tmp_path: Path, board: str, sentence: str) -> None:
    folder(tmp_path, PAIRS[:3])
    (tmp_path / "board.toml").write_text(board)
    assert re.search(sentence, refused(tmp_path, tmp_path / "board.toml"))


def test_a_folder_or_a_board_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert re.search("no file or folder|cannot be (found|read)|not there|no such", refused(tmp_path / "nowhere"))
    assert "cannot be read" in refused(tmp_path, tmp_path / "nothing.toml")


def test_rectified_pictures_and_missing_rigs_are_refused(tmp_path: Path) -> None:
    folder(tmp_path, PAIRS[:2])
    with open_recording(tmp_path, rectified=True) as opened, pytest.raises(CalibrationError, match="record them raw"):
        calibrate(opened, BOARD)
    with pytest.raises(UsageError, match="extrinsics: expected a rig to start from"):
        calibrate(tmp_path, BOARD, mode="extrinsics")
    with pytest.raises(CalibrationError, match="start: expected a rig of the two cameras"):
        calibrate(tmp_path, BOARD, mode="refine", start=RectifiedCamera(SIZE, 260.0, Stereo(320.0, 320.0), 180.0, 0.12))


def test_a_film_is_looked_at_where_it_stands_still(tmp_path: Path) -> None:
    folder(tmp_path, PAIRS[:2])
    with open_recording(tmp_path) as opened:
        assert stretches(opened) == 0

        class Film:
            kind, size, fps = "side-by-side video", SIZE, 30.0

            def __len__(self) -> int:
                return 10_000

        assert stretches(Film()) == 42  # type: ignore[arg-type]
        assert len(look_for(opened, BOARD)) == 2


def test_a_rig_is_checked_on_a_recording_without_a_board(tmp_path: Path) -> None:
    scene = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 255, (360, 700, 3), np.uint8), (0, 0), 2)
    scene = cv2.normalize(scene, None, 0, 255, cv2.NORM_MINMAX)
    folder(tmp_path, [(scene[:, 40:680], scene[:, :640])] * 2)
    level = RectifiedCamera(SIZE, 265.0, Stereo(320.0, 320.0), 180.0, -0.12)
    write_rig(tmp_path / "rig.json", level)
    with open_recording(tmp_path, rectified=True) as opened:
        found = check_rig(tmp_path / "rig.json", opened)
    assert found.pairs == 2 and found.verdict.startswith("good")
    with pytest.raises(CalibrationError, match="the calibration is for pictures of 1280x720"):
        check_rig(replace(level, size=(1280, 720)), tmp_path)


@pytest.fixture(scope="module")
def app() -> typer.Typer:
    group = typer.Typer(cls=command.app.info.cls)
    for name, function in command.COMMANDS.items():
        group.command(name)(function)
    return group


def test_one_command_makes_a_rig_and_its_reports(app: typer.Typer, tmp_path: Path) -> None:
    folder(tmp_path / "film", PAIRS)
    out = [str(tmp_path / name) for name in ("rig.json", "report.html", "report.md")]
    board = tmp_path / "board.toml"
    board.write_text("squares = [10, 7]\nsquare = 0.03\n")
    words = [str(tmp_path / "film"), "--board", str(board), "--json", "-o", out[0]]
    ran = CliRunner().invoke(app, [*words, "--report", out[1], "--report", out[2]])
    assert ran.exit_code == 0, ran.output
    told = json.loads(ran.stdout)
    rig = read_rig(out[0])
    assert isinstance(rig, StereoRig) and rig.baseline == told["baseline"] and rig.rms == told["rms"]["stereo"]
    assert "12/12 pairs, board in 12; covers x" in ran.stderr and "film next" in ran.stderr
    assert Path(out[1]).read_text().startswith("<!doctype html>") and Path(out[2]).read_text().startswith("# Calib")
    same = CliRunner().invoke(app, ["solve", str(tmp_path / "film"), "--board", str(board)])
    assert same.stdout == Path(out[2]).read_text()
    apart = CliRunner().invoke(app, ["compare", out[0], out[0], "--json"])
    assert json.loads(apart.stdout)["p95"] < 1e-9


def test_check_is_a_command_too(app: typer.Typer, tmp_path: Path) -> None:
    folder(tmp_path / "film", PAIRS[:3])
    write_rig(tmp_path / "rig.json", small_rig())
    ran = CliRunner().invoke(app, ["check", str(tmp_path / "rig.json"), str(tmp_path / "film"), "--json"])
    assert ran.exit_code == 0 and json.loads(ran.stdout)["verdict"] == "good", ran.output
    words = CliRunner().invoke(app, ["check", str(tmp_path / "rig.json"), str(tmp_path / "film")]).stdout
    assert words.startswith("good: rows are off by 0.") and "the right camera has turned by" in words


def test_a_rig_is_converted_for_other_programs(app: typer.Typer, tmp_path: Path) -> None:
    write_rig(tmp_path / "rig.json", small_rig())
    for name, kind in (("rig.yml", ["--as", "opencv"]), ("rig.qca.txt", [])):
        ran = CliRunner().invoke(app, ["convert", str(tmp_path / "rig.json"), "-o", str(tmp_path / name), *kind])
        assert ran.exit_code == 0 and compare_rigs(small_rig(), read_rig(tmp_path / name)).p95 < 1e-9, ran.output
    ran = CliRunner().invoke(app, ["convert", str(MADE_UP), "--size", "1920x1080", "-o", str(tmp_path / "fhd.json")])
    assert ran.exit_code == 0 and read_rig(tmp_path / "fhd.json").cameras.left.size == (1920, 1080)
    with pytest.raises(UsageError, match="--size: expected WIDTHxHEIGHT such as 1280x720, got '720p'"):
        CliRunner().invoke(app, ["convert", str(MADE_UP), "--size", "720p", "-o", "x.json"], catch_exceptions=False)


def test_names_of_results_are_checked_before_the_work(app: typer.Typer, tmp_path: Path) -> None:
    words = [str(tmp_path), "--board", str(NINE_BY_SIX)]
    with pytest.raises(CalibrationError, match="rig.txt: expected .*json"):
        CliRunner().invoke(app, [*words, "-o", str(tmp_path / "rig.txt")], catch_exceptions=False)
    with pytest.raises(UsageError, match="report.doc: expected .html, .md or .json"):
        CliRunner().invoke(app, [*words, "--report", str(tmp_path / "report.doc")], catch_exceptions=False)


def test_a_board_is_printed(app: typer.Typer, tmp_path: Path) -> None:
    path = tmp_path / "board.pdf"
    ran = CliRunner().invoke(app, ["--board", str(NINE_BY_SIX), "--print-board", str(path)])
    assert ran.exit_code == 0 and "310 x 245 mm; print at 100 %" in ran.stdout and path.stat().st_size > 1000
    assert read_board(NINE_BY_SIX).corners == (9, 6)


@pytest.mark.parametrize("words, sentence", [
    (["somewhere"], "--board: missing"),
    (["--board", str(NINE_BY_SIX)], "RECORDING: missing"),
    (["film", "--board", str(NINE_BY_SIX), "--mode", "half"], "--mode: expected full, extrinsics or refine, got 'half'"),
])
def test_wrong_usage(app: typer.Typer, words: list[str], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        CliRunner().invoke(app, words, catch_exceptions=False)
