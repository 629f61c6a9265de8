"""Whether a rig still fits what its cameras record today, from whatever the pictures show.

Rows of a rectified pair agree as long as the cameras stand as they did. Where one has turned by small angles (wx, wy,
wz), a point seen at (x, y) in the right picture (in focal lengths from its centre) comes to lie off its row by
f (wx (1 + y^2) - wy x y - wz x) px: so rows tell wx and wz well, and wy, which changes the depth, hardly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from stereo3d.calibration.rectify import Rectifier
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import CalibrationError, InputError
from stereo3d.stereo import Stereo
from stereo3d.values import Bytes, Floats, Ints, Value

LIMITS = (0.3, 1.0)
"""px, the systematic row error up to which a rig is good, and up to which it is usable."""
DEPTH_LIMITS = (0.005, 0.015)
"""m, the same of the depth error at `AT`."""
AT = 0.8
"""m."""
LEAST_MATCHES = 60
_FEATURES = 2000
_RATIO = 0.75
_NEAREST = 0.15
"""m, nearer than which nothing is expected."""
_TALLEST = 0.06
"""Parts of the picture's height, beyond which a difference of rows is taken for a wrong match."""

_PARTS = (8, 6)
"""Of the picture, across and down."""


@dataclass(frozen=True, slots=True, eq=False)
class Check(Value):
    """What N features of today's pictures say of a rig."""

    xy: Floats
    """(N, 2) px of the features in the rectified left picture."""
    rows: Floats
    """(N,) px, row in the left less row in the right picture."""
    turn: Floats
    """(3,) rad, by how much the right camera has turned about x, y and z since the calibration."""
    sigma: Floats
    """(3,) rad, one standard deviation of it."""
    systematic: float
    """px, root mean square of the row error that such a turn explains."""
    scatter: float
    """px, the standard deviation of what is left: the features' own error."""
    depth_error: tuple[float, float]
    """m, by how much places at 0.8 m come out too near or far from the turn about y, and its standard deviation."""
    behind: float
    """The share of features that would lie behind the cameras: near 1 where left and right are exchanged."""
    pairs: int

    @property
    def verdict(self) -> str:
        """One line: good, usable or film again, and why."""
        if self.behind > 0.5:
            return "film again: left and right are exchanged, in the recording or in the rig"
        off, sure = self.depth_error
        grades = [_grade(self.systematic, LIMITS), _grade(abs(off), DEPTH_LIMITS) if abs(off) > 3 * sure else 0]
        level = ("good", "usable", "film again")[max(grades)]
        told = f"rows are off by {self.systematic:.2f} px beyond the features' own {self.scatter:.2f} px"
        if grades[1]:
            told += f", depths at {AT:g} m by {1000 * off:+.0f} mm (± {1000 * sure:.0f})"
        if max(grades):
            told += "; the cameras have moved: calibrate again (mode extrinsics will do)"
        return f"{level}: {told}"

    def __str__(self) -> str:
        turn, sigma = (", ".join(f"{x:.3f}" for x in np.rad2deg(angles)) for angles in (self.turn, self.sigma))
        return "\n".join([
            self.verdict,
            f"{len(self.rows)} features in {self.pairs} pairs; rows differ by {np.median(self.rows):+.2f} px (median)",
            f"the right camera has turned by {turn} degrees about x, y, z since the calibration (± {sigma})",
            f"so depths at {AT:g} m are off by {1000 * self.depth_error[0]:+.1f} mm (± "
            f"{1000 * self.depth_error[1]:.1f}); a camera that was moved without turning is not seen",
        ])

    def to_dict(self) -> dict[str, Any]:
        """The figures: m, px, rad."""
        return {
            "verdict": self.verdict.split(":")[0], "reasons": [self.verdict.split(": ", 1)[1]], "pairs": self.pairs,
            "features": len(self.rows), "row_error": self.systematic,
            "median_row_difference": float(np.median(self.rows)), "scatter": self.scatter,
            "turn": self.turn.tolist(), "turn_sigma": self.sigma.tolist(),
            "depth_error": self.depth_error[0], "depth_error_sigma": self.depth_error[1],
            "behind": self.behind, "unit": "m, px, rad",
        }


