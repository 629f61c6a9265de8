"""B infants on their beds under their lights, ready to be looked at from anywhere, on any device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from stereo3d.synthetic.flesh import Flesh
from stereo3d.synthetic.looks import Look
from stereo3d.synthetic.picture.bed import Beds, Map
from stereo3d.synthetic.picture.columns import rows
from stereo3d.synthetic.picture.field import Field, field
from stereo3d.synthetic.picture.grid import Grid, bake, bounds
from stereo3d.synthetic.picture.light import Light, open_sky, shadow, shine
from stereo3d.synthetic.picture.skin import SLEEVE, Dress, reflectance
from stereo3d.synthetic.picture.sleeve import Sleeve
from stereo3d.synthetic.picture.trace import trace
from stereo3d.values import Floats

_BARE = 10
"""So many of GROUPS are skin."""


@dataclass(frozen=True, slots=True)
class Actor:
    """One infant at one moment, and all that is around it."""

    flesh: Flesh
    index: int
    head: Floats
    """(3, 3) the head's axes."""
    head_centre: Floats
    """(3,) m."""
    head_size: float
    """m, its circumference."""
    trunk: Floats
    """(3, 3)."""
    trunk_size: float
    """m, shoulders to hips."""
    hips: Floats
    """(3,) m, between the hips."""
    look: Look
    bed: tuple[Map, Map]
    """(side, side) m and (side, side, 3), of `make_bed`."""
    middle: Floats
    """(2,) m, the bed's."""
    heading: float
    """rad, the bed's."""
    sleeve: Floats
    """(2, 4) m, of `occluders.sleeve`."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What N rays of each of B see."""

    light: Tensor
    """(B, N, 3) linear."""
    reach: Tensor
    """(B, N) m along the ray."""
    group: Tensor
    """(B, N) which of GROUPS has the most of it, -1 the bed."""
    speed: Tensor
    """(B, N, 3) m/s in the bed's frame."""


