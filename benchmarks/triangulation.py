"""How many joints a CPU second triangulates, beside OpenCV and (where it is installed) aniposelib.

    python benchmarks/triangulation.py [--segments 40] [--repeats 15] [--json]

All of them get the same recording in this one process on one thread: segments of 300 frames as the pipeline has
them, 17 joints with 1 px of noise, 2 % missed and 1 % grossly wrong. From a Stereo[Poses2D] each makes (T, K, 3)
places; ours besides checks, gates and gives error bars. Rates are joints over CPU seconds, for each segment the least
of the repeats. OpenCV 5 triangulates some 20 times faster than OpenCV 4: the version is printed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.cameras import Intrinsics, RectifiedCamera, StereoRig
from stereo3d.poses import Poses2D
from stereo3d.skeleton import COCO_17
from stereo3d.stereo import Stereo
from stereo3d.triangulation import triangulate

CAMERA = RectifiedCamera((1280, 720), 530.0, Stereo(640.0, 636.0), 360.0, 0.12)
FRAMES = 300
TARGET_RATE, TARGET_RATIO = 10e6, 25.0
Points = NDArray[np.float64]
Method = Callable[[Stereo[Poses2D]], Points]


def rig() -> StereoRig:
    """The camera above for those who want two of them."""
    lenses = CAMERA.cx.map(lambda cx: Intrinsics(CAMERA.size, CAMERA.focal, CAMERA.focal, cx, CAMERA.cy))
    return StereoRig(lenses, np.eye(3), np.array([-CAMERA.baseline, 0.0, 0.0]))


def recording(segments: int) -> list[Stereo[Poses2D]]:
    """17 joints at 0.5 to 0.9 m as a detector sees them, cut into segments."""
    rng = np.random.default_rng(0)
    xyz = rng.uniform([-0.3, -0.2, 0.5], [0.3, 0.2, 0.9], (segments * FRAMES, len(COCO_17), 3))

    def seen(xy: Points) -> Points:
        wrong = rng.random(xy.shape[:2])
        noise = np.where(wrong[..., None] < 0.01, 40.0, 1.0)
        return np.where(wrong[..., None] > 0.98, np.nan, xy + noise * rng.normal(0, 1, xy.shape))

    views = CAMERA.project(xyz).map(seen)
    starts = range(0, len(xyz), FRAMES)
    return [views.map(lambda xy, s=start: segment(xy[s : s + FRAMES], s)) for start in starts]


def segment(xy: Points, start: int) -> Poses2D:
    ones, clock = np.ones(xy.shape[:2]), np.arange(start, start + len(xy))
    return Poses2D(xy, ones, ones, clock / 30, clock, COCO_17)


def candidates() -> dict[str, Method]:
    """What is timed, by name: each makes (T, K, 3) m from a segment."""
    general = rig()
    methods: dict[str, Method] = {
        "Z = B f / D": lambda seen: triangulate(seen, CAMERA).xyz,
        "least squares (any rig)": lambda seen: triangulate(seen, general).xyz,
        "cv2.triangulatePoints": opencv(general),
    }
    return methods | aniposelib(general)


def opencv(general: StereoRig) -> Method:
    """OpenCV's DLT by singular values, all points of a segment in one call."""
    second = np.column_stack([general.rotation, general.translation])
    projections = [general.cameras.left.matrix @ np.eye(3, 4), general.cameras.right.matrix @ second]

    def run(seen: Stereo[Poses2D]) -> Points:
        points = [view.xy.reshape(-1, 2).T for view in seen]
        homogeneous = cv2.triangulatePoints(*projections, *points)
        return np.asarray((homogeneous[:3] / homogeneous[3]).T.reshape(*seen.left.score.shape, 3))

    return run


def aniposelib(general: StereoRig) -> dict[str, Method]:
    """aniposelib's CameraGroup.triangulate, or nothing where it, or the jax it needs, is not installed."""
    try:
        from aniposelib.cameras import Camera, CameraGroup

        lenses = zip("ab", general.cameras, (np.zeros(3), general.translation))
        group = CameraGroup(
            [
                Camera(matrix=lens.matrix, dist=np.zeros(5), size=lens.size, rvec=np.zeros(3), tvec=t, name=name)
                for name, lens, t in lenses
            ]
        )
        group.triangulate(np.zeros((2, 1, 2)))
    except ImportError:
        return {}

    def run(seen: Stereo[Poses2D]) -> Points:
        points = np.stack([view.xy.reshape(-1, 2) for view in seen])
        return np.asarray(group.triangulate(points).reshape(*seen.left.score.shape, 3))

    return {"aniposelib triangulate": run}


def cpu_seconds(method: Method, segments: list[Stereo[Poses2D]], repeats: int) -> float:
    """CPU time of all segments: the sum of the least that each took in several repeats."""
    total = 0.0
    for seen in segments:
        times = []
        for _ in range(repeats):
            start = time.process_time()
            method(seen)
            times.append(time.process_time() - start)
        total += min(times)
    return total


def measure(n_segments: int, repeats: int) -> list[dict[str, Any]]:
    """One row for each method: joints per CPU second, how often the first is that, how far it lies from the first."""
    segments, methods = recording(n_segments), candidates()
    ours = methods["Z = B f / D"](segments[0])
    rows: list[dict[str, Any]] = []
    for name, method in methods.items():
        seconds = cpu_seconds(method, segments, repeats)
        apart = float(np.nanmedian(np.linalg.norm(method(segments[0]) - ours, axis=-1)) * 1000)
        rate = len(segments) * ours[..., 0].size / seconds
        rows.append({"method": name, "joint_frames_per_cpu_s": rate, "median_mm_from_first": apart})
    first = rows[0]["joint_frames_per_cpu_s"]
    return [row | {"first_is_times_as_fast": first / row["joint_frames_per_cpu_s"]} for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--segments", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    rows = measure(options.segments, options.repeats)
    least = min(row["first_is_times_as_fast"] for row in rows[2:])
    met = rows[0]["joint_frames_per_cpu_s"] >= TARGET_RATE and least >= TARGET_RATIO
    frames = options.segments * FRAMES
    report = {"frames": frames, "joints": len(COCO_17), "opencv": cv2.__version__, "rows": rows, "target_met": met}
    if options.json:
        json.dump(report, sys.stdout, indent=1)
        return
    print(f"{frames} frames of {len(COCO_17)} joints, OpenCV {cv2.__version__}; target: 10 M/s, 25 times the others")
    for row in rows:
        rate, times = row["joint_frames_per_cpu_s"] / 1e6, row["first_is_times_as_fast"]
        apart = row["median_mm_from_first"]
        print(f"  {row['method']:24} {rate:8.3f} M/s; the first is {times:5.1f} times as fast, {apart:.2g} mm apart")
    print("target met" if met else "target missed")


if __name__ == "__main__":
    main()
