"""Where a detector looks: from a box in the picture to the network's input, and back.

All places are px with (0, 0) the centre of the first pixel. Published networks disagree by up to half a pixel
on how a crop is laid; a checkpoint fits its own convention only, so the convention is a part of the rule:

    hrnet      HRNet, MMPose: a box is w wide and centred on x + w/2, which falls on W/2
    dark       DarkPose, FiDIP: a box is w - 1 wide and centred on x + (w - 1)/2, which falls on (W - 1)/2;
               heights follow the widths' scale
    udp        UDP: a box is w wide, its sides fall on 0 and W - 1, 0 and H - 1: each axis has its own scale
    letterbox  EfficientPose: w pixels become a share of W pixels, edge to edge, the rest is black
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from stereo3d.calibration.rectify import shrunk
from stereo3d.errors import InvalidValue, unknown_name
from stereo3d.values import Bytes, Floats, Value, array, number

Convention = Literal["hrnet", "dark", "udp", "letterbox"]


class _Layout(NamedTuple):
    """What a convention takes off, in px."""

    box_center: float
    """off the centre x + w/2 of a box"""
    box_extent: float
    """off a box's width and height"""
    center: float
    """off the centre W/2 of the input or of a heat map"""
    extent: float
    """off their width and height"""
    one_scale: bool
    """whether heights follow the widths' scale"""


_LAYOUTS: dict[str, _Layout] = {
    "hrnet": _Layout(0.0, 0.0, 0.0, 0.0, True),
    "dark": _Layout(0.5, 1.0, 0.5, 1.0, True),
    "udp": _Layout(0.0, 0.0, 0.5, 1.0, False),
    "letterbox": _Layout(0.5, 0.0, 0.5, 0.0, True),
}


@dataclass(frozen=True, slots=True, eq=False)
class CropRule(Value):
    """How a network wants its input cut out. Raises InvalidValue, or UsageError for an unknown convention."""

    size: tuple[int, int]
    """(w, h) px of the input."""
    padding: float = 1.25
    """The crop is the box, widened to the input's aspect, times this."""
    convention: Convention = "hrnet"

    def __post_init__(self) -> None:
        _layout(self.convention)
        w, h = array("size", self.size, (2,), np.int64).tolist()
        if min(w, h) < 2:
            raise InvalidValue(f"size: expected (w, h) of 2 px or more, got {(w, h)}")
        self._set(size=(w, h), padding=number("padding", self.padding, 0.0))


@dataclass(frozen=True, slots=True, eq=False)
class Box(Value):
    """A rectangle in the picture, or one for each of any leading axes; NaN where it is unknown.

    Raises InvalidValue for a negative size or shapes that do not fit.
    """

    center: Floats
    """(..., 2) px."""
    size: Floats
    """(..., 2) w, h px."""
    angle: Floats | float = 0.0
    """(...) rad from the picture's x axis to the box's own, positive from x towards y: clockwise as seen."""

    def __post_init__(self) -> None:
        lead = np.shape(self.center)[:-1]
        center, size = array("center", self.center, (*lead, 2)), array("size", self.size, (*lead, 2))
        if (size < 0).any():
            raise InvalidValue(f"size: expected no negative px, got {np.nanmin(size):g}")
        self._set(center=center, size=size, angle=_angles(self.angle, lead))

    @classmethod
    def around(cls, points: ArrayLike, *, angle: Floats | float = 0.0) -> Box:
        """The least box at that angle round the known of (..., K, 2) px points; NaN where none is known."""
        xy = np.asarray(points, dtype=np.float64)
        if xy.ndim < 2 or xy.shape[-1] != 2:
            raise InvalidValue(f"points: expected shape (..., K, 2), got {xy.shape}")
        turn = _turn(_angles(angle, xy.shape[:-2]))
        known = np.isfinite(xy).all(-1, keepdims=True)
        own = np.where(known, xy, np.nan) @ turn
        low = np.where(known, own, np.inf).min(-2, initial=np.inf)
        high = np.where(known, own, -np.inf).max(-2, initial=-np.inf)
        low, high = (np.where(np.any(known, axis=-2), x, np.nan) for x in (low, high))
        center = (turn @ ((low + high) / 2)[..., None])[..., 0]
        return cls(center, high - low, angle)

    @classmethod
    def from_xywh(cls, xywh: ArrayLike, *, convention: Convention = "hrnet") -> Box:
        """The box of (..., 4) x, y, w, h px, as data sets have it; its centre is as the convention says."""
        box = np.asarray(xywh, dtype=np.float64)
        if box.shape[-1:] != (4,):
            raise InvalidValue(f"xywh: expected shape (..., 4), got {box.shape}")
        return cls(box[..., :2] + box[..., 2:] / 2 - _layout(convention).box_center, box[..., 2:])


def fit(box: Box, rule: CropRule) -> Box:
    """The region that the crop shows: the box, widened on one side to the input's aspect, times padding."""
    aspect = rule.size[0] / rule.size[1]
    w, h = box.size[..., 0], box.size[..., 1]
    size = np.stack((np.maximum(w, h * aspect), np.maximum(h, w / aspect)), -1) * rule.padding
    return Box(box.center, size, box.angle)


