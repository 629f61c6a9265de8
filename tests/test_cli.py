"""The commands as a user types them: what they print, write and leave with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from stereo3d import storage

SAMPLE = Path(__file__).parents[1] / "sample_data" / "infant.h5"
RECONSTRUCT = ["reconstruct", str(SAMPLE), "--detector", "replay"]


def test_the_main_job(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    code, out, err = run(*RECONSTRUCT, "-o", "poses.h5")
    assert code == 0 and "found" in out and "45/45 pairs" in err
    code, out, _ = run("evaluate", "poses.h5", SAMPLE)
    assert code == 0 and "3DPCK@1cm" in out
    code, out, _ = run("evaluate", "poses.h5", SAMPLE, "--json", "-o", "table.md")
    assert code == 0 and 0.2 < json.loads(out)["all"]["mean_cm"] < 5
    assert (tmp_path / "table.md").read_text().count("|") > 50
    assert run("export", "poses.h5", "-o", "poses.csv")[0] == 0
    table = pd.read_csv(tmp_path / "poses.csv")
    poses = storage.read(tmp_path / "poses.h5", "poses")
    assert list(table.columns[:6]) == ["frame", "time_s", "joint", "x_right_m", "y_down_m", "z_away_m"]
    np.testing.assert_allclose(table[["x_right_m", "y_down_m", "z_away_m"]].to_numpy(), poses.xyz.reshape(-1, 3), atol=1e-6)
    assert set(table.loc[table.x_right_m.isna(), "status"]).isdisjoint({"ok"})
    assert run("export", "poses.h5", "-o", "poses.parquet")[0] == 0
    assert pd.read_parquet(tmp_path / "poses.parquet").shape == table.shape
    assert run("export", "poses.h5", "-o", "left.json", "--kind", "coco", "--view", "right")[0] == 0
    assert len(json.loads((tmp_path / "left.json").read_text())) == 45
    assert run("report", "poses.h5", "--truth", SAMPLE, "-o", "page.html")[0] == 0
    assert "http" not in (tmp_path / "page.html").read_text().replace("http-equiv", "")
    assert run("view", "poses.h5", SAMPLE, "-o", "look.png", "--time", "1")[0] == 0
    height, width, _ = cv2.imread(str(tmp_path / "look.png")).shape
    assert width == 2 * height > 400


def test_several_results_are_set_beside_each_other(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert run("simulate", "--seconds", 3, "--no-pictures", "-o", "s.h5")[0] == 0
    assert run("triangulate", "s.h5", "-o", "loose.h5")[0] == 0
    assert run("triangulate", "s.h5", "-o", "strict.h5", "--set", "triangulate.row=5")[0] == 0
    code, out, _ = run("evaluate", "loose.h5", "strict.h5", "s.h5", "--boxes", "boxes.png", "-o", "t.csv")
    assert code == 0 and "loose" in out and "strict" in out and "DarkPose32" in out
    assert cv2.imread(str(tmp_path / "boxes.png")).std() > 5 and (tmp_path / "t.csv").stat().st_size > 500
    code, out, _ = run("evaluate", "loose.h5", "strict.h5", "s.h5", "--json")
    assert code == 0 and json.loads(out)["space"]
    assert run("evaluate", "loose.h5")[0] == 2


def test_stage_by_stage(run) -> None:  # type: ignore[no-untyped-def]
    assert run("detect", SAMPLE, "--detector", "replay", "-o", "joints.h5")[0] == 0
    code, out, _ = run("triangulate", "joints.h5", "-o", "poses.h5", "--json")
    assert code == 0 and json.loads(out)["frames"] == 45
    code, out, _ = run("info", "poses.h5")
    assert code == 0 and "COCO-17" in out


def test_info(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = run("info", "--json")
    assert code == 0 and "replay" in json.loads(out)["detectors"]
    code, out, _ = run("info", SAMPLE, "--json")
    facts = json.loads(out)
    assert code == 0 and facts["frames"] == 45 and facts["size"] == [1280, 720] and facts["rectified"] is False


def test_dry_run_writes_nothing(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = run(*RECONSTRUCT, "-o", "poses.h5", "--dry-run", "--stop", "1", "--json")
    assert code == 0 and json.loads(out)["frames"] == 15 and os.listdir(tmp_path) == []


def test_convert_and_use_what_comes_out(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = run("convert", SAMPLE, "-o", "short.h5", "--stop", "0.5", "--every", "2")
    assert code == 0 and out.strip() == "short.h5"
    code, out, _ = run("info", "short.h5", "--json")
    assert json.loads(out)["frames"] == 4 and json.loads(out)["truth"]["frames"] == 4
    assert run("reconstruct", "short.h5", "--detector", "replay", "-o", "p.h5")[0] == 0


def test_simulate_without_pictures_has_the_noise_asked_for(run) -> None:  # type: ignore[no-untyped-def]
    still = ["slow=0", "bias=0", "outliers=0", "misses=0"]
    for name, white in (("a.h5", 0), ("b.h5", 2)):
        noise = [w for n in (f"white={white}", *still) for w in ("--noise", n)]
        assert run("simulate", "--seconds", 2, "--no-pictures", *noise, "-o", name)[0] == 0
        assert run("triangulate", name, "-o", f"poses-{name}")[0] == 0
    code, out, _ = run("evaluate", "poses-a.h5", "a.h5", "--json")
    assert code == 0 and json.loads(out)["all"]["mean_cm"] < 1e-6
    code, out, _ = run("evaluate", "poses-b.h5", "b.h5", "--json")
    assert 0.5 < json.loads(out)["all"]["mean_cm"] < 3


def test_simulate_is_the_same_for_the_same_seed(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    for name, seed in (("a.h5", 3), ("b.h5", 3), ("c.h5", 4)):
        assert run("simulate", "--seed", seed, "--seconds", "0.1", "--fps", "10", "-o", name)[0] == 0
    a, b, c = ((tmp_path / n).read_bytes() for n in ("a.h5", "b.h5", "c.h5"))
    assert a == b != c


@pytest.mark.parametrize("words, code, sentence", [
    (["reconstruct", "none.h5", "-o", "p.h5"], 4, "there is no such file"),
    (["reconstruct", SAMPLE, "-o", "p.h5", "--detector", "hrnet"], 5, "weights"),
    (["reconstruct", SAMPLE, "-o", "p.h5", "--detector", "darkpos"], 2, "did you mean 'darkpose'?"),
    ([*RECONSTRUCT, "-o", "no/p.h5"], 4, "cannot be written"),
    ([*RECONSTRUCT, "-o", "p.h5", "--roi", "1,2"], 2, "expected CX,CY,SIDE"),
    ([*RECONSTRUCT, "-o", "p.h5", "--start", "60"], 2, "no frames from 60"),
    ([*RECONSTRUCT, "-o", "p.h5", "--resume", "--restart"], 2, "expected one of them"),
    ([*RECONSTRUCT, "-o", "p.h5", "--set", "triangulate.rwo=1"], 2, "did you mean 'row'?"),
    ([*RECONSTRUCT, "-o", "p.h5", "--rig", "none.conf"], 4, "none.conf"),
    (["reconstruct", SAMPLE], 2, "--output"),
    (["nothing"], 2, "nothing"),
    (["simulate", "-o", "s.h5", "--noise", "wite=1"], 2, "did you mean 'white'?"),
    (["simulate", "-o", "s.h5", "--noise", "white=x"], 2, "expected white=number"),
    (["evaluate", SAMPLE, SAMPLE], 4, "or a file with poses"),
    (["export", "none.h5", "-o", "x.csv"], 4, "there is no such file"),
    (["info", "none.h5"], 4, "there is no such file"),
    (["convert", SAMPLE, "-o", "x.gif"], 2, "x.gif"),
])
def test_bad_input_gets_a_sentence(run, words, code: int, sentence: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    got, _, err = run(*words)
    assert got == code and sentence in err and "Traceback" not in err, err
    assert os.listdir(tmp_path) == []


def test_interrupted_says_how_to_go_on_and_can(tmp_path: Path) -> None:
    """Control-C in a real process: exit code 130, the command that goes on, and it does."""
    command = [sys.executable, "-c", "from stereo3d.cli.app import main; main()"]
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a job in the background hears none
    slow = heard + "import time, stereo3d.pipeline as p; t = p.triangulate; p.triangulate = lambda *a: (time.sleep(30), t(*a))[1]\n"
    started = subprocess.Popen(
        [command[0], "-c", slow + command[2], *RECONSTRUCT, "-o", "my poses.h5"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    while not (tmp_path / "my poses.h5.parts" / "manifest.jsonl").exists():
        assert started.poll() is None
        time.sleep(0.05)
    time.sleep(0.3)
    started.send_signal(signal.SIGINT)
    _, err = started.communicate(timeout=60)
    assert started.returncode == 130 and "--resume" in err and "'my poses.h5'" in err
    done = subprocess.run([*command, *RECONSTRUCT, "-o", "my poses.h5", "--resume"], cwd=tmp_path, capture_output=True)
    assert done.returncode == 0 and (tmp_path / "my poses.h5").exists()


def test_broken_pipe_is_not_a_traceback() -> None:
    code = "from stereo3d.cli.app import main; main()"
    piped = subprocess.run(
        f'"{sys.executable}" -c "{code}" info --json | head -c 1', shell=True, capture_output=True, text=True
    )
    assert "Traceback" not in piped.stderr
