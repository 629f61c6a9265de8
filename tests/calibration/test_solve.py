"""From views to a rig: as sure as it says, and with what spoils it named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_boards import BOARD, drifted, views

from stereo3d.calibration.board import Board
from stereo3d.calibration.compare import compare_rigs
from stereo3d.calibration.solve import LEAST_VIEWS, Mode, solve
from stereo3d.calibration.views import Views
from stereo3d.errors import CalibrationError, UsageError
from stereo3d.values import Floats


def moved(seen: Views, xy: Floats) -> Views:
    return replace(seen, xy=xy)


def test_spoilt_views_and_corners_are_named_and_left_out() -> None:
    seen, rig = views(16, seed=1, noise=0.1)
    xy = seen.xy.copy()
    xy[2] = xy[2, ::-1]
    xy[4, 1] = xy[4, 1, ::-1]
    xy[6, 1] = xy[7, 1]
    xy[8, 0] = np.random.default_rng(0).permutation(xy[8, 0])
    xy[10, 0] += np.random.default_rng(1).normal(size=(54, 2)) * 3
    xy[12, 1, 20] += 4
    found = solve(moved(replace(seen, frame=seen.frame + 100), xy))
    said = {(o.frame, o.side, o.corner): o.reason for o in found.views.left_out}
    assert {frame for frame, _, corner in said if corner is None} == {102, 104, 106, 108, 110}
    assert "are exchanged" in said[102, None, None]
    assert "another order in the right picture" in said[104, "right", None]
    assert "not of one moment" in said[106, None, None]
    assert "not in the order of a flat board" in said[108, "left", None]
    assert "do not fit a flat board" in said[110, "left", None]
    assert (112, "right", 20) in said and np.isnan(found.views.xy[list(found.views.frame).index(112), 1, 20]).all()
    assert len(found.views) == 11 and compare_rigs(rig, found.rig).median < 0.003


def test_a_view_alone_in_a_corner_is_kept() -> None:
    """It is badly foretold by the others, whose lens was not seen there: so it has its own say."""
    seen, rig = views(40, seed=4, noise=0.1)
    middle = np.nanmean(seen.xy[:, 0], axis=1)
    far = np.linalg.norm(middle - np.array(seen.size) / 2, axis=1)
    order = np.argsort(far)
    keep = np.sort(np.append(order[:9], order[-1]))
    found = solve(seen.only(keep))
    assert not [o for o in found.views.left_out if o.corner is None] and len(found.views) == 10


@pytest.mark.parametrize("mode", ["extrinsics", "refine"])
def test_a_factory_calibration_is_a_better_start_than_none(mode: Mode) -> None:
    seen, rig = views(8, seed=2, noise=0.2)
    alone, helped = solve(seen), solve(seen, mode, rig)
    assert compare_rigs(rig, helped.rig).p95 < 0.95 * compare_rigs(rig, alone.rig).p95
    if mode == "extrinsics":
        for ours, theirs in zip(helped.rig.cameras, rig.cameras, strict=True):
            np.testing.assert_array_equal(ours.matrix, theirs.matrix)
        assert compare_rigs(rig, helped.rig).median < 0.001


def test_a_drifted_factory_calibration_is_refined() -> None:
    seen, rig = views(20, seed=3, noise=0.1)
    factory = drifted(rig, 1)
    refined = solve(seen, "refine", factory)
    assert compare_rigs(rig, refined.rig).median < 0.35 * compare_rigs(rig, factory).median
    assert refined.rms < 0.97 * solve(seen, "extrinsics", factory).rms


def test_pictures_the_wrong_way_round_give_a_rig_the_wrong_way_round() -> None:
    seen, rig = views(10, noise=0.1)
    found = solve(moved(seen, seen.xy[:, ::-1]))
    assert found.rig.baseline < 0 and found.rig.baseline == pytest.approx(-rig.baseline, abs=1e-3)


def test_a_board_that_looks_alike_turned() -> None:
    board = Board((8, 8), 0.03)
    seen, rig = views(12, noise=0.1, board=board)
    found = solve(seen)
    assert compare_rigs(rig, found.rig).median < 0.004
    turned = seen.xy.copy()
    turned[5, 1] = turned[5, 1, ::-1]
    assert [o.frame for o in solve(moved(seen, turned)).views.left_out] == [5]


@pytest.mark.parametrize("n", [0, 3, 5])
def test_too_few_views(n: int) -> None:
    seen, _ = views(6)
    with pytest.raises(CalibrationError, match=f"only {n} of 6 pairs can be used.*6 or more that show.*better 15 to 25"):
        solve(seen.only(np.arange(n)))
    assert LEAST_VIEWS["extrinsics"] < LEAST_VIEWS["full"]


def test_views_from_one_angle() -> None:
    seen, _ = views(6)
    same = np.repeat(seen.xy[:1], 8, axis=0) + np.arange(8)[:, None, None, None] * 3
    with pytest.raises(CalibrationError, match="from one angle .* tilted by 20 to 45 degrees"):
        solve(Views(BOARD, seen.size, np.arange(8), same, np.ones((8, 2)), 8))


def test_cameras_out_of_step() -> None:
    seen, _ = views(9, noise=0.1)
    late = np.stack([seen.xy[2:, 0], seen.xy[:-2, 1]], 1)
    shifted = Views(BOARD, seen.size, np.arange(7), late, np.ones((7, 2)), 7)
    with pytest.raises(CalibrationError, match="0 of 7 views agree.*the right pictures seem to be late by 2: pair them"):
        solve(shifted)
    mixed = np.stack([seen.xy[:, 0], seen.xy[np.random.default_rng(5).permutation(9), 1]], 1)
    with pytest.raises(CalibrationError, match="use cameras that are triggered together"):
        solve(moved(seen, mixed))


def test_one_picture_twice() -> None:
    seen, _ = views(8, noise=0.1)
    with pytest.raises(CalibrationError, match="got one picture twice"):
        solve(moved(seen, seen.xy[:, :1].repeat(2, axis=1)))


def test_a_mode_without_its_rig_and_a_rig_of_another_size() -> None:
    seen, rig = views(8)
    with pytest.raises(CalibrationError, match="refine: expected a rig to start from"):
        solve(seen, "refine")
    small = replace(rig, cameras=rig.cameras.map(lambda c: replace(c, size=(640, 360))))
    with pytest.raises(CalibrationError, match="the calibration is for pictures of 640x360 px, these have 1280x720"):
        solve(seen, "extrinsics", small)


def test_the_lens_can_be_asked_for() -> None:
    seen, _ = views(8, noise=0.1)
    found = solve(seen, lens=4)
    assert found.coefficients == 4 and {t.coefficients for t in found.trials} == {4}
    assert not found.state.lenses[:, 8:].any()
    with pytest.raises(UsageError, match="coefficients: expected one of 0, 2, 4, 5, 8 in full mode, got 3"):
        solve(seen, lens=3)
