"""Motion-BIDS: a subject's folder in a data set of the Brain Imaging Data Structure.

The path names the subject's folder, `study/sub-07`: what the study folder needs is made beside it. Time is even, as
BIDS has it; what is missing is `n/a`. Source: https://bids-specification.readthedocs.io (Motion, 1.10).
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stereo3d import __version__, atomic
from stereo3d.errors import InputError, UsageError
from stereo3d.export.base import Grid, camera_frame, check_3d, even_grid
from stereo3d.poses import Poses3D

_VERSION = "1.10.0"
_TASK, _SYSTEM = "gma", "stereo3d"
_README = """Movements of infants, as joints in space

One folder for each infant. Positions are in metres in the left camera's frame: x to the right, y down, z away from
the camera. Times count from the start of each recording.
"""


def write_bids(poses: Poses3D, path: Path) -> None:
    """Write the subject's folder `path`, named sub-LABEL, and the study's description where it has none.

    Raises UsageError for Poses2D and for a folder of another name, InputError where it is already there or cannot be
    written, InvalidValue for uneven times.
    """
    check_3d(poses, "Motion-BIDS")
    if not re.fullmatch("sub-[0-9a-zA-Z]+", path.name):
        raise UsageError(f"{path}: expected the subject's folder, such as study/sub-07, got the name {path.name}")
    if path.exists():
        raise InputError(f"{path}: is already there; remove it or choose another label")
    grid = even_grid(poses, "Motion-BIDS")
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        _write_motion(poses, grid, temporary / "motion", path.name)
        _write_study(path.parent)
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write_study(study: Path) -> None:
    """dataset_description.json and README, where they are missing."""
    description = {
        "Name": "Movements of infants", "BIDSVersion": _VERSION, "DatasetType": "raw",
        "GeneratedBy": [{"Name": "stereo3d", "Version": __version__}],
    }  # fmt: skip
    for name, text in (("dataset_description.json", _json(description)), ("README", _README)):
        if not (study / name).exists():
            atomic.write_text(study / name, text)


def _write_motion(poses: Poses3D, grid: Grid, folder: Path, subject: str) -> None:
    folder.mkdir(parents=True)
    stem = f"{subject}_task-{_TASK}_tracksys-{_SYSTEM}"
    _motion(poses, grid).to_csv(
        folder / f"{stem}_motion.tsv", sep="\t", header=False, index=False, na_rep="n/a", float_format="%.7g",
        lineterminator="\n",
    )  # fmt: skip
    _channels(poses).to_csv(folder / f"{stem}_channels.tsv", sep="\t", index=False, lineterminator="\n")
    atomic.write_text(folder / f"{stem}_motion.json", _json(_about(poses, grid)))
    atomic.write_text(folder / f"{stem}_channels.json", _json(_frame_of_reference(poses)))


def _motion(poses: Poses3D, grid: Grid) -> pd.DataFrame:
    """(rows, 1 + 4 K): time, then x, y, z and score of each joint."""
    joints = np.concatenate([poses.xyz, poses.score[..., None]], -1).reshape(len(poses), 4 * len(poses.skeleton))
    values = grid.spread(joints)
    time = (np.arange(len(values)) / grid.rate + grid.start)[:, None]
    return pd.DataFrame(np.concatenate([time, values], 1))


def _channels(poses: Poses3D) -> pd.DataFrame:
    rows = [("time", "n/a", "LATENCY", "n/a", "s", "n/a")]
    for joint in poses.skeleton.joints:
        rows += [(f"{joint}_{axis}", axis, "POS", joint, "m", "camera") for axis in "xyz"]
        rows.append((f"{joint}_score", "n/a", "MISC", joint, "n/a", "n/a"))
    columns = ["name", "component", "type", "tracked_point", "units", "reference_frame"]
    return pd.DataFrame(rows, columns=columns)


def _about(poses: Poses3D, grid: Grid) -> dict[str, Any]:
    k, n = len(poses.skeleton), int(grid.row[-1]) + 1 if len(poses) else 0
    lost = 1 - len(poses) / n if n else 0.0
    return {
        "TaskName": _TASK,
        "TaskDescription": "Spontaneous movements, as for a general movements assessment",
        "SamplingFrequency": grid.rate,
        "TrackingSystemName": _SYSTEM,
        "RecordingType": "continuous",
        "RecordingDuration": n / grid.rate,
        "MotionChannelCount": 4 * k + 1,
        "POSChannelCount": 3 * k,
        "LATENCYChannelCount": 1,
        "MISCChannelCount": k,
        "TrackedPointsCount": k,
        "MissingValues": "n/a",
        "SubjectArtefactDescription": f"{lost:.1%} of the frames were lost while recording" if lost else "n/a",
        "SoftwareVersions": f"stereo3d {__version__}",
    }


def _frame_of_reference(poses: Poses3D) -> dict[str, Any]:
    level = {
        "SpatialAxes": "RIA",
        "RotationRule": "right-hand",
        "RotationOrder": "n/a",
        "Description": f"the {camera_frame(poses)}: x to the right, y down, z away from the camera",
    }
    return {"reference_frame": {"Description": "whose coordinates a position is in", "Levels": {"camera": level}}}


def _json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"
