"""A training run on the disk: what it needs to go on after it was killed, and what it has to show."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from stereo3d.atomic import replacing, write_text
from stereo3d.errors import InputError, MissingPackage, UsageError
from stereo3d.models import shelf
from stereo3d.models.architectures import kind_of
from stereo3d.models.keep import digest
from stereo3d.models.unpickle import read_torch
from stereo3d.skeleton import skeleton_named
from stereo3d.training.measure import Score
from stereo3d.training.recipe import Recipe

LAST, BEST, RECIPE, HISTORY, CURVES = "last.pt", "best.safetensors", "recipe.json", "history.json", "curves.png"
"""What lies in a run's folder: the state to go on from, the best weights, and the course so far."""


@dataclass(slots=True)
class State:
    """Where a run is."""

    net: nn.Module
    average: nn.Module
    """The weights averaged over the steps."""
    optimizer: torch.optim.Optimizer
    epoch: int = 0
    """Epochs that are done."""
    history: list[dict[str, Any]] = field(default_factory=list)
    """An entry for each of them."""

    def note(self, loss: float, rate: float, score: Score) -> bool:
        """Notes an epoch; whether it is the best so far (PCK at 0.05 to 0.2 together, then the mean error)."""
        entry = {"epoch": self.epoch, "loss": loss, "rate": rate, **asdict(score)}
        self.history.append(entry)
        return max(self.history, key=_goodness) is entry

    @property
    def since_best(self) -> int:
        """Epochs since the best one."""
        return len(self.history) - 1 - self.history.index(max(self.history, key=_goodness)) if self.history else 0


def _goodness(entry: dict[str, Any]) -> tuple[float, float]:
    known = [p for p in entry["pck"] if p == p]
    return sum(known), -entry["mean"] if entry["mean"] == entry["mean"] else float("-inf")


def begin(folder: Path, recipe: Recipe, *, resume: bool, restart: bool) -> bool:
    """Makes the folder of a run, or finds the one to go on with; True where there is something to go on from.

    Raises UsageError where a run lies there and neither `resume` nor `restart` is given, or where it was another's.
    """
    told, there = json.loads(json.dumps(asdict(recipe))), folder / RECIPE
    if there.is_file() and not restart:
        if not resume:
            raise UsageError(f"{folder}: a run lies there; give --resume to go on or --restart to begin anew")
        before = json.loads(there.read_text(encoding="utf-8"))
        other = [f"{stage}.{key}" for stage, settings in told.items() for key, value in settings.items()
                 if before.get(stage, {}).get(key) != value and key not in _MAY_CHANGE]
        if other:
            raise UsageError(f"{folder}: was begun with another {', '.join(other)}; give the same, or --restart")
    folder.mkdir(parents=True, exist_ok=True)
    if restart:
        for name in (LAST, BEST, HISTORY, CURVES):
            (folder / name).unlink(missing_ok=True)
    write_text(there, json.dumps(told, indent=1))
    return (folder / LAST).is_file()


_MAY_CHANGE = ("epochs", "patience", "device")
"""A run may go on for longer, and elsewhere."""


def save(state: State, folder: Path) -> None:
    """The state on the disk, whole or not at all."""
    held = {
        "net": state.net.state_dict(), "average": state.average.state_dict(),
        "optimizer": state.optimizer.state_dict(), "epoch": state.epoch, "history": state.history,
    }
    with replacing(folder / LAST) as temporary:
        torch.save(held, temporary)
    write_text(folder / HISTORY, json.dumps(state.history, indent=1))


def load(state: State, folder: Path) -> None:
    """Puts into `state` what was saved. Nothing in the file is run. Raises InputError where it is another's."""
    held = read_torch(folder / LAST)
    try:
        state.net.load_state_dict(held["net"])
        state.average.load_state_dict(held["average"])
        state.optimizer.load_state_dict(held["optimizer"])
        state.epoch, state.history = int(held["epoch"]), list(held["history"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{folder / LAST}: does not fit this run ({ascii(error)[:160]}); begin anew with --restart"
                         ) from error


def keep(net: nn.Module, path: Path, recipe: Recipe) -> Path:
    """The path of a network's weights as safetensors with a card, which `--weights` takes as they are."""
    try:
        from safetensors.torch import save_file
    except ImportError as error:
        raise MissingPackage("safetensors", "safetensors", "keeping weights") from error
    state = {name: t.detach().cpu().clone().contiguous() for name, t in net.state_dict().items() if _counts(name, t)}
    sums, network = digest(state), recipe.network
    kind, joints = kind_of(network.architecture).name, len(skeleton_named(network.skeleton))
    card = shelf.Card(
        path.name, sums, sums, "darkpose" if kind == "hrnet" else kind, network.architecture, joints,
        network.input_size, network.skeleton)
    with replacing(path) as temporary:
        save_file(state, temporary, metadata={shelf.CARD: card.written()})
    return path


def _counts(name: str, tensor: Tensor) -> bool:
    return not name.endswith("num_batches_tracked")


def averaged(net: nn.Module) -> nn.Module:
    """A copy of the network to hold the average of its weights."""
    out = copy.deepcopy(net)
    out.requires_grad_(False)
    return out


@torch.no_grad()
def follow(average: nn.Module, net: nn.Module, keep_share: float) -> None:
    """Moves the average towards the network's weights."""
    there = net.state_dict()
    for name, tensor in average.state_dict().items():
        if tensor.is_floating_point():
            tensor.lerp_(there[name].to(tensor.dtype), 1 - keep_share)
        else:
            tensor.copy_(there[name])
