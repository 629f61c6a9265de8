"""From joint angles to places: forward kinematics of an infant on its back, whole arrays over time.

Bone lengths hold exactly and no limb sinks into the mattress: where an angle would let an elbow, a wrist, a fingertip,
a knee, an ankle or a toe sink, the whole limb turns about its root to the nearest elevation that clears it, in closed
form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from stereo3d.synthetic.body import InfantBody
from stereo3d.synthetic.posture import LIMB, Angles
from stereo3d.values import Floats, Value, array

_SIDES = np.array([1.0, -1.0])
"""Sign of x, and of turns about y and z, on the infant's left and right."""
_ELEVATION = LIMB.index("elevation")
_SOFT = np.radians(3.0)
"""Width of the change from free to lifted."""


@dataclass(frozen=True, slots=True, eq=False)
class Posture(Value):
    """Where an infant's parts are over time: metres in the bed frame, and the frames of its segments.

    Columns of a frame are the segment's own axes: x to the infant's left, y back along the segment, z to the front
    where all angles are 0. The axis of length 2 is left, right.
    """

    joints: Floats
    """(T, 17, 3) COCO-17: centres of the joints, eyes and nose on the skin, ear canals."""
    tips: Floats
    """(T, 4, 3) left and right fingertips, left and right toes."""
    head_centre: Floats
    """(T, 3)."""
    trunk: Floats
    """(T, 3, 3)."""
    head: Floats
    """(T, 3, 3)."""
    arms: Floats
    """(T, 2, 3, 3, 3): of upper arm, forearm, hand."""
    legs: Floats
    """(T, 2, 3, 3, 3): of thigh, shank, foot."""
    angles: Angles
    """As posed: with the limbs lifted off the mattress."""

    def __post_init__(self) -> None:
        t = len(array("joints", self.joints, ("T", 17, 3)))
        shapes = {"joints": (17, 3), "tips": (4, 3), "head_centre": (3,), "trunk": (3, 3), "head": (3, 3)}
        shapes |= {"arms": (2, 3, 3, 3), "legs": (2, 3, 3, 3)}
        self._set(**{n: array(n, getattr(self, n), (t, *shape)) for n, shape in shapes.items()})


def turn(axis: Literal["x", "y", "z"], angle: Floats | float) -> Floats:
    """(..., 3, 3) rotation about an axis by angles (...) rad, right-handed."""
    angle = np.asarray(angle, float)
    i = "xyz".index(axis)
    j, k = (i + 1) % 3, (i + 2) % 3
    out = np.zeros((*angle.shape, 3, 3))
    out[..., i, i] = 1
    out[..., j, j] = out[..., k, k] = np.cos(angle)
    out[..., k, j] = np.sin(angle)
    out[..., j, k] = -out[..., k, j]
    return out


def _clear(up: Floats, q: Floats, *, clearance: Floats) -> tuple[Floats, Floats]:
    """(..., P) least and (..., P) greatest elevation at which points q (..., P, 3) of a limb stand `clearance` above
    its root.

    `up` (..., 3) is the bed's in the frame turned by the azimuth. The height at an elevation f is
    up_x q_x + k cos f + s sin f = up_x q_x + c cos(f - highest).
    """
    x, y, z = np.moveaxis(up[..., None, :], -1, 0)
    k, s = y * q[..., 1] + z * q[..., 2], y * q[..., 2] - z * q[..., 1]
    cosine = (clearance - x * q[..., 0]) / np.hypot(k, s)
    highest = np.mod(np.arctan2(s, k) + 0.75 * np.pi, 2 * np.pi) - 0.75 * np.pi  # the turn nearest to all elevations
    reach = np.arccos(np.clip(cosine, -1, 1))
    return highest - reach, highest + reach


def _soft_max(a: Floats, b: Floats) -> Floats:
    """At least the greater of both, and smooth."""
    return 0.5 * (a + b + np.hypot(a - b, _SOFT))


def _limb(
    root: Floats, trunk: Floats, *, angles: Floats, bend: tuple[Floats, Floats], lengths: Floats, clearance: Floats
) -> tuple[Floats, Floats, Floats]:
    """Three points (T, 2, 3, 3) of both limbs, their segments' frames (T, 2, 3, 3, 3) and elevations (T, 2).

    root (T, 2, 3), trunk (T, 3, 3), angles (T, 2, 5), bend: turns about x (T, 2) at the hinge and at the end,
    lengths (3,) of the segments, clearance (3,) of their ends above the mattress.
    """
    azimuth, elevation, rotation = (angles[..., i] for i in range(3))
    upper = turn("y", _SIDES * rotation)
    lower = upper @ turn("x", bend[0])
    frames = np.stack([upper, lower, lower @ turn("x", bend[1])], 2)
    points = np.cumsum(-frames[..., 1] * lengths[:, None], axis=2)
    base = trunk[:, None] @ turn("z", _SIDES * azimuth)
    least, most = _clear(base[..., 2, :], points, clearance=clearance - root[..., 2:])
    for i in range(3):
        elevation = -_soft_max(-elevation, -most[..., i])
    for i in range(3):
        elevation = _soft_max(elevation, least[..., i])
    base = base @ turn("x", -elevation)
    return root[:, :, None] + points @ np.swapaxes(base, -1, -2), base[:, :, None] @ frames, elevation


