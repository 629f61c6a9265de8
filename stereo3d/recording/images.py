"""Recordings as folders of pictures: two folders, one with a folder for each view, or one with both views' files."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stereo3d.errors import LostPicture, RecordingError, UsageError
from stereo3d.limits import LARGEST_PICTURE
from stereo3d.recording import pictures
from stereo3d.recording.base import Told
from stereo3d.recording.kitti import read_cameras, read_times
from stereo3d.recording.paired import Facts, PairedRecording, rate, steady_time, two_views
from stereo3d.stereo import SIDES, Stereo
from stereo3d.values import Bytes, Floats

_FOLDERS = (
    ("left", "right"), ("image_0", "image_1"), ("image_2", "image_3"), ("image_00", "image_01"),
    ("image_02", "image_03"),
)
"""Names of the two views' folders; image_* as KITTI has them (0 and 1 grey, 2 and 3 in colour)."""
_COLOURED = ("image_2", "image_02")
_SAMPLED = 5
"""Pictures that are looked at to see how many bits they use."""
_REACH = 600
"""Pairs that are looked through for one that can be read."""
_HEAD = 64
"""Bytes of a picture, among which its depth is."""
_SIDE_WORD = re.compile(r"(?<![a-z])(left|right)(?![a-z])", re.IGNORECASE)


def open_images(left: Path, right: Path | None, told: Told) -> PairedRecording | None:
    """The recording in a folder or two of PNG, JPEG or BMP pictures, None for files.

    Pictures with the same name, but for the words left and right, or with the same number make a pair; one that has no
    partner leaves its pair invalid. Times (s) come from a `times.txt` with a line for each pair, the cameras from a
    `calib.txt` as KITTI has it. Raises RecordingError where there are no pairs.
    """
    if not left.is_dir() and not (right and right.is_dir()):
        return None
    if right is not None and not (left.is_dir() and right.is_dir()):
        raise UsageError(f"{left}, {right}: expected two folders or two files, got one of each")
    if right is None:
        return _recording((left,), left, _one_folder(left), told)
    where = left.parent if left.parent == right.parent else left
    return _recording((left, right), where, Stereo(_pictures_of(left), _pictures_of(right)), told)


def _recording(sources: tuple[Path, ...], where: Path, files: Stereo[list[Path]], told: Told) -> PairedRecording:
    """The recording of those files; what is said of them lies in the folder `where`."""
    paired, notes = _pair(files)
    views = paired.map(ImageFiles)
    size, deep = _common_size(views), _settle_depth(views)
    first = next(path for path in paired.left if path is not None)
    time, fps, timed = _time(where, first, len(paired.left), told)
    camera, found = read_cameras(where, Stereo(*_numbers(first)), size)
    facts = Facts(
        sources=sources,
        kind="folder of pictures" if len(sources) == 1 else "two folders of pictures",
        codec=first.suffix.lower().removeprefix("."),
        size=size,
        time=time,
        fps=fps,
        valid=np.array([None not in pair for pair in zip(*paired, strict=True)]),
        rectified=True if camera else None,
        rig=camera,
        notes=(*notes, *deep, *timed, *found),
    )
    return PairedRecording(facts.hear(told), two_views(*views))


def _time(folder: Path, first: Path, n_pairs: int, told: Told) -> tuple[Floats, float, tuple[str, ...]]:
    """Time (T,) s, fps and notes; the times lie in the folder of both views or in that of the left one."""
    for place in dict.fromkeys([folder, first.parent, first.parent.parent]):
        time = read_times(place, n_pairs) if place == folder or folder in place.parents else None
        if time is not None:
            return time, rate(time), ()
    return steady_time(n_pairs, told.fps)


def _numbers(path: Path) -> tuple[int, int]:
    """The numbers of the left and the right camera by KITTI's names of folders."""
    name = next((part for part in reversed(path.parts) if part in _COLOURED), "")
    return (2, 3) if name else (0, 1)


def natural(path: Path) -> tuple[tuple[int, int | str], ...]:
    """A key that sorts names as people count: 2 before 10."""
    parts = re.split(r"(\d+)", path.name.lower())
    return tuple((0, int(p)) if p.isdigit() else (1, p) for p in parts)


def _pictures_of(folder: Path) -> list[Path]:
    """The pictures of a folder, or of its folder `data` as KITTI's raw recordings have them, in natural order. Raises
    RecordingError where there are none."""
    folder = folder / "data" if (folder / "data").is_dir() else folder
    found = sorted((p for p in folder.iterdir() if p.suffix.lower() in pictures.SUFFIXES), key=natural)
    if not found:
        raise RecordingError(f"{folder}: expected pictures ({', '.join(pictures.SUFFIXES)}), got none")
    return found


def _one_folder(folder: Path) -> Stereo[list[Path]]:
    for names in _FOLDERS:
        if all((folder / name).is_dir() for name in names):
            return Stereo(*(_pictures_of(folder / name) for name in names))
    found = _pictures_of(folder)
    views = [[p for p in found if _sides_named(p) == {side}] for side in SIDES]
    if not all(views):
        raise RecordingError(
            f"{folder}: expected folders left and right (or image_0 and image_1), or files named left... and right..., "
            f"got {len(views[0])} left and {len(views[1])} right of {len(found)} pictures"
        )
    return Stereo(*views)


