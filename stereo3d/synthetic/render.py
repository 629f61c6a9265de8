"""Pictures of a simulation as its two cameras would take them: raw, through their lenses, of the same solids.

A plain renderer: each raw pixel's ray is followed to the nearest round cone or the bed, lit by a panel above and
darkened where the flesh around hides the sky. There is no motion blur and no rolling shutter.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from stereo3d.calibration.lens import distort
from stereo3d.cameras import Intrinsics
from stereo3d.stereo import SIDES, Side, Stereo
from stereo3d.synthetic import figure as flesh
from stereo3d.synthetic.bedding import TEXEL, bedding
from stereo3d.synthetic.kinematics import turn
from stereo3d.synthetic.light import PANEL, open_sky, shine
from stereo3d.synthetic.paint import diaper, face, palette, srgb, torso
from stereo3d.synthetic.rig import pose_of, rays
from stereo3d.synthetic.scene import Bed, Simulation
from stereo3d.synthetic.solids import Floats32, Solids, blended_normals, meet, normals
from stereo3d.values import Bytes, Floats, Ints

_FINE = 2
"""Rays to a pixel along each axis; then averaged."""
_COARSE = 4
"""Rays between those for which the bed's shade is found."""
_SHADE = 140
"""Rays around the figure within which it shades the bed."""
_GRAIN = 0.7
"""Grey levels, the standard deviation of the pictures' noise."""
_Box = tuple[slice, slice]


@dataclass(frozen=True, slots=True)
class _View:
    """One camera in the bed's frame."""

    side: Side
    centre: Floats
    rotation: Floats
    """(3, 3) camera_from_bed."""
    ways: Floats32
    """(h _FINE, w _FINE, 2) rays at depth 1, camera."""

    def directions(self, box: _Box) -> Floats32:
        """(..., 3) of the rays in a box in the bed's frame, one unit of depth long."""
        turned = self.rotation.astype(np.float32)
        return np.asarray(self.ways[box] @ turned[:2] + turned[2], np.float32)

    def on_bed(self, ways: Floats32) -> Floats32:
        """(..., 2) m where rays (..., 3) meet the bed; NaN where they do not."""
        below = np.where(ways[..., 2:] < 0, ways[..., 2:], np.nan)
        return np.asarray(self.centre[:2] - self.centre[2] * ways[..., :2] / below, np.float32)


