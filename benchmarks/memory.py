"""Whether memory grows with a recording's length: the peak of converting and reconstructing a short and a long one.

    python benchmarks/memory.py [--short 1000] [--long 10000] [--jobs NAME ...] [--json]

The recordings are noise of 160 x 90 px, some 10 kB a pair, with the joints of a simulated infant to replay. Each job
runs in a child of its own; its peak resident set is what the kernel says of it, in MB. Ends with 1 where the long one
takes over 50 MB more than the short one.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from stereo3d import pipeline
from stereo3d.config import Config, Detect
from stereo3d.recording.base import open_recording
from stereo3d.recording.convert import convert
from stereo3d.recording.form import Form
from stereo3d.recording.hdf5_writer import RecordingWriter
from stereo3d.stereo import Stereo
from stereo3d.synthetic.scene import Simulation, simulate

SIZE, SHRUNK, FPS, MOST = (160, 90), 8, 30, 50.0
Job = Callable[[Path, Path], object]


def copied(source: Path, target: Path) -> None:
    """Converted, the JPEGs as they are."""
    with open_recording(source) as recording:
        convert(recording, target.with_suffix(".h5"))


def made_anew(source: Path, target: Path) -> None:
    """Converted, every picture decoded and encoded."""
    with open_recording(source) as recording:
        convert(recording, target.with_suffix(".h5"), form=Form(quality=80, reencode=True))


def to_video(source: Path, target: Path) -> None:
    """Converted to H.264."""
    with open_recording(source) as recording:
        convert(recording, target.with_suffix(".mp4"))


def reconstructed(source: Path, target: Path) -> None:
    """Replayed joints to places in space."""
    pipeline.reconstruct(source, target.with_suffix(".h5"), config=Config(Detect("replay")))


JOBS: dict[str, Job] = {
    "convert, JPEGs copied": copied, "convert --quality 80": made_anew, "convert to .mp4": to_video,
    "reconstruct --detector replay": reconstructed,
}


def write(path: Path, scene: Simulation, n: int) -> None:
    """A recording of n pairs of that infant's joints on pictures of noise."""
    noise = np.random.default_rng(0).integers(0, 256, (8, SIZE[1] // 4, SIZE[0] // 4, 3), np.uint8)
    pictures = [cv2.resize(image, SIZE) for image in noise]
    lenses = [
        dataclasses.replace(c, size=SIZE, fx=c.fx / SHRUNK, fy=c.fy / SHRUNK, cx=c.cx / SHRUNK, cy=c.cy / SHRUNK)
        for c in scene.rig.cameras
    ]
    views = scene.detections.map(lambda v: dataclasses.replace(v, xy=v.xy / SHRUNK, sigma=v.sigma / SHRUNK))
    kept = views.map(lambda v: dataclasses.replace(
        v, **{name: getattr(v, name)[:n] for name in ("xy", "score", "sigma", "time", "frame", "others")}
    ))
    rig = dataclasses.replace(scene.rig, cameras=Stereo(*lenses))
    with RecordingWriter(path, SIZE, fps=FPS, rectified=False, rig=rig) as writer:
        for i in range(n):
            writer.append(Stereo(pictures[i % 8], pictures[(i + 1) % 8]), i / FPS)
        writer.annotate(joints=kept)


def peak_of(job: Job, source: Path, target: Path) -> float:
    """MB, the largest resident set of a child that does the job."""
    pid = os.fork()
    if not pid:
        try:
            job(source, target)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status, used = os.wait4(pid, 0)
    if status:
        raise RuntimeError(f"{job.__name__}: its process ended with {os.waitstatus_to_exitcode(status)}")
    return used.ru_maxrss / 1024


def measure(lengths: tuple[int, int], jobs: dict[str, Job], folder: Path) -> list[dict[str, float | str]]:
    """One row for each job: MB at each length, and by how much the second takes more."""
    scene = simulate(5, max(lengths) / FPS, fps=FPS)
    for n in lengths:
        write(folder / f"{n}.h5", scene, n)
    rows: list[dict[str, float | str]] = []
    for name, job in jobs.items():
        short, long = (peak_of(job, folder / f"{n}.h5", folder / f"{job.__name__}{n}") for n in lengths)
        rows.append({"job": name, "short_mb": short, "long_mb": long, "grown_mb": long - short})
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", type=int, default=1000)
    parser.add_argument("--long", type=int, default=10_000)
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=[*JOBS])
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    jobs = {name: JOBS[name] for name in options.jobs}
    with tempfile.TemporaryDirectory() as folder:
        rows = measure((options.short, options.long), jobs, Path(folder))
    if options.json:
        json.dump(rows, sys.stdout, indent=1)
    else:
        print(f"peak resident set, MB{options.short:>18} pairs{options.long:>10} pairs   grown by")
        for row in rows:
            print(f"  {row['job']:30}{row['short_mb']:>10.0f}{row['long_mb']:>16.0f}{row['grown_mb']:>11.0f}")
    return int(any(float(row["grown_mb"]) > MOST for row in rows))


if __name__ == "__main__":
    sys.exit(main())
