"""How a joint moves from frame to frame: its acceleration is a Gauss-Markov process, and so is each sensor's drift.

Source: R. A. Singer, "Estimating optimal tracking filter performance for manned maneuvering targets", IEEE Trans. AES 6
(1970), its transition and process noise carried over to what S sensors would see without noise: n = 3 + S states.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stereo3d.values import Floats

_ALIKE = 1e-7
"""s, by what clocks may differ that are taken for one: far less than cameras know of theirs."""
MOTION = 3
"""States of the motion; what the sensors would see follows."""


class Clock(NamedTuple):
    """C clocks: one for all windows, or one for each."""

    change: Floats
    """(L, C, 1, n, n): how the state changes in a step."""
    noise: Floats
    """(L, C, n, n): the covariance that a drive of 1 adds to it."""
    driven: Floats
    """(L, C, n + 1, n, n + 1): for each row of what is known the change, and beside it that row of the noise."""
    back: Floats
    """(L, C, 1, n, n): `change` transposed."""


def clocks(step: Floats, reaction: float, memory: Sequence[float]) -> Clock:
    """Steps (L, W) s of motion whose acceleration forgets in `reaction` s, and of S drifts that forget in `memory` (S,)
    s; one clock where all windows have the same."""
    n = MOTION + len(memory)
    if (np.abs(step - step[:, :1]) < _ALIKE).all():
        step = step[:, :1]
    x = step / reaction
    keep = np.exp(-x)
    gain, reach = reaction * (1 - keep), reaction**2 * (x - 1 + keep)
    pp = (1 - keep**2 + 2 * x + 2 * x**3 / 3 - 2 * x**2 - 4 * x * keep) / 2 * reaction**3
    pv = (keep**2 + 1 - 2 * keep + 2 * x * keep - 2 * x + x**2) / 2 * reaction**2
    pa = (1 - keep**2 - 2 * x * keep) / 2 * reaction
    vv = (4 * keep - 3 - keep**2 + 2 * x) / 2 * reaction
    va = (keep**2 + 1 - 2 * keep) / 2
    aa = (1 - keep**2) / 2 / reaction
    change = np.zeros((*step.shape, n, n))
    for state, row in enumerate(((1, step, reach), (0, 1, gain), (0, 0, keep))):
        for i, part in enumerate(row):
            change[..., state, i] = part
    for state, lasts in enumerate(memory, MOTION):
        kept = np.exp(-step / lasts)
        change[..., state, :] = change[..., 0, :]
        change[..., state, 0] -= kept
        change[..., state, state] = kept
    moved = [*range(MOTION), *[0] * len(memory)]
    noise = np.moveaxis(np.array([[pp, pv, pa], [pv, vv, va], [pa, va, aa]])[moved][:, moved], (0, 1), (2, 3))
    driven = np.zeros((*step.shape, n + 1, n, n + 1))
    driven[..., :n], driven[..., :n, :, n] = change[:, :, None], noise
    change = change[:, :, None]
    return Clock(change, np.ascontiguousarray(noise), driven, np.ascontiguousarray(change.swapaxes(-1, -2)))
