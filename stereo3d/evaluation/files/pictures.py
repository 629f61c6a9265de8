"""Joints in one view from other people's files: COCO's JSON, DeepLabCut's CSV and HDF5, OpenPose's folders.

One infant in each frame: of several people the surest is taken. Pixels are taken as they are. Missing joints, which
these formats write as 0, 0 with score 0, are NaN.
"""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from stereo3d import limits, storage
from stereo3d.errors import InputError, InvalidValue
from stereo3d.evaluation.files.coco import poses_of, read_annotations, read_results
from stereo3d.evaluation.views import skeleton_of
from stereo3d.evaluation.views import Pictured, PictureTruth, pictured, truth_of_joints
from stereo3d.poses import Poses2D
from stereo3d.skeleton import OPENPOSE_18, Skeleton
from stereo3d.values import Floats, Ints

_BODY_25 = (
    "nose neck right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist pelvis right_hip right_knee "
    "right_ankle left_hip left_knee left_ankle right_eye left_eye right_ear left_ear left_big_toe left_small_toe "
    "left_heel right_big_toe right_small_toe right_heel"
).split()
_OPENPOSE = re.compile(r"(\d+)_keypoints\.json$")
_COLUMNS = "values_block_0_kind"
_DAMAGE = (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError, MemoryError,
           RecursionError, EOFError, pickle.UnpicklingError)  # fmt: skip


def is_picture_file(path: str | os.PathLike[str]) -> bool:
    """Whether a file or folder holds joints in pictures and not in space, by its ending and its first words."""
    path = Path(path)
    if path.is_dir():
        return any(_OPENPOSE.search(file.name) for file in path.iterdir())
    if path.suffix.lower() == ".csv" and path.is_file():
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.readline().split(",", 1)[0].strip() == "scorer"
    if path.suffix.lower() in _HDF5 and path.is_file() and h5py.is_hdf5(path):
        with storage.open_hdf5(path) as file:
            return any(_of_pandas(item) for item in file.values())
    return path.suffix.lower() == ".json"


def read_pictured(
    path: str | os.PathLike[str], names: tuple[str, ...] = (), rate: float | None = None
) -> Pictured:
    """What a detector found in one view: a .json is COCO's results, .csv and .h5 are DeepLabCut's, a folder OpenPose's.

    `names` are the joints where the file does not say and has as many. `rate` is the pictures' in 1/s; without it the
    time is unknown. Raises InputError for what is none of these or cannot be read.
    """
    with _sentences(path):
        if Path(path).suffix.lower() == ".json" and not Path(path).is_dir():
            return read_results(Path(path), names, rate)
        return pictured(_joints(Path(path), rate))


def read_picture_truth(path: str | os.PathLike[str], rate: float | None = None) -> PictureTruth:
    """The truth of one view: COCO's data set of annotations, or any file that `read_pictured` reads, taken for true.

    So are the labels that people made with DeepLabCut, which have no likelihood. Raises InputError as `read_pictured`.
    """
    with _sentences(path):
        if Path(path).suffix.lower() == ".json" and not Path(path).is_dir():
            return read_annotations(Path(path), rate=rate)
        return truth_of_joints(_joints(Path(path), rate))


@contextlib.contextmanager
def _sentences(path: str | os.PathLike[str]) -> Iterator[None]:
    """Whatever goes wrong becomes an InputError that names the file."""
    try:
        yield
    except InputError as error:
        raise error if str(path) in str(error) else type(error)(f"{path}: {error}") from error
    except _DAMAGE as error:
        raise InputError(f"{path}: cannot be read as joints of one view ({error!r})") from error


def _joints(path: Path, rate: float | None) -> Poses2D:
    """DeepLabCut's or OpenPose's, in the order of the frames."""
    reader = _openpose if path.is_dir() else _READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path}: expected COCO .json, DeepLabCut .csv or .h5, or a folder of OpenPose's .json")
    xys, frame, skeleton = reader(path)
    order = np.argsort(frame, kind="stable")
    return poses_of(xys[order], frame[order], skeleton, rate)


