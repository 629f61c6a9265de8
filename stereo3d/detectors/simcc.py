"""Joints from two lines each: SimCC, which says for x and for y how likely each place is.

Li et al., "SimCC: a Simple Coordinate Classification Perspective for Human Pose Estimation", ECCV 2022; RTMPose reads
its joints so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stereo3d.errors import InvalidValue
from stereo3d.values import Floats, number


class Lines(NamedTuple):
    """What a network gives for N pictures of w x h px and K joints, each px being `split` places."""

    x: Floats
    """(N, K, w split)"""
    y: Floats
    """(N, K, h split)"""


def decode_simcc(lines: Lines, split: float = 2.0) -> tuple[Floats, Floats]:
    """xy (N, K, 2) px of the input, NaN where a line is nowhere positive, and score (N, K), the lower line's.

    Raises InvalidValue.
    """
    split = number("split", split, 1e-3)
    x, y = (np.asarray(line, np.float64) for line in lines)
    if x.ndim != 3 or y.ndim != 3 or x.shape[:2] != y.shape[:2] or 0 in (*x.shape[2:], *y.shape[2:]):
        raise InvalidValue(f"lines: expected shapes (N, K, W) and (N, K, H), got {x.shape} and {y.shape}")
    score = np.minimum(x.max(-1), y.max(-1))
    xy = np.stack((x.argmax(-1), y.argmax(-1)), -1) / split
    known = np.isfinite(score) & (score > 0)
    return np.where(known[..., None], xy, np.nan), np.where(known, score, 0)


def merge_flipped_lines(lines: Lines, flipped: Lines, mirror: Sequence[int]) -> Lines:
    """The mean of the lines of a picture and of its mirror image, which `mirror` names the joints' partners for."""
    return Lines(
        0.5 * (lines.x + flipped.x[:, list(mirror), ::-1]), 0.5 * (lines.y + flipped.y[:, list(mirror)])
    )
