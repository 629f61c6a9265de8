"""Training itself: epochs over samples, on a CPU, a GPU or several (torchrun), which a kill cannot lose."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from stereo3d.models.architectures import build
from stereo3d.models.shelf import located
from stereo3d.models.weights import load_into, read_checkpoint
from stereo3d.skeleton import Skeleton, skeleton_named
from stereo3d.training import state as runs
from stereo3d.training.augment import augment
from stereo3d.training.curves import draw_curves
from stereo3d.training.lessons import lesson_of, may_be_halved
from stereo3d.training.measure import Score, measure, normalised
from stereo3d.training.recipe import Recipe
from stereo3d.training.samples import Samples
from stereo3d.training.state import State
from stereo3d.training.targets import joint_weights
from stereo3d.training.world import World

_WARM_UP = 0.02
_FOLLOW_FROM = 10
"""The average follows fast at first: over (1 + step) / (10 + step) of its way."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a run tells after each epoch."""

    epoch: int
    epochs: int
    loss: float
    score: Score
    best: bool


def train(
    recipe: Recipe, samples: Samples, held_out: Samples, output: str | os.PathLike[str], *, resume: bool = False,
    restart: bool = False, on_epoch: Callable[[Report], object] = lambda _: None,
    on_step: Callable[[int], object] = lambda _: None,
) -> Path:
    """The path of the best weights; `output` is a folder that also holds the last state, the course and its picture.

    After each epoch the averaged weights are measured on the held-out samples and all is put on the disk; a run that
    was killed goes on with `resume` and comes to the same weights (on one kind of machine with one number of threads).
    Under torchrun the samples are shared out between the processes. Raises UsageError, InputError, CheckpointError.
    """
    folder, world = Path(output), World()
    going_on = runs.begin(folder, recipe, resume=resume, restart=restart) if world.first else resume
    with world:
        # The run is known to nobody else: nothing of it is to outlive the world.
        _go(_Run(recipe, samples, world), held_out, folder, resume=going_on, on_epoch=on_epoch, on_step=on_step)
    return folder / runs.BEST


def _go(
    run: _Run, held_out: Samples, folder: Path, *, resume: bool, on_epoch: Callable[[Report], object],
    on_step: Callable[[int], object],
) -> None:
    """All epochs that are still to be done."""
    if resume and (folder / runs.LAST).is_file():
        runs.load(run.state, folder)
    while not run.over:
        mean_loss = run.epoch(on_step)
        if run.world.first:
            on_epoch(_finish(run, held_out, mean_loss, folder))
        run.state.history = run.world.told(run.state.history)


def _finish(run: _Run, held_out: Samples, mean_loss: float, folder: Path) -> Report:
    """Measures and saves an epoch. The best weights go first, so that a kill between leaves none that are unknown."""
    state, recipe = run.state, run.recipe
    size = recipe.network.input_size
    found = measure(
        state.average, held_out, size, run.skeleton, batch=2 * recipe.training.batch, device=run.device)
    best = state.note(mean_loss, run.rate(run.steps * state.epoch), found)
    if best:
        runs.keep(state.average, folder / runs.BEST, recipe)
    runs.save(state, folder)
    draw_curves(state.history, folder / runs.CURVES)
    return Report(state.epoch, recipe.training.epochs, mean_loss, found, best)


class _Run:
    """One process's share of a run."""

    def __init__(self, recipe: Recipe, samples: Samples, world: World) -> None:
        settings = recipe.training
        self.recipe, self.samples, self.world = recipe, samples, world
        self.skeleton: Skeleton = skeleton_named(recipe.network.skeleton)
        self.device = world.device(settings.device)
        torch.manual_seed(settings.seed)
        net: nn.Module = network(recipe).to(self.device)
        net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._forward = world.shared(net, self.device)
        self.state = State(net, runs.averaged(net), torch.optim.Adam(net.parameters(), settings.rate))
        self.steps = max(1, len(samples) // (settings.batch * world.size))
        architecture = recipe.network.architecture
        self._lesson = lesson_of(architecture)
        self._half = half(settings.precision, self.device) and may_be_halved(architecture)
        weights = joint_weights(self.skeleton) if settings.joint_weights else [1.0] * len(self.skeleton)
        self._weights = torch.tensor(weights, device=self.device)

    @property
    def over(self) -> bool:
        """Whether all epochs are done, or enough of them brought nothing."""
        settings = self.recipe.training
        stuck = bool(settings.patience) and self.state.since_best >= settings.patience
        return self.state.epoch >= settings.epochs or stuck

    def rate(self, step: int) -> float:
        """The learning rate at a step of the run."""
        settings = self.recipe.training
        if not settings.cosine:
            return settings.rate
        total = self.steps * settings.epochs
        warm = max(1.0, _WARM_UP * total)
        return settings.rate * min((step + 1) / warm, 0.5 * (1 + math.cos(math.pi * min(step / total, 1))))

    def epoch(self, on_step: Callable[[int], object]) -> float:
        """The mean loss of one more epoch."""
        settings, epoch = self.recipe.training, self.state.epoch
        rng = np.random.default_rng([settings.seed, epoch, self.world.rank])
        order = np.random.default_rng([settings.seed, epoch]).permutation(len(self.samples))
        total = torch.zeros((), device=self.device)
        self.state.net.train()
        for i in range(self.steps):
            first = (i * self.world.size + self.world.rank) * settings.batch
            rows = np.sort(order[first : first + settings.batch])
            total += self._step(rows, epoch * self.steps + i, rng)
            on_step(len(rows) * self.world.size)
        self.state.epoch += 1
        return float(total) / self.steps

    def _size(self) -> tuple[tuple[int, int], float]:
        """(w, h) px of this epoch's pictures, and how large they are beside those that the network is for."""
        settings, (w, h) = self.recipe.training, self.recipe.network.input_size
        if self.state.epoch < settings.coarse * settings.epochs:
            return (w // 2, h // 2), 0.5
        return (w, h), 1.0

    def _step(self, rows: Any, step: int, rng: np.random.Generator) -> Tensor:
        settings, (size, zoom) = self.recipe.training, self._size()
        batch = augment(
            self.samples.take(rows, self.device), size, settings=settings, skeleton=self.skeleton, rng=rng, zoom=zoom)
        for group in self.state.optimizer.param_groups:
            group["lr"] = self.rate(step)
        with torch.autocast(self.device, torch.bfloat16, enabled=self._half):
            seen = self._forward(normalised(batch.images))
        found = self._lesson(seen, batch, self._weights)
        self.state.optimizer.zero_grad(set_to_none=True)
        found.backward()  # type: ignore[no-untyped-call]
        self.state.optimizer.step()
        follow = min(settings.average, (1 + step) / (_FOLLOW_FROM + step))
        runs.follow(self.state.average, self.state.net, follow if settings.average else 0.0)
        return found.detach()


def network(recipe: Recipe) -> nn.Module:
    """The recipe's network with the weights it begins with. Raises what read_checkpoint raises."""
    told, skeleton = recipe.network, skeleton_named(recipe.network.skeleton)
    net = build(told.architecture, len(skeleton))
    if told.weights is not None:
        load_into(net, read_checkpoint(os.fspath(located(told.weights))))
    return net


def half(precision: str, device: str) -> bool:
    """Whether the network computes in bf16."""
    if precision != "auto":
        return precision == "bf16"
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.backends.cpu.get_cpu_capability().startswith("AVX512"))
