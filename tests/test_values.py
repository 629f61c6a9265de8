"""Values are checked once at the door, frozen, and equal by content."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from stereo3d.errors import InvalidValue
from stereo3d.values import Floats, Value, array, number, same


@dataclass(frozen=True, slots=True, eq=False)
class Thing(Value):
    places: Floats
    name: str = "thing"
    inner: object = None

    def __post_init__(self) -> None:
        self._set(places=array("places", self.places, ("N", 2)))


class TestValue:
    def test_is_equal_by_content_with_unknown_equal_to_unknown(self):
        a, b = Thing([[1, np.nan]]), Thing(np.array([[1.0, np.nan]]))
        assert a == b and not (a != b)  # noqa: SIM202
        assert a != Thing([[1, 2]]) and a != Thing([[1, np.nan]], "other") and a != Thing([[1, np.nan], [0, 0]])
        assert a != [[1, np.nan]] and Thing([[1, 1]], inner=a) == Thing([[1, 1]], inner=b)

    def test_is_no_key(self):
        with pytest.raises(TypeError, match="unhashable"):
            hash(Thing([[1, 2]]))

    def test_cannot_be_changed(self):
        thing = Thing([[1, 2]])
        with pytest.raises(dataclasses.FrozenInstanceError):
            thing.name = "other"
        with pytest.raises(ValueError, match="read-only"):
            thing.places[0] = 3

    def test_does_not_hang_on_what_it_was_made_from(self):
        source = np.ones((1, 2))
        thing = Thing(source)
        source[:] = 5
        assert thing == Thing([[1, 1]])


class TestSame:
    @pytest.mark.parametrize("a, b", [
        (np.array([np.nan, 1]), np.array([np.nan, 1])), (np.array(["a"]), np.array(["a"])), (np.nan, float("nan")),
        ({"a": [1, np.nan]}, {"a": (1, np.nan)}), (None, None), ("a", "a"), (1.5, 1.5), ((), []),
        (np.zeros((0, 3)), np.zeros((0, 3))),
    ])  # fmt: skip
    def test_what_holds_the_same(self, a, b):
        assert same(a, b) and same(b, a)

    @pytest.mark.parametrize("a, b", [
        (np.array([1.0]), np.array([1])), (np.zeros((2, 1)), np.zeros((1, 2))), (np.array([1.0]), [1.0]), (1, 1.0),
        ({"a": 1}, {"b": 1}), ({"a": 1}, {"a": 2}), ([1], [1, 2]), (None, 0), (1.0, np.nan), (True, 1),
        (np.array([np.nan]), np.array([0.0])),
    ])  # fmt: skip
    def test_what_does_not(self, a, b):
        assert not same(a, b) and not same(b, a)


class TestArray:
    @given(arrays(float, array_shapes(min_dims=2, max_dims=2)))
    def test_is_a_read_only_copy(self, x):
        out = array("x", x, ("T", "K"))
        np.testing.assert_array_equal(out, x)
        assert not out.flags.writeable and out.flags.c_contiguous and not np.shares_memory(out, x)

    def test_takes_lists_and_other_numbers(self):
        assert array("x", [[1, 2]], (1, 2)).dtype == np.float64
        assert array("x", np.array([1.0, 2.0]), ("T",), np.int64).dtype == np.int64
        assert array("x", np.asfortranarray(np.ones((2, 3))), (2, 3)).flags.c_contiguous

    @pytest.mark.parametrize("x, shape, message", [
        (np.zeros((5, 17, 2)), (5, 17, 3), r"^xyz: expected shape \(5, 17, 3\), got \(5, 17, 2\)$"),
        (np.zeros(3), ("T", "K"), r"^xyz: expected shape \(T, K\), got \(3,\)$"),
        (np.zeros((3, 1)), (3,), r"^xyz: expected shape \(3,\), got \(3, 1\)$"),
        ([[1], [1, 2]], ("T", 2), "^xyz: expected an array of float64, got list"),
        (["a"], ("T",), "^xyz: expected an array of float64, got list"),
        ([10**400], ("T",), "^xyz: expected an array of float64, got list"),
        (None, ("T",), "^xyz: expected"),
    ])  # fmt: skip
    def test_says_what_it_expected(self, x, shape, message):
        with pytest.raises(InvalidValue, match=message):
            array("xyz", x, shape)


class TestNumber:
    @pytest.mark.parametrize("x, expected", [(3, 3.0), ("0.5", 0.5), (np.float32(0.25), 0.25), (-1e300, -1e300)])
    def test_is_a_float(self, x, expected):
        assert number("x", x) == expected and isinstance(number("x", x), float)

    @given(st.floats(-5, 5))
    def test_is_within_its_bounds(self, x):
        if 0 <= x <= 1:
            assert number("x", x, 0, 1) == x
        else:
            with pytest.raises(InvalidValue, match="x: expected a number from 0 to 1, got "):
                number("x", x, 0, 1)

    @pytest.mark.parametrize("x", [np.nan, np.inf, -np.inf, "a", None, [1, 2], 10**400])
    def test_is_finite_and_a_number(self, x):
        with pytest.raises(InvalidValue, match="^x: expected a number"):
            number("x", x)


def test_whole_numbers_stay_whole() -> None:
    with pytest.raises(InvalidValue, match=r"frame: expected whole numbers, got \[0.5"):
        array("frame", [0.5, 1.0], ("T",), np.int64)
    with pytest.raises(InvalidValue, match="frame"), np.errstate(invalid="ignore"):
        array("frame", [np.nan], ("T",), np.int64)
    assert array("frame", [1.0, 2.0], ("T",), np.int64).dtype == np.int64


def test_what_nobody_can_change_is_not_copied() -> None:
    one = array("x", [1.0, 2.0], ("N",))
    assert array("x", one, ("N",)) is one
    assert array("x", one[:1], ("N",)) is not one
    own = np.array([1.0, 2.0])
    assert array("x", own, ("N",)) is not own
    with pytest.raises(InvalidValue, match="expected shape"):
        array("x", one, ("N", 2))
