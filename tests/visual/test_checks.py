"""Checks of the whole recording: each passes on a good one, fails on what it is for, and says when it cannot tell."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from results import changed, part, result

from stereo3d.poses import Poses3D
from stereo3d.skeleton import Skeleton
from stereo3d.visual.page.build import page
from stereo3d.visual.page.checks import check, section
from stereo3d.visual.page.findings import find

_, TRUTH = result(60)
ELBOW, WRIST = (TRUTH.skeleton.index(f"left_{j}") for j in ("elbow", "wrist"))


def outcome(poses: Poses3D) -> dict[str, tuple[bool | None, str]]:
    return {one.name: (one.passed, one.told) for one in check(find(poses))}


def test_a_good_recording_passes_all_but_what_it_does_not_hold() -> None:
    found = outcome(TRUTH)
    assert [passed for passed, _ in found.values()] == [True, True, True, True]
    assert found["Frames."][1] == "None is missing."
    assert outcome(changed(TRUTH, ..., residual=np.nan))["Calibration."] == (None, "No joint was seen in both views.")


@pytest.mark.parametrize(("times", "fits"), [(0.4, False), (0.7, True), (1.5, True), (2.5, False), (1000, False)])
def test_the_limbs_must_fit_an_infant(times: float, fits: bool) -> None:
    passed, told = outcome(changed(TRUTH, ..., xyz=TRUTH.xyz * times))["Size."]
    assert passed is fits and ("no infant, or the wrong calibration" in told) is not fits


def test_the_size_is_that_of_the_simulated_infant() -> None:
    told = outcome(TRUTH)["Size."][1]
    assert 40 <= float(told.split("about ")[1].split(" cm")[0]) <= 65


def test_one_long_forearm_is_told_unless_noise_explains_it() -> None:
    along = TRUTH.xyz[:, WRIST] - TRUTH.xyz[:, ELBOW]
    longer = changed(TRUTH, np.s_[:, WRIST], xyz=TRUTH.xyz[:, ELBOW] + 1.6 * along)
    sure = changed(longer, ..., sigma=0.002)
    passed, told = outcome(sure)["Both sides."]
    assert passed is False and told.startswith("The left forearm measures ")
    assert outcome(changed(longer, ..., sigma=0.2))["Both sides."][0] is True
    assert outcome(changed(TRUTH, np.s_[:, 5::2], xyz=np.nan))["Both sides."][0] is None


@pytest.mark.parametrize(("offset", "noise", "passed"), [(0.9, 0.1, True), (1.2, 0.1, False), (-3, 2, False), (2, 200, True)])
def test_rows_that_are_off_on_average_hint_at_the_calibration(offset: float, noise: float, passed: bool) -> None:
    residual = offset + noise * np.random.default_rng(0).choice([-1.0, 1.0], TRUTH.score.shape)
    found = outcome(changed(TRUTH, ..., residual=residual))["Calibration."]
    assert found[0] is passed and ("may no longer fit" in found[1]) is not passed


def test_missing_frames_are_counted() -> None:
    few = part(TRUTH, np.delete(np.arange(60), [10, 11, 12, 40]))
    assert outcome(few)["Frames."] == (False, "6.7 % are missing; the longest gap is 0.13 s.")
    many = part(TRUTH, np.arange(300) % 60)
    clock = np.delete(np.arange(301), 7)
    long = dataclasses.replace(many, time=clock / 30, frame=clock)
    assert outcome(long)["Frames."] == (True, "0.3 % are missing; the longest gap is 0.07 s.")
    untimed = dataclasses.replace(long, time=np.full(300, np.nan))
    assert outcome(untimed)["Frames."][1] == "0.3 % are missing; the longest gap is 2 frames."


def test_nothing_can_be_told_of_nothing() -> None:
    for poses in (part(TRUTH, slice(0, 0)), changed(part(TRUTH, slice(0, 1)), ..., xyz=np.nan)):
        assert {passed for passed, _ in outcome(poses).values()} == {None}
    dots = dataclasses.replace(TRUTH, skeleton=Skeleton("points", tuple(f"point_{i}" for i in range(17)), (), None))
    assert [outcome(dots)[name][0] for name in ("Size.", "Both sides.")] == [None, None]


def test_a_failed_check_lowers_the_verdict_and_stands_in_it() -> None:
    good, huge = page(TRUTH), page(changed(TRUTH, ..., xyz=TRUTH.xyz * 3))
    assert 'class="verdict good"' in good and 'class="verdict fair"' in huge
    assert "but not as a whole" in huge and huge.index("no infant, or the wrong calibration") < huge.index("Joints placed")


def test_the_list_says_the_outcome_in_words_for_those_who_do_not_see_the_marks() -> None:
    text = section(check(find(changed(TRUTH, ..., residual=5.0))))
    assert text.count("passed: ") == 3 and text.count("failed: ") == 1 and text.count("<li>") == 4
