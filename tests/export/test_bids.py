"""Motion-BIDS, judged by the official validator and read back as tables."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from gapped import LOST, gapped, rows
from test_storage import RIG, poses3d

from stereo3d.errors import InputError, UsageError
from stereo3d.export import export

STEM = "sub-07/motion/sub-07_task-gma_tracksys-stereo3d"


def validator() -> str:
    beside = Path(sys.executable).with_name("bids-validator-deno")
    found = str(beside) if beside.exists() else shutil.which("bids-validator-deno")
    return found or pytest.skip("bids-validator-deno is not installed")


def test_the_validator_finds_no_error(tmp_path: Path) -> None:
    program = validator()
    export(gapped(), tmp_path / "study" / "sub-07", "bids")
    export(poses3d(30, RIG), tmp_path / "study" / "sub-08", "bids")
    out = subprocess.run(
        [program, "--format", "json", str(tmp_path / "study")], capture_output=True, text=True, check=False
    )
    found = json.loads(out.stdout)
    assert [i for i in found["issues"]["issues"] if i["severity"] == "error"] == [] and out.returncode == 0
    assert sorted(found["summary"]["subjects"]) == ["07", "08"] and found["summary"]["modalities"] == ["motion"]


def test_the_validator_would_find_one(tmp_path: Path) -> None:
    program = validator()
    export(gapped(), tmp_path / "study" / "sub-07", "bids")
    sidecar = tmp_path / "study" / f"{STEM}_motion.json"
    sidecar.write_text(sidecar.read_text().replace('"TaskName"', '"Name"'))
    assert subprocess.run([program, str(tmp_path / "study")], capture_output=True, check=False).returncode != 0


def test_joints_come_back(tmp_path: Path) -> None:
    poses = gapped()
    export(poses, tmp_path / "sub-07", "bids")
    channels = pd.read_csv(tmp_path / f"{STEM}_channels.tsv", sep="\t", keep_default_na=False)
    motion = pd.read_csv(tmp_path / f"{STEM}_motion.tsv", sep="\t", header=None, names=channels.name, na_values="n/a")
    places = motion[channels.name[channels.type == "POS"]].to_numpy().reshape(len(motion), -1, 3)
    np.testing.assert_allclose(places[rows(poses)], poses.xyz, rtol=1e-6)
    assert np.isnan(places[list(LOST)]).all()
    np.testing.assert_allclose(motion.time[rows(poses)], poses.time, atol=1e-6)
    np.testing.assert_allclose(motion.nose_score[rows(poses)], poses.score[:, 0], rtol=1e-6)
    assert set(channels.units[channels.type == "POS"]) == {"m"}
    assert channels.component[channels.type == "POS"].tolist() == ["x", "y", "z"] * 17


def test_the_sidecar_counts_right(tmp_path: Path) -> None:
    export(gapped(), tmp_path / "sub-07", "bids")
    about = json.loads((tmp_path / f"{STEM}_motion.json").read_text())
    channels = pd.read_csv(tmp_path / f"{STEM}_channels.tsv", sep="\t")
    for kind in ("POS", "MISC", "LATENCY"):
        assert about[f"{kind}ChannelCount"] == (channels.type == kind).sum()
    assert about["MotionChannelCount"] == len(channels) and about["SamplingFrequency"] == 30
    assert about["RecordingDuration"] == pytest.approx(11 / 30)
    assert about["SubjectArtefactDescription"].startswith("27.3%")


def test_a_study_keeps_what_it_has(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("ours")
    export(poses3d(3), tmp_path / "sub-07", "bids")
    before = {f: f.read_bytes() for f in tmp_path.rglob("*") if f.is_file()}
    with pytest.raises(InputError, match="is already there; remove it or choose another label"):
        export(poses3d(4), tmp_path / "sub-07", "bids")
    assert {f: f.read_bytes() for f in tmp_path.rglob("*") if f.is_file()} == before
    assert (tmp_path / "README").read_text() == "ours"


@pytest.mark.parametrize("name", ["study", "sub-", "sub-0 7", "sub-07.tsv"])
def test_the_folder_names_the_subject(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected the subject's folder, such as study/sub-07"):
        export(poses3d(3), tmp_path / name, "bids")


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        export(poses3d(3), tmp_path / "file" / "sub-07", "bids")


def test_one_frame_has_a_rate(tmp_path: Path) -> None:
    export(dataclasses.replace(poses3d(1)), tmp_path / "sub-07", "bids")
    assert json.loads((tmp_path / f"{STEM}_motion.json").read_text())["SamplingFrequency"] == 1
