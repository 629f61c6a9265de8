"""labelme's JSON, one file for each picture: joints as points, each labelled by its name.

Source: https://github.com/wkentaro/labelme. Its (0, 0) is the corner of the first pixel, ours the middle, so half a
pixel is taken off. A point with the flag or description `occluded` was guessed. Where points are grouped, the group of
the most points is the infant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stereo3d.datasets.annotated import Annotated
from stereo3d.datasets.marks import HIDDEN, Mark, Marked, put_together
from stereo3d.datasets.pictures import subject_of, within
from stereo3d.errors import InputError
from stereo3d.limits import LARGEST_PICTURE, parse_json, read_text


def read(path: Path, pictures: Path | None = None) -> Annotated:
    """The pictures of one file, or of all in a folder and the folders in it; each folder is an infant's.

    Pictures lie where their files say, within `pictures` or the folder. Raises InputError.
    """
    files = sorted(path.rglob("*.json")) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path}: expected labelme's JSON files or a data set's folders, got neither")
    root = path if path.is_dir() else path.parent
    return put_together(path, [_one(file, root, pictures) for file in files])


def _one(file: Path, root: Path, pictures: Path | None) -> Marked:
    try:
        held = parse_json(read_text(file, LARGEST_PICTURE))
        name = str(held["imagePath"]).replace("\\", "/")
        points = [shape for shape in held["shapes"] if shape.get("shape_type", "point") == "point"]
        marks = [(str(p["label"]), _mark(p)) for p in _infant(points)]
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(f"{file}: expected labelme's shapes and imagePath, got another file ({error!r})") from error
    by_name = dict(marks)
    if len(by_name) < len(marks):
        raise InputError(f"{file}: expected each joint once, got one twice; group the points of each person")
    beside = (file.parent / name).resolve()
    found = within(pictures, Path(name).name, file) if pictures else within(root, str(beside), file)
    return Marked(found, _subject(file, root, found), by_name)


def _subject(file: Path, root: Path, picture: Path) -> str:
    folder = file.parent.relative_to(root).as_posix()
    return folder if folder != "." else subject_of(picture.name, root.name)


def _infant(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not points:
        return []
    most = Counter(p.get("group_id") for p in points).most_common(1)[0][0]
    return [p for p in points if p.get("group_id") == most]


def _mark(point: Mapping[str, Any]) -> Mark:
    x, y = (float(v) - 0.5 for v in point["points"][0])
    said = {str(point.get("description") or "").strip().lower()}
    said |= {str(flag).lower() for flag, on in (point.get("flags") or {}).items() if on}
    return Mark(x, y, not said & HIDDEN)
