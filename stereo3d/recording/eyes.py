"""Which of two views is the left one, by what the pictures show.

What is near lies further to the right in the left camera's picture: its disparity, the column in the left less that in
the right picture, is above 0 for cameras that look the same way. Where the views are the wrong way round it is below.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from stereo3d.recording.base import FramePair, Recording
from stereo3d.values import Bytes, Floats, Value

_PAIRS = 3
"""That are looked at, from all over the recording."""
_WIDTH = 640
"""px, to which pictures are made smaller."""
_FEATURES = 800
_RATIO = 0.8
_TALLEST = 0.05
"""Parts of the height, beyond which a difference of rows is taken for a wrong match."""
_LEAST_MATCHES, _LEAST_SHARE, _LEAST_DISPARITY = 24, 0.75, 0.005
"""What it takes to be sure: matches, the share of them on one side of 0, and their median in widths of the picture."""


@dataclass(frozen=True, slots=True, eq=False)
class Eyes(Value):
    """What N features seen in both views say of which is which."""

    disparity: Floats
    """(N,) px of the recorded pictures."""
    width: int
    """px of a picture."""
    exchanged: bool = False
    """Whether the rig of the recording has its cameras the wrong way round too, so that disparities are below 0."""

    @property
    def swapped(self) -> bool | None:
        """Whether left and right are the wrong way round; None where the pictures do not tell."""
        if len(self.disparity) < _LEAST_MATCHES:
            return None
        positive = float((self.disparity > 0).mean())
        if max(positive, 1 - positive) < _LEAST_SHARE or abs(np.median(self.disparity)) < _LEAST_DISPARITY * self.width:
            return None
        return bool((positive < 0.5) != self.exchanged)

    def __str__(self) -> str:
        if len(self.disparity) < _LEAST_MATCHES:
            return f"unknown, {len(self.disparity)} features are seen by both"
        seen = f"median disparity {np.median(self.disparity):+.0f} px of {len(self.disparity)} features"
        words = {
            None: "unknown", False: "left and right as they should be",
            True: "LEFT AND RIGHT ARE THE WRONG WAY ROUND: open it with --swap",
        }
        return f"{words[self.swapped]} ({seen})"


def look_at_eyes(recording: Recording) -> Eyes:
    """What a few pairs of a recording say of which view is which."""
    rig, width = recording.rig, recording.size[0]
    there = np.flatnonzero(recording.valid)
    chosen = np.unique(there[np.linspace(0, len(there) - 1, _PAIRS + 2)[1:-1].astype(int)]) if len(there) else there
    found = [_disparities(pair) for pair in (recording[int(index)] for index in chosen) if pair.valid]
    return Eyes(np.concatenate([np.zeros(0), *found]), width, rig is not None and rig.baseline < 0)


def _disparities(pair: FramePair) -> Floats:
    """(N,) px of the features that each are the other's nearest, and clearly so, in about the same row."""
    orb = cv2.ORB.create(_FEATURES)
    scale = min(1.0, _WIDTH / pair.images.left.shape[1])
    greys = pair.images.map(lambda image: _small(image, scale))
    (at_left, left), (at_right, right) = (orb.detectAndCompute(grey, None) for grey in greys)
    if left is None or right is None or min(len(left), len(right)) < 3:
        return np.zeros(0)
    matcher = cv2.BFMatcher(cv2.NORM_HAMMING)
    back = {m[0].queryIdx: m[0].trainIdx for m in matcher.knnMatch(right, left, k=1)}
    clear = [
        (at_left[a.queryIdx].pt, at_right[a.trainIdx].pt) for a, b in matcher.knnMatch(left, right, k=2)
        if a.distance < _RATIO * b.distance and back.get(a.trainIdx) == a.queryIdx
    ]
    shift = np.array([np.subtract(a, b) for a, b in clear]).reshape(-1, 2)
    level = np.abs(shift[:, 1]) < _TALLEST * greys.left.shape[0]
    return np.asarray(shift[level, 0] / scale, np.float64)


def _small(image: Bytes, scale: float) -> Bytes:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
