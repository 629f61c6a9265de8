"""Crops for training: synthetic infants seen from anywhere above, the infant any way round, rendered on any device.

Needs torch (`pip install stereo3d[detect]`). The pictures are of rendered infants; what is learned from them is not
thereby known of real ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from stereo3d.errors import InvalidValue
from stereo3d.synthetic.casting import HELD_OUT, INTERVAL, KINDS, Cast, cast
from stereo3d.synthetic.garments import outfit, tube_way
from stereo3d.synthetic.kinematics import turn
from stereo3d.synthetic.occluders import sleeve
from stereo3d.synthetic.picture.film import ROW, Film, develop, smear
from stereo3d.synthetic.picture.stage import Actor, Stage, stage
from stereo3d.synthetic.picture.truth import skin_towards, visible
from stereo3d.synthetic.picture.wires import wires
from stereo3d.values import Floats

PER_SCENE = 3
"""Cameras that look at each scene."""
_FOCAL = 531.0
"""px of the full picture, as a ZED 2's at HD720."""
_FRAME = (1280, 720)


@dataclass(frozen=True, slots=True)
class Crops:
    """N pictures about infants and what is known of them, on one device."""

    images: Tensor
    """(N, h, w, 3) uint8 RGB."""
    joints: Tensor
    """(N, 17, 2) px of the crops, the joint centres of COCO-17 (nose and eyes on the skin, ear canals)."""
    skin: Tensor
    """(N, 17, 2) px, the skin seen from the middle between the eyes of a stereo camera towards each."""
    visible: Tensor
    """(N, 17) False where something lies before the joint's skin, or it is out of the picture."""
    inside: Tensor
    """(N, 17) False out of the picture."""
    depth: Tensor
    """(N, 17) m, of the joints along the camera's axis."""
    seeds: tuple[int, ...]
    """The scene of each."""


@dataclass(frozen=True, slots=True)
class _Shot:
    """A pinhole camera that looks at a crop."""

    centre: Floats
    """(3,) m in the bed's frame."""
    rotation: Floats
    """(3, 3) camera from bed."""
    focal: float
    """px of the crop."""
    middle: Floats
    """(2,) px of the crop, where the axis meets it."""
    zoom: float
    """Crop px per px of the full picture."""
    row: Floats
    """(3,) full picture's row of crop pixel (x, y): a x + b y + c."""


