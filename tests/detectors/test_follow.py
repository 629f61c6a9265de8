"""A box for every frame that depends on the frame alone: segments may be cut anywhere."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from dots import Dots, Film, figure

from stereo3d.detectors.follow import SEARCH_EVERY, boxes
from stereo3d.detectors.search import Survey, survey
from stereo3d.values import Floats


def drifting(frame: int, side: str) -> Floats:
    return figure(250 + 0.8 * frame, 220 + 12 * (side == "right"), turn=0.01 * frame)


@pytest.fixture(scope="module")
def seen() -> Survey:
    return survey(Film(95, drifting), Dots())


def test_boxes_follow_the_figure(seen: Survey) -> None:
    found = boxes(Film(95, drifting), Dots(), range(95), seen)
    assert found.shape == (95, 2, 5)
    middle = 250 + 0.8 * np.arange(95)
    assert np.abs(found[:, 0, 0] - middle).max() < 0.8 * 15 + 8
    np.testing.assert_allclose(found[:, 1, 1] - found[:, 0, 1], 12, atol=3)
    np.testing.assert_allclose(found[:, 0, 4], 0.01 * np.arange(95), atol=0.16)


def test_a_second_has_one_box_and_its_size_is_the_largest_of_three(seen: Survey) -> None:
    grows = Film(60, lambda i, side: figure(300, 240, scale=1.3 if 18 < i < 22 else 1.0))
    found = boxes(grows, Dots(), range(60), seen)
    assert len(np.unique(found[16:25, 0], axis=0)) == 1
    height = found[[0, 12, 20, 28, 45], 0, 3]
    np.testing.assert_allclose(height / height[0], [1, 1.3, 1.3, 1.3, 1], rtol=0.03)


@pytest.mark.parametrize("cuts", [[1, 47, 48], list(range(7, 95, 22))])
def test_segments_change_nothing(seen: Survey, cuts: list[int]) -> None:
    whole = boxes(Film(95, drifting), Dots(), range(95), seen)
    ends = [0, *cuts, 95]
    parts = [boxes(Film(95, drifting), Dots(), range(a, b), seen) for a, b in pairwise(ends)]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-9)


def test_a_segment_costs_one_look_a_second(seen: Survey) -> None:
    film = Film(95, drifting)
    boxes(film, Dots(), range(30, 60), seen)
    assert film.read == [20, 30, 40, 50, 60, 70]


def test_every_nth_frame_gets_the_box_it_has_among_all(seen: Survey) -> None:
    whole = boxes(Film(95, drifting), Dots(), range(95), seen)
    np.testing.assert_allclose(boxes(Film(95, drifting), Dots(), range(3, 95, 17), seen), whole[3::17], atol=1e-9)


def moved(frame: int, side: str) -> Floats:
    """Lies elsewhere and the other way round from second 10 on."""
    return figure(180, 150) if frame < 100 else figure(470, 330, turn=np.pi)


def test_an_infant_that_was_laid_elsewhere_is_searched_for() -> None:
    film = Film(160, moved)
    first = Survey(np.tile([180, 157.5, 126, 141.75, 0], (2, 1)), np.ones(2))
    found = boxes(film, Dots(), range(130, 160), first)
    np.testing.assert_allclose(found[:, :, :2], np.broadcast_to([470, 322.5], (30, 2, 2)), atol=6)
    np.testing.assert_allclose(np.abs(found[..., 4]), np.pi, atol=0.1)
    searched = {f for f in film.read if film.read.count(f) > 1}
    assert searched <= {10 * SEARCH_EVERY}, "one search serves all its seconds"


def test_an_infant_that_is_gone_leaves_the_surveys_box(seen: Survey) -> None:
    nothing = Film(30, lambda i, side: np.empty((0, 12, 2)))
    np.testing.assert_allclose(boxes(nothing, Dots(), range(30), seen), np.tile(seen.box, (30, 1, 1)))


def test_a_recording_of_one_frame(seen: Survey) -> None:
    np.testing.assert_allclose(boxes(Film(1, drifting), Dots(), range(1), seen)[0, 0, :2], [250, 227.5], atol=4)
