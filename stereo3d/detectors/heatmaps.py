"""Joints from heat maps: (N, K, h, w) maps in; places, scores and peak widths out.

Places are in heat-map pixels, (0, 0) the centre of the first. One implementation serves numpy arrays and
torch tensors: it uses what both packages call by the same name. Tensors stay on their device; numpy maps
never load torch. Places come in float32, or in float64 where the maps do; what is blurred is blurred in
float64, which neither automatic mixed precision nor TF32 touches.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.errors import InvalidValue
from stereo3d.values import Floats, number

if TYPE_CHECKING:
    import torch

Maps = TypeVar("Maps", NDArray[Any], "torch.Tensor")

REACH = 2
"""px on each side of a peak that the derivatives look at."""
FLOOR = 1e-10
"""The least value that a logarithm is taken of (DarkPose)."""
FLAT = 1e-20
"""The least determinant of a Hessian (px^-4) that is more than rounding."""


class Peaks(NamedTuple, Generic[Maps]):
    """The joints of N x K maps, as arrays of the maps' own kind."""

    xy: Maps
    """(N, K, 2) heat-map px, NaN where the map has no positive peak (published decoders say (0, 0) there)."""
    score: Maps
    """(N, K) the map's maximum, whatever its sign."""
    sigma: Maps
    """(N, K) heat-map px: the width of the peak, not a calibrated error. It is the standard deviation of the
    Gaussian that bends as the map's logarithm does at its maximum, root mean square over directions, the
    decoder's own blur taken off (not that of decode_argmax). NaN in the two outer rows and columns and where
    the map does not bend down on all sides."""


def decode_argmax(maps: Maps, *, blur: float = 0.0) -> Peaks[Maps]:
    """The pixel of each map's maximum; of several equal ones the first, row by row.

    `blur` px is the standard deviation of a Gaussian that smooths the maps before, mirrored at the border:
    1 for EfficientPose I to IV, 0 for its real-time net. Raises InvalidValue.
    """
    blur = number("blur", blur, 0.0)
    found = _find(smooth(maps, blur) if blur else maps)
    return _peaks(found, 0.0, 0.0, _bend(found, 1).sigma)


def decode_quarter(maps: Maps) -> Peaks[Maps]:
    """The maximum moved by a quarter px along each axis towards its higher neighbour.

    AGMA eq. 2 in the form of HRNet's code: each axis on its own, and nothing in the first two and the last
    rows and columns. Raises InvalidValue.
    """
    found = _find(maps)
    near = found.around(1)
    rise = (near[:, 1, 2] - near[:, 1, 0], near[:, 2, 1] - near[:, 0, 1])
    dx, dy = (found.xp.where(found.within(1, 1), 0.25 * found.xp.sign(d), 0.0) for d in rise)
    return _peaks(found, dx, dy, _bend(found, 1).sigma)


def decode_dark(maps: Maps, *, kernel: int = 11) -> Peaks[Maps]:
    """The maximum moved to where the Taylor expansion of the blurred map's logarithm has its peak.

    AGMA eq. 3, DarkPose (Zhang et al. 2020): the maximum is the raw map's, the derivatives are taken after a
    Gaussian blur of `kernel` px (odd; 11 is the authors', 17 suits maps trained with sigma 3). The step is
    not bounded; there is none in the two outer rows and columns and where the map is flat. Raises
    InvalidValue.
    """
    if kernel < 1 or kernel % 2 == 0:
        raise InvalidValue(f"kernel: expected an odd number of px, got {kernel}")
    found = _find(maps)
    bend = _bend(found, kernel)
    return _peaks(found, bend.dx, bend.dy, bend.sigma)


def merge_flipped(maps: Maps, flipped: Maps, mirror: Sequence[int], *, shift: bool) -> Maps:
    """The average of the maps of a picture and of its mirror image, in the maps' own frame, as (N, K, h, w).

    `flipped` is what the network says of the mirrored picture; `mirror` (K) names each joint's partner
    (Skeleton.mirror). `shift` moves the mirrored maps right by one px, as HRNet and MMPose's HRNet and DARK
    are tested (SHIFT_HEATMAP); DarkPose, FiDIP, UDP and HigherHRNet do without. Raises InvalidValue.
    """
    xp, device = _checked(maps)
    if tuple(flipped.shape) != tuple(maps.shape):
        raise InvalidValue(
            f"flipped: expected shape {tuple(maps.shape)} as the maps have, got {tuple(flipped.shape)}"
        )
    if sorted(mirror) != list(range(maps.shape[1])):
        raise InvalidValue(f"mirror: expected each of 0..{maps.shape[1] - 1} once, got {tuple(mirror)}")
    maps, flipped = _real(maps, xp), _real(flipped, xp)
    merged: Maps = xp.empty(tuple(maps.shape), dtype=maps.dtype, **device)
    # One picture after the other stays in a CPU's cache.
    for i in range(len(maps)) if xp is np else (slice(None),):
        back = xp.flip(flipped[i][..., list(mirror), :, :], (-1,))
        if shift:
            # As one long line, which moves quickest; then the first of each row, which has come from the row before.
            xp.add(maps[i].reshape(-1)[1:], back.reshape(-1)[:-1], out=merged[i].reshape(-1)[1:])
            xp.add(maps[i][..., 0], back[..., 0], out=merged[i][..., 0])
        else:
            xp.add(maps[i], back, out=merged[i])
        merged[i] *= 0.5
    return merged


