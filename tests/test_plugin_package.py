"""The package of docs/plugins.md, made from the page's own words, installed beside stereo3d and run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "plugins.md"
RUN = """
from functools import partial

import numpy as np
from stereo3d import plugins
from stereo3d.detectors import crops
from stereo3d.detectors.base import build
from stereo3d.detectors.crops import Box
from stereo3d.detectors.look import look

assert "bright-spot" in plugins.names(plugins.DETECTORS)
detector = build("bright-spot", least=40)
picture = np.zeros((300, 400, 3), np.uint8)
picture[118:123, 248:253] = 200
rule = detector.crop
affine = crops.affine(Box(np.array([[240.0, 130.0]]), np.array([[160.0, 160.0]])), rule)
found = look(detector, [partial(crops.warp, picture)], affine)
assert np.abs(found.xy[0, 0] - (250, 120)).max() < 4, found.xy
assert found.score[0, 0] > 0.7 and build("bright-spot", least=250)(np.zeros((1, 128, 128, 3), np.uint8)).score[0, 0] == 0
print("found")
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the package is installed into; what is installed is read off the page."""
    source, target = tmp_path_factory.mktemp("bright-spot"), tmp_path_factory.mktemp("target")
    files = re.findall(r"^`([\w.]+)`\n```\w+\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
    assert [name for name, _ in files] == ["bright_spot.py", "setup.cfg"]
    for name, content in files:
        (source / name).write_text(content, "utf-8")
    assert sum(bool(line.strip()) for line in files[0][1].splitlines()) <= 20, "the page promises a short one"
    (source / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation", "--no-index", "--quiet",
         "--disable-pip-version-check", "--target", str(target), str(source)],
        capture_output=True, text=True, timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return target


def run(installed: Path, *words: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(installed), str(ROOT)])
    return subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths}, timeout=120
    )


def test_the_pages_package_is_found_and_finds(installed: Path) -> None:
    done = run(installed, "-c", RUN)
    assert done.returncode == 0 and done.stdout == "found\n", done.stderr


def test_its_options_are_held_to_its_own_names(installed: Path) -> None:
    done = run(installed, "-c", "from stereo3d.detectors.base import build\nbuild('bright-spot', leats=3)")
    assert done.returncode == 1 and "did you mean 'least'" in done.stderr


def test_the_command_line_knows_it(installed: Path, tmp_path: Path) -> None:
    sample = str(ROOT / "sample_data" / "infant.h5")
    command = "import sys; from stereo3d.cli.app import main; main()"
    words = ["reconstruct", sample, "--detector", "bright-spot", "-o", str(tmp_path / "o.h5"), "--dry-run", "--json"]
    done = run(installed, "-c", command, *words)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["detector"] == "bright-spot"
