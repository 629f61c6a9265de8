"""COCO's JSON: images, annotations with keypoints, and the joints' names in the category.

Source: https://cocodataset.org/#format-data. SyRIP (Huang et al., FG 2021) has this form: its pictures are called
train00001.jpg or test0.jpg and nothing tells whose they are, so those of its train and of its validation file count as
one infant each, and its own split is the only one it can be given.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from stereo3d.datasets.annotated import Annotated
from stereo3d.datasets.pictures import LONGEST, reader, subject_of, within
from stereo3d.errors import InputError
from stereo3d.limits import parse_json, read_text
from stereo3d.skeleton import COCO_17, CROWDPOSE_14, SKELETONS, Skeleton
from stereo3d.values import Floats

_BY_COUNT = {len(s): s for s in (COCO_17, CROWDPOSE_14)}


def read(path: Path, pictures: Path | None = None, held: Any = None) -> Annotated:
    """The infant of each picture, the person of the largest box or extent, and the others. `held` is what the file
    holds, if known.

    Whose picture it is: the image's own `subject`, else its folder, else its name without the number at the end.
    Pictures lie in `pictures`, by default where COCO's folders have them (`images/SPLIT` or `SPLIT` beside
    `annotations/person_keypoints_SPLIT.json`), else beside the file; names that lead out of there are refused. Raises
    InputError.
    """
    try:
        held = parse_json(read_text(path, LONGEST)) if held is None else held
        images, marks, others, skeleton = _people(held)
        names = [str(image["file_name"]) for image in images]
        subjects = tuple(whose(image, path) for image in images)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(f"{path}: expected COCO's images and annotations with keypoints, got another file ({error!r})"
                         ) from error
    folder = pictures or _folder(path)
    files = [within(folder, name, path) for name in names]
    known = marks[..., 2] > 0
    return Annotated(
        reader(files), _places(marks), known.astype(float), marks[..., 2] == 2, subjects, skeleton, _places(others))


def _places(marks: Floats) -> Floats:
    """(..., 2) px, NaN where nothing is marked, of keypoints (..., 3)."""
    return np.where(marks[..., 2:] > 0, marks[..., :2], np.nan)


def _people(held: Any) -> tuple[list[dict[str, Any]], Floats, Floats, Skeleton]:
    """The N images that show someone, in the order of their numbers, and the keypoints in each: the infant's (N, K, 3)
    and those of P others (N, P, K, 3), 0 where there are fewer.
    """
    images = {int(i["id"]): i for i in held["images"]}
    people = [a for a in held["annotations"] if a.get("keypoints") and any(a["keypoints"][2::3])]
    skeleton = _skeleton(held, people)
    rows = np.array([p["keypoints"] for p in people], float).reshape(len(people), len(skeleton), 3)
    best = {image: row for image, row in sorted(_largest(people, rows).items()) if image in images}
    with_them: dict[int, list[int]] = {image: [] for image in best}
    for row, person in enumerate(people):
        image = int(person["image_id"])
        if image in best and row != best[image]:
            with_them[image].append(row)
    others = np.zeros((len(best), max(map(len, with_them.values()), default=0), len(skeleton), 3))
    for place, theirs in zip(others, with_them.values()):
        place[: len(theirs)] = rows[theirs]
    return [images[image] for image in best], rows[[*best.values()]], others, skeleton


def whose(image: Mapping[str, Any], path: Path) -> str:
    """The infant that an entry of `images` shows."""
    told = image.get("subject", image.get("infant"))
    return subject_of(str(image["file_name"]), path.stem) if told is None else str(told)


def _folder(path: Path) -> Path:
    """Where a file's pictures lie if nobody says."""
    split = path.stem.removeprefix("person_keypoints_")
    if split != path.stem:
        for above in path.parents[1:3]:
            for place in (above / "images" / split, above / split):
                if place.is_dir():
                    return place
    return path.parent


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


def _largest(people: list[dict[str, Any]], rows: Floats) -> dict[int, int]:
    """Which of the people is the infant of each picture, by the image's number."""
    best: dict[int, tuple[float, int]] = {}
    for row, person in enumerate(people):
        known = rows[row][rows[row, :, 2] > 0, :2]
        box = person.get("bbox") or [0, 0, *np.ptp(known, axis=0)]
        image, area = int(person["image_id"]), float(box[2]) * float(box[3])
        if image not in best or area > best[image][0]:
            best[image] = (area, row)
    return {image: row for image, (_, row) in best.items()}
