"""stereo3d benchmark runtimes, and --runtime, as a user types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from stereo3d.detectors import tuning
from stereo3d.models.efficientpose import HEAD, EfficientPose

SAMPLE = Path(__file__).parents[2] / "sample_data" / "infant.h5"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """run(words...) -> (exit code, standard output, standard error), on a machine that remembers nothing."""
    monkeypatch.setenv("STEREO3D_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(tuning, "offered", lambda _: ["torch", "torch-bf16"])
    return run


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """EfficientPose RT that nobody trained, sure of everything."""
    torch.manual_seed(0)
    state = EfficientPose("RT").state_dict()
    state[HEAD.replace("weight", "bias")] = torch.ones(16)
    path = tmp_path_factory.mktemp("weights") / "efficientpose_rt.pth"
    torch.save(state, path)
    return path


def test_runtimes_are_measured_on_a_recording_and_the_best_is_remembered(run: Run, weights: Path) -> None:
    words = [SAMPLE, "--detector", "efficientpose", "--weights", weights, "--roi", "320,180,300", "--no-flip",
             "--threads", "1", "--device", "cpu"]
    code, out, err = run("benchmark", "runtimes", *words)
    assert code == 0, err
    header, *rows, last = out.splitlines()
    assert header.split() == ["RUNTIME", "PAIRS/S", "HOURS/HOUR", "JOINTS", "MOVE"] and len(rows) == 2
    assert all(row.endswith(" px") for row in rows) and last.startswith("--runtime auto takes torch")
    assert len(list(Path("cache").glob("*.json"))) == 1
    code, out, err = run("benchmark", "runtimes", *words, "--json", "--fps", "60")
    told = json.loads(out)
    assert told["fps"] == 60 and {row["runtime"] for row in told["runtimes"]} == {"torch", "torch-bf16"}
    row = told["runtimes"][0]
    assert row["hours"] == pytest.approx(60 / row["pairs"]) and told["auto"] in ("torch", "torch-bf16")


def test_on_a_recording_the_weights_in_the_box_are_measured(run: Run) -> None:
    code, out, err = run("benchmark", "runtimes", SAMPLE, "--roi", "320,180,300", "--no-flip", "--threads", "1", "--device", "cpu")
    assert code == 0, err
    header, *rows, last = out.splitlines()
    assert len(rows) == 2 and all(row.endswith(" px") for row in rows) and last.startswith("--runtime auto takes torch")


@pytest.mark.parametrize(("words", "sentence"), [
    (["--detector", "darkpose"], "--detector: needs --weights to be measured"),
    (["--detector", "movenet", "--weights", "x"], "expected darkpose, hrnet, fidip or efficientpose, got movenet"),
])
def test_what_cannot_be_measured_is_told(run: Run, words: list[str], sentence: str) -> None:
    code, out, err = run("benchmark", "runtimes", *words)
    assert code == 2 and sentence in err and not out


def test_a_run_says_which_runtime_it_had(run: Run, weights: Path) -> None:
    options = ["--detector", "efficientpose", "--weights", weights, "--roi", "320,180,300", "--stop", "0.1",
               "--set", "detect.flip=false", "--set", "detect.threads=1", "--set", "detect.device=cpu"]
    code, _, err = run("detect", SAMPLE, *options, "--runtime", "auto", "-o", "joints.h5")
    assert code == 0, err
    said = json.loads(Path("joints.run.json").read_text())
    assert said["runtime"] in ("torch", "torch-bf16") and said["config"]["detect"]["options"]["runtime"] == "auto"
    code, _, err = run("detect", SAMPLE, *options, "--runtime", "torhc", "-o", "other.h5")
    assert code == 2 and "did you mean 'torch'" in err


def test_a_detector_with_one_runtime_says_so(run: Run) -> None:
    code, _, err = run("detect", SAMPLE, "--detector", "replay", "--runtime", "auto", "-o", "joints.h5")
    assert code == 2 and "unknown option of detector 'replay' 'runtime'" in err
