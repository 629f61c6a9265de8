"""What the border cuts off: guesses of where the whole infant is, and a search that takes the best of them."""

from __future__ import annotations

import numpy as np
import pytest
from dots import CROP, SIZE, figure

from stereo3d.detectors.border import BEYOND, LARGER, SHIFTS, guesses
from stereo3d.detectors.search import CLEARLY, settle
from stereo3d.poses import Detections
from stereo3d.skeleton import BABYPOSE_12
from stereo3d.stereo import Stereo

INSIDE = [300.0, 200, 80, 160, 0.3]


def test_boxes_inside_the_picture_leave_nothing_to_guess() -> None:
    assert np.isnan(guesses(np.array([[INSIDE, INSIDE]]), SIZE)).all()


@pytest.mark.parametrize(("box", "center"), [
    ([620.0, 200, 40, 100, 0.0], [620 + 0.4 * 20, 200]),
    ([20.0, 200, 40, 100, np.pi], [20 - 0.4 * 20, 200]),
    ([300.0, 440, 100, 80, np.pi / 2], [300, 440 + 0.4 * 50]),
    ([30.0, 20, 60, 40, 0.0], [30 - 0.4 * 30, 20 - 0.4 * 20]),
])  # fmt: skip
def test_a_box_at_the_border_is_made_larger_outwards_and_turned_round(box: list[float], center: list[float]) -> None:
    """Its inner edges stay where they are."""
    own = guesses(np.array([[box, INSIDE]]), SIZE)[:2, 0, 0]
    np.testing.assert_allclose(own[:, :2], [center] * 2)
    np.testing.assert_allclose(own[:, 2:4], [[LARGER * box[2], LARGER * box[3]]] * 2)
    np.testing.assert_allclose(own[:, 4] - box[4], [0, np.pi])


def test_where_one_view_is_cut_off_each_is_tried_at_the_place_of_the_other() -> None:
    cut = [620.0, 200, 40, 100, 0.1]
    found = guesses(np.array([[cut, INSIDE]]), SIZE)
    for row, shift in zip(found[-2:, 0], SHIFTS):
        np.testing.assert_allclose(row, [
            [INSIDE[0] + shift * SIZE[0], *INSIDE[1:]], [cut[0] - shift * SIZE[0], *cut[1:]]])
    assert np.isnan(found[:2, 0, 1]).all(), "the view that is not cut off is not made larger"


def test_a_guess_far_outside_is_none() -> None:
    edge = SIZE[0] - 1 + BEYOND * SIZE[0]
    wide, there = guesses(np.array([[[x, 200.0, 40, 100, 0.0]] * 2 for x in (edge - 1, edge - 9)]), SIZE)[0, :, 0]
    assert np.isnan(wide).all() and np.isfinite(there).all()


class Shadow:
    """A detector that likes crops of which a share is black, and finds a figure that fills any."""

    skeleton, crop, likes = BABYPOSE_12, CROP, 0.45

    def __call__(self, images: np.ndarray) -> Detections:
        black = (images == 0).all(-1).mean((1, 2))
        xy = np.broadcast_to(figure(47.5, 59, scale=0.62), (len(images), 12, 2))
        return Detections(xy, np.tile((1 - abs(black - self.likes))[:, None], 12), np.ones(xy.shape[:2]))


def test_of_an_infant_cut_off_by_the_border_the_box_is_of_the_whole() -> None:
    pair = Stereo(*[np.full((480, 640, 3), 200, np.uint8)] * 2)
    start = np.array([[590.0, 240, 90, 120, 0], [300, 240, 90, 120, 0]])
    found = settle(Shadow(), [pair], start)
    right = found.box[0, :, 0] + found.box[0, :, 2] / 2
    assert right[0] > 660 and found.score[0, 0] > 0.9
    plain = 1 - Shadow.likes
    assert right[1] > 640 and found.score[0, 1] > CLEARLY * plain, "the other view's place was better"
    same = settle(Shadow(), [pair], start - [[270.0, 0, 0, 0, 0], [0, 0, 0, 0, 0]])
    np.testing.assert_allclose(same.score, plain)
