"""What the smoother is given: windows of the evidence, each frame once, and how noisy it is."""

from __future__ import annotations

import numpy as np
from clips import MIXED, clip_of, edited, matched

from stereo3d.refinement.constant import noises_of
from stereo3d.refinement.sensors import scaled, stretches, usual_step, view
from stereo3d.refinement.windows import side_by_side


def test_each_frame_is_seen_once_and_windows_of_a_steady_clock_are_alike() -> None:
    found = clip_of(MIXED, 50, 3.0).evidence
    cut = side_by_side(np.arange(90), 23)
    given = view(found, noises_of(found), cut, stretches(found))
    (seen, white, slow, memory, stretch) = given.sensors[0]
    assert seen.shape == white.shape == slow.shape == (1, 23, 4, 3, 17) and stretch.shape == (3, 17) and len(memory) == 1
    assert np.isfinite(seen).sum() == np.isfinite(found.place).sum(), "the last frame fills the last window unseen"
    assert np.isnan(seen[0, -2:, -1]).all() and np.isfinite(white).all() and (white > 0).all()
    np.testing.assert_allclose(given.step, usual_step(found), rtol=1e-6)


def test_steps_are_those_of_the_clock_from_one_window_to_the_next_and_breaks_are_bounded() -> None:
    found = clip_of(MIXED, 50, 3.0).evidence
    time = found.time + 0.01 * (np.arange(90) >= 10) + 60.0 * (np.arange(90) >= 45)
    given = view(edited(found, time=time), noises_of(found), side_by_side(np.arange(90), 45), stretches(found))
    assert given.step[9, 0] - given.step[8, 0] == np.float64(time[10] - time[9]) - np.float64(time[9] - time[8])
    assert given.step[-1, 0] == 2.0, "to the next window's first frame, but no longer than that"
    assert given.step[-1, 1] == given.usual, "nothing follows"


def test_the_match_is_a_second_sensor_of_the_disparity_and_keeps_its_own_noise() -> None:
    found = matched(clip_of(MIXED, 50, 3.0))
    hidden = np.array(found.hidden)
    hidden[:, 9], hidden[:, 10] = 0.3, 0.2
    found = edited(found, hidden=hidden)
    across, depth = (given := view(found, noises_of(found), np.arange(90)[:, None], stretches(found))).sensors
    assert across.seen.shape == (1, 90, 1, 2, 17) and depth.seen.shape == (2, 90, 1, 1, 17)
    assert np.isnan(depth.seen[1, ..., 9]).all() and np.isfinite(depth.seen[0, ..., 9]).any(), "it may see an occluder"
    doubt = depth.slow[1, ..., 10] - depth.slow[1, ..., 11]
    np.testing.assert_allclose(np.sqrt(doubt[np.isfinite(depth.seen[1, ..., 10])]), 2 * np.sqrt(0.2), rtol=0.2)
    scale = np.arange(1.0, 4.0)[:, None] * np.ones(17)
    wide = scaled(given, scale).sensors
    np.testing.assert_allclose(wide[0].white / across.white, np.broadcast_to(scale[:2], across.white.shape))
    np.testing.assert_allclose(wide[1].slow[0], 3 * depth.slow[0])
    np.testing.assert_array_equal(wide[1].white[1], depth.white[1])


def test_a_metre_makes_as_many_px_as_the_cameras_say() -> None:
    found = clip_of(MIXED, 50, 3.0).evidence
    camera = found.camera
    d = np.nanmedian(found.place[..., 2], 0)
    xc, v, depth = np.sqrt(stretches(found))
    np.testing.assert_allclose(xc, d / camera.baseline)
    np.testing.assert_array_equal(xc, v)
    np.testing.assert_allclose(depth, d**2 / (camera.baseline * camera.focal))
