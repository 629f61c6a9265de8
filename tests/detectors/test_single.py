"""Joints do not depend on how the pictures are batched or the recording is cut, whatever runs the network."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import torch
from dots import Film, figure, rectifier

from stereo3d.detectors.crops import CropRule
from stereo3d.detectors.detect import detect
from stereo3d.detectors.heatmaps import decode_dark
from stereo3d.detectors.topdown import TopDown
from stereo3d.models import hrnet
from stereo3d.models.folding import fold_batchnorm
from stereo3d.models.hrnet import HRNet
from stereo3d.models.runtimes import RUNTIMES, Workshop
from stereo3d.poses import concatenate
from stereo3d.skeleton import COCO_17
from stereo3d.stereo import SIDES

SIZE = (64, 96)
RUNNABLE = [
    name for name, runtime in RUNTIMES.items()
    if "cpu" in runtime.devices and all(map(importlib.util.find_spec, runtime.needs))
]
SQUARE = (300.0, 240.0, 180.0)


@pytest.fixture(scope="module")
def workshop() -> Workshop:
    """An HRNet with one block where there are four; its maps are noise, whose maxima rounding could well exchange."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hrnet, "MODULES", (1, 1, 1))
        patch.setattr(hrnet, "DEPTH", 1)
        torch.manual_seed(0)
        net = HRNet(8).eval()
    with torch.no_grad():
        net.final_layer.weight *= 100
        net.final_layer.bias.zero_()  # type: ignore[union-attr]
    return Workshop(fold_batchnorm(net), SIZE, threads=1)


@pytest.fixture(scope="module")
def film() -> Film:
    return Film(11, lambda frame, side: figure(300 + 3 * frame, 240 + (side == "right") * 5, turn=0.05 * frame))


@pytest.mark.parametrize("name", RUNNABLE)
@pytest.mark.parametrize("flip_shift", [None, True])
def test_batches_and_segments_change_nothing(
    workshop: Workshop, film: Film, name: str, flip_shift: bool | None
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (4, SIZE[1], SIZE[0], 3), dtype=np.uint8)
    model = workshop.in_bytes(noise) if name.endswith("int8") else None
    detector = TopDown(
        workshop.network(name, model), COCO_17, crop=CropRule(SIZE), decode=decode_dark, flip_shift=flip_shift
    )
    places = rectifier()
    whole = detect(film, places, detector, roi=SQUARE, batch=16)
    assert np.isfinite(whole.left.xy).mean() > 0.5
    for batch in (1, 3):
        parts = [detect(film, places, detector, frames, roi=SQUARE, batch=batch) for frames in (range(4), range(4, 11))]
        for side in SIDES:
            cut = concatenate([part[side] for part in parts])
            np.testing.assert_allclose(cut.xy, whole[side].xy, atol=1e-3)
            np.testing.assert_allclose(cut.score, whole[side].score, atol=1e-4)


def test_every_runtime_was_there_to_be_tried() -> None:
    assert {"torch", "torch-bf16"} <= set(RUNNABLE)
