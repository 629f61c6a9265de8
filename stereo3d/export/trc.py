"""OpenSim's TRC: a text table of markers, in metres, axes as in docs/conventions.md.

TRC has no field for axes, so they stand where the file's own name is usual. A missing marker is an empty cell. The
times are the poses' own, also where they are uneven.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from stereo3d import atomic
from stereo3d.export.base import camera_frame, check_3d
from stereo3d.poses import Poses3D

_NAME = "axes x right y down z away from the {frame}"


def write_trc(poses: Poses3D, path: Path) -> None:
    """Write the joints as TRC. Raises UsageError for Poses2D, InputError where the file cannot be written."""
    check_3d(poses, "TRC")
    time = poses.time
    step = float(np.median(np.diff(time))) if len(time) > 1 else 1.0
    text = _header(poses, 1 / step if step > 0 else 1.0)
    rows = pd.DataFrame(poses.xyz.reshape(len(poses), 3 * len(poses.skeleton)))
    rows = rows.where(np.repeat(poses.found, 3, axis=1))
    rows.insert(0, "time", [f"{t:.6f}" for t in time])
    rows.insert(0, "frame", poses.frame + 1)
    body = rows.to_csv(sep="\t", index=False, header=False, float_format="%.7f", lineterminator="\n")
    atomic.write_text(path, text + body)


def _header(poses: Poses3D, rate: float) -> str:
    """The five lines before the numbers, and the empty one that OpenSim expects after them."""
    k = len(poses.skeleton)
    first = int(poses.frame[0]) + 1 if len(poses) else 1
    about = {
        "DataRate": f"{rate:.6g}", "CameraRate": f"{rate:.6g}", "NumFrames": len(poses), "NumMarkers": k, "Units": "m",
        "OrigDataRate": f"{rate:.6g}", "OrigDataStartFrame": first, "OrigNumFrames": len(poses),
    }  # fmt: skip
    names = ["Frame#", "Time"] + [cell for joint in poses.skeleton.joints for cell in (joint, "", "")]
    axes = ["", ""] + [f"{axis}{i}" for i in range(1, k + 1) for axis in "XYZ"]
    title = ["PathFileType", "4", "(X/Y/Z)", _NAME.format(frame=camera_frame(poses))]
    lines = [title, list(about), [str(value) for value in about.values()], names, axes, []]
    return "".join("\t".join(line) + "\n" for line in lines)
