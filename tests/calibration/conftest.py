"""Rigs to test with, and the projection that they must undo, by OpenCV and not by the toolkit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from stereo3d.calibration.zed import read_conf
from stereo3d.cameras import Intrinsics, StereoRig
from stereo3d.stereo import Stereo
from stereo3d.values import Floats

MADE_UP = Path(__file__).parents[2] / "calibration" / "rigs" / "made_up_zed2.conf"
Project = Callable[[StereoRig, Floats], Stereo[Floats]]


@pytest.fixture(scope="session")
def made_up() -> Path:
    """The factory file of a ZED 2 that was never built."""
    return MADE_UP


@pytest.fixture(scope="session")
def rig() -> StereoRig:
    """The made-up ZED 2 at HD720."""
    return read_conf(MADE_UP, "HD")


@pytest.fixture(scope="session")
def wide_rig() -> StereoRig:
    """Two cameras 2.9 m apart and turned by half a right angle: they see one place, but share no rectified picture."""
    lens = Intrinsics((1080, 1920), 1665.0, 1664.0, 530.0, 950.0, np.array([-0.046, 0.14, 6e-4, 7e-4, 0.0]))
    rotation, _ = cv2.Rodrigues(np.array([-0.15, 0.85, 0.06]))
    return StereoRig(Stereo(lens, lens), np.asarray(rotation, float), np.array([-2.35, -0.6, 1.5]))


@pytest.fixture(scope="session")
def cloud() -> Floats:
    """(4000, 3) m in front of the left camera, 0.5-1.5 m away, all over both pictures of an HD720 ZED 2."""
    rng = np.random.default_rng(0)
    z = rng.uniform(0.5, 1.5, 4000)
    return np.stack([rng.uniform(-0.8, 0.9, 4000) * z, rng.uniform(-0.5, 0.5, 4000) * z, z], -1)


@pytest.fixture(scope="session")
def project() -> Project:
    """(N, 2) px in both raw pictures of points (N, 3) m in the left camera, by cv2.projectPoints."""

    def through(camera: Intrinsics, xyz: Floats) -> Floats:
        d = np.array(camera.distortion) if len(camera.distortion) else np.zeros(5)
        return np.asarray(cv2.projectPoints(xyz, np.zeros(3), np.zeros(3), camera.matrix, d)[0], float).reshape(-1, 2)

    def pair(rig: StereoRig, xyz: Floats) -> Stereo[Floats]:
        return Stereo(
            through(rig.cameras.left, xyz), through(rig.cameras.right, xyz @ rig.rotation.T + rig.translation)
        )

    return pair
