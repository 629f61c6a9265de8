"""What share of finding the joints the network takes, and what the rest costs.

    python benchmarks/stages.py [--frames 48] [--size 192x256] [--no-flip] [--json]
    python benchmarks/stages.py --detector efficientpose --weights EfficientPoseRT.h5

CPU seconds of one run over a made-up 1280x720 recording (JPEG, quality 90) with lens distortion, on one thread. Without
weights the network is HRNet W32 as it begins its training: what it finds is nothing, what it costs is the same.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from stereo3d.calibration.rectify import Rectifier
from stereo3d.cameras import Intrinsics, StereoRig
from stereo3d.detectors import look
from stereo3d.detectors.base import build
from stereo3d.detectors.crops import CropRule
from stereo3d.detectors.detect import detect
from stereo3d.detectors.heatmaps import decode_dark
from stereo3d.detectors.search import survey
from stereo3d.detectors.topdown import TopDown
from stereo3d.models.folding import fold_batchnorm
from stereo3d.models.hrnet import HRNet
from stereo3d.recording.base import open_recording
from stereo3d.recording.hdf5_writer import RecordingWriter
from stereo3d.skeleton import COCO_17
from stereo3d.stereo import Stereo

SIZE = (1280, 720)
ROI = (640.0, 360.0, 520.0)


class Stages:
    """CPU seconds by stage."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, whose time is counted."""

        def run(*args: Any, **options: Any) -> Any:
            before = time.process_time()
            try:
                return function(*args, **options)
            finally:
                self.seconds[stage] += time.process_time() - before  # type: ignore[assignment]

        return run


def rig() -> StereoRig:
    """Like a ZED 2 at 720p."""
    left = Intrinsics(SIZE, 530, 530, 640, 362, [-0.04, 0.01, 0, 0, -0.005])
    right = Intrinsics(SIZE, 531, 531, 634, 357, [-0.04, 0.01, 0, 0, -0.005])
    return StereoRig(Stereo(left, right), cv2.Rodrigues(np.array([0.002, 0.004, 0.001]))[0], [-0.12, 0, 0])


def write_recording(path: Path, n_frames: int) -> None:
    """Soft noise, about as dear to decode as a room."""
    rng = np.random.default_rng(0)
    with RecordingWriter(path, SIZE, fps=30, rectified=False) as writer:
        for i in range(n_frames):
            coarse = rng.integers(0, 255, (2, 180, 320, 3), dtype=np.uint8)
            views = [cv2.add(cv2.resize(c, SIZE), rng.integers(0, 8, (720, 1280, 3), dtype=np.uint8)) for c in coarse]
            writer.append(Stereo(*views), i / 30)


def make_detector(options: argparse.Namespace) -> TopDown:
    """The published one that was asked for, or HRNet W32 without training."""
    if options.weights:
        settings = {"flip": options.flip, "device": "cpu", "threads": 1}
        return build(options.detector, options.weights, **settings)  # type: ignore[return-value]
    torch.manual_seed(0)
    width, height = map(int, options.size.split("x"))
    net = fold_batchnorm(HRNet(32).eval())
    shift = True if options.flip else None
    return TopDown(net, COCO_17, crop=CropRule((width, height)), decode=decode_dark, flip_shift=shift)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """CPU seconds a pair by stage, their shares, and what finding the infant costs before."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    stages, detector, rectifier = Stages(), make_detector(options), Rectifier(rig())
    with tempfile.TemporaryDirectory() as folder:
        write_recording(Path(folder) / "made.h5", options.frames)
        with open_recording(Path(folder) / "made.h5") as recording:
            detector(np.zeros((8, *detector.crop.size[::-1], 3), np.uint8))
            before = time.process_time()
            if options.search:
                survey(recording, detector)
            searching = time.process_time() - before
            recording._pairs = stages.timed("reading", recording._pairs)  # type: ignore[attr-defined]
            detector._maps = stages.timed("network", detector._maps)  # type: ignore[method-assign]
            detector._decode = stages.timed("decode", detector._decode)
            look.cut_out = stages.timed("crop", look.cut_out)
            before = time.process_time()
            detect(recording, rectifier, detector, roi=ROI)
            total = time.process_time() - before
    stages.seconds["rest"] = total - sum(stages.seconds.values())  # type: ignore[assignment]
    per_pair = {k: v / options.frames for k, v in stages.seconds.items()}
    result = {"frames": options.frames, "total": total / options.frames, "seconds_per_pair": per_pair,
              "share": {k: v / total for k, v in stages.seconds.items()}}
    return result | ({"survey_seconds": searching} if options.search else {})


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--size", default="192x256", help="WxH of HRNet's input")
    parser.add_argument("--no-flip", dest="flip", action="store_false")
    parser.add_argument("--search", action="store_true", help="measure the survey too")
    parser.add_argument("--detector", default="darkpose")
    parser.add_argument("--weights")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = measure(options)
    if options.json:
        print(json.dumps(result))
        return
    for stage in ("reading", "crop", "network", "decode", "rest"):
        print(f"{stage:8} {1e3 * result['seconds_per_pair'][stage]:8.1f} ms a pair {result['share'][stage]:7.1%}")
    print(f"{'all':8} {1e3 * result['total']:8.1f} ms a pair")
    if options.search:
        print(f"survey   {result['survey_seconds']:8.1f} s, once")


if __name__ == "__main__":
    main()
