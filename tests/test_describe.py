"""`stereo3d info`: what a file holds, whatever it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_storage import RIG, poses2d, poses3d

from stereo3d import describe, storage
from stereo3d.calibration.files import write_rig
from stereo3d.errors import InputError

SAMPLE = Path(__file__).parents[1] / "sample_data" / "infant.h5"


def test_installation_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(describe.importlib.util, "find_spec", lambda name: None if name == "open3d" else object())
    facts = describe.installation()
    assert facts["missing"] == {"open3d": "pip install 'stereo3d[view]'"}
    assert "darkpose" in facts["detectors"] and "hdf5" in facts["recordings"]
    monkeypatch.setattr(describe.importlib.util, "find_spec", lambda name: object())
    assert describe.installation()["missing"] == "nothing"


def test_results(tmp_path: Path) -> None:
    path = storage.write(tmp_path / "x.h5", poses=poses3d(3), left=poses2d(2), rig=RIG, skeleton=poses2d(1).skeleton)
    facts = describe.file(path)
    assert facts["poses"] == {"frames": 3, "skeleton": "COCO-17", "joints found": "100.0 %"}
    assert facts["left"] == {"frames": 2, "skeleton": "COCO-17"}
    assert facts["rig"]["baseline"] == pytest.approx(RIG.baseline)
    assert facts["skeleton"] == {"class": "Skeleton"}


def test_rigs_and_recordings(tmp_path: Path) -> None:
    write_rig(tmp_path / "rig.json", RIG)
    assert describe.file(tmp_path / "rig.json")["size"] == [1280, 720]
    facts = describe.file(SAMPLE)
    assert facts["truth"] == {"frames": 45, "skeleton": "COCO-17"} and json.dumps(facts)


def test_anything_else_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.bin").write_bytes(b"hello")
    with pytest.raises(InputError, match="expected a recording of a known kind"):
        describe.file(tmp_path / "x.bin")
