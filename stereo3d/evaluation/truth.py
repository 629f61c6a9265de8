"""Where the joints really were: read from our files or from an .npz, to hold poses against."""

from __future__ import annotations

import os
import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from stereo3d import storage
from stereo3d.cameras import RectifiedCamera
from stereo3d.errors import InputError, InvalidValue, UsageError
from stereo3d.poses import Poses3D
from stereo3d.skeleton import joint_name
from stereo3d.values import Floats, Ints, Value, array

Frame = Literal["left", "rectified"]
FARTHEST_MEDIAN = 20.0
"""m. An infant is not that far away: a truth beyond it is taken for one in millimetres."""
_MOST_BYTES = 1 << 30
_ZIP_MAGIC = b"PK"
_DAMAGE = (OSError, ValueError, EOFError, KeyError, RuntimeError, MemoryError, SyntaxError, TypeError, OverflowError,
           tokenize.TokenError, zipfile.BadZipFile, zlib.error)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Truth(Value):
    """The known places of J joints in T frames."""

    xyz: Floats
    """(T, J, 3) m, NaN where not known."""
    joints: tuple[str, ...]
    """J names as the toolkit writes them."""
    camera: Frame
    """Whose coordinates they are: the left camera's as it was mounted, or the rectified left one's."""
    frame: Ints | None = None
    """(T,) index of the pair in the recording, where it is known."""
    time: Floats | None = None
    """(T,) s from the recording's start, where it is known."""

    def __post_init__(self) -> None:
        if self.camera not in get_args(Frame):
            raise UsageError(f"frame: expected the camera of the truth, left or rectified, got {self.camera!r}")
        xyz = array("xyz", self.xyz, ("T", len(self.joints), 3))
        if len(set(self.joints)) < len(self.joints):
            raise InvalidValue(f"joints: expected {len(self.joints)} different names, got {', '.join(self.joints)}")
        known = np.abs(xyz[..., 2][np.isfinite(xyz).all(-1)])
        if known.size and np.median(known) > FARTHEST_MEDIAN:
            raise InvalidValue(
                f"xyz: expected metres, got a median |Z| of {np.median(known):.4g}; divide by 1000 if they are "
                "millimetres"
            )
        self._set(xyz=xyz, joints=tuple(self.joints))
        if self.frame is not None:
            self._set(frame=array("frame", self.frame, xyz.shape[:1], np.int64))
        if self.time is not None:
            self._set(time=array("time", self.time, xyz.shape[:1]))


def truth_of(poses: Poses3D) -> Truth:
    """Poses as a truth, such as the exact ones of a simulation, in the left camera as it was mounted."""
    return Truth(poses.in_left_camera(), poses.skeleton.joints, "left", poses.frame, poses.time)


def read_truth(path: str | os.PathLike[str], frame: Frame | str | None = None) -> Truth:
    """The truth of an .npz, of a recording with `truth`, of a file with `truth` or else `poses`, or a .csv, .trc, .c3d.

    An .npz has `xyz` (T, J, 3) m and `joints` (J names, as other people write them too); it may have `valid` (T, J),
    `video_frame` (T,), `time` (T,) s, and `frame`, "left" or "rectified": the camera that xyz is in. Where it does
    not say, the argument `frame` does, and else it is the left camera as it was mounted. Our own files say it.
    Raises InputError for a file that is none of these or is damaged, UsageError where `frame` contradicts the file.
    """
    try:
        with open(path, "rb") as stream:
            zipped = stream.read(len(_ZIP_MAGIC)) == _ZIP_MAGIC
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        if Path(path).suffix.lower() in (".csv", ".trc", ".c3d"):
            from stereo3d.evaluation.spatial_files import read_points

            return read_points(path, frame or "left")  # type: ignore[arg-type]
        if zipped:
            return _from_entries(_load_npz(path), frame)
        poses = _stored_poses(path)
        _check_frame(frame, "rectified" if isinstance(poses.camera, RectifiedCamera) else "left")
        return truth_of(poses)
    except InvalidValue as error:
        raise InvalidValue(f"{path}: {error}") from error


def _check_frame(said: str | None, held: str) -> None:
    if said not in (None, held):
        raise UsageError(f"frame: the file says that its truth is in the {held} camera, got {said!r}")


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
        if size > _MOST_BYTES:
            raise InputError(f"{path}: unpacks to {size} bytes, more than a truth can need; refused")
        with np.load(Path(path), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except _DAMAGE as error:
        raise InputError(f"{path}: expected an .npz of plain arrays, got one that cannot be read ({error})") from error


def _from_entries(entries: dict[str, Any], frame: str | None) -> Truth:
    missing = {"xyz", "joints"} - entries.keys()
    if missing:
        raise InvalidValue(f"expected arrays xyz and joints, got {', '.join(sorted(entries)) or 'none'}")
    names = np.atleast_1d(entries["joints"])
    if names.dtype.kind != "U" or names.ndim != 1:
        raise InvalidValue(f"joints: expected a list of names, got {names.dtype} of shape {names.shape}")
    xyz = np.array(array("xyz", entries["xyz"], ("T", len(names), 3)))
    if "valid" in entries:
        xyz[~array("valid", entries["valid"], xyz.shape[:2], np.bool_)] = np.nan
    if "frame" in entries:
        _check_frame(frame, str(entries["frame"]))
    camera = str(entries.get("frame", frame or "left"))
    joints = tuple(joint_name(str(name)) for name in names)
    return Truth(xyz, joints, camera, _frame_numbers(entries), entries.get("time"))  # type: ignore[arg-type]


def _frame_numbers(entries: dict[str, Any]) -> Ints | None:
    if "video_frame" not in entries:
        return None
    numbers = np.asarray(entries["video_frame"])
    with np.errstate(invalid="ignore"):
        whole = numbers.astype(np.int64) if numbers.dtype.kind in "iuf" else np.zeros(0, np.int64)
    if not np.array_equal(whole, numbers):
        raise InvalidValue(f"video_frame: expected whole numbers, got {numbers.dtype} {numbers.ravel()[:5]}")
    return whole
