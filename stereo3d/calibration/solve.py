"""From corners to a rig: what most views agree on, the lens that predicts best, and how sure every number is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from stereo3d.calibration.agreement import agreeing, reasons_in_words
from stereo3d.calibration.bundle import NAMES, Corners, Fit, Prior, State, residuals
from stereo3d.calibration.disagree import Settled
from stereo3d.calibration.initial import calibrate_eye, crooked, tilts, together
from stereo3d.calibration.lenses import COEFFICIENTS, USUAL, Trial, choose, freedom
from stereo3d.calibration.projection import camera_of, lens_of
from stereo3d.calibration.sizes import mismatch
from stereo3d.calibration.views import LeftOut, Views
from stereo3d.cameras import StereoRig
from stereo3d.errors import CalibrationError, UsageError
from stereo3d.stereo import SIDES, Stereo
from stereo3d.values import Floats

Mode = Literal["full", "extrinsics", "refine"]
LEAST_VIEWS: dict[Mode, int] = {"full": 6, "refine": 4, "extrinsics": 4}
LEAST_TILT = float(np.deg2rad(10.0))
"""rad between the board's planes, without which a focal length cannot be told from a distance."""
WORST_VIEW = 3.0
"""Times the typical error of an eye by itself, beyond which a view disagrees."""
LEAST_WORST = 0.3
"""px, up to which no view does."""
TRUST = {"fx": 0.002, "fy": 0.002, "cx": 2.0, "cy": 2.0, "k1": 0.005, "k2": 0.01, "k3": 0.01, "p1": 3e-4, "p2": 3e-4}
"""How far a factory calibration is taken to be off where it is refined, one standard deviation: focal lengths in parts
of themselves, centres in px, coefficients as they are. Drift with temperature is of this size; the pose is open."""


@dataclass(frozen=True, slots=True)
class Solution:
    """A rig, what it rests on, and how sure it is."""

    views: Views
    """The views that agree, corners that do not set to NaN; what was left out and why."""
    mode: Mode
    fit: Fit
    trials: tuple[Trial, ...]
    alone: Stereo[float]
    """px, the error of each eye calibrated by itself."""

    @property
    def state(self) -> State:
        """The adjusted numbers."""
        return self.fit.state

    @property
    def corners(self) -> Corners:
        """What was adjusted."""
        return Corners(self.views.board.points, self.views.xy)

    @property
    def residual(self) -> Floats:
        """(V, 2, M, 2) px, seen minus projected; NaN where not seen."""
        return np.where(np.isfinite(self.views.xy), self.fit.normals.residual, np.nan)

    @property
    def rms(self) -> float:
        """px, root mean square distance over the corners of both pictures."""
        return float(np.sqrt(np.nanmean((self.residual**2).sum(-1))))

    @property
    def rig(self) -> StereoRig:
        """The rig."""
        return rig_of(self.state, self.views.size, rms=self.rms)

    @property
    def coefficients(self) -> int:
        """How many distortion coefficients the chosen lens has."""
        return next(trial.coefficients for trial in self.trials if trial.chosen)


