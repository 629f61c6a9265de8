"""Pictures of a board: where its corners are said to be, there they are."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from stereo3d.calibration.board import Board
from stereo3d.calibration.sizes import rescaled
from stereo3d.synthetic.board import Photographer, Pose
from stereo3d.synthetic.rig import zed2_like

RIG = rescaled(zed2_like(1), (640, 360), 0.5)
BOARD = Board((8, 5), 0.04)
NEAR = Pose(np.eye(3), np.array([-0.12, -0.06, 0.45]))


@pytest.mark.parametrize("bend", [(0.0, 0.0), (0.004, -0.003)])
@pytest.mark.parametrize("tilt", [0.0, 0.5])
def test_corners_are_where_they_are_said_to_be(bend: tuple[float, float], tilt: float) -> None:
    taken = Photographer(RIG, BOARD, bend=bend, noise=0.5)
    turn, _ = cv2.Rodrigues(np.array([tilt, -tilt, 0.1]))
    pose = Pose(np.asarray(turn, float), np.array([-0.12, -0.06, 0.5]))
    for image, true in zip(taken.pair(pose), taken.corners(pose), strict=True):
        found = true[:, None].astype(np.float32)
        cv2.cornerSubPix(np.ascontiguousarray(image[..., 0]), found, (3, 3), (-1, -1), (3, 50, 1e-4))
        away = found[:, 0] - true
        assert np.sqrt((away**2).sum(-1).mean()) < 0.12 and np.abs(away.mean(0)).max() < 0.05


def test_a_bend_moves_the_middle_and_not_the_ends() -> None:
    flat, bent = (Photographer(RIG, BOARD, bend=b).corners(NEAR).left for b in ((0.0, 0.0), (0.01, 0.0)))
    moved = np.linalg.norm(bent - flat, axis=1).reshape(4, 7)
    assert moved[:, [0, -1]].max() < 1e-9 and moved[:, 1:-1].min() > 0.1


def test_the_same_seed_gives_the_same_pictures() -> None:
    taken = Photographer(RIG, BOARD)
    first, again, other = (taken.pair(NEAR, seed=s) for s in (3, 3, 4))
    assert first == again and first != other
    assert first.left.shape == (360, 640, 3) and first.left.dtype == np.uint8
    assert not np.array_equal(first.left, first.right)


def test_motion_smears_along_itself() -> None:
    taken = Photographer(RIG, BOARD, noise=0.0)
    still, moved = (taken.pair(NEAR, motion=(m, 0, 0)).left[..., 0].astype(float) for m in (0.0, 0.01))
    across, down = (np.abs(np.diff(p, axis=a)).max() for p, a in ((moved, 1), (moved, 0)))
    assert across < 0.6 * np.abs(np.diff(still, axis=1)).max()
    assert down > 0.8 * np.abs(np.diff(still, axis=0)).max()


def test_poses_show_the_whole_board_to_both_eyes() -> None:
    taken = Photographer(RIG, BOARD)
    poses = taken.poses(15, seed=2, depth=(0.3, 0.8))
    assert len(poses) == 15
    for pose in poses:
        seen = np.stack(list(taken.corners(pose)))
        assert (seen > 8).all() and (seen < np.array([640, 360]) - 9).all()
        assert 0.2 < pose.place[2] < 1.0
    assert np.ptp([p.place[2] for p in poses]) > 0.2


def test_the_board_is_seen_bright_and_dark_before_a_grey_wall() -> None:
    picture = Photographer(RIG, BOARD, noise=0.0).pair(NEAR).left[..., 0]
    assert picture.max() > 200 and picture.min() < 70 and 80 < picture[2, 2] < 170
