"""What the refinement is told to do: the stage [refine] of the configuration."""

from __future__ import annotations

from dataclasses import dataclass

from stereo3d.errors import unknown_name
from stereo3d.values import Value, number

MODES = ("none", "frame", "clip")
SPEED = 4.0
"""m/s, faster than an infant's limbs: 1-1.5 m/s awake, 2 in a startle."""


@dataclass(frozen=True, slots=True, eq=False)
class Refine(Value):
    """How joints are refined after both views gave them."""

    mode: str = "clip"
    """none: as triangulated. frame: each frame by itself. clip: also from the seconds before and after."""
    pictures: bool = True
    """Whether the pictures are matched about the joints."""
    offsets: str | None = None
    """A file of depths below the skin (`stereo3d refine --fit-offsets` writes one); None: those that ship."""
    gap: float = 0.5
    """s, the longest hole in a joint's track that is filled; 0 fills none."""
    speed: float = SPEED
    """m/s that no joint passes."""
    bones: bool = True
    """Whether bones keep their length."""

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise unknown_name("mode of refinement", str(self.mode), MODES)
        self._set(gap=number("gap", self.gap, 0.0), speed=number("speed", self.speed, 1e-3))
        self._set(pictures=bool(self.pictures), bones=bool(self.bones))
