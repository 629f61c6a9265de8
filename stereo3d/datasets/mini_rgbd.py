"""MINI-RGBD (Hesse et al., ECCV workshops 2018): twelve rendered infants, a folder of 1000 pictures each.

    01/rgb/syn_00000.png                            640 x 480
    01/joints_2Ddep/syn_joints_2Ddep_00000.txt      25 lines: x, y, depth, number

Its joints are those of its body model, SMIL, called by the bone that begins there: `leftThigh` is the hip. Thirteen of
them coincide with COCO's; eyes and ears it does not have. Whether a joint is seen it does not say: all count as seen.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stereo3d.datasets.annotated import Annotated
from stereo3d.datasets.pictures import reader
from stereo3d.errors import InputError
from stereo3d.limits import LONGEST_SETTINGS, read_text
from stereo3d.skeleton import COCO_17
from stereo3d.values import Floats

JOINTS = (
    "global leftThigh rightThigh spine leftCalf rightCalf spine1 leftFoot rightFoot spine2 leftToes rightToes neck "
    "leftShoulder rightShoulder head leftUpperArm rightUpperArm leftForeArm rightForeArm leftHand rightHand "
    "leftFingers rightFingers noseVertex"
).split()
"""Its 25 joints in the order of their numbers; `leftShoulder` is the collar bone's inner end."""
_SAME = {"Thigh": "hip", "Calf": "knee", "Foot": "ankle", "UpperArm": "shoulder", "ForeArm": "elbow", "Hand": "wrist"}
COCO_OF = {JOINTS.index("noseVertex"): COCO_17.index("nose")} | {
    JOINTS.index(f"{side}{bone}"): COCO_17.index(f"{side}_{joint}")
    for side in ("left", "right") for bone, joint in _SAME.items()}
"""Which of COCO-17 each of the thirteen is."""
_MARKS, _BEFORE = "joints_2Ddep", "syn_joints_2Ddep_"


def sequences(path: Path) -> list[Path]:
    """The folders of infants in a folder, or the folder itself where it is one of them; none elsewhere."""
    return [p for p in (path, *sorted(path.iterdir())) if (p / _MARKS).is_dir()]


def read(path: Path) -> Annotated:
    """The pictures of all infants in a folder, COCO-17 with eyes and ears unknown. Raises InputError."""
    files = [f for folder in sequences(path) for f in sorted((folder / _MARKS).glob(f"{_BEFORE}[0-9]*.txt"))]
    if not files:
        raise InputError(f"{path}: expected MINI-RGBD's folders with {_MARKS}, got another folder")
    xy = np.full((len(files), len(COCO_17), 2), np.nan)
    for row, file in enumerate(files):
        xy[row, list(COCO_OF.values())] = _joints(file)[list(COCO_OF)]
    known = np.isfinite(xy).all(-1)
    pictures = [f.parents[1] / "rgb" / f"syn_{f.stem.removeprefix(_BEFORE)}.png" for f in files]
    subjects = tuple(f"MINI-RGBD {f.parents[1].name}" for f in files)
    return Annotated(reader(pictures), xy, known.astype(float), known, subjects, COCO_17)


def _joints(file: Path) -> Floats:
    """(25, 2) px."""
    try:
        table = np.array([line.split() for line in read_text(file, LONGEST_SETTINGS).splitlines() if line], float)
        numbers = table[:, 3].astype(int).tolist()
        if table.shape != (len(JOINTS), 4) or sorted(numbers) != list(range(len(JOINTS))):
            raise ValueError(f"shape {table.shape}")
    except (ValueError, IndexError) as error:
        raise InputError(f"{file}: expected {len(JOINTS)} lines of x, y, depth, number, got others ({error})"
                         ) from error
    out = np.empty((len(JOINTS), 2))
    out[numbers] = table[:, :2]
    return out
