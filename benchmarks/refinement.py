"""What matching pictures costs, and refinement beside aniposelib's `triangulate_optim` where that is installed.

    python benchmarks/refinement.py [--pairs 5] [--frames 300] [--json]

Matching: CPU ms a pair of 1280 x 720 px with 17 joints, everything in it (grey, rectified cut-out, blur, flat and bent
patches, rescue), on rendered infants whose detectors err by 2 px with 3 % gross errors; the least of three runs. Beside
aniposelib: the same joints of a moving infant, 2 px of white noise; our part is `evidence` and `clip` without pictures,
theirs `triangulate_optim` as it comes. Both on one thread, whatever the environment says: what waiting threads burn is
no work. Mean 3D error in cm, CPU s (the least of three runs), and CPU ms for each frame more.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.benchmark.scenes import synthetic_scene
from stereo3d.cameras import RectifiedCamera
from stereo3d.poses import Poses2D
from stereo3d.refinement.clip import clip
from stereo3d.refinement.evidence import evidence, prepare
from stereo3d.refinement.frame import refine_frames
from stereo3d.refinement.surface import look
from stereo3d.refinement.threads import one_thread
from stereo3d.refinement.weigh import weigh
from stereo3d.stereo import Stereo
from stereo3d.synthetic.noise import DetectorNoise, detections
from stereo3d.synthetic.scene import simulate
from stereo3d.triangulation import triangulate

SEED, TARGET = 40_000, 15.0
FEW, LONGER = 30, 10
"""Frames to warm up on, and by how much longer a recording tells what each frame of it costs."""
OURS, THEIRS = "stereo3d clip, no pictures", "aniposelib triangulate_optim"
Points = NDArray[np.float64]
Method = Callable[[Stereo[Poses2D], RectifiedCamera], Points]


def cpu(call: Callable[[], Any], *, times: int = 3) -> tuple[Any, float]:
    """What `call` gives, and the least CPU s that it took."""
    taken = []
    for _ in range(times):
        begin = time.process_time()
        found = call()
        taken.append(time.process_time() - begin)
    return found, min(taken)


def matching(pairs: int) -> dict[str, float]:
    """CPU ms a pair of looking, and of weighing and fusing what was seen."""
    scene = synthetic_scene(SEED, every=75 // pairs)
    joints = scene.detected(DetectorNoise.mixed(2.0, correlation=0.5, outliers=0.03), seed=SEED)
    part, seen = prepare(joints, scene.camera).of_frames(scene.frames), list(scene.pairs())
    surface, looked = cpu(lambda: look(part, seen, scene.rectifier))
    _, fused = cpu(lambda: refine_frames(weigh(part, surface)))
    n = len(seen)
    return {"pairs": n, "look": 1e3 * looked / n, "weigh and fuse": 1e3 * fused / n, "target": TARGET}


def joints_of(frames: int) -> tuple[Stereo[Poses2D], RectifiedCamera, Points]:
    """An infant's joints in both rectified views with noise, and the truth (T, 17, 3) m."""
    scene = simulate(SEED, frames / 30)
    camera = RectifiedCamera((1280, 720), 530.0, Stereo(640.0, 636.0), 360.0, 0.12)
    xyz = np.asarray(scene.truth.xyz)
    seen = camera.project(xyz).map(
        lambda xy: Poses2D(xy, np.ones(xy.shape[:2]), np.zeros(xy.shape[:2]), scene.truth.time, scene.truth.frame,
                           scene.truth.skeleton))  # fmt: skip
    return detections(seen, DetectorNoise(white=2.0), seed=SEED), camera, xyz


def has_rival() -> bool:
    """Whether aniposelib can run here: it imports jax only once it is at work."""
    return all(find_spec(name) for name in ("aniposelib", "jax"))


def beside(frames: int) -> dict[str, dict[str, float]]:
    """Mean error in cm and CPU s of each method for that many frames, and ms for each more: from half as many on, of
    ours also from as many to LONGER times as many. Each has run once before, on a few, so that nothing is compiled or
    loaded within what is counted."""
    methods: dict[str, Method] = {
        "plain": lambda joints, camera: triangulate(joints, camera).xyz,
        OURS: lambda joints, camera: clip(evidence(joints, camera)).xyz,
    }
    if has_rival():
        methods[THEIRS] = anipose
    known = {n: joints_of(n) for n in (FEW, frames // 2, frames, LONGER * frames)}
    out = {}
    for name, method in methods.items():
        lengths = [FEW, frames // 2, frames, *([] if name == THEIRS else [LONGER * frames])]
        taken = {}
        for n in lengths:
            joints, camera, truth = known[n]
            with one_thread():
                xyz, taken[n] = cpu(lambda: method(joints, camera))
            if n == frames:
                error = 100 * float(np.nanmean(np.linalg.norm(xyz - truth, axis=-1)))
        first, last = lengths[-2:]
        more = 1e3 * (taken[last] - taken[first]) / (last - first)
        out[name] = {"cm": error, "seconds": taken[frames], "ms a further frame": more}
    return out


def anipose(joints: Stereo[Poses2D], camera: RectifiedCamera) -> Points:
    """(T, K, 3) m by `triangulate_optim` at its defaults, with the skeleton's bones as constraints."""
    from aniposelib.cameras import Camera, CameraGroup

    shifts = (np.zeros(3), np.array([-camera.baseline, 0.0, 0.0]))
    lenses = [
        Camera(matrix=np.array([[camera.focal, 0, cx], [0, camera.focal, camera.cy], [0, 0, 1]]), dist=np.zeros(5),
               size=camera.size, rvec=np.zeros(3), tvec=shift, name=str(i))  # fmt: skip
        for i, (cx, shift) in enumerate(zip(camera.cx, shifts))
    ]
    points = np.stack([view.xy for view in joints])
    bones = [list(bone) for bone in joints.left.skeleton.bones]
    return np.asarray(CameraGroup(lenses).triangulate_optim(points, constraints=bones), float)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args()
    cv2.setNumThreads(1)
    cost, rivals = matching(told.pairs), beside(told.frames)
    if told.json:
        print(json.dumps({"matching": cost, "beside": rivals}))
        return
    print(f"look {cost['look']:.1f} ms a pair (target {TARGET:.0f}), weighing {cost['weigh and fuse']:.1f} ms")
    for name, found in rivals.items():
        print(f"{name:<32}{found['cm']:>7.2f} cm{found['seconds']:>10.2f} CPU s for {told.frames} frames"
              f"{found['ms a further frame']:>8.2f} ms a further frame")
    if THEIRS in rivals:
        times = [rivals[THEIRS][what] / rivals[OURS][what] for what in ("seconds", "ms a further frame")]
        print(f"{times[0]:.0f} times as fast for {told.frames} frames, {times[1]:.0f} times for each further one")
    if not has_rival():
        print("aniposelib is not installed here, or not all of it: pip install aniposelib")


if __name__ == "__main__":
    main()
