"""A left and a right of anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from stereo3d.values import Value

T = TypeVar("T")
U = TypeVar("U")
Side = Literal["left", "right"]
SIDES: tuple[Side, Side] = ("left", "right")


@dataclass(frozen=True, slots=True, eq=False)
class Stereo(Value, Generic[T]):
    """The left and the right one of two things that belong together."""

    left: T
    right: T

    def __iter__(self) -> Iterator[T]:
        yield self.left
        yield self.right

    def __getitem__(self, side: Side) -> T:
        return self.left if side == "left" else self.right

    def map(self, function: Callable[..., U], *others: Stereo[Any]) -> Stereo[U]:
        """function(left, ...) and function(right, ...) as a Stereo; `others` give further arguments."""
        return Stereo(
            function(self.left, *(o.left for o in others)), function(self.right, *(o.right for o in others))
        )
