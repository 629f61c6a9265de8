"""Joints in one view from COCO's JSON: results of a detector, and annotated data sets.

image_id takes the place of the frame's number. Source: https://cocodataset.org/#format-data and #format-results.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from stereo3d import limits
from stereo3d.errors import InvalidValue
from stereo3d.evaluation.oks import MOST_DETECTIONS, People, box_area
from stereo3d.evaluation.views import Pictured, PictureTruth, skeleton_of, truth_of_joints
from stereo3d.poses import Poses2D
from stereo3d.skeleton import COCO_17, CROWDPOSE_14, Skeleton
from stereo3d.values import Bools, Floats, Ints

_SPARSE = 16
"""By how much more people a picture may hold than most, beside what a file may claim (`limits.SPARSEST`)."""
_BY_COUNT = {len(s): s for s in (COCO_17, CROWDPOSE_14)}


def read_results(path: Path, names: tuple[str, ...] = (), rate: float | None = None) -> Pictured:
    """A detector's results: a list of entries with image_id, keypoints and score, the best 20 of each picture.

    `names` are the joints where there are as many; else 17 are COCO's and 14 are CrowdPose's. A missing joint is
    0, 0, 0. `rate` is the pictures' in 1/s. Raises InvalidValue for another file.
    """
    entries = _load(path)
    if not isinstance(entries, list):
        raise InvalidValue("expected COCO's results, a list of entries with image_id, keypoints and score")
    return _results(entries, names, rate)


def read_annotations(path: Path, names: tuple[str, ...] = (), rate: float | None = None) -> PictureTruth:
    """An annotated data set: images, annotations, and the joints' names in its category; or results taken for true.

    The picture's infant is the person of the largest area. Areas are the file's own, where all people have one, else
    of their boxes, else of boxes round their joints. Raises InvalidValue for another file.
    """
    held = _load(path)
    if isinstance(held, list):
        return truth_of_joints(_results(held, names, rate).joints)
    if not isinstance(held, dict) or not isinstance(held.get("annotations"), list):
        raise InvalidValue("expected COCO's data set with annotations, or a list of results")
    people = [a for a in _entries(held["annotations"]) if a["keypoints"]]
    images = _entries(held.get("images", []), "id")
    skeleton, rows = _keypoints(people, _names(held) or names)
    frame = np.unique([int(i) for i in (*(p["image_id"] for p in people), *(i["id"] for i in images))])
    return _truth(people, rows, frame.astype(np.int64), (skeleton, rate, _size(images)))


def _size(images: list[dict[str, Any]]) -> tuple[int, int] | None:
    """(width, height) px, None where the images do not say one."""
    sizes = {(int(i["width"]), int(i["height"])) for i in images if "width" in i and "height" in i}
    return sizes.pop() if len(sizes) == 1 else None


def _load(path: Path) -> Any:
    return limits.parse_json(limits.read_text(path, limits.LARGEST_JSON))


def _entries(entries: Any, needed: str = "keypoints") -> list[dict[str, Any]]:
    if not all(isinstance(e, dict) and needed in e for e in entries):
        raise InvalidValue(f"expected entries with {needed}, got some without")
    return list(entries)


def _results(entries: list[Any], names: tuple[str, ...], rate: float | None) -> Pictured:
    skeleton, rows = _keypoints(_entries(entries), names)
    image = np.array([int(e["image_id"]) for e in entries], np.int64)
    score = np.array([float(e.get("score", 0)) for e in entries])
    order = np.lexsort((-score, image))
    frame, number, rank = _ranks(image[order])
    kept = rank < MOST_DETECTIONS
    everyone = np.full((len(frame), int(rank[kept].max(initial=0)) + 1, len(skeleton), 3), np.nan)
    scores = np.full(everyone.shape[:2], np.nan)
    everyone[number[kept], rank[kept]], scores[number[kept], rank[kept]] = rows[order][kept], score[order][kept]
    return Pictured(poses_of(everyone[:, 0], frame, skeleton, rate), everyone[..., :2], scores, sparse=True)


def _truth(
    people: list[dict[str, Any]], rows: Floats, frame: Ints, about: tuple[Skeleton, float | None, Any]
) -> PictureTruth:
    """From P people's keypoints (P, K, 3) and the numbers of all pictures."""
    skeleton, rate, size = about
    area, area_from = _areas(people, rows)
    image = np.array([int(p["image_id"]) for p in people], np.int64)
    order = np.lexsort((-area, image))
    row, (_, _, rank) = np.searchsorted(frame, image[order]), _ranks(image[order])
    shape = len(frame), int(rank.max(initial=0)) + 1
    claimed = shape[0] * shape[1] * rows[:1].nbytes
    limits.check_claim(f"a data set with up to {shape[1]} people in each picture", claimed, _SPARSE * rows.nbytes)
    marks, areas = np.full((*shape, len(skeleton), 3), np.nan), np.full(shape, np.nan)
    boxes, crowd = np.full((*shape, 4), np.nan), np.zeros(shape, bool)
    marks[row, rank], areas[row, rank] = rows[order], area[order]
    boxes[row, rank] = np.array([p.get("bbox", [np.nan] * 4) for p in people], float).reshape(-1, 4)[order]
    crowd[row, rank] = np.array([bool(p.get("iscrowd", 0)) for p in people], bool)[order]
    labelled: Bools = marks[..., 2] > 0
    xy = np.where(labelled[..., None], marks[..., :2], np.nan)
    known = np.isfinite(boxes).all(-1) | ~np.isfinite(areas)
    everyone = People(xy, labelled, areas, boxes if known.all() else None, crowd)
    time = frame / rate if rate else np.full(len(frame), np.nan)
    score = np.where(labelled[:, 0], 1.0, 0.0)
    infant = Poses2D(xy[:, 0], score, np.full(score.shape, np.nan), time, frame, skeleton)
    return PictureTruth(infant, marks[:, 0, :, 2] == 2, everyone, area_from, size)


