"""What lies before a joint stays there for a while: the seconds around a frame tell better than the frame whether a
joint is hidden. Half of a detector's error is new in every frame; what hides a joint is not.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from stereo3d.refinement.explain import Compared, Shares, explained
from stereo3d.refinement.noise import Noise
from stereo3d.values import Bools, Floats

REACH = 2.0
"""s on either side that are looked at."""
_FRAMES = 8
"""On either side, evenly over the reach: enough to average what is new in every frame."""
_ALIKE = 2.0
"""Standard deviations of their difference up to which two frames are thought to show the same."""
_NEW_OF_MATCH = 0.25
"""Share of the match's variance that is new in every frame; the rest stays for a second or longer."""


_ROUNDS = 2
"""In which witnesses are heard: what one joint's bones say depends on where its neighbours are."""


def explained_lastingly(
    c: Compared, before: Shares, *, time: Floats, noise: Noise,
    told: Callable[[Compared, Shares], Floats] | None = None,
) -> Shares:
    """The reasons' probabilities (T, K), hidden or seen by the differences of the second before and after.

    A match is wrong in its own frame only. Frames at `time` (T,) s that differ by more than the detectors' `noise`
    explains are not averaged: something moved before the joint between them. `told`: the logarithm of the odds for
    hidden against seen by another witness, from the averaged differences and the probabilities so far.
    """
    alike = _alike(c, time, noise)
    averaged = _pooled(c, alike, noise)
    shares = _of_both(c, averaged, before, before)
    for _ in range(_ROUNDS if told else 0):
        odds = np.exp(_mean(told(averaged, shares), alike)[0]) if told else 1.0
        shares = _of_both(c, averaged, before, tilted(before, odds))
    return shares


def tilted(shares: Shares, odds: Floats | float) -> Shares:
    """The shares with the odds that the joint is not seen (T, K) times as high."""
    seen, hidden, wrong = shares.seen, shares.hidden * odds, shares.wrong * odds
    total = seen + hidden + wrong
    return Shares(seen / total, hidden / total, wrong / total)


def _of_both(c: Compared, averaged: Compared, before: Shares, tilted_before: Shares) -> Shares:
    alone = explained(c, tilted_before)
    pooled = explained(averaged, tilted_before)
    there = pooled.seen + pooled.hidden
    rest = 1 - alone.wrong
    return Shares(rest * pooled.seen / there, rest * pooled.hidden / there, alone.wrong)


_Alike = list[tuple[slice, slice, Bools]]
"""Frames, those that they are compared with, and (N, K) which of them show the same."""


def _alike(c: Compared, time: Floats, noise: Noise) -> _Alike:
    new = noise.white * c.own**2 + _NEW_OF_MATCH * c.spread**2
    limit = _ALIKE**2 * 2 * (new + noise.slow * c.own**2)
    step = float(np.median(np.diff(time))) if len(time) > 1 else REACH
    most = int(REACH / max(step, 1e-6) + 1e-6)
    out: _Alike = []
    for lag in np.unique(np.linspace(0, most, min(most, _FRAMES) + 1).round().astype(int))[1:].tolist():
        for here, there in ((slice(lag, None), slice(None, -lag)), (slice(None, -lag), slice(lag, None))):
            if lag >= len(time):
                continue
            off = c.off[there] - c.off[here]
            near = (np.abs(time[there] - time[here]) <= REACH * 1.001)[:, None]
            out.append((here, there, np.isfinite(off) & near & (off**2 <= limit[here])))
    return out


def _mean(x: Floats, alike: _Alike) -> tuple[Floats, Floats]:
    """(T, K) means of x over the frames around that show the same, NaN where x is; and of how many."""
    known = np.isfinite(x)
    total, n = np.where(known, x, 0.0), known.astype(float)
    for here, there, same in alike:
        usable = same & known[there]
        total[here] += np.where(usable, x[there], 0.0)
        n[here] += usable
    n = np.maximum(n, 1.0)
    return np.where(known, total / n, np.nan), n


def _pooled(c: Compared, alike: _Alike, noise: Noise) -> Compared:
    """The mean differences around each frame, and how sure they are; what lasts in the errors does not average out."""
    off, n = _mean(c.off, alike)
    memory = float(np.nan_to_num(noise.memory))
    fading = np.minimum(1.0, np.maximum(1 / n, memory / REACH))
    own = c.own * np.sqrt(noise.bias + noise.slow * fading + noise.white / n)
    spread = c.spread * np.sqrt(1 - _NEW_OF_MATCH + _NEW_OF_MATCH / n)
    return Compared(c.joint, spread, off, own, c.per_metre)