def smooth(maps: Maps, sigma: float) -> Maps:
    """The maps after a Gaussian of sigma px cut off at 4 sigma, mirrored at the border (scipy.ndimage's defaults)."""
    xp, _ = _checked(maps)
    reach = int(4 * sigma + 0.5)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    with np.errstate(invalid="ignore"):
        blurred = _blur(maps, weights / weights.sum(), "symmetric")
    out: Maps = xp.asarray(blurred, dtype=_real(maps, xp).dtype)
    return out


def width_at(maps: Maps, xy: Floats) -> Floats:
    """(N, K) px the width (Peaks.sigma) of each map's peak at the pixel that holds the place xy (N, K, 2) px.

    NaN where the place is unknown or outside, in the two outer rows and columns, and where the map does not bend down
    on all sides.
    """
    xp, device = _checked(maps)
    n, k, h, w = maps.shape
    known = np.isfinite(xy).all(-1) & (xy >= 0).all(-1) & (xy < (w, h)).all(-1)
    x, y = (xp.asarray(np.where(known, xy[..., i], 0).astype(np.int64).ravel(), **device) for i in (0, 1))
    rows = _real(maps, xp).reshape(n * k, h, w)
    found = _Found(xp, rows, x, y, rows[xp.arange(n * k, **device), y, x], device, (n, k))
    sigma = np.asarray(_bend(found, 1).sigma.reshape(n, k).tolist(), np.float64).reshape(n, k)
    return np.where(known, sigma, np.nan)


class _Found(NamedTuple):
    """The M = N K maps in a row, and where each is highest."""

    xp: Any
    maps: Any
    x: Any
    y: Any
    score: Any
    device: dict[str, Any]
    shape: tuple[int, int]

    def within(self, first: int, last: int) -> Any:
        """(M,) True where first < x < w - last, and so for y: the published decoders' strict borders."""
        h, w = self.maps.shape[1:]
        return (self.x > first) & (self.x < w - last) & (self.y > first) & (self.y < h - last)

    def around(self, reach: int) -> Any:
        """(M, 2 reach + 1, 2 reach + 1) the maps round their maxima, zero outside."""
        h, w = self.maps.shape[1:]
        offset = self.xp.arange(-reach, reach + 1, **self.device)
        rows, columns = (self.y[:, None] + offset)[:, :, None], (self.x[:, None] + offset)[:, None, :]
        each = self.xp.arange(len(self.maps), **self.device)[:, None, None]
        values = self.maps[each, self.xp.clip(rows, 0, h - 1), self.xp.clip(columns, 0, w - 1)]
        return self.xp.where((rows >= 0) & (rows < h) & (columns >= 0) & (columns < w), values, 0.0)


class _Bend(NamedTuple):
    """How a map's logarithm bends at its maximum: the step to the top of the parabola, and its width."""

    dx: Any
    dy: Any
    sigma: Any


def _package(maps: Any) -> tuple[Any, dict[str, Any]]:
    """numpy or torch, whichever the maps belong to, and the keywords that put its new arrays beside them."""
    torch = sys.modules.get("torch")
    if isinstance(maps, np.ndarray):
        return np, {}
    if torch is not None and isinstance(maps, torch.Tensor):
        return torch, {"device": maps.device}
    raise InvalidValue(f"maps: expected a numpy array or a torch tensor, got {type(maps).__name__}")


def _checked(maps: Any) -> tuple[Any, dict[str, Any]]:
    """The same, for maps that come from outside."""
    package = _package(maps)
    if maps.ndim != 4 or 0 in maps.shape[2:]:
        raise InvalidValue(f"maps: expected shape (N, K, h, w), got {tuple(maps.shape)}")
    return package


