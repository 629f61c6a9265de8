"""What the published networks gave for weights and inputs made from names, cut down by make_goldens.py."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nameseed
import numpy as np
from torch import Tensor, nn

TOLERANCE = 1e-4
"""Of the largest number; the published network differs from itself by 1.5e-6 between numbers of threads."""


def load() -> dict[str, Any]:
    """By name of network and input size."""
    return json.loads(Path(__file__).with_suffix(".json").read_text())  # type: ignore[no-any-return]


def agree(maps: Tensor, output: dict[str, Any], tolerance: float = TOLERANCE) -> None:
    """Holds maps against what was kept of a golden."""
    assert list(maps.shape) == output["full_shape"]
    near = tolerance * output["largest"]
    step = (slice(output["offset"], None, output["stride"]),) * (maps.ndim - 2)
    taken = maps[..., *step].numpy()
    np.testing.assert_allclose(taken.ravel()[:: output["step"]], output["values"], rtol=0, atol=near)
    if "means" in output:
        np.testing.assert_allclose(maps.mean((0, 2, 3)).numpy(), output["means"], rtol=0, atol=near)


def holds(net: nn.Module, golden: dict[str, Any]) -> None:
    """Holds a network's tensors, filled from their names, against a golden's: names, order, shapes and numbers."""
    assert nameseed.key_digest(net.state_dict()) == golden["keys_sha256"]
    assert sum(p.numel() for p in net.parameters()) == golden["param_count"]
    nameseed.fill(net, bn_gain=golden["bn_gain"], conv_gain=golden["conv_gain"])
    assert nameseed.digest(net.state_dict()) == golden["state_sha256"]


def agree_whole(outputs: Mapping[str, Tensor], path: Path, tolerance: float = TOLERANCE) -> None:
    """Holds a network's outputs, by name, against every number of a golden, where that is here."""
    if not path.is_file():
        return
    with np.load(path) as golden:
        for output in json.loads(str(golden["meta"]))["outputs"]:
            maps, kept = outputs[output["name"]], golden[f"out_{output['name']}"]
            step = (slice(output["offset"], None, output["stride"]),) * (maps.ndim - 2)
            near = tolerance * np.abs(kept).max()
            np.testing.assert_allclose(maps[..., *step].numpy(), kept, rtol=0, atol=near)
