"""COCO's JSON: images, annotations with keypoints, and the joints' names in the category.

Source: https://cocodataset.org/#format-data. SyRIP (Huang et al., FG 2021) has this form.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np

from stereo3d.datasets.annotated import Annotated
from stereo3d.errors import InputError
from stereo3d.limits import parse_json, read_text
from stereo3d.recording.pictures import decode
from stereo3d.skeleton import COCO_17, CROWDPOSE_14, SKELETONS, Skeleton
from stereo3d.values import Bytes

_LONGEST = 1 << 30
_BY_COUNT = {len(s): s for s in (COCO_17, CROWDPOSE_14)}


def read(path: Path, pictures: Path | None = None) -> Annotated:
    """The infant of each picture: the person of the largest box or extent.

    Whose picture it is: the image's own `subject`, else its folder, else its name without the number at the end.
    Pictures lie in `pictures`, by default beside the file; names that lead out of there are refused. Raises InputError.
    """
    try:
        held = parse_json(read_text(path, _LONGEST))
        images = {int(i["id"]): i for i in held["images"]}
        people = [a for a in held["annotations"] if a.get("keypoints") and any(a["keypoints"][2::3])]
        skeleton = _skeleton(held, people)
        rows = np.array([p["keypoints"] for p in people], float).reshape(len(people), len(skeleton), 3)
        best = _largest(people, rows)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: expected COCO's images and annotations with keypoints, got another file ({error!r})"
                         ) from error
    folder = (pictures or path.parent).resolve()
    chosen = [(images[image], rows[row]) for image, row in sorted(best.items()) if image in images]
    files = [_within(folder, str(image["file_name"]), path) for image, _ in chosen]
    marks = np.array([m for _, m in chosen]).reshape(len(chosen), len(skeleton), 3)
    known = marks[..., 2] > 0

    def picture(row: int) -> Bytes:
        return _load(files[row])

    return Annotated(
        picture, np.where(known[..., None], marks[..., :2], np.nan), known.astype(float), marks[..., 2] == 2,
        tuple(_subject(image, path) for image, _ in chosen), skeleton)


def _skeleton(held: dict[str, Any], people: list[dict[str, Any]]) -> Skeleton:
    said = [tuple(c["keypoints"]) for c in held.get("categories", ()) if c.get("keypoints")]
    for names in said:
        for skeleton in SKELETONS.values():
            if skeleton.joints == names:
                return skeleton
    count = len(people[0]["keypoints"]) // 3 if people else len(COCO_17)
    if count not in _BY_COUNT:
        raise ValueError(f"{count} joints")
    return _BY_COUNT[count]


def _largest(people: list[dict[str, Any]], rows: np.ndarray) -> dict[int, int]:
    """Which of the people is the infant of each picture, by the image's number."""
    best: dict[int, tuple[float, int]] = {}
    for row, person in enumerate(people):
        known = rows[row][rows[row, :, 2] > 0, :2]
        box = person.get("bbox") or [0, 0, *np.ptp(known, axis=0)]
        image, area = int(person["image_id"]), float(box[2]) * float(box[3])
        if image not in best or area > best[image][0]:
            best[image] = (area, row)
    return {image: row for image, (_, row) in best.items()}


def _subject(image: dict[str, Any], path: Path) -> str:
    told = image.get("subject", image.get("infant"))
    if told is not None:
        return str(told)
    name = PurePosixPath(str(image["file_name"]).replace("\\", "/"))
    bare = re.sub(r"[_\- ]?\d+$", "", name.stem)
    return str(name.parent) if str(name.parent) != "." else bare or path.stem


def _within(folder: Path, name: str, path: Path) -> Path:
    found = (folder / name).resolve()
    if not found.is_relative_to(folder):
        raise InputError(f"{path}: expected pictures within {folder}, got {name!r}")
    return found


def _load(path: Path) -> Bytes:
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); give data.pictures, the pictures' folder"
                         ) from error
    image = decode(data, str(path))
    return image if image.ndim == 3 else np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB))
