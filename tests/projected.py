"""Points, the cameras that see them, and the joints that a detector would report."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.spatial.transform import Rotation

from stereo3d.cameras import Intrinsics, RectifiedCamera, StereoRig
from stereo3d.poses import Poses2D
from stereo3d.skeleton import Skeleton
from stereo3d.stereo import Stereo
from stereo3d.triangulation import Gates

ZED = RectifiedCamera((1280, 720), 530.0, Stereo(641.0, 633.0), 362.0, 0.12)
OPEN = Gates(score=0.0, row=1e6, depth=(1e-6, 1e6))


def skeleton(k: int) -> Skeleton:
    return Skeleton("some", tuple(f"joint_{i}" for i in range(k)), (), None)


def view(xy, sigma=1.0, score=1.0, of: Skeleton | None = None) -> Poses2D:
    xy = np.asarray(xy, float)
    t, k = xy.shape[:2]
    score, sigma = np.broadcast_to(score, (t, k)), np.broadcast_to(sigma, (t, k))
    return Poses2D(xy, score, sigma, np.arange(t) / 30, np.arange(t), of or skeleton(k))


def project(rig: StereoRig, xyz) -> Stereo:
    xyz = np.asarray(xyz, float)
    places = Stereo(xyz, xyz @ rig.rotation.T + rig.translation)
    return places.map(lambda p, c: p[..., :2] / p[..., 2:] * [c.fx, c.fy] + [c.cx, c.cy], rig.cameras)


def views(camera, xyz, **of_views) -> Stereo:
    seen = camera.project(xyz) if isinstance(camera, RectifiedCamera) else project(camera, xyz)
    return seen.map(lambda xy: view(xy, **of_views))


def rig_of(camera: RectifiedCamera) -> StereoRig:
    """The same camera, to go the general way."""
    lenses = camera.cx.map(lambda cx: Intrinsics(camera.size, camera.focal, camera.focal, cx, camera.cy))
    return StereoRig(lenses, np.eye(3), np.array([-camera.baseline, 0, 0]))


def general_rig(angles=(0.1, -0.6, 0.2), translation=(-2.3, -0.6, 1.5)) -> StereoRig:
    lenses = Stereo(
        Intrinsics((1080, 1920), 1668.9, 1650.7, 529.1, 948.2), Intrinsics((1080, 1920), 1661.4, 1671.5, 530.6, 963.2)
    )
    return StereoRig(lenses, Rotation.from_euler("xyz", angles).as_matrix(), np.array(translation))


def reversed_rig(rig: StereoRig) -> StereoRig:
    lenses = Stereo(rig.cameras.right, rig.cameras.left)
    return StereoRig(lenses, rig.rotation.T, -rig.rotation.T @ rig.translation)


def infant(n=40, seed=0, depth=(0.5, 0.9), k=17):
    rng = np.random.default_rng(seed)
    xy = rng.uniform(-0.25, 0.25, (n, k, 2))
    return np.concatenate([xy, rng.uniform(*depth, (n, k, 1))], -1)


def noisy(joints: Stereo, sigma: float, seed=1) -> Stereo:
    rng = np.random.default_rng(seed)
    return joints.map(lambda p: dataclasses.replace(p, xy=p.xy + rng.normal(0, sigma, p.xy.shape)))
