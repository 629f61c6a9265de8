"""Joints in space from anywhere: units told apart, cameras turned into each other."""

from __future__ import annotations

import numpy as np
import pytest
from tracks import CAMERA, truth_poses

from stereo3d.errors import InvalidValue, UsageError
from stereo3d.evaluation.points import Points, points_of, scale_of, turned
from stereo3d.poses import Poses3D

POSES = truth_poses()


def rectified(poses: Poses3D) -> Points:
    return Points(poses.xyz, poses.skeleton.joints, "rectified", poses.frame, poses.time)


@pytest.mark.parametrize("times, unit", [(100, "cm"), (1000, "mm")])
def test_another_unit_is_recognised(times: float, unit: str) -> None:
    with pytest.raises(InvalidValue, match=rf"expected metres, got a median \|Z\| of [0-9.]+; if these are {unit}, give"):
        Points(times * POSES.xyz, POSES.skeleton.joints, "left")


def test_the_border_between_the_units() -> None:
    """20 m is far for an infant, 200 of anything are millimetres; the sign does not matter."""
    for z, unit in ((20.1, "cm"), (-199.0, "cm"), (200.0, "mm")):
        with pytest.raises(InvalidValue, match=f"if these are {unit}"):
            Points(np.full((1, 1, 3), z), ("nose",), "left")
    assert len(Points(np.full((3, 1, 3), -20.0), ("nose",), "left")) == 3


def test_either_camera_gives_the_other() -> None:
    held, other = points_of(POSES), rectified(POSES)
    for a, b in ((held, other), (other, held)):
        again = turned(a, b.camera, CAMERA)
        np.testing.assert_allclose(again.xyz, b.xyz, atol=1e-12)
        assert again.camera == b.camera and turned(a, a.camera, CAMERA) is a


def test_units_by_name() -> None:
    assert [scale_of(u) for u in (" MM ", "cm", "Metres", "m")] == [0.001, 0.01, 1.0, 1.0]
    with pytest.raises(InvalidValue, match="units: expected m, cm or mm, got 'ft'"):
        scale_of("ft")
    with pytest.raises(UsageError, match="camera of the joints, left or rectified, got 'world'"):
        Points(POSES.xyz, POSES.skeleton.joints, "world")  # type: ignore[arg-type]
