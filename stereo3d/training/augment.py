"""Pictures turned, scaled, mirrored and tinted, their joints with them; whole batches on any device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from stereo3d.detectors.search import body_angle
from stereo3d.skeleton import Skeleton
from stereo3d.training.recipe import Training
from stereo3d.values import Bools, Floats


@dataclass(frozen=True, slots=True)
class Batch:
    """N pictures and where the joints of those in them are."""

    images: Tensor
    """(N, h, w, 3) uint8 RGB."""
    xy: Tensor
    """(N, K, 2) px, NaN where unknown."""
    weight: Tensor
    """(N, K) 0 where a joint does not count."""
    others: Tensor | None = None
    """(N, P, K, 2) px, whoever else is there, NaN where unknown or nobody; None: nobody is."""

    @property
    def people(self) -> Tensor:
        """(N, 1 + P, K, 2) px, the infant first."""
        infant = self.xy[:, None]
        return infant if self.others is None else torch.cat([infant, self.others], 1)


def augment(
    batch: Batch, size: tuple[int, int], *, settings: Training, skeleton: Skeleton, rng: np.random.Generator,
    zoom: float = 1.0,
) -> Batch:
    """The batch as pictures of `size` (w, h) px about their middles, each drawn anew: scaled, turned, mirrored, tinted.

    All are `zoom` times as large, some end within. A mirrored picture's left joints become right ones; a turned one's
    do not. Joints that leave the picture lose their weight. Colours go in as bytes and come out so.
    """
    n = len(batch.images)
    low, high = np.log(settings.scale)
    scale = zoom * np.exp(rng.uniform(low, high, n))
    angle = np.radians(rng.uniform(-settings.rotation, settings.rotation, n))
    chosen = rng.random(n) < settings.upright
    angle += np.where(chosen, to_upright(batch, skeleton), 0) if settings.upright else 0
    mirrored = rng.random(n) < settings.flip
    moved = placed(batch, size, scale=scale, angle=angle, mirrored=mirrored, skeleton=skeleton)
    gain = torch.tensor(1 + settings.brightness * rng.uniform(-1, 1, (n, 1, 1, 3)), dtype=torch.float32)
    shift = torch.tensor(64 * settings.brightness * rng.uniform(-1, 1, (n, 1, 1, 1)), dtype=torch.float32)
    device, mixed = moved.images.device, _recoloured(moved.images.float(), settings.recolour, rng)
    tinted = (mixed * gain.to(device) + shift.to(device)).clamp(0, 255).to(torch.uint8)
    return _ended(Batch(tinted, moved.xy, moved.weight, moved.others), settings.cut, rng)


def _ended(batch: Batch, share: float, rng: np.random.Generator) -> Batch:
    """In that share of the pictures all beyond a line is black and its joints do not count; the middle stays."""
    if not share:
        return batch
    n, h, w = batch.images.shape[:3]
    device = batch.images.device
    way = rng.uniform(0, 2 * np.pi, n)
    far = np.where(rng.random(n) < share, rng.uniform(0, 0.35, n) * min(w, h), np.inf)
    normal = torch.tensor(np.stack([np.cos(way), np.sin(way)], -1), dtype=torch.float32, device=device)
    limit = torch.tensor(far, dtype=torch.float32, device=device)
    middle = torch.tensor([(w - 1) / 2, (h - 1) / 2], device=device)

    def within(places: Tensor) -> Tensor:
        """(N, ...) of (N, ..., 2) px."""
        one = [1] * (places.ndim - 2)
        return ((places - middle) * normal.reshape(n, *one, 2)).sum(-1) <= limit.reshape(n, *one)

    y, x = torch.meshgrid(torch.arange(h, device=device), torch.arange(w, device=device), indexing="ij")
    shown = within(torch.stack([x, y], -1).float().expand(n, h, w, 2))
    others = batch.others
    if others is not None:
        others = torch.where(within(others)[..., None], others, torch.nan)
    return Batch(batch.images * shown[..., None], batch.xy, batch.weight * within(batch.xy), others)


def _recoloured(images: Tensor, share: float, rng: np.random.Generator) -> Tensor:
    """(N, h, w, 3) the pictures, that share of them with their colours in another order and mixed with their mean,
    half of these wholly."""
    if not share:
        return images
    n = len(images)
    order = np.eye(3)[rng.permuted(np.tile(np.arange(3), (n, 1)), axis=1)]
    pale = np.maximum(rng.uniform(0, 1, (n, 1, 1)), rng.random((n, 1, 1)) < 0.5)
    other = (1 - pale) * order + pale / 3
    mix = images.new_tensor(np.where(rng.random((n, 1, 1)) < share, other, np.eye(3)))
    return torch.einsum("nhwc,ndc->nhwd", images, mix)


def to_upright(batch: Batch, skeleton: Skeleton) -> Floats:
    """(N,) rad by which each picture has to be turned for the infant's head to be up; 0 where that is unknown."""
    xy = torch.where(batch.weight[..., None] > 0, batch.xy, torch.nan)
    return np.asarray(-np.nan_to_num(body_angle(xy.double().cpu().numpy(), skeleton)))


def placed(
    batch: Batch, size: tuple[int, int], *, scale: Floats, angle: Floats, mirrored: Bools, skeleton: Skeleton
) -> Batch:
    """The batch about the pictures' middles as pictures of `size` (w, h) px, (N,) times as large, turned by (N,) rad
    from x towards y, mirrored where (N,) says so. Black where there was no picture.
    """
    n, h, w = batch.images.shape[:3]
    device = batch.images.device
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    side = np.where(mirrored, -1.0, 1.0)
    rows = np.stack([np.stack([side * c, -side * s], -1), np.stack([s, c], -1)], -2)
    linear = torch.tensor(rows, dtype=torch.float32, device=device)
    source, target = (torch.tensor([(a - 1) / 2, (b - 1) / 2], device=device) for a, b in ((w, h), size))
    people = (batch.people - source) @ linear.transpose(1, 2)[:, None] + target
    swap = torch.as_tensor(skeleton.mirror.copy(), device=device)
    flips = torch.as_tensor(mirrored, device=device)
    people = torch.where(flips[:, None, None, None], people[:, :, swap], people)
    xy = people[:, 0]
    weight = torch.where(flips[:, None], batch.weight[:, swap], batch.weight)
    images = _warped(batch.images, torch.linalg.inv(linear), source, target, size)
    return Batch(images, xy, weight * inside(xy, size), people[:, 1:])


def inside(xy: Tensor, size: tuple[int, int]) -> Tensor:
    """(...) whether places (..., 2) px are in a picture of (w, h) `size` px."""
    return ((xy > -0.5) & (xy < xy.new_tensor([size[0] - 0.5, size[1] - 0.5]))).all(-1)


def _warped(images: Tensor, back: Tensor, source: Tensor, target: Tensor, size: tuple[int, int]) -> Tensor:
    """(N, h, w, 3) bytes of the pictures at back (N, 2, 2) times the places about the middle."""
    h, w = images.shape[1:3]
    y, x = torch.meshgrid(
        torch.arange(size[1], device=images.device), torch.arange(size[0], device=images.device), indexing="ij")
    there = torch.stack([x, y], -1).float().reshape(1, -1, 2) - target
    at = there @ back.transpose(1, 2) + source
    grid = (at + 0.5) * at.new_tensor([2 / w, 2 / h]) - 1
    out = torch.nn.functional.grid_sample(
        images.permute(0, 3, 1, 2).float(), grid.reshape(len(images), size[1], size[0], 2), align_corners=False)
    return out.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
