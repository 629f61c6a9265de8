"""What the published networks gave for weights and inputs made from names, cut down by make_goldens.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

TOLERANCE = 1e-4
"""Of the largest number; the published network differs from itself by 1.5e-6 between numbers of threads."""


def load() -> dict[str, Any]:
    """By name of network and input size."""
    return json.loads(Path(__file__).with_suffix(".json").read_text())  # type: ignore[no-any-return]


def agree(maps: Tensor, output: dict[str, Any]) -> None:
    """Holds maps against what was kept of a golden."""
    assert list(maps.shape) == output["full_shape"]
    near = TOLERANCE * output["largest"]
    taken = maps[..., output["offset"] :: output["stride"], output["offset"] :: output["stride"]].numpy()
    np.testing.assert_allclose(taken.ravel()[:: output["step"]], output["values"], rtol=0, atol=near)
    np.testing.assert_allclose(maps.mean((0, 2, 3)).numpy(), output["means"], rtol=0, atol=near)
