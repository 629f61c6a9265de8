"""Views of a board made from a known rig: exact or noisy corners, and pictures."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from stereo3d.calibration.board import Board
from stereo3d.calibration.bundle import State
from stereo3d.calibration.projection import LENS, lens_of
from stereo3d.calibration.sizes import rescaled
from stereo3d.calibration.solve import TRUST
from stereo3d.calibration.views import Views
from stereo3d.cameras import Intrinsics, StereoRig
from stereo3d.stereo import Stereo
from stereo3d.synthetic.board import Photographer, Pose
from stereo3d.synthetic.rig import zed2_like
from stereo3d.values import Bytes, Floats

BOARD = Board((10, 7), 0.03)
SIZE = (640, 360)


def small_rig(seed: int = 0) -> StereoRig:
    """A ZED 2 that was never built, its pictures made half as large."""
    return rescaled(zed2_like(seed), SIZE, 0.5)


@cache
def photographer(
    seed: int = 0, board_squares: tuple[int, int] = (10, 7), bend: tuple[float, float] = (0.0, 0.0)
) -> Photographer:
    """Of the small rig and a chessboard of 30 mm squares."""
    return Photographer(small_rig(seed), Board(board_squares, 0.03), bend=bend)


@cache
def pictures(n: int = 12, seed: int = 1) -> tuple[tuple[Stereo[Bytes], Pose], ...]:
    """Pairs of the board near the camera, with their poses."""
    taken = photographer(0)
    poses = taken.poses(n, seed=seed, depth=(0.3, 0.6), tilt=0.6)
    return tuple((taken.pair(pose, seed=i), pose) for i, pose in enumerate(poses))


def views(
    n: int = 20, *, seed: int = 0, noise: float = 0.1, bend: tuple[float, float] = (0.0, 0.0), board: Board = BOARD,
    depth: tuple[float, float] = (0.35, 1.1),
) -> tuple[Views, StereoRig]:
    """Corners of `n` views with noise (px) through a ZED 2 at HD720 that was never built, and that rig."""
    rig = zed2_like(seed)
    taken = Photographer(rig, board, bend=bend)
    poses = taken.poses(n, seed=seed, depth=depth)
    xy = np.stack([np.stack(list(taken.corners(pose))) for pose in poses])
    xy = xy + np.random.default_rng(seed).normal(size=xy.shape) * noise
    return Views(board, rig.cameras.left.size, np.arange(n), xy, np.ones((n, 2)), n), rig


def drifted(rig: StereoRig, seed: int) -> StereoRig:
    """What a factory said of the rig before its lenses drifted, by as much as mode "refine" allows for."""
    dice = np.random.default_rng([seed, 9]).normal(size=(2, 9))

    def before(camera: Intrinsics, z: Floats) -> Intrinsics:
        step = [TRUST[name] * float(n) for name, n in zip(LENS, z, strict=False)]
        return replace(
            camera, fx=camera.fx * (1 + step[0]), fy=camera.fy * (1 + step[1]), cx=camera.cx + step[2],
            cy=camera.cy + step[3], distortion=camera.distortion + np.array(step[4:]),
        )

    return replace(rig, cameras=Stereo(*map(before, rig.cameras, dice)))


def off(state: State, rig: StereoRig) -> Floats:
    """(30,) true less adjusted shared numbers, without the board's bend."""
    from scipy.spatial.transform import Rotation

    lenses = np.stack([lens_of(camera) for camera in rig.cameras]) - state.lenses
    turn = Rotation.from_matrix(rig.rotation @ state.rotation.T).as_rotvec()
    return np.concatenate([lenses.ravel(), turn, rig.translation - state.translation])


def folder(path, pairs) -> None:  # type: ignore[no-untyped-def]
    """Write pairs of pictures as left00.png, right00.png and so on; None leaves one out."""
    import cv2

    path.mkdir(parents=True, exist_ok=True)
    for i, pair in enumerate(pairs):
        for side, image in zip(("left", "right"), pair, strict=True):
            if image is not None:
                cv2.imwrite(str(path / f"{side}{i:02d}.png"), image)
