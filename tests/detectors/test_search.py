"""The search finds a figure of dots anywhere and any way round, in both views, and does so cheaply."""

from __future__ import annotations

import numpy as np
import pytest
from dots import CROP, SIZE, Dots, Film, figure, picture
from hypothesis import given
from hypothesis import strategies as st

from stereo3d import storage
from stereo3d.detectors.search import MARGIN, Survey, _together, median, search, settle, survey, widened
from stereo3d.errors import InvalidValue
from stereo3d.stereo import Stereo


def box_of(joints: np.ndarray, turn: float) -> np.ndarray:
    """cx, cy, w, h of the figure along its own axes."""
    c, s = np.cos(turn), np.sin(turn)
    own = joints @ np.array([[c, -s], [s, c]])
    middle, size = (own.max(0) + own.min(0)) / 2, np.ptp(own, axis=0)
    return np.array([*middle @ np.array([[c, s], [-s, c]]), *size * MARGIN])


def test_a_joint_far_from_the_others_does_not_widen_the_box() -> None:
    xy = np.random.default_rng(0).normal(0, 50, (3, 17, 2))
    xy[0, 3], xy[1], xy[2, 2:] = 900, np.nan, np.nan
    together = _together(xy)
    assert not together[0, 3] and together[0].sum() == 16 and not together[1].any()
    assert together[2].tolist() == [True, True] + 15 * [False]


@pytest.mark.parametrize(("x", "y", "turn", "scale"), [
    (320, 240, 0.0, 1.0),
    (130, 120, 1.6, 0.9),
    (500, 350, np.pi, 1.0),
    (330, 250, -np.pi / 2, 2.2),
    (200, 300, 2.3, 0.8),
    (450, 200, -0.6, 1.4),
])
def test_a_figure_is_found_and_the_crop_lies_upright_along_it(x: float, y: float, turn: float, scale: float) -> None:
    joints = figure(x, y, turn=turn, scale=scale)
    found = search(Dots(), Stereo(picture(joints), picture(joints + (12, 0))))
    wanted = box_of(joints, turn)
    np.testing.assert_allclose(found.box[0, :4], wanted, atol=0.03 * scale * 140)
    np.testing.assert_allclose(found.box[1, :4], wanted + (12, 0, 0, 0), atol=0.03 * scale * 140)
    assert np.abs(np.exp(1j * found.box[:, 4]) - np.exp(1j * turn)).max() < 0.05
    assert (found.score > 0.9).all()


def test_the_larger_of_two_persons_is_meant() -> None:
    both = np.stack([figure(120, 110, scale=0.75), figure(430, 260, scale=1.3)])
    found = search(Dots(), Stereo(picture(both), picture(both)))
    np.testing.assert_allclose(found.box[:, :2], [[430, 260 + 7.5 * 1.3]] * 2, atol=8)


def test_nothing_to_find_gives_a_box_and_no_score() -> None:
    black = np.zeros((480, 640, 3), np.uint8)
    found = search(Dots(), Stereo(black, black))
    assert np.isfinite(found.box).all() and (found.score == 0).all()


def test_a_survey_takes_the_usual_place_and_one_search_when_the_frames_agree() -> None:
    detector = Dots()
    film = Film(100, lambda i, side: figure(300 + 0.2 * i + 8 * (side == "left"), 250, turn=2.0))
    seen = survey(film, detector)
    np.testing.assert_allclose(seen.box[:, :2].T, [[318, 310], [250, 250]], atol=10)
    np.testing.assert_allclose(seen.box[:, 4], 2.0, atol=0.05)
    assert film.read == [10, 30, 50, 70, 90]
    windows = 200
    assert detector.shown < 2 * windows, "more than one frame was searched"


def test_a_survey_searches_on_where_the_find_does_not_hold() -> None:
    """Only in the middle frame is there something else, at another place."""
    film = Film(50, lambda i, side: figure(480, 130) if i == 25 else figure(180, 320, turn=-1.5))
    seen = survey(film, Dots())
    np.testing.assert_allclose(seen.box[:, :2], [[180 + 7.5 * np.sin(1.5), 320]] * 2, atol=10)


