"""From the pictures as recorded to pictures whose rows agree: points, whole pictures and crops, both ways."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from stereo3d.calibration.rectification import View, coefficients, rectification
from stereo3d.calibration.sizes import Size, mismatch, sizes
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import CalibrationError, InvalidValue
from stereo3d.stereo import Side, Stereo
from stereo3d.values import Bytes, Floats, array

_FAR_OUT = -16384.0
"""px, a place outside every picture that still fits cv2.remap's 16 bits."""
_MAPS_KEPT = 16
_Map = tuple[NDArray[np.float32], NDArray[np.float32]]
_Part = tuple[NDArray[np.float32], NDArray[np.float32], tuple[slice, slice]]


class Rectifier:
    """What takes a pair's pictures and points to the ideal `camera` and back.

    rig: the calibration that was given.
    camera: RectifiedCamera, or a StereoRig without distortion where the pair cannot be sensibly rectified.
    reason: a sentence with numbers on why it is the one or the other.
    """

    rig: StereoRig | RectifiedCamera
    camera: RectifiedCamera | StereoRig
    reason: str

    def __init__(self, rig: StereoRig | RectifiedCamera, *, rectified_images: bool = False) -> None:
        """`rectified_images`: the pictures come rectified by the camera's maker, so they pass as they are.

        A RectifiedCamera says the same. Raises CalibrationError where such pictures cannot come from the rig.
        """
        self.rig = rig
        self._views: Stereo[View] | None = None
        if isinstance(rig, RectifiedCamera):
            self.camera, self.reason = rig, "the calibration is of rectified pictures"
        else:
            found = rectification(rig, as_maker=rectified_images)
            self.camera, self._views, self.reason = found.camera, found.views, found.reason
        if rectified_images and isinstance(self.camera, StereoRig):
            raise CalibrationError(
                f"the pictures are said to be rectified, but their camera does not follow from this rig "
                f"({self.reason}); give the rectified camera itself as a rig file"
            )
        if rectified_images:
            self._views, self.reason = None, "the pictures come rectified"
        self._recorded = rig if self._views else self.camera
        self._map = lru_cache(_MAPS_KEPT)(self._new_map)

    def points(self, xy: ArrayLike, side: Side) -> Floats:
        """(..., 2) px of `camera` for px (..., 2) of the recorded picture; NaN where the lens has no inverse."""
        return self._views[side].points(xy) if self._views else np.array(xy, float)

    def raw_points(self, xy: ArrayLike, side: Side) -> Floats:
        """(..., 2) px of the recorded picture for px (..., 2) of `camera`: the inverse of `points`."""
        return self._views[side].raw_points(xy) if self._views else np.array(xy, float)

    def images(self, images: Stereo[Bytes]) -> Stereo[Bytes]:
        """Both pictures (H, W, 3) as `camera` sees them. Raises CalibrationError for pictures of another size."""
        if self._views is None:
            self._check(images.left, "left")
            self._check(images.right, "right")
            return images
        whole, size = np.eye(2, 3), sizes(self.camera)
        return Stereo(
            self.crop(images.left, whole, size.left, "left"), self.crop(images.right, whole, size.right, "right")
        )

    def crop(self, image: Bytes, affine: ArrayLike, size: Size, side: Side, shrink: int = 1) -> Bytes:
        """(h, w, 3) crop of `size` (w, h) px, in one bilinear remap of the recorded picture; black beyond it.

        `affine` (2, 3) takes px of `camera` to px of the crop. The picture is shrunk by whole numbers before, for crops
        that would sample it too sparsely. Maps of the last 16 crops are kept.
        Raises CalibrationError for a picture of another size, InvalidValue for an affine without inverse.
        """
        self._check(image, side)
        u, v, part = self._map(array("affine", affine, (2, 3)).tobytes(), (size[0], size[1]), side, shrink)
        return _remapped(shrunk(image[part], shrink), u, v)

    def _new_map(self, affine: bytes, size: Size, side: Side, shrink: int) -> _Part:
        """u and v (h, w) px of the shrunk part for each pixel of the crop, and which part of the picture that is."""
        u, v = self._whole_map(affine, size, side)
        width, height = sizes(self._recorded)[side]
        columns, rows = _needed(u, width, shrink), _needed(v, height, shrink)
        # A shrunk pixel's middle lies between those that it is the mean of.
        u, v = (
            np.asarray((x - part.start - (shrink - 1) / 2) / shrink, np.float32)
            for x, part in ((u, columns), (v, rows))
        )
        return u, v, (rows, columns)

    def _whole_map(self, affine: bytes, size: Size, side: Side) -> _Map:
        """u and v (h, w) px of the recorded picture for each pixel of the crop."""
        forth = np.vstack([np.frombuffer(affine).reshape(2, 3), (0.0, 0.0, 1.0)])
        if min(size) < 1 or not np.isfinite(forth).all() or not np.linalg.det(forth):
            raise InvalidValue(f"crop: expected pixels and an affine with an inverse, got {size}, {forth[:2].tolist()}")
        back = np.linalg.inv(forth)

        def places(*steps: Floats) -> Floats:
            grid = np.stack(np.meshgrid(*steps), -1)
            return self.raw_points(grid @ back[:2, :2].T + back[:2, 2], side)

        if self._views and np.isfinite(places(*(np.linspace(0, n - 1, 9) for n in size))).all():
            return _quick_map(self._views[side], forth, size)
        exact = places(*(np.arange(float(n)) for n in size))
        exact[~(np.abs(exact) < -_FAR_OUT).all(-1)] = _FAR_OUT
        return np.ascontiguousarray(exact[..., 0], np.float32), np.ascontiguousarray(exact[..., 1], np.float32)

    def _check(self, image: Bytes, side: Side) -> None:
        height, width = image.shape[:2]
        if (width, height) != sizes(self._recorded)[side]:
            raise CalibrationError(f"{side} picture: {mismatch(self._recorded, (width, height))}")


