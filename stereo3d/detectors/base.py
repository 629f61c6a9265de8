"""What a detector is, and `build`, which makes one by name.

A plug-in of the group `stereo3d.detectors` is a factory whose result finds joints in crops (Detector) or knows them
beforehand (Replayer). A detector may do without `crop`; it then gets squares of 384 px. It may bring a quicker form of
itself as `glance`.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from stereo3d import plugins
from stereo3d.calibration.rectify import Rectifier
from stereo3d.detectors.bundled import bundled
from stereo3d.detectors.crops import CropRule
from stereo3d.errors import MissingWeights, UsageError, unknown_name
from stereo3d.models.shelf import located
from stereo3d.poses import Detections, Poses2D
from stereo3d.skeleton import Skeleton
from stereo3d.stereo import Stereo
from stereo3d.values import Bytes

PLAIN_CROP = CropRule((384, 384), 1.25, "letterbox")
"""What a detector gets that does not say how it wants its pictures."""


@runtime_checkable
class Detector(Protocol):
    """Finds the joints of one person in each picture."""

    @property
    def skeleton(self) -> Skeleton:
        """The joints it gives."""

    @property
    def crop(self) -> CropRule:
        """How its pictures are to be cut out."""

    def __call__(self, images: Bytes) -> Detections:
        """The joints in px of each of N pictures (N, h, w, 3), RGB, of `crop.size` (w, h)."""


@runtime_checkable
class Replayer(Protocol):
    """Knows the joints of a recording beforehand and looks at no picture."""

    @property
    def skeleton(self) -> Skeleton:
        """The joints it gives."""

    def joints_at(self, frames: range, rectifier: Rectifier) -> Stereo[Poses2D]:
        """The joints of these frames in px of `rectifier.camera`; NaN where nothing is known of a frame."""


class _Plain:
    """A detector that does not say how it wants its pictures, with the plain crop."""

    crop = PLAIN_CROP

    def __init__(self, detector: Any) -> None:
        self.skeleton: Skeleton = detector.skeleton
        self._detector: Callable[[Bytes], Detections] = detector

    def __call__(self, images: Bytes) -> Detections:
        return self._detector(images)


def glance(detector: Detector) -> Detector:
    """A quicker, rougher form of the detector for finding the infant, where it brings one as `.glance`; else itself."""
    rough: Detector = getattr(detector, "glance", detector)
    return rough


def tuned(detector: Detector | Replayer, pictures: Callable[[Detector], Bytes]) -> Detector | Replayer:
    """The detector as it runs best on this machine.

    One that wants to look at some pictures before has `.tune`, from crops (N, h, w, 3) to a detector; it is given those
    that `pictures` makes. Any other stays as it is.
    """
    tune: Callable[[Bytes], Detector] | None = getattr(detector, "tune", None)
    return detector if tune is None or not isinstance(detector, Detector) else tune(pictures(detector))


def build(name: str, weights: str | os.PathLike[str] | None = None, **options: Any) -> Detector | Replayer:
    """The detector of that name, with its weights (a file, or the name of some on the shelf) and options.

    Without weights it takes those in the box, where there are any for it (detectors.bundled). Raises UsageError for an
    unknown name, an option that it does not take (the nearest one is named) or one that it needs, MissingPackage and
    MissingWeights where something is not on this machine; nothing is ever fetched.
    """
    make = plugins.factory(plugins.DETECTORS, name)
    weights = bundled(name) if weights is None else weights
    given = options if weights is None else {"weights": located(weights), **options}
    _check_options(name, make, given)
    detector = make(**given)
    if isinstance(detector, (Detector, Replayer)):
        return detector
    if callable(detector) and isinstance(getattr(detector, "skeleton", None), Skeleton):
        return _Plain(detector)
    kind = type(detector).__name__
    raise UsageError(f"detector {name!r}: expected something to call that has a skeleton, got {kind}")


def _check_options(name: str, make: Callable[..., Any], given: dict[str, Any]) -> None:
    parameters = inspect.signature(make).parameters
    named = {n: p for n, p in parameters.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    unknown = [option for option in given if option not in named]
    if unknown and not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        raise unknown_name(f"option of detector {name!r}", unknown[0], named)
    needed = [n for n, p in named.items() if p.default is p.empty and n not in given]
    if needed:
        raise UsageError(f"detector {name!r}: expected its option {needed[0]!r}, got {', '.join(given) or 'none'}")


def missing_weights(name: str, what: str, source: str) -> MissingWeights:
    """The error for a detector without its weights: `what` file it needs, and the address `source` to get it from."""
    return MissingWeights(
        f"detector {name!r} needs weights, and none were given: {what}; fetch it yourself from {source} and give "
        "it as --weights FILE, or see `stereo3d weights list` (nothing is downloaded unasked)"
    )
