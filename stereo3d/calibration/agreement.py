"""Which views and corners of all go together; the others are left out, by name and with the reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from stereo3d.calibration.bundle import Corners, Prior, State, fit, posed, residuals
from stereo3d.calibration.disagree import Settled, named, shifted
from stereo3d.calibration.initial import view_rms
from stereo3d.calibration.views import LeftOut, Views
from stereo3d.errors import CalibrationError
from stereo3d.stereo import SIDES
from stereo3d.values import Bools, Floats

WORST_CORNER = 6.0
"""Standard deviations of the corners, beyond which one disagrees."""
LEAST_STRAY = 0.3
"""px, up to which no corner does."""
_MOST_STRAYS = 0.2
"""The share of a view's corners, beyond which all of it is left out."""
_HOPELESS = 50.0
"""Times the limit, beyond which no say of its own would help a view."""
_ROUNDS = 10


def agreeing(
    views: Views, settled: Settled, free: Bools, prior: Prior | None, least: int
) -> tuple[Views, State]:
    """The views and corners that go together, the rest named, and the state that fits them.

    Least trimmed squares, then reweighted (Rousseeuw 1984): it begins with the half that agrees best. `free` (32,) is
    what is adjusted. Raises CalibrationError where fewer than `least` or than half of the views agree.
    """
    seen = _Seen.of(settled.corners, settled.state)
    used = seen.rms <= max(settled.limit, float(np.median(seen.rms)))
    for _ in range(_ROUNDS):
        seen = seen.under(settled.corners, used, free, prior)
        before, used = used, seen.rms <= settled.limit
        if used.sum() < least or (used == before).all():
            break
    if used.sum() < max(least, len(used) / 2):
        _refuse(views, settled, used)
    seen, used = _readmitted(settled, seen, used, free, prior)
    reasons = named(views, replace(settled, state=seen.state), used)
    strays = _strays(views, settled.corners, seen.corners, used)
    return replace(views, xy=seen.corners.xy).only(used, *reasons, *strays), seen.state.only(used)


@dataclass(frozen=True, slots=True)
class _Seen:
    """All views under one rig, each at its best pose and without the corners that stray."""

    corners: Corners
    state: State
    rms: Floats
    """(V,) px; infinite where too many corners stray."""

    @classmethod
    def of(cls, corners: Corners, state: State) -> _Seen:
        state = posed(corners, state)
        state = posed(_without_strays(corners, state), state)
        clean = _without_strays(corners, state)
        gone = 1 - np.isfinite(clean.xy).sum((1, 2, 3)) / np.isfinite(corners.xy).sum((1, 2, 3))
        rms = np.where(gone <= _MOST_STRAYS, view_rms(residuals(clean, state)), np.inf)
        return cls(clean, state, rms)

    def under(self, corners: Corners, used: Bools, free: Bools, prior: Prior | None) -> _Seen:
        """All views under the rig that the used ones make."""
        found = fit(self.corners.only(used), self.state.only(used), free, prior=prior).state
        return _Seen.of(corners, replace(found, turns=self.state.turns, places=self.state.places))


def _readmitted(
    settled: Settled, seen: _Seen, used: Bools, free: Bools, prior: Prior | None
) -> tuple[_Seen, Bools]:
    """With views that agree once they have a say: the only one in a corner of the picture is badly foretold."""
    for v in np.argsort(seen.rms).tolist():
        if used[v] or seen.rms[v] > _HOPELESS * settled.limit:
            continue
        tried = used | (np.arange(len(used)) == v)
        moved = seen.under(settled.corners, tried, free, prior)
        if (moved.rms[tried] <= settled.limit).all():
            seen, used = moved, tried
    return seen, used


def _without_strays(corners: Corners, state: State) -> Corners:
    """The corners without those too far off for chance, by the spread of their own view."""
    residual = residuals(corners, state)
    spread = 1.4826 * np.nanmedian(np.abs(residual), axis=(1, 2, 3))
    limit = np.maximum(WORST_CORNER * spread, LEAST_STRAY)
    far = np.linalg.norm(residual, axis=-1) > limit[:, None, None]
    return replace(corners, xy=np.where(far[..., None], np.nan, corners.xy))


def _strays(views: Views, before: Corners, after: Corners, used: Bools) -> list[LeftOut]:
    gone = np.isfinite(before.xy[..., 0]) & ~np.isfinite(after.xy[..., 0]) & used[:, None, None]
    return [
        LeftOut(int(views.frame[v]), "is too far from where the other corners put it", SIDES[e], m)
        for v, e, m in np.argwhere(gone).tolist()
    ]


def _refuse(views: Views, settled: Settled, used: Bools) -> None:
    reasons = named(views, settled, used)
    late = shifted(settled.left, settled.right)
    advice = (
        f"the right pictures seem to be {'late' if late > 0 else 'early'} by {abs(late)}: pair them anew"
        if late
        else "use cameras that are triggered together and hold the board still, check that every left picture is "
        "paired with the right one of its moment, and that the board file describes this board"
    )
    raise CalibrationError(
        f"only {int(used.sum())} of {len(used)} views agree with one another, though each eye by itself fits to "
        f"under {settled.limit:.2g} px{reasons_in_words(reasons)}: {advice}"
    )


def reasons_in_words(left_out: tuple[LeftOut, ...], most: int = 4) -> str:
    """The commonest reasons for leaving pairs out, as the rest of a sentence; empty without any."""
    pairs = [f"{o.side} picture: {o.reason}" if o.side else o.reason for o in left_out if o.corner is None]
    counts = Counter(reason.split(" (")[0] for reason in pairs).most_common(most)
    return f" (left out: {'; '.join(f'{n} because {r}' for r, n in counts)})" if counts else ""
