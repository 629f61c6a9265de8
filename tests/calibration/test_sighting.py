"""The board in many pairs: what is kept, what is left out, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_boards import BOARD, SIZE, photographer, pictures, small_rig

from stereo3d.calibration.board import Board
from stereo3d.calibration.sighting import Sight, find_views, stillest
from stereo3d.errors import CalibrationError
from stereo3d.stereo import Stereo
from stereo3d.synthetic.board import Photographer
from stereo3d.values import Bytes

BLANK = np.full((SIZE[1], SIZE[0], 3), 100, np.uint8)
Pairs = list[tuple[int, Stereo[Bytes]]]


def given(n: int = 6) -> Pairs:
    return [(10 + i, pair) for i, (pair, _) in enumerate(pictures()[:n])]


def test_every_pair_with_the_board_is_a_view() -> None:
    told: list[Sight] = []
    views = find_views(given(), BOARD, on_sight=told.append)
    assert len(views) == 6 and views.looked_at == 6 and not views.left_out
    assert views.frame.tolist() == [s.frame for s in told] == list(range(10, 16))
    assert views.size == SIZE and views.board == BOARD
    for xy, (_, pose) in zip(views.xy, pictures(), strict=False):
        assert np.abs(xy - np.stack(list(photographer().corners(pose)))).max() < 0.3
    assert ((views.blur > 0.4) & (views.blur < 1.5)).all()


def test_pairs_without_the_board_are_named() -> None:
    pairs = [*given(3), (20, Stereo(BLANK, BLANK)), (21, replace(given(1)[0][1], right=BLANK))]
    views = find_views(pairs, BOARD)
    assert [str(o) for o in views.left_out] == ["pair 20: no board is found", "pair 21 right: the board is not found"]
    assert views.looked_at == 5 and all(o.harmless for o in views.left_out)


def test_a_blurred_view_is_left_out_by_name() -> None:
    _, pose = pictures()[0]
    smeared = photographer().pair(pose, motion=(0.008, 0.004, 0.0), seed=9)
    views = find_views([*given(), (30, smeared)], BOARD)
    assert 30 not in views.frame
    assert [o.frame for o in views.left_out] == [30] and "blurred" in views.left_out[0].reason


@pytest.mark.parametrize("board", [replace(BOARD, inverted=True), Board((7, 6), 0.05, 0.037, "DICT_4X4_50", legacy=True)])
def test_a_board_printed_otherwise_is_recognised(board: Board) -> None:
    taken = Photographer(small_rig(), board)
    pairs = [(i, taken.pair(p, seed=i)) for i, p in enumerate(taken.poses(3, seed=3, depth=(0.4, 0.5), tilt=0.3))]
    views = find_views(pairs, replace(board, inverted=False, legacy=False))
    assert views.board == board and len(views) == 3


def test_alike_boards_are_in_one_order_in_both_eyes() -> None:
    board = Board((8, 8), 0.03)
    taken = Photographer(small_rig(), board)
    pairs = [(i, taken.pair(p, seed=i)) for i, p in enumerate(taken.poses(4, seed=5, depth=(0.35, 0.5), tilt=0.4))]
    views = find_views(pairs, board)
    rows = views.xy[:, 0, :, 1] - views.xy[:, 1, :, 1]
    assert len(views) == 4 and np.abs(rows).max() < 20, "the cameras stand level, so rows nearly agree"


@pytest.mark.parametrize("pairs, board, sentence", [
    ([], BOARD, "there are no pairs of pictures"),
    ([(0, Stereo(BLANK, BLANK))] * 3, BOARD, r"none of 3 pairs shows a chessboard of 10 x 7 .*\(9 x 6 inner corners\)"),
    (None, Board((12, 9), 0.03), "of the pictures look like 9 x 6 inner corners: check that the board file"),
    (None, Board((9, 6), 0.04, 0.03, "DICT_5X5_100"), "none of 3 pairs shows a ChArUco board"),
])
def test_without_a_board_the_sentence_says_what_to_check(pairs: Pairs | None, board: Board, sentence: str) -> None:
    with pytest.raises(CalibrationError, match=sentence):
        find_views(given(3) if pairs is None else pairs, board)


def test_one_blind_eye_is_named() -> None:
    with pytest.raises(CalibrationError, match="6 times right picture: the board is not found"):
        find_views([(i, replace(pair, right=BLANK)) for i, pair in given()], BOARD)


def test_pictures_of_another_size_are_refused() -> None:
    half = Stereo(BLANK[::2, ::2].copy(), BLANK[::2, ::2].copy())
    with pytest.raises(CalibrationError, match="pair 99: expected pictures of 640x360 px as before, got a left one of 320x180"):
        find_views([*given(2), (99, half)], BOARD)


def film(frames: int = 12) -> Pairs:
    """The board carried across, held still in the second half of every six frames."""
    _, pose = pictures()[0]
    walk = np.repeat(np.cumsum([0, 0, 1, 1, 0, 0] * (frames // 6)), 1)[:frames] * 0.012
    shots = [photographer().pair(pose.moved(np.array([x, 0, 0])), seed=i) for i, x in enumerate(walk)]
    return list(enumerate(shots))


def test_of_a_film_the_stillest_frames_are_taken() -> None:
    found = find_views(film(), BOARD, film=6)
    assert found.looked_at == 2
    assert set(found.frame.tolist()) <= {1, 4, 5, 7, 10, 11}


def test_a_moving_board_is_left_out() -> None:
    views = find_views(film()[1:4], BOARD, film=1)
    assert views.frame.tolist() == [1], "nothing is known of the first frame's motion"
    assert [o.frame for o in views.left_out] == [2, 3]
    assert all("the board moves" in o.reason for o in views.left_out)


def test_the_stillest_of_each_stretch_comes_with_the_frame_before() -> None:
    pairs = [(i, Stereo(np.full((90, 160, 3), level, np.uint8), BLANK)) for i, level in enumerate([0, 50, 51, 90, 90, 120, 125])]
    chosen = list(stillest(iter(pairs), 3))
    assert [index for index, _, _ in chosen] == [2, 4, 6]
    assert [None if before is None else int(before[0, 0, 0]) for _, _, before in chosen] == [50, 90, 120]
