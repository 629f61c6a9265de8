"""Pictures of rendered infants on one sheet, to be looked at.

    python benchmarks/infants.py -o docs/infants.jpg --all

Four settings: on its back at term, a preterm one on its side, one with things in the way, one of five months; with
--all those and the seeds 1 to 6 on their backs. Left pictures as the camera would record them, at half their size.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from stereo3d.synthetic.scene import Setting, simulate_in
from stereo3d.synthetic.write import photographer
from stereo3d.values import Bytes

FOUR = (
    (1, Setting(0.6, weeks=40, heading=1.2)), (12, Setting(0.55, weeks=33, heading=-0.6, roll=1.3)),
    (5, Setting(0.6, weeks=38, heading=2.6, occluders=True)),
    (6, Setting(0.7, weeks=60, heading=0.3, movement="fidgety")),
)
QUALITY = 82


def picture(seed: int, setting: Setting) -> Bytes:
    """(360, 640, 3) RGB."""
    scene = simulate_in(setting, seed=seed, seconds=0.4, fps=5)
    return np.asarray(cv2.resize(photographer(scene).pair(1).left, (640, 360), interpolation=cv2.INTER_AREA))


def sheet(pictures: list[Bytes]) -> Bytes:
    """Two beside each other."""
    rows = [np.hstack(pictures[i : i + 2]) for i in range(0, len(pictures), 2)]
    return np.vstack(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    scenes = [*FOUR, *((seed, Setting(0.65)) for seed in range(1, 7))] if options.all else FOUR
    made = sheet([picture(seed, setting) for seed, setting in scenes])
    cv2.imwrite(str(options.output), made[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


if __name__ == "__main__":
    main()