def _openpose(folder: Path) -> tuple[Floats, Ints, Skeleton]:
    files = {int(m[1]): f for f in folder.iterdir() if (m := _OPENPOSE.search(f.name))}
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
    held = limits.parse_json(limits.read_text(file, limits.LARGEST_JSON))
    people = [np.array(p["pose_keypoints_2d"], float).reshape(-1, 3) for p in held["people"]]
    return max(people, key=lambda joints: float(joints[:, 2].sum()), default=np.zeros((0, 3)))


def _deeplabcut_csv(path: Path) -> tuple[Floats, Ints, Skeleton]:
    limits.check_table(path)
    with open(path, encoding="utf-8") as stream:
        lines = [stream.readline().split(",", 1)[0].strip() for _ in range(4)]
    depth = 4 if "individuals" in lines else 3
    if lines[0] != "scorer" or "bodyparts" not in lines:
        raise InvalidValue(f"expected DeepLabCut's first lines scorer, bodyparts, coords, got {', '.join(lines)}")
    rows = pd.read_csv(path, header=list(range(depth)), index_col=list(range(_index_columns(path))))
    index = rows.index.get_level_values(-1).to_numpy()
    return _deeplabcut(rows.to_numpy(float), index, [tuple(map(str, c)) for c in rows.columns])


def _index_columns(path: Path) -> int:
    """How many columns name a picture: people's labels have its folders in columns of their own."""
    with open(path, encoding="utf-8") as stream:
        cells = stream.readline().rstrip("\n").split(",")[1:]
    return 1 + next((i for i, cell in enumerate(cells) if cell), 0)


def _deeplabcut_h5(path: Path) -> tuple[Floats, Ints, Skeleton]:
    """PyTables' table of pandas, read without PyTables; the column names, a pickle, may hold plain text alone."""
    with storage.open_hdf5(path) as file:
        groups = [item for item in file.values() if isinstance(item, h5py.Group) and "table" in item]
        if not groups:
            raise InvalidValue("expected DeepLabCut's table; take the .csv that it writes beside it")
        table = groups[0]["table"]
        if table.attrs.get_id(_COLUMNS).dtype.hasobject:
            raise InvalidValue(f"{_COLUMNS}: is of variable length; refused")
        pickled = io.BytesIO(bytes(table.attrs[_COLUMNS]))
        limits.check_pickle(pickled)
        pickled.seek(0)
        columns = _PlainUnpickler(pickled).load()
        rows = storage.read_array(table)
    return _deeplabcut(rows["values_block_0"].astype(float), rows["index"], columns)


def _of_pandas(item: h5py.Group | h5py.Dataset) -> bool:
    return isinstance(item, h5py.Group) and ("table" in item or "pandas_type" in item.attrs)


class _PlainUnpickler(pickle.Unpickler):
    """Lists, tuples and texts; nothing that has to be imported."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name} is not plain text")


def _deeplabcut(values: Floats, index: Any, columns: list[tuple[str, ...]]) -> tuple[Floats, Ints, Skeleton]:
    """Columns are (scorer, [individual,] body part, x | y | likelihood); people's labels have no likelihood."""
    if len({column[:-2] for column in columns}) != 1:
        raise InvalidValue("expected one scorer and one individual, got several")
    where = {column[-2:]: i for i, column in enumerate(columns)}
    parts = list(dict.fromkeys(column[-2] for column in columns))
    xy = values[:, [[where[part, axis] for axis in "xy"] for part in parts]]
    if any((part, "likelihood") in where for part in parts):
        score = values[:, [where[part, "likelihood"] for part in parts]]
    else:
        score = np.isfinite(xy).all(-1).astype(float)
    return np.concatenate([xy, score[..., None]], -1), _numbers(index), skeleton_of("DeepLabCut", parts)


def _numbers(index: Any) -> Ints:
    """(T,) the frames' numbers: as they are, or the last ones in the names of pictures."""
    if index.dtype.kind in "iu":
        return np.asarray(index, np.int64)
    found = [re.findall(r"\d+", Path(str(name)).stem) for name in index]
    if not all(found):
        raise InvalidValue(f"expected frame numbers as index, got {[str(name) for name in index[:3]]}")
    return np.array([int(numbers[-1]) for numbers in found], np.int64)


_HDF5 = (".h5", ".hdf5")
_READERS = {".csv": _deeplabcut_csv} | dict.fromkeys(_HDF5, _deeplabcut_h5)
