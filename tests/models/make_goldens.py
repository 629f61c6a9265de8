"""Cuts golden_networks.json out of the full goldens: python tests/models/make_goldens.py FOLDER

FOLDER holds one .npz a network, with the numbers that the published networks gave for weights and inputs made from
names (nameseed.py). What is kept of each: how it was made, digests of names and of the state, and of each of its
outputs every n-th number and the mean of each map.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

NETWORKS = (
    "hrnet_w32_256x192", "hrnet_w32_384x288", "efficientpose_rt_224", "efficientpose_i_256", "higherhrnet_w32_512",
    "dekr_w32_512_crowdpose", "openpose_coco_368", "fidip_domain",
)
KEPT = (
    "source", "bn_gain", "conv_gain", "input_seed", "input_shape", "param_count", "n_keys", "state_sha256",
    "input_sha256",
)
N_VALUES = 400


def cut(path: Path) -> dict[str, Any]:
    """What is kept of one network's golden."""
    with np.load(path) as full:
        meta = json.loads(str(full["meta"]))
        outputs = {output["name"]: _kept(output, full) for output in meta["outputs"]}
    lines = (f"{key} {tuple(shape)}\n" for key, shape in zip(meta["keys"], meta["shapes"], strict=True))
    return {
        **{name: meta[name] for name in KEPT},
        "keys_sha256": hashlib.sha256("".join(lines).encode()).hexdigest(),
        "outputs": outputs,
    }


def _kept(output: dict[str, Any], full: Any) -> dict[str, Any]:
    maps = full[f"out_{output['name']}"]
    step = maps.size // N_VALUES | 1
    kept = {name: output[name] for name in ("full_shape", "stride", "offset")} | {
        "step": step,
        "values": [float(str(v)) for v in maps.ravel()[::step]],
        "largest": float(np.abs(maps).max()),
    }
    means = f"chan_mean_{output['name']}"
    return kept | ({"means": full[means].tolist()} if means in full else {})


if __name__ == "__main__":
    rows = [f'"{name}": {json.dumps(cut(Path(sys.argv[1]) / f"{name}.npz"))}' for name in NETWORKS]
    Path(__file__).with_name("golden_networks.json").write_text("{\n" + ",\n".join(rows) + "\n}\n")
