"""Several processes: the first makes what is learned from, all come to the same weights."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

SCRIPT = """
import json
import sys
from pathlib import Path

import torch
from dotted import annotated
from stereo3d.training.loop import train
from stereo3d.training.recipe import Network, Recipe, Training
from stereo3d.training.samples import cut
from stereo3d.training.world import World

torch.set_num_threads(1)
folder, made = Path(sys.argv[1]), []
recipe = Recipe(Network("hrnet_w16", (32, 32)), training=Training(epochs=2, batch=4, precision="fp32", device="cpu"))
with World() as world:
    with world.in_turn():
        samples = cut(folder / "samples", annotated(16, (64, 64)), (32, 32), made.append)
        there = sorted((p.name, p.stat().st_mtime_ns) for p in (folder / "samples").iterdir())
    reports, seen = [], []
    best = train(recipe, samples, samples, folder / "run", on_epoch=reports.append, on_step=seen.append)
    told = [None, None]
    torch.distributed.all_gather_object(told, (there, len(reports), sum(seen), world.told(world.rank)))
    if world.first:
        print(json.dumps(told))
        assert best.is_file()
"""


def test_two_processes_share_the_work(tmp_path: Path) -> None:
    script = tmp_path / "two.py"
    script.write_text(SCRIPT)
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    run = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr[-3000:]
    first, second = json.loads(run.stdout)
    assert first[0] == second[0] and len(first[0]) == 2, "what the first has made, the second finds"
    assert (first[1], second[1]) == (2, 0), "the first alone measures and speaks"
    assert first[2] == second[2] == 2 * 16 and first[3] == second[3] == 0