class Renderer:
    """Draws the pairs of a simulation; what does not change from pair to pair is made once."""

    def __init__(self, simulation: Simulation) -> None:
        self._scene = simulation
        self._palette = palette(simulation.seed)
        self._views = Stereo(*(_view(simulation, side) for side in SIDES))
        texture = bedding(self._palette, seed=simulation.seed)
        self._light = self._views.map(lambda view: _bed_light(view, texture, bed=simulation.bed))
        self._empty = self._light.map(_finish)

    def pair(self, index: int) -> Stereo[Bytes]:
        """Both raw pictures (h, w, 3) of one moment; the same each time."""
        solids = flesh.figure(self._scene.body, self._scene.posture, index=index)
        return Stereo(*(self._draw(side, solids, index=index) for side in SIDES))

    def empty(self) -> Stereo[Bytes]:
        """Both raw pictures of the bed alone, without noise."""
        return self._empty.map(lambda picture: _bytes(_soften(picture)))

    def _draw(self, side: Side, solids: Solids, *, index: int) -> Bytes:
        view, picture = self._views[side], self._empty[side].copy()
        boxes = _boxes(view, solids, camera=self._scene.rig.cameras[side])
        around = _around(boxes, view.ways.shape)
        ways = view.directions(around)
        light = self._light[side][around] * _bed_shade(view, ways, solids=solids)[..., None]
        reach, which = _trace(view, ways, solids=solids, boxes=boxes - [around[0].start, around[1].start] * 2)
        hit = which >= 0
        points = view.centre.astype(np.float32) + ways[hit] * reach[hit][:, None]
        light[hit] = self._lit(points, ways[hit], which=which[hit], solids=solids, index=index)
        picture[tuple(slice(s.start // _FINE, s.stop // _FINE) for s in around)] = _finish(light)
        rng = np.random.default_rng([self._scene.seed, 10, index, SIDES.index(side)])
        return _bytes(_soften(picture) + _grain(rng, picture.shape))

    def _lit(self, points: Floats32, ways: Floats32, *, which: Ints, solids: Solids, index: int) -> Floats32:
        """(N, 3) light from points (N, 3) of the solids `which` (N,), met by rays (N, 3)."""
        facing = normals(solids, points, which=which)
        of_head, soft = solids.material[which] == flesh.HEAD, 0.012 * self._scene.body.head
        if of_head.any():
            facing[of_head] = blended_normals(solids.only(flesh.HEAD), points[of_head], soft=soft)
        colours = self._reflectance(points, solids.material[which], index=index)
        toward = -ways / np.linalg.norm(ways, axis=1, keepdims=True)
        return shine(colours, facing, sky=open_sky(points, facing, solids=solids), toward=toward)

    def _reflectance(self, points: Floats32, material: Ints, *, index: int) -> Floats32:
        body, posture = self._scene.body, self._scene.posture
        hips = posture.joints[index, 11:13].mean(0)
        own = {
            flesh.HEAD: (face, posture.head_centre[index], posture.head[index] / body.head),
            flesh.TRUNK: (torso, hips, posture.trunk[index] / body.trunk),
            flesh.DIAPER: (diaper, hips, posture.trunk[index] / body.trunk),
        }
        out = np.tile(self._palette.skin.astype(np.float32), (len(points), 1))
        for kind, (painter, origin, axes) in own.items():
            those = material == kind
            out[those] = painter(self._palette, ((points[those] - origin) @ axes).astype(np.float32))
        return out


def _view(scene: Simulation, side: Side) -> _View:
    rotation, translation = pose_of(scene.rig, side)
    turned = rotation @ scene.bed.rotation
    centre = -turned.T @ (rotation @ scene.bed.translation + translation)
    return _View(side, centre, turned, rays(scene.rig.cameras[side], per_pixel=_FINE).astype(np.float32))


def _bed_light(view: _View, texture: Floats32, *, bed: Bed) -> Floats32:
    """(h _FINE, w _FINE, 3) linear light of the empty bed."""
    there = view.on_bed(view.directions(np.s_[:, :])) - bed.middle.astype(np.float32)
    across, along = np.moveaxis(there @ turn("z", bed.heading)[:2, :2].astype(np.float32), -1, 0)
    column, row = ((p / TEXEL + len(texture) / 2 - 0.5).astype(np.float32) for p in (across, -along))
    colours = cv2.remap(texture, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    colours[np.isnan(column)] = 0
    up = np.array([[0, 0, 1]], np.float32)
    return np.asarray(colours * shine(np.ones((1, 3), np.float32), up, sky=up[:, 2], toward=up), np.float32)


def _boxes(view: _View, solids: Solids, *, camera: Intrinsics) -> Ints:
    """(S, 4) first row and column and last row and column, in rays, between which each solid is seen."""
    seen = (solids.corners() - view.centre) @ view.rotation.T
    xy = distort(seen[..., :2] / np.where(seen[..., 2:] > 0, seen[..., 2:], np.nan), camera)
    rows_columns = (np.nan_to_num(xy[..., ::-1], nan=-1e6) + 0.5) * _FINE
    limit = view.ways.shape[:2]
    low = np.clip(np.floor(rows_columns.min(1)) - 2, 0, limit)
    return np.concatenate([low, np.clip(np.ceil(rows_columns.max(1)) + 2, low, limit)], 1).astype(np.int64)


def _around(boxes: Ints, shape: tuple[int, ...]) -> _Box:
    """The box about all boxes and the shade around them, of whole pixels."""
    step = _FINE * _COARSE
    low = np.maximum((boxes[:, :2].min(0) - _SHADE) // step * step, 0)
    high = np.minimum((boxes[:, 2:].max(0) + _SHADE + step - 1) // step * step, shape[:2])
    return slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1]))


def _trace(view: _View, ways: Floats32, *, solids: Solids, boxes: Ints) -> tuple[Floats32, Ints]:
    """(h, w) depth at which each ray meets the nearest solid, and which one, -1 for none."""
    reach = np.full(ways.shape[:2], np.inf, np.float32)
    which = np.full(ways.shape[:2], -1, np.int64)
    for i, (top, left, bottom, right) in enumerate(boxes.tolist()):
        box = np.s_[top:bottom, left:right]
        found = meet(solids, i, start=view.centre, ways=ways[box])
        nearer = found < reach[box]
        reach[box][nearer] = found[nearer]
        which[box][nearer] = i
    return reach, which


def _bed_shade(view: _View, ways: Floats32, *, solids: Solids) -> Floats32:
    """(h, w) how much of the bed's light the figure leaves, found on a coarser lattice."""
    h, w = ways.shape[:2]
    few = np.nan_to_num(view.on_bed(ways[_COARSE // 2 :: _COARSE, _COARSE // 2 :: _COARSE]), nan=9.0)
    points = np.concatenate([few, 0 * few[..., :1]], -1).reshape(-1, 3)
    up = np.array([0, 0, 0.6], np.float32) + 0.4 * PANEL  # leans to the panel, so that the shade falls off to one side
    sky = open_sky(points, np.broadcast_to(up / np.linalg.norm(up), points.shape), solids=solids)
    sky = sky.reshape(few.shape[:2])
    return np.asarray(cv2.resize(sky, (w, h), interpolation=cv2.INTER_LINEAR), np.float32)


def _finish(light: Floats32) -> Floats32:
    """(h, w, 3) sRGB 0..1 from (h _FINE, w _FINE, 3) linear light."""
    h, w = light.shape[:2]
    mean = cv2.resize(light, (w // _FINE, h // _FINE), interpolation=cv2.INTER_AREA)
    return srgb(np.asarray(mean, np.float32))


def _soften(picture: Floats32) -> Floats32:
    """The blur of a real lens, half a pixel."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.5), np.float32)


def _grain(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats32:
    """(h, w, 3) noise in sRGB, a pixel wide; colour half as strong as brightness."""
    drawn = cv2.GaussianBlur(rng.standard_normal((*shape[:2], 4), dtype=np.float32), (0, 0), 0.6)
    drawn *= _GRAIN / 255 / drawn[..., 3].std()
    return np.asarray(drawn[..., 3:] + 0.5 * drawn[..., :3], np.float32)


def _bytes(picture: Floats32) -> Bytes:
    return np.clip(np.rint(picture * 255), 0, 255).astype(np.uint8)
