"""The infant's flesh as parts that melt into each other: round cones about its bones, of the girths its mass gives.

Parts of one group (a limb, a hand, the head) are blended softly; groups stay apart but where anatomy joins them: the
neck, the shoulders, the hips, the wrists and the ankles. `synthetic/picture` finds its surface.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from stereo3d.errors import InvalidValue
from stereo3d.values import Floats, Ints, Value, array

GROUPS = (
    "head", "trunk", "left_arm", "right_arm", "left_hand", "right_hand", "left_leg", "right_leg", "left_foot",
    "right_foot", "nappy", "hat", "shirt", "left_sleeve", "right_sleeve", "tube", "tape", "dummy", "shield", "glove",
    "cuff", "blanket",
)
"""What a part may belong to; its colour follows from it."""


@dataclass(frozen=True, slots=True, eq=False)
class Flesh(Value):
    """P round cones of one body at F moments, in the bed's frame.

    In a part's own axes, divided by `scale`, it is what balls of radius `radius` span from the origin to -length along
    y; so a part of length 0 and radius 1 is an ellipsoid of the half axes `scale`.
    """

    axes: Floats
    """(F, P, 3, 3) bed from part, columns of unit length."""
    origin: Floats
    """(F, P, 3) m."""
    scale: Floats
    """(P, 3)."""
    length: Floats
    """(F, P)."""
    radius: Floats
    """(P, 2) of the first and the last ball."""
    group: Ints
    """(P,) index into GROUPS, never falling."""
    soft: Floats
    """(G,) m, how softly the parts of each of GROUPS are blended."""
    cut: Floats
    """(F, C, 4) half spaces n . p <= c (m) that groups are cut by: n and c."""
    cut_group: Ints
    """(C,) index into GROUPS."""
    seam: Floats
    """(F, J, 3) m, where groups flow into each other."""
    seam_size: Floats
    """(J, 2) m, how softly they do there and how far around."""

    def __post_init__(self) -> None:
        f, p = array("origin", self.origin, ("F", "P", 3)).shape[:2]
        c, j = np.shape(self.cut_group)[0], len(self.seam_size)
        shapes = {
            "axes": (f, p, 3, 3), "origin": (f, p, 3), "scale": (p, 3), "length": (f, p), "radius": (p, 2),
            "soft": (len(GROUPS),), "cut": (f, c, 4), "seam": (f, j, 3), "seam_size": (j, 2),
        }
        self._set(**{n: array(n, getattr(self, n), s) for n, s in shapes.items()})
        self._set(group=array("group", self.group, (p,), np.int64))
        self._set(cut_group=array("cut_group", self.cut_group, (c,), np.int64))
        if np.any(np.diff(self.group) < 0):
            raise InvalidValue("group: expected parts of a group side by side, got them mixed")

    def __len__(self) -> int:
        return len(self.origin)

    def ends(self) -> tuple[Floats, Floats, Floats]:
        """(F, P, 3) m, centres of the first and of the last ball, and (F, P) m, no less than any radius there."""
        way = self.axes[..., 1] * (self.length * self.scale[:, 1])[..., None]
        return self.origin, self.origin - way, np.broadcast_to(
            self.radius.max(1) * self.scale.max(1), self.length.shape)


class _Part(NamedTuple):
    group: int
    axes: Floats
    origin: Floats
    scale: tuple[float, float, float]
    length: Floats
    radius: tuple[float, float]


class FleshBuilder:
    """Collects parts, cuts and seams over F moments, then makes the Flesh of them."""

    def __init__(self, n_frames: int) -> None:
        self.n_frames = n_frames
        self._parts: list[_Part] = []
        self._cuts: list[tuple[int, Floats]] = []
        self._seams: list[tuple[Floats, float, float]] = []
        self._soft = np.full(len(GROUPS), 0.002)

    def soften(self, group: str, soft: float) -> None:
        """Blends the parts of a group within `soft` m."""
        self._soft[GROUPS.index(group)] = soft

    def cone(
        self, group: str, ends: tuple[Floats, Floats], radius: tuple[float, float], *,
        frame: Floats | None = None, flat: tuple[float, float] = (1.0, 1.0),
    ) -> None:
        """A round cone between two points (F, 3) m; `flat` times as wide and as deep along x and z of `frame`."""
        start, end = (np.broadcast_to(e, (self.n_frames, 3)) for e in ends)
        way = start - end
        length = np.linalg.norm(way, axis=-1)
        y = way / np.maximum(length, 1e-9)[:, None]
        if frame is None:
            frame = np.broadcast_to(np.array([[0.36, 0, 0], [0.48, 0, 0], [0.8, 0, 1.0]]), (self.n_frames, 3, 3))
        x = frame[..., 0] - (frame[..., 0] * y).sum(-1, keepdims=True) * y
        x /= np.linalg.norm(x, axis=-1, keepdims=True)
        axes = np.stack([x, y, np.cross(x, y)], -1)
        self._parts.append(_Part(GROUPS.index(group), axes, start, (flat[0], 1.0, flat[1]), length, radius))

    def chain(self, group: str, points: list[Floats], radii: list[float]) -> None:
        """Round cones from each point to the next."""
        for i in range(len(points) - 1):
            self.cone(group, (points[i], points[i + 1]), (radii[i], radii[i + 1]))

    def ellipsoid(self, group: str, centre: Floats, axes: ArrayLike, *, frame: Floats) -> None:
        """An ellipsoid about (F, 3) m with half axes (3,) m along those of `frame` (F, 3, 3)."""
        scale = tuple(np.asarray(axes, float).tolist())
        centre = np.broadcast_to(centre, (self.n_frames, 3))
        self._parts.append(_Part(GROUPS.index(group), frame, centre, scale, np.zeros(self.n_frames), (1.0, 1.0)))

    def cut(self, group: str, point: Floats, normal: Floats) -> None:
        """Takes from a group what lies beyond a plane through (F, 3) m, on the side that `normal` (F, 3) points to."""
        n = normal / np.linalg.norm(normal, axis=-1, keepdims=True)
        plane = np.concatenate([n, (n * point).sum(-1, keepdims=True)], -1)
        self._cuts.append((GROUPS.index(group), np.broadcast_to(plane, (self.n_frames, 4))))

    def seam(self, point: Floats, *, soft: float, reach: float) -> None:
        """Lets groups flow into each other around (F, 3) m."""
        self._seams.append((np.broadcast_to(point, (self.n_frames, 3)), soft, reach))

    def build(self) -> Flesh:
        """All that was collected."""
        parts = sorted(self._parts, key=lambda p: p.group)
        return Flesh(
            np.stack([np.broadcast_to(p.axes, (self.n_frames, 3, 3)) for p in parts], 1),
            np.stack([p.origin for p in parts], 1), np.array([p.scale for p in parts]),
            np.stack([p.length for p in parts], 1), np.array([p.radius for p in parts]),
            np.array([p.group for p in parts]), self._soft,
            np.stack([c for _, c in self._cuts], 1) if self._cuts else np.zeros((self.n_frames, 0, 4)),
            np.array([g for g, _ in self._cuts], int),
            np.stack([s for s, *_ in self._seams], 1) if self._seams else np.zeros((self.n_frames, 0, 3)),
            np.array([s[1:] for s in self._seams]).reshape(-1, 2),
        )
