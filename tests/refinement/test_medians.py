"""Medians of what is known, beside numpy's."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.refinement.medians import median


@pytest.mark.parametrize("length", [1, 2, 7, 8])
def test_they_are_those_of_numpy(length: int) -> None:
    rng = np.random.default_rng(length)
    x = rng.standard_normal((length, 4, 3))
    x[rng.random(x.shape) < 0.4] = np.nan
    x[0, 0], x[:, 1, 1] = 2.0, np.nan
    found = median(x)
    wanted = [[np.median(c[np.isfinite(c)]) if np.isfinite(c).any() else np.nan for c in row] for row in x.transpose(1, 2, 0)]
    np.testing.assert_allclose(found, wanted)


def test_what_was_never_known_is_what_is_said_otherwise() -> None:
    x = np.array([[1.0, np.nan], [3.0, np.nan]])
    np.testing.assert_array_equal(median(x, 9.0), [2.0, 9.0])
    np.testing.assert_array_equal(median(x, np.array([7.0, 8.0])), [2.0, 8.0])
    np.testing.assert_array_equal(median(np.zeros((0, 2)), 5.0), [5.0, 5.0])
