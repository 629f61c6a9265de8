"""A picture of how a training run went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stereo3d.atomic import replacing
from stereo3d.training.measure import PCK


def draw_curves(history: Sequence[Mapping[str, Any]], path: Path) -> Path:
    """The path of a PNG: loss, 2D error and PCK on the held-out samples, epoch by epoch."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(9, 2.8), layout="constrained")
    loss, error, share = figure.subplots(1, 3)
    epochs = [entry["epoch"] for entry in history]
    loss.plot(epochs, [entry["loss"] for entry in history], color="#444444")
    loss.set(title="Loss, learning", xlabel="epoch")
    for name, colour in (("mean", "#0b6e99"), ("median", "#7fb7cf")):
        error.plot(epochs, [entry[name] for entry in history], color=colour, label=name)
    error.set(title="Error, held out (input px)", xlabel="epoch", ylim=(0, None))
    for i, limit in enumerate(PCK):
        share.plot(epochs, [100 * entry["pck"][i] for entry in history], label=f"{limit:g} torso",
                   color=("#1b4332", "#40916c", "#95d5b2")[i])
    share.set(title="PCK, held out (%)", xlabel="epoch", ylim=(0, 100))
    for ax in (loss, error, share):
        ax.spines[["top", "right"]].set_visible(False)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    error.legend(frameon=False)
    share.legend(frameon=False)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)
    return path