def rig_of(state: State, size: tuple[int, int], rms: float | None = None) -> StereoRig:
    """The rig of a state."""
    left, right = (camera_of(lens, size) for lens in state.lenses)
    return StereoRig(Stereo(left, right), state.rotation, state.translation, rms=rms)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a mode moves and what it starts from."""

    known: State | None
    """The rig to start from, without poses."""
    counts: tuple[int | None, ...]
    """Of distortion coefficients to try, the usual one first; None for lenses that are kept."""
    refined: bool = False
    """Whether the lenses are held near those it starts from."""

    def prior(self, noise: float) -> Prior | None:
        """What is known of the lenses, for corners with a standard deviation of `noise` px."""
        return _prior(self.known, noise) if self.refined and self.known else None

    def lens(self, eye: int) -> Floats | None:
        """(12,) of the lens to start from."""
        return None if self.known is None else self.known.lenses[eye]


def solve(
    views: Views, mode: Mode = "full", start: StereoRig | None = None, *, lens: int | None = None
) -> Solution:
    """The rig that the views ask for; views and corners that disagree are left out by name.

    "full": everything from the views. "extrinsics": the lenses of `start` are kept, only the pose of the right camera
    is found. "refine": the lenses of `start` are adjusted within what drift explains (`TRUST`). `lens`: how many
    distortion coefficients there are to be in full mode (`COEFFICIENTS`), instead of those that predict best.
    Raises CalibrationError where the views are too few, too much alike, or do not agree.
    """
    plan = _planned(mode, start, views.size, lens)
    views = _flat_ones(views)
    _check_enough(views, mode)
    corners = Corners(views.board.points, views.xy)
    left, right = (calibrate_eye(corners, i, views.size, plan.lens(i)) for i in (0, 1))
    if mode == "full":
        _check_tilt(left.turns)
    state = together(corners, left, right)
    _check_apart(state)
    typical = float(np.median(np.sqrt((left.rms**2 + right.rms**2) / 2)))
    prior = plan.prior(typical / np.sqrt(2))
    settled = Settled(corners, state, left, right, max(WORST_VIEW * typical, LEAST_WORST))
    views, state = agreeing(views, settled, freedom(plan.counts[0], bent=True), prior, LEAST_VIEWS[mode])
    corners = Corners(views.board.points, views.xy)
    noise = float(np.nanstd(residuals(corners, state)))  # a factory lens that was kept so far has made it look larger
    found, trials = choose(corners, state, plan.counts, plan.prior(noise))
    alone = Stereo(*(float(np.sqrt(np.median(eye.rms**2))) for eye in (left, right)))
    return Solution(views, mode, found, trials, alone)


def _planned(mode: Mode, start: StereoRig | None, size: tuple[int, int], lens: int | None) -> _Plan:
    if lens is not None and (mode != "full" or lens not in COEFFICIENTS):
        raise UsageError(
            f"coefficients: expected one of {', '.join(map(str, COEFFICIENTS))} in full mode, got {lens} in mode {mode}"
        )
    if mode == "full":
        return _Plan(None, (USUAL, 4, 2, 0, 8) if lens is None else (lens,))
    if start is None:
        raise CalibrationError(f"{mode}: expected a rig to start from, got none; give the factory calibration")
    wrong = mismatch(start, size)
    if wrong:
        raise CalibrationError(wrong)
    lenses = np.stack([lens_of(camera) for camera in start.cameras])
    nowhere = np.zeros((0, 3))
    known = State(lenses, start.rotation, start.translation, np.zeros(2), np.zeros((0, 3, 3)), nowhere)
    if mode == "extrinsics":
        return _Plan(known, (None,))
    return _Plan(known, (8 if lenses[:, 9:].any() else USUAL,), refined=True)


def _prior(known: State, noise: float) -> Prior:
    sigma = np.full(len(NAMES), np.inf)
    for i, name in enumerate(NAMES[:24]):
        key = name.split()[1]
        sigma[i] = TRUST.get(key, 0.01) / max(noise, 1e-3) * (known.lenses.flat[i] if key in ("fx", "fy") else 1.0)
    return Prior(known, sigma)


def _flat_ones(views: Views) -> Views:
    """Those whose corners lie as a flat board's do, roughly: scrambled ones would spoil the start."""
    bent = crooked(Corners(views.board.points, views.xy))
    bad = bent > 0.5
    reasons = []
    for v, e in np.argwhere(bad).tolist():
        why = f"the corners are not in the order of a flat board ({bent[v, e]:.1f} squares off)"
        reasons.append(LeftOut(int(views.frame[v]), why, SIDES[e]))
    return views.only(np.asarray(~bad.any(1)), *reasons)


def _check_enough(views: Views, mode: Mode) -> None:
    if len(views) >= LEAST_VIEWS[mode]:
        return
    raise CalibrationError(
        f"only {len(views)} of {views.looked_at} pairs can be used: expected {LEAST_VIEWS[mode]} or more that show the "
        "board in both pictures, better 15 to 25 at different places, distances and tilts; film more"
        + reasons_in_words(views.left_out)
    )


def _check_tilt(turns: Floats) -> None:
    apart = float(np.quantile(tilts(turns), 0.95))
    if apart < LEAST_TILT:
        raise CalibrationError(
            f"all views show the board from one angle (its planes are within {np.rad2deg(apart):.1f} degrees, "
            f"expected {np.rad2deg(LEAST_TILT):.0f} at least): focal length and distance cannot be told apart; film it "
            "tilted by 20 to 45 degrees to the left, right, up and down, or keep the factory lenses (mode extrinsics)"
        )


def _check_apart(state: State) -> None:
    if np.linalg.norm(state.translation) < 1e-3:
        raise CalibrationError(
            "the left and the right pictures show the board from the same place: expected two cameras, "
            "got one picture twice; check the files"
        )
