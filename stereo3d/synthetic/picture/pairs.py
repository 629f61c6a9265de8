"""Pairs of pictures of a simulation, as its two cameras would take them: raw, through their lenses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from stereo3d.calibration.lens import distort
from stereo3d.stereo import SIDES, Side, Stereo
from stereo3d.synthetic.garments import dressed, outfit, tube_way
from stereo3d.synthetic.landmarks import landmarks
from stereo3d.synthetic.looks import look
from stereo3d.synthetic.occluders import Visitors, sleeve, visitors
from stereo3d.synthetic.picture.bed import make_bed
from stereo3d.synthetic.picture.film import ROW, Film, develop, smear
from stereo3d.synthetic.picture.stage import Actor, Stage, stage
from stereo3d.synthetic.picture.truth import skin_towards, visible
from stereo3d.synthetic.picture.wires import wires
from stereo3d.synthetic.rig import pose_of, rays
from stereo3d.synthetic.scene import Simulation
from stereo3d.values import Bools, Bytes, Floats

_SHADE = 0.10
"""m about the flesh within which it shades the bed."""
_COARSE = 3
"""Pixels between those for which the bed's shade is found."""
_GLANCE = 8
"""Pixels between those at which an arm is looked for."""
_FINE = ((-0.25, -0.25), (0.25, -0.25), (-0.25, 0.25), (0.25, 0.25))
"""px, where the outlines are looked at again."""


@dataclass(frozen=True, slots=True)
class _View:
    """One camera over the bed, and the empty bed in it."""

    side: Side
    origin: Tensor
    """(1, 1, 3) m."""
    rotation: Floats
    """(3, 3) camera from bed."""
    ways: Tensor
    """(h, w, 3) unit."""
    reach: Tensor
    """(h, w) m to the bed."""
    normal: Tensor
    """(h, w, 3)."""
    panel: Tensor
    """(h, w, 3) linear light."""
    sky: Tensor
    """(h, w, 3)."""


@dataclass(frozen=True, slots=True)
class Sight:
    """One pair's pictures and what is known of the joints in them."""

    images: Stereo[Bytes]
    visible: Stereo[Bools]
    """(K,) each: False where something lies before the joint's skin."""
    skin: Floats
    """(K, 3) m, in the left camera: the skin towards each joint, from the middle between the cameras."""


