"""Pick the few published numbers that the tests carry, out of the goldens of the published decoders.

    python tests/detectors/golden/make.py FOLDER

FOLDER holds decode_hrnet.npz and decode_darkpose.npz: what HRNet's and DarkPose's own decoders and crops gave
for synthetic maps and boxes. Writes decode.npz beside this script.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

SAMPLES = [0, 1, 2, 3, 4, 4, 4, 4, 4, 4, 4, 5]
JOINTS = [0, 1, 4, 3, 0, 1, 3, 6, 9, 13, 15, 4]
PUBLISHED = {"hrnet": "decode_hrnet.npz", "dark": "decode_darkpose.npz"}


def main() -> None:
    folder, size = Path(sys.argv[1]), "64x48"
    files = {name: np.load(folder / file) for name, file in PUBLISHED.items()}
    hrnet, dark = files["hrnet"], files["dark"]
    pick = (SAMPLES, JOINTS)
    out = {"maps": hrnet[f"hm_{size}"][pick][:, None], "argmax": hrnet[f"argmax_{size}"][pick][:, None]}
    out["score"] = hrnet[f"maxval_{size}"][pick]
    out["dark"] = dark[f"coords_k11_{size}"][pick][:, None]
    out |= {n: hrnet[f"{n}_{size}"][SAMPLES] for n in ("center", "scale")}
    out |= {
        "preds_hrnet": hrnet[f"preds_{size}"][pick][:, None],
        "preds_dark": dark[f"preds_k11_{size}"][pick][:, None],
    }
    out["box_xywh"] = hrnet["box_xywh"]
    boxes = ("box_center", "box_scale", "affine", "affine_inv_heatmap", "affine_rot30")
    out |= {f"{n}_{conv}": f[f"{n}_256x192"] for conv, f in files.items() for n in boxes}
    np.savez_compressed(Path(__file__).with_name("decode.npz"), **out)


if __name__ == "__main__":
    main()
