"""Every number of a calibration with its standard deviation, as rows of two small tables for people."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from stereo3d.calibration.bundle import BEND, LEFT, RIGHT, TRANSLATION, TURN
from stereo3d.calibration.projection import LENS
from stereo3d.calibration.quality import Calibration
from stereo3d.values import Floats

_KEPT = "as given"
Row = tuple[str, ...]


def lens_rows(calibration: Calibration) -> list[Row]:
    """The lenses: a header, then what it is, left, right; coefficients that are zero in both are left out."""
    lenses, sigma = calibration.solution.state.lenses, _sigma(calibration)
    parts = zip(LENS, lenses.T, sigma[LEFT], sigma[RIGHT], strict=True)
    rows = [(_lens_name(n), _told(v[0], a), _told(v[1], b)) for n, v, a, b in parts if v.any() or a > 0 or b > 0]
    return [("lens", "left", "right"), *rows]


def pose_rows(calibration: Calibration) -> list[Row]:
    """How the right camera stands to the left, and the board's bend: a header, then what it is, x, y, z."""
    state, sigma = calibration.solution.state, _sigma(calibration)
    turn = Rotation.from_matrix(state.rotation).as_rotvec()
    named = (
        ("turn, mrad", turn, sigma[TURN]), ("translation, mm", state.translation, sigma[TRANSLATION]),
        ("board's bend, mm", state.bend, sigma[BEND]),
    )
    rows = [
        (name, *(_told(1000 * x, 1000 * s) for x, s in zip(values, sigmas, strict=True)))
        for name, values, sigmas in named
    ]
    if not calibration.solution.fit.free[BEND].any():
        rows.pop()
    return [("right camera", "x", "y", "z"), *((*row, *[""] * (4 - len(row))) for row in rows)]


def _sigma(calibration: Calibration) -> Floats:
    return np.asarray(np.sqrt(np.diag(calibration.covariance)))


def _lens_name(name: str) -> str:
    return f"{name}, px" if name[0] in "fc" else name


def _told(value: float, sigma: float) -> str:
    """The value to two digits of its standard deviation."""
    if not sigma > 0:
        return f"{value:.6g} ({_KEPT})"
    digits = max(0, 1 - int(np.floor(np.log10(sigma))))
    return f"{value:.{digits}f} ± {sigma:.{digits}f}"