def _real(maps: Any, xp: Any) -> Any:
    return maps if maps.dtype in (xp.float32, xp.float64) else xp.asarray(maps, dtype=xp.float32)


def _find(maps: Any) -> _Found:
    xp, device = _checked(maps)
    n, k, h, w = maps.shape
    rows = _real(maps, xp).reshape(n * k, h * w)
    top = rows.argmax(-1)
    score = rows[xp.arange(n * k, **device), top]
    return _Found(xp, rows.reshape(n * k, h, w), top % w, top // w, score, device, (n, k))


def _peaks(found: _Found, dx: Any, dy: Any, sigma: Any) -> Peaks[Any]:
    xp, shape = found.xp, found.shape
    known = xp.isfinite(found.score) & (found.score > 0)
    xy = xp.where(known[:, None], xp.stack((found.x + dx, found.y + dy), -1), np.nan)
    sigma = xp.where(known, sigma, np.nan)
    xy, sigma = (xp.asarray(a, dtype=found.score.dtype) for a in (xy, sigma))
    return Peaks(xy.reshape(*shape, 2), found.score.reshape(shape), sigma.reshape(shape))


def _bend(found: _Found, kernel: int) -> _Bend:
    """The step and the width at each maximum, after a Gaussian blur of `kernel` px (1: none)."""
    xp, weights = found.xp, np.asarray(cv2.getGaussianKernel(kernel, 0)[:, 0], np.float64)
    with np.errstate(all="ignore"):
        near = _log_blurred(found, weights)
        dx, dy = 0.5 * (near[:, 2, 3] - near[:, 2, 1]), 0.5 * (near[:, 3, 2] - near[:, 1, 2])
        dxx = 0.25 * (near[:, 2, 4] - 2 * near[:, 2, 2] + near[:, 2, 0])
        dyy = 0.25 * (near[:, 4, 2] - 2 * near[:, 2, 2] + near[:, 0, 2])
        dxy = 0.25 * (near[:, 3, 3] - near[:, 1, 3] - near[:, 3, 1] + near[:, 1, 1])
        det = dxx * dyy - dxy * dxy
        free = found.within(REACH - 1, REACH) & (xp.abs(det) > FLAT)
        # -H^-1 is the covariance of the Gaussian that bends alike; the blur has added its own variance to it.
        variance = -(dxx + dyy) / (2 * det) - float(weights @ (np.arange(kernel) - kernel // 2) ** 2)
        return _Bend(
            dx=xp.where(free, (dxy * dy - dyy * dx) / det, 0.0),
            dy=xp.where(free, (dxy * dx - dxx * dy) / det, 0.0),
            sigma=xp.sqrt(xp.where(free & (det > 0), variance, np.nan)),
        )


def _log_blurred(found: _Found, weights: Floats) -> Any:
    """(M, 5, 5) the logarithm of the blurred maps round their maxima: only these px of the blur are made."""
    xp, reach = found.xp, len(weights) // 2
    band = xp.asarray(_band(2 * REACH + 1, weights), **found.device)
    near = band @ (xp.asarray(found.around(reach + REACH), dtype=xp.float64) @ band.T)
    # The published code scales the blurred map back to the raw maximum. A factor is a constant in the
    # logarithm and drops out of its derivatives: the whole map is blurred only where the floor cuts in.
    cut = (xp.amin(near, (-2, -1)) <= FLOOR) & (found.score > 0)
    if reach and cut.any():
        tops = xp.amax(_blur(found.maps[cut], weights, "constant"), (-2, -1))
        near[cut] = near[cut] * (found.score[cut] / tops)[:, None, None]
    return xp.log(xp.clip(near, FLOOR, None))


def _blur(maps: Any, weights: Floats, border: Literal["constant", "symmetric"]) -> Any:
    """(..., h, w) maps blurred by the weights along both axes; outside they count as zero or mirrored."""
    xp, device = _package(maps)
    reach = (len(weights) // 2,) * 2
    rows, columns = (
        xp.asarray(_band(n, weights) @ np.pad(np.eye(n), (reach, (0, 0)), border), **device)
        for n in maps.shape[-2:]
    )
    return rows @ xp.asarray(maps, dtype=xp.float64) @ columns.T


def _band(n: int, weights: Floats) -> Floats:
    """(n, n + len(weights) - 1) the matrix that takes a line to the n places where the weights fit in it."""
    band = np.zeros((n, n + len(weights) - 1))
    band[np.arange(n)[:, None], np.arange(n)[:, None] + np.arange(len(weights))] = weights
    return band
