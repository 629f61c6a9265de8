"""Bodies: growth, proportions, girths, faces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stereo3d.errors import InvalidValue
from stereo3d.synthetic.body import AXIAL, RATIOS, age_of, growth, infant_body

WEEKS = st.floats(27, 64)


@pytest.mark.parametrize(
    ("weeks", "length", "mass", "head"),
    [(32, 40.5, 1.52, 29.3), (34, 43.3, 1.94, 30.9), (36, 45.8, 2.38, 32.3), (38, 48.1, 2.83, 33.5),
     (40, 50.1, 3.28, 34.6), (44, 53.7, 4.15, 36.6)],
)
def test_growth_is_that_of_intergrowth_21st(weeks: float, length: float, mass: float, head: float) -> None:
    """Villar 2015, both sexes averaged: cm, kg, cm."""
    got = growth(weeks)
    assert (got[0] * 100, got[1], got[2] * 100) == pytest.approx((length, mass, head), rel=5e-3)


@pytest.mark.parametrize(("weeks", "length"), [(57, 0.63), (48.7, 0.578)])
def test_growth_meets_who_after_term(weeks: float, length: float) -> None:
    assert growth(weeks)[0] == pytest.approx(length, rel=0.03)


@given(WEEKS)
def test_the_age_of_a_median_length_is_the_age(weeks: float) -> None:
    assert age_of(growth(weeks)[0]) == pytest.approx(weeks, abs=0.05)


@given(weeks=WEEKS, seed=st.integers(0, 10_000))
@settings(max_examples=50)
def test_segments_along_the_body_add_up_to_its_length_and_keep_near_their_ratios(weeks: float, seed: int) -> None:
    body = infant_body(weeks, seed=seed)
    segments = {n: getattr(body, n) / body.length for n in RATIOS}
    assert sum(list(segments.values())[:AXIAL]) == pytest.approx(1, abs=1e-12)
    # 4 % of its own, and what adding up to the length takes
    assert all(abs(segments[n] / RATIOS[n] - 1) < 0.081 for n in RATIOS)


@given(length=st.floats(0.38, 0.65), seed=st.integers(0, 100))
@settings(max_examples=20)
def test_a_length_that_is_asked_for_is_kept_and_has_a_fitting_age(length: float, seed: int) -> None:
    body = infant_body(length=length, seed=seed)
    assert body.length == length
    assert growth(body.weeks)[0] == pytest.approx(length, abs=2e-3)


def test_same_seed_same_infant_another_seed_another() -> None:
    assert infant_body(36, seed=4) == infant_body(36, seed=4)
    assert infant_body(36, seed=4) != infant_body(36, seed=5)
    assert infant_body(seed=4) == infant_body(40, seed=4)


def test_infants_of_one_age_vary_as_measured() -> None:
    """Length by 4 %, as INTERGROWTH-21st's standard deviation of 1.9 cm at term."""
    lengths = [infant_body(40, seed=s).length for s in range(400)]
    assert np.std(lengths) == pytest.approx(0.019, abs=0.003)
    assert np.mean(lengths) == pytest.approx(0.501, abs=0.004)


@pytest.mark.parametrize(
    ("place", "girth"),
    [("upper_arm", 10.1), ("calf", 10.9), ("chest", 32.1), ("abdomen", 30.1), ("thigh", 15.0)],
)
def test_girths_at_term_are_those_of_newborns(place: str, girth: float) -> None:
    """Aden's 1000 newborns (arm, calf, chest, abdomen); Snyder's thigh, brought to term."""
    cm = [200 * np.pi * infant_body(40, seed=s).radius(place) for s in range(60)]
    assert np.mean(cm) == pytest.approx(girth, rel=0.08)


def test_a_head_has_its_proportions() -> None:
    """Term: biparietal 9.5 cm, occipitofrontal 11.5 cm, eyes 4 cm apart (INTERGROWTH-21st)."""
    heads = [infant_body(40, seed=s) for s in range(60)]
    width, height, length = 200 * np.mean([b.head_axes for b in heads], 0)
    assert (width, height, length) == pytest.approx((9.4, 11.8, 12.0), abs=0.4)
    apart = [100 * np.linalg.norm(b.face[1] - b.face[2]) for b in heads]
    assert np.mean(apart) == pytest.approx(4.1, abs=0.3)


def test_a_face_looks_along_z_with_its_left_on_x() -> None:
    nose, left_eye, right_eye, left_ear, right_ear = infant_body(36, seed=0).face
    assert left_eye[0] > 0 > right_eye[0]
    assert left_ear[0] > left_eye[0] and right_ear[0] < right_eye[0]
    assert nose[0] == 0 and nose[2] > left_eye[2] > left_ear[2]
    assert nose[1] < left_eye[1]
    mirrored = np.array([-1, 1, 1])
    assert np.array_equal(left_eye, right_eye * mirrored) and np.array_equal(left_ear, right_ear * mirrored)


def test_eyes_and_ears_lie_at_the_skin() -> None:
    """Eyes within 8 mm of the head's ellipsoid; ear canals inside it."""
    body = infant_body(40, seed=3)
    out = np.linalg.norm(body.face / body.head_axes, axis=1)
    assert np.all(np.abs(out[1:3] - 1) * body.head_axes[2] < 0.008)
    assert np.all(out[3:] < 1)


@pytest.mark.parametrize("weeks", [24, 65, np.nan])
def test_ages_beyond_the_curves_are_refused(weeks: float) -> None:
    with pytest.raises(InvalidValue, match="weeks: expected a number from 25 to 64"):
        infant_body(weeks)


def test_lengths_of_no_infant_are_refused() -> None:
    with pytest.raises(InvalidValue, match="length: expected a number from 0.3 to 0.75, got 50"):
        infant_body(length=50)