def _areas(people: list[dict[str, Any]], rows: Floats) -> tuple[Floats, str]:
    """(N,) px^2 of each person, and where that comes from."""
    if all("area" in p for p in people):
        return np.array([float(p["area"]) for p in people]), "the annotations"
    if all("bbox" in p for p in people):
        return np.array([float(p["bbox"][2]) * float(p["bbox"][3]) for p in people]), "the annotated boxes"
    return box_area(rows[..., :2], rows[..., 2] > 0), "boxes round the marked joints, smaller than the infant"


def _ranks(image: Ints) -> tuple[Ints, Ints, Ints]:
    """The pictures' numbers, rising; for each of the entries (sorted by picture) which picture, and which one in it."""
    frame, first, number = np.unique(image, return_index=True, return_inverse=True)
    return frame, number.reshape(-1), np.arange(len(image)) - first[number.reshape(-1)]


def _keypoints(entries: list[dict[str, Any]], names: tuple[str, ...]) -> tuple[Skeleton, Floats]:
    """(N, K, 3) x, y and third number of the entries' K joints, and their skeleton."""
    rows = np.array([e["keypoints"] for e in entries] or np.zeros((0, 3 * len(names or COCO_17))), float)
    width = rows.shape[1]
    if names and width == 3 * len(names):
        skeleton = skeleton_of("COCO file", names)
    elif width % 3 or width // 3 not in _BY_COUNT:
        raise InvalidValue(f"keypoints: expected 3 numbers for each of 17 or 14 joints, got {width}")
    else:
        skeleton = _BY_COUNT[width // 3]
    return skeleton, rows.reshape(-1, len(skeleton), 3)


def _names(held: dict[str, Any]) -> tuple[str, ...]:
    """The joints' names in the data set's category, none where it has none."""
    said = [c["keypoints"] for c in held.get("categories", ()) if c.get("keypoints")]
    return tuple(map(str, said[0])) if said else ()


def poses_of(xys: Floats, frame: Ints, skeleton: Skeleton, rate: float | None) -> Poses2D:
    """Poses from (T, K, 3) x, y and score; 0, 0 with score 0, as many write a missing joint, is NaN.

    Raises InvalidValue where a frame comes twice.
    """
    if len(np.unique(frame)) < len(frame):
        raise InvalidValue("frame: expected each frame once, got some more often")
    xy, score = xys[..., :2], xys[..., 2]
    lost = (score == 0) & (xy == 0).all(-1) | ~np.isfinite(xy).all(-1)
    time = frame / rate if rate else np.full(len(frame), np.nan)
    unknown = np.full(score.shape, np.nan)
    return Poses2D(np.where(lost[..., None], np.nan, xy), np.where(lost, 0, score), unknown, time, frame, skeleton)
