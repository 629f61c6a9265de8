"""Learns where a detector takes joints to be, on rendered infants, and writes what ships with the toolkit.

    python benchmarks/systematic.py [--infants 18] [--first 7200] [--hiding 54] [--hiding-first 7300]
                                    [--detector darkpose] [--weights FILE] [--work DIR]
                                    [-o stereo3d/refinement/systematic.json | --check]

Each infant is drawn in six pairs, 2/3 s apart, by the traced renderer (that of `stereo3d simulate`), in one of four
movements; the detector looks for its joints, and its errors beside the truth are split into what rows show and what
both views err alike. Of a hundred joints three are hidden, too few to learn of, so that the first infants are followed
by those, from another seed on, that hide three joints or one joint thrice in three pairs. About 30 CPU s an infant,
kept in DIR where one is named. The seeds are neither those of the detector's training nor of any benchmark. With
`--check` every other infant that hides joints is not learned from but judged, and nothing is written.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

import cv2
import numpy as np

from stereo3d.benchmark.refinement import FIRST_SEED
from stereo3d.benchmark.scenes import hidden_joints, recorded_scene
from stereo3d.detectors.base import Detector, build
from stereo3d.detectors.bundled import bundled
from stereo3d.detectors.detect import detect
from stereo3d.journal import sha256
from stereo3d.models.shelf import located
from stereo3d.recording.base import open_recording
from stereo3d.refinement.evidence import prepare
from stereo3d.refinement.fit_systematic import Known, fit_systematic
from stereo3d.refinement.refine import refine
from stereo3d.refinement.settings import MODES, Refine
from stereo3d.refinement.surface import look
from stereo3d.refinement.systematic import SystematicError
from stereo3d.refinement.systematic_file import FILE, to_dict
from stereo3d.synthetic.scene import Setting, Simulation, simulate_in
from stereo3d.synthetic.write import write_sample
from stereo3d.values import Bools, Floats

MOVEMENTS = ("writhing", "fidgety", "startles", "rest")
SECONDS, FPS = 4.0, 1.5
HIDDEN = 3
"""Hidden joints in every other pair together, from which on an infant counts as hiding some."""
_FACE = ("eye", "ear")


def moving(seed: int) -> Simulation:
    """That infant."""
    return simulate_in(Setting(movement=MOVEMENTS[seed % len(MOVEMENTS)]), seed=seed, seconds=SECONDS, fps=FPS)


def drawn(seed: int, folder: Path) -> Path:
    """The recording of that infant, made where it is not there yet."""
    path = folder / f"{seed}.h5"
    if not path.is_file():
        write_sample(path, moving(seed))
    return path


def hiding(first: int, last: int) -> Iterator[int]:
    """Seeds from the first on, before the last, of infants who hide joints."""
    for seed in range(first, last):
        infant = moving(seed)
        counts = [not joint.endswith(_FACE) for joint in infant.truth.skeleton.joints]
        if sum(int(hidden_joints(infant, i)[counts].sum()) for i in range(0, len(infant), 2)) >= HIDDEN:
            yield seed


def known(paths: Iterator[Path], detector: Detector) -> Iterator[Known]:
    """What the detector finds of each infant, beside its truth."""
    for path in paths:
        with open_recording(path) as recording:
            scene = recorded_scene(recording)
            joints = detect(recording, scene.rectifier, detector)
            surface = look(prepare(joints, scene.camera), scene.pairs(), scene.rectifier)
        print(path.stem, file=sys.stderr)
        yield Known(joints, scene.camera, surface, scene.xyz, scene.hidden)


def judged(recordings: Sequence[Known], systematic: SystematicError) -> Iterator[str]:
    """Mean errors and shares of x, y, z within 1 and 1.96 standard deviations, of 13 joints."""
    for mode in MODES[1:]:
        off, sigma, hidden = (np.concatenate(x) for x in zip(*(_errors(r, systematic, mode) for r in recordings)))
        for seen, those in (("visible", ~hidden), ("hidden", hidden)):
            error, size = np.linalg.norm(off[those], axis=-1), np.abs(off[those]) / sigma[those]
            size = size[np.isfinite(size).all(-1)]
            shares = [100 * float((size < limit).mean()) for limit in (1, 1.96)]
            yield (f"{mode} {seen}: {len(size)} joints, {100 * float(np.nanmean(error)):.2f} cm, "
                   f"{shares[0]:.1f} / {shares[1]:.1f} %")


def _errors(known: Known, systematic: SystematicError, mode: str) -> tuple[Floats, Floats, Bools]:
    found = refine(known.joints, known.camera, Refine(mode=mode), surface=known.surface, systematic=systematic)
    counts = [not joint.endswith(_FACE) for joint in found.skeleton.joints]
    return tuple(x[:, counts].reshape(-1, *x.shape[2:]) for x in (found.xyz - known.truth, found.sigma, known.hidden))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--infants", type=int, default=18)
    parser.add_argument("--first", type=int, default=7200)
    parser.add_argument("--hiding", type=int, default=54)
    parser.add_argument("--hiding-first", type=int, default=7300)
    parser.add_argument("--detector", default="darkpose")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("-o", "--output", type=Path, default=FILE)
    told = parser.parse_args()
    if told.first + told.infants > FIRST_SEED:
        sys.exit(f"--first: expected seeds below {FIRST_SEED}, which are not for tuning, got {told.first}")
    weights = told.weights or bundled(told.detector)
    if weights is None:
        sys.exit(f"--weights: expected those of {told.detector}, got none")
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as own:
        folder = told.work or Path(own)
        folder.mkdir(parents=True, exist_ok=True)
        others = islice(hiding(told.hiding_first, FIRST_SEED), told.hiding)
        paths = (drawn(seed, folder) for seed in chain(range(told.first, told.first + told.infants), others))
        recordings = list(known(paths, build(told.detector, weights)))
    if told.check:
        learned = recordings[:told.infants] + recordings[told.infants::2]
        print(*judged(recordings[told.infants + 1::2], fit_systematic(learned)), sep="\n")
        return
    systematic = fit_systematic(recordings)
    learned_by = (f"python benchmarks/systematic.py --infants {told.infants} --first {told.first} "
                  f"--hiding {told.hiding} --hiding-first {told.hiding_first} (synthetic infants)")
    before = json.loads(told.output.read_text(encoding="utf-8"))["detectors"] if told.output.is_file() else {}
    name = f"{told.detector} {sha256(located(weights))}"
    detectors = before | {name: {"learned_by": learned_by} | to_dict(systematic)}
    told.output.write_text(json.dumps({"detectors": detectors}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
