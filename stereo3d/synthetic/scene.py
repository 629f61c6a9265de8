"""An infant under a camera, with everything about it known."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import numpy as np

from stereo3d.calibration.sizes import inside
from stereo3d.cameras import StereoRig
from stereo3d.poses import Poses2D, Poses3D
from stereo3d.skeleton import COCO_17, Skeleton
from stereo3d.stereo import Stereo
from stereo3d.synthetic.body import InfantBody, infant_body
from stereo3d.synthetic.contacts import apart
from stereo3d.synthetic.kinematics import Posture, turn
from stereo3d.synthetic.landmarks import landmarks
from stereo3d.synthetic.movements import movement
from stereo3d.synthetic.noise import DetectorNoise, detections
from stereo3d.synthetic.posture import on_the_side
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
class Setting(Value):
    """What is in front of the cameras; None is drawn by the seed."""

    distance: float = 0.7
    """m, from the cameras to the mattress."""
    weeks: float | None = None
    """Postmenstrual age."""
    heading: float | None = None
    """rad, from the top of the picture to the left."""
    movement: str = "writhing"
    """One of movements.MOVEMENTS."""
    roll: float = 0.0
    """rad, by which the infant is turned from its back, to its left where positive."""
    occluders: bool = False
    """Whether a hand, a cloth or a hose is in the way."""
    aside: float = 0.0
    """m, that the infant lies away from the picture's middle, to the right; far enough, it is cut off."""

    def __post_init__(self) -> None:
        self._set(distance=number("distance", self.distance, 0.4, 1.5), roll=number("roll", self.roll, -1.75, 1.75))
        self._set(aside=number("aside", self.aside, -1.2, 1.2))
        if self.heading is not None:
            self._set(heading=number("heading", self.heading))


@dataclass(frozen=True, slots=True, eq=False)
class Simulation(Value):
    """A recording that never took place: what the cameras would see, and the truth."""

    seed: int
    fps: float
    rig: StereoRig
    truth: Poses3D
    """The joints in the left camera as it is mounted."""
    pixels: Stereo[Poses2D]
    """The same in the raw pictures, through the lenses; score 0 outside the picture."""
    detections: Stereo[Poses2D]
    """The same as a detector gives them, raw px."""
    body: InfantBody
    posture: Posture
    """The infant in the bed's frame."""
    bed: Bed
    setting: Setting = field(default_factory=Setting)

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
    range: a distance from 0.4 to 1.5 m, an age from 25 to 64 weeks.
    """
    return simulate_in(Setting(distance, weeks, heading), seed=seed, seconds=seconds, fps=fps, noise=noise)


def simulate_in(
    setting: Setting, *, seed: int = 0, seconds: float = 10.0, fps: float = 30.0, noise: DetectorNoise = AGMA_LIKE,
    skeleton: Skeleton = COCO_17,
) -> Simulation:
    """The same in another setting: other movements, on the side, with things in the way; joints of any skeleton."""
    rng = np.random.default_rng([seed, 7])
    age, side = rng.uniform((32, -np.pi), (46, np.pi))
    fps = number("fps", fps, 0.1, 1000)
    n_frames = max(1, round(number("seconds", seconds, 0) * fps))
    time = np.arange(n_frames) / fps
    rig = zed2_like(seed)
    heading = side if setting.heading is None else setting.heading
    bed = _bed(rig, setting.distance, heading=heading, rng=rng)
    bed = dataclasses.replace(bed, middle=bed.middle + [setting.aside, 0])
    body = infant_body(age if setting.weeks is None else setting.weeks, seed=seed)
    angles = movement(setting.movement, body, time, seed=seed)
    if setting.roll:
        angles = on_the_side(angles, setting.roll)
    posture = apart(body, angles, heading=bed.heading, place=(bed.middle[0], bed.middle[1]))
    made_of = {"seed": seed, "weeks": body.weeks, "length": body.length, "distance": setting.distance,
               "heading": bed.heading, "movement": setting.movement, "roll": setting.roll}
    xyz = bed.to_camera(landmarks(body, posture, skeleton))
    truth = _truth(xyz, time, skeleton=skeleton, rig=rig, origin={"synthetic": made_of})
    pixels = project(rig, truth.xyz).map(lambda xy: _seen(xy, truth, size=rig.cameras.left.size))
    found = detections(pixels, noise, seed=seed)
    return Simulation(seed, fps, rig, truth, pixels, found, body, posture, bed, setting)


def _bed(rig: StereoRig, distance: float, *, heading: float, rng: np.random.Generator) -> Bed:
    """The bed under the middle of the two cameras, which hang a little askew."""
    about_x, about_y = rng.uniform(-0.035, 0.035, 2)
    rotation = turn("x", about_x) @ turn("y", about_y) @ np.diag([1.0, -1.0, -1.0])
    between = -rig.rotation.T @ rig.translation / 2
    translation = between - rotation @ np.array([0.0, 0.0, distance])
    return Bed(rotation, translation, rng.uniform(-0.025, 0.025, 2), heading)


def _truth(
    xyz: Floats, time: Floats, *, skeleton: Skeleton, rig: StereoRig, origin: dict[str, object]
) -> Poses3D:
    none = np.zeros(xyz.shape[:2])
    return Poses3D(
        xyz=xyz, score=none + 1, sigma=np.zeros_like(xyz), residual=none, status=none.astype(np.int64), time=time,
        frame=np.arange(len(time)), skeleton=skeleton, camera=rig, origin=origin,
    )


def _seen(xy: Floats, truth: Poses3D, *, size: tuple[int, int]) -> Poses2D:
    return Poses2D(
        xy=xy, score=inside(xy, size).astype(float), sigma=np.where(np.isnan(xy[..., 0]), np.nan, 0.0), time=truth.time,
        frame=truth.frame, skeleton=truth.skeleton,
    )
