"""Joints in space from our files, from an .npz, and from other programs' files: what poses are held against."""

from __future__ import annotations

import os
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from stereo3d import storage
from stereo3d.cameras import RectifiedCamera
from stereo3d.errors import InputError, InvalidValue
from stereo3d.evaluation.points import Frame, Points, check_frame, points_of, scale_of
from stereo3d.limits import check_claim
from stereo3d.poses import Poses3D
from stereo3d.skeleton import joint_name
from stereo3d.values import Ints, array

_ZIP_MAGIC = b"PK"
_TEXTS = (".csv", ".trc", ".c3d")
_DAMAGE = (OSError, ValueError, EOFError, KeyError, RuntimeError, MemoryError, SyntaxError, TypeError, OverflowError,
           tokenize.TokenError, zipfile.BadZipFile, zlib.error)  # fmt: skip


def read_truth(
    path: str | os.PathLike[str], frame: Frame | str | None = None, unit: str | None = None
) -> Points:
    """The truth of a recording with `truth`, of a file with `truth` or else `poses`, or what `read_joints` reads.

    Raises UsageError where `frame` contradicts the file, and what `read_joints` does.
    """
    if _is_foreign(path):
        return read_joints(path, frame, unit, strict=True)
    try:
        poses = _stored_poses(path)
        check_frame(frame, "rectified" if isinstance(poses.camera, RectifiedCamera) else "left")
        return points_of(poses)
    except InvalidValue as error:
        raise InvalidValue(f"{path}: {error}") from error


def read_joints(
    path: str | os.PathLike[str], frame: Frame | str | None = None, unit: str | None = None, *, strict: bool = False
) -> Points:
    """Joints in space from an .npz, .csv, .trc or .c3d.

    An .npz has `xyz` (T, J, 3) and `joints` (J names, as other people write them too); it may have `valid` (T, J),
    `video_frame` (T,), `time` (T,) s, and `frame`, "left" or "rectified": the camera that xyz is in. Where a file does
    not say, the argument `frame` does, and else it is the left camera as it was mounted. `unit` (m, cm, mm) is that of
    a file that names none, by default m. Raises InputError for a file that is none of these or is damaged, and with
    `strict` UsageError where `frame` contradicts the file.
    """
    if not _is_foreign(path):
        raise InputError(f"{path}: expected joints in space as .npz, .csv, .trc or .c3d, or a file with poses")
    try:
        if Path(path).suffix.lower() in _TEXTS:
            from stereo3d.evaluation.files.spatial import read_points

            return read_points(path, frame, unit, strict=strict)
        return _from_entries(_load_npz(path), frame, unit, strict)
    except InvalidValue as error:
        raise InvalidValue(str(error) if str(path) in str(error) else f"{path}: {error}") from error


def _is_foreign(path: str | os.PathLike[str]) -> bool:
    """Whether a file is none of ours by its ending, or zipped. Raises InputError for one that cannot be opened."""
    try:
        with open(path, "rb") as stream:
            zipped = stream.read(len(_ZIP_MAGIC)) == _ZIP_MAGIC
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    return zipped or Path(path).suffix.lower() in _TEXTS


def _stored_poses(path: str | os.PathLike[str]) -> Poses3D:
    with storage.open_hdf5(path) as file:
        held = [name for name in ("truth", "poses") if name in file]
        if not held:
            names = ", ".join(file) or "nothing"
            raise InputError(f"{path}: expected a truth, as group truth or poses, got {names}")
        value = storage.get(file, held[0])
    if not isinstance(value, Poses3D):
        raise InputError(f"{path}: {held[0]}: expected Poses3D, got {type(value).__name__}")
    return value


def _load_npz(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Its arrays. No pickled object is opened, and nothing that unpacks to more than a gigabyte."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
        check_claim(f"{path}", size, os.path.getsize(path))
        with np.load(Path(path), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except _DAMAGE as error:
        raise InputError(f"{path}: expected an .npz of plain arrays, got one that cannot be read ({error})") from error


def _from_entries(entries: dict[str, Any], frame: str | None, unit: str | None, strict: bool) -> Points:
    missing = {"xyz", "joints"} - entries.keys()
    if missing:
        raise InvalidValue(f"expected arrays xyz and joints, got {', '.join(sorted(entries)) or 'none'}")
    names = np.atleast_1d(entries["joints"])
    if names.dtype.kind != "U" or names.ndim != 1:
        raise InvalidValue(f"joints: expected a list of names, got {names.dtype} of shape {names.shape}")
    xyz = scale_of(unit or "m") * array("xyz", entries["xyz"], ("T", len(names), 3))
    if "valid" in entries:
        xyz[~array("valid", entries["valid"], xyz.shape[:2], np.bool_)] = np.nan
    if "frame" in entries and strict:
        check_frame(frame, str(entries["frame"]))
    camera = str(entries.get("frame", frame or "left"))
    joints = tuple(joint_name(str(name)) for name in names)
    return Points(xyz, joints, camera, _frame_numbers(entries), entries.get("time"))  # type: ignore[arg-type]


def _frame_numbers(entries: dict[str, Any]) -> Ints | None:
    if "video_frame" not in entries:
        return None
    numbers = np.asarray(entries["video_frame"])
    with np.errstate(invalid="ignore"):
        whole = numbers.astype(np.int64) if numbers.dtype.kind in "iuf" else np.zeros(0, np.int64)
    if not np.array_equal(whole, numbers):
        raise InvalidValue(f"video_frame: expected whole numbers, got {numbers.dtype} {numbers.ravel()[:5]}")
    return whole
