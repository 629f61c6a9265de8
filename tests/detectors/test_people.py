"""Which of several people is the infant, and who else counts as seen."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.detectors.people import People, infant_first, others, ranked

SIZE = (200, 200)
BODY = np.array([[0, -1], [-0.6, -0.4], [0.6, -0.4], [-0.4, 0.5], [0.4, 0.5], [-0.3, 1], [0.3, 1]])


def crowd(*persons: tuple[float, float, float, float]) -> People:
    """People of (x, y, half height, score) each."""
    xy = np.array([BODY * half + (x, y) for x, y, half, _ in persons]).reshape(-1, 7, 2)
    score = np.array([np.full(7, s) for *_, s in persons]).reshape(-1, 7)
    return People(xy, score, np.full(score.shape, 1.5))


@pytest.mark.parametrize(("infant", "other"), [
    pytest.param((100, 100, 70, 0.8), (30, 30, 25, 0.9), id="larger and central, though less sure"),
    pytest.param((100, 100, 60, 0.8), (190, 100, 65, 0.8), id="central"),
    pytest.param((100, 100, 70, 0.8), (100, 100, 20, 0.8), id="larger"),
    pytest.param((100, 100, 60, 0.8), (110, 100, 60, 0.1), id="surer"),
])
def test_the_infant_is_large_central_and_sure(
    infant: tuple[float, float, float, float], other: tuple[float, float, float, float]
) -> None:
    assert ranked(crowd(infant, other), SIZE).tolist() == [0, 1]
    assert ranked(crowd(other, infant), SIZE).tolist() == [1, 0]
    np.testing.assert_array_equal(infant_first(crowd(other, infant), SIZE).xy, crowd(infant, other).xy)


def test_size_is_measured_by_the_joints_that_are_seen() -> None:
    people = crowd((60, 100, 40, 0.8), (140, 100, 40, 0.8))
    people.xy[1, 0], people.score[1, 0] = (-500, -500), 0.01
    people.xy[1, 1] = np.nan
    np.testing.assert_array_equal(ranked(people, SIZE), [0, 1])


def test_nobody() -> None:
    nobody = People.none(7)
    assert len(ranked(nobody, SIZE)) == 0 and len(infant_first(nobody, SIZE).xy) == 0 and others(nobody) == 0


def test_someone_without_a_joint_comes_last() -> None:
    people = crowd((20, 20, 10, 0.3), (100, 100, 70, 0.9))
    people.xy[1] = np.nan
    assert ranked(people, SIZE).tolist() == [0, 1] and np.isnan(infant_first(people, SIZE).xy[1]).all()


def test_others_are_counted_by_what_is_seen_of_them() -> None:
    people = crowd((100, 100, 70, 0.8), (20, 20, 20, 0.6), (180, 20, 20, 0.11), (20, 180, 20, 0.6))
    assert others(people) == 2
    people.xy[1, 2:] = np.nan
    assert others(people) == 1
    people.score[3, 2:] = 0.05
    assert others(people) == 0


def test_a_crowd_moves_as_one() -> None:
    people = crowd((10, 20, 5, 0.5), (1, 2, 3, 0.4))
    moved = people.moved(np.array([[2.0, 0, 7], [0, 2, -3]]), 2)
    np.testing.assert_allclose(moved.xy, people.xy * 2 + (7, -3))
    np.testing.assert_array_equal(moved.sigma, 3.0)
    assert moved.score is people.score
