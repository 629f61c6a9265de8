"""Learns how deep joints lie below the skin, on rendered infants, and writes what ships with the toolkit.

    python benchmarks/offsets.py [--infants 12] [--first 500] [--renderer quick] [-o stereo3d/refinement/offsets.json]

Each infant is seen by simulated detectors of three noises, so that what a place that is a little off costs (`sway`)
is told from how joints differ (`spread`). Joints that something else lies before are left out. About 15 CPU s an
infant, with the traced renderer 40. The seeds are for tuning: `stereo3d benchmark refinement` never uses them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from stereo3d.benchmark.refinement import FIRST_SEED
from stereo3d.benchmark.scenes import Scene, synthetic_scene
from stereo3d.refinement import offsets
from stereo3d.refinement.evidence import prepare
from stereo3d.refinement.offsets import Annotated, fit_offsets
from stereo3d.refinement.surface import look
from stereo3d.refinement.weigh import weigh
from stereo3d.synthetic.noise import DetectorNoise

NOISES = tuple(
    DetectorNoise.mixed(sigma, correlation=correlation) for sigma, correlation in ((1, 0.5), (2, 0.0), (3, 0.5))
)
EVERY = 9


def annotated(scene: Scene, seed: int) -> Iterator[Annotated]:
    """The infant as the detectors of each noise and the pictures have it, beside its truth."""
    truth = np.where(scene.hidden[..., None], np.nan, scene.xyz[scene.frames])
    for noise in NOISES:
        part = prepare(scene.detected(noise, seed=seed), scene.camera).of_frames(scene.frames)
        surface = look(part, scene.pairs(), scene.rectifier)
        yield Annotated(weigh(part, surface), surface, truth)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--infants", type=int, default=12)
    parser.add_argument("--first", type=int, default=500)
    parser.add_argument("--renderer", choices=("quick", "traced"), default="quick")
    parser.add_argument("-o", "--output", type=Path, default=Path(offsets.__file__).with_name("offsets.json"))
    told = parser.parse_args()
    if told.first + told.infants > FIRST_SEED:
        sys.exit(f"--first: expected seeds below {FIRST_SEED}, which are not for tuning, got {told.first}")
    cv2.setNumThreads(1)
    seeds = range(told.first, told.first + told.infants)
    scenes = ((s, synthetic_scene(s, every=EVERY, renderer=told.renderer)) for s in seeds)
    found = fit_offsets([a for s, scene in scenes for a in annotated(scene, s)], sway=True)
    columns = (np.round(found.depth, 4), np.round(found.spread, 4), np.round(found.sway, 3))
    joints = {
        kind: {"depth": depth, "spread": spread, "sway": sway}
        for kind, depth, spread, sway in zip(found.kinds, *(c.tolist() for c in columns))
    }
    renderer = "" if told.renderer == "quick" else f" --renderer {told.renderer}"
    by = f"python benchmarks/offsets.py --infants {told.infants} --first {told.first}{renderer} (synthetic infants)"
    told.output.write_text(json.dumps({"learned_by": by, "joints": joints}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