def check(rig: StereoRig | RectifiedCamera, pairs: Iterable[Stereo[Bytes]], *, rectified: bool = False) -> Check:
    """How far rows disagree in pairs of RGB pictures (H, W, 3), and by what turn of the right camera.

    `rectified`: the pictures come rectified. Raises CalibrationError for a rig that cannot be rectified or is for
    another size, InputError where too little can be matched.
    """
    rectifier = Rectifier(rig, rectified_images=rectified and isinstance(rig, StereoRig))
    camera = rectifier.camera
    if not isinstance(camera, RectifiedCamera):
        raise CalibrationError(f"rows cannot be checked: {rectifier.reason}; film the board again instead")
    found = list(_all_matches(rectifier, camera, pairs))
    left, right = (np.concatenate([np.zeros((0, 2)), *(pair[i] for pair in found)]) for i in (0, 1))
    if len(left) < LEAST_MATCHES:
        raise InputError(
            f"{len(left)} features were found in both views of {len(found)} pairs, expected at least {LEAST_MATCHES}: "
            "check a recording with more light and texture (a patterned sheet will do), or the rig is far off"
        )
    rows = left[:, 1] - right[:, 1]
    x, y = ((right - (camera.cx.right, camera.cy)) / camera.focal).T
    slopes = camera.focal * np.stack([1 + y * y, -x * y, -x], -1)
    turn, scatter, sigma = _robust(slopes, rows, _parts(left, camera.size))
    depth = camera.depth(left[:, 0] - right[:, 0])
    systematic = float(np.sqrt(((slopes @ turn) ** 2).mean()))
    behind = float((~(depth > 0)).mean())
    per_turn = AT**2 / abs(camera.baseline)
    off = float(turn[1] * per_turn), float(sigma[1] * per_turn)
    return Check(left, rows, turn, sigma, systematic, scatter, off, behind, len(found))


def _grade(value: float, limits: tuple[float, float]) -> int:
    return 0 if value <= limits[0] else 1 if value <= limits[1] else 2


def _all_matches(
    rectifier: Rectifier, camera: RectifiedCamera, pairs: Iterable[Stereo[Bytes]]
) -> Iterator[tuple[Floats, Floats]]:
    sift = cv2.SIFT.create(nfeatures=_FEATURES)
    widest = abs(float(camera.disparity(_NEAREST)))
    for images in pairs:
        greys = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in rectifier.images(images)]
        (at_left, left), (at_right, right) = (sift.detectAndCompute(grey, None) for grey in greys)
        if left is None or right is None or min(len(left), len(right)) < 3:
            yield np.zeros((0, 2)), np.zeros((0, 2))
            continue
        i, j = _mutual(left, right)
        a = np.array([at_left[n].pt for n in i]).reshape(-1, 2)
        b = np.array([at_right[n].pt for n in j]).reshape(-1, 2)
        likely = (np.abs(a[:, 1] - b[:, 1]) < _TALLEST * camera.size[1]) & (np.abs(a[:, 0] - b[:, 0]) < widest)
        yield a[likely], b[likely]


def _mutual(left: Any, right: Any) -> tuple[list[int], list[int]]:
    """Indices of descriptors that are each other's nearest, and clearly so (Lowe 2004, section 7.1)."""
    matcher = cv2.BFMatcher(cv2.NORM_L2)
    back = {m[0].queryIdx: m[0].trainIdx for m in matcher.knnMatch(right, left, k=1)}
    clear = [
        (a.queryIdx, a.trainIdx) for a, b in matcher.knnMatch(left, right, k=2)
        if a.distance < _RATIO * b.distance and back.get(a.trainIdx) == a.queryIdx
    ]
    return [i for i, _ in clear], [j for _, j in clear]


def _parts(xy: Floats, size: tuple[int, int]) -> Ints:
    """(N,) which part of the picture each feature (N, 2) px lies in: neighbours share their matching's errors."""
    column, row = np.clip((xy / size * _PARTS).astype(np.int64), 0, np.array(_PARTS) - 1).T
    return np.asarray(row * _PARTS[0] + column)


def _robust(slopes: Floats, rows: Floats, part: Ints) -> tuple[Floats, float, Floats]:
    """The turn by Tukey's biweight, the spread of what is left, and the turn's standard deviations.

    The larger of what independent errors and errors shared within a part (N,) make of them (Liang and Zeger 1986).
    """
    turn, weight = np.array([np.median(rows) / slopes[:, 0].mean(), 0.0, 0.0]), np.ones(len(rows))
    for _ in range(20):
        rest = rows - slopes @ turn
        scatter = max(1.4826 * float(np.median(np.abs(rest))), 1e-3)
        weight = np.clip(1 - (rest / (4.685 * scatter)) ** 2, 0, None) ** 2
        normal = slopes.T @ (weight[:, None] * slopes)
        turn = np.linalg.lstsq(normal, slopes.T @ (weight * rows), rcond=None)[0]
    far = ((rows - slopes @ turn) / (4.685 * scatter)) ** 2
    yields = np.where(far < 1, (1 - far) * (1 - 5 * far), 0.0)  # the slope of the weighted error (Huber 1981)
    cover = np.linalg.pinv(normal) * weight.sum() / max(float(yields.sum()), 0.1 * weight.sum())
    pulls = np.zeros((int(part.max()) + 1, 3))
    np.add.at(pulls, part, slopes * (weight * (rows - slopes @ turn))[:, None])
    n = max(len(np.unique(part)), 2)
    shared = cover @ (pulls.T @ pulls) @ cover * n / (n - 1)
    largest = np.maximum(scatter**2 * np.diag(cover), np.diag(shared))
    return turn, scatter, np.asarray(np.sqrt(np.maximum(largest, 0)))
