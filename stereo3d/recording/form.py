"""How a recording is written: in what quality, and what of it."""

from __future__ import annotations

from dataclasses import dataclass

from stereo3d.recording.base import FramePair
from stereo3d.recording.heads import Heads
from stereo3d.stereo import Stereo
from stereo3d.values import Bytes, Value, number


@dataclass(frozen=True, slots=True, eq=False)
class Form(Value):
    """What `convert` makes of the pictures and of what is known beside them."""

    quality: int | None = 95
    """Of the JPEGs in our layout, 1..100; None stores the pictures without loss."""
    reencode: bool = False
    """Whether pictures that are JPEGs already are made anew in that quality; else they are copied as they are."""
    crf: int = 18
    """Of videos, 0..51: the higher, the more detail is lost."""
    keep_identity: bool = False
    """Whether serial numbers, provenance, the time of day and what a JPEG says beside its picture go along."""
    heads: Heads | None = None
    """Where heads are, which are made unrecognisable then."""

    def __post_init__(self) -> None:
        self._set(crf=int(number("crf", self.crf, 0, 51)))
        if self.quality is not None:
            self._set(quality=int(number("quality", self.quality, 1, 100)))

    @property
    def copies_jpegs(self) -> bool:
        """Whether pictures that are JPEGs already are copied as they are."""
        return not (self.reencode or self.heads or self.quality is None)

    def shown(self, pair: FramePair) -> Stereo[Bytes]:
        """The pictures of a pair as they are to be seen."""
        return self.heads.hidden(pair) if self.heads else pair.images
