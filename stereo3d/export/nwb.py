"""Neurodata Without Borders with the extension ndx-pose: one PoseEstimationSeries for each joint, in metres.

NWB wants a date of the session; times being relative, it is 1 January 1970, and the identifier is a check sum of the
joints. Source: https://github.com/rly/ndx-pose.
"""

from __future__ import annotations

import datetime
import hashlib
import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from stereo3d import __version__
from stereo3d.errors import MissingPackage
from stereo3d.export.base import AXES, camera_frame, check_3d, replacing
from stereo3d.poses import Poses3D

_NO_DATE = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def write_nwb(poses: Poses3D, path: Path) -> None:
    """Write the joints as NWB, in the processing module `behavior`.

    Raises UsageError for Poses2D, MissingPackage where pynwb or ndx-pose is not installed.
    """
    check_3d(poses, "NWB")
    pynwb, ndx_pose = _package("pynwb", "pynwb"), _package("ndx_pose", "ndx-pose")
    file = pynwb.NWBFile(
        session_description="joints of an infant in space; times count from the recording's start, the date is none",
        identifier=hashlib.sha256(poses.xyz.tobytes() + poses.time.tobytes()).hexdigest(),
        session_start_time=_NO_DATE,
    )
    edges = np.array(poses.skeleton.bones, np.uint8).reshape(-1, 2)
    skeleton = ndx_pose.Skeleton(name=poses.skeleton.name, nodes=list(poses.skeleton.joints), edges=edges)
    behavior = file.create_processing_module("behavior", "joints in space")
    behavior.add(ndx_pose.Skeletons(skeletons=[skeleton]))
    behavior.add(ndx_pose.PoseEstimation(
        name="PoseEstimation", pose_estimation_series=_series(poses, ndx_pose), skeleton=skeleton,
        description="joints triangulated from a stereo pair", source_software="stereo3d",
        source_software_version=__version__,
    ))  # fmt: skip
    with replacing(path, ".nwb") as temporary, pynwb.NWBHDF5IO(str(temporary), "w") as stream:
        stream.write(file)


def _series(poses: Poses3D, ndx_pose: ModuleType) -> list[Any]:
    """One series for each joint, all with the first one's times."""
    made: list[Any] = []
    for k, joint in enumerate(poses.skeleton.joints):
        made.append(ndx_pose.PoseEstimationSeries(
            name=joint, description=joint.replace("_", " "), data=poses.xyz[:, k], unit="meters",
            reference_frame=f"(0, 0, 0) is the centre of the {camera_frame(poses)}; {AXES}",
            timestamps=made[0] if made else poses.time, confidence=poses.score[:, k],
            confidence_definition="the detector's, the lower of the two views, 0 to 1",
        ))  # fmt: skip
    return made


def _package(module: str, package: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingPackage(package, "nwb", "writing NWB") from error
