"""The flesh's signed distance, by torch on any device: B bodies at once, N points of each.

Distances to round cones are exact, to flattened ones and ellipsoids right to first order near the surface. Parts of
a group are blended by a log-sum-exp, groups by another whose softness is great at seams and next to nothing elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from stereo3d.synthetic.flesh import GROUPS, Flesh
from stereo3d.values import Floats, Ints

HARD = 0.0011
"""m, softness between groups away from seams."""
_EDGE = 0.0006
"""m, over which the colour of one group gives way to another's."""
_HEM = 0.0015
"""m, softness of cuts."""
_BLOCK = 1024
"""Points at a time on a CPU, so that they stay in its cache and few parts matter to all of them."""
_CELL = 0.02
"""m, of the cells by which points are sorted into blocks."""
_REACH = 0.03
"""m, how much farther than the nearest a part may be and still matter."""
_FAR = -50.0


@dataclass(frozen=True, slots=True)
class Surface:
    """What there is at points of the flesh's surface."""

    distance: Tensor
    """(B, N) m."""
    normal: Tensor
    """(B, N, 3) unit, outwards."""
    speed: Tensor
    """(B, N, 3) m/s, how the skin moves there."""
    weight: Tensor
    """(B, N, G) how much of each of GROUPS there is; they add up to 1."""


