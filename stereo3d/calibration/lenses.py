"""How many numbers the lens and the board need: what predicts views that were held out, not what fits those at hand.

Five distortion coefficients unless another choice is clearly better at that, and a flat board unless it is clearly
bent. Eight coefficients always fit a little closer and may predict three times worse (0.66 against 0.21 px on the
stereo pictures of opencv-doc).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from stereo3d.calibration.bundle import BEND, NAMES, Corners, Fit, Prior, State, fit, posed, residuals
from stereo3d.calibration.initial import view_rms
from stereo3d.calibration.projection import LENS
from stereo3d.calibration.uncertainty import covariance
from stereo3d.values import Bools, Floats, Value

USUAL = 5
COEFFICIENTS = {n: LENS[4:4 + n] for n in (0, 2, 4, 5, 8)}
"""Distortion coefficients by how many there are."""
_CLEARLY = 2.0
"""Standard errors of the mean difference over the views."""
_CHANCE = 9.2
"""Chi squared of two numbers, which chance exceeds once in a hundred."""


@dataclass(frozen=True, slots=True, eq=False)
class Trial(Value):
    """One choice of the lens and the board, and how it did."""

    coefficients: int
    bent: bool
    held_out: float
    """px, root mean square error of each view under what the others say, at its best pose."""
    in_sample: float
    """px, the same of the views at hand."""
    chosen: bool = False


def freedom(coefficients: int | None, *, bent: bool) -> Bools:
    """(32,) which shared numbers are adjusted; None for lenses that are kept."""
    free = np.isin(np.arange(32), range(24, 30))
    free[BEND] = bent
    if coefficients is not None:
        moved = {*LENS[:4], *COEFFICIENTS[coefficients]}
        free[:24] = [name.split()[1] in moved for name in NAMES[:24]]
    return free


def choose(
    corners: Corners, state: State, counts: tuple[int | None, ...], prior: Prior | None = None
) -> tuple[Fit, tuple[Trial, ...]]:
    """The adjustment with the choice that predicts best, of `counts` of coefficients (the usual one first) and of a
    bent or flat board; and all that were tried."""
    best, errors = _tried(corners, state, counts[0], True, prior)
    trials = [(counts[0], True, best, errors)]
    for count, bent in [*((c, True) for c in counts[1:]), (None, False)]:
        if not bent:
            count = next(c for c, _, f, _ in trials if f is best)
        found, error = _tried(corners, state, count, bent, prior)
        trials.append((count, bent, found, error))
        if _better(error, errors) or not (bent or _really_bent(corners, best)):
            best, errors = found, error
    used = int(np.count_nonzero(state.lenses[:, 4:].any(0)))
    return best, tuple(
        Trial(used if c is None else c, b, _mean(e), _mean(view_rms(_seen(corners, f))), f is best)
        for c, b, f, e in trials
    )


def held_out(corners: Corners, found: Fit) -> Floats:
    """(V,) px, the error of each view at its best pose under what the other views say."""
    return view_rms(residuals(corners, posed(corners, found.without_each())))


def _really_bent(corners: Corners, found: Fit) -> bool:
    """Whether chance would hardly make such a bend of a flat board (Wald's test)."""
    bend, cover = found.state.bend, covariance(found, corners)[BEND, BEND]
    return bool(bend @ np.linalg.pinv(cover, hermitian=True) @ bend > _CHANCE)


def _tried(
    corners: Corners, state: State, count: int | None, bent: bool, prior: Prior | None
) -> tuple[Fit, Floats]:
    free = freedom(count, bent=bent)
    start = state
    if count is not None and prior is None:
        lenses = np.where(free[:24].reshape(2, 12), state.lenses, 0.0)
        start = replace(state, lenses=lenses)
    found = fit(corners, replace(start, bend=state.bend * bent), free, prior=prior)
    return found, held_out(corners, found)


def _seen(corners: Corners, found: Fit) -> Floats:
    return np.where(np.isfinite(corners.xy), found.normals.residual, np.nan)


def _mean(errors: Floats) -> float:
    return float(np.sqrt((errors**2).mean()))


def _better(error: Floats, than: Floats) -> bool:
    """Whether the first is smaller by more than chance over the views would make it."""
    gain = than**2 - error**2
    return bool(gain.mean() > _CLEARLY * gain.std(ddof=1) / np.sqrt(len(gain)))
