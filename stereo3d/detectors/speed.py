"""What this machine does with a detector: pairs a second, and hours for an hour of recording."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from stereo3d.detectors.crops import CropRule
from stereo3d.detectors.heatmaps import decode_dark
from stereo3d.detectors.topdown import PADDING, TopDown, device_named, set_threads
from stereo3d.detectors.tuning import Trial, Tuning
from stereo3d.models import remembered
from stereo3d.models.folding import fold_batchnorm
from stereo3d.models.hrnet import HRNet
from stereo3d.models.runtimes import Workshop
from stereo3d.skeleton import COCO_17
from stereo3d.values import Bytes

SIZE = (288, 384)
"""(w, h) px of the input of the network that is measured where none is given."""
SHOWN = 16
"""Pictures of noise that it is shown."""


class Speed(NamedTuple):
    """One runtime on this machine."""

    runtime: str
    pairs: float
    """A second; NaN where it does not run."""
    hours: float
    """For an hour of recording."""
    shift: float
    """px that the joints move (median); NaN where nobody can tell."""
    why: str
    """Why it does not run."""


def speeds(trials: list[Trial], fps: float) -> list[Speed]:
    """The fastest first, for recordings of `fps` pairs a second."""
    rows = [Speed(t.runtime, 0.5 / t.seconds, 2 * t.seconds * fps, t.shift, t.why) for t in trials]
    return sorted(rows, key=lambda row: -np.nan_to_num(row.pairs))


def untrained(*, device: str = "auto", threads: int | None = None, flip: bool = True) -> Tuning[TopDown]:
    """HRNet W32 before its training: what it finds is nothing, what it costs is the same."""
    set_threads(threads)
    torch.manual_seed(0)
    net = fold_batchnorm(HRNet(32).eval())
    device = device_named(device)
    detector = TopDown(
        net, COCO_17, crop=CropRule(SIZE, PADDING), decode=decode_dark, flip_shift=True if flip else None, device=device
    )
    key = {"weights": "none", "size": list(SIZE), "flip": flip, "decoder": "dark", "device": device, "threads": threads}
    workshop = Workshop(net, SIZE, device=device, threads=threads, cache=remembered.folder())
    return Tuning(detector, workshop, "auto", key)


def noise(detector: TopDown) -> Bytes:
    """(SHOWN, h, w, 3) pictures of nothing."""
    w, h = detector.crop.size
    return np.random.default_rng(0).integers(0, 256, (SHOWN, h, w, 3), dtype=np.uint8)