class Photographer:
    """Draws the pairs of a simulation; what does not change from pair to pair is made once.

    `device` is any of torch's; the same device gives the same pictures each time.
    """

    def __init__(self, simulation: Simulation, *, device: str | torch.device = "cpu") -> None:
        self._scene, self._device = simulation, device
        self._joints = landmarks(simulation.body, simulation.posture, simulation.truth.skeleton)
        self._look, self._outfit = look(simulation.seed), outfit(simulation.seed)
        nest = 1.05 * _room(simulation)
        self._bed = make_bed(self._look.palette, simulation.seed, room=(float(nest[0]), float(nest[1])))
        self._visitors = visitors(simulation.body, simulation.posture, simulation.seed) \
            if simulation.setting.occluders else Visitors()
        first = self._stage(0)
        self._views = Stereo(*(self._view(side, first) for side in SIDES))
        self._film = _film(simulation.seed, self._look.bounce, device=device)

    def pair(self, index: int) -> Stereo[Bytes]:
        """Both raw pictures (h, w, 3) of one moment; the same each time."""
        there = self._stage(index)
        return Stereo(*(self._draw(there, view, index) for view in self._views))

    def sight(self, index: int) -> Sight:
        """The same with what the cameras see of the joints."""
        there, bed, skeleton = self._stage(index), self._scene.bed, self._scene.truth.skeleton
        joints = self._tensor(self._joints[index])[None]
        middle = (self._views.left.origin + self._views.right.origin) / 2
        skin = skin_towards(there.field, joints, middle, skeleton)
        seen = self._views.map(lambda view: visible(there, joints, view.origin, skeleton))
        return Sight(
            Stereo(*(self._draw(there, view, index) for view in self._views)),
            seen.map(lambda s: s[0].cpu().numpy()), bed.to_camera(skin[0].cpu().numpy().astype(float)),
        )

    def empty(self) -> Stereo[Bytes]:
        """Both raw pictures of the bed alone."""
        return self._views.map(lambda v: self._developed((v.panel + v.sky).permute(2, 0, 1)[None], v.side, -1))

    def _tensor(self, values: object) -> Tensor:
        return torch.tensor(np.asarray(values), dtype=torch.float32, device=self._device)

    def _stage(self, index: int) -> Stage:
        scene, posture = self._scene, self._scene.posture
        start = min(index, max(len(scene) - 2, 0))  # the last pair moves as from the last but one
        flesh = dressed(scene.body, posture, self._outfit, slice(start, start + 2), visitors=self._visitors)
        actor = Actor(
            flesh=flesh, index=index - start, head=posture.head[index], head_centre=posture.head_centre[index],
            head_size=scene.body.head, trunk=posture.trunk[index], trunk_size=scene.body.trunk,
            hips=posture.joints[index, 11:13].mean(0), look=self._look, bed=self._bed, middle=scene.bed.middle,
            heading=scene.bed.heading, sleeve=sleeve(self._visitors),
        )
        return stage([actor], interval=1 / scene.fps if len(scene) > 1 else 0.0, device=self._device)

    def _view(self, side: Side, there: Stage) -> _View:
        scene = self._scene
        rotation, translation = pose_of(scene.rig, side)
        turned = rotation @ scene.bed.rotation
        centre = -turned.T @ (rotation @ scene.bed.translation + translation)
        flat = rays(scene.rig.cameras[side])
        ideal = np.concatenate([flat, np.ones_like(flat[..., :1])], -1)
        ways = self._tensor(np.nan_to_num(ideal) @ turned)
        ways = torch.nn.functional.normalize(ways, dim=-1)
        origin = self._tensor(centre)[None, None]
        h, w = ways.shape[:2]
        reach, normal, panel, sky = (t.reshape(h, w, -1) for t in there.bed(origin, ways.reshape(1, -1, 3)))
        dark = self._tensor(np.isfinite(flat[..., :1]))
        return _View(side, origin, turned, ways, reach[..., 0], normal, panel * dark, sky * dark)

    def _draw(self, there: Stage, view: _View, index: int) -> Bytes:
        light = view.panel + view.sky
        h, w = light.shape[:2]
        box = self._box(view, there, margin=_SHADE)
        motion = torch.zeros(h, w, 3, device=light.device)
        if box is not None:
            self._shade(light, there, view, box)
            inner = self._box(view, there, margin=0.0)
            if inner is not None:
                self._flesh(light, motion, there, view, box=inner, index=index)
                self._sleeved(light, motion, there, view)
                light = self._moved(light, motion, view, box=box)
        return self._developed(light.permute(2, 0, 1)[None], view.side, index)

    def _box(self, view: _View, there: Stage, *, margin: float) -> tuple[slice, slice] | None:
        """Rows and columns of the flesh's box, of whole coarse pixels; None out of sight."""
        low, high = (t[0, 0].cpu().numpy().astype(float) for t in (there.grid.low, there.grid.high))
        corners = np.stack(np.meshgrid(*zip(low - margin, high + margin)), -1).reshape(-1, 3)
        corners[:, 2] = np.maximum(corners[:, 2], 0)
        seen = (corners - view.origin[0, 0].cpu().numpy()) @ view.rotation.T
        xy = distort(seen[:, :2] / np.maximum(seen[:, 2:], 0.05), self._scene.rig.cameras[view.side])
        if np.isnan(xy).any():
            xy = np.array([[0, 0], view.reach.shape[::-1]], float)
        limit = np.array(view.reach.shape)
        first = np.clip(xy.min(0)[::-1] // _COARSE * _COARSE, 0, limit).astype(int)
        last = np.clip((xy.max(0)[::-1] // _COARSE + 1) * _COARSE, 0, limit).astype(int)
        return None if (first >= last).any() else (slice(first[0], last[0]), slice(first[1], last[1]))

    def _shade(self, light: Tensor, there: Stage, view: _View, box: tuple[slice, slice]) -> None:
        """Darkens the bed about the flesh, found on a coarser lattice."""
        few = (slice(box[0].start + 1, box[0].stop, _COARSE), slice(box[1].start + 1, box[1].stop, _COARSE))
        ways, reach = view.ways[few], view.reach[few]
        points = view.origin[0] + reach[..., None] * ways
        seen, open_ = there.shade(points.reshape(1, -1, 3), view.normal[few].reshape(1, -1, 3))
        both = torch.cat([seen, open_]).reshape(1, 2, *reach.shape)
        size = light[box].shape[:2]
        whole = torch.nn.functional.interpolate(both, size=size, mode="bilinear", align_corners=False)[0]
        light[box] = view.panel[box] * whole[0, ..., None] + view.sky[box] * whole[1, ..., None]

    def _flesh(
        self, light: Tensor, motion: Tensor, there: Stage, view: _View, *, box: tuple[slice, slice], index: int
    ) -> None:
        """Draws the flesh over the bed, its outlines with more rays, and sets how it moves, m/s over depth."""
        ways, reach, under = view.ways[box], view.reach[box], light[box].clone()
        h, w = reach.shape
        seen = there.flesh_before(
            reach.reshape(1, -1), under.reshape(1, -1, 3), origin=view.origin, ways=ways.reshape(1, -1, 3))
        drawn, group = seen.light.reshape(h, w, 3).clone(), seen.group.reshape(h, w)
        edge = _edges(group, seen.reach.reshape(h, w)).nonzero()
        if len(edge):
            drawn[edge[:, 0], edge[:, 1]] = self._again(there, view, ways, reach, under, edge)
        light[box] = self._wired(drawn, seen.reach, view, ways=ways, index=index)
        motion[box] = torch.cat([self._flow(view, ways, seen.reach, seen.speed), seen.reach]).T.reshape(h, w, 3)

    def _sleeved(self, light: Tensor, motion: Tensor, there: Stage, view: _View) -> None:
        """Draws a carer's arm up to the picture's border; it stands still."""
        if there.sleeve is None:
            return
        pixel = 1 / self._scene.rig.cameras[view.side].fx
        few = view.ways[::_GLANCE, ::_GLANCE]
        cover = there.sleeve.meet(view.origin, few.reshape(1, -1, 3), pixel=_GLANCE * pixel)[0].reshape(few.shape[:2])
        hit = cover.nonzero()
        if not len(hit):
            return
        low, high = (hit.amin(0) - 1).clamp(min=0) * _GLANCE, (hit.amax(0) + 1) * _GLANCE
        box = slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1]))
        under, ways = motion[box][..., 2], view.ways[box]
        reach = torch.where(under > 0, under, view.reach[box]).reshape(1, -1)
        drawn, near = there.sleeved(
            light[box].reshape(1, -1, 3), reach, origin=view.origin, ways=ways.reshape(1, -1, 3), pixel=pixel)
        light[box] = drawn.reshape(ways.shape)
        before = (near < reach).reshape(ways.shape[:2])
        motion[box] = torch.where(
            before[..., None], torch.nn.functional.pad(near.reshape(*before.shape, 1), (2, 0)), motion[box])

    def _again(
        self, there: Stage, view: _View, ways: Tensor, reach: Tensor, under: Tensor, edge: Tensor
    ) -> Tensor:
        """(M, 3) the mean of more rays about pixels (M, 2)."""
        y, x = edge.T
        across = ways[y, (x + 1).clamp(max=ways.shape[1] - 1)] - ways[y, (x - 1).clamp(min=0)]
        down = ways[(y + 1).clamp(max=len(ways) - 1), x] - ways[(y - 1).clamp(min=0), x]
        each = torch.cat([ways[y, x] + dx / 2 * across + dy / 2 * down for dx, dy in _FINE])[None]
        many = len(_FINE)
        seen = there.flesh_before(
            reach[y, x].repeat(many)[None], under[y, x].repeat(many, 1)[None], origin=view.origin,
            ways=torch.nn.functional.normalize(each, dim=-1))
        return seen.light[0].reshape(many, -1, 3).mean(0)

    def _wired(self, light: Tensor, reach: Tensor, view: _View, *, ways: Tensor, index: int) -> Tensor:
        """With a feeding tube, where the infant has one."""
        if not self._outfit.tube:
            return light
        way = self._tensor(tube_way(self._scene.body, self._scene.posture, index))
        ends = torch.stack([way[:-1], way[1:]], 1)[None]
        colour = light.new_tensor([0.62, 0.60, 0.52]).expand(1, len(way) - 1, 3)
        out = wires(
            light.reshape(1, -1, 3), reach, origin=view.origin, ways=ways.reshape(1, -1, 3), points=ends,
            radius=light.new_full((1, len(way) - 1), 0.0011), colour=colour,
            pixel=1 / self._scene.rig.cameras[view.side].fx)
        return out.reshape(light.shape)

    def _flow(self, view: _View, ways: Tensor, reach: Tensor, speed: Tensor) -> Tensor:
        """(2, N) px/s, the lens's bend left out."""
        turned = self._tensor(view.rotation).T
        local, moving = ways.reshape(-1, 3) @ turned, speed[0] @ turned
        depth = reach[0, :, None] * local[:, 2:]
        ideal = local[:, :2] / local[:, 2:]
        return (self._scene.rig.cameras[view.side].fx * (moving[:, :2] - ideal * moving[:, 2:]) / depth).T

    def _moved(self, light: Tensor, motion: Tensor, view: _View, *, box: tuple[slice, slice]) -> Tensor:
        """The light with motion blur and rows read one after the other."""
        flow, depth = motion[box][..., :2], view.reach[box]
        depth = torch.where(motion[box][..., 2] > 0, motion[box][..., 2], depth)
        row = torch.arange(box[0].start, box[0].stop, device=light.device) - (len(light) - 1) / 2
        start = (ROW * row)[None, None, :, None].expand(1, 1, -1, flow.shape[1])
        light[box] = smear(
            light[box].permute(2, 0, 1)[None], depth[None, None], flow.permute(2, 0, 1)[None], start=start,
            spread=self._film.exposure[:, None, None, None])[0].permute(1, 2, 0)
        return light

    def _developed(self, light: Tensor, side: Side, index: int) -> Bytes:
        seed = np.random.SeedSequence([self._scene.seed, 10, index + 1, SIDES.index(side)]).generate_state(1)[0]
        generator = torch.Generator(self._device).manual_seed(int(seed))
        h, w = light.shape[2:]
        y, x = torch.meshgrid(torch.linspace(-1, 1, h), torch.linspace(-w / h, w / h, w), indexing="ij")
        away = (torch.hypot(x, y) / float(np.hypot(1, w / h)))[None, None].to(light.device)
        return np.asarray(develop(light, self._film, generator=generator, away=away)[0].cpu().numpy())