@dataclass(frozen=True, slots=True)
class Stage:
    """B scenes."""

    field: Field
    grid: Grid
    dress: Dress
    light: Light
    beds: Beds
    sleeve: Sleeve | None
    """None where no bed has one."""

    def look(self, origin: Tensor, ways: Tensor) -> Seen:
        """What rays from origin (B, 1, 3) m along unit ways (B, N, 3) see."""
        reach, normal, panel, sky = self.bed(origin, ways)
        seen, open_ = self.shade(origin + reach[..., None] * ways, normal)
        light = panel * seen[..., None] + sky * open_[..., None]
        return self.flesh_before(reach, light, origin=origin, ways=ways)

    def bed(self, origin: Tensor, ways: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(B, N) how far to the bed, (B, N, 3) its normal, and its light (B, N, 3) from the panel and from the sky."""
        reach, normal, colour = self.beds.meet(origin, ways)
        one, none = torch.ones_like(reach), torch.zeros_like(reach)
        both = {"normals": normal, "toward": -ways, "skin": none}
        panel = shine(self.light, colour, sky=none, panel=one, **both)
        return reach, normal, panel, shine(self.light, colour, sky=one, panel=none, **both)

    def shade(self, points: Tensor, normal: Tensor) -> tuple[Tensor, Tensor]:
        """(B, N) each: how much of the panel and of the sky the flesh leaves to points (B, N, 3) m of the bed."""
        up = torch.nn.functional.normalize(normal + normal.new_tensor([0, 0, 1.0]), dim=-1)
        return shadow(self.grid, points, up, light=self.light), open_sky(self.grid, points, up)

    def flesh_before(self, reach: Tensor, light: Tensor, *, origin: Tensor, ways: Tensor) -> Seen:
        """The flesh where it is nearer than the bed, which is met after `reach` (B, N) m with that light (B, N, 3)."""
        hits = trace(self.field, self.grid, origin=origin, ways=ways)
        way = rows(ways, hits.rays)
        points = origin + hits.reach[..., None] * way
        front = hits.real & (hits.reach < rows(reach, hits.rays) + 0.002)
        surface = self.field.surface(points)
        colours = reflectance(self.dress, points, surface.weight)
        skin = surface.weight[..., :_BARE].sum(-1)
        lit = shine(
            self.light, colours, surface.normal, sky=open_sky(self.grid, points, surface.normal),
            panel=shadow(self.grid, points, surface.normal, light=self.light), toward=-way, skin=skin)
        index = hits.rays
        three = index[..., None].expand(-1, -1, 3)
        keep = front[..., None]
        speed = torch.zeros_like(light).scatter(1, three, torch.where(keep, surface.speed, 0))
        group = index.new_full(reach.shape, -1)
        group = group.scatter(1, index, torch.where(front, surface.weight.argmax(-1), rows(group, index)))
        return Seen(
            light.scatter(1, three, torch.where(keep, lit, rows(light, index))),
            reach.scatter(1, index, torch.where(front, hits.reach, rows(reach, index))), group, speed,
        )

    def sleeved(
        self, light: Tensor, reach: Tensor, *, origin: Tensor, ways: Tensor, pixel: float
    ) -> tuple[Tensor, Tensor]:
        """(B, N, 3) the light and (B, N) m the reach of rays with a carer's sleeve over what they saw; pixel: rad."""
        if self.sleeve is None:
            return light, reach
        cover, near, normal = self.sleeve.meet(origin, ways, pixel=pixel)
        cover = cover * (near < reach)
        one, none = torch.ones_like(reach), torch.zeros_like(reach)
        cloth = (self.dress.cloth * SLEEVE).expand_as(normal)
        lit = shine(self.light, cloth, normal, sky=one, panel=one, toward=-ways, skin=none)
        return torch.lerp(light, lit, cover[..., None]), torch.where(cover > 0.5, near, reach)


def stage(actors: Sequence[Actor], *, interval: float = 0.0, device: str | torch.device = "cpu") -> Stage:
    """The scenes of B actors; with an interval (s) the next moment of each flesh tells how it moves."""

    def tensor(values: object) -> Tensor:
        return torch.tensor(np.asarray(values), dtype=torch.float32, device=device)

    flesh = field([(a.flesh, a.index) for a in actors], interval=interval, device=device)
    corners = [bounds(a.flesh, a.index) for a in actors]
    grid = bake(flesh, tensor([low for low, _ in corners]), tensor([high for _, high in corners]))
    looks = [a.look for a in actors]
    painted = {n: tensor([getattr(k, n) for k in looks])[:, None] for n in (
        "skin", "hair", "iris", "print", "cloth", "glove", "lids", "redness", "thatch", "pattern")}
    dress = Dress(
        **painted, head=tensor([a.head / a.head_size for a in actors]),
        head_centre=tensor([a.head_centre for a in actors])[:, None],
        trunk=tensor([a.trunk / a.trunk_size for a in actors]), hips=tensor([a.hips for a in actors])[:, None])
    lights = {f.name: tensor([getattr(k, f.name) for k in looks])[:, None] for f in fields(Light)}
    lights["strength"] = lights["strength"][..., None]
    arms = tensor([a.sleeve for a in actors])
    sleeve = Sleeve(arms[:, :1, :3], arms[:, 1:, :3], arms[..., 3]) if arms[..., 3].any() else None
    return Stage(flesh, grid, dress, Light(**lights), beds(actors, device=device), sleeve)


def beds(actors: Sequence[Actor], *, device: str | torch.device) -> Beds:
    """The beds of B actors."""
    height = torch.tensor(np.stack([a.bed[0] for a in actors]), dtype=torch.float32, device=device)[:, None]
    colour = torch.tensor(np.stack([a.bed[1] for a in actors]), dtype=torch.float32, device=device)
    angle = np.array([a.heading for a in actors])
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], -1).reshape(-1, 2, 2)
    middle = torch.tensor(np.stack([a.middle for a in actors]), dtype=torch.float32, device=device)[:, None]
    return Beds(height, colour.permute(0, 3, 1, 2).contiguous(), torch.tensor(turn, dtype=torch.float32, device=device),
                middle, height.amax((2, 3)))
