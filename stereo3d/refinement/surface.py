"""What the pictures show at each joint: the disparity of the skin there, pair by pair as they are read.

A flat patch comes first, in the whole range that the detectors leave open; then one that bends as the limbs do about
the joint. Joints that one view missed, or whose views contradict each other, are looked for from each view alone.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from stereo3d.calibration.rectify import Rectifier
from stereo3d.errors import InvalidValue
from stereo3d.recording.base import FramePair
from stereo3d.refinement.body import Anatomy, anatomy, body_length
from stereo3d.refinement.evidence import Prepared
from stereo3d.refinement.match import BLUR, Cutout, Matches, Spots, best_matches, soft_weights
from stereo3d.refinement.offsets import Offsets
from stereo3d.refinement.rescue import Candidates, Frame, candidates, chosen, expected
from stereo3d.refinement.shape import relief
from stereo3d.skeleton import Skeleton
from stereo3d.stereo import SIDES, Stereo
from stereo3d.values import Bytes, Floats, Ints, Value, array

FLAT_HALF, FLAT_WIDTH = 10, 5.0
"""px: half a flat patch, and the standard deviation of its weights."""
BENT_HALF, BENT_REACH = 13, 5
BENT_WIDTH = {"nose": 3.5, "eye": 4.0, "ear": 3.5}
"""px, standard deviation of a bent patch's weights, for small parts of the face; others have that of limbs."""
LIMB_WIDTH = 6.5
_MOST_REACH = 24
_RESCUE_REACH = 22
_NEAREST = 0.05
"""m."""
_MARGIN, _TILE = 56, 64
"""px about the joints that are rectified, and the multiple that the part's sides are, so that its map is used again."""
_BELIEVED = 3.0
"""Standard deviations by which detectors and pictures may differ and both still be used for how a limb lies."""


@dataclass(frozen=True, slots=True, eq=False)
class Surface(Value):
    """The skin at K joints in T pairs, as their pictures match."""

    place: Floats
    """(T, K, 2) px (xc, v) where the skin was looked for: the detectors', or one view's alone."""
    skin: Floats
    """(T, K) px, disparity of the skin less that at infinity; NaN where nothing matched."""
    likeness: Floats
    """(T, K) -1..1, normalised cross-correlation of the patches."""
    vague: Floats
    """(T, K) px, standard deviation of `skin` from the pictures' noise and want of texture."""
    source: Ints
    """(T, K) which view gave the place: 0 both, 1 the left, 2 the right one; -1 none."""
    time: Floats
    """(T,) s."""
    frame: Ints
    """(T,) index of the pair in the recording."""
    skeleton: Skeleton

    def __post_init__(self) -> None:
        skin = array("skin", self.skin, ("T", len(self.skeleton)))
        self._set(skin=skin, place=array("place", self.place, (*skin.shape, 2)))
        self._set(likeness=array("likeness", self.likeness, skin.shape), vague=array("vague", self.vague, skin.shape))
        self._set(source=array("source", self.source, skin.shape, np.int64))
        self._set(time=array("time", self.time, skin.shape[:1]))
        self._set(frame=array("frame", self.frame, skin.shape[:1], np.int64))

    def __len__(self) -> int:
        return len(self.time)


class _Seen(NamedTuple):
    """One row of a Surface."""

    place: Floats
    skin: Floats
    likeness: Floats
    vague: Floats
    source: Ints


def look(
    prepared: Prepared, pairs: Iterable[FramePair], rectifier: Rectifier, offsets: Offsets | None = None
) -> Surface:
    """The skin at the joints, from the recorded pictures of their frames, which are read one by one and let go.

    `pairs`: those of `prepared`'s frames in their order. Raises InvalidValue where they are others.
    """
    known = prepared.evidence
    rows = list(_rows(prepared, pairs, rectifier, offsets or Offsets.default()))
    if len(rows) != len(known):
        raise InvalidValue(f"pairs: expected {len(known)} of them, got {len(rows)}")
    k = len(known.skeleton)
    place = np.array([row.place for row in rows]).reshape(-1, k, 2)
    skin, likeness, vague = (np.array([row[i] for row in rows]).reshape(-1, k) for i in (1, 2, 3))
    source = np.array([row.source for row in rows], np.int64).reshape(-1, k)
    return Surface(place, skin, likeness, vague, source, known.time, known.frame, known.skeleton)


def _rows(
    prepared: Prepared, pairs: Iterable[FramePair], rectifier: Rectifier, offsets: Offsets
) -> Iterator[_Seen]:
    scene = _Scene(prepared, rectifier, offsets)
    for row, pair in enumerate(pairs):
        if row >= len(scene) or pair.index != scene.frame[row]:
            expected = scene.frame[row] if row < len(scene) else "no more"
            raise InvalidValue(f"pairs: expected frame {expected}, got {pair.index}")
        yield scene.see(row, pair.images)