@dataclass(frozen=True, slots=True)
class Field:
    """The parts of B bodies as tensors, groups side by side."""

    groups: tuple[tuple[int, int, int], ...]
    """Index into GROUPS, first and last + 1 part of each group there is."""
    matrix: Tensor
    """(B, 3 P, 3) part from bed, divided by the scale: x of all parts, y of all, z of all."""
    shift: Tensor
    """(B, 3 P, 1)."""
    stretch: Tensor
    """(B, 3 P, 1) one over the scale, squared."""
    size: Tensor
    """(B, 4, P, 1) length, first radius, slope, slope over the cosine."""
    soft: Tensor
    """(B, G, 1) of the groups there are."""
    soft_parts: Tensor
    """(B, P, 1) the same of each part."""
    member: Tensor
    """(B, G, P) 1 where a part is of a group."""
    cuts: tuple[tuple[int, Tensor], ...]
    """Which of the groups there are, and (B, 4) its plane."""
    seam: Tensor
    """(B, J, 3)."""
    seam_size: Tensor
    """(B, 2, J, 1)."""
    drift: Tensor
    """(B, 12, P) how each part moves: a point p of it at (3, 3) p + (3,) m/s, row by row."""

    def distance(self, points: Tensor) -> Tensor:
        """(B, N) m, of points (B, N, 3) m from the skin; below 0 inside."""
        if points.device.type == "cpu" and points.shape[1] > _BLOCK:
            return self._by_blocks(points, Field._distance)
        return self._distance(points)

    def surface(self, points: Tensor) -> Surface:
        """Distance, normal and groups at points (B, N, 3) m near the skin."""
        if points.device.type == "cpu" and points.shape[1] > _BLOCK:
            packed = self._by_blocks(points, Field._surface)
        else:
            packed = self._surface(points)
        whole = torch.zeros(*points.shape[:2], len(GROUPS), device=points.device)
        whole[..., [g for g, *_ in self.groups]] = packed[..., 7:]
        return Surface(packed[..., 0], packed[..., 1:4], packed[..., 4:7], whole)

    def _by_blocks(self, points: Tensor, work: Callable[[Field, Tensor], Tensor]) -> Tensor:
        """The same as work(self, points), with the parts alone that matter to each block of neighbours."""
        out = []
        for body in range(len(points)):
            own, single = points[body], self._body(body)
            cell = torch.floor(own / _CELL).long()
            order = torch.argsort((cell[:, 0] * 512 + cell[:, 1]) * 512 + cell[:, 2])
            blocks = torch.split(own[order], _BLOCK)
            middle = torch.stack([(b.amin(0) + b.amax(0)) / 2 for b in blocks])
            around = torch.stack([(b - m).norm(dim=1).max() for b, m in zip(blocks, middle)])
            away = single._parts(middle.T[None])[0][0]
            keep = away < away.amin(0) + 2.2 * around + _REACH
            found = [work(single._only(keep[:, i]), b[None])[0] for i, b in enumerate(blocks)]
            joined = torch.cat(found)
            result = torch.empty_like(joined)
            result[order] = joined
            out.append(result)
        return torch.stack(out)

    def _body(self, index: int) -> Field:
        cuts = tuple((g, plane[index, None]) for g, plane in self.cuts)
        tensors = {n: getattr(self, n)[index, None] for n in Field.__slots__ if n not in ("groups", "cuts")}
        return Field(self.groups, cuts=cuts, **tensors)

    def _only(self, keep: Tensor) -> Field:
        """The same with those parts alone; groups left without any keep their place."""
        three = keep.repeat(3)
        return Field(
            self.groups, self.matrix[:, three], self.shift[:, three], self.stretch[:, three], self.size[:, :, keep],
            self.soft, self.soft_parts[:, keep], self.member[:, :, keep], self.cuts, self.seam, self.seam_size,
            self.drift[:, :, keep],
        )

    def _distance(self, points: Tensor) -> Tensor:
        there = points.transpose(1, 2)
        return self._blend(there, self._parts(there)[0])[0]

    def _parts(self, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, P, N) m, distance of every part; (B, 3 P, N) its way from the nearest point of the axis, in its own
        axes; and how steep that is."""
        local = torch.baddbmm(self.shift, self.matrix, points)
        x, y, z = local.chunk(3, 1)
        length, first, slope, tangent = self.size.unbind(1)
        across = torch.addcmul(x * x, z, z)
        foot = (tangent * across.sqrt()).add_(y).neg_().clamp_(min=0).minimum(length)
        y += foot
        away = torch.addcmul(across, y, y).clamp_(min=1e-12).sqrt_()
        steep = (local * local).mul_(self.stretch)
        sx, sy, sz = steep.chunk(3, 1)
        steep = sx.add_(sy).add_(sz).clamp_(min=1e-12).sqrt_()
        distance = torch.addcmul(away - first, slope, foot).mul_(away).div_(steep)
        return distance, local, steep

    def _blend(self, points: Tensor, parts: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(B, N) m, the distance; (B, G, N) weights of the groups; (B, P, N) and (B, G, N), shares within them."""
        least = parts.amin(1, keepdim=True)
        shares = (least - parts).div_(self.soft_parts).clamp_(min=-60.0).exp_()
        sums = torch.bmm(self.member, shares).clamp_(min=1e-30)
        groups = torch.addcmul(least, -self.soft, sums.log())
        for i, plane in self.cuts:
            beyond = torch.baddbmm(-plane[:, 3:, None], plane[:, None, :3], points)[:, 0]
            groups[:, i] = _HEM * torch.logaddexp(groups[:, i] / _HEM, beyond / _HEM)
        soft, reach = self.seam_size.unbind(1)
        apart = sum((points[:, c, None] - self.seam[:, :, c, None]) ** 2 for c in range(3))
        k = HARD + (soft * torch.exp((-apart / reach**2).clamp_(min=-60.0))).sum(1, keepdim=True)
        weight = torch.softmax(groups / -_EDGE, 1)
        return -k[:, 0] * torch.logsumexp(groups / -k, 1), weight, shares, sums

    def own_distance(self, points: Tensor, allowed: Tensor) -> Tensor:
        """(B, N) m, of points (B, N, 3) in or near flesh from the groups alone that `allowed` (N, GROUPS) names."""
        there = points.transpose(1, 2)
        parts = self._parts(there)[0]
        _, _, _, sums = self._blend(there, parts)
        groups = parts.amin(1, keepdim=True) - self.soft * sums.log()
        mine = allowed[:, [g for g, *_ in self.groups]].T
        return groups.masked_fill(~mine, torch.inf).amin(1)

    def _surface(self, points: Tensor) -> Tensor:
        """(B, N, 7 + G): distance, normal, speed, weights of the groups there are."""
        there = points.transpose(1, 2)
        parts, local, steep = self._parts(there)
        distance, weight, shares, sums = self._blend(there, parts)
        share = shares * torch.bmm(self.member.transpose(1, 2), weight / sums)
        rate = torch.bmm(self.drift, share)
        rate = rate.reshape(len(rate), 3, 4, -1)
        speed = (rate[:, :, :3] * there[:, None]).sum(2) + rate[:, :, 3]
        share = share / steep
        turned = local * share.repeat(1, 3, 1)
        normal = torch.nn.functional.normalize(torch.bmm(self.matrix.transpose(1, 2), turned), dim=1)
        return torch.cat([distance[:, None], normal, speed, weight], 1).transpose(1, 2)


