"""How accurate a calibration is against the recipe of OpenCV's tutorial, on the same pictures.

    python benchmarks/calibration.py [--pictures FOLDER --board BOARD.toml] [--views 16] [--seeds 3] [--json]

Recipes: `tutorial` is cornerSubPix with the (11, 11) window, calibrateCamera for each eye, stereoCalibrate with both
kept; `joint` the same with stereoCalibrate adjusting all; `stereo3d` is `stereo3d.rigs.calibrate`. Without --pictures
boards are rendered through made-up ZED 2 cameras: flat, bent by 1 mm, and spoilt (one pair exchanged, two blurred, one
of two moments); then `3D error` is the median and 95 % over places 0.4 to 1.2 m away within 0.35 m of the axis, mm,
against the truth, in the median over the seeds. `rows` and `squares` are measured on every pair, also those that a
recipe leaves out, unless they are spoilt. Times are CPU seconds.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from stereo3d.calibration.board import Board, read_board
from stereo3d.calibration.compare import compare_rigs
from stereo3d.calibration.corners import find_corners
from stereo3d.calibration.geometry import edge_errors, row_errors
from stereo3d.calibration.quality import assess
from stereo3d.calibration.sighting import find_views
from stereo3d.calibration.solve import solve
from stereo3d.cameras import Intrinsics, StereoRig
from stereo3d.recording.base import open_recording
from stereo3d.stereo import Stereo
from stereo3d.synthetic.board import Photographer
from stereo3d.synthetic.rig import zed2_like
from stereo3d.values import Bytes, Floats

Pairs = list[Stereo[Bytes]]
BOARD = Board((10, 7), 0.03)
SETS: dict[str, tuple[tuple[float, float], bool]] = {
    "flat": ((0.0, 0.0), False), "bent by 1 mm": ((0.001, 0.0005), False), "spoilt": ((0.0, 0.0), True),
}


def tutorial_corners(grey: Bytes, board: Board) -> Floats | None:
    """(M, 2) px as every tutorial finds them."""
    found, xy = cv2.findChessboardCorners(grey, board.corners)
    if not found:
        return None
    start = np.asarray(xy, np.float32).reshape(-1, 1, 2)
    return np.asarray(cv2.cornerSubPix(grey, start, (11, 11), (-1, -1), (3, 30, 1e-3)), np.float32).reshape(-1, 2)


def tutorial(pairs: Pairs, board: Board, *, joint: bool) -> tuple[StereoRig, int, float]:
    """The rig of the tutorial's recipe, how many pairs it used, and its reprojection error in px."""
    seen = []
    for pair in pairs:
        both = [tutorial_corners(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), board) for image in pair]
        if both[0] is not None and both[1] is not None:
            seen.append(both)
    points = [board.points.astype(np.float32)] * len(seen)
    size = pairs[0].left.shape[1::-1]
    eyes = [[view[i] for view in seen] for i in (0, 1)]
    lenses = [cv2.calibrateCamera(points, eye, size, None, None)[1:3] for eye in eyes]
    flags = cv2.CALIB_USE_INTRINSIC_GUESS if joint else cv2.CALIB_FIX_INTRINSIC
    rms, k1, d1, k2, d2, rotation, translation, *_ = cv2.stereoCalibrate(
        points, *eyes, *lenses[0], *lenses[1], size, flags=flags, criteria=(3, 200, 1e-9)
    )
    cameras = [
        Intrinsics(size, k[0, 0], k[1, 1], k[0, 2], k[1, 2], np.ravel(d)[:5]) for k, d in ((k1, d1), (k2, d2))
    ]
    return StereoRig(Stereo(*cameras), np.asarray(rotation), np.ravel(translation)), len(seen), float(rms)


def ours(pairs: Pairs, board: Board) -> tuple[StereoRig, int, float]:
    """The same by this toolkit, with its checks."""
    found = assess(solve(find_views(enumerate(pairs), board)))
    return found.rig, len(found.solution.views), found.solution.rms


RECIPES: dict[str, Callable[[Pairs, Board], tuple[StereoRig, int, float]]] = {
    "tutorial": lambda pairs, board: tutorial(pairs, board, joint=False),
    "joint": lambda pairs, board: tutorial(pairs, board, joint=True),
    "stereo3d": ours,
}


def measure(name: str, pairs: Pairs, sound: Pairs, board: Board, truth: StereoRig | None) -> list[dict[str, Any]]:
    """A row for each recipe on these pictures; rows and squares are measured on the `sound` ones."""
    rows = []
    xy = [[find_corners(cv2.cvtColor(i, cv2.COLOR_RGB2GRAY), board) for i in pair] for pair in sound]
    corners = np.array([both for both in xy if both[0] is not None and both[1] is not None])
    for recipe, run in RECIPES.items():
        start = time.process_time()
        rig, used, rms = run(pairs, board)
        row = {
            "pictures": name, "recipe": recipe, "pairs": f"{used}/{len(pairs)}", "rms_px": rms,
            "rows_px": float(np.sqrt(np.nanmean(row_errors(rig, corners[:, 0], corners[:, 1]) ** 2))),
            "squares_mm": 1000 * float(np.sqrt(np.nanmean(edge_errors(rig, corners, board) ** 2))),
            "baseline_mm": 1000 * rig.baseline, "cpu_s": time.process_time() - start,
        }
        if truth is not None:
            apart = compare_rigs(truth, rig)
            row |= {"error_median_mm": 1000 * apart.median, "error_p95_mm": 1000 * apart.p95}
        rows.append(row)
    return rows


def rendered(seed: int, n: int, bend: tuple[float, float], spoilt: bool) -> tuple[Pairs, Pairs, StereoRig]:
    """All pairs, the sound ones among them, and the true rig."""
    truth = zed2_like(seed)
    taken = Photographer(truth, BOARD, bend=bend)
    poses = taken.poses(n, seed=seed, depth=(0.3, 0.8), tilt=0.6)
    pairs = [taken.pair(pose, seed=i) for i, pose in enumerate(poses)]
    if not spoilt:
        return pairs, pairs, truth
    bad = [
        Stereo(pairs[0].right, pairs[0].left), Stereo(pairs[1].left, pairs[2].right),
        *(taken.pair(poses[i], motion=(0.01, 0.006, 0.0), seed=i) for i in (3, 4)),
    ]
    return [*pairs[4:], *bad], pairs[4:], truth


def simulated(n: int, seeds: int) -> list[dict[str, Any]]:
    """The median row of each recipe over the seeds, for each set of rendered pictures."""
    out = []
    for name, (bend, spoilt) in SETS.items():
        trials = [measure(name, pairs, sound, BOARD, truth) for pairs, sound, truth in (
            rendered(seed, n, bend, spoilt) for seed in range(seeds)
        )]
        for same in zip(*trials, strict=True):
            numbers = {k: float(np.median([r[k] for r in same])) for k in same[0] if isinstance(same[0][k], float)}
            out.append(same[0] | numbers)
    return out


def main() -> int:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--board", type=Path)
    parser.add_argument("--views", type=int, default=16)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if options.pictures:
        with open_recording(options.pictures) as opened:
            pairs = [pair.images for pair in opened.frames()]
        rows = measure(options.pictures.name, pairs, pairs, read_board(options.board), None)
    else:
        rows = simulated(options.views, options.seeds)
    if options.json:
        print(json.dumps(rows, indent=1))
        return 0
    print("| " + " | ".join(rows[0]) + " |\n|" + "---|" * len(rows[0]))
    for row in rows:
        print("| " + " | ".join(f"{v:.3f}" if isinstance(v, float) else v for v in row.values()) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
