"""Joints in one view from other people's files: COCO's JSON results, DeepLabCut's CSV and HDF5, OpenPose's folders.

One infant in each frame: of several people the surest is taken. Pixels are taken as they are. Missing joints, which
these formats write as 0, 0 with score 0, are NaN.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stereo3d import storage
from stereo3d.errors import InputError, InvalidValue
from stereo3d.evaluation.named_joints import skeleton_of
from stereo3d.poses import Poses2D
from stereo3d.skeleton import COCO_17, CROWDPOSE_14, OPENPOSE_18, Skeleton
from stereo3d.values import Floats, Ints

_BODY_25 = (
    "nose neck right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist pelvis right_hip right_knee "
    "right_ankle left_hip left_knee left_ankle right_eye left_eye right_ear left_ear left_big_toe left_small_toe "
    "left_heel right_big_toe right_small_toe right_heel"
).split()
_DAMAGE = (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError, MemoryError,
           RecursionError, EOFError, pickle.UnpicklingError)  # fmt: skip


def read_picture_joints(path: str | os.PathLike[str], rate: float | None = None) -> Poses2D:
    """The joints of one view: a .json is COCO's results, .csv and .h5 are DeepLabCut's, a folder is OpenPose's.

    `rate` is the pictures' in 1/s; without it the time is unknown. Raises InputError for what is none of these or
    cannot be read.
    """
    path = Path(path)
    reader = _openpose if path.is_dir() else _READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path}: expected COCO .json, DeepLabCut .csv or .h5, or a folder of OpenPose's .json")
    try:
        xys, frame, skeleton = reader(path)
        order = np.argsort(frame, kind="stable")
        return _poses(xys[order], frame[order], skeleton, rate)
    except InputError as error:
        raise error if str(path) in str(error) else type(error)(f"{path}: {error}") from error
    except _DAMAGE as error:
        raise InputError(f"{path}: cannot be read as joints of one view ({error})") from error


def _poses(xys: Floats, frame: Ints, skeleton: Skeleton, rate: float | None) -> Poses2D:
    """From (T, K, 3) x, y and score."""
    if len(np.unique(frame)) < len(frame):
        raise InvalidValue("frame: expected each frame once, got some more often")
    xy, score = xys[..., :2], xys[..., 2]
    lost = (score == 0) & (xy == 0).all(-1) | ~np.isfinite(xy).all(-1)
    time = frame / rate if rate else np.full(len(frame), np.nan)
    unknown = np.full(score.shape, np.nan)
    return Poses2D(np.where(lost[..., None], np.nan, xy), np.where(lost, 0, score), unknown, time, frame, skeleton)


def _coco(path: Path) -> tuple[Floats, Ints, Skeleton]:
    results = json.loads(path.read_text(encoding="utf-8"))
    if not (isinstance(results, list) and all(isinstance(r, dict) and "keypoints" in r for r in results)):
        raise InvalidValue("expected COCO's results, a list of entries with image_id, keypoints and score")
    keypoints = np.array([r["keypoints"] for r in results] or np.zeros((0, 51)), float)
    skeleton = {51: COCO_17, 42: CROWDPOSE_14}.get(keypoints.shape[-1])
    if skeleton is None:
        raise InvalidValue(f"keypoints: expected 3 numbers for each of 17 or 14 joints, got {keypoints.shape[-1]}")
    image = np.array([int(r["image_id"]) for r in results], np.int64)
    surest = np.lexsort((-np.array([float(r.get("score", 0)) for r in results]), image))
    frame, first = np.unique(image[surest], return_index=True)
    return keypoints[surest][first].reshape(len(frame), len(skeleton), 3), frame, skeleton


def _openpose(folder: Path) -> tuple[Floats, Ints, Skeleton]:
    files = {int(m[1]): f for f in folder.iterdir() if (m := re.search(r"(\d+)_keypoints\.json$", f.name))}
    people = {number: _surest_person(file) for number, file in files.items()}
    sizes = {len(person) for person in people.values() if len(person)}
    skeleton = {18: OPENPOSE_18, 25: skeleton_of("OpenPose-25", _BODY_25)}.get(max(sizes, default=0))
    if skeleton is None or len(sizes) > 1:
        raise InvalidValue(f"expected *_keypoints.json with 18 or 25 joints, got {sorted(sizes) or 'none'}")
    nobody = np.zeros((len(skeleton), 3))
    xys = np.stack([person if len(person) else nobody for person in people.values()])
    return xys, np.array(list(people), np.int64), skeleton


def _surest_person(file: Path) -> Floats:
    """(K, 3) of the one with the greatest sum of scores, (0, 3) where there is nobody."""
    people = [np.array(p["pose_keypoints_2d"], float).reshape(-1, 3) for p in json.loads(file.read_text())["people"]]
    return max(people, key=lambda joints: float(joints[:, 2].sum()), default=np.zeros((0, 3)))


def _deeplabcut_csv(path: Path) -> tuple[Floats, Ints, Skeleton]:
    with open(path, encoding="utf-8") as stream:
        lines = [stream.readline().split(",", 1)[0].strip() for _ in range(4)]
    depth = 4 if "individuals" in lines else 3
    if lines[0] != "scorer" or "bodyparts" not in lines:
        raise InvalidValue(f"expected DeepLabCut's first lines scorer, bodyparts, coords, got {', '.join(lines)}")
    rows = pd.read_csv(path, header=list(range(depth)), index_col=0)
    return _deeplabcut(rows.to_numpy(float), rows.index.to_numpy(), [tuple(map(str, c)) for c in rows.columns])


def _deeplabcut_h5(path: Path) -> tuple[Floats, Ints, Skeleton]:
    """PyTables' table of pandas, read without PyTables; the column names, a pickle, may hold plain text alone."""
    with storage.open_hdf5(path) as file:
        groups = [group for group in file.values() if "table" in group]
        if not groups:
            raise InvalidValue("expected DeepLabCut's table; take the .csv that it writes beside it")
        table = groups[0]["table"]
        pickled = table.attrs["values_block_0_kind"]
        columns = _PlainUnpickler(io.BytesIO(bytes(pickled))).load()
        rows = table[:]
    return _deeplabcut(rows["values_block_0"].astype(float), rows["index"], columns)


class _PlainUnpickler(pickle.Unpickler):
    """Lists, tuples and texts; nothing that has to be imported."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name} is not plain text")


def _deeplabcut(values: Floats, index: Any, columns: list[tuple[str, ...]]) -> tuple[Floats, Ints, Skeleton]:
    """Columns are (scorer, [individual,] body part, x | y | likelihood)."""
    if len({column[:-2] for column in columns}) != 1:
        raise InvalidValue("expected one scorer and one individual, got several")
    if index.dtype.kind not in "iu":
        raise InvalidValue(f"expected frame numbers as index, got {index[:3].tolist()}")
    where = {column[-2:]: i for i, column in enumerate(columns)}
    parts = list(dict.fromkeys(column[-2] for column in columns))
    order = [[where[part, axis] for axis in ("x", "y", "likelihood")] for part in parts]
    return values[:, order], index.astype(np.int64), skeleton_of("DeepLabCut", parts)


_READERS = {".json": _coco, ".csv": _deeplabcut_csv, ".h5": _deeplabcut_h5, ".hdf5": _deeplabcut_h5}