def box_of_square(square: Sequence[float], rule: CropRule) -> Floats:
    """(5,) the box (centre x, y, width, height, angle) whose crop shows a square (centre x, y, side) px."""
    x, y, side = square
    return np.array([x, y, side / rule.padding, side / rule.padding, 0.0])


def affine(box: Box, rule: CropRule) -> Floats:
    """(..., 2, 3) from picture px to input px; NaN for a box that is unknown or has no extent.

    The box's own x axis becomes the input's.
    """
    layout = _layout(rule.convention)
    extent = fit(box, rule).size - layout.box_extent
    target = np.array(rule.size, dtype=np.float64)
    scale = (target - layout.extent) / np.where(extent > 0, extent, np.nan)
    if layout.one_scale:
        scale = scale[..., [0, 0]]
    linear = scale[..., None] * np.swapaxes(_turn(np.asarray(box.angle)), -1, -2)
    return _through(linear, box.center, target / 2 - layout.center)


def heatmap_affine(heatmap_size: tuple[int, int], rule: CropRule) -> Floats:
    """(2, 3) from the px of heat maps of (w, h) heatmap_size to input px."""
    layout = _layout(rule.convention)
    source, target = np.array(heatmap_size, dtype=np.float64), np.array(rule.size, dtype=np.float64)
    if (source <= layout.extent).any():
        raise InvalidValue(f"heatmap_size: expected (w, h) of 2 px or more, got {tuple(heatmap_size)}")
    scale = (target - layout.extent) / (source - layout.extent)
    if layout.one_scale:
        scale = scale[[0, 0]]
    return _through(np.diag(scale), source / 2 - layout.center, target / 2 - layout.center)


def to_input(xy: ArrayLike, heatmap_size: tuple[int, int], rule: CropRule) -> Floats:
    """(..., K, 2) input px of places in heat-map px, for heat maps of (w, h) heatmap_size."""
    return apply(heatmap_affine(heatmap_size, rule), xy)


def apply(transform: Floats, xy: ArrayLike) -> Floats:
    """(..., K, 2) places after the (2, 3) or (..., 2, 3) transform; leading axes go together."""
    out: Floats = np.asarray(xy, dtype=np.float64) @ np.swapaxes(transform[..., :2], -1, -2)
    return out + transform[..., None, :, 2]


def invert(transform: Floats) -> Floats:
    """(..., 2, 3) the way back; NaN where there is none."""
    (a, b), (c, d) = (np.moveaxis(transform[..., i, :2], -1, 0) for i in (0, 1))
    det = _det(transform)
    back = np.stack((d, -b, -c, a), -1) / np.where(det != 0, det, np.nan)[..., None]
    linear = back.reshape(*transform.shape[:-2], 2, 2)
    return np.concatenate((linear, -linear @ transform[..., 2:]), -1)


def magnification(transform: Floats) -> Floats:
    """(...) px of the target for one px of the source (geometric mean): what sigma grows by."""
    out: Floats = np.sqrt(np.abs(_det(transform)))
    return out


def mirrored(images: Bytes) -> Bytes:
    """Pictures (N, h, w, 3), each mirrored left to right."""
    _, _, w, channels = images.shape
    return np.asarray(cv2.flip(images.reshape(-1, w, channels), 1), np.uint8).reshape(images.shape)


def warp(image: NDArray[np.uint8], transform: Floats, size: Sequence[int], shrink: int = 1) -> NDArray[np.uint8]:
    """(h, w, ...) the picture in the transform's target, (w, h) size: bilinear, black outside and for NaN.

    The picture is shrunk by whole numbers before; the transform stays that from its own px.
    """
    w, h = size
    transform = array("transform", transform, (2, 3))
    if not np.isfinite(transform).all():
        return np.zeros((h, w, *image.shape[2:]), image.dtype)
    small = shrunk(image, shrink)
    if shrink > 1:
        # The middle of the first shrunk pixel lies between those that it is the mean of.
        grown = np.array([[shrink, 0, (shrink - 1) / 2], [0, shrink, (shrink - 1) / 2], [0, 0, 1]])
        transform = transform @ grown
    out: Any = cv2.warpAffine(small, transform, (w, h), flags=cv2.INTER_LINEAR, borderValue=0)
    return np.asarray(out)


def _layout(convention: str) -> _Layout:
    if convention not in _LAYOUTS:
        raise unknown_name("crop convention", convention, _LAYOUTS)
    return _LAYOUTS[convention]


def _angles(angle: Floats | float, lead: tuple[int, ...]) -> Floats:
    return array("angle", np.full(lead, angle) if np.ndim(angle) == 0 else angle, lead)


def _det(transform: Floats) -> Floats:
    out: Floats = transform[..., 0, 0] * transform[..., 1, 1] - transform[..., 0, 1] * transform[..., 1, 0]
    return out


def _turn(angle: Floats) -> Floats:
    """(..., 2, 2) from the axes of a box at that angle to the picture's."""
    c, s = np.cos(angle), np.sin(angle)
    return np.stack((np.stack((c, -s), -1), np.stack((s, c), -1)), -2)


def _through(linear: Floats, source: Floats, target: Floats) -> Floats:
    """(..., 2, 3) the transform with that linear part which takes the place source to target."""
    return np.concatenate((linear, (target - (linear @ source[..., None])[..., 0])[..., None]), -1)