def _sides_named(path: Path) -> set[str]:
    return {word.lower() for word in _SIDE_WORD.findall(path.stem)}


def _pair(files: Stereo[list[Path]]) -> tuple[Stereo[list[Path | None]], tuple[str, ...]]:
    """The files of the pairs in order, from the first to the last that has both, None for one that is missing there;
    and notes on these and on what was left out.

    By name or number, never by place alone where a picture may be missing: all later pairs would be shifted.
    """
    for key in (_name, _last_number):
        keyed = files.map(lambda paths, key=key: _by_key(paths, key))
        keys = sorted({*keyed.left, *keyed.right}, key=_in_order)
        both = [i for i, k in enumerate(keys) if k in keyed.left and k in keyed.right]
        if both:
            kept = keys[both[0]:both[-1] + 1]
            return keyed.map(lambda named, kept=kept: [named.get(k) for k in kept]), _told(files, len(kept), len(both))
    if len(files.left) != len(files.right):
        raise RecordingError(
            f"{files.left[0].parent}: expected pictures with the same names or numbers on both sides, "
            f"got {len(files.left)} left and {len(files.right)} right with none in common"
        )
    return files.map(lambda paths: [*paths]), ("pictures are paired in the order of their names",)


def _told(files: Stereo[list[Path]], n_pairs: int, n_whole: int) -> tuple[str, ...]:
    """Notes on pictures without a partner."""
    gaps = n_pairs - n_whole
    left_out = len(files.left) + len(files.right) - 2 * n_whole - gaps
    notes = [f"{gaps} pairs lack a picture: they are marked invalid"] if gaps else []
    if left_out:
        notes.append(f"pictures left out for want of a partner before the first pair or after the last: {left_out}")
    return tuple(notes)


def _in_order(key: Hashable) -> Any:
    return key if isinstance(key, int) else natural(Path(str(key)))


def _by_key(paths: Sequence[Path], key: Callable[[Path], Hashable]) -> dict[Hashable, Path]:
    """Paths by key; none at all where a key comes twice or is lacking."""
    named = {key(p): p for p in paths}
    return named if len(named) == len(paths) and None not in named else {}


def _name(path: Path) -> str:
    return _SIDE_WORD.sub("", path.stem).lower()


def _last_number(path: Path) -> int | None:
    numbers = re.findall(r"\d+", path.stem)
    return int(numbers[-1]) if numbers else None


def _common_size(views: Stereo[ImageFiles]) -> tuple[int, int]:
    """(width, height) px of the first pair of pictures that can be read. Raises RecordingError where none can."""
    reason = ""
    for index in range(min(_REACH, len(views.left))):
        try:
            left, right = (view[index].shape[1::-1] for view in views)
        except LostPicture as error:
            reason = reason or str(error)
            continue
        if left != right:
            where = views.left.paths[index]
            raise RecordingError(f"{where}: expected two views of one size, got {left} and {right}")
        return left[0], left[1]
    raise RecordingError(f"expected pictures, got no pair that can be read: {reason}")


class ImageFiles:
    """The pictures of one view, a file each; grey ones become RGB, deep ones 8 bits. Raises LostPicture for one that
    cannot be read."""

    def __init__(self, paths: Sequence[Path | None]) -> None:
        self.paths = paths
        self._folder = next((path.parent for path in paths if path is not None), None)
        self.bits = 16
        """In use of deep samples, of which the upper 8 are taken."""

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Bytes:
        return pictures.decode(self.jpeg(index), str(self.paths[index]), bits=self.bits)

    def jpeg(self, index: int) -> Bytes:
        """The file of a picture, of whatever kind."""
        path = self.paths[index]
        if path is None:
            raise LostPicture(f"{self._folder}: has no picture for pair {index}")
        try:
            if path.stat().st_size > LARGEST_PICTURE:
                raise LostPicture(f"{path}: expected a picture of up to {LARGEST_PICTURE} bytes; refused")
            return np.fromfile(path, np.uint8)
        except OSError as error:
            raise LostPicture(f"{path}: could not be read ({error.strerror})") from error

    def bits_needed(self) -> int:
        """Bits that the samples of some pictures from all over need, 0 where they are not deep."""
        needed = 0
        for index in np.unique(np.linspace(0, len(self) - 1, _SAMPLED).astype(int)).tolist():
            try:
                data = self.jpeg(index)
                if pictures.is_deep(data[:_HEAD].tobytes()):
                    needed = max(needed, pictures.bits_in_use(data, str(self.paths[index])))
            except LostPicture:
                continue
        return needed


def _settle_depth(views: Stereo[ImageFiles]) -> tuple[str, ...]:
    """Have both views' deep pictures read alike, and say how. Cameras of 10 or 12 bits leave the upper ones of 16
    empty: taken as they are, their pictures would be black."""
    needed = max(view.bits_needed() for view in views)
    if not needed or needed == 16:
        return ()
    for view in views:
        view.bits = needed
    return (f"pictures of 16 bits hold samples of {needed}: the upper 8 of these are taken",)
