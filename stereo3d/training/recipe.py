"""What a training run is told: the network, what it learns from, and how.

    [network]
    architecture = "hrnet_w32"
    input_size = [288, 384]
    weights = "hrnet-w32-coco-384x288"      # to go on from: a file or a name on the shelf; else from scratch

    [data]
    train = ["labels/infants.json"]         # COCO's format, or recordings with labels
    rendered = 0                            # or crops of rendered infants, that many

    [training]
    epochs = 15
    rate = 1e-4

AGMA's protocol (Soualmi et al. 2023, 3.2) is the default: Adam at 1e-4 all the way, 15 epochs, scale 0.9 to 1.1,
rotation to 45 degrees either way, no half bodies.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from stereo3d.config import changed
from stereo3d.errors import InvalidValue, unknown_name
from stereo3d.values import Value, array, number

ARCHITECTURES = (
    "hrnet_w16", "hrnet_w32", "hrnet_w48", "higherhrnet_w32", "higherhrnet_w48", "dekr_w32", "dekr_w48")
"""The networks that can be trained."""
Precision = Literal["auto", "bf16", "fp32"]


def _count(name: str, value: int, least: int) -> int:
    if int(value) != value or value < least:
        raise InvalidValue(f"{name}: expected a whole number from {least}, got {value}")
    return int(value)


@dataclass(frozen=True, slots=True, eq=False)
class Network(Value):
    """Which network, and what it begins with."""

    architecture: str = "hrnet_w32"
    """One of ARCHITECTURES."""
    input_size: tuple[int, int] = (288, 384)
    """(w, h) px, multiples of 32."""
    weights: str | None = None
    """A checkpoint to go on from; None: from scratch."""
    skeleton: str = "COCO-17"

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES:
            raise unknown_name("architecture", self.architecture, ARCHITECTURES)
        w, h = array("input_size", self.input_size, (2,), int).tolist()  # type: ignore[type-var]
        if w % 32 or h % 32 or min(w, h) < 32:
            raise InvalidValue(f"input_size: expected multiples of 32 px, got {w} x {h}")
        self._set(input_size=(w, h))


@dataclass(frozen=True, slots=True, eq=False)
class Data(Value):
    """What is learned from, and what it is measured on."""

    train: tuple[str, ...] = ()
    """Annotated pictures: files and folders in any form that datasets.reading reads (docs/training.md)."""
    held_out: tuple[str, ...] = ()
    """The same, of other infants; none: a share of the infants of `train` by `held_out_share`."""
    held_out_share: float = 0.2
    """Of the infants, never of the frames of one."""
    pictures: str | None = None
    """The folder of the pictures, where they lie elsewhere."""
    rendered: int = 0
    """Crops of rendered infants beside them, made once and kept on the disk."""
    rendered_held_out: int = 0
    """Crops of rendered infants that are never trained on."""
    kind: str = "any"
    """What the rendered scenes have in them: synthetic.casting.KINDS."""

    def __post_init__(self) -> None:
        self._set(
            train=tuple(self.train), held_out=tuple(self.held_out),
            held_out_share=number("held_out_share", self.held_out_share, 0, 0.9),
            rendered=_count("rendered", self.rendered, 0),
            rendered_held_out=_count("rendered_held_out", self.rendered_held_out, 0))


@dataclass(frozen=True, slots=True, eq=False)
class Training(Value):
    """How it learns."""

    epochs: int = 15
    batch: int = 16
    """Pictures in a step, of each process."""
    rate: float = 1e-4
    """Adam's learning rate."""
    cosine: bool = False
    """Whether the rate falls to nothing along a cosine, after a warm-up of 2 % of the steps."""
    coarse: float = 0.0
    """Share of the epochs, at first, that see pictures of half the size: a quarter of the work for a rough idea."""
    scale: tuple[float, float] = (0.9, 1.1)
    cut: float = 0.0
    """Share of the pictures that end somewhere within, black beyond, as where an infant lies at a picture's border."""
    rotation: float = 45.0
    """Degrees to either side."""
    upright: float = 0.0
    """Share of the pictures that are first turned head up, as the search turns its last crop."""
    flip: float = 0.5
    """How often a picture is mirrored; left and right joints change places."""
    brightness: float = 0.2
    """How far brightness, contrast and colours vary."""
    recolour: float = 0.0
    """Share of the pictures whose colours change places and pale, half of them to grey: for cameras and lights of which
    there are no pictures."""
    joint_weights: bool = True
    """Elbows and knees count 1.2, wrists and ankles 1.5 (HRNet's joints_weight)."""
    average: float = 0.999
    """How slowly the averaged weights follow (EMA); 0: no average. It is the average that is measured and kept."""
    patience: int = 0
    """Epochs without a better one after which it stops; 0: never."""
    precision: Precision = "auto"
    """auto: bf16 where the machine has it."""
    device: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        low, high = array("scale", self.scale, (2,)).tolist()
        if not 0.1 <= low <= high <= 10:
            raise InvalidValue(f"scale: expected the least and the greatest from 0.1 to 10, got {low:g}, {high:g}")
        if self.precision not in get_args(Precision):
            raise unknown_name("precision", self.precision, get_args(Precision))
        limits = {
            "rate": (1e-9, 1), "coarse": (0, 1), "rotation": (0, 180), "upright": (0, 1), "flip": (0, 1),
            "cut": (0, 1), "brightness": (0, 1), "recolour": (0, 1), "average": (0, 0.999999)}
        self._set(scale=(low, high), **{n: number(n, getattr(self, n), *ends) for n, ends in limits.items()})
        counts = {"epochs": 1, "batch": 1, "patience": 0, "seed": 0}
        self._set(**{n: _count(n, getattr(self, n), least) for n, least in counts.items()})


@dataclass(frozen=True, slots=True, eq=False)
class Recipe(Value):
    """All that a training run is told."""

    network: Network = field(default_factory=Network)
    data: Data = field(default_factory=Data)
    training: Training = field(default_factory=Training)

    def __post_init__(self) -> None:
        w, h = self.network.input_size
        if self.training.coarse and (w % 64 or h % 64):
            raise InvalidValue(f"training.coarse: expected input_size in multiples of 64 px, got {w} x {h}; "
                               "set it to 0 or take another size")


PRESETS: Mapping[str, Recipe] = {
    "finetune": Recipe(),
    "scratch": Recipe(training=Training(
        epochs=60, rate=1e-3, cosine=True, scale=(0.75, 1.25), batch=32)),
    "bundled": Recipe(
        Network("hrnet_w16", (192, 256)), Data(rendered=12_480, rendered_held_out=600),
        Training(epochs=18, rate=2e-3, cosine=True, coarse=0.55, rotation=30, upright=0.75, scale=(0.75, 1.2),
                 recolour=0.5, cut=0.2, batch=16, average=0.9995)),
}
"""finetune: AGMA's protocol; scratch: from nothing; bundled: how the weights in the box are made (`make weights`)."""


def recipe(
    preset: str = "finetune", file: str | os.PathLike[str] | None = None, assignments: Iterable[str] = ()
) -> Recipe:
    """A preset, changed by a TOML file and then by `stage.key=value` each.

    Raises UsageError for an unknown preset, stage or key, InputError for a file that is not TOML, InvalidValue for a
    setting out of range or a recipe with nothing to learn from.
    """
    if preset not in PRESETS:
        raise unknown_name("preset", preset, PRESETS)
    made = changed(PRESETS[preset], file, assignments)
    if not (made.data.train or made.data.rendered):
        raise InvalidValue("data: expected train (files with annotated joints) or rendered (a number of crops)")
    return made
