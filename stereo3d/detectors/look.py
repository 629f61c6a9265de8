"""Runs a detector on crops of pictures and brings the joints back into the pictures' pixels."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Protocol

import numpy as np

from stereo3d.detectors import crops
from stereo3d.detectors.base import Detector
from stereo3d.poses import Detections
from stereo3d.values import Bytes, Floats


class Picture(Protocol):
    """A picture to cut from."""

    def __call__(self, affine: Floats, size: tuple[int, int], *, shrink: int) -> Bytes:
        """(h, w, 3) the crop of (w, h) size, bilinear, after shrinking the picture so many times; (2, 3) `affine` from
        the picture's own px to the crop's."""


SPARSEST = 1.5
"""px of the picture between two samples of a crop: sampled more sparsely, a picture gives jagged crops. On real
pictures shrunk fivefold this is worth 5 points of 3DPCK@10."""
SMALLEST = 8
"""Times that a picture is shrunk at most."""


def cut_out(picture: Picture, affine: Floats, size: tuple[int, int]) -> Bytes:
    """(h, w, 3) the crop of (w, h) size; where it shows much of the picture, that is shrunk by halves before."""
    apart = 1 / float(crops.magnification(affine))
    halvings = math.ceil(math.log2(max(1.0, apart / SPARSEST)))
    return picture(affine, size, shrink=min(SMALLEST, 1 << halvings))


def look(detector: Detector, pictures: Iterable[Picture], affines: Floats) -> Detections:
    """The joints in N pictures, in their px.

    affines: (N, 2, 3) from each picture to the detector's input; where one is unknown (NaN), so are its joints.
    """
    w, h = detector.crop.size
    known = np.isfinite(affines.sum((-2, -1)))
    inputs = np.zeros((len(affines), h, w, 3), np.uint8)
    for place, picture, affine, there in zip(inputs, pictures, affines, known, strict=True):
        if there:
            place[:] = cut_out(picture, affine, (w, h))
    found = detector(inputs)
    back = crops.invert(affines)
    score, sigma = (np.where(known[:, None], x, np.nan) for x in (found.score, found.sigma))
    others = np.where(known, found.others, np.nan)
    return Detections(crops.apply(back, found.xy), score, sigma * crops.magnification(back)[:, None], others)
