"""KITTI's calib.txt: projection matrices P0..P3 of rectified cameras (Geiger et al. 2013)."""

from __future__ import annotations

import numpy as np

from stereo3d.calibration.sizes import Size
from stereo3d.cameras import RectifiedCamera
from stereo3d.errors import CalibrationError
from stereo3d.stereo import Stereo
from stereo3d.values import Floats


def parse_kitti(text: str, size: Size | None, cameras: tuple[str, str] | None = None) -> RectifiedCamera:
    """The rectified pair of two projection matrices, P0 and P1 where none are named.

    The file holds no picture size, so `size` (width, height) is needed. Raises CalibrationError.
    """
    if size is None:
        raise CalibrationError("a KITTI calib.txt holds no picture size: give it together with the recording")
    left, right = (_matrix(text, name) for name in cameras or ("P0", "P1"))
    shift = right - left
    shift[0, 2:] = 0
    if np.abs(shift).max() > 1e-3 or abs(left[0, 0] - left[1, 1]) > 1e-6 * abs(left[0, 0]):
        raise CalibrationError(
            "P: expected a rectified pair (one focal length, same rows), but the matrices differ by up to "
            f"{np.abs(shift).max():g} beyond centre and baseline; take the grey cameras P0 and P1"
        )
    baseline = -(right[0, 3] - left[0, 3]) / left[0, 0]
    centres = Stereo(float(left[0, 2]), float(right[0, 2]))
    return RectifiedCamera(size, float(left[0, 0]), centres, float(left[1, 2]), float(baseline))


def _matrix(text: str, name: str) -> Floats:
    lines = [line.partition(":")[2] for line in text.splitlines() if line.startswith(f"{name}:")]
    try:
        numbers = np.array([float(token) for token in " ".join(lines).split()])
    except ValueError as error:
        raise CalibrationError(f"{name}: expected numbers, got something else ({error})") from error
    if len(numbers) != 12 or not np.isfinite(numbers).all() or numbers[0] <= 0:
        raise CalibrationError(f"{name}: expected 12 finite numbers with a focal length first, got {numbers.tolist()}")
    return numbers.reshape(3, 4)