def field(
    figures: Sequence[tuple[Flesh, int]], *, interval: float = 0.0, device: str | torch.device = "cpu"
) -> Field:
    """The field of one moment of each of B bodies; with an interval (s) the next moment tells how they move.

    A group that one of them lacks lies far below its bed.
    """

    def tensor(values: Floats) -> Tensor:
        return torch.tensor(values, dtype=torch.float32, device=device)

    counts = np.array([[np.count_nonzero(f.group == g) for g in range(len(GROUPS))] for f, _ in figures]).max(0)
    bounds = np.concatenate([[0], np.cumsum(counts)])
    groups = tuple((g, int(bounds[g]), int(bounds[g + 1])) for g in range(len(GROUPS)) if counts[g])
    there = [g for g, *_ in groups]
    rows = [_rows(flesh, index, bounds=bounds, interval=interval) for flesh, index in figures]
    matrix, shift, stretch, size, drift = (tensor(np.stack(column)) for column in zip(*rows))
    soft = tensor(np.stack([f.soft[there] for f, _ in figures]))[..., None]
    member = tensor(np.stack([np.repeat(np.eye(len(there)), counts[there], 1)] * len(figures)))
    most = max(len(f.seam_size) for f, _ in figures)
    seam = np.stack([_padded(f.seam[i], most, filler=1e3) for f, i in figures])
    seam_size = np.stack([_padded(f.seam_size, most, filler=1e-3) for f, _ in figures])
    return Field(
        groups=groups, matrix=matrix, shift=shift, stretch=stretch, size=size, soft=soft,
        soft_parts=member.transpose(1, 2) @ soft, member=member,
        cuts=tuple((there.index(g), tensor(plane)) for g, plane in _cuts(figures)), seam=tensor(seam),
        seam_size=tensor(seam_size.swapaxes(1, 2)[..., None]), drift=drift,
    )


def _padded(rows: Floats, count: int, *, filler: float) -> Floats:
    return np.concatenate([rows, np.full((count - len(rows), rows.shape[1]), filler)])


def _rows(flesh: Flesh, index: int, *, bounds: Ints, interval: float) -> tuple[Floats, ...]:
    """The matrix, shift, stretch, size and drift of one body's parts, with room for those that only others have."""
    n = int(bounds[-1])
    place = np.concatenate([bounds[g] + np.arange((flesh.group == g).sum()) for g in range(len(GROUPS))]).astype(int)
    matrix, shift, stretch = np.zeros((3, n, 3)), np.zeros((3, n)), np.ones((3, n))
    shift[1] = _FAR
    size = np.zeros((4, n))
    size[1] = 1e-3
    inverse = np.swapaxes(flesh.axes[index], 1, 2) / flesh.scale[:, :, None]
    matrix[:, place] = inverse.transpose(1, 0, 2)
    shift[:, place] = -(inverse @ flesh.origin[index][..., None])[..., 0].T
    stretch[:, place] = 1 / flesh.scale.T**2
    length, (first, second) = flesh.length[index], flesh.radius.T
    slope = np.divide(first - second, length, out=np.zeros_like(length), where=length > 0)
    slope = np.clip(slope, -0.95, 0.95)
    size[:, place] = length, first, slope, slope / np.sqrt(1 - slope**2)
    drift = np.zeros((12, n))
    if interval:
        drift[:, place] = _drift(flesh, index, interval=interval)
    return matrix.reshape(3 * n, 3), shift.reshape(-1, 1), stretch.reshape(-1, 1), size[..., None], drift


def _cuts(figures: Sequence[tuple[Flesh, int]]) -> list[tuple[int, Floats]]:
    """Each cut's group and its (B, 4) planes; a body without it is cut beyond all things."""
    found: list[tuple[int, Floats]] = []
    for group in range(len(GROUPS)):
        of_each = [f.cut[i][f.cut_group == group] for f, i in figures]
        for nth in range(max(map(len, of_each))):
            planes = [c[nth] if nth < len(c) else np.array([0, 0, 1.0, 1e3]) for c in of_each]
            found.append((group, np.stack(planes)))
    return found


def _drift(flesh: Flesh, index: int, *, interval: float) -> Floats:
    """(12, P) how the parts move from that moment to the next, an interval (s) later; two at least."""
    first = min(index, len(flesh) - 2)  # the last moment moves as the one before
    before, after = flesh.axes[first], flesh.axes[first + 1]
    turning = (after - before) @ np.swapaxes(before, 1, 2) / interval
    moving = (flesh.origin[first + 1] - flesh.origin[first]) / interval
    rest = moving - (turning @ flesh.origin[index][..., None])[..., 0]
    return np.concatenate([turning, rest[..., None]], 2).reshape(-1, 12).T