def crops(
    seed: int, n: int, *, size: tuple[int, int] = (192, 256), device: str | torch.device = "cpu", kind: str = "any",
    batch: int = 8,
) -> Crops:
    """N crops of `size` (w, h) px from n / 3 scenes drawn for that seed, the same each time on one kind of device.

    `kind` names what is in them (casting.KINDS); `batch` crops are rendered at once where the device is no CPU. The
    scenes' own seeds lie below HELD_OUT. Raises InvalidValue for n < 1, a seed below 0 and unknown kinds.
    """
    if n < 1 or seed < 0:
        raise InvalidValue(f"n, seed: expected at least 1 crop and a seed from 0, got {n}, {seed}")
    rng = np.random.default_rng([seed, 26, list(KINDS).index(kind) if kind in KINDS else 0])
    seeds = rng.integers(HELD_OUT, size=-(-n // PER_SCENE)).tolist()
    return crops_of(seeds, n, size=size, device=device, kind=kind, batch=batch)


def crops_of(
    seeds: list[int], n: int, *, size: tuple[int, int], device: str | torch.device = "cpu", kind: str = "any",
    batch: int = 8,
) -> Crops:
    """The same of scenes with those seeds, PER_SCENE each, n in all; for held-out sets."""
    together = 1 if torch.device(device).type == "cpu" else max(1, batch // PER_SCENE)
    parts = []
    for i in range(0, len(seeds), together):
        casts = [cast(s, kind) for s in seeds[i : i + together]]
        parts.append(_render(casts, size=size, device=device))
    joined = {f: torch.cat([getattr(p, f) for p in parts])[:n] for f in Crops.__slots__ if f != "seeds"}
    return Crops(**joined, seeds=tuple(s for p in parts for s in p.seeds)[:n])


def _render(casts: list[Cast], *, size: tuple[int, int], device: str | torch.device) -> Crops:
    """PER_SCENE crops of each of the scenes."""
    there = stage([_actor(c) for c in casts], interval=INTERVAL, device=device)
    parts = []
    for nth in range(PER_SCENE):
        rngs = [np.random.default_rng([c.seed, 27, nth]) for c in casts]
        shots = [_aim(c, r, size=size) for c, r in zip(casts, rngs)]
        parts.append(_shoot(there, casts, shots, rngs, size=size))
    order = [nth * len(casts) + i for i in range(len(casts)) for nth in range(PER_SCENE)]
    joined = {f: torch.cat([getattr(p, f) for p in parts])[order] for f in Crops.__slots__ if f != "seeds"}
    return Crops(**joined, seeds=tuple(c.seed for c in casts for _ in range(PER_SCENE)))


def _actor(scene: Cast) -> Actor:
    p = scene.posture
    return Actor(
        flesh=scene.flesh, index=0, head=p.head[0], head_centre=p.head_centre[0], head_size=scene.body.head,
        trunk=p.trunk[0], trunk_size=scene.body.trunk, hips=p.joints[0, 11:13].mean(0), look=scene.look, bed=scene.bed,
        middle=np.zeros(2), heading=scene.heading, sleeve=sleeve(scene.visitors),
    )


def _aim(scene: Cast, rng: np.random.Generator, *, size: tuple[int, int]) -> _Shot:
    """A camera .45 to 1.1 m above, up to 20 degrees askew, and a box about the infant such as a search gives."""
    points = np.concatenate([scene.posture.joints[0], scene.posture.tips[0]])
    middle = (points.min(0) + points.max(0)) / 2
    height, tilt, azimuth = rng.uniform(0.45, 1.1), abs(rng.normal(0, 0.12)), rng.uniform(0, 2 * np.pi)
    centre = middle + height * np.array([np.sin(tilt) * np.cos(azimuth), np.sin(tilt) * np.sin(azimuth), np.cos(tilt)])
    rotation = _look_at(centre, middle + rng.normal(0, 0.03, 3), rng.uniform(0, 2 * np.pi))
    seen = (points - centre) @ rotation.T
    ideal = seen[:, :2] / seen[:, 2:]
    spin = 0.0
    if np.ptp(ideal[:, 0]) > np.ptp(ideal[:, 1]) and size[1] > size[0]:  # a lying box is turned into the upright crop
        spin = rng.choice([-1.0, 1.0]) * np.pi / 2
    rotation = turn("z", spin) @ rotation
    seen = (points - centre) @ rotation.T
    ideal = seen[:, :2] / seen[:, 2:]
    low, high = ideal.min(0), ideal.max(0)
    need = max((high - low) / np.array(size)) * rng.uniform(1.10, 1.45)
    if scene.cropped:
        need *= rng.uniform(0.5, 0.8)
    focal = 1 / need
    offset = (low + high) / 2 + rng.uniform(-0.06, 0.06, 2) * (high - low)
    principal = np.array(size) / 2 - 0.5 - focal * offset
    zoom = focal / _FOCAL
    row = np.array([-np.sin(spin), np.cos(spin)]) / zoom
    return _Shot(centre, rotation, focal, principal, zoom, np.array([*row, -row @ (np.array(size) / 2)]))


def _look_at(centre: Floats, goal: Floats, spin: float) -> Floats:
    """(3, 3) camera from bed, its axis through the goal."""
    z = (goal - centre) / np.linalg.norm(goal - centre)
    x = np.cross(z, [np.cos(spin), np.sin(spin), 0.3])
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z])


def _shoot(
    there: Stage, casts: list[Cast], shots: list[_Shot], rngs: list[np.random.Generator], *, size: tuple[int, int]
) -> Crops:
    device, (w, h), b = there.grid.low.device, size, len(casts)

    def tensor(values: object) -> Tensor:
        return torch.tensor(np.asarray(values), dtype=torch.float32, device=device)

    origin, turned = tensor([s.centre for s in shots])[:, None], tensor([s.rotation for s in shots])
    focal, middle = tensor([s.focal for s in shots])[:, None, None], tensor([s.middle for s in shots])[:, None]
    y, x = torch.meshgrid(torch.arange(h, device=device), torch.arange(w, device=device), indexing="ij")
    pixels = torch.stack([x, y], -1).reshape(1, -1, 2).float()
    ideal = torch.cat([(pixels - middle) / focal, torch.ones(b, h * w, 1, device=device)], -1)
    ways = torch.nn.functional.normalize(ideal @ turned, dim=-1)
    seen, pixel = there.look(origin, ways), float(1 / focal.max())
    light = _with_wires(seen.light, seen.reach, casts, origin=origin, ways=ways, pixel=pixel)
    light, reach = there.sleeved(light, seen.reach, origin=origin, ways=ways, pixel=pixel)
    film = _film(shots, rngs, casts, device=device)
    depth = (reach[..., None] * ways @ turned.transpose(1, 2))[..., 2:]
    speed = torch.where(reach[..., None] < seen.reach[..., None], 0, seen.speed) @ turned.transpose(1, 2)
    flow = focal * (speed[..., :2] - ideal[..., :2] * speed[..., 2:]) / depth

    def image(values: Tensor) -> Tensor:
        return values.reshape(b, h, w, -1).permute(0, 3, 1, 2)

    rows_ = tensor([s.row for s in shots])
    start = (ROW * ((pixels * rows_[:, None, :2]).sum(-1) + rows_[:, 2:])).reshape(b, 1, h, w)
    moved = smear(image(light), image(depth), image(flow), start=start, spread=film.exposure[:, None, None, None])
    generator = torch.Generator(device).manual_seed(int(rngs[0].integers(1 << 31)))
    images = develop(moved, film, generator=generator)
    return _labelled(there, casts, images, (origin, turned, focal, middle), start=rows_)


def _labelled(
    there: Stage, casts: list[Cast], images: Tensor, camera: tuple[Tensor, Tensor, Tensor, Tensor], *, start: Tensor
) -> Crops:
    """The crops with their joints, where the rolling shutter shows them."""
    origin, turned, focal, middle = camera
    h, w = images.shape[1:3]
    now, later = (
        torch.tensor(np.stack([c.posture.joints[i] for c in casts]), dtype=torch.float32, device=images.device)
        for i in (0, 1))

    def project(points: Tensor) -> tuple[Tensor, Tensor]:
        local = (points - origin) @ turned.transpose(1, 2)
        return focal * local[..., :2] / local[..., 2:] + middle, local[..., 2]

    skin = skin_towards(there.field, now, origin)
    found = []
    for points in (now, skin):
        xy, _ = project(points)
        drift = (project(points + (later - now))[0] - xy) / INTERVAL
        delay = ROW * ((xy * start[:, None, :2]).sum(-1, keepdim=True) + start[:, None, 2:])
        found.append(xy + drift * delay)
    joints, of_skin = found
    inside = ((joints >= -0.5) & (joints < joints.new_tensor([w - 0.5, h - 0.5]))).all(-1)
    return Crops(images, joints, of_skin, visible(there, now, origin) & inside, inside, project(now)[1],
                 tuple(c.seed for c in casts))


def _film(
    shots: list[_Shot], rngs: list[np.random.Generator], casts: list[Cast], *, device: torch.device
) -> Film:
    """60 to 120 lux: 10 to 33 ms, noise of 1 to 3 levels of the full picture, a lens and a resampling that blur."""
    rows = []
    for shot, rng, scene in zip(shots, rngs, casts):
        bright = 0.5 / (0.25 + 0.75 * float(np.mean(scene.look.skin) + scene.look.bounce.mean()) / 1.2)
        zoom = min(shot.zoom, 2.0)
        rows.append([
            bright * rng.uniform(0.75, 1.35), rng.uniform(0.010, 0.033), rng.uniform(0.8, 3.2) * min(1.0, zoom),
            rng.uniform(0.35, 0.6) * max(1.0, zoom), rng.choice([99, rng.uniform(55, 95)]),
            *(1 + rng.normal(0, 0.05, 3)),
        ])
    table = torch.tensor(rows, dtype=torch.float32, device=device)
    gain, exposure, noise, blur, quality = table[:, :5].unbind(1)
    return Film(gain=gain, balance=table[:, 5:], exposure=exposure, noise=noise, blur=blur,
                vignette=torch.zeros_like(gain), quality=quality)


def _with_wires(
    light: Tensor, reach: Tensor, casts: list[Cast], *, origin: Tensor, ways: Tensor, pixel: float
) -> Tensor:
    """The light with feeding tubes drawn in."""
    tubed = [outfit(c.seed).tube for c in casts]
    if not any(tubed):
        return light
    ends, sizes = [], []
    for scene, tube in zip(casts, tubed):
        way = tube_way(scene.body, scene.posture, 0)
        ends.append(np.stack([way[:-1], way[1:]], 1))
        sizes.append(np.full(len(way) - 1, 0.0011 * tube))
    points, radius = (torch.tensor(np.stack(a), dtype=torch.float32, device=light.device) for a in (ends, sizes))
    colour = light.new_tensor([0.62, 0.60, 0.52]).expand(*radius.shape, 3)
    return wires(light, reach, origin=origin, ways=ways, points=points, radius=radius, colour=colour, pixel=pixel)
