"""An infant's flesh about its bones: trunk, head and face, arms, hands, legs and feet, of its body's girths.

Shapes are in parts of what the literature measures (stereo3d/synthetic/body.py): a girth's radius for limbs and
trunk, the head's circumference for the face, the hand's and the foot's length.
"""

from __future__ import annotations

import numpy as np

from stereo3d.skeleton import COCO_17
from stereo3d.synthetic.body import InfantBody
from stereo3d.synthetic.flesh import FleshBuilder
from stereo3d.synthetic.kinematics import Posture
from stereo3d.values import Floats

_SIDES = ("left", "right")
_FINGERS = ((-0.185, 0.86), (-0.062, 1.0), (0.062, 0.97), (0.180, 0.87))
"""Where each begins across the palm, in parts of the hand's length, and how long it is to the middle one."""
_TOES = ((-0.155, -0.655, 0.070), (-0.050, -0.672, 0.054), (0.036, -0.655, 0.049), (0.110, -0.62, 0.046),
         (0.172, -0.575, 0.043))
"""x, y and radius of each, the great one first, in parts of the foot's length."""
_SKULL = (
    ((0, 0.028, -0.012), (0.142, 0.145, 0.167)),
    ((0, 0.055, 0.055), (0.112, 0.092, 0.098)),  # forehead
    ((0, 0.010, -0.075), (0.115, 0.105, 0.095)),  # occiput
    ((0, -0.045, 0.060), (0.100, 0.105, 0.092)),  # face
    ((0.052, -0.078, 0.082), (0.047, 0.050, 0.046)),  # cheeks
    ((-0.052, -0.078, 0.082), (0.047, 0.050, 0.046)),
    ((0, -0.118, 0.098), (0.044, 0.033, 0.040)),  # chin
    ((0, -0.120, 0.045), (0.062, 0.040, 0.060)),  # jaw
)
"""Centre and half axes of each ellipsoid, in parts of the head's circumference."""
_FEATURES = (
    ((0, -0.040, 0.148), (0.011, 0.032, 0.014)),  # bridge of the nose
    ((0, -0.066, 0.163), (0.016, 0.013, 0.018)),  # its tip
    ((0.014, -0.070, 0.154), (0.011, 0.010, 0.011)),  # its wings
    ((-0.014, -0.070, 0.154), (0.011, 0.010, 0.011)),
    ((0, -0.096, 0.139), (0.026, 0.0075, 0.012)),  # lips
    ((0, -0.107, 0.137), (0.021, 0.0075, 0.012)),
    ((0.060, -0.017, 0.128), (0.028, 0.020, 0.020)),  # lids
    ((-0.060, -0.017, 0.128), (0.028, 0.020, 0.020)),
)


def fullness(body: InfantBody) -> float:
    """How much fuller thighs and trunk are than the girths' law says: it holds at 32 weeks; at 3 months thighs are 8 %
    thicker (Snyder 1977)."""
    return float(1 + 0.07 * np.clip((body.weeks - 32) / 20, 0, 1.2))


def add_trunk(build: FleshBuilder, body: InfantBody, posture: Posture, rows: slice) -> None:
    """Chest, belly, pelvis, the slopes to the shoulders and the seams to the limbs."""
    at = joints_of(posture, rows)
    chest, belly, arm, thigh = map(body.radius, ("chest", "abdomen", "upper_arm", "thigh"))
    full, frame = fullness(body), posture.trunk[rows]
    hips, shoulders = ((at[f"left_{j}"] + at[f"right_{j}"]) / 2 for j in ("hip", "shoulder"))
    up, front = shoulders - hips, frame[..., 2]
    build.soften("trunk", 0.10 * chest)
    wide = (1.13, 0.90 * full)
    build.cone("trunk", (hips + 0.86 * up, hips + 0.58 * up), (0.74 * chest, 0.985 * chest),
               frame=frame, flat=wide)
    build.cone("trunk", (hips + 0.58 * up, hips + 0.30 * up), (0.97 * chest, 0.92 * belly),
               frame=frame, flat=wide)
    build.ellipsoid("trunk", hips + 0.30 * up + 0.16 * belly * front, belly * np.array([0.97, 1.12, 0.84 * full]),
                    frame=frame)
    build.cone("trunk", (hips + 0.22 * up, hips + 0.02 * up), (0.88 * belly, 0.74 * belly), frame=frame,
               flat=(1.14, 0.9 * full))
    for i, side in enumerate(_SIDES):
        shoulder, hip = at[f"{side}_shoulder"], at[f"{side}_hip"]
        armpit = 0.55 * shoulder + 0.45 * (hips + 0.78 * up)
        build.cone("trunk", (shoulder, armpit), (0.95 * arm, 1.30 * arm))
        build.ellipsoid("trunk", 0.62 * hip + 0.38 * hips - 0.35 * thigh * front, 0.80 * full * thigh * np.ones(3),
                        frame=frame)
        build.seam(shoulder, soft=0.28 * arm, reach=1.9 * arm)
        build.seam(hip, soft=0.20 * thigh, reach=1.6 * thigh)