class _Scene:
    """What all pairs of a recording share. Nearer is more disparity here, whichever way round the views are."""

    def __init__(self, prepared: Prepared, rectifier: Rectifier, offsets: Offsets) -> None:
        found = prepared.evidence
        self.frame = found.frame
        self.rectifier = rectifier
        self.camera = dataclasses.replace(found.camera, baseline=abs(found.camera.baseline))
        self.reach = self.camera.baseline * self.camera.focal
        self.body: Anatomy = anatomy(found.skeleton)
        self.turned = found.camera.baseline < 0
        self.infinity = (found.camera.cx.left - found.camera.cx.right) * (-1 if self.turned else 1)
        self.sides = SIDES[::-1] if self.turned else SIDES
        self.row_offset = prepared.noise.row_offset * (-1 if self.turned else 1)
        sign = np.array([1.0, 1.0, -1.0 if self.turned else 1.0])
        self.place, self.sigma, self.status = found.place * sign, found.sigma, found.status
        self.joints = Stereo(*(prepared.joints[side] for side in self.sides))
        self.one_view = Stereo(*(prepared.noise.of_views(prepared.joints)[side] for side in self.sides))
        self.spread = prepared.noise.of_places(prepared.joints)
        one = self.spread[..., 0][np.isfinite(self.spread[..., 0])]
        self.beside = float(np.median(one)) if one.size else 0.0
        self.length = body_length(found.place, found.sigma, skeleton=found.skeleton, camera=found.camera)
        self.depth, self.depth_spread, self.sway = offsets.of(found.skeleton)
        self.usual = float(np.nanmedian(self.place[..., 2])) if np.isfinite(self.place).any() else np.nan
        self.flat = soft_weights(FLAT_HALF, np.array([FLAT_WIDTH]))
        self.soft = soft_weights(BENT_HALF, np.array([BENT_WIDTH.get(kind, LIMB_WIDTH) for kind in self.body.kinds]))

    def __len__(self) -> int:
        return len(self.frame)

    def under(self, row: int, skin: Floats, joints: slice | Ints = slice(None)) -> Floats:
        """px, disparity of the joint below skin of that disparity."""
        return np.asarray(self.reach / (self.reach / skin + self.depth[joints] * self.length[row]))

    def over(self, row: int, joint: Floats) -> Floats:
        """px, disparity of the skin above a joint of that disparity: the inverse of `under`."""
        return np.asarray(self.reach / np.maximum(self.reach / joint - self.depth * self.length[row], _NEAREST))

    def see(self, row: int, images: Stereo[Bytes]) -> _Seen:
        place = self.place[row].copy()
        cutout = self._cutout(row, images)
        if cutout is None:
            blank = np.full(len(place), np.nan)
            return _Seen(place[:, :2], blank, blank, blank, np.full(len(place), -1))
        skin, source = self._flat(cutout, place, row), np.where(np.isfinite(place[:, 2]), 0, -1)
        joint = self.under(row, skin)
        trial = self._candidates(row, place, joint)
        if trial.joint.size:
            skin, source = self._rescue(cutout, row, place, skin, source, trial)
        return self._bent(cutout, row, place, skin, source)

    def _cutout(self, row: int, images: Stereo[Bytes]) -> Cutout | None:
        """The part of the rectified pictures that any of the joints is in, softened grey; None where none is."""
        xy = np.concatenate([view.xy[row] for view in self.joints])
        xy = xy[np.isfinite(xy).all(1)]
        width, height = self.camera.size
        inside = xy[((xy >= 0) & (xy < (width, height))).all(1)]
        if not len(inside):
            return None
        low = np.maximum((inside.min(0) - _MARGIN) // _TILE * _TILE, -_TILE)
        size = np.ceil((np.minimum(inside.max(0) + _MARGIN, (width + _TILE, height + _TILE)) - low) / _TILE) * _TILE
        affine = np.array([[1.0, 0.0, -low[0]], [0.0, 1.0, -low[1]]])
        views = []
        for side in self.sides:
            grey = cv2.cvtColor(images[side], cv2.COLOR_RGB2GRAY)
            part = self.rectifier.crop(np.asarray(grey, np.uint8), affine, (int(size[0]), int(size[1])), side)
            views.append(np.asarray(cv2.GaussianBlur(part.astype(np.float32), (0, 0), BLUR), np.float32))
        return Cutout(Stereo(*views), (float(low[0]), float(low[1])), self.row_offset)

    def spots(self, xc: Floats, v: Floats, skin: Floats) -> Spots:
        """Patches seen from between the views."""
        half = (skin + self.infinity) / 2
        return Spots(xc + half, xc - half, v, np.full(len(xc), 0.5))

    def _flat(self, cutout: Cutout, place: Floats, row: int) -> Floats:
        """(K,) px, the skin's disparity by flat patches about where the detectors say that it is."""
        start = self.over(row, place[:, 2])
        here = np.flatnonzero(np.isfinite(start) & np.isfinite(place).all(1))
        out = np.full(len(place), np.nan)
        if here.size:
            reach = min(math.ceil(3.5 * float(np.max(self.sigma[row, here, 2])) + 2), _MOST_REACH)
            spots = self.spots(place[here, 0], place[here, 1], start[here])
            weights = np.broadcast_to(self.flat, (here.size, self.flat.shape[1]))
            out[here] = start[here] + best_matches(cutout, spots, reach=reach, weights=weights).step
        return out

    def _frame(self, row: int, place: Floats, joint: Floats) -> Frame:
        return Frame(
            place, self.spread[row], joint, self._matched_spread(row, place), self.joints.map(lambda v: v.xy[row]),
            self.joints.map(lambda v: v.score[row]), self.status[row], float(self.length[row]),
        )

    def _matched_spread(self, row: int, place: Floats) -> Floats:
        """(K,) px, roughly how well skin tells the joint: its depth's spread, and places that are off."""
        d = np.where(np.isfinite(place[:, 2]), place[:, 2], self.usual)
        of_depth = self.depth_spread * self.length[row] * d * d / self.reach
        beside = np.where(np.isfinite(self.spread[row, :, 0]), self.spread[row, :, 0], self.beside)
        return np.asarray(np.hypot(of_depth, self.sway * beside))

    def _candidates(self, row: int, place: Floats, joint: Floats) -> Candidates:
        return candidates(self._frame(row, place, joint))

    def _rescue(
        self, cutout: Cutout, row: int, place: Floats, skin: Floats, source: Ints, trial: Candidates
    ) -> tuple[Floats, Ints]:
        """The skin and where places come from once doubtful joints were looked for from each view; changes `place`."""
        frame = self._frame(row, place, self.under(row, skin))
        middle = expected(frame, trial, body=self.body)
        if not np.isfinite(middle).all():
            return skin, source
        of_left = trial.view == 0
        shift = middle + self.infinity
        u_left = np.where(of_left, trial.xy[:, 0], trial.xy[:, 0] + shift)
        u_right = np.where(of_left, trial.xy[:, 0] - shift, trial.xy[:, 0])
        row_shift = np.where(of_left, -0.5, 0.5) * self.row_offset
        spots = Spots(u_left, u_right, trial.xy[:, 1] + row_shift, np.where(of_left, 0.0, 1.0))
        weights = np.broadcast_to(self.flat, (len(of_left), self.flat.shape[1]))
        seen = best_matches(cutout, spots, reach=_RESCUE_REACH, weights=weights)
        found = middle + seen.step
        under = self.under(row, found, trial.joint)
        half = (under + self.infinity) / 2
        there = np.stack([trial.xy[:, 0] + np.where(of_left, -half, half), spots.v, under], -1)
        for joint, which in chosen(frame, trial, there, seen.likeness, body=self.body, camera=self.camera):
            place[joint], skin[joint] = there[which], found[which]
            source[joint] = 2 - trial.view[which] if self.turned else 1 + trial.view[which]
        return skin, source

    def _bent(self, cutout: Cutout, row: int, place: Floats, skin: Floats, source: Ints) -> _Seen:
        """The skin's disparity by patches that bend as the limbs do."""
        under = self.under(row, skin)
        own, other = self.spread[row, :, 2] ** 2, self._matched_spread(row, place) ** 2
        with np.errstate(invalid="ignore"):
            agree = np.abs(under - place[:, 2]) < _BELIEVED * np.sqrt(own + other)
        mixed = (under * own + place[:, 2] * other) / (own + other)
        stand = np.where(agree & (source == 0), mixed, np.where(source > 0, under, place[:, 2]))
        lie = np.column_stack([place[:, :2], stand])
        here = np.flatnonzero(np.isfinite(skin))
        likeness, vague, out = (np.full(len(place), np.nan) for _ in range(3))
        if here.size:
            bent = relief(lie, length=float(self.length[row]), body=self.body, camera=self.camera, half=BENT_HALF)
            weights = self.soft[here] * bent.on_limb[here]
            spots = self.spots(place[here, 0], place[here, 1], skin[here])
            seen: Matches = best_matches(
                cutout, spots, reach=BENT_REACH, weights=weights, relief=bent.height[here]
            )
            out[here] = skin[here] + np.nan_to_num(seen.step)  # where bending leads away, the flat match stands
            likeness[here], vague[here] = seen.likeness, seen.vague
        source = np.where(np.isfinite(place[:, :2]).all(1), source, -1)
        return _Seen(place[:, :2], out, likeness, vague, source)
