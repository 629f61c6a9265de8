"""Killed with kill -9 at random moments, and resumed, convert and reconstruct end in the same bytes.

    STEREO3D_KILLS=200 pytest tests/crash        # how many kills; `make crash`
"""

from __future__ import annotations

import dataclasses
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stereo3d.journal import parts_of
from stereo3d.recording.hdf5_writer import RecordingWriter
from stereo3d.stereo import Stereo
from stereo3d.synthetic.scene import simulate

KILLS = int(os.environ.get("STEREO3D_KILLS", "52"))
N_FRAMES, N_PARTS = 23, 5
SIZE = (160, 90)

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="fork and kill -9 are POSIX's")


class Jobs:
    """The process that forks a child for each job."""

    def __init__(self, source: Path, log: Path) -> None:
        command = [sys.executable, str(Path(__file__).with_name("crashing.py")), str(source), str(log)]
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | threads
        )

    def __call__(self, job: str, target: Path, **order: Any) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"job": job, "target": str(target), "resume": True, **order}) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of few small pictures, with a rig and joints to replay."""
    scene = simulate(3, N_FRAMES / 15, fps=15)
    lens = [dataclasses.replace(c, size=SIZE, fx=c.fx / 8, fy=c.fy / 8, cx=c.cx / 8, cy=c.cy / 8) for c in scene.rig.cameras]
    joints = scene.detections.map(lambda view: dataclasses.replace(view, xy=view.xy / 8, sigma=view.sigma / 8))
    path, rng = tmp_path_factory.mktemp("crash") / "source.h5", np.random.default_rng(0)
    rig = dataclasses.replace(scene.rig, cameras=Stereo(*lens))
    with RecordingWriter(path, SIZE, fps=15, rectified=False, rig=rig) as writer:
        for i in range(N_FRAMES):
            writer.append(Stereo(*rng.integers(0, 256, (2, *SIZE[::-1], 3), np.uint8)), i / 15)
        writer.annotate(joints=joints)
    return path


@pytest.fixture
def jobs(source: Path, tmp_path: Path) -> Iterator[Jobs]:
    started = Jobs(source, tmp_path / "log")
    yield started
    started.close()


def orders(rng: random.Random, touches: int) -> Iterator[dict[str, Any]]:
    """Where to kill next: mostly at a touch of the disk, in every third case in the middle of a write, or by time."""
    while True:
        if rng.random() < 0.25:
            yield {"after": rng.uniform(0, 0.25)}
        else:
            yield {"kill_at": rng.randint(1, touches), "torn": rng.random() < 0.33}


@pytest.mark.slow
@pytest.mark.parametrize("job", ["convert", "reconstruct"])
def test_killed_at_random_moments_and_resumed_no_byte_is_wrong(
    job: str, jobs: Jobs, source: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    before = source.read_bytes()
    whole = jobs(job, tmp_path / "whole.h5")
    assert whole == {"ended": 0, "touches": whole["touches"], "parts": N_PARTS} and whole["touches"] > 40
    wanted = (tmp_path / "whole.h5").read_bytes()
    kills, began, finished, where = 0, 0, 0, orders(random.Random(f"{job} 1"), whole["touches"])
    target = tmp_path / "out" / "out.h5"
    target.parent.mkdir()
    while kills < KILLS // 2:
        answer = jobs(job, target, **next(where))
        began += answer["parts"]
        kills += answer["ended"] == "killed"
        assert answer["ended"] in ("killed", 0)
        assert not target.exists() or target.read_bytes() == wanted
        if answer["ended"] == 0 or (target.exists() and not parts_of(target).exists()):
            finished += 1
            check_finished(target, wanted, job)
    if not target.exists():
        answer = jobs(job, target)
        assert answer["ended"] == 0
        began, finished = began + answer["parts"], finished + 1
        check_finished(target, wanted, job)
    assert began <= N_PARTS * finished + kills, "a kill costs the part in hand and no other"
    assert finished > 1 and source.read_bytes() == before


def check_finished(target: Path, wanted: bytes, job: str) -> None:
    """Nothing but the right bytes is there; all of it goes, for the next round."""
    assert target.read_bytes() == wanted
    left = {p.name for p in target.parent.iterdir()}
    assert left == {"out.h5", "out.run.json"} if job == "reconstruct" else left == {"out.h5"}, left
    for path in target.parent.iterdir():
        path.unlink()
