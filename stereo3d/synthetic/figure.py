"""The infant's flesh: round cones about its bones, of the girths its mass gives, hands, feet, face and diaper."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from stereo3d.skeleton import COCO_17
from stereo3d.synthetic.body import InfantBody
from stereo3d.synthetic.kinematics import Posture
from stereo3d.synthetic.solids import Solids
from stereo3d.values import Floats

SKIN, TRUNK, HEAD, DIAPER = range(4)
_Part = tuple[Floats, Floats, float, tuple[float, float], int]
"""Frame, origin, length, radii and material of one solid."""

_FINGERS = ((-0.18, 0.85), (-0.06, 1.0), (0.06, 0.97), (0.18, 0.88))
"""Where each begins across the palm, in parts of the hand's length, and how long it is."""
_THUMB = ((0.16, -0.14, 0.05), (0.32, -0.36, 0.12), (0.30, -0.54, 0.17))
_TOES = (
    (-0.15, -0.64, 0.075), (-0.05, -0.66, 0.055), (0.035, -0.645, 0.05), (0.11, -0.615, 0.048), (0.175, -0.57, 0.045)
)
"""x, y and radius of each, the great one first, in parts of the foot's length."""
_FACE = (
    ((0, -0.070, 0.055), (0.100, 0.100, 0.105)),  # jaw
    ((0.060, -0.080, 0.080), (0.052, 0.058, 0.056)),  # cheeks
    ((-0.060, -0.080, 0.080), (0.052, 0.058, 0.056)),
    ((0, -0.135, 0.010), (0.088, 0.075, 0.090)),  # throat
    ((0.060, -0.017, 0.124), (0.036, 0.030, 0.031)),  # lids
    ((-0.060, -0.017, 0.124), (0.036, 0.030, 0.031)),
    ((0, -0.045, 0.150), (0.013, 0.030, 0.020)),  # nose
    ((0, -0.068, 0.166), (0.021, 0.016, 0.020)),
    ((0, -0.108, 0.146), (0.034, 0.016, 0.014)),  # lips
)
"""Centre and half axes of each ellipsoid, in parts of the head's circumference."""


def figure(body: InfantBody, posture: Posture, *, index: int) -> Solids:
    """The infant at one moment of its posture, in the bed's frame."""
    joints = dict(zip(COCO_17.joints, posture.joints[index]))
    head, centre = posture.head[index], posture.head_centre[index]
    parts = _trunk(body, joints, frame=posture.trunk[index])
    parts += _head(body, centre, frame=head) + _neck(body, joints, centre=centre, frame=head)
    for i, side in enumerate(("left", "right")):
        outward = np.array([1.0 - 2 * i, 1, 1])
        parts += _arm(body, [joints[f"{side}_{j}"] for j in ("shoulder", "elbow", "wrist")])
        parts += _leg(body, [joints[f"{side}_{j}"] for j in ("hip", "knee", "ankle")])
        hand, foot = posture.arms[index, i, 2] * outward, posture.legs[index, i, 2] * outward
        parts += _hand(body.hand, joints[f"{side}_wrist"], frame=hand)
        parts += _foot(body, joints[f"{side}_ankle"], frame=foot)
    frame, origin, length, radius, material = zip(*parts)
    return Solids(np.stack(frame), np.stack(origin), np.array(length), np.array(radius), np.array(material))


def _along(start: Floats, end: Floats, *, radii: tuple[float, float], material: int = SKIN) -> _Part:
    """A round cone from one point to another."""
    way = start - end
    length = float(np.linalg.norm(way))
    y = way / length
    x = np.cross(y, [0.36, 0.48, 0.8])
    x /= np.linalg.norm(x)
    return np.stack([x, y, np.cross(x, y)], 1), start, length, radii, material


def _ellipsoid(centre: Floats, axes: ArrayLike, *, frame: Floats, material: int = SKIN) -> _Part:
    return frame * np.asarray(axes, float), centre, 0.0, (1.0, 1.0), material


def _arm(body: InfantBody, bones: list[Floats]) -> list[_Part]:
    shoulder, elbow, wrist = bones
    upper, fore, thin = map(body.radius, ("upper_arm", "forearm", "wrist"))
    middle, bulge = 0.5 * (shoulder + elbow), 0.68 * elbow + 0.32 * wrist
    return [
        _along(shoulder, middle, radii=(1.08 * upper, 1.04 * upper)),
        _along(middle, elbow, radii=(1.04 * upper, 0.94 * upper)),
        _along(elbow, bulge, radii=(0.94 * upper, 0.96 * fore)),
        _along(bulge, wrist, radii=(0.96 * fore, thin)),
    ]


def _leg(body: InfantBody, bones: list[Floats]) -> list[_Part]:
    """Thigh and shank, and the diaper's cuff about the thigh."""
    hip, knee, ankle = bones
    thick, calf, thin = map(body.radius, ("thigh", "calf", "ankle"))
    middle, bulge = 0.55 * hip + 0.45 * knee, 0.65 * knee + 0.35 * ankle
    return [
        _along(hip, middle, radii=(1.12 * thick, thick)),
        _along(middle, knee, radii=(thick, 0.82 * thick)),
        _along(knee, bulge, radii=(0.82 * thick, 0.98 * calf)),
        _along(bulge, ankle, radii=(0.98 * calf, 0.9 * thin)),
        _along(hip, 0.66 * hip + 0.34 * knee, radii=(1.25 * thick, 1.13 * thick), material=DIAPER),
    ]