def shrunk(image: Bytes, times: int) -> Bytes:
    """The picture that many times smaller, each pixel the mean of as many each way; rows and columns that do not fill
    one are left out."""
    if times == 1:
        return image
    height, width = (n // times * times for n in image.shape[:2])
    size = width // times, height // times
    return np.asarray(cv2.resize(image[:height, :width], size, interpolation=cv2.INTER_AREA), image.dtype)


def _remapped(image: Bytes, u: NDArray[np.float32], v: NDArray[np.float32]) -> Bytes:
    """(h, w, ...) the picture at the places u and v (h, w), bilinear, black beyond it.

    A fourth channel is added to three: OpenCV's loop takes half the time then and gives the same.
    """
    wide = cv2.cvtColor(image, cv2.COLOR_RGB2RGBA) if image.shape[2:] == (3,) else image
    out = cv2.remap(wide, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(out if wide is image else cv2.cvtColor(out, cv2.COLOR_RGBA2RGB), image.dtype)


def _needed(places: NDArray[np.float32], n: int, shrink: int) -> slice:
    """The px of n from whole shrunk ones on that a map looks at, with one shrunk pixel to spare."""
    inside = np.clip(places, 0, n - 1)
    first = max(0, min(int(inside.min()), n - shrink) // shrink - 1) * shrink
    return slice(first, min(n, (int(inside.max()) // shrink + 3) * shrink))


def _quick_map(view: View, affine: Floats, size: Size) -> _Map:
    """The map of a crop that lies inside the lens's fold, where OpenCV's loop is right and 20 times faster."""
    raw = view.raw
    u, v = cv2.initUndistortRectifyMap(
        raw.matrix, coefficients(raw), view.turn, affine @ view.ideal.matrix, size, cv2.CV_32FC1
    )
    return np.asarray(u, np.float32), np.asarray(v, np.float32)
