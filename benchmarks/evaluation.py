"""How many CPU seconds it takes to evaluate an hour of poses, and how often a bare numpy distance that is.

    python benchmarks/evaluation.py [--frames 108000] [--repeats 3] [--json]

An hour of 30 frames a second and 17 joints, 5 % of them missed, against its exact truth, all in this one process on
one thread. Beside it in the same run: the two subtractions and square roots that nobody can do without, two
predictions of two infants, half an hour each, compared in space and in pictures, and COCO's average precision, ours and
(where it is installed, on fewer frames) pycocotools'. CPU seconds, the least of the repeats.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import io
import json
import sys
import time
import timeit
from collections.abc import Callable
from typing import Any

import numpy as np

from stereo3d.cameras import RectifiedCamera
from stereo3d.evaluation import report
from stereo3d.evaluation.comparison import account
from stereo3d.evaluation.comparison.space import Prediction, compare
from stereo3d.evaluation.comparison.tables import account_in_space
from stereo3d.evaluation.evaluate import evaluate
from stereo3d.evaluation.oks import People, keypoint_scores
from stereo3d.poses import Poses2D, Poses3D
from stereo3d.skeleton import COCO_17
from stereo3d.stereo import Stereo
from stereo3d.values import Floats

CAMERA = RectifiedCamera((1280, 720), 530.0, Stereo(640.0, 636.0), 360.0, 0.12)
TARGET = 3.0
"""CPU seconds for an hour, from poses and truth to all figures of the report."""
COCO_FRAMES = 5000


def poses_of(xyz: Floats) -> Poses3D:
    shape, clock = xyz.shape[:2], np.arange(len(xyz), dtype=np.int64)
    ones = np.ones(shape)
    return Poses3D(xyz, ones, np.ones(xyz.shape), ones, np.zeros(shape, np.int64), clock / 30, clock, COCO_17, CAMERA)


def seen(poses: Poses3D) -> Stereo[Poses2D]:
    return CAMERA.project(poses.xyz).map(
        lambda xy: Poses2D(xy, poses.score, poses.score, poses.time, poses.frame, COCO_17)
    )


def cut(poses: Any, rows: slice) -> Any:
    """Some frames of poses in space or in a view."""
    held = {f.name: getattr(poses, f.name) for f in dataclasses.fields(poses)}
    return dataclasses.replace(poses, **{n: x[rows] for n, x in held.items() if isinstance(x, np.ndarray)})


def part(prediction: Prediction, rows: slice) -> Prediction:
    assert prediction.joints is not None
    return Prediction(cut(prediction.poses, rows), prediction.joints.map(lambda view: cut(view, rows)))


def hour(frames: int) -> tuple[Poses3D, list[Prediction]]:
    """A truth, and two predictions of it with 1 and 2 cm of noise and 5 % missed."""
    rng = np.random.default_rng(0)
    truth = rng.uniform([-0.3, -0.2, 0.5], [0.3, 0.2, 0.9], (frames, len(COCO_17), 3))
    predictions = []
    for noise in (0.01, 0.02):
        xyz = truth + noise * rng.normal(size=truth.shape)
        xyz[rng.random(xyz.shape[:2]) < 0.05] = np.nan
        poses = poses_of(xyz)
        predictions.append(Prediction(poses, seen(poses)))
    return poses_of(truth), predictions


def people_of(truth: Poses3D) -> People:
    xy = CAMERA.project(truth.xyz).left[:, None]
    return People(xy, np.ones(xy.shape[:3], bool), np.full(xy.shape[:2], 1e4))


def cpu_seconds(work: Callable[[], object], repeats: int) -> float:
    return min(timeit.repeat(work, repeat=repeats, number=1, timer=time.process_time))


def pycocotools_scores(xy: Floats, people: People) -> Callable[[], object] | None:
    """COCO's own counting of the same joints, or None where it is not installed."""
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError:
        return None
    flagged = [np.concatenate([p, np.full((*p.shape[:2], 1), 2.0)], -1) for p in (people.xy[:, 0], xy)]
    joints = [p.reshape(len(p), -1) for p in flagged]
    common = [{"image_id": i, "category_id": 1, "score": 1.0} for i in range(len(xy))]
    found = [c | {"keypoints": k.tolist()} for c, k in zip(common, joints[1])]
    truth = [
        c | {"keypoints": k.tolist(), "id": i + 1, "area": 1e4, "iscrowd": 0, "bbox": [0, 0, 1, 1], "num_keypoints": 17}
        for i, (c, k) in enumerate(zip(common, joints[0]))
    ]

    def run() -> object:
        with contextlib.redirect_stdout(io.StringIO()):
            coco = COCO()
            coco.dataset = {"info": {}, "annotations": truth, "categories": [{"id": 1, "name": "person"}],
                            "images": [{"id": i} for i in range(len(xy))]}  # fmt: skip
            coco.createIndex()
            judge = COCOeval(coco, coco.loadRes(found), "keypoints")
            judge.evaluate()
            judge.accumulate()
            judge.summarize()
        return judge.stats

    return run


