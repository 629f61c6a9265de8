"""What lies before a joint stays there for a while: the seconds around a frame tell better than the frame whether a
joint is hidden. Half of a detector's error is new in every frame; what hides a joint is not.
"""

from __future__ import annotations

import numpy as np

from stereo3d.refinement.explain import Compared, Shares, explained
from stereo3d.refinement.noise import Noise
from stereo3d.values import Floats

REACH = 2.0
"""s on either side that are looked at."""
_FRAMES = 8
"""On either side, evenly over the reach: enough to average what is new in every frame."""
_ALIKE = 2.0
"""Standard deviations of their difference up to which two frames are thought to show the same."""
_NEW_OF_MATCH = 0.25
"""Share of the match's variance that is new in every frame; the rest stays for a second or longer."""


def explained_lastingly(c: Compared, before: Shares, *, time: Floats, noise: Noise) -> Shares:
    """The reasons' probabilities (T, K), hidden or seen by the differences of the second before and after.

    A match is wrong in its own frame only. Frames at `time` (T,) s that differ by more than the detectors' `noise`
    explains are not averaged: something moved before the joint between them.
    """
    alone = explained(c, before)
    pooled = explained(_pooled(c, time, noise), before)
    there = pooled.seen + pooled.hidden
    rest = 1 - alone.wrong
    return Shares(rest * pooled.seen / there, rest * pooled.hidden / there, alone.wrong)


def _pooled(c: Compared, time: Floats, noise: Noise) -> Compared:
    """The mean differences around each frame, and how sure they are; what lasts in the errors does not average out."""
    new = noise.white * c.own**2 + _NEW_OF_MATCH * c.spread**2
    weight = np.isfinite(c.off).astype(float)
    total, n = np.where(weight > 0, c.off, 0.0), np.array(weight)
    limit = _ALIKE**2 * 2 * (new + noise.slow * c.own**2)
    step = float(np.median(np.diff(time))) if len(time) > 1 else REACH
    most = int(REACH / max(step, 1e-6) + 1e-6)
    for lag in np.unique(np.linspace(0, most, min(most, _FRAMES) + 1).round().astype(int))[1:].tolist():
        for here, there in ((slice(lag, None), slice(None, -lag)), (slice(None, -lag), slice(lag, None))):
            if lag >= len(time):
                continue
            off = c.off[there] - c.off[here]
            near = (np.abs(time[there] - time[here]) <= REACH * 1.001)[:, None]
            alike = np.isfinite(off) & near & (off**2 <= limit[here])
            total[here] += np.where(alike, c.off[there], 0.0)
            n[here] += alike
    known = weight > 0
    n = np.maximum(n, 1.0)
    memory = float(np.nan_to_num(noise.memory))
    fading = np.minimum(1.0, np.maximum(1 / n, memory / REACH))
    own = c.own * np.sqrt(noise.bias + noise.slow * fading + noise.white / n)
    spread = c.spread * np.sqrt(1 - _NEW_OF_MATCH + _NEW_OF_MATCH / n)
    return Compared(c.joint, spread, np.where(known, total / n, np.nan), own, c.per_metre)
