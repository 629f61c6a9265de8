"""Annotated pictures from a file or folder, in whichever form it has."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from stereo3d.datasets import coco, label_studio, labelme, mini_rgbd, recordings, stereo_marks
from stereo3d.datasets.annotated import Annotated, joined
from stereo3d.datasets.pictures import LONGEST
from stereo3d.errors import InputError
from stereo3d.limits import parse_json, read_text


def read_annotated(path: str | os.PathLike[str], pictures: str | os.PathLike[str] | None = None) -> Annotated:
    """The annotated pictures of a file or folder, told by what it holds.

    COCO's JSON (SyRIP's too; side by side pairs as their views), Label Studio's JSON, labelme's JSON or a folder of
    them, MINI-RGBD's folder, or a recording of ours with labels or joints. `pictures` is the folder of the pictures
    where they lie elsewhere. Raises InputError for anything else.
    """
    place, folder = Path(path), None if pictures is None else Path(pictures)
    if place.is_dir():
        return mini_rgbd.read(place) if mini_rgbd.sequences(place) else labelme.read(place, folder)
    if not place.is_file():
        raise InputError(f"{place}: there is no such file")
    if place.suffix.lower() != ".json":
        return recordings.read(place)
    try:
        held = parse_json(read_text(place, LONGEST))
    except InputError as error:
        raise InputError(f"{place}: {error}" if str(place) not in str(error) else str(error)) from error
    return _of_json(place, folder, held)


def _of_json(path: Path, pictures: Path | None, held: Any) -> Annotated:
    if isinstance(held, list):
        return label_studio.read(path, pictures, held)
    if isinstance(held, dict) and "shapes" in held:
        return labelme.read(path, pictures)
    if isinstance(held, dict) and stereo_marks.side_by_side(held):
        return joined(list(stereo_marks.read_views(path, pictures, held)))
    return coco.read(path, pictures, held)
