"""Pictures of the infant out of a recording, as its detector gets them: to measure with."""

from __future__ import annotations

from functools import partial

import numpy as np

from stereo3d.detectors import crops
from stereo3d.detectors.base import Detector
from stereo3d.detectors.crops import Box
from stereo3d.detectors.look import cut_out
from stereo3d.detectors.search import search
from stereo3d.recording.base import Recording
from stereo3d.values import Bytes

FRAMES = 16
"""Moments that are taken, spread over the recording."""


def samples(recording: Recording, detector: Detector, roi: tuple[float, float, float] | None = None) -> Bytes:
    """(N, h, w, 3) crops of both views at up to FRAMES moments, of `detector.crop.size`, N even.

    The infant is searched for in the middle of the recording, unless `roi` says where it is (centre x, y, side in px).
    """
    n = len(recording)
    places = np.unique(((np.arange(FRAMES) + 0.5) * n / FRAMES).astype(int))
    if roi is not None:
        box = np.tile(crops.box_of_square(roi, detector.crop), (2, 1))
    else:
        box = search(detector, recording[n // 2].images).box
    affines = crops.affine(Box(box[:, :2], box[:, 2:4], box[:, 4]), detector.crop)
    cut = [
        cut_out(partial(crops.warp, image), affine, detector.crop.size)
        for place in places for image, affine in zip(recording[int(place)].images, affines, strict=True)
    ]
    return np.stack(cut)
