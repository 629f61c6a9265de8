"""An infant under a camera, with everything about it known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stereo3d.cameras import StereoRig
from stereo3d.poses import Poses2D, Poses3D
from stereo3d.skeleton import COCO_17
from stereo3d.stereo import Stereo
from stereo3d.synthetic.body import InfantBody, infant_body
from stereo3d.synthetic.kinematics import Posture, pose, turn
from stereo3d.synthetic.motion import writhing
from stereo3d.synthetic.noise import DetectorNoise, detections
from stereo3d.synthetic.rig import project, zed2_like
from stereo3d.values import Floats, Value, array, number

AGMA_LIKE = DetectorNoise.mixed(2.95, correlation=0.5, outliers=0.01, misses=0.01)
"""Noise that gives errors near those of the AGMA paper (3.7 px in the picture, 1.7 cm in space) at 0.7 m."""


@dataclass(frozen=True, slots=True, eq=False)
class Bed(Value):
    """How the bed stands to the left camera: X_left = rotation X_bed + translation."""

    rotation: Floats
    """(3, 3) left_from_bed; the bed's z points up to the camera."""
    translation: Floats
    """(3,) m."""
    middle: Floats
    """(2,) m, where in the bed's frame the mattress and the infant lie."""
    heading: float
    """rad, from the top of the picture to the left: where its head end points."""

    def __post_init__(self) -> None:
        shapes = {"rotation": (3, 3), "translation": (3,), "middle": (2,)}
        self._set(**{n: array(n, getattr(self, n), shape) for n, shape in shapes.items()})
        self._set(heading=number("heading", self.heading))

    def to_camera(self, xyz: Floats) -> Floats:
        """(..., 3) m in the left camera of points (..., 3) m of the bed."""
        return xyz @ self.rotation.T + self.translation


@dataclass(frozen=True, slots=True, eq=False)
class Simulation(Value):
    """A recording that never took place: what the cameras would see, and the truth."""

    seed: int
    fps: float
    rig: StereoRig
    truth: Poses3D
    """COCO-17 joints in the left camera as it is mounted."""
    pixels: Stereo[Poses2D]
    """The same in the raw pictures, through the lenses; score 0 outside the picture."""
    detections: Stereo[Poses2D]
    """The same as a detector gives them, raw px."""
    body: InfantBody
    posture: Posture
    """The infant in the bed's frame."""
    bed: Bed

    def __len__(self) -> int:
        return len(self.truth)


def simulate(
    seed: int = 0, seconds: float = 10.0, *, fps: float = 30.0, distance: float = 0.7,
    weeks: float | None = None, heading: float | None = None, noise: DetectorNoise = AGMA_LIKE,
) -> Simulation:
    """A writhing infant on its back on a mattress `distance` m below the camera; the same seed, the same numbers.

    Where they are not given, its postmenstrual age is drawn from 32 to 46 weeks and its heading (rad, from the top
    of the picture to the left) from all around; it lies within 2.5 cm of the middle, the camera hangs up to 2 degrees
    off the vertical. Another frame rate or length shows the same movement. Raises InvalidValue for what is out of
    range: a distance from 0.4 to 1.5 m, an age from 27 to 64 weeks.
    """
    rng = np.random.default_rng([seed, 7])
    age, side = rng.uniform((32, -np.pi), (46, np.pi))
    fps = number("fps", fps, 0.1, 1000)
    n_frames = max(1, round(number("seconds", seconds, 0) * fps))
    time = np.arange(n_frames) / fps
    rig = zed2_like(seed)
    distance, heading = number("distance", distance, 0.4, 1.5), side if heading is None else heading
    bed = _bed(rig, distance, heading=heading, rng=rng)
    body = infant_body(age if weeks is None else weeks, seed=seed)
    angles = writhing(body, time, seed=seed)
    posture = pose(body, angles, heading=bed.heading, place=(bed.middle[0], bed.middle[1]))
    made_of = {"seed": seed, "weeks": body.weeks, "length": body.length, "distance": distance, "heading": bed.heading}
    truth = _truth(bed.to_camera(posture.joints), time, rig=rig, origin={"synthetic": made_of})
    pixels = project(rig, truth.xyz).map(lambda xy: _seen(xy, truth, size=rig.cameras.left.size))
    return Simulation(seed, fps, rig, truth, pixels, detections(pixels, noise, seed=seed), body, posture, bed)


def _bed(rig: StereoRig, distance: float, *, heading: float, rng: np.random.Generator) -> Bed:
    """The bed under the middle of the two cameras, which hang a little askew."""
    about_x, about_y = rng.uniform(-0.035, 0.035, 2)
    rotation = turn("x", about_x) @ turn("y", about_y) @ np.diag([1.0, -1.0, -1.0])
    between = -rig.rotation.T @ rig.translation / 2
    translation = between - rotation @ np.array([0.0, 0.0, distance])
    return Bed(rotation, translation, rng.uniform(-0.025, 0.025, 2), heading)


def _truth(xyz: Floats, time: Floats, *, rig: StereoRig, origin: dict[str, object]) -> Poses3D:
    none = np.zeros(xyz.shape[:2])
    return Poses3D(
        xyz=xyz, score=none + 1, sigma=np.zeros_like(xyz), residual=none, status=none.astype(np.int64), time=time,
        frame=np.arange(len(time)), skeleton=COCO_17, camera=rig, origin=origin,
    )


def _seen(xy: Floats, truth: Poses3D, *, size: tuple[int, int]) -> Poses2D:
    inside = ((xy >= -0.5) & (xy < np.array(size) - 0.5)).all(-1)
    return Poses2D(
        xy=xy, score=inside.astype(float), sigma=np.where(np.isnan(xy[..., 0]), np.nan, 0.0), time=truth.time,
        frame=truth.frame, skeleton=truth.skeleton,
    )
