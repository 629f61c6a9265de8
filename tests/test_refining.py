"""Refinement in the recipe: on by default, the same bytes after a crash, and again on a result that is there."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from stereo3d import pipeline, refining, segments, storage
from stereo3d.calibration.rectify import Rectifier
from stereo3d.cameras import StereoRig
from stereo3d.cli.app import main
from stereo3d.config import Config, resolve
from stereo3d.errors import CalibrationError, InputError, UsageError
from stereo3d.evaluation.evaluate import evaluate
from stereo3d.poses import Poses3D, Status
from stereo3d.provenance import provenance_path, read_provenance, write_provenance
from stereo3d.recording.base import open_recording
from stereo3d.refinement import stretches
from stereo3d.refinement.offset_file import read_offsets, write_offsets
from stereo3d.refinement.offsets import Offsets
from stereo3d.refinement.settings import Refine
from stereo3d.triangulation import Gates

SAMPLE = Path(__file__).parents[1] / "sample_data" / "infant.h5"


def settings(**refine: object) -> Config:
    return dataclasses.replace(resolve(None, ["detect.detector=replay"]), refine=Refine(**refine))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The sample reconstructed in each mode, and over time without its pictures."""
    folder = tmp_path_factory.mktemp("results")
    ways = {mode: settings(mode=mode) for mode in ("none", "frame", "clip")} | {"blind": settings(pictures=False)}
    return {name: pipeline.reconstruct(SAMPLE, folder / f"{name}.h5", config=way) for name, way in ways.items()}


def error(path: Path) -> float:
    """m, the mean one."""
    with open_recording(SAMPLE) as recording:
        assert recording.truth is not None
        return evaluate(storage.read(path, "poses"), recording.truth).mean


def command(*words: object) -> int:
    before, sys.argv = sys.argv, ["stereo3d", *map(str, words)]
    try:
        with pytest.raises(SystemExit) as leave:
            main()
    finally:
        sys.argv = before
    return int(leave.value.code or 0)


def test_each_step_lowers_the_error_of_the_sample(results: dict[str, Path]) -> None:
    errors = {name: error(path) for name, path in results.items()}
    assert errors["clip"] < 0.75 * errors["frame"] < 0.75 * 0.6 * errors["none"]
    assert errors["clip"] < 0.8 * errors["blind"] < 0.8 * 0.6 * errors["none"]
    assert errors["clip"] < 0.0065


def test_joints_that_were_lost_have_a_place_and_say_so(results: dict[str, Path]) -> None:
    plain, poses = (storage.read(results[name], "poses") for name in ("none", "clip"))
    lost = ~plain.found
    assert lost.sum() > 10 and poses.found[lost].mean() > 0.9
    changed = int(Status.FILLED | Status.RESCUED | Status.SWAPPED)
    assert ((poses.status[lost & poses.found] & changed) > 0).all()
    counts = pipeline.count_status(results["clip"])
    assert counts["placed"] == poses.found.sum() and counts["filled"] + counts["rescued"] > 10
    shown = pipeline.summary(results["clip"])
    assert shown["found"] == "100.0 %" and set(shown["changed"]) <= {"filled", "rescued", "swapped"}


def test_what_was_done_is_written_down(results: dict[str, Path]) -> None:
    for name, method in (("frame", "frame"), ("clip", "clip")):
        origin = storage.read(results[name], "poses").origin
        assert origin["refined"]["method"] == method and origin["config"]["refine"]["mode"] == name
        about = read_provenance(results[name]) or {}
        assert {"match", "refine"} <= set(about["cpu_seconds_of_last_run"])
    origin = storage.read(results["clip"], "poses").origin["refined"]
    assert any("45 frames: too few" in note for note in origin["notes"])
    assert "refined" not in storage.read(results["none"], "poses").origin
    assert "surface" not in storage.read(results["blind"]) and "surface" in storage.read(results["clip"])


def test_interrupted_while_refining_the_bytes_are_the_same(
    tmp_path: Path, results: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "put_refined", die)
    with pytest.raises(KeyboardInterrupt):
        pipeline.reconstruct(SAMPLE, tmp_path / "clip.h5", config=settings())
    assert not (tmp_path / "clip.h5").exists()
    monkeypatch.undo()
    looked: list[object] = []
    monkeypatch.setattr(pipeline, "Looking", lambda *a: looked.append(a))
    out = pipeline.reconstruct(SAMPLE, tmp_path / "clip.h5", config=settings(), unfinished="resume")
    assert out.read_bytes() == results["clip"].read_bytes() and not looked