def measure(frames: int, repeats: int) -> dict[str, Any]:
    truth, predictions = hour(frames)
    first = predictions[0].poses
    halves = {"x": slice(None, frames // 2), "y": slice(frames // 2, None)}
    named = {name: {s: part(p, rows) for s, rows in halves.items()} for name, p in zip(("a", "b"), predictions)}
    truths = {s: cut(truth, rows) for s, rows in halves.items()}
    people, xy = people_of(truth), CAMERA.project(first.xyz).left[:, None]
    score = np.linspace(0.1, 0.9, frames)[:, None]
    seconds = {
        "bare distances": cpu_seconds(lambda: np.linalg.norm(first.xyz - truth.xyz, axis=-1), repeats),
        "evaluate and report": cpu_seconds(lambda: report.to_markdown(evaluate(first, truth)), repeats),
        "compare two, all tables": cpu_seconds(lambda: all_tables(named, truths), repeats),
        "average precision": cpu_seconds(lambda: keypoint_scores(xy, score, people, COCO_17), repeats),
    }
    out: dict[str, Any] = {"frames": frames, "cpu_s": seconds}
    out["evaluate_is_distances_times"] = seconds["evaluate and report"] / seconds["bare distances"]
    out["target_met"] = seconds["evaluate and report"] < TARGET * frames / 108_000
    return out | beside_pycocotools(frames, people, repeats)


def all_tables(named: dict[str, dict[str, Prediction]], truths: dict[str, Poses3D]) -> str:
    return account.to_markdown(account_in_space(compare(named, truths)))


def beside_pycocotools(frames: int, people: People, repeats: int) -> dict[str, float]:
    """How often ours is as fast as pycocotools, on the same frames, every joint found."""
    n = min(frames, COCO_FRAMES)
    some = dataclasses.replace(people, xy=people.xy[:n], labelled=people.labelled[:n], area=people.area[:n])
    xy = some.xy + np.random.default_rng(1).normal(scale=8.0, size=some.xy.shape)
    theirs = pycocotools_scores(xy[:, 0], some)
    if theirs is None:
        return {}
    ours = cpu_seconds(lambda: keypoint_scores(xy, np.ones((n, 1)), some, COCO_17), repeats)
    return {"pycocotools_takes_times_as_long": cpu_seconds(theirs, 1) / ours}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=108_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    measured = measure(options.frames, options.repeats)
    if options.json:
        json.dump(measured, sys.stdout, indent=1)
        return
    print(f"{measured['frames']} frames of {len(COCO_17)} joints; target: {TARGET:g} CPU s for an hour")
    for name, seconds in measured["cpu_s"].items():
        print(f"  {name:24} {seconds:7.3f} CPU s")
    print(f"  evaluate takes {measured['evaluate_is_distances_times']:.1f} times as long as bare distances")
    if "pycocotools_takes_times_as_long" in measured:
        print(f"  pycocotools takes {measured['pycocotools_takes_times_as_long']:.0f} times as long for AP")
    print("target met" if measured["target_met"] else "target missed")


if __name__ == "__main__":
    main()