def _hand(size: float, wrist: Floats, *, frame: Floats) -> list[_Part]:
    """A palm, four fingers bent to it and a thumb; x of the frame points to the thumb."""
    palm = wrist + frame @ np.array([0, -0.29, 0.02]) * size
    parts = [_ellipsoid(palm, np.array([0.25, 0.34, 0.13]) * size, frame=frame)]
    for x, reach in _FINGERS:
        bent = (1.15 * x, -0.50 - 0.22 * reach, 0.06), (1.1 * x, -0.50 - 0.32 * reach, 0.22)
        joints = wrist + np.array([(x, -0.50, 0.03), *bent]) @ frame.T * size
        parts += [_along(a, b, radii=(0.075 * size, 0.065 * size)) for a, b in pairwise(joints)]
    thumb = wrist + np.array(_THUMB) @ frame.T * size
    return parts + [_along(a, b, radii=(0.09 * size, 0.075 * size)) for a, b in pairwise(thumb)]


def _foot(body: InfantBody, ankle: Floats, *, frame: Floats) -> list[_Part]:
    """Heel, ball and five toes; x of the frame points outwards, z to the back of the foot."""
    size, low = body.foot, -body.ankle / body.foot
    places = np.array([(0, 0.10, 0.5 * low), (0, -0.2, 0.4 * low), (0.01, -0.46, 0.66 * low)])
    heel, arch, ball = ankle + places @ frame.T * size
    parts = [
        _along(heel, arch, radii=(0.165 * size, 0.17 * size)),
        _along(arch, ball, radii=(0.17 * size, 0.12 * size)),
        _ellipsoid(ball, np.array([0.215, 0.17, 0.10]) * size, frame=frame),
    ]
    for x, y, radius in _TOES:
        toe = ankle + frame @ np.array([x, y, 0.68 * low]) * size
        parts.append(_ellipsoid(toe, np.array([1, 1.35, 1]) * radius * size, frame=frame))
    return parts


def _trunk(body: InfantBody, joints: dict[str, Floats], *, frame: Floats) -> list[_Part]:
    chest, belly, arm = map(body.radius, ("chest", "abdomen", "upper_arm"))
    hips, shoulders = (0.5 * (joints[f"left_{j}"] + joints[f"right_{j}"]) for j in ("hip", "shoulder"))
    up = shoulders - hips
    reach = float(np.linalg.norm(up))
    flat, wide = frame * [1.12, 1, 0.88], frame * [1.14, 1, 0.95]
    parts: list[_Part] = [
        (flat, hips + 0.80 * up, 0.40 * reach, (0.86 * chest, 0.98 * belly), TRUNK),
        (flat, hips + 0.40 * up, 0.40 * reach, (0.98 * belly, 0.9 * belly), TRUNK),
        (wide, hips + 0.16 * up, 0.20 * reach, (0.97 * belly, 0.82 * belly), DIAPER),
    ]
    for shoulder in (joints["left_shoulder"], joints["right_shoulder"]):
        breast = 0.45 * shoulder + 0.55 * (hips + 0.82 * up)
        parts.append(_along(shoulder, breast, radii=(1.08 * arm, 1.5 * arm), material=TRUNK))
    return parts


def _neck(body: InfantBody, joints: dict[str, Floats], *, centre: Floats, frame: Floats) -> list[_Part]:
    """The neck, part of the head so that their skin is one, and the slopes from it to the shoulders."""
    shoulders = joints["left_shoulder"], joints["right_shoulder"]
    low, high = 0.5 * (shoulders[0] + shoulders[1]), centre - 0.4 * body.head_axes[1] * frame[:, 1]
    thick, arm = body.radius("neck"), body.radius("upper_arm")
    way, _, length, *_ = _along(high, low, radii=(thick, thick))
    axes = np.array([thick, 0.5 * length + 0.6 * thick, 0.95 * thick])
    side = 0.6 * low + 0.4 * high
    slopes = [_along(side, 0.3 * low + 0.7 * s, radii=(0.75 * thick, arm), material=TRUNK) for s in shoulders]
    return [_ellipsoid(0.5 * (low + high), axes, frame=way, material=HEAD), *slopes]


def _head(body: InfantBody, centre: Floats, *, frame: Floats) -> list[_Part]:
    """Skull, ears and the parts of the face."""
    x, _, z = body.head_axes / body.head
    ears = [((s * (x - 0.006), -0.040, -0.005), (0.014, 0.048, 0.028)) for s in (1, -1)]
    places = [((0.0, 0.025, 0.0), (x, 0.145, z)), *ears, *_FACE]
    return [
        _ellipsoid(centre + frame @ np.array(place) * body.head, np.array(axes) * body.head, frame=frame, material=HEAD)
        for place, axes in places
    ]
