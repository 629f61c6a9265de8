"""Joint angles: limits, rest, order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stereo3d.errors import InvalidValue
from stereo3d.synthetic.posture import ANGLES, ARM, HEAD, LEG, LIMB, TRUNK, Angles, limits, rest


def test_angles_come_back_in_their_order() -> None:
    """Each of the 25 stands where its name says, and splitting and joining is the identity."""
    numbered = np.arange(50.0).reshape(2, 25)
    angles = Angles.split(numbered)
    assert np.array_equal(angles.joined(), numbered)
    names = list(ANGLES)
    assert angles.trunk[0, 1] == names.index("trunk_yaw")
    assert angles.head[0, 0] == names.index("head_turn")
    assert angles.arms[0, 1, LIMB.index("hinge")] == names.index("right_arm_hinge")
    assert angles.legs[0, 0, LIMB.index("rotation")] == names.index("left_leg_rotation")


def test_the_tables_speak_of_the_same_angles() -> None:
    assert tuple(ARM) == tuple(LEG) == LIMB
    assert len(ANGLES) == 25 == len(set(ANGLES))


@pytest.mark.parametrize(
    ("angle", "low", "high"),
    [(ARM["hinge"], 0, 159), (LEG["hinge"], 3, 150), (ARM["end"], -75, 90), (ARM["elevation"], -60, 175),
     (ARM["azimuth"], -30, 160), (ARM["rotation"], -80, 100), (LEG["rotation"], -60, 90), (LEG["azimuth"], -20, 90),
     (LEG["elevation"], -20, 140), (HEAD["turn"], -111, 111), (HEAD["nod"], -50, 70), (HEAD["tilt"], -70, 70)],
)
def test_limits_lie_within_an_infants_range_of_motion(angle: tuple[float, ...], low: float, high: float) -> None:
    """Passive ranges of newborns (Coon 1975, Broughton 1993, Waugh 1983) and of MIMo's model for the neck."""
    assert low <= angle[0] < angle[1] <= high


@given(weeks=st.floats(27, 64), seed=st.integers(0, 10_000))
@settings(max_examples=60)
def test_rest_lies_well_within_the_limits(weeks: float, seed: int) -> None:
    low, high = limits()
    drawn = rest(weeks, seed=seed)
    assert np.all(drawn > low + 0.1 * (high - low)) and np.all(drawn < high - 0.1 * (high - low))


def test_tone_comes_with_age() -> None:
    """Legs and arms rest more bent at term than at 30 weeks, and the head lies to the right (Gardner 1977)."""
    young, term = (np.mean([rest(w, seed=s) for s in range(200)], 0) for w in (30, 40))
    for name in ("left_leg_hinge", "right_leg_hinge", "left_arm_hinge", "right_leg_elevation"):
        assert np.degrees(term - young)[list(ANGLES).index(name)] > 15
    turned = [rest(40, seed=s)[list(ANGLES).index("head_turn")] < 0 for s in range(200)]
    assert 0.7 < np.mean(turned) < 0.98


def test_infants_rest_differently_and_each_the_same_way() -> None:
    assert np.array_equal(rest(36, seed=1), rest(36, seed=1))
    spread = np.degrees(np.std([rest(36, seed=s) for s in range(100)], 0))
    wanted = [r.spread for r in (*TRUNK.values(), *HEAD.values())]
    assert spread[:5] == pytest.approx(wanted, rel=0.35)


def test_angles_of_the_wrong_shape_are_refused() -> None:
    with pytest.raises(InvalidValue, match=r"arms: expected shape \(3, 2, 5\), got \(3, 5\)"):
        Angles(np.zeros((3, 2)), np.zeros((3, 3)), np.zeros((3, 5)), np.zeros((3, 2, 5)))
