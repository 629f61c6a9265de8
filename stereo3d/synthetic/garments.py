"""What an infant wears and what lies on it: a nappy, a hat, a shirt, a tube, a dummy, hands and cloths of others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stereo3d.synthetic.anatomy import add_arm, add_head, add_leg, add_trunk, fullness, joints_of
from stereo3d.synthetic.body import InfantBody
from stereo3d.synthetic.flesh import Flesh, FleshBuilder
from stereo3d.synthetic.kinematics import Posture
from stereo3d.synthetic.occluders import Visitors, add_visitors
from stereo3d.values import Floats

_SIDES = ("left", "right")


@dataclass(frozen=True, slots=True)
class Outfit:
    """What one infant wears."""

    hat: bool = False
    shirt: bool = False
    tube: bool = False
    dummy: bool = False
    nappy: bool = True
    curl: tuple[float, float] = (0.5, 0.5)
    """How far the left and the right hand are closed, 1 a fist."""


def dressed(
    body: InfantBody, posture: Posture, outfit: Outfit, rows: slice = slice(None), *, visitors: Visitors | None = None
) -> Flesh:
    """The infant's flesh, what it wears and what lies on it at the moments `rows` of its posture."""
    n = len(posture.joints[rows])
    build = FleshBuilder(n)
    add_trunk(build, body, posture, rows)
    add_head(build, body, posture, rows)
    for side in (0, 1):
        add_arm(build, body, posture, rows, side=side, curl=np.full(n, outfit.curl[side]))
        add_leg(build, body, posture, rows, side=side)
    if outfit.nappy:
        _nappy(build, body, posture, rows)
    if outfit.hat:
        _hat(build, body, posture, rows)
    if outfit.shirt:
        _shirt(build, body, posture, rows)
    if outfit.tube:
        _tape(build, body, posture, rows)
    if outfit.dummy:
        _dummy(build, body, posture, rows)
    add_visitors(build, visitors or Visitors())
    return build.build()


def _nappy(build: FleshBuilder, body: InfantBody, posture: Posture, rows: slice) -> None:
    """Bulk about the pelvis and the roots of the thighs, cut at the waist and along the legs."""
    at, frame = joints_of(posture, rows), posture.trunk[rows]
    full = fullness(body)
    belly, thick = body.radius("abdomen"), body.radius("thigh") * full
    hips, shoulders = ((at[f"left_{j}"] + at[f"right_{j}"]) / 2 for j in ("hip", "shoulder"))
    up = shoulders - hips
    bulk = 0.06 * belly + 0.0025
    build.soften("nappy", 0.20 * thick)
    build.cone("nappy", (hips + 0.36 * up, hips + 0.04 * up), (0.93 * belly + bulk, 0.86 * belly + bulk),
               frame=frame, flat=(1.10, 0.90 * full))
    build.ellipsoid("nappy", hips + 0.30 * up + 0.16 * belly * frame[..., 2],
                    belly * np.array([0.97, 1.12, 0.84 * full]) + bulk, frame=frame)
    crotch = hips - 0.10 * up
    build.ellipsoid("nappy", crotch, np.array([0.62, 0.55, 0.78]) * belly + bulk, frame=frame)
    for side in _SIDES:
        hip, knee = at[f"{side}_hip"], at[f"{side}_knee"]
        along = knee - hip
        build.cone("nappy", (hip, hip + 0.45 * along), (0.98 * thick + bulk, 0.95 * thick + bulk))
        outward = hip - hips
        outward /= np.linalg.norm(outward, axis=-1, keepdims=True)
        way = along / np.linalg.norm(along, axis=-1, keepdims=True)
        normal = 0.80 * way + 0.60 * outward - 0.25 * up / np.linalg.norm(up, axis=-1, keepdims=True)
        build.cut("nappy", hip + 0.72 * thick * normal / np.linalg.norm(normal, axis=-1, keepdims=True), normal)
    build.cut("nappy", hips + 0.34 * up, up + 0.12 * np.linalg.norm(up, axis=-1, keepdims=True) * frame[..., 2])


def _hat(build: FleshBuilder, body: InfantBody, posture: Posture, rows: slice) -> None:
    """A knitted cap over the skull, to above the brows and over the ears' tops."""
    frame, centre, size = posture.head[rows], posture.head_centre[rows], body.head
    x, _, z = body.head_axes
    thick = 0.0035
    build.soften("hat", 0.01 * size)
    for place, axes in (
        ((0, 0.028, -0.012), (x, 0.145 * size, 0.96 * z)), ((0, 0.010, -0.070), (0.82 * x, 0.105 * size, 0.56 * z)),
        ((0, 0.055, 0.055), (0.80 * x, 0.092 * size, 0.57 * z)),
    ):
        build.ellipsoid("hat", centre + frame @ (np.array(place) * size), np.array(axes) + thick, frame=frame)
    low = centre + frame @ (np.array([0, 0.030, 0.10]) * size)
    build.cut("hat", low, -frame[..., 1] + 0.42 * frame[..., 2])


