"""How sure a calibration is, in its own numbers and in millimetres of what is measured with it.

The covariance of the normal equations, scaled by the residuals, takes the corners' errors as independent. Within a view
they are not where the picture is blurred or the board is not what it is taken for: so the whole is widened by how much
more the views pull at the numbers than independent errors would make them (the clustered sandwich's trace; Liang and
Zeger 1986).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stereo3d.calibration.bundle import NAMES, Corners, Fit, State
from stereo3d.calibration.geometry import volume, working
from stereo3d.calibration.projection import project
from stereo3d.cameras import StereoRig
from stereo3d.values import Bools, Floats, Value

DEPTHS = np.linspace(0.4, 1.2, 9)
"""m, the distances at which an infant lies from a camera above it."""


@dataclass(frozen=True, slots=True, eq=False)
class Spread(Value):
    """The error that the calibration alone puts on places in the working volume, one standard deviation."""

    depth: Floats
    """(D,) m."""
    total: Floats
    """(D, rows, columns) m, root mean square length of the error on a lattice of the left picture; NaN where only one
    eye sees it."""
    away: Floats
    """(D, rows, columns) m, the part of it along the line of sight."""

    inside: Bools
    """(D, rows, columns) what counts for the working volume: see `working`."""

    @property
    def median(self) -> float:
        """m, over the working volume."""
        return float(np.median(self.total[self.inside]))

    @property
    def p95(self) -> float:
        """m, not exceeded in 95 % of the working volume."""
        return float(np.quantile(self.total[self.inside], 0.95))


def covariance(found: Fit, corners: Corners) -> Floats:
    """(32, 32) of the shared numbers; zero for those that were kept."""
    return _widened(found, corners, found.information())


def covariance_of_halves(found: Fit, corners: Corners, half: Bools) -> Floats:
    """(32, 32) of the difference between what the views `half` (V,) and what the others ask for."""
    parts = [found.normals.shares[h].sum(0) for h in (half, ~half)]
    return _widened(found, corners, parts[0]) + _widened(found, corners, parts[1])


def _widened(found: Fit, corners: Corners, information: Floats) -> Floats:
    free, slopes, n = found.free, found.normals.slopes, max(len(corners.xy), 2)
    spare = max(int(np.isfinite(corners.xy).sum()) - int(free.sum()) - 6 * n, 1)
    scale = float((found.normals.residual**2).sum()) / spare
    pull = np.einsum("vi,ij,vj->", slopes, _inverse(found.information()), slopes) / (scale * max(free.sum(), 1))
    out = np.zeros((len(NAMES), len(NAMES)))
    out[np.ix_(free, free)] = scale * max(float(pull) * n / (n - 1), 1.0) * _inverse(information)
    return out


def _inverse(matrix: Floats) -> Floats:
    """The inverse, each unknown in a unit of its own; of what nothing is known, nothing is said."""
    unit = 1 / np.sqrt(np.maximum(np.diag(matrix), 1e-300))
    inverse = np.linalg.pinv(matrix * np.outer(unit, unit), rcond=1e-13, hermitian=True)
    return np.asarray(inverse * np.outer(unit, unit))


def sigmas(covariance: Floats) -> dict[str, float]:
    """The standard deviation of every shared number by its name: px, rad, m; those that were kept are left out."""
    sigma = np.sqrt(np.diag(covariance))
    return {name: float(s) for name, s in zip(NAMES, sigma, strict=True) if s > 0}


def spread(state: State, rig: StereoRig, covariance: Floats, depths: Floats = DEPTHS) -> Spread:
    """What a covariance (32, 32) makes of places in the volume: they move so that their pixels stay."""
    xyz = volume(rig, depths)
    places = np.where(np.isfinite(xyz), xyz, 1.0)
    swung = places @ state.rotation.T
    _, near_l, lens_l = project(places, state.lenses[0])
    _, near_r, lens_r = project(swung + state.translation, state.lenses[1])
    by_place = np.concatenate([near_l, near_r @ state.rotation], -2)
    by_number = np.zeros((*xyz.shape[:-1], 4, len(NAMES)))
    by_number[..., :2, :12], by_number[..., 2:, 12:24] = lens_l, lens_r
    x, y, z = np.moveaxis(swung, -1, 0)
    none = np.zeros_like(x)
    turned = np.stack([np.stack(row, -1) for row in ((none, z, -y), (-z, none, x), (y, -x, none))], -2)
    by_number[..., 2:, 24:27], by_number[..., 2:, 27:30] = near_r @ turned, near_r
    moved = np.linalg.pinv(by_place) @ by_number
    error = moved @ covariance @ moved.swapaxes(-1, -2)
    sight = places / np.linalg.norm(places, axis=-1, keepdims=True)
    total = np.sqrt(np.trace(error, axis1=-2, axis2=-1))
    away = np.sqrt(np.einsum("...i,...ij,...j->...", sight, error, sight))
    hidden = np.isnan(xyz[..., 0])
    total, away = np.where(hidden, np.nan, total), np.where(hidden, np.nan, away)
    return Spread(np.asarray(depths), total, away, working(rig, xyz))
