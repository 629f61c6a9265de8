"""The settings of every stage: defaults, then a TOML file, then `--set stage.key=value`.

    [detect]
    detector = "darkpose"
    weights = "pose_hrnet_w32_384x288_dark.pth"
    flip = true                 # any option of the detector

    [triangulate]
    row = 20

    [refine]
    mode = "clip"
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from stereo3d.errors import InputError, UsageError, unknown_name
from stereo3d.limits import LONGEST_SETTINGS, parse_toml, read_text
from stereo3d.refinement.settings import Refine
from stereo3d.triangulation import Gates
from stereo3d.values import Value


@dataclass(frozen=True, slots=True, eq=False)
class Detect(Value):
    """How joints are found in the pictures."""

    detector: str = "darkpose"
    weights: str | None = None
    """A file on this machine."""
    roi: tuple[float, float, float] | None = None
    """Centre x, y and side in px of the recorded pictures; None: the infant is searched for."""
    batch: int = 16
    """Pairs that go through the network together."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What else the detector takes; any key that is not one of the above lands here."""


@dataclass(frozen=True, slots=True, eq=False)
class Config(Value):
    """The settings of a whole run, a field for each stage."""

    detect: Detect = field(default_factory=Detect)
    triangulate: Gates = field(default_factory=Gates)
    refine: Refine = field(default_factory=Refine)

    def to_dict(self) -> dict[str, Any]:
        """All settings by stage, as JSON can hold them."""
        return dataclasses.asdict(self)


Settings = TypeVar("Settings", bound=Value)
"""Settings by stage, such as Config."""


def resolve(file: str | os.PathLike[str] | None = None, assignments: Iterable[str] = ()) -> Config:
    """The defaults, changed by a TOML file and then by `stage.key=value` each.

    Raises UsageError for an unknown stage or key (it names the nearest one), InputError for a file that is not TOML.
    """
    return changed(Config(), file, assignments)


def changed(
    config: Settings, file: str | os.PathLike[str] | None = None, assignments: Iterable[str] = ()
) -> Settings:
    """The same from other settings than the defaults, or of another kind of run."""
    for stage, settings in _load(file).items() if file else ():
        if not isinstance(settings, Mapping):
            raise InputError(f"{file}: expected settings in a stage such as [detect], got {stage} = {settings!r}")
        config = update(config, stage, settings)
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        stage, dot, key = name.strip().partition(".")
        if not (equals and dot):
            raise UsageError(f"--set {assignment}: expected stage.key=value, such as triangulate.row=15")
        config = update(config, stage, {key: _toml_value(value.strip())})
    return config


def update(config: Settings, stage: str, settings: Mapping[str, Any]) -> Settings:
    """The configuration with some settings of one stage changed. Raises UsageError for an unknown stage or key."""
    stages = [f.name for f in dataclasses.fields(config)]  # type: ignore[arg-type]
    if stage not in stages:
        raise unknown_name("stage", stage, stages)
    current = getattr(config, stage)
    known = {f.name for f in dataclasses.fields(current)}
    own: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items() if k in known}
    other = {k: v for k, v in settings.items() if k not in known}
    if other and "options" not in known:
        raise unknown_name(f"setting of [{stage}]", next(iter(other)), known)
    if other:
        own["options"] = {**current.options, **own.get("options", {}), **other}
    try:
        return dataclasses.replace(config, **{stage: dataclasses.replace(current, **own)})  # type: ignore[type-var]
    except TypeError as error:
        raise UsageError(f"[{stage}] {settings}: {error}") from error


def _load(file: str | os.PathLike[str]) -> dict[str, Any]:
    try:
        return parse_toml(read_text(file, LONGEST_SETTINGS))
    except InputError as error:
        raise InputError(f"{file}: expected a TOML file, got one that cannot be read ({error})") from error


def _toml_value(text: str) -> Any:
    """A TOML value, or the text itself where it is none, so that names need no quotes in a shell."""
    try:
        return parse_toml(f"value = {text}")["value"]
    except InputError:
        return text
