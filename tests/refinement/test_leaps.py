"""Spikes, leaps and frozen joints: found where they were put, and hardly anything else."""

from __future__ import annotations

import numpy as np
import pytest
from clips import MIXED, clip_of, edited, matched, without

from stereo3d.poses import Status
from stereo3d.refinement.motion import without_frozen, without_leaps
from stereo3d.synthetic.noise import DetectorNoise

CALM = DetectorNoise.mixed(1.0, correlation=0.5)


def moved(place: np.ndarray, frames: slice, joint: int, by: float) -> np.ndarray:
    out = np.array(place)
    out[frames, joint] += by
    return out


@pytest.mark.parametrize("noise", [DetectorNoise(white=2.0), CALM, MIXED])
def test_noise_alone_is_hardly_ever_refused(noise: DetectorNoise) -> None:
    found = clip_of(noise, 41, 10.0).evidence
    assert without_leaps(found)[1].mean() < 0.004 and without_frozen(found)[1].mean() < 0.004


def test_a_spike_is_refused_with_its_reason() -> None:
    clip = clip_of(CALM, 41, 10.0)
    out, wrong = without_leaps(edited(matched(clip), place=moved(clip.evidence.place, slice(50, 51), 9, 30)))
    assert wrong[50, 9] and wrong.sum() < 0.004 * wrong.size
    assert np.isnan(out.place[50, 9]).all() and np.isnan(out.sigma[50, 9]).all() and np.isnan(out.matched[50, 9])
    assert Status.JUMP in Status(int(out.status[50, 9])) and np.isfinite(out.place[51, 9]).all()


def test_a_stretch_that_leaps_away_and_back_is_refused_whole() -> None:
    clip = clip_of(CALM, 41, 10.0)
    _, wrong = without_leaps(edited(clip.evidence, place=moved(clip.evidence.place, slice(100, 115), 10, 70)))
    assert wrong[100:115, 10].all() and not wrong[[*range(90, 100), *range(115, 125)], 10].any()


def test_a_track_that_stays_where_it_leapt_is_believed() -> None:
    clip = clip_of(CALM, 41, 10.0)
    _, wrong = without_leaps(edited(clip.evidence, place=moved(clip.evidence.place, slice(150, 300), 10, 70)))
    assert wrong[150:, 10].mean() < 0.05 and wrong[:150, 10].mean() < 0.05


def test_a_startle_is_no_leap() -> None:
    """2 m/s for a tenth of a second, as fast as infants go, with noise of a pixel."""
    clip = clip_of(CALM, 41, 10.0)
    d = float(np.median(clip.place[:, 9, 2]))
    per_frame = 2.0 / 30 * d / clip.evidence.camera.baseline
    ramp = np.clip(np.arange(300) - 150, 0, 3) * per_frame
    place = np.array(clip.evidence.place)
    place[:, 9, 0] += ramp
    _, wrong = without_leaps(edited(clip.evidence, place=place))
    assert not wrong[148:156, 9].any()


def test_a_joint_that_stands_still_while_its_limb_moves_is_frozen() -> None:
    clip = clip_of(CALM, 41, 10.0)
    place = np.array(clip.evidence.place)
    place[60:90, 9] = place[60, 9]
    out, wrong = without_frozen(edited(clip.evidence, place=place))
    assert wrong[62:88, 9].all() and not wrong[:, [7, 10]].any()
    assert Status.FROZEN in Status(int(out.status[70, 9]))


def test_an_infant_at_rest_is_not_frozen() -> None:
    """All joints repeat their places exactly, as a detector does on frames that were copied: nobody moves, none is wrong."""
    clip = clip_of(CALM, 41, 10.0)
    place = np.array(clip.evidence.place)
    place[60:90] = place[60]
    assert not without_frozen(edited(clip.evidence, place=place))[1].any()


def test_few_frames_and_nothing_seen() -> None:
    found = clip_of(CALM, 41, 0.1).evidence
    none = without(found, np.ones(found.score.shape, bool))
    for x in (found, none):
        for check in (without_leaps, without_frozen):
            assert not check(x)[1].any()
