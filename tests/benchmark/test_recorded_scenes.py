"""Recordings of another renderer in the refinement benchmark: what they hold is told as it is."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).parents[1] / "synthetic"))

from small_scenes import small  # noqa: E402

from stereo3d.benchmark import refinement, scenes  # noqa: E402
from stereo3d.benchmark.refinement import NOISES, Plan, Row, measure, measure_recorded  # noqa: E402
from stereo3d.benchmark.scenes import recorded_scene, synthetic_scene  # noqa: E402
from stereo3d.benchmark.tally import Tally  # noqa: E402
from stereo3d.cli.app import app  # noqa: E402
from stereo3d.detectors.base import build  # noqa: E402
from stereo3d.errors import InputError, UsageError  # noqa: E402
from stereo3d.recording.base import open_recording  # noqa: E402
from stereo3d.synthetic.scene import Setting, simulate_in  # noqa: E402
from stereo3d.synthetic.write import read_labels, write_sample  # noqa: E402

BY, FRAMES = 5, 3


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An infant that is cut off by the picture's border, its joints found without error."""
    path = tmp_path_factory.mktemp("recorded") / "cut-off.h5"
    scene = simulate_in(Setting(aside=0.75), seed=95, seconds=FRAMES / 25, fps=25)
    write_sample(path, small(scene, BY), quality=None)
    return path


def test_a_recording_is_a_scene(recording: Path) -> None:
    views = read_labels(recording).views
    with open_recording(recording) as opened:
        scene = recorded_scene(opened, every=2)
        pairs = list(scene.pairs())
        assert [p.index for p in pairs] == scene.frames == [0, 2] and pairs[1].time == pytest.approx(0.08)
        assert pairs[1].images == opened[2].images
    known = np.isfinite(scene.xyz).all(-1)
    limit = np.array([1280, 720]) // BY - 0.5
    inside = np.all([((v.xy >= -0.5) & (v.xy < limit)).all(-1) for v in views], axis=0)
    assert (known == inside).all() and 0.2 < known.mean() < 0.9, "part of the infant is out of the pictures"
    assert (scene.hidden == ((views.left.score == 0) | (views.right.score == 0))[[0, 2]]).all()
    for side in ("left", "right"):
        there = scene.rectifier.points(views[side].xy, side)
        assert scene.seen[side].xy[known] == pytest.approx(there[known], abs=1e-3)


def test_an_exact_detector_is_exact_and_joints_outside_do_not_count(recording: Path) -> None:
    tally = measure_recorded([recording], lambda path: build("replay", str(path)), named="exact", on_scene=str)
    assert {row.noise for row in tally.sums} == {*NOISES, "exact"}
    with open_recording(recording) as opened:
        scene = recorded_scene(opened)
    row = Row("recorded", "exact", "17", "all", "plain")
    found, count = tally.figures(row), tally.sums[row]["cut-off"][0]
    assert found.mean.value < 1e-5 and found.given == 1 and count == np.isfinite(scene.xyz[..., 0]).sum()
    parts = [tally.sums[row._replace(seen=seen)]["cut-off"][0] for seen in ("visible", "hidden")]
    assert sum(parts) == count and min(parts) > 0
    for noise, size in (("3 px, rho .5", 3.0), ("1 px, rho .5", 1.0)):
        assert 0.01 * size < tally.figures(row._replace(noise=noise)).mean.value < 0.12 * size


def test_the_command_takes_recordings(run, recording: Path, tmp_path: Path) -> None:
    part = tmp_path / "part.json"
    words = ("benchmark", "refinement", "--recording", recording)
    code, out, err = run(*words, "--detector", "replay", "--every", 3, "-o", part)
    assert code == 0 and "cut-off" in err and "| recorded | a simulated detector (replay) | 13 | all | frame |" in out
    assert Tally.merged([json.loads(part.read_text())]).sums[Row("recorded", "2 px, rho 0", "13", "all", "frame")]
    assert run("benchmark", "refinement", "--detector", "replay")[0] == 2


def test_a_recording_without_labels_is_refused(recording: Path, tmp_path: Path) -> None:
    bare = Path(shutil.copy(recording, tmp_path))
    with h5py.File(bare, "a") as file:
        del file["labels"]
    with open_recording(bare) as opened, pytest.raises(InputError, match="labels"):
        recorded_scene(opened)


def test_the_other_renderer_draws_the_same_infant(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = scenes._simulation
    monkeypatch.setattr(scenes, "_simulation", lambda seed, kind: small(whole(seed, kind), BY))
    quick, traced = (synthetic_scene(95, every=60, renderer=r) for r in ("quick", "traced"))
    assert np.array_equal(quick.xyz, traced.xyz) and quick.frames == traced.frames == [0, 60]
    one, other = (next(s.pairs()).images.left for s in (quick, traced))
    assert one.shape == other.shape and (one != other).mean() > 0.5
    assert (quick.hidden == traced.hidden).mean() > 0.7 and traced.hidden.shape == (2, 17)
    with pytest.raises(UsageError, match="traced"):
        measure(Plan(1, 95, 60, ("usual",), renderer="traces"), on_scene=str)


@pytest.mark.parametrize("given, told", [(("--detector", "darkpose"), "own"), (("--detector", "replay"), None), ((), None)])
def test_the_command_refines_by_the_systematic_error_of_the_detector(monkeypatch, tmp_path, given, told):
    heard = {}
    monkeypatch.setattr(refinement, "measure_recorded", lambda *a, **fields: heard.update(fields) or Tally())
    found = CliRunner().invoke(app, ["benchmark", "refinement", "--recording", str(tmp_path / "none.h5"), *given])
    assert found.exit_code == 0, found.output
    systematic = heard.get("systematic")
    assert systematic is None if told is None else not systematic.supposed and (systematic.across > 0).any()
