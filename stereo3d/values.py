"""What every value of the toolkit shares: checked at the door, frozen, equal by content.

Units are law, so names carry none: metres, seconds, pixels, radians; NaN means unknown.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stereo3d.errors import InvalidValue

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]
Scalar = TypeVar("Scalar", bound=np.generic)


V = TypeVar("V", bound="Value")


class Value:
    """Base of the toolkit's frozen dataclasses: two are equal when all their fields are, NaN equal to NaN."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        names = [f.name for f in dataclasses.fields(self)]  # type: ignore[arg-type]
        return all(same(getattr(self, n), getattr(other, n)) for n in names)

    def _set(self, **fields: Any) -> None:
        """Put checked fields in place; for __post_init__ alone."""
        for name, value in fields.items():
            object.__setattr__(self, name, value)


def rows_of(value: V, rows: slice | Ints) -> V:
    """The value with each of its arrays cut to those rows; what is no array stays."""
    held = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}  # type: ignore[arg-type]
    cut: dict[str, Any] = {name: x[rows] for name, x in held.items() if isinstance(x, np.ndarray)}
    return dataclasses.replace(value, **cut)  # type: ignore[type-var]


def same(a: Any, b: Any) -> bool:
    """True when a and b hold the same: arrays by type, shape and content, NaN equal to NaN."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        floats = a.dtype.kind == "f"
        return a.dtype == b.dtype and a.shape == b.shape and bool(np.array_equal(a, b, equal_nan=floats))
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (a != a and b != b)
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (tuple, list)) and isinstance(b, (tuple, list)):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and bool(a == b)


@overload
def array(name: str, x: ArrayLike, shape: tuple[int | str, ...]) -> Floats: ...


@overload
def array(name: str, x: ArrayLike, shape: tuple[int | str, ...], dtype: type[Scalar]) -> NDArray[Scalar]: ...


def array(name: str, x: ArrayLike, shape: tuple[int | str, ...], dtype: Any = np.float64) -> Any:
    """A read-only array of that dtype and shape; a letter in `shape` stands for any length.

    Raises InvalidValue, which names the shape that was expected and the one that came.
    """
    if _settled(x, dtype):
        return _of_shape(name, x, shape)
    try:
        out = np.array(x, dtype=dtype, order="C")
    except (TypeError, ValueError, OverflowError) as error:
        kind = np.dtype(dtype).name
        raise InvalidValue(f"{name}: expected an array of {kind}, got {type(x).__name__} ({error})") from error
    if out.dtype.kind == "i" and not np.array_equal(out, np.asarray(x)):
        raise InvalidValue(f"{name}: expected whole numbers, got {np.asarray(x).ravel()[:5].tolist()}")
    out.flags.writeable = False
    return _of_shape(name, out, shape)


def _settled(x: Any, dtype: Any) -> bool:
    """Whether x is such an array as `array` makes, which nobody can change: then it need not be copied."""
    if type(x) is not np.ndarray or x.dtype != dtype:
        return False
    return x.flags.owndata and x.flags.c_contiguous and not x.flags.writeable


def _of_shape(name: str, out: Any, shape: tuple[int | str, ...]) -> Any:
    fits = len(shape) == out.ndim and all(isinstance(want, str) or want == got for want, got in zip(shape, out.shape))
    if not fits:
        wanted = "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"
        raise InvalidValue(f"{name}: expected shape {wanted}, got {out.shape}")
    return out


def number(name: str, x: float, low: float = -np.inf, high: float = np.inf) -> float:
    """x as a finite float within low..high. Raises InvalidValue."""
    try:
        value = float(x)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidValue(f"{name}: expected a number, got {x!r}") from error
    if not (np.isfinite(value) and low <= value <= high):
        raise InvalidValue(f"{name}: expected a number from {low:g} to {high:g}, got {value:g}")
    return value
