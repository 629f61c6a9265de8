"""The README's commands work as printed, and are those of the Makefile."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from stereo3d.cli.app import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```\n(.*?)```", README, re.S) for line in block.splitlines()]
BY_HAND = [line for line in COMMANDS if line.startswith("stereo3d ") and "sample_data" in line or "demo/poses" in line]


def test_the_commands_by_hand_work_and_find_the_infant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From pictures, by the detector in the box: the joints of the body are a centimetre off at most."""
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo").mkdir()
    (tmp_path / "sample_data").symlink_to(ROOT / "sample_data")
    assert len(BY_HAND) == 5
    for line in BY_HAND:
        monkeypatch.setattr(sys, "argv", shlex.split(line))
        with pytest.raises(SystemExit) as leave:
            main()
        assert not leave.value.code, line
    rows = {cells[1].strip(): cells for line in capsys.readouterr().out.splitlines() if len(cells := line.split("|")) > 4}
    assert float(rows["**all**"][2]) > 99, "found %"
    for group in ("shoulders", "elbows", "wrists", "hips", "knees", "ankles"):
        assert float(rows[group][3]) < 1.0, f"{group}: mean cm"
    made = {p.name for p in (tmp_path / "demo").iterdir()}
    assert made == {"poses.h5", "poses.run.json", "poses.csv", "overlay.png", "report.html"}


def test_the_makefile_runs_the_same(tmp_path: Path) -> None:
    demo = (ROOT / "Makefile").read_text().partition("\ndemo:")[2].partition("\n\n")[0]
    made = re.findall(r"\$\(BIN\)/(stereo3d .*)", demo)
    assert [line.split()[1] for line in made] == [line.split()[1] for line in BY_HAND]


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.startswith("stereo3d ")])
def test_every_option_printed_exists(line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    words = shlex.split(line.partition("#")[0])
    monkeypatch.setattr(sys, "argv", ["stereo3d", words[1], "--help"])
    with pytest.raises(SystemExit):
        main()
    shown = capsys.readouterr().out
    assert all(word in shown for word in words if word.startswith("-"))


def test_every_page_linked_is_there() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)", README):
        assert (ROOT / target).exists(), target
