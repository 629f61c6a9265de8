"""The samples that a recipe asks for, made once into the run's folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from stereo3d.datasets.annotated import Annotated, joined, separate, split
from stereo3d.datasets.reading import read_annotated
from stereo3d.detectors.topdown import device_named
from stereo3d.errors import InvalidValue
from stereo3d.synthetic.casting import HELD_OUT
from stereo3d.synthetic.crops import PER_SCENE
from stereo3d.training.recipe import Data, Recipe
from stereo3d.training.samples import Samples, cut, rendered, together

VALIDATION = HELD_OUT + (2 << 20)
"""The first seed of the rendered scenes that a run is measured on, apart from those of the benchmark's sets."""


def prepare(
    recipe: Recipe, folder: Path, *, workers: int | None = None, on_progress: Callable[[int], object] = lambda _: None
) -> tuple[Samples, Samples]:
    """(to learn from, held out), in `folder`; what is there already is not made again.

    Annotated infants are held out wholly: those of `held_out`, else a share of those of `train`. Raises InputError for
    files that cannot be read and for an infant on both sides, InvalidValue for one infant alone.
    """
    data, size = recipe.data, recipe.network.input_size
    train, held = [], []
    if data.train:
        learned, kept = annotated(data, seed=recipe.training.seed)
        _check(learned, recipe)
        train.append(cut(folder / "train", learned, size, on_progress))
        held.append(cut(folder / "held_out", kept, size, on_progress))
    device = device_named(recipe.training.device)
    for count, start, into, where in (
        (data.rendered, 0, train, "train"), (data.rendered_held_out, VALIDATION, held, "held_out")
    ):
        if count:
            seeds = [start + i for i in range(-(-count // PER_SCENE))]
            into.append(rendered(folder / where, seeds, size, kind=data.kind, device=device, workers=workers,
                                 on_progress=on_progress))
    if not held:
        raise InvalidValue("data: expected something held out; give data.held_out or data.rendered_held_out")
    return together(train), together(held)


def annotated(data: Data, *, seed: int) -> tuple[Annotated, Annotated]:
    """The annotated pictures to learn from, and those held out, of other infants."""
    learned = joined([read_annotated(path, data.pictures) for path in data.train])
    if not data.held_out:
        return split(learned, data.held_out_share, seed=seed)
    kept = joined([read_annotated(path, data.pictures) for path in data.held_out])
    separate(learned, kept)
    return learned, kept


def expected(recipe: Recipe) -> int:
    """About how many samples there will be, as far as it is known beforehand."""
    return sum(int(np.ceil(n / PER_SCENE)) * PER_SCENE for n in (recipe.data.rendered, recipe.data.rendered_held_out))


def _check(learned: Annotated, recipe: Recipe) -> None:
    if learned.skeleton.name != recipe.network.skeleton:
        raise InvalidValue(f"network.skeleton: expected {learned.skeleton.name} as the annotations have it, "
                           f"got {recipe.network.skeleton}")
