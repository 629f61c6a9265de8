"""What folders in KITTI's manner say beside their pictures: the cameras in calib.txt, the moments in times.txt.

KITTI's pictures are rectified, and its matrices P (3, 4) project the first camera's points into each of its cameras
(A. Geiger et al., Vision meets Robotics: The KITTI Dataset, 2013, section IV).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stereo3d.cameras import RectifiedCamera
from stereo3d.errors import InputError, RecordingError
from stereo3d.limits import LARGEST_PICTURE, LONGEST_TEXT, read_text
from stereo3d.stereo import Stereo
from stereo3d.values import Floats

_CALIBRATION, _TIMES = "calib.txt", ("times.txt", "timestamps.txt")
_SAME = 1e-6
"""By which share two numbers may differ that have to be one."""


def read_cameras(
    folder: Path, numbers: Stereo[int], size: tuple[int, int]
) -> tuple[RectifiedCamera | None, tuple[str, ...]]:
    """The rectified cameras with these numbers for pictures of (width, height) px by a folder's calib.txt, None where
    it has none that can be used, and a note on it."""
    path = folder / _CALIBRATION
    if not path.is_file():
        return None, ()
    try:
        left, right = (_projection(path, number) for number in numbers)
        camera = _rectified(left, right, size)
    except (InputError, OSError, UnicodeDecodeError, ValueError) as error:
        return None, (f"{path.name} is left aside: {error}",)
    return camera, (f"the cameras are P{numbers.left} and P{numbers.right} of {path.name}: rectified pictures",)


def _projection(path: Path, number: int) -> Floats:
    lines = (line.split(":", 1) for line in read_text(path, LONGEST_TEXT).splitlines() if ":" in line)
    texts = {name.strip(): text for name, text in lines}
    text = texts.get(f"P{number}", texts.get(f"P_rect_{number:02d}"))
    numbers = np.array((text or "").split(), np.float64)
    if numbers.shape != (12,) or not np.isfinite(numbers).all():
        raise RecordingError(f"expected P{number} with 12 numbers, got {len(numbers)}")
    return numbers.reshape(3, 4)


def _rectified(left: Floats, right: Floats, size: tuple[int, int]) -> RectifiedCamera:
    focal = left[0, 0]
    same = [focal, focal, focal, left[1, 2]], [left[1, 1], right[0, 0], right[1, 1], right[1, 2]]
    if not np.allclose(*same, rtol=_SAME, atol=0):
        raise RecordingError("expected one focal length and one middle row for both cameras, got several")
    centres = Stereo(float(left[0, 2]), float(right[0, 2]))
    return RectifiedCamera(size, float(focal), centres, float(left[1, 2]), float((left[0, 3] - right[0, 3]) / focal))


def read_times(folder: Path, n_pairs: int) -> Floats | None:
    """(T,) s from a times.txt with seconds, or a timestamps.txt with dates, a line for each pair; None without such a
    file. Raises RecordingError where it holds anything else."""
    path = next((folder / name for name in _TIMES if (folder / name).is_file()), None)
    if path is None:
        return None
    if path.stat().st_size > LARGEST_PICTURE:
        raise RecordingError(f"{path}: expected {n_pairs} lines, got a file of {path.stat().st_size} bytes")
    try:
        time = _moments([line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()])
    except ValueError as error:
        raise RecordingError(f"{path}: expected a time in seconds in every line, got others ({error})") from error
    if len(time) != n_pairs:
        raise RecordingError(f"{path}: expected {n_pairs} times to go with the pairs, got {len(time)}")
    return time


def _moments(lines: list[str]) -> Floats:
    if lines and "-" in lines[0].strip()[1:] and ":" in lines[0]:
        moments = np.array([line.strip().replace(" ", "T") for line in lines], "datetime64[ns]")
        return np.asarray((moments - moments[0]) / np.timedelta64(1, "s"), np.float64)
    return np.array(" ".join(lines).split(), np.float64)
