"""Joints in space as any file may hold them: places with names, and whose coordinates they are."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from stereo3d.cameras import RectifiedCamera
from stereo3d.errors import InvalidValue, UsageError
from stereo3d.poses import Poses3D
from stereo3d.values import Floats, Ints, Value, array

Frame = Literal["left", "rectified"]
METRES = {
    "m": 1.0, "cm": 0.01, "mm": 0.001, "meters": 1.0, "metres": 1.0, "centimeters": 0.01, "centimetres": 0.01,
    "millimeters": 0.001, "millimetres": 0.001,
}  # fmt: skip
"""What a unit of length is in metres, by the names that files give it."""
FARTHEST_MEDIAN = 20.0
"""m. An infant is not that far away: places beyond it are taken for ones in another unit."""
_LEAST_MILLIMETRES = 200.0


@dataclass(frozen=True, slots=True, eq=False)
class Points(Value):
    """The places of J joints in T frames: a truth, or what another program says."""

    xyz: Floats
    """(T, J, 3) m, NaN where not known."""
    joints: tuple[str, ...]
    """J names as the toolkit writes them."""
    camera: Frame
    """Whose coordinates they are: the left camera's as it was mounted, or the rectified left one's."""
    frame: Ints | None = None
    """(T,) index of the pair in the recording, where it is known."""
    time: Floats | None = None
    """(T,) s from the recording's start, where it is known."""

    def __post_init__(self) -> None:
        if self.camera not in get_args(Frame):
            raise UsageError(f"frame: expected the camera of the joints, left or rectified, got {self.camera!r}")
        xyz = array("xyz", self.xyz, ("T", len(self.joints), 3))
        if len(set(self.joints)) < len(self.joints):
            raise InvalidValue(f"joints: expected {len(self.joints)} different names, got {', '.join(self.joints)}")
        known = np.abs(xyz[..., 2][np.isfinite(xyz).all(-1)])
        if known.size and np.median(known) > FARTHEST_MEDIAN:
            away = float(np.median(known))
            unit = "mm" if away >= _LEAST_MILLIMETRES else "cm"
            raise InvalidValue(
                f"xyz: expected metres, got a median |Z| of {away:.4g}; if these are {unit}, give the unit"
            )
        self._set(xyz=xyz, joints=tuple(self.joints))
        if self.frame is not None:
            self._set(frame=array("frame", self.frame, xyz.shape[:1], np.int64))
        if self.time is not None:
            self._set(time=array("time", self.time, xyz.shape[:1]))

    def __len__(self) -> int:
        return len(self.xyz)


def points_of(poses: Poses3D) -> Points:
    """Poses as points, such as the exact ones of a simulation, in the left camera as it was mounted."""
    return Points(poses.in_left_camera(), poses.skeleton.joints, "left", poses.frame, poses.time)


def turned(points: Points, to: Frame, camera: RectifiedCamera) -> Points:
    """The same places as the other left camera has them: as it was mounted, or rectified as `camera` is."""
    if points.camera == to:
        return points
    turn = camera.left_from_rectified.T if to == "left" else camera.left_from_rectified
    return dataclasses.replace(points, xyz=points.xyz @ turn, camera=to)


def scale_of(unit: str) -> float:
    """m, how long a unit is. Raises InvalidValue for another than metres, centimetres and millimetres."""
    if unit.strip().lower() not in METRES:
        raise InvalidValue(f"units: expected m, cm or mm, got {unit!r}")
    return METRES[unit.strip().lower()]


def check_frame(said: str | None, held: str) -> None:
    """Raise UsageError where another camera was named than the one that a file says its joints are in."""
    if said not in (None, held):
        raise UsageError(f"frame: the file says that its joints are in the {held} camera, got {said!r}")
