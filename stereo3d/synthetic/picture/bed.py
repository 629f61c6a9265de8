"""What the infant lies on, as relief and colour: a mattress, a towel with print and folds, rolls around it, rails."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stereo3d.synthetic.paint import Palette, linear
from stereo3d.values import Floats

TEXEL = 0.002
"""m, of a texel."""
_SIDE = 640
Map = NDArray[np.float32]
_FLAT = 0.015
"""m, a relief no higher is met without looking along the ray."""
_LOOKS = 14
"""Looks along a ray for where it dips under the relief."""


@dataclass(frozen=True, slots=True)
class Beds:
    """The relief and colours of B beds: squares about the infants' places, rows from head to feet."""

    height: Tensor
    """(B, 1, side, side) m above the mattress."""
    colour: Tensor
    """(B, 3, side, side) linear RGB."""
    turn: Tensor
    """(B, 2, 2) and `middle` (B, 1, 2) m: from the bed's frame into the map's: across to the right, up to the head."""
    middle: Tensor
    top: Tensor
    """(B, 1) m, the highest of each."""

    def place(self, xy: Tensor) -> Tensor:
        """(B, N, 2) -1..1 in the map of points (B, N, 2) m of the bed."""
        local = (xy - self.middle) @ self.turn
        return local * local.new_tensor([1.0, -1.0]) * (2 / (_SIDE * TEXEL))

    def look_up(self, which: Tensor, place: Tensor) -> Tensor:
        """(B, N, C) of a map (B, C, side, side) at places (B, N, 2)."""
        found = torch.nn.functional.grid_sample(
            which, place[:, :, None], align_corners=False, padding_mode="border")
        return found[..., 0].transpose(1, 2)

    def meet(self, origin: Tensor, ways: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, N) m, how far rays from origin (B, 1, 3) along ways (B, N, 3) go to the bed; (B, N, 3) its normal and
        (B, N, 3) its colour there. Rays that go up meet it far away."""
        down = -ways[..., 2].clamp(max=-1e-3)
        low, high = (origin[..., 2] - self.top) / down, origin[..., 2] / down
        reach = high
        if float(self.top.max()) > _FLAT:
            reach = low
            for i in range(_LOOKS):
                there = low + (high - low) * (i / (_LOOKS - 1))
                point = origin[..., :2] + there[..., None] * ways[..., :2]
                above = origin[..., 2] - there * down - self.look_up(self.height, self.place(point))[..., 0]
                reach = torch.where((above > 0) & (reach >= there - (high - low) / (_LOOKS - 1) * 1.01), there, reach)
        for _ in range(3):
            point = origin[..., :2] + reach[..., None] * ways[..., :2]
            height = self.look_up(self.height, self.place(point))[..., 0]
            reach = reach + ((origin[..., 2] - reach * down - height) / down).clamp(-0.01, 0.01) * 0.8
        point = origin[..., :2] + reach[..., None] * ways[..., :2]
        place = self.place(point)
        return reach, self._normal(place), self.look_up(self.colour, place)

    def _normal(self, place: Tensor) -> Tensor:
        step = 1.5 / _SIDE * 2
        sides = [self.look_up(self.height, place + place.new_tensor(d) * step)[..., 0]
                 for d in ((1, 0), (-1, 0), (0, 1), (0, -1))]
        across, along = (sides[0] - sides[1]) / (3 * TEXEL * 2), -(sides[2] - sides[3]) / (3 * TEXEL * 2)
        slope = torch.stack([across, along], -1) @ self.turn.transpose(1, 2)
        return torch.nn.functional.normalize(torch.cat([-slope, torch.ones_like(slope[..., :1])], -1), dim=-1)


def make_bed(
    colours: Palette, seed: int, *, room: tuple[float, float] | None = None, rails: bool = True
) -> tuple[Map, Map]:
    """(side, side) m height and (side, side, 3) linear colour of the bed of that seed.

    With `room`, half the width and half the length (m) that the infant takes, rolled cloths may lie around it; with
    `rails` the bed may have low walls.
    """
    rng = np.random.default_rng([seed, 22])
    height, colour = np.zeros((_SIDE, _SIDE), np.float32), np.empty((_SIDE, _SIDE, 3), np.float32)
    colour[:] = linear(np.array([0.56, 0.58, 0.60]) * rng.uniform(0.7, 1.25)).clip(0, 0.9)
    mattress = _inside((rng.uniform(0.46, 0.54), rng.uniform(0.68, 0.80)), round_by=0.03, angle=0.0)
    _spread(colour, colours.sheet * (1 + 0.02 * _cloud(rng, 2))[..., None], mattress)
    height += 0.0015 * _cloud(rng, 40) * mattress
    angle = rng.uniform(-0.25, 0.25)
    towel = _inside((rng.uniform(0.36, 0.48), rng.uniform(0.52, 0.66)), round_by=0.008, angle=angle)
    _spread(colour, _towel(colours, rng, angle=angle), towel)
    folds = _cloud(rng, 18) + 0.6 * np.abs(_cloud(rng, 9))
    height += (0.0015 + rng.uniform(0.0008, 0.0028) * folds * (1 + 1.2 * _away())) * towel
    height += 0.0005 * _cloud(rng, 1.2) * towel
    if room is not None and rng.random() < 0.6:
        _nest(height, colour, colours, rng, room=room)
    if rails and rng.random() < 0.5:
        _rails(height, colour, rng)
    return np.maximum(height, 0), colour


def _grid() -> tuple[Map, Map]:
    """Metres to the right and up to the head of each texel."""
    y, x = (np.mgrid[-_SIDE // 2 : _SIDE // 2, -_SIDE // 2 : _SIDE // 2] + 0.5).astype(np.float32) * TEXEL
    return x, -y


def _away() -> Map:
    """0 under the infant, 1 far from it: its weight flattens folds."""
    x, y = _grid()
    return np.asarray(np.clip(np.hypot(x / 0.12, y / 0.25) - 0.7, 0, 1), np.float32)


def _cloud(rng: np.random.Generator, scale: float) -> Map:
    """(side, side) smooth noise of unit variance, `scale` texels wide."""
    coarse = max(1, int(scale / 3))
    drawn = rng.standard_normal([_SIDE // coarse + 1] * 2, dtype=np.float32)
    small = cv2.GaussianBlur(drawn, (0, 0), scale / coarse)
    return np.asarray(cv2.resize(small / small.std(), (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC), np.float32)


def _inside(size: tuple[float, float], *, round_by: float, angle: float) -> Map:
    """1 inside a rounded rectangle of that width and height in m."""
    x, y = _grid()
    across, along = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    beyond = [np.maximum(np.abs(p) - s / 2 + round_by, 0) for p, s in zip((across, along), size)]
    return np.asarray(np.clip(0.5 - (np.hypot(*beyond) - round_by) / TEXEL, 0, 1), np.float32)


def _spread(colour: Map, cloth: Floats | Map, mask: Map) -> None:
    colour *= (1 - 0.35 * cv2.GaussianBlur(mask, (0, 0), 4))[..., None]
    colour += mask[..., None] * (np.asarray(cloth, np.float32) - colour)


def _towel(colours: Palette, rng: np.random.Generator, *, angle: float) -> Map:
    """Pastel cloth with one of five prints, and loops."""
    x, y = _grid()
    x, y = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    pitch, kind = rng.uniform(0.025, 0.06), rng.integers(6)
    row = np.round(y / pitch)
    shifted = x + pitch / 2 * (row % 2)
    u, v = shifted / pitch - np.round(shifted / pitch), y / pitch - row
    turned = np.arctan2(v, u)
    prints = {
        0: np.hypot(u, v) < 0.19, 1: np.abs(y / pitch - np.round(y / pitch)) < 0.16,
        2: (np.abs(u) < 0.13) ^ (np.abs(v) < 0.13), 3: np.hypot(u, v) < 0.17 + 0.09 * np.cos(5 * turned),
        4: np.zeros_like(x, bool), 5: (np.abs(np.hypot(u, v) - 0.22) < 0.05) | (np.hypot(u - 0.1, v) < 0.08),
    }
    printed = prints[int(kind)].astype(np.float32)
    cloth = np.tile(colours.towel.astype(np.float32), (_SIDE, _SIDE, 1))
    strong = rng.uniform(0.4, 0.9) * cv2.GaussianBlur(printed, (0, 0), 0.6)[..., None]
    cloth += strong * (colours.print.astype(np.float32) - cloth)
    return np.asarray(cloth * (1 + 0.05 * _cloud(rng, 1.2))[..., None], np.float32)


def _nest(
    height: Map, colour: Map, colours: Palette, rng: np.random.Generator, *, room: tuple[float, float]
) -> None:
    """An oval of two rolled cloths, open here and there."""
    x, y = _grid()
    thick = rng.uniform(0.020, 0.036)
    a, b = max(0.15, 1.2 * room[0]) + 1.2 * thick, max(0.24, 1.2 * room[1]) + 1.2 * thick
    turned = np.arctan2(y / b, x / a)
    wobble = 1 + 0.05 * np.sin(2 * turned + rng.uniform(0, 6)) + 0.03 * np.sin(3 * turned + rng.uniform(0, 6))
    off = (np.hypot(x / a, y / b) / wobble - 1) * (a * b / np.hypot(a * np.sin(turned), b * np.cos(turned)))
    gap = np.clip((np.abs(np.angle(np.exp(1j * (turned - np.pi / 2)))) - rng.uniform(0.15, 0.9)) / 0.12, 0, 1)
    radius = thick * (1 + 0.05 * np.sin(40 * turned + 6 * _cloud(rng, 30))) * np.sqrt(gap)
    ridge = np.sqrt(np.maximum(radius**2 - off**2, 0)) * 1.5
    cloth = colours.sheet * 0.4 + 0.6 * linear(rng.uniform(0.55, 0.95, 3))
    mask = np.clip(ridge / 0.004, 0, 1)
    _spread(colour, cloth * (1 + 0.04 * _cloud(rng, 1.5))[..., None], mask.astype(np.float32))
    smooth = np.asarray(cv2.GaussianBlur(ridge.astype(np.float32), (0, 0), 1.2), np.float32)
    np.maximum(height, smooth + 0.0006 * _cloud(rng, 6) * mask, out=height)


def _rails(height: Map, colour: Map, rng: np.random.Generator) -> None:
    """The edges of an incubator or a warmer: low walls around the mattress."""
    x, y = _grid()
    w, h, thick = rng.uniform(0.27, 0.31), rng.uniform(0.37, 0.42), rng.uniform(0.008, 0.02)
    beyond = np.maximum(np.abs(x) - w, np.abs(y) - h)
    wall = ((beyond > 0) & (beyond < thick)).astype(np.float32)
    _spread(colour, linear(rng.uniform(0.55, 0.95) * np.array([0.97, 1.0, 1.02])).clip(0, 0.9), wall)
    np.maximum(height, wall * rng.uniform(0.02, 0.05), out=height)
