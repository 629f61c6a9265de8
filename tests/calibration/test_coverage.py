"""What views cover, what is still to be filmed, and which of many are taken."""

from __future__ import annotations

import numpy as np
import pytest
from made_boards import BOARD, views

from stereo3d.calibration.coverage import CELLS, TARGETS, coverage, diverse, outline
from stereo3d.values import Floats

SIZE = (640, 480)
FLAT = BOARD.points[:, :2] - BOARD.points[:, :2].mean(0)


def seen(middle: tuple[float, float] = (320, 240), scale: float = 600.0, lean: float = 0.0) -> Floats:
    """(2, M, 2) px of a board held flat to both eyes, leaning by a shear."""
    xy = FLAT * scale @ np.array([[1, 0], [lean, 1]]) + middle
    return np.stack([xy, xy])


def test_of_nothing_nothing_is_covered() -> None:
    found = coverage(np.zeros((0, 2, 54, 2)), SIZE, BOARD)
    assert found.reached == dict.fromkeys(TARGETS, 0.0)
    assert len(found.hints) == 4 and found.filled == 0


@pytest.mark.parametrize("more, name, least", [
    ([seen((90, 240)), seen((550, 240))], "x", 0.8),
    ([seen((320, 70)), seen((320, 410))], "y", 0.8),
    ([seen(scale=2000.0)], "size", 0.4),
    ([seen(lean=0.7)], "skew", 0.3),
])
def test_what_a_view_adds(more: list[Floats], name: str, least: float) -> None:
    before = coverage(np.array([seen()]), SIZE, BOARD).reached
    after = coverage(np.array([seen(), *more]), SIZE, BOARD).reached
    assert after[name] > max(least, before[name])
    for other in set(TARGETS) - {name, "size", "skew"}:
        assert after[other] == pytest.approx(before[other], abs=0.05)


@pytest.mark.parametrize("middle, word", [((120, 240), "right"), ((520, 240), "left"), ((320, 90), "bottom"), ((320, 400), "top")])
def test_the_hint_names_the_empty_edge(middle: tuple[float, float], word: str) -> None:
    hints = coverage(np.array([seen(middle)]), SIZE, BOARD).hints
    assert f"hold the board nearer to the {word} edge of the picture" in hints


def test_hints_end_when_all_is_covered() -> None:
    many = [seen((90, 70)), seen((550, 410)), seen(scale=2000.0), seen(lean=0.8)]
    found = coverage(np.array(many), SIZE, BOARD)
    assert found.hints == () and all(found.reached[k] >= TARGETS[k] for k in TARGETS)


def test_cells_count_corners_where_they_are() -> None:
    view = seen((90, 70), 300.0)
    view[1] = np.nan
    view[1, :] = seen((600, 440), 300.0)[1]
    found = coverage(view[None], SIZE, BOARD)
    assert found.cells.shape == (2, CELLS[1], CELLS[0]) and found.cells.sum() == 108
    assert found.cells[0, :2, :3].sum() == 54 and found.cells[1, -2:, -2:].sum() == 54
    assert 0 < found.filled < 0.2


def test_the_outline_is_there_when_corners_are_missing() -> None:
    whole = seen(lean=0.3)[0]
    part = whole.copy()
    part[:20] = np.nan
    np.testing.assert_allclose(outline(part, BOARD), outline(whole, BOARD), atol=1e-4)
    np.testing.assert_allclose(outline(whole, BOARD), whole[[0, 8, 53, 45]], atol=1e-4)


def test_few_views_are_all_taken() -> None:
    some, _ = views(12)
    assert diverse(some) == some and diverse(some.only(np.arange(1))) == some.only(np.arange(1))


def test_of_many_views_those_that_differ_are_taken() -> None:
    many, _ = views(30)
    copies = many.only(np.repeat(np.arange(30), 3))
    taken = diverse(copies, most=20)
    assert len(taken) == 20 == len({x.tobytes() for x in taken.xy})
    assert len(taken.left_out) == 70 and all(o.harmless for o in taken.left_out)
    full, part = coverage(many.xy, many.size, BOARD).reached, coverage(taken.xy, many.size, BOARD).reached
    assert all(part[k] > 0.85 * full[k] for k in TARGETS)


def test_a_board_that_stood_still_counts_once() -> None:
    many, _ = views(5)
    still = many.only(np.repeat(np.arange(5), 20))
    assert len(diverse(still)) == 5
