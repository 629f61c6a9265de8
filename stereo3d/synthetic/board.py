"""Pictures of a board as a made-up stereo camera takes them: through its lenses, blurred, noisy, perhaps bent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from stereo3d.calibration.board import Board
from stereo3d.calibration.drawing import MARGIN, raster
from stereo3d.calibration.lens import distort
from stereo3d.cameras import StereoRig
from stereo3d.stereo import SIDES, Side, Stereo
from stereo3d.synthetic.rig import pose_of, project, rays
from stereo3d.synthetic.solids import Floats32
from stereo3d.values import Bytes, Floats

_PER_SQUARE = 48
_FINE = 2
"""Rays to a pixel along each axis."""
_WHITE, _BLACK, _WALL = 0.86, 0.06, 0.42


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the board is held."""

    turn: Floats
    """(3, 3) left camera from board."""
    place: Floats
    """(3,) m, the board's origin in the left camera."""

    def moved(self, shift: Floats) -> Pose:
        """The same, carried by (3,) m."""
        return Pose(self.turn, self.place + shift)


class Photographer:
    """Takes pictures of one board with one rig; what does not change from pair to pair is made once, when used."""

    def __init__(
        self, rig: StereoRig, board: Board, *, bend: tuple[float, float] = (0.0, 0.0), focus: float = 0.6,
        noise: float = 1.5,
    ) -> None:
        """`bend` (m): by how much the board's middle stands out along x and y. `focus` (px): the standard deviation of
        the lens's blur. `noise`: grey levels."""
        self.rig, self.board, self.bend, self.focus, self.noise = rig, board, bend, focus, noise

    @cached_property
    def _texture(self) -> Bytes:
        return raster(self.board, _PER_SQUARE)

    @cached_property
    def _ways(self) -> Stereo[Floats32]:
        return Stereo(*(rays(camera, per_pixel=_FINE).astype(np.float32) for camera in self.rig.cameras))

    def pair(self, pose: Pose, *, motion: Sequence[float] = (0.0, 0.0, 0.0), seed: int = 0) -> Stereo[Bytes]:
        """Both raw pictures (h, w, 3); the board is carried by `motion` (3,) m while the shutter is open."""
        shutter = np.linspace(-0.5, 0.5, 9) if any(motion) else np.zeros(1)
        poses = [pose.moved(t * np.array(motion)) for t in shutter]
        views = (np.mean([self._shone(side, p) for p in poses], axis=0) for side in SIDES)
        return Stereo(*(self._finish(light, seed + 1000 * i) for i, light in enumerate(views)))

    def corners(self, pose: Pose) -> Stereo[Floats]:
        """(M, 2) px of the inner corners in both pictures, exactly."""
        points = self.board.points
        points = points + np.pad(self._height(points[:, :2])[:, None], ((0, 0), (2, 0)))
        return project(self.rig, points @ pose.turn.T + pose.place)

    def poses(self, n: int, seed: int = 0, depth: tuple[float, float] = (0.4, 1.0), tilt: float = 0.7) -> list[Pose]:
        """So many poses, all over the pictures, in which both eyes see the whole board; tilted by up to `tilt` rad."""
        rng = np.random.default_rng([seed, 31])
        size = np.array(self.rig.cameras.left.size)
        reach = (size - 1) / 2 / self.rig.cameras.left.fx
        middle = self.board.points.mean(0)
        found: list[Pose] = []
        while len(found) < n:
            z = rng.uniform(*depth)
            turn = Rotation.from_euler("zyx", rng.uniform(-1, 1, 3) * (0.5, tilt, tilt)).as_matrix()
            place = np.array([*(rng.uniform(-1, 1, 2) * reach * z), z]) - turn @ middle
            pose = Pose(turn, place)
            seen = np.stack(list(self.corners(pose)))
            inside = (seen > 8) & (seen < size - 9)
            if np.isfinite(seen).all() and inside.all():
                found.append(pose)
        return found

    def _height(self, xy: Floats) -> Floats:
        """(...) m, by how much the board stands out at (..., 2) m."""
        half = self.board.points[-1, :2] / 2
        return np.asarray((1 - np.clip((xy - half) / half, -2, 2) ** 2) @ np.array(self.bend))

    def _shone(self, side: Side, pose: Pose) -> Floats32:
        """(h, w) light 0..1 of the board before a grey wall."""
        turned, moved = pose_of(self.rig, side)
        turn, place = turned @ pose.turn, turned @ pose.place + moved
        out = np.full(self._ways[side].shape[:2], _WALL, np.float32)
        box = self._box(side, turn, place)
        rays_ = self._ways[side][box]
        ways = rays_ @ turn[:2].astype(np.float32) + turn[2].astype(np.float32)
        start = (-turn.T @ place).astype(np.float32)
        height = np.zeros(ways.shape[:2], np.float32)
        for _ in range(3 if any(self.bend) else 1):
            there = start[:2] + ((height - start[2]) / ways[..., 2])[..., None] * ways[..., :2]
            height = self._height(there).astype(np.float32)
        spot = ((there / self.board.square + 1 + MARGIN) * _PER_SQUARE - 0.5).astype(np.float32)
        on = ((spot >= -0.5) & (spot <= np.array(self._texture.shape[::-1], np.float32) - 0.5)).all(-1)
        spot = np.where(on[..., None], spot, np.float32(-9))
        ink = cv2.remap(self._texture, spot[..., 0], spot[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        lamp = 0.85 + 0.15 * abs(turn[2, 2])
        out[box] = np.where(on, lamp * (_BLACK + (_WHITE - _BLACK) / 255 * ink.astype(np.float32)), _WALL)
        size = self.rig.cameras[side].size
        return np.asarray(cv2.resize(out, size, interpolation=cv2.INTER_AREA), np.float32)

    def _box(self, side: Side, turn: Floats, place: Floats) -> tuple[slice, slice]:
        """The rays around the board."""
        low, high = -(1 + MARGIN) * self.board.square, np.array(self.board.squares) * self.board.square
        x, y = np.meshgrid(*(np.linspace(low, h + self.board.square, 9) for h in high))
        points = np.stack([x, y, np.zeros_like(x)], -1) @ turn.T + place
        seen = distort(points[..., :2] / np.maximum(points[..., 2:], 0.05), self.rig.cameras[side]).reshape(-1, 2)
        shape = self._ways[side].shape[:2]
        if np.isnan(seen).any():
            return slice(0, shape[0]), slice(0, shape[1])
        first = np.clip(_FINE * (seen.min(0) - 9), 0, None).astype(int)
        last = np.clip(_FINE * (seen.max(0) + 9), first + 1, shape[::-1]).astype(int)
        return slice(first[1], last[1]), slice(first[0], last[0])

    def _finish(self, light: Floats32, seed: int) -> Bytes:
        h, w = light.shape
        falloff = 1 - 0.25 * np.hypot(*np.meshgrid(np.linspace(-1, 1, w), np.linspace(-1, 1, h))) ** 2
        soft = cv2.GaussianBlur(light * falloff.astype(np.float32), (0, 0), self.focus)
        grain = np.random.default_rng([seed, 32]).standard_normal(soft.shape, dtype=np.float32)
        grey = 255 * np.clip(soft, 0, 1) ** (1 / 1.6) + self.noise * grain
        return np.repeat(np.clip(np.rint(grey), 0, 255).astype(np.uint8)[..., None], 3, axis=-1)
