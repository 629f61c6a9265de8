"""What makes a recording hard: faint texture, rows that are off, things that lie before the infant."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np

from stereo3d.benchmark.scenes import Scene
from stereo3d.cameras import StereoRig
from stereo3d.errors import InvalidValue
from stereo3d.stereo import SIDES, Side, Stereo
from stereo3d.synthetic.rig import pose_of, rays
from stereo3d.values import Bools, Bytes, Floats

_FAINT = 2.5
"""px, the blur that takes texture away."""
_GRAIN = 1.0
"""Grey levels of noise in its place."""
_ROWS = 1.0
"""px."""
_COVERED = 0.21
"""Part of the joints that something is laid before; with those beside them about 40 % are hidden."""
_DISC, _ABOVE = 0.034, (0.03, 0.10)
"""m, the radius of what is laid before a joint, and how far before it that is."""
_TEXEL = 0.001


def faint(scene: Scene, *, seed: int) -> Scene:
    """The same with little texture: blurred, with grain of its own in each view."""
    def edit(index: int, images: Stereo[Bytes]) -> Stereo[Bytes]:
        rng = np.random.default_rng([seed, 31, index])
        return images.map(lambda image: _blurred(image, rng))

    return dataclasses.replace(scene, edit=edit)


def _blurred(image: Bytes, rng: np.random.Generator) -> Bytes:
    smooth = cv2.GaussianBlur(image, (0, 0), _FAINT)
    grain = rng.normal(0, _GRAIN, (*image.shape[:2], 1))
    return np.asarray(np.clip(np.rint(smooth + grain), 0, 255), np.uint8)


def rows_off(scene: Scene) -> Scene:
    """The same with the right camera's rows 1 px lower than its calibration says."""
    down = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, _ROWS]])

    def edit(index: int, images: Stereo[Bytes]) -> Stereo[Bytes]:
        size = images.right.shape[1::-1]
        return Stereo(images.left, np.asarray(cv2.warpAffine(images.right, down, size), np.uint8))

    return dataclasses.replace(scene, edit=edit, row_offset=_ROWS)


def covered(scene: Scene, *, seed: int) -> Scene:
    """The same with cloth discs before some joints, each at its own height and following its joint: 40 % are hidden."""
    rng = np.random.default_rng([seed, 32])
    joints = np.flatnonzero(rng.random(len(scene.skeleton)) < _COVERED)
    rig = scene.rectifier.rig
    if not isinstance(rig, StereoRig):
        raise InvalidValue("scene: expected one with the rig of its raw pictures, got a rectified camera")
    painter = _Discs(rig, joints=scene.xyz[:, joints] @ scene.camera.left_from_rectified.T, rng=rng)
    hidden = np.array(scene.hidden)
    for row, frame in enumerate(scene.frames):
        hidden[row] |= painter.hides(frame, scene.xyz[frame] @ scene.camera.left_from_rectified.T)
    return dataclasses.replace(scene, edit=painter.paint, hidden=hidden)


class _Discs:
    """Round pieces of cloth, flat before the left camera."""

    def __init__(self, rig: StereoRig, *, joints: Floats, rng: np.random.Generator) -> None:
        self._rig, n = rig, joints.shape[1]
        depth = joints[..., 2:] - rng.uniform(*_ABOVE, (n, 1))
        self._centre = joints / joints[..., 2:] * depth
        """(T, D, 3) m in the left camera."""
        side = 2 * round(_DISC / _TEXEL) + 1
        self._cloth = [_cloth(side, rng) for _ in range(n)]
        self._ways = Stereo(*(rays(rig.cameras[side]).astype(np.float32) for side in SIDES))

    def paint(self, index: int, images: Stereo[Bytes]) -> Stereo[Bytes]:
        return Stereo(*(self._on(side, index, images[side]) for side in SIDES))

    def _on(self, side: Side, index: int, image: Bytes) -> Bytes:
        out = image.copy()
        rotation, translation = pose_of(self._rig, side)
        origin = -rotation.T @ translation
        for which in np.argsort(-self._centre[index, :, 2]):
            self._one(out, int(which), index, origin, self._ways[side], rotation)
        return out

    def _one(
        self, out: Bytes, which: int, index: int, origin: Floats, ways: np.ndarray, rotation: Floats
    ) -> None:
        centre = self._centre[index, which]
        seen = rotation @ (centre - origin)
        near = np.abs(ways - (seen[:2] / seen[2]).astype(np.float32)).max(-1) < 1.5 * _DISC / seen[2]
        rows, columns = np.nonzero(near)
        if not rows.size:
            return
        box = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        way = ways[box] @ rotation[:2].astype(np.float32) + rotation[2].astype(np.float32)
        at = origin + way * ((centre[2] - origin[2]) / way[..., 2:]) - centre
        place = ((at[..., :2] + _DISC) / _TEXEL).astype(np.float32)
        shade = cv2.remap(self._cloth[which], place[..., 0], place[..., 1], cv2.INTER_LINEAR)
        inside = np.hypot(at[..., 0], at[..., 1]) < _DISC
        out[box][inside] = shade[inside]

    def hides(self, index: int, joints: Floats) -> Bools:
        """(K,) joints (K, 3) m in the left camera that a disc lies before in a view."""
        out = np.zeros(len(joints), bool)
        for side in SIDES:
            rotation, translation = pose_of(self._rig, side)
            origin = -rotation.T @ translation
            way = (joints - origin)[:, None]
            part = (self._centre[index, :, 2] - origin[2]) / way[..., 2]
            beside = np.linalg.norm((origin + way * part[..., None] - self._centre[index])[..., :2], axis=-1)
            out |= ((beside < _DISC) & (part < 1)).any(1)
        return out


def _cloth(side: int, rng: np.random.Generator) -> Bytes:
    """(side, side, 3) a colour of its own with a weave in it."""
    weave = cv2.GaussianBlur(rng.standard_normal((side, side)), (0, 0), 2.5)
    colour = rng.uniform(80, 220, 3)
    return np.asarray(np.clip(colour + 18 * (weave / weave.std())[..., None], 0, 255), np.uint8)
