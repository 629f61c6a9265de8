"""The tables of every number with its standard deviation."""

from __future__ import annotations

import re

import numpy as np
import pytest
from made_boards import views

from stereo3d.calibration.bundle import NAMES
from stereo3d.calibration.parameters import lens_rows, pose_rows
from stereo3d.calibration.quality import Calibration, assess
from stereo3d.calibration.solve import solve
from stereo3d.calibration.uncertainty import sigmas


@pytest.fixture(scope="module")
def full() -> Calibration:
    return assess(solve(views(8, noise=0.2, bend=(0.002, 0.001))[0], lens=5))


def numbers(cell: str) -> list[float]:
    return [float(x) for x in re.findall(r"-?[\d.]+(?:e-?\d+)?", cell)]


def test_every_number_that_was_adjusted_is_told_with_its_sigma(full: Calibration) -> None:
    lens, pose = lens_rows(full), pose_rows(full)
    assert lens[0] == ("lens", "left", "right") and pose[0] == ("right camera", "x", "y", "z")
    told = [cell for row in lens[1:] for cell in row[1:]], [cell for row in pose[1:] for cell in row[1:] if cell]
    assert len(told[0]) == 2 * 9 and len(told[1]) == 8
    stated = sigmas(full.covariance)
    for row in lens[1:]:
        for eye, cell in zip(("left", "right"), row[1:], strict=True):
            value, sigma = numbers(cell)
            name = row[0].split(",")[0]
            assert sigma == pytest.approx(stated[f"{eye} {name}"], rel=0.06)
            exact = full.solution.state.lenses.ravel()[NAMES.index(f"{eye} {name}")]
            assert abs(value - exact) <= sigma
    millimetres = [numbers(cell) for cell in pose[2][1:]]
    np.testing.assert_allclose([m[0] for m in millimetres], 1000 * full.rig.translation, atol=max(m[1] for m in millimetres))


def test_what_was_kept_has_no_sigma_and_a_flat_board_no_bend() -> None:
    seen, rig = views(6, noise=0.2)
    kept = assess(solve(seen, "extrinsics", rig))
    assert all("(as given)" in cell for row in lens_rows(kept)[1:] for cell in row[1:])
    assert [row[0] for row in pose_rows(kept)[1:]] == ["turn, mrad", "translation, mm"]
