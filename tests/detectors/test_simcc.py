"""Joints from two lines each."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.detectors.simcc import Lines, decode_simcc, merge_flipped_lines
from stereo3d.errors import InvalidValue


def line(place: float, length: int, height: float = 1.0) -> np.ndarray:
    return height * np.exp(-((np.arange(length) - place) ** 2) / 8)


def test_places_are_shares_of_a_px() -> None:
    lines = Lines(np.stack([line(25, 80), line(7, 80)])[None], np.stack([line(60, 100), line(99, 100, 0.4)])[None])
    xy, score = decode_simcc(lines, 2)
    np.testing.assert_array_equal(xy, [[[12.5, 30], [3.5, 49.5]]])
    np.testing.assert_allclose(score, [[1, 0.4]])


def test_a_joint_that_is_nowhere_is_unknown() -> None:
    xy, score = decode_simcc(Lines(np.array([[line(3, 8), np.zeros(8)]]), np.array([[-line(3, 8), line(2, 8)]])))
    assert np.isnan(xy).all() and (score == 0).all()


def test_the_mirrored_picture_is_averaged_in() -> None:
    mirror = [1, 0]
    lines = Lines(np.stack([line(10, 40), line(30, 40)])[None], np.stack([line(5, 20), line(9, 20)])[None])
    mirrored = Lines(lines.x[:, mirror, ::-1], lines.y[:, mirror])
    both = merge_flipped_lines(lines, mirrored, mirror)
    np.testing.assert_allclose(both.x, lines.x)
    np.testing.assert_allclose(both.y, lines.y)


@pytest.mark.parametrize("lines", [
    Lines(np.zeros((1, 2, 8)), np.zeros((1, 3, 8))), Lines(np.zeros((2, 8)), np.zeros((2, 8))),
    Lines(np.zeros((1, 2, 0)), np.zeros((1, 2, 8))),
])
def test_lines_that_are_none(lines: Lines) -> None:
    with pytest.raises(InvalidValue, match="lines: expected shapes"):
        decode_simcc(lines)