def _lying_height(body: InfantBody, roll: Floats) -> Floats:
    """(T,) m, of the middle of the trunk above the mattress: more on the side, where chest and shoulder carry it."""
    on_back = (body.hip_height + body.shoulder_height) / 2
    on_side = max(body.radius("chest"), 0.5 * body.shoulders + 0.8 * body.radius("upper_arm"))
    t = np.clip((np.abs(roll) - np.radians(20)) / np.radians(60), 0, 1)
    return np.asarray(on_back + t * t * (3 - 2 * t) * (on_side - on_back), float)


def _head(body: InfantBody, angles: Angles, *, base: Floats, middle: Floats) -> tuple[Floats, Floats]:
    """The head's centre (T, 3) and frame (T, 3, 3): it rolls on the mattress about the neck."""
    frame = base @ turn("y", angles.head[:, 0]) @ turn("x", angles.head[:, 1]) @ turn("z", angles.head[:, 2])
    neck = 0.03 * body.length
    reach = body.vertex - body.head_axes[1] - neck
    centre = middle + base @ np.array([0, body.trunk / 2 + neck, 0]) + reach * frame[:, :, 1]
    centre[:, 2] = np.linalg.norm(frame[:, 2] * body.head_axes, axis=1)  # the ellipsoid's lowest point at 0
    return centre, frame


def pose(
    body: InfantBody, angles: Angles, *, heading: float = 0.0, place: tuple[float, float] = (0.0, 0.0)
) -> Posture:
    """The infant on its back on the mattress, the middle of its trunk above `place`.

    `heading` turns its head from the top of the picture to the left (rad).
    """
    base = turn("z", heading + angles.trunk[:, 1])
    trunk = base @ turn("y", angles.trunk[:, 0])
    middle = np.array([*place, 0.0]) + _lying_height(body, angles.trunk[:, 0])[:, None] * [0, 0, 1]
    rise = (body.shoulder_height - body.hip_height) / 2
    shoulders, hips = (
        middle[:, None] + np.stack([_SIDES * width / 2, np.full(2, end * body.trunk / 2), np.full(2, end * rise)], 1)
        @ np.swapaxes(trunk, 1, 2) for width, end in ((body.shoulders, 1), (body.hips, -1))
    )
    arms, legs = angles.arms, angles.legs
    hand, arm_frames, arm_lift = _limb(
        shoulders, trunk, angles=arms, bend=(-arms[..., 3], -arms[..., 4]),
        lengths=np.array([body.upper_arm, body.forearm, 0.8 * body.hand]), clearance=_clearance(body, "arm"),
    )
    foot, leg_frames, leg_lift = _limb(
        hips, trunk, angles=legs, bend=(legs[..., 3], legs[..., 4] - np.pi / 2),
        lengths=np.array([body.thigh, body.shank, 0.75 * body.foot]), clearance=_clearance(body, "leg"),
    )
    centre, head = _head(body, angles, base=base, middle=middle)
    face = centre[:, None] + body.face @ np.swapaxes(head, 1, 2)
    joints = [face, shoulders, hand[:, :, 0], hand[:, :, 1], hips, foot[:, :, 0], foot[:, :, 1]]
    return Posture(
        joints=np.concatenate(joints, 1), tips=np.concatenate([hand[:, :, 2], foot[:, :, 2]], 1),
        head_centre=centre, trunk=trunk, head=head, arms=arm_frames, legs=leg_frames,
        angles=Angles(angles.trunk, angles.head, _lifted(arms, arm_lift), _lifted(legs, leg_lift)),
    )


def _lifted(limbs: Floats, elevation: Floats) -> Floats:
    out = limbs.copy()
    out[..., _ELEVATION] = elevation
    return out


def _clearance(body: InfantBody, limb: Literal["arm", "leg"]) -> Floats:
    """(3,) m, the flesh below the elbow, wrist and fingertip, or below the knee, ankle and toes."""
    places = {"arm": ("forearm", "wrist"), "leg": ("calf", "ankle")}[limb]
    return np.array([*map(body.radius, places), 0.012 * body.length])
