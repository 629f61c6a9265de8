"""Where an adjustment starts: a lens for each eye by itself, and the rig that most views agree on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from stereo3d.calibration.bundle import NOTHING, Corners, State, fit, posed, residuals
from stereo3d.calibration.projection import camera_of
from stereo3d.values import Bools, Floats

_FOCAL = np.isin(np.arange(32), [0, 1, 4])
_WHOLE = np.isin(np.arange(32), range(9))


@dataclass(frozen=True, slots=True)
class Eye:
    """One camera calibrated by itself."""

    lens: Floats
    """(12,)."""
    turns: Floats
    """(V, 3, 3) camera from board."""
    places: Floats
    """(V, 3) m."""
    rms: Floats
    """(V,) px."""


def crooked(corners: Corners) -> Floats:
    """(V, 2) how far the corners are from a flat board's, in spacings of the corners: scrambled ones are beyond 0.5.

    A flat board is seen by a homography; a lens's distortion makes up to 0.2.
    """
    out = np.full(corners.xy.shape[:2], np.inf)
    for at in np.ndindex(out.shape):
        seen = np.isfinite(corners.xy[at]).all(-1)
        flat, xy = corners.points[seen, :2], corners.xy[at][seen]
        matrix, _ = cv2.findHomography(flat, xy)
        if matrix is not None:
            away = cv2.perspectiveTransform(flat[:, None], matrix)[:, 0] - xy
            scale = np.sqrt(np.ptp(xy, axis=0).prod() / max(np.ptp(flat, axis=0).prod(), 1e-12))
            step = np.linalg.norm(corners.points[1] - corners.points[0]) * scale
            out[at] = np.sqrt((away**2).sum(-1).mean()) / max(step, 1e-6)
    return out


def calibrate_eye(corners: Corners, eye: int, size: tuple[int, int], known: Floats | None = None) -> Eye:
    """One camera by itself from its own corners; with `known` (12,) its lens is kept and only the poses are found."""
    xy = np.full_like(corners.xy, np.nan)
    xy[:, 0] = corners.xy[:, eye]
    alone = replace(corners, xy=xy)
    lens = _first_lens(alone, size) if known is None else known
    state = _posed(alone, lens, size)
    for free in (_FOCAL, _WHOLE, _WHOLE) if known is None else (NOTHING,):
        kept = _steady(residuals(alone, state))
        found = fit(alone.only(kept), state.only(kept), free).state
        state = posed(alone, replace(state, lenses=found.lenses))
    return Eye(state.lenses[0], state.turns, state.places, view_rms(residuals(alone, state)))


def view_rms(residual: Floats) -> Floats:
    """(V,) px, root mean square distance of the corners seen from residuals (V, 2, M, 2)."""
    return np.asarray(np.sqrt(np.nanmean((residual**2).sum(-1), axis=(1, 2))))


def together(corners: Corners, left: Eye, right: Eye) -> State:
    """The rig that most views agree on, from two eyes calibrated apart, and each view's better pose in it."""
    turns, shifts = relative(left, right)
    best = agreed(turns, shifts)
    rotation, translation = turns[best], shifts[best]
    lenses, bend = np.stack([left.lens, right.lens]), np.zeros(2)
    by_left = State(lenses, rotation, translation, bend, left.turns, left.places)
    by_right = replace(by_left, turns=rotation.T @ right.turns, places=(right.places - translation) @ rotation)
    errors = [view_rms(residuals(corners, state)) for state in (by_left, by_right)]
    better = np.nan_to_num(errors[1], nan=np.inf) < np.nan_to_num(errors[0], nan=np.inf)
    return replace(
        by_left,
        turns=np.where(better[:, None, None], by_right.turns, by_left.turns),
        places=np.where(better[:, None], by_right.places, by_left.places),
    )


def relative(left: Eye, right: Eye, shift: int = 0) -> tuple[Floats, Floats]:
    """right_from_left as each view sees it, (N, 3, 3) and (N, 3) m; `shift`: with the right picture so much later."""
    n = len(left.places)
    a, b = slice(max(0, -shift), n - max(0, shift)), slice(max(0, shift), n - max(0, -shift))
    turns = right.turns[b] @ left.turns[a].swapaxes(1, 2)
    return turns, right.places[b] - (turns @ left.places[a][..., None])[..., 0]


def agreed(turns: Floats, shifts: Floats) -> int:
    """The view whose relative pose has the least median distance from the others'."""
    return int(np.argmin(np.median(spread(turns, shifts), axis=1)))


def spread(turns: Floats, shifts: Floats) -> Floats:
    """(N, N) differences of relative poses: radians, plus the part of its length by which the translation differs."""
    between = turns[:, None] @ turns.swapaxes(1, 2)[None]
    angle = Rotation.from_matrix(between.reshape(-1, 3, 3)).magnitude().reshape(len(turns), -1)
    length = np.median(np.linalg.norm(shifts, axis=-1))
    return np.asarray(angle + np.linalg.norm(shifts[:, None] - shifts[None], axis=-1) / max(length, 1e-9))


def tilts(turns: Floats) -> Floats:
    """(V, V) rad between the board's planes in all pairs of views, from its turns (V, 3, 3)."""
    normals = turns[:, :, 2]
    return np.asarray(np.arccos(np.clip(np.abs(normals @ normals.T), 0, 1)))


def _first_lens(alone: Corners, size: tuple[int, int]) -> Floats:
    flat, xy = [], []
    for seen in alone.xy[:, 0]:
        there = np.isfinite(seen).all(-1)
        flat.append(alone.points[there].astype(np.float32))
        xy.append(seen[there].astype(np.float32))
    focal = float(cv2.initCameraMatrix2D(flat, xy, size)[0, 0])
    if not 0.2 * max(size) < focal < 10 * max(size):
        focal = 1.0 * max(size)
    lens = np.zeros(12)
    lens[:4] = focal, focal, (size[0] - 1) / 2, (size[1] - 1) / 2
    return lens


def _posed(alone: Corners, lens: Floats, size: tuple[int, int]) -> State:
    camera = camera_of(lens, size)
    turns, places = [], []
    for xy in alone.xy[:, 0]:
        seen = np.isfinite(xy).all(-1)
        _, turn, place = cv2.solvePnP(alone.points[seen], xy[seen], camera.matrix, np.array(camera.distortion))
        turns.append(Rotation.from_rotvec(turn.ravel()).as_matrix())
        places.append(place.ravel())
    lenses = np.stack([lens, lens])
    return State(lenses, np.eye(3), np.zeros(3), np.zeros(2), np.array(turns), np.array(places))


def _steady(residual: Floats) -> Bools:
    """The views that are not far worse than most."""
    rms = view_rms(residual)
    return np.asarray(rms <= 3 * np.nanmedian(rms))
