"""The refinement over time: CPU seconds and memory for an hour, and what it is worth without any picture.

    python benchmarks/refinement_clip.py [--frames 108000] [--infants 12] [--seconds 2.5] [--first 31000] [--json]

First an hour of 30 frames a second and 17 joints (two simulated minutes there and back again, 3 px of mixed noise, 3 %
gross errors a view, a match beside), refined in the stretches of minutes that `reconstruct` takes: smoothing and
bones, on one thread, with the peak of memory over that of the joints themselves. Then clips of other infants whose
detector's errors are half white, a quarter slow, a quarter constant: mean 3D error frame by frame and over time, the
share of errors within one and two standard deviations, and path length and jerk (LDLJ) beside the truth's. The clips
have no pictures, so nothing here is matched; `stereo3d benchmark refinement` renders them. All of it is synthetic.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import resource
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from stereo3d.benchmark.movement import summed_up, tracks
from stereo3d.calibration.rectify import Rectifier
from stereo3d.detectors.replay import rectified
from stereo3d.poses import Poses2D, Poses3D
from stereo3d.refinement.clip import clip
from stereo3d.refinement.evidence import Evidence, evidence
from stereo3d.refinement.frame import refine_frames
from stereo3d.refinement.stretches import in_stretches
from stereo3d.stereo import Stereo
from stereo3d.synthetic.noise import DetectorNoise
from stereo3d.synthetic.scene import simulate
from stereo3d.triangulation import triangulate
from stereo3d.values import Floats, rows_of

TARGET = 60.0
"""CPU seconds for smoothing and bones of an hour."""
NOISES = {f"{s} px, rho .5, 3 % outliers": DetectorNoise.mixed(s, correlation=0.5, outliers=0.03) for s in (3, 2, 1)}
FPS = 30.0


def there_and_back(view: Poses2D, n: int) -> Poses2D:
    """The view again and again, every second time backwards, so that nothing leaps."""
    size = len(view)
    at = np.arange(n) % (2 * size)
    rows = np.minimum(at, 2 * size - 1 - at)
    return dataclasses.replace(rows_of(view, rows), time=np.arange(n) / FPS, frame=np.arange(n))


def with_match(found: Evidence) -> Evidence:
    """With a match of .85 px, as slow as the detectors' own disparity is: what it says is of no account here."""
    return dataclasses.replace(found, matched=found.place[..., 2], matched_sigma=np.full(found.score.shape, 0.85))


def hour(frames: int) -> dict[str, Any]:
    """What an hour costs."""
    scene = simulate(7, 120.0, noise=NOISES["3 px, rho .5, 3 % outliers"])
    rectifier = Rectifier(scene.rig)
    camera: Any = rectifier.camera
    joints = rectified(scene.detections, rectifier).map(lambda view: there_and_back(view, frames))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    spent = {"evidence": 0.0, "clip": 0.0}

    def refined(rows: slice) -> Poses3D:
        part: Stereo[Poses2D] = joints.map(lambda view: rows_of(view, rows))
        began = time.process_time()
        found = with_match(evidence(part, camera))
        middle = time.process_time()
        poses = clip(found)
        spent["evidence"] += middle - began
        spent["clip"] += time.process_time() - middle
        return poses

    n_found = sum(int(piece.found.sum()) for piece in in_stretches(frames, refined))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "frames": frames, "cpu s, evidence": spent["evidence"], "cpu s, smoothing and bones": spent["clip"],
        "target": TARGET * frames / 108_000, "peak of memory above the joints, MB": (after - before) / 1024,
        "found %": 100 * n_found / (frames * 17),
    }


def figures(poses: Poses3D, truth: Floats, among: Floats) -> Iterator[float]:
    """Mean error in cm, and the share of errors within one and two standard deviations."""
    yield 100 * float(np.linalg.norm(poses.xyz - truth, axis=-1)[among].mean())
    z = np.abs(poses.xyz - truth)[among] / poses.sigma[among]
    yield from (100 * float((z < n).mean()) for n in (1, 2))


def clips(noise: DetectorNoise, infants: range, seconds: float) -> dict[str, float]:
    """Means over the infants; of movement, medians over their joints."""
    rows: list[list[float]] = []
    moves: list[Floats] = []
    for seed in infants:
        scene = simulate(seed, seconds, noise=noise)
        rectifier = Rectifier(scene.rig)
        camera: Any = rectifier.camera
        truth, joints = scene.truth.xyz @ camera.left_from_rectified, rectified(scene.detections, rectifier)
        plain, found = triangulate(joints, camera), evidence(joints, camera)
        frames, over_time = refine_frames(found), clip(found)
        among = plain.found & frames.found & over_time.found
        moves.append(tracks(over_time.xyz, truth, over_time.time))
        errors = [next(figures(poses, truth, those)) for poses, those in ((plain, plain.found), (frames, among))]
        rows.append([*errors, *figures(over_time, truth, among)])
    names = ("plain cm", "by frame cm", "clip cm", "within 1 sigma %", "within 2 sigma %")
    moved = summed_up(np.concatenate(moves))
    return dict(zip(names, np.mean(rows, axis=0).tolist())) | {"path": moved.path, "LDLJ": moved.ldlj}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--frames", type=int, default=108_000)
    parser.add_argument("--infants", type=int, default=12)
    parser.add_argument("--first", type=int, default=31_000)
    parser.add_argument("--seconds", type=float, default=2.5)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    out: dict[str, Any] = {"hour": hour(given.frames)} if given.frames else {}
    infants = range(given.first, given.first + given.infants)
    out |= {name: clips(noise, infants, given.seconds) for name, noise in NOISES.items() if given.infants}
    if given.json:
        print(json.dumps(out, indent=1))
    else:
        for name, numbers in out.items():
            print(f"{name}: " + ", ".join(f"{k} {v:.4g}" for k, v in numbers.items()))
    return int(bool(given.frames) and out["hour"]["cpu s, smoothing and bones"] > out["hour"]["target"])


if __name__ == "__main__":
    sys.exit(main())
