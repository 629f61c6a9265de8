"""How much faster decode_dark is than the published way, map by map, and whether it gives the same.

    python benchmarks/decode.py [--images 32] [--kernel 11] [--repeats 5] [--json]

Both run in this one process on one thread; times are CPU seconds, the least of the repeats. `noisy_peaks` are
Gaussians in noise as a network gives them; `noise` has no peak at all: the dearest maps, most of which need
the whole blur, and whose steps of many px are badly conditioned in the published float32.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import timeit
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.detectors.heatmaps import decode_argmax, decode_dark, decode_quarter

JOINTS, HEIGHT, WIDTH, SPREAD = 17, 96, 72, 2.0
Maps = NDArray[np.float32]


def noisy_peaks(n: int, rng: np.random.Generator) -> Maps:
    """(n, 17, 96, 72) Gaussians at sub-pixel places, some cut by the border, noise 2 % of the peak."""
    x, y = (rng.uniform(0, size - 1, (n, JOINTS, 1, 1)) for size in (WIDTH, HEIGHT))
    across, down = (np.arange(WIDTH) - x) ** 2, (np.arange(HEIGHT)[:, None] - y) ** 2
    maps = np.exp(-(across + down) / (2 * SPREAD**2))
    return (maps + rng.normal(0, 0.02, maps.shape)).astype(np.float32)


def noise(n: int, rng: np.random.Generator) -> Maps:
    """(n, 17, 96, 72) white noise."""
    return rng.normal(0, 0.02, (n, JOINTS, HEIGHT, WIDTH)).astype(np.float32)


def blur_as_published(heat: Maps, kernel: int) -> Maps:
    """One map with a margin of zeros, blurred by OpenCV, scaled back to its own maximum."""
    margin = (kernel - 1) // 2
    wide = np.asarray(cv2.GaussianBlur(np.pad(heat, margin), (kernel, kernel), 0), np.float32)
    inner: Maps = wide[margin : margin + heat.shape[0], margin : margin + heat.shape[1]]
    factor = np.float32(heat.max() / inner.max())
    return inner * factor


def step_as_published(log: Maps, x: int, y: int) -> tuple[float, float]:
    """Newton's step of one map, with the differences DarkPose takes."""
    h, w = log.shape
    if not (1 < x < w - 2 and 1 < y < h - 2):
        return 0.0, 0.0
    gradient = 0.5 * np.array([log[y, x + 1] - log[y, x - 1], log[y + 1, x] - log[y - 1, x]])
    dxx = log[y, x + 2] - 2 * log[y, x] + log[y, x - 2]
    dyy = log[y + 2, x] - 2 * log[y, x] + log[y - 2, x]
    dxy = log[y + 1, x + 1] - log[y - 1, x + 1] - log[y + 1, x - 1] + log[y - 1, x - 1]
    hessian = 0.25 * np.array([[dxx, dxy], [dxy, dyy]])
    if np.linalg.det(hessian) == 0:
        return 0.0, 0.0
    dx, dy = -np.linalg.solve(hessian, gradient)
    return float(dx), float(dy)


def decode_as_published(maps: Maps, kernel: int) -> NDArray[np.float64]:
    """(N, K, 2) heat-map px by a loop over images and joints."""
    xy = np.zeros((*maps.shape[:2], 2))
    for n, k in np.ndindex(*maps.shape[:2]):
        y, x = np.unravel_index(int(maps[n, k].argmax()), maps.shape[2:])
        log = np.log(np.maximum(blur_as_published(maps[n, k], kernel), 1e-10))
        xy[n, k] = np.array([x, y]) + step_as_published(log, int(x), int(y))
    return xy


def cpu_seconds(run: Callable[[], Any], repeats: int) -> float:
    """The least CPU time of several runs, after one that warms up."""
    run()
    return min(timeit.repeat(run, repeat=repeats, number=1, timer=time.process_time))


def candidates(maps: Maps, kernel: int) -> dict[str, Callable[[], Any]]:
    """What is timed, by name; torch where it is installed."""
    runs: dict[str, Callable[[], Any]] = {
        "published loop": lambda: decode_as_published(maps, kernel),
        "decode_dark numpy": lambda: decode_dark(maps, kernel=kernel).xy,
        "decode_quarter numpy": lambda: decode_quarter(maps).xy,
        "decode_argmax numpy": lambda: decode_argmax(maps).xy,
    }
    try:
        import torch
    except ImportError:
        return runs
    torch.set_num_threads(1)
    tensor = torch.from_numpy(maps)
    return runs | {"decode_dark torch": lambda: decode_dark(tensor, kernel=kernel).xy.numpy()}


def measure(maps: Maps, kernel: int, repeats: int) -> list[dict[str, Any]]:
    """One row for each candidate: CPU seconds, times faster than the loop, px off the loop (dark only)."""
    runs = candidates(maps, kernel)
    truth = runs["published loop"]()
    rows: list[dict[str, Any]] = []
    for name, run in runs.items():
        seconds = cpu_seconds(run, repeats)
        off = float(np.abs(run() - truth).max()) if "dark" in name else None
        rows.append({"decoder": name, "cpu_s": seconds, "largest_difference_px": off})
    return [row | {"times_faster": rows[0]["cpu_s"] / row["cpu_s"]} for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--kernel", type=int, default=11)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    report = {}
    for make in (noisy_peaks, noise):
        maps = make(options.images, np.random.default_rng(0))
        report[make.__name__] = measure(maps, options.kernel, options.repeats)
    if options.json:
        json.dump(report, sys.stdout, indent=1)
        return
    for case, rows in report.items():
        print(f"{case}: {options.images} x {JOINTS} maps of {WIDTH} x {HEIGHT}, kernel {options.kernel}")
        for row in rows:
            off = (
                ""
                if row["largest_difference_px"] is None
                else f"  differs by {row['largest_difference_px']:.1e} px"
            )
            print(f"  {row['decoder']:22} {row['cpu_s']:8.4f} s  {row['times_faster']:7.1f} x{off}")


if __name__ == "__main__":
    main()
