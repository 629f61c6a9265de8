"""Recordings as folders of pictures: two folders, one with a folder for each view, or one with both views' files."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path

import numpy as np

from stereo3d.errors import RecordingError, UsageError
from stereo3d.limits import LARGEST_PICTURE
from stereo3d.recording import pictures
from stereo3d.recording.base import Told
from stereo3d.recording.paired import Facts, PairedRecording, rate, steady_time, two_views
from stereo3d.stereo import SIDES, Stereo
from stereo3d.values import Bytes, Floats

_FOLDERS = (("left", "right"), ("image_0", "image_1"), ("image_2", "image_3"), ("image_00", "image_01"))
"""Names of the two views' folders; image_* as KITTI has them (0 and 1 grey, 2 and 3 in colour)."""
_SIDE_WORD = re.compile(r"(?<![a-z])(left|right)(?![a-z])", re.IGNORECASE)


def open_images(left: Path, right: Path | None, told: Told) -> PairedRecording | None:
    """The recording in a folder or two of PNG, JPEG or BMP pictures, None for files.

    Pictures with the same name, but for the words left and right, or with the same number make a pair. Times (s) come
    from a `times.txt` with a line for each pair. Raises RecordingError where there are no pairs.
    """
    if not left.is_dir() and not (right and right.is_dir()):
        return None
    if right is not None and not (left.is_dir() and right.is_dir()):
        raise UsageError(f"{left}, {right}: expected two folders or two files, got one of each")
    files = _one_folder(left) if right is None else Stereo(_pictures_of(left), _pictures_of(right))
    paired, notes = _pair(files)
    views = paired.map(ImageFiles)
    where = left if right is None or left.parent != right.parent else left.parent
    time, fps, more = _time(where, len(paired.left), told)
    facts = Facts(
        sources=(left,) if right is None else (left, right),
        kind="folder of pictures" if right is None else "two folders of pictures",
        codec=paired.left[0].suffix.lower().removeprefix("."),
        size=_common_size(views),
        time=time,
        fps=fps,
        notes=(*notes, *more),
    )
    return PairedRecording(facts.hear(told), two_views(*views))


def natural(path: Path) -> tuple[tuple[int, int | str], ...]:
    """A key that sorts names as people count: 2 before 10."""
    parts = re.split(r"(\d+)", path.name.lower())
    return tuple((0, int(p)) if p.isdigit() else (1, p) for p in parts)


def _pictures_of(folder: Path) -> list[Path]:
    """The pictures of a folder in natural order. Raises RecordingError where there are none."""
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


def _pair(files: Stereo[list[Path]]) -> tuple[Stereo[list[Path]], tuple[str, ...]]:
    """The files of each view that have a partner, in order, and a note on those left out.

    By name or number, never by place alone where a picture may be missing: all later pairs would be shifted.
    """
    for key in (_name, _last_number):
        keyed = files.map(lambda paths, key=key: _by_key(paths, key))
        both = [k for k in keyed.left if k in keyed.right]
        if both:
            left_out = len(files.left) + len(files.right) - 2 * len(both)
            notes = (f"pictures left out for want of a partner: {left_out}",) if left_out else ()
            return keyed.map(lambda named, both=both: [named[k] for k in both]), notes
    if len(files.left) != len(files.right):
        raise RecordingError(
            f"{files.left[0].parent}: expected pictures with the same names or numbers on both sides, "
            f"got {len(files.left)} left and {len(files.right)} right with none in common"
        )
    return files, ("pictures are paired in the order of their names",)


def _by_key(paths: Sequence[Path], key: Callable[[Path], Hashable]) -> dict[Hashable, Path]:
    """Paths by key; none at all where a key comes twice or is lacking."""
    named = {key(p): p for p in paths}
    return named if len(named) == len(paths) and None not in named else {}


def _name(path: Path) -> str:
    return _SIDE_WORD.sub("", path.stem).lower()


def _last_number(path: Path) -> int | None:
    numbers = re.findall(r"\d+", path.stem)
    return int(numbers[-1]) if numbers else None


def _time(folder: Path, n_pairs: int, told: Told) -> tuple[Floats, float, tuple[str, ...]]:
    path = folder / "times.txt"
    if not path.is_file():
        return steady_time(n_pairs, told.fps)
    if path.stat().st_size > LARGEST_PICTURE:
        raise RecordingError(f"{path}: expected {n_pairs} lines, got a file of {path.stat().st_size} bytes")
    try:
        time = np.array(path.read_text(encoding="utf-8").split(), np.float64)
    except ValueError as error:
        raise RecordingError(f"{path}: expected a time in seconds in every line, got others ({error})") from error
    if len(time) != n_pairs:
        raise RecordingError(f"{path}: expected {n_pairs} times to go with the pairs, got {len(time)}")
    return time, rate(time), ()


def _common_size(views: Stereo[ImageFiles]) -> tuple[int, int]:
    left, right = (view[0].shape[1::-1] for view in views)
    if left != right:
        raise RecordingError(f"{views.left.paths[0]}: expected two views of one size, got {left} and {right}")
    return left[0], left[1]


class ImageFiles:
    """The pictures of one view, a file each; grey ones become RGB, deep ones 8 bits."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Bytes:
        return pictures.decode(self.jpeg(index), str(self.paths[index]))

    def jpeg(self, index: int) -> Bytes:
        """The file of a picture, of whatever kind."""
        path = self.paths[index]
        try:
            if path.stat().st_size > LARGEST_PICTURE:
                raise RecordingError(f"{path}: expected a picture of up to {LARGEST_PICTURE} bytes; refused")
            return np.fromfile(path, np.uint8)
        except OSError as error:
            raise RecordingError(f"{path}: could not be read ({error.strerror})") from error