def add_head(build: FleshBuilder, body: InfantBody, posture: Posture, rows: slice) -> None:
    """Skull, face, ears, neck and the slopes from it to the shoulders."""
    at, frame, centre = joints_of(posture, rows), posture.head[rows], posture.head_centre[rows]
    size = body.head
    x, _, z = body.head_axes / size
    stretch = np.array([x / 0.142, 1, z / 0.1735])
    build.soften("head", 0.010 * size)
    for place, axes in (*_SKULL, *_FEATURES):
        build.ellipsoid("head", centre + frame @ (np.array(place) * stretch * size), np.array(axes) * stretch * size,
                        frame=frame)
    for s in (1.0, -1.0):
        _ear(build, centre, frame=frame, size=size, x=s * (x - 0.010))
    low = (at["left_shoulder"] + at["right_shoulder"]) / 2
    high = centre - 0.10 * size * frame[..., 1] - 0.02 * size * frame[..., 2]
    thick, arm = body.radius("neck"), body.radius("upper_arm")
    build.cone("head", (high, low), (0.92 * thick, 1.00 * thick))
    for side in _SIDES:
        build.cone("trunk", (0.55 * low + 0.45 * high, 0.25 * low + 0.75 * at[f"{side}_shoulder"]),
                   (0.62 * thick, 0.82 * arm))
    build.seam(0.7 * low + 0.3 * high, soft=0.22 * thick, reach=1.9 * thick)


def _ear(build: FleshBuilder, centre: Floats, *, frame: Floats, size: float, x: float) -> None:
    """A rim in the shape of a C with a lobe, leaning back; x in parts of the circumference."""
    out = np.sign(x)
    rim = np.array([(0.002, 0.004, 0.004), (0.012, 0.020, -0.018), (0.014, 0.006, -0.036), (0.010, -0.018, -0.036),
                    (0.004, -0.040, -0.022), (0.001, -0.052, -0.006)])
    points = [centre + frame @ (np.array([x + out * p[0], p[1] - 0.024, p[2] + 0.004]) * size) for p in rim]
    build.chain("head", points, [r * size for r in (0.005, 0.007, 0.008, 0.008, 0.008, 0.009)])
    bowl = centre + frame @ (np.array([x, -0.040, -0.008]) * size)
    build.ellipsoid("head", bowl, np.array([0.008, 0.032, 0.020]) * size, frame=frame)


def add_arm(build: FleshBuilder, body: InfantBody, posture: Posture, rows: slice, *, side: int, curl: Floats) -> None:
    """Upper arm, forearm and hand of one side; `curl` (F,) bends its fingers, 1 a fist."""
    at, name = joints_of(posture, rows), _SIDES[side]
    shoulder, elbow, wrist = (at[f"{name}_{j}"] for j in ("shoulder", "elbow", "wrist"))
    upper, fore, thin = map(body.radius, ("upper_arm", "forearm", "wrist"))
    build.soften(f"{name}_arm", 0.14 * upper)
    middle, bulge = 0.55 * shoulder + 0.45 * elbow, 0.66 * elbow + 0.34 * wrist
    build.chain(f"{name}_arm", [shoulder, middle, elbow], [0.90 * upper, 0.90 * upper, 0.82 * upper])
    build.chain(f"{name}_arm", [elbow, bulge, wrist], [0.82 * upper, 0.90 * fore, 0.88 * thin])
    build.seam(wrist, soft=0.16 * thin, reach=1.5 * thin)
    outward = np.array([1.0 - 2 * side, 1, 1])
    _hand(build, f"{name}_hand", body.hand, wrist, frame=posture.arms[rows, side, 2] * outward, curl=curl)