def _shirt(build: FleshBuilder, body: InfantBody, posture: Posture, rows: slice) -> None:
    """A bodysuit's upper part with short sleeves."""
    at, frame = joints_of(posture, rows), posture.trunk[rows]
    chest, belly, arm = map(body.radius, ("chest", "abdomen", "upper_arm"))
    hips, shoulders = ((at[f"left_{j}"] + at[f"right_{j}"]) / 2 for j in ("hip", "shoulder"))
    up, thick = shoulders - hips, 0.0035
    build.soften("shirt", 0.12 * chest)
    full = fullness(body)
    wide = (1.13, 0.90 * full)
    upper, lower = (0.76 * chest, 0.985 * chest), (0.97 * chest, 0.95 * belly)
    for high, low, radii in ((0.88, 0.58, upper), (0.58, 0.10, lower)):
        build.cone("shirt", (hips + high * up, hips + low * up), (radii[0] + thick, radii[1] + thick),
                   frame=frame, flat=wide)
    build.ellipsoid("shirt", hips + 0.30 * up + 0.16 * belly * frame[..., 2],
                    belly * np.array([0.97, 1.12, 0.84 * full]) + thick + 0.003, frame=frame)
    for side in _SIDES:
        shoulder, elbow = at[f"{side}_shoulder"], at[f"{side}_elbow"]
        armpit = 0.55 * shoulder + 0.45 * (hips + 0.78 * up)
        build.cone("shirt", (shoulder, armpit), (0.97 * arm + thick, 1.30 * arm + thick))
        build.soften(f"{side}_sleeve", 0.14 * arm)
        hem = 0.35 * shoulder + 0.65 * elbow
        build.cone(f"{side}_sleeve", (shoulder, hem), (0.94 * arm + thick, 0.96 * arm + thick))
        build.cut(f"{side}_sleeve", 0.40 * shoulder + 0.60 * elbow, elbow - shoulder)
    front = np.linalg.norm(up, axis=-1, keepdims=True) * frame[..., 2]
    build.cut("shirt", shoulders + 0.02 * up + 0.35 * chest * frame[..., 2], up + 0.45 * front)


def _tape(build: FleshBuilder, body: InfantBody, posture: Posture, rows: slice) -> None:
    """What holds a feeding tube to the cheek."""
    frame, centre, size = posture.head[rows], posture.head_centre[rows], body.head
    build.ellipsoid("tape", centre + frame @ (np.array([0.060, -0.080, 0.111]) * size),
                    np.array([0.036, 0.022, 0.020]) * size, frame=frame)


def tube_way(body: InfantBody, posture: Posture, index: int) -> Floats:
    """(7, 3) m, a feeding tube's way from the left nostril over the cheek and to the bed beside the head."""
    frame, centre, size = posture.head[index], posture.head_centre[index], body.head
    way = np.array([(0.009, -0.076, 0.163), (0.024, -0.086, 0.154), (0.060, -0.084, 0.135), (0.098, -0.078, 0.090),
                    (0.128, -0.070, 0.020), (0.145, -0.065, -0.05)])
    points = centre + way @ frame.T * size
    last = points[-1] + 0.12 * frame[:, 0] + 0.06 * frame[:, 1]
    points[:, 2] = np.maximum(points[:, 2], 0.005)
    return np.concatenate([points, [[last[0], last[1], 0.005]]])


def _dummy(build: FleshBuilder, body: InfantBody, posture: Posture, rows: slice) -> None:
    """A pacifier's shield and its knob."""
    frame, centre, size = posture.head[rows], posture.head_centre[rows], body.head
    for group, out, axes in (("shield", 0.162, (0.021, 0.016, 0.0025)), ("dummy", 0.175, (0.009, 0.009, 0.006))):
        build.ellipsoid(group, centre + frame @ (np.array([0, -0.100, out]) * size), axes, frame=frame)


def outfit(seed: int) -> Outfit:
    """What the infant of that seed wears: always a nappy, now and then more."""
    rng = np.random.default_rng([seed, 21])
    hat, shirt, tube, dummy = (rng.random(4) < (0.12, 0.10, 0.25, 0.12)).tolist()
    curl: Floats = rng.uniform(0.15, 0.95, 2)
    return Outfit(hat, shirt, tube, dummy, curl=(float(curl[0]), float(curl[1])))