def test_a_survey_of_a_single_frame() -> None:
    assert (survey(Film(1, lambda i, side: figure(300, 200)), Dots()).score > 0.9).all()


def test_a_survey_is_stored_and_read_back(tmp_path: object) -> None:
    seen = Survey(np.arange(10.0).reshape(2, 5), [0.5, np.nan])
    assert storage.read(storage.write(f"{tmp_path}/s.h5", survey=seen), "survey") == seen


def test_a_survey_has_two_rows() -> None:
    with pytest.raises(InvalidValue, match=r"box: expected shape \(2, 5\), got \(5,\)"):
        Survey(np.zeros(5), [1, 1])


def test_settling_keeps_the_box_where_no_joint_is() -> None:
    black = np.zeros((480, 640, 3), np.uint8)
    box = np.array([[100.0, 100, 50, 60, 0.3], [200.0, 150, 70, 60, 1.3]])
    found = settle(Dots(), [Stereo(black, black)] * 3, box)
    np.testing.assert_array_equal(found.box, [box] * 3)


def test_settling_follows_a_figure_that_moved() -> None:
    here, there = figure(300, 240), figure(330, 225, turn=0.3)
    start = np.tile([*box_of(here, 0), 0.0], (2, 1))
    found = settle(Dots(), [Stereo(picture(there), picture(there))], widened(start))
    np.testing.assert_allclose(found.box[0, 0], [*box_of(there, 0.3), 0.3], atol=4)


def test_joints_of_a_skeleton_without_a_trunk_keep_the_angle() -> None:
    detector = Dots()
    detector.skeleton = type(detector.skeleton)("points", tuple("abcdefghijkl"), (), None)
    joints = figure(300, 240)
    start = np.tile([300.0, 240, 150, 150, 0.5], (2, 1))
    found = settle(detector, [Stereo(picture(joints), picture(joints))], start)
    np.testing.assert_array_equal(found.box[0, :, 4], 0.5)
    np.testing.assert_allclose(found.box[0, 0, :4], box_of(joints, 0.5), atol=3)


@given(st.lists(st.floats(-50, 50), min_size=3, max_size=9), st.floats(-1.4, 1.4))
def test_the_median_of_angles_does_not_mind_full_turns(turns: list[float], spread: float) -> None:
    angle = 3.0 + spread * np.linspace(-1, 1, len(turns)) + 2 * np.pi * np.round(turns)
    box = np.zeros((len(turns), 5))
    box[:, 4] = angle
    expected = 3.0 + spread * np.median(np.linspace(-1, 1, len(turns)))
    assert abs(np.exp(1j * median(box)[4]) - np.exp(1j * expected)) < 1e-9


def test_the_median_leaves_out_one_wrong_look() -> None:
    box = np.array([[10, 20, 5, 6, 0.1], [900, 1, 80, 90, 3.2], [12, 22, 7, 8, 0.2]])
    np.testing.assert_allclose(median(box)[:4], [12, 20, 7, 8])
    assert 0.05 < median(box)[4] < 0.25


def test_windows_cover_every_place_of_the_picture_in_four_rotations() -> None:
    from stereo3d.detectors.search import _windows

    windows = _windows(SIZE, Dots())
    assert {round(a, 3) for a in windows[:, 4]} == {0, 1.571, 3.142, 4.712}
    sides = windows[:, 3] * CROP.padding
    smallest = windows[np.isclose(sides, sides.min()) & (windows[:, 4] == 0)]
    places = np.stack(np.meshgrid(np.linspace(30, 610, 40), np.linspace(30, 450, 40)), -1).reshape(-1, 1, 2)
    half = smallest[:, 2:4] * CROP.padding / 2
    assert (np.abs(places - smallest[:, :2]) <= half).all(-1).any(1).all()
