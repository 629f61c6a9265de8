"""People from heat maps and tags: HigherHRNet's way of reading a picture.

Newell et al., "Associative Embedding: End-to-End Learning for Joint Detection and Grouping", NeurIPS 2017, as
HigherHRNet (CVPR 2020) does it: the peaks of each joint's map are given to people by their tags, joint by joint, and
what a person lacks is looked for in the whole map. Places are px of the maps, a peak's at the middle of its pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from stereo3d.models.higherhrnet import Tagged
from stereo3d.skeleton import Skeleton
from stereo3d.values import Floats, Ints

MOST = 30
"""People in a picture, and peaks of a joint."""
LEAST_SCORE = 0.1
"""Of a peak that is given to anyone."""
FARTHEST = 1.0
"""Between a joint's tag and a person's mean tag, for the joint to be that person's."""
POOL = 5
"""px across within which there is one peak."""
TRUNK, LIMBS = ("shoulder", "hip"), ("elbow", "wrist", "knee", "ankle")
"""Their tags are less sure than those of the head, and the limbs' the least."""


class Peaks(NamedTuple):
    """The M best peaks of each joint in one picture."""

    xy: Ints
    """(K, M, 2) px."""
    score: Floats
    """(K, M)"""
    tag: Floats
    """(K, M, T), T tags each: one, or two with the mirrored picture."""


class Grouped(NamedTuple):
    """P people in one picture."""

    xy: Floats
    """(P, K, 2) px; 0 where a joint was not found."""
    score: Floats
    """(P, K); 0 where a joint was not found."""
    tag: Floats
    """(P, K, T)"""