def _hand(build: FleshBuilder, group: str, size: float, wrist: Floats, *, frame: Floats, curl: Floats) -> None:
    """A palm, four fingers of three bones each and a thumb; x of the frame points to the thumb, z to the palm."""

    def place(x: Floats | float, y: Floats | float, z: Floats | float) -> Floats:
        local = np.stack(np.broadcast_arrays(x, y, z, curl)[:3], -1)
        return np.asarray(wrist + (frame @ local[..., None])[..., 0] * size, float)

    build.soften(group, 0.012 * size)
    y_axis, z_axis = -frame[..., 1], frame[..., 2]
    palm = place(0, -0.10, 0.0), place(0, -0.40, 0.01)
    build.cone(group, palm, (0.105 * size, 0.115 * size), frame=frame, flat=(1.75, 1.0))
    for x, reach in _FINGERS:
        joint, bend = place(1.05 * x, -0.46, 0.0), np.zeros_like(curl)
        radius = 0.074 * size * (0.9 + 0.1 * reach)
        for bone, (length, share) in enumerate(((0.25, 75), (0.16, 85), (0.12, 60))):
            bend = bend + np.radians(6 + share * curl)
            way = np.cos(bend)[:, None] * y_axis + np.sin(bend)[:, None] * z_axis
            following = joint + length * reach * size * way
            build.cone(group, (joint, following), (radius, 0.93 * radius))
            joint, radius = following, 0.93 * radius
    tip = np.clip(curl, 0, 1)
    knuckle = place(0.27 - 0.06 * tip, -0.38, 0.08 + 0.10 * tip)
    end = place(0.36 - 0.24 * tip, -0.56, 0.12 + 0.16 * tip)
    build.chain(group, [place(0.13, -0.14, 0.05), knuckle, end], [0.10 * size, 0.082 * size, 0.070 * size])


def add_leg(build: FleshBuilder, body: InfantBody, posture: Posture, rows: slice, *, side: int) -> None:
    """Thigh, shank and foot of one side."""
    at, name = joints_of(posture, rows), _SIDES[side]
    hip, knee, ankle = (at[f"{name}_{j}"] for j in ("hip", "knee", "ankle"))
    thick, calf, thin = map(body.radius, ("thigh", "calf", "ankle"))
    thick *= fullness(body)
    build.soften(f"{name}_leg", 0.12 * thick)
    middle, bulge = 0.55 * hip + 0.45 * knee, 0.66 * knee + 0.34 * ankle
    build.chain(f"{name}_leg", [hip, middle, knee], [0.98 * thick, 0.94 * thick, 0.66 * thick])
    build.chain(f"{name}_leg", [knee, bulge, ankle], [0.66 * thick, 0.86 * calf, 0.90 * thin])
    back = -posture.legs[rows, side, 1, :, 2]
    build.ellipsoid(f"{name}_leg", 0.66 * knee + 0.34 * ankle + 0.18 * calf * back,
                    calf * np.array([0.74, 1.5, 0.74]), frame=posture.legs[rows, side, 1])
    build.seam(ankle, soft=0.18 * thin, reach=1.5 * thin)
    outward = np.array([1.0 - 2 * side, 1, 1])
    _foot(build, f"{name}_foot", body, ankle, frame=posture.legs[rows, side, 2] * outward)


def _foot(build: FleshBuilder, group: str, body: InfantBody, ankle: Floats, *, frame: Floats) -> None:
    """Heel, arch, ball and five toes; x of the frame points outwards, z to the back of the foot."""
    size, low = body.foot, -body.ankle / body.foot
    build.soften(group, 0.016 * size)

    def place(x: float, y: float, z: float) -> Floats:
        return ankle + frame @ (np.array([x, y, z]) * size)

    heel, arch, ball = place(0, 0.12, 0.44 * low), place(0, -0.20, 0.40 * low), place(0.005, -0.47, 0.68 * low)
    build.cone(group, (heel, arch), (0.155 * size, 0.160 * size), frame=frame, flat=(0.95, 1.0))
    build.cone(group, (arch, ball), (0.155 * size, 0.105 * size), frame=frame, flat=(1.35, 1.0))
    build.ellipsoid(group, ball, np.array([0.205, 0.16, 0.105]) * size, frame=frame)
    for x, y, radius in _TOES:
        build.ellipsoid(group, place(x, y, 0.70 * low), np.array([0.95, 1.35, 1.0]) * radius * size, frame=frame)


def joints_of(posture: Posture, rows: slice) -> dict[str, Floats]:
    """(F, 3) m of each COCO-17 joint by name."""
    return dict(zip(COCO_17.joints, np.swapaxes(posture.joints[rows], 0, 1)))
