"""How many CPU seconds the report on an hour of poses takes, and how many MB its page has.

    python benchmarks/report.py [--frames 108000] [--repeats 1] [--json] [--keep PAGE.html]

An hour of 30 frames a second and 17 joints that move and err at random: 5 % missed, 1 % far off, some filled in, two
holes in the recording. With its exact truth and without it, all in this one process on one thread. Beside it in the
same run: reading the same poses from a file, which no report can do without. CPU seconds, the least of the repeats.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
import time
import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from stereo3d import storage
from stereo3d.cameras import RectifiedCamera
from stereo3d.poses import Poses3D, Status
from stereo3d.skeleton import COCO_17
from stereo3d.stereo import Stereo
from stereo3d.synthetic.scene import simulate
from stereo3d.visual.page import build

CAMERA = RectifiedCamera((1280, 720), 530.0, Stereo(640.0, 636.0), 360.0, 0.12)
SECONDS, MEGABYTES = 30.0, 15.0
"""For an hour."""


def hour(frames: int) -> tuple[Poses3D, Poses3D]:
    """Poses as a detector gives them, and their truth."""
    rng = np.random.default_rng(0)
    k, clock = len(COCO_17), np.arange(frames, dtype=np.int64)
    clock = clock + 300 * (clock > frames // 3) + 9000 * (clock > frames // 2)
    phase = rng.uniform(0, 2 * np.pi, (k, 3))
    rest = simulate(3, 0.1).truth.xyz[0]
    truth = rest + 0.01 * np.sin(phase + rng.uniform(0.5, 3, (k, 3)) * clock[:, None, None] / 30)
    sigma = np.full(truth.shape, 1.0) * [0.003, 0.003, 0.02]
    xyz = truth + sigma * rng.normal(size=truth.shape)
    far = rng.random((frames, k)) < 0.01
    xyz[far] += rng.normal(scale=0.2, size=(int(far.sum()), 3))
    status, missed = np.zeros((frames, k), np.int64), rng.random((frames, k)) < 0.05
    status[missed] = rng.choice([Status.MISSING_LEFT, Status.ROW_MISMATCH, Status.OUTLIER, Status.JUMP], missed.sum())
    status[~missed & (rng.random((frames, k)) < 0.02)] = Status.FILLED
    xyz[missed] = np.nan
    residual = rng.normal(scale=2.0, size=(frames, k))
    known = Poses3D(truth, np.ones((frames, k)), np.zeros_like(truth), np.zeros((frames, k)),
                    np.zeros((frames, k), np.int64), clock / 30, clock, COCO_17, CAMERA)  # fmt: skip
    return dataclasses.replace(known, xyz=xyz, sigma=sigma, residual=residual, status=status), known


def cpu_seconds(work: Callable[[], object], repeats: int) -> float:
    return min(timeit.repeat(work, repeat=repeats, number=1, timer=time.process_time))


def measure(frames: int, repeats: int, keep: Path | None = None) -> dict[str, Any]:
    poses, truth = hour(frames)
    with tempfile.TemporaryDirectory() as folder:
        stored = storage.write(Path(folder) / "poses.h5", poses=poses)
        reading = cpu_seconds(lambda: storage.read(stored, "poses"), repeats)
    pages: dict[str, str] = {}
    seconds = {
        "reading the poses": reading,
        "report": cpu_seconds(lambda: pages.update(bare=build.page(poses)), repeats),
        "report with a truth": cpu_seconds(lambda: pages.update(judged=build.page(poses, truth=truth)), repeats),
    }
    if keep:
        keep.write_text(pages["judged"], encoding="utf-8")
    size, share = len(pages["judged"].encode()) / 1e6, frames / 108_000
    out: dict[str, Any] = {"frames": frames, "cpu_s": seconds, "page_mb": size}
    out["report_is_reading_times"] = seconds["report with a truth"] / reading
    out["target_met"] = bool(seconds["report with a truth"] < SECONDS * max(share, 0.1) and size < MEGABYTES)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=108_000)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--keep", type=Path, help="where to put the page, to look at")
    options = parser.parse_args()
    measured = measure(options.frames, options.repeats, options.keep)
    if options.json:
        json.dump(measured, sys.stdout, indent=1)
        return
    print(f"{measured['frames']} frames of {len(COCO_17)} joints; target: {SECONDS:g} CPU s, {MEGABYTES:g} MB an hour")
    for name, seconds in measured["cpu_s"].items():
        print(f"  {name:24} {seconds:7.2f} CPU s")
    print(f"  the page has {measured['page_mb']:.1f} MB; the report takes "
          f"{measured['report_is_reading_times']:.0f} times as long as reading the poses")  # fmt: skip
    print("target met" if measured["target_met"] else "target missed")


if __name__ == "__main__":
    main()
