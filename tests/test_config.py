"""Defaults, then the file, then --set; wrong names get the nearest right one."""

from __future__ import annotations

from pathlib import Path

import pytest

from stereo3d.config import Config, resolve, update
from stereo3d.errors import InputError, UsageError


def test_defaults() -> None:
    assert resolve() == Config()
    assert Config().detect.detector == "darkpose"


def test_file_then_assignments(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text('[detect]\nbatch = 4\nroi = [1, 2, 3]\nflip = true\n[triangulate]\nrow = 7\n')
    config = resolve(tmp_path / "c.toml", ["triangulate.row=9.5", "detect.detector=replay", "detect.device='cpu'"])
    assert config.detect.batch == 4 and config.detect.roi == (1, 2, 3)
    assert config.detect.options == {"flip": True, "device": "cpu"}
    assert config.detect.detector == "replay" and config.triangulate.row == 9.5


@pytest.mark.parametrize("assignment, sentence", [
    ("triangulat.row=1", "unknown stage 'triangulat': did you mean 'triangulate'?"),
    ("triangulate.rows=1", r"unknown setting of \[triangulate\] 'rows': did you mean 'row'?"),
    ("row=1", "expected stage.key=value"),
    ("triangulate.row", "expected stage.key=value"),
])
def test_wrong_assignments(assignment: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence.replace("?", r"\?")):
        resolve(None, [assignment])


@pytest.mark.parametrize("text, sentence", [
    ("detect = 3", r"expected settings in a stage such as \[detect\], got detect = 3"),
    ("[detect", "expected a TOML file"),
])
def test_wrong_files(text: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(InputError, match=sentence):
        resolve(tmp_path / "c.toml")
    with pytest.raises(InputError, match="expected a TOML file"):
        resolve(tmp_path / "none.toml")


def test_options_add_up() -> None:
    config = update(update(Config(), "detect", {"flip": True}), "detect", {"device": "cpu", "batch": 2})
    assert config.detect.options == {"flip": True, "device": "cpu"} and config.detect.batch == 2
    assert config.to_dict()["detect"]["options"] == {"flip": True, "device": "cpu"}