def _edges(group: Tensor, reach: Tensor) -> Tensor:
    """(h, w) True beside outlines: where another group or a step in depth is next."""
    out = torch.zeros_like(group, dtype=torch.bool)
    for axis in (0, 1):
        n = group.shape[axis]
        one, two = (t.narrow(axis, 0, n - 1) for t in (group, reach))
        three, four = (t.narrow(axis, 1, n - 1) for t in (group, reach))
        differs = (one != three) | (((two - four).abs() > 0.008) & (one >= 0))
        out.narrow(axis, 0, n - 1).logical_or_(differs)
        out.narrow(axis, 1, n - 1).logical_or_(differs)
    return out


def _room(scene: Simulation) -> Floats:
    """(2,) m, half of the width and of the length that the infant takes over all moments."""
    local = np.concatenate([scene.posture.joints, scene.posture.tips], 1)[..., :2] - scene.bed.middle
    h = scene.bed.heading
    turned = local @ np.array([[np.cos(h), -np.sin(h)], [np.sin(h), np.cos(h)]])
    return np.asarray(np.abs(turned).max((0, 1)), float)


def _film(seed: int, bounce: Floats, *, device: str | torch.device) -> Film:
    """60 to 120 lux: 10 to 33 ms, noise of 0.7 to 2 grey levels."""
    rng = np.random.default_rng([seed, 28])
    row = [rng.uniform(0.8, 1.05) * 0.62 / float(bounce.mean()), rng.uniform(0.010, 0.033), rng.uniform(0.7, 2.0),
           rng.uniform(0.4, 0.6), rng.uniform(0.08, 0.25), 99.0, *(1 + rng.normal(0, 0.03, 3))]
    gain, exposure, noise, blur, vignette, quality, *balance = (
        torch.tensor([x], dtype=torch.float32, device=device) for x in row)
    return Film(gain=gain, balance=torch.stack(balance, 1), exposure=exposure, noise=noise, blur=blur,
                vignette=vignette, quality=quality)
