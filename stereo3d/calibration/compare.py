"""How far two calibrations of the same cameras differ, in metres where the infant lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from stereo3d.calibration.geometry import both_ways, in_space, row_errors, seen, volume, working
from stereo3d.calibration.sizes import sizes
from stereo3d.calibration.uncertainty import DEPTHS
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import CalibrationError
from stereo3d.values import Bools, Floats, Value


@dataclass(frozen=True, slots=True, eq=False)
class Comparison(Value):
    """What the second rig makes of places that the first one sees."""

    depth: Floats
    """(D,) m."""
    shift: Floats
    """(D, rows, columns, 3) m, by how much each place moves in the left camera; NaN where only one eye sees it."""
    away: Floats
    """(D, rows, columns) m, the part along the line of sight, positive away from the camera."""
    inside: Bools
    """(D, rows, columns) the working volume: within 0.35 m of the cameras' common axis."""
    rows: float
    """px, root mean square difference of rows that the second rig makes of pixels that agree in the first."""
    baseline: tuple[float, float]
    """m, of the first and the second."""

    @property
    def total(self) -> Floats:
        """(D, rows, columns) m."""
        return np.asarray(np.linalg.norm(self.shift, axis=-1))

    @property
    def median(self) -> float:
        """m, over the working volume."""
        return float(np.nanmedian(self.total[self.inside]))

    @property
    def p95(self) -> float:
        """m, not exceeded in 95 % of the working volume."""
        return float(np.nanquantile(self.total[self.inside], 0.95))

    def __str__(self) -> str:
        first, second = (1000 * b for b in self.baseline)
        at = "; ".join(f"{depth} m {1000 * apart:.2f}" for depth, apart in self.to_dict()["median_by_depth"].items())
        return "\n".join([
            f"the same pixels are {1000 * self.median:.2f} mm apart (median over 0.4 to 1.2 m), under "
            f"{1000 * self.p95:.2f} mm in 95 % of the volume",
            f"by distance, mm: {at}",
            f"further away by {1000 * float(np.nanmedian(self.away[self.inside])):+.2f} mm in the second; "
            f"its rows disagree by {self.rows:.3f} px",
            f"baselines {first:.3f} and {second:.3f} mm",
        ])

    def to_dict(self) -> dict[str, Any]:
        """The figures, in m and px, with the median by depth."""
        at = {
            f"{depth:.2f}": float(np.nanmedian(total[inside]))
            for depth, total, inside in zip(self.depth, self.total, self.inside, strict=True) if inside.any()
        }
        return {
            "median": self.median, "p95": self.p95, "along_sight": float(np.nanmedian(self.away[self.inside])),
            "row_error": self.rows, "baseline": list(self.baseline), "median_by_depth": at, "unit": "m, px",
        }


def compare_rigs(
    a: StereoRig | RectifiedCamera, b: StereoRig | RectifiedCamera, depths: Floats = DEPTHS
) -> Comparison:
    """How places move when what rig `a` sees is measured with rig `b`, over the volume that both its eyes see.

    Raises CalibrationError for rigs whose pixels are not the same: of another size, or one of rectified pictures.
    """
    if isinstance(a, RectifiedCamera) != isinstance(b, RectifiedCamera):
        raise CalibrationError(
            "one of the rigs is for rectified pictures and the other for pictures as recorded: expected two of a kind; "
            "compare the calibrations that both were made from"
        )
    if sizes(a) != sizes(b):
        raise CalibrationError(
            f"the rigs are for pictures of {sizes(a).left} and {sizes(b).left} px: expected the same, since a camera "
            "crops as well as scales; compare two of one resolution"
        )
    first, second = both_ways(a), both_ways(b)
    xyz = volume(first, depths)
    pixels = seen(first, xyz)
    shift = in_space(second, *pixels) - xyz
    sight = xyz / np.linalg.norm(xyz, axis=-1, keepdims=True)
    inside = working(first, xyz)
    if not inside.any():
        raise CalibrationError(f"no place 0.4 to 1.2 m away is seen by both eyes (baseline {first.baseline:.3g} m)")
    rows = row_errors(second, *pixels)[inside]
    return Comparison(
        np.asarray(depths), shift, (shift * sight).sum(-1), inside, float(np.sqrt(np.nanmean(rows**2))),
        (first.baseline, second.baseline),
    )
