"""Cuts golden_networks.json out of the full goldens: python tests/models/make_goldens.py FOLDER

FOLDER holds one .npz a network, with the numbers that the published networks gave for weights and inputs made from
names (nameseed.py). What is kept of each: how it was made, digests of names and of the state, every n-th number of
the heat maps, and the mean of each map.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

NETWORKS = ("hrnet_w32_256x192", "hrnet_w32_384x288", "efficientpose_rt_224", "efficientpose_i_256")
KEPT = (
    "source", "bn_gain", "conv_gain", "input_seed", "input_shape", "param_count", "n_keys", "state_sha256",
    "input_sha256",
)
N_VALUES = 400


def cut(path: Path) -> dict[str, Any]:
    """What is kept of one network's golden."""
    with np.load(path) as full:
        meta = json.loads(str(full["meta"]))
        maps, means = full["out_heatmaps"], full["chan_mean_heatmaps"]
    lines = (f"{key} {tuple(shape)}\n" for key, shape in zip(meta["keys"], meta["shapes"], strict=True))
    step = maps.size // N_VALUES | 1
    output = meta["outputs"][0]
    return {
        **{name: meta[name] for name in KEPT},
        "keys_sha256": hashlib.sha256("".join(lines).encode()).hexdigest(),
        "output": {name: output[name] for name in ("full_shape", "stride", "offset")} | {
            "step": step,
            "values": [float(str(v)) for v in maps.ravel()[::step]],
            "means": means.tolist(),
            "largest": float(np.abs(maps).max()),
        },
    }


if __name__ == "__main__":
    rows = [f'"{name}": {json.dumps(cut(Path(sys.argv[1]) / f"{name}.npz"))}' for name in NETWORKS]
    Path(__file__).with_name("golden_networks.json").write_text("{\n" + ",\n".join(rows) + "\n}\n")