def test_segments_make_no_difference_to_speak_of(
    tmp_path: Path, results: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "LENGTH", 10)
    cut = storage.read(pipeline.reconstruct(SAMPLE, tmp_path / "cut.h5", config=settings()), "poses")
    away = np.linalg.norm(cut.xyz - storage.read(results["clip"], "poses").xyz, axis=-1)
    assert np.nanmean(away) < 0.001


def test_stretches_make_no_difference_to_speak_of(results: dict[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    whole = storage.read(results["clip"], "poses")
    monkeypatch.setattr(stretches, "LENGTH", 23)
    monkeypatch.setattr(stretches, "MARGIN", 8)
    cut = storage.read(refining.refine_file(results["clip"], tmp_path / "cut.h5"), "poses")
    assert cut.frame.tolist() == whole.frame.tolist() and cut.origin["refined"]["stretches"] == 2
    away = np.linalg.norm(cut.xyz - whole.xyz, axis=-1)
    assert 0 < np.nanmean(away) < 0.01, "stretches of a second know little; those of ten minutes lack nothing"
    assert error(tmp_path / "cut.h5") < 1.6 * error(results["clip"])


def test_a_pair_that_cannot_be_rectified_stays_as_triangulated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with open_recording(SAMPLE) as recording:
        rig = recording.rig
    assert isinstance(rig, StereoRig)
    turn = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    crossed = dataclasses.replace(rig, rotation=turn, translation=np.array([0.0, 0.0, 1.0]))
    assert isinstance(Rectifier(crossed).camera, StereoRig)
    run = pipeline._Run(SAMPLE, crossed, settings(), None)
    assert run.mode == "none" and "cannot be rectified" in run.origin["refined"]["notes"][0]


def test_a_result_refined_again_is_what_reconstruct_makes(tmp_path: Path, results: dict[str, Path]) -> None:
    wanted = storage.read(results["clip"], "poses")
    for name, given in (("clip", {}), ("none", {"recording": SAMPLE})):
        opened = {k: open_recording(v) for k, v in given.items()}
        out = storage.read(refining.refine_file(results[name], tmp_path / f"{name}.h5", **opened))
        away = np.linalg.norm(out["poses"].xyz - wanted.xyz, axis=-1)
        assert np.nanmean(away) < 0.0005 and out["surface"].frame.tolist() == list(range(45))
    blind = storage.read(refining.refine_file(results["none"], tmp_path / "blind.h5"), "poses")
    np.testing.assert_allclose(blind.xyz, storage.read(results["blind"], "poses").xyz, atol=1e-9)
    plain = refining.refine_file(results["clip"], tmp_path / "plain.h5", settings=Refine(mode="none"))
    np.testing.assert_array_equal(storage.read(plain, "poses").xyz, storage.read(results["none"], "poses").xyz)


def test_gates_hold_in_the_refinement_too(tmp_path: Path, results: dict[str, Path]) -> None:
    near = refining.refine_file(results["clip"], tmp_path / "near.h5", gates=Gates(depth=(0.1, 0.3)))
    poses = storage.read(near, "poses")
    assert not poses.found.any()
    assert ((poses.status & int(Status.DEPTH_RANGE)) > 0).mean() > 0.9
    strict = refining.refine_file(results["blind"], tmp_path / "strict.h5", gates=Gates(score=0.9), settings=Refine(gap=0.0))
    poses = storage.read(strict, "poses")
    low = poses.score < 0.9
    assert low.sum() > 20 and not poses.found[low].any() and ((poses.status[low] & int(Status.LOW_SCORE)) > 0).all()


def test_what_does_not_belong_together_is_a_sentence(tmp_path: Path, results: dict[str, Path]) -> None:
    with pytest.raises(InputError, match="expected a result with left, right and camera"):
        refining.refine_file(storage.write(tmp_path / "one.h5", camera=storage.read(results["clip"], "camera")), tmp_path / "o.h5")
    with open_recording(SAMPLE) as recording:
        assert isinstance(recording.rig, StereoRig)
        other = dataclasses.replace(recording.rig, translation=recording.rig.translation * 1.1)
        with pytest.raises(CalibrationError, match="another calibration"):
            refining.refine_file(results["clip"], tmp_path / "o.h5", recording=recording, rig=other)
        values = storage.read(results["none"])
        later = {n: dataclasses.replace(values[n], frame=values[n].frame + 10) for n in ("left", "right")}
        shifted = storage.write(tmp_path / "later.h5", camera=values["camera"], **later)
        with pytest.raises(UsageError, match="has 45 pairs, the result frames up to 54"):
            refining.refine_file(shifted, tmp_path / "o.h5", recording=recording)
    with pytest.raises(UsageError, match="unknown mode of refinement 'klip'"):
        Refine(mode="klip")
    assert not (tmp_path / "o.h5").exists()


def test_depths_are_learned_from_annotated_frames(tmp_path: Path, results: dict[str, Path]) -> None:
    with open_recording(SAMPLE) as recording:
        path = refining.fit_offsets_to(results["none"], SAMPLE, tmp_path / "own.json", recording=recording)
    own = read_offsets(path)
    assert own != Offsets.default() and own.kinds == Offsets.default().kinds
    again = refining.refine_file(results["frame"], tmp_path / "own.h5", settings=Refine("frame", offsets=str(path)))
    assert error(again) < error(results["frame"])
    assert storage.read(again, "poses").origin["refine"]["settings"]["offsets"] not in (None, str(path))


def test_offsets_come_back_and_other_files_are_refused(tmp_path: Path) -> None:
    assert read_offsets(write_offsets(tmp_path / "a.json", Offsets.default())) == Offsets.default()
    for text in ("{}", "[1]", "no", '{"joints": {"nose": {"depth": 1}}}', '{"joints": []}', '{"joints": {"nose": 3}}'):
        (tmp_path / "b.json").write_text(text)
        with pytest.raises(InputError, match="expected depths below the skin"):
            read_offsets(tmp_path / "b.json")


def test_the_command_refines(tmp_path: Path, results: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.h5"
    assert command("refine", results["none"], "--recording", SAMPLE, "-o", out, "--json") == 0
    assert json.loads(capsys.readouterr().out)["found"] == "100.0 %"
    assert command("refine", results["clip"], "-o", out, "--refine", "frame") == 0
    assert storage.read(out, "poses").origin["refined"]["method"] == "frame"
    assert command("refine", results["none"], "--recording", SAMPLE, "-o", out, "--fit-offsets", SAMPLE) == 0
    assert read_offsets(tmp_path / "out.offsets.json").kinds
    capsys.readouterr()
    assert command("refine", results["none"], "-o", out, "--fit-offsets", SAMPLE) == 2
    assert "expected --recording too" in capsys.readouterr().err
    assert command("refine", results["none"], "-o", out, "--refine", "all") == 2
    assert command("reconstruct", SAMPLE, "--detector", "replay", "--refine", "none", "-o", out) == 0
    poses = storage.read(out, "poses")
    assert isinstance(poses, Poses3D) and not (poses.status & int(Status.FILLED)).any()


def test_joints_without_poses_are_refined_by_the_systematic_error_of_who_found_them(results: dict[str, Path], tmp_path: Path) -> None:
    values, told = storage.read(results["blind"]), {}
    joints = tmp_path / "joints.h5"
    storage.write(joints, **{name: values[name] for name in ("left", "right", "camera")})
    for detector in ("replay", "darkpose"):
        write_provenance(joints, {"config": {"detect": {"detector": detector}}, "weights_sha256": "0" * 64})
        told[detector] = storage.read(refining.refine_file(joints, tmp_path / f"{detector}.h5"), "poses")
    refined = {detector: poses.origin["refined"] for detector, poses in told.items()}
    assert not refined["replay"]["systematic"] and refined["darkpose"]["systematic"]
    assert any("supposed after another's" in note for note in refined["darkpose"]["notes"])
    assert np.nanmedian(told["darkpose"].sigma) > 1.1 * np.nanmedian(told["replay"].sigma)
    provenance_path(joints).unlink()
    assert not storage.read(refining.refine_file(joints, tmp_path / "none.h5"), "poses").origin["refined"]["systematic"]
    provenance_path(joints).write_text("{broken")
    with pytest.raises(InputError, match=r"joints\.run\.json: expected the provenance as JSON, .*move the file away"):
        refining.refine_file(joints, tmp_path / "broken.h5")
