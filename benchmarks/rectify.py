"""How much cheaper one remap from the recorded picture to a crop is than rectifying it whole and cropping that.

    python benchmarks/rectify.py [--crop 288x384] [--repeats 30] [--json]

Both run in this one process on one thread, on the same noise and the same rig; times are CPU milliseconds for one
picture, the least of the repeats: `fused` in one remap, `twice` rectified whole and then cropped, `whole` the former
part of that, `moved` a crop of a box that no map is kept for. `difference` is the mean difference of the two crops in
grey levels, which is the price of interpolating twice.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from stereo3d.calibration.rectify import Rectifier
from stereo3d.calibration.zed import read_conf

RIG = Path(__file__).parents[1] / "calibration" / "rigs" / "made_up_zed2.conf"


def cpu_ms(task: Callable[[], object], repeats: int) -> float:
    """The least CPU milliseconds of one call."""
    return 1000 * min(timeit.repeat(task, repeat=repeats, number=1, timer=time.process_time))


def measure(resolution: str, crop: tuple[int, int], repeats: int) -> dict[str, Any]:
    """CPU ms of both ways for the made-up rig at a resolution, and their ratio."""
    rig = read_conf(RIG, resolution)
    width, height = rig.cameras.left.size
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    image = cv2.GaussianBlur(noise, (0, 0), 2)
    turn = cv2.getRotationMatrix2D((0.5 * width, 0.5 * height), 20, 1.4 * crop[1] / height)
    turn[:, 2] += np.array(crop) / 2 - (0.5 * width, 0.5 * height)
    rectifier = Rectifier(rig)

    def fused() -> Any:
        return rectifier.crop(image, turn, crop, "left")

    def moved() -> Any:
        turn[:, 2] += 0.25
        return fused()

    def whole() -> Any:
        return rectifier.crop(image, np.eye(2, 3), (width, height), "left")

    def twice() -> Any:
        return cv2.warpAffine(whole(), turn, crop, flags=cv2.INTER_LINEAR)

    fused(), twice()
    times = {f"{task.__name__}_ms": cpu_ms(task, repeats) for task in (fused, twice, whole, moved)}
    return {
        "picture": f"{width}x{height}",
        "crop": f"{crop[0]}x{crop[1]}",
        **times,
        "ratio": times["twice_ms"] / times["fused_ms"],
        "difference": float(np.abs(fused().astype(float) - twice()).mean()),
    }


def main() -> int:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crop", default="288x384")
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    width, height = map(int, options.crop.split("x"))
    rows = [measure(resolution, (width, height), options.repeats) for resolution in ("HD", "2K")]
    if options.json:
        print(json.dumps(rows))
        return 0
    for row in rows:
        print("  ".join(f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
