"""Round cones in skewed frames, and where rays meet them.

A round cone is what two balls of different size span; along the y axis of its frame it runs from the origin to
-length. The frame's columns may be of any length, so ellipsoids and flattened limbs are round cones too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stereo3d.errors import InvalidValue
from stereo3d.values import Floats, Ints, Value, array

Floats32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Solids(Value):
    """S round cones in the bed's frame."""

    frame: Floats
    """(S, 3, 3) m, columns: the axes of each; with unit axes `length` and `radius` are metres."""
    origin: Floats
    """(S, 3) m, centre of the first ball."""
    length: Floats
    """(S,) to the centre of the second ball; 0 for a ball or ellipsoid."""
    radius: Floats
    """(S, 2) of the first and the second ball, which differ by less than the length."""
    material: Ints
    """(S,)."""

    def __post_init__(self) -> None:
        frame = array("frame", self.frame, ("S", 3, 3))
        s = len(frame)
        length, radius = array("length", self.length, (s,)), array("radius", self.radius, (s, 2))
        if not ((length == 0) | (np.abs(radius[:, 0] - radius[:, 1]) < length)).all():
            raise InvalidValue("radius: expected balls of which neither holds the other, got one within another")
        self._set(frame=frame, origin=array("origin", self.origin, (s, 3)), length=length, radius=radius)
        self._set(material=array("material", self.material, (s,), np.int64))

    def __len__(self) -> int:
        return len(self.length)

    def only(self, material: int) -> Solids:
        """Those of that material."""
        those = self.material == material
        return Solids(*(getattr(self, n)[those] for n in self.__slots__))

    def at(self, fraction: float) -> tuple[Floats, Floats]:
        """(S, 3) m, points of the axes at a fraction of their length, and (S,) m, the mean radii there."""
        centre = self.origin - self.frame[:, :, 1] * (fraction * self.length)[:, None]
        size = np.cbrt(np.abs(np.linalg.det(self.frame)))
        return centre, size * (self.radius[:, 0] + fraction * (self.radius[:, 1] - self.radius[:, 0]))

    def corners(self) -> Floats:
        """(S, 16, 3) m, the corners of the boxes about both balls: all of a solid lies between them."""
        signs = np.stack(np.meshgrid(*[[-1.0, 1.0]] * 3), -1).reshape(8, 3)
        start = self.radius[:, :1, None] * signs
        end = self.radius[:, 1:, None] * signs - self.length[:, None, None] * np.array([0.0, 1.0, 0.0])
        return self.origin[:, None] + np.concatenate([start, end], 1) @ np.swapaxes(self.frame, 1, 2)


def meet(solids: Solids, index: int, *, start: Floats, ways: Floats32) -> Floats32:
    """(...) how many of its `ways` (..., 3) each ray goes from `start` (3,) m to that solid; infinite for a miss."""
    inverse = np.linalg.inv(solids.frame[index])
    o = (inverse @ (start - solids.origin[index])).astype(np.float32)
    d = ways @ inverse.T.astype(np.float32)
    length, (first, second) = np.float32(solids.length[index]), solids.radius[index].astype(np.float32)
    reach = _ball(o, d, radius=first)
    if length > 0:
        other = _ball(o + np.array([0, length, 0], np.float32), d, radius=second)
        side = _mantle(o, d, length=length, first=first, slope=(first - second) / length)
        return np.minimum(np.minimum(reach, other), side)
    return reach


def _ball(o: Floats32, d: Floats32, *, radius: np.float32) -> Floats32:
    a, b, c = (d * d).sum(-1), d @ o, o @ o - radius**2
    below = b * b - a * c
    return np.where(below > 0, (-b - np.sqrt(np.maximum(below, 0))) / a, np.inf).astype(np.float32)


def _mantle(o: Floats32, d: Floats32, *, length: np.float32, first: np.float32, slope: np.float32) -> Floats32:
    """The side of the cone: where the foot of its normal lies between the two centres.

    The surface is sqrt(1 - s^2) rho = first - s h, s the slope, h along the axis and rho across it.
    """
    s = slope
    cos2 = 1 - s * s
    h, rise = -o[1], -d[..., 1]
    left = first - s * h
    a = cos2 * (d[..., 0] ** 2 + d[..., 2] ** 2) - (s * rise) ** 2
    b = cos2 * (d[..., 0] * o[0] + d[..., 2] * o[2]) + left * s * rise
    c = cos2 * (o[0] ** 2 + o[2] ** 2) - left**2
    below = b * b - a * c
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (-b - np.sqrt(np.maximum(below, 0))) / a
        foot = (h + t * rise - s * first) / cos2
        hit = (below > 0) & (foot >= 0) & (foot <= length)
    return np.where(hit, t, np.inf).astype(np.float32)


def normals(solids: Solids, points: Floats32, *, which: Ints) -> Floats32:
    """(N, 3) unit outward normals at points (N, 3) m on the surfaces of the solids `which` (N,)."""
    inverse = np.linalg.inv(solids.frame).astype(np.float32)[which]
    local = np.einsum("nij,nj->ni", inverse, points - solids.origin.astype(np.float32)[which])
    length = solids.length.astype(np.float32)[which]
    first, second = solids.radius.astype(np.float32)[which].T
    s = np.divide(first - second, length, out=np.zeros_like(length), where=length > 0)
    across = np.hypot(local[:, 0], local[:, 2])
    foot = np.clip(-local[:, 1] - s * across / np.sqrt(1 - s * s), 0, length)
    local[:, 1] += foot
    out = np.einsum("nji,nj->ni", inverse, local)
    return np.asarray(out / np.linalg.norm(out, axis=1, keepdims=True), np.float32)


def blended_normals(balls: Solids, points: Floats32, *, soft: float) -> Floats32:
    """(N, 3) unit normals at points (N, 3) m on balls and ellipsoids, which melt into each other within `soft` m."""
    inverse = np.linalg.inv(balls.frame).astype(np.float32)
    local = np.einsum("sij,snj->sni", inverse, points - balls.origin[:, None].astype(np.float32))
    away = np.linalg.norm(local, axis=2, keepdims=True)
    slope = (local / away) @ inverse
    steep = np.linalg.norm(slope, axis=2, keepdims=True)
    distance = (away - 1) / steep
    weight = np.exp(-np.clip(distance - distance.min(0), 0, 20 * soft) / soft)
    out = (weight * slope / steep).sum(0)
    return np.asarray(out / np.linalg.norm(out, axis=1, keepdims=True), np.float32)
