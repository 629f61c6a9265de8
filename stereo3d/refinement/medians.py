"""Medians over time of what is known, of many joints at once."""

from __future__ import annotations

import numpy as np

from stereo3d.values import Floats


def median(x: Floats, otherwise: Floats | float = np.nan) -> Floats:
    """(...) medians of the known ones of x (T, ...) along its first axis, `otherwise` where none is known."""
    if not len(x):
        return np.zeros(x.shape[1:]) + otherwise
    ordered = np.sort(np.ascontiguousarray(np.moveaxis(x, 0, -1)), axis=-1)  # NaN last
    n = len(x) - np.isnan(ordered).sum(-1)
    ends = [np.take_along_axis(ordered, i[..., None], -1)[..., 0] for i in (np.maximum(n - 1, 0) // 2, n // 2 % len(x))]
    return np.asarray(np.where(n > 0, (ends[0] + ends[1]) / 2, otherwise), float)