def maps_and_tags(
    seen: Tagged, mirrored: Tagged | None, mirror: Sequence[int], size: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """(N, K, h, w) heat maps and (N, K, h, w, T) tags at (h, w) size, from what the network gave for N pictures.

    Heat maps are the mean over both resolutions, and over the picture and its mirror image where that was looked at
    too, whose tags count as second ones. No map is moved by a px.
    """
    n_joints = seen.fine.shape[1]
    given = [seen] if mirrored is None else [seen, mirrored]
    heat, tags = [], []
    for i, (coarse, fine) in enumerate(given):
        enlarged = functional.interpolate(coarse, fine.shape[2:], mode="bilinear", align_corners=False)
        both = (enlarged[:, :n_joints] + fine) / 2, enlarged[:, n_joints:]
        maps, tag = (x.flip(-1)[:, list(mirror)] for x in both) if i else both
        heat.append(maps)
        tags.append(functional.interpolate(tag, size, mode="bilinear", align_corners=False))
    whole = functional.interpolate(torch.stack(heat).mean(0), size, mode="bilinear", align_corners=False)
    return whole, torch.stack(tags, -1)


def peaks(maps: Tensor, tags: Tensor) -> list[Peaks]:
    """The best peaks in each of N pictures, of heat maps (N, K, h, w) and tags (N, K, h, w, T)."""
    n, k, h, w = maps.shape
    top = functional.max_pool2d(maps, POOL, 1, POOL // 2)
    score, place = torch.where(top == maps, maps, 0.0).flatten(2).topk(min(MOST, h * w), dim=2)
    tag = tags.flatten(2, 3).gather(2, place[..., None].expand(-1, -1, -1, tags.shape[-1]))
    xy = torch.stack((place % w, place // w), -1)
    arrays = (xy.cpu().numpy(), score.double().cpu().numpy(), tag.double().cpu().numpy())
    return [Peaks(*(array[i] for array in arrays)) for i in range(n)]


def joint_order(skeleton: Skeleton) -> list[int]:
    """The order in which joints are grouped: head, trunk, then limbs; COCO's is 1-7, 12, 13, 8-11, 14-17."""
    return sorted(range(len(skeleton)), key=lambda joint: (
        skeleton.joints[joint].endswith(LIMBS), skeleton.joints[joint].endswith(TRUNK)
    ))


def group(found: Peaks, order: Sequence[int]) -> Grouped:
    """The people of one picture: each joint's peaks are given to those whose mean tag is nearest."""
    people = _People(len(found.xy), found.tag.shape[-1])
    for joint in order:
        sure = found.score[joint] > LEAST_SCORE
        xy, score, tag = (x[joint][sure] for x in found)
        known = people.rows()[:MOST]
        for i, row in enumerate(_given(score, tag, people.mean_tags(known))):
            owner = known[row] if row >= 0 else people.newcomer(tag[i])
            people.give(owner, joint, xy[i], score[i], tag[i])
    return people.grouped()


def adjusted(people: Grouped, maps: Floats) -> Floats:
    """(P, K, 2) px the joints moved from corners of pixels of the maps (K, h, w) to where in them the peak lies."""
    joint = np.broadcast_to(np.arange(len(maps)), people.score.shape)
    moved = people.xy.astype(np.int64) + _within(maps, joint, people.xy.astype(np.int64))
    return np.where(people.score[..., None] > 0, moved, people.xy)


def refined(person: Grouped, maps: Tensor, tags: Tensor) -> Grouped:
    """One person (P = 1) with the joints that were missing, from maps (K, h, w) and tags (K, h, w, T).

    A missing joint is where its map is highest among the pixels with the person's tag; that is also found for a limb
    that is not in the picture, with a low score.
    """
    there = person.score[0] > 0
    if there.all() or not there.any():
        return person
    x, y = torch.from_numpy(person.xy[0][there].astype(np.int64)).to(maps.device).T
    own = tags[torch.from_numpy(np.flatnonzero(there)).to(maps.device), y, x].mean(0)
    lacking = np.flatnonzero(~there)
    rows = torch.from_numpy(lacking).to(maps.device)
    far = torch.linalg.vector_norm(tags[rows] - own, dim=-1)
    best = (maps[rows] - far.round()).flatten(1).argmax(1)
    score = maps[rows].flatten(1).gather(1, best[:, None])[:, 0].double().cpu().numpy()
    place = best.cpu().numpy()
    corner = np.stack((place % maps.shape[2], place // maps.shape[2]), -1)
    xy = corner + _within(maps[rows].cpu().numpy(), np.arange(len(lacking)), corner)
    filled = Grouped(*(np.array(array) for array in person))
    good = score > 0
    filled.xy[0, lacking[good]], filled.score[0, lacking[good]] = xy[good], score[good]
    return filled


def _within(maps: Floats, joint: Ints, corner: Ints) -> Floats:
    """(..., 2) px from a pixel's corner to the peak: its middle, a quarter px towards the higher neighbour."""
    h, w = maps.shape[1:]
    x, y = np.clip(corner[..., 0], 0, w - 1), np.clip(corner[..., 1], 0, h - 1)
    right, left = maps[joint, y, np.minimum(x + 1, w - 1)], maps[joint, y, np.maximum(x - 1, 0)]
    below, above = maps[joint, np.minimum(y + 1, h - 1), x], maps[joint, np.maximum(y - 1, 0), x]
    return 0.5 + np.where(np.stack((right > left, below > above), -1), 0.25, -0.25)


def _given(score: Floats, tag: Floats, known: Floats) -> list[int]:
    """For each of M peaks the row of the person (tags (P, T)) that it belongs to, -1 for a newcomer.

    The pairing that costs least: the distance of the tags rounded to whole numbers counts first, then the score.
    """
    if not len(known) or not len(tag):
        return [-1] * len(tag)
    from scipy.optimize import linear_sum_assignment

    far = np.linalg.norm(tag[:, None] - known[None], axis=-1)
    rows, columns = linear_sum_assignment(np.round(far) * 100 - score[:, None])
    owner = np.full(len(tag), -1)
    owner[rows] = np.where(far[rows, columns] < FARTHEST, columns, -1)
    return owner.tolist()


class _People:
    """People as they grow, joint by joint."""

    def __init__(self, n_joints: int, n_tags: int) -> None:
        self._shape = n_joints, n_tags
        self._joints: list[Floats] = []
        self._tags: list[list[Floats]] = []

    def rows(self) -> list[int]:
        return list(range(len(self._joints)))

    def mean_tags(self, rows: Sequence[int]) -> Floats:
        return np.array([np.mean(self._tags[row], axis=0) for row in rows]).reshape(len(rows), self._shape[1])

    def newcomer(self, tag: Floats) -> int:
        """The row of a new person; of one with the very same tag, if there is one, whose peak is flat then."""
        same = [row for row, tags in enumerate(self._tags) if tags[0][0] == tag[0]]
        if same:
            self._tags[same[0]] = []
            return same[0]
        self._joints.append(np.zeros((self._shape[0], 3 + self._shape[1])))
        self._tags.append([])
        return len(self._joints) - 1

    def give(self, row: int, joint: int, xy: Ints, score: float, tag: Floats) -> None:
        self._joints[row][joint] = [*xy, score, *tag]
        self._tags[row].append(tag)

    def grouped(self) -> Grouped:
        joints = np.array(self._joints).reshape(-1, self._shape[0], 3 + self._shape[1])
        return Grouped(joints[..., :2], joints[..., 2], joints[..., 3:])
